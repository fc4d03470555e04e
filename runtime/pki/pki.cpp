#include "runtime/pki/pki.hpp"

#include <algorithm>
#include <ctime>

#include "runtime/pki/files.hpp"
#include "runtime/pki/keys.hpp"

namespace keelson::runtime {

namespace {

constexpr int64_t kRenewBeforeSeconds = 30 * 24 * 3600;

// Adds to an error which file it is about.
Error about(const std::string& path, const Error& error) {
  return {error.code, path + ": " + error.message};
}

class Directory {
 public:
  explicit Directory(std::string path) : path_(std::move(path)) {}

  std::string file(const std::string& name) const { return path_ + "/" + name; }

  // Empty: there is none.
  Result<std::string> read(const std::string& name) const {
    Result<std::string> content = read_file(file(name));
    if (!content && content.code() == Code::not_found) return std::string();
    return content;
  }
  Status write(const std::string& name, const std::string& content) const {
    return write_private_file(file(name), content);
  }

  Result<KeyPair> read_pair(const std::string& name) const {
    Result<std::string> certificate = read(name + ".crt");
    if (!certificate) return certificate.error();
    Result<std::string> key = read(name + ".key");
    if (!key) return key.error();
    return KeyPair{std::move(*certificate), std::move(*key)};
  }
  // The key first: a certificate without its key is of no use, a key without its certificate is
  // made good by the next start.
  Status write_pair(const std::string& name, const KeyPair& pair) const {
    if (Status status = write(name + ".key", pair.key); !status) return status;
    return write(name + ".crt", pair.certificate);
  }

 private:
  std::string path_;
};

Result<CertificateAuthority> authority(const Directory& directory) {
  Result<KeyPair> pair = directory.read_pair("ca");
  if (!pair) return pair.error();
  if (!pair->certificate.empty() && pair->key.empty()) {
    return Error{Code::invalid, directory.file("ca.key") +
                                    " is missing, but its certificate is there: put the key back, "
                                    "or remove the directory to start a new cluster"};
  }
  if (!pair->certificate.empty()) {
    Result<CertificateAuthority> loaded = CertificateAuthority::load(*pair);
    if (!loaded) return about(directory.file("ca.crt"), loaded.error());
    return loaded;
  }
  Result<CertificateAuthority> made = CertificateAuthority::create("kubernetes");
  if (!made) return made;
  if (Status status = directory.write_pair("ca", made->pair()); !status) return status.error();
  return made;
}

bool usable(const CertificateAuthority& authority, const KeyPair& pair,
            const std::vector<std::string>& names) {
  if (pair.certificate.empty() || pair.key.empty() || !authority.issued(pair.certificate)) {
    return false;
  }
  const Result<CertificateInfo> info = read_certificate(pair.certificate);
  if (!info || info->ends < static_cast<int64_t>(std::time(nullptr)) + kRenewBeforeSeconds) {
    return false;
  }
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return std::find(info->names.begin(), info->names.end(), name) != info->names.end();
  });
}

// `chain`: with the authority's own behind it, so that whoever knows the authority's hash finds it.
Result<KeyPair> certificate(const Directory& directory, const CertificateAuthority& authority,
                            const std::string& name, const CertificateSpec& spec, bool chain,
                            bool anew) {
  Result<KeyPair> pair = directory.read_pair(name);
  if (!pair) return pair;
  const std::string& root = authority.pair().certificate;
  if (!anew && usable(authority, *pair, spec.names) && (!chain || pair->certificate.ends_with(root))) {
    return pair;
  }
  Result<KeyPair> made = authority.issue(spec);
  if (!made) return about(directory.file(name + ".crt"), made.error());
  if (chain) made->certificate += root;
  if (Status status = directory.write_pair(name, *made); !status) return status.error();
  return made;
}

Result<std::string> service_account_key(const Directory& directory) {
  Result<std::string> key = directory.read("sa.key");
  if (!key) return key;
  const bool made = key->empty();
  if (made) {
    key = generate_key(KeyType::rsa_2048);
    if (!key) return key;
    if (Status status = directory.write("sa.key", *key); !status) return status.error();
  }
  Result<std::string> pub = public_key(*key);
  if (!pub) return about(directory.file("sa.key"), pub.error());
  Result<std::string> written = directory.read("sa.pub");
  if (!written) return written;
  if (*written != *pub) {
    if (Status status = directory.write("sa.pub", *pub); !status) return status.error();
  }
  return key;
}

}  // namespace

Result<KeyPair> client_certificate(const CertificateAuthority& authority, const std::string& user,
                                   const std::vector<std::string>& groups) {
  CertificateSpec spec;
  spec.subject = {user, groups};
  spec.use.client = true;
  return authority.issue(spec);
}

namespace {

Result<Pki> load(const std::string& path, const std::vector<std::string>& names, bool anew) {
  if (Status status = make_private_directory(path); !status) return status.error();
  const Directory directory(path);
  Result<CertificateAuthority> ca = authority(directory);
  if (!ca) return ca.error();

  CertificateSpec server;
  server.subject.common_name = "kube-apiserver";
  server.names = names;
  server.use = {.client = true, .server = true};
  Result<KeyPair> server_pair = certificate(directory, *ca, "apiserver", server, true, anew);
  if (!server_pair) return server_pair.error();

  CertificateSpec admin;
  admin.subject = {"kubernetes-admin", {"system:masters"}};
  admin.use.client = true;
  Result<KeyPair> admin_pair = certificate(directory, *ca, "admin", admin, false, anew);
  if (!admin_pair) return admin_pair.error();

  Result<std::string> key = service_account_key(directory);
  if (!key) return key.error();
  return Pki{std::move(*ca), std::move(*server_pair), std::move(*admin_pair), std::move(*key)};
}

}  // namespace

Result<Pki> load_or_create(const std::string& path, const std::vector<std::string>& names) {
  return load(path, names, false);
}

Result<Pki> renew(const std::string& path, const std::vector<std::string>& names) {
  if (const auto ca = read_file(path + "/ca.key"); !ca) return ca.error();
  return load(path, names, true);
}

}  // namespace keelson::runtime
