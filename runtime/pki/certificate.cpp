#include "runtime/pki/certificate.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <ctime>

#include "runtime/pki/keys.hpp"
#include "runtime/pki/x509.hpp"

namespace keelson::runtime {

namespace {

constexpr int64_t kBackdateSeconds = 300;
// Random enough that no two certificates of an authority are alike (RFC 5280: at most 20 bytes).
constexpr int kSerialBits = 127;

int64_t now_seconds() {
  return static_cast<int64_t>(std::time(nullptr));
}

int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return static_cast<int64_t>(timegm(&parts));
}

bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const ssl::Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
  const ssl::Number number(BN_new());
  return number && BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_times(X509* certificate, int64_t begins, int64_t ends) {
  return ASN1_TIME_set(X509_getm_notBefore(certificate), static_cast<std::time_t>(begins)) &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), static_cast<std::time_t>(ends));
}

// Everything but subject, key and signature.
struct Frame {
  int64_t begins = 0, ends = 0;
  std::string key_usage, extended_usage;
  bool authority = false;
};

bool fill(X509* certificate, X509* issuer, const Frame& frame) {
  return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
         set_times(certificate, frame.begins, frame.ends) &&
         X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
         add_extension(certificate, issuer, NID_basic_constraints,
                       frame.authority ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
         add_extension(certificate, issuer, NID_key_usage, frame.key_usage.c_str()) &&
         (frame.extended_usage.empty() ||
          add_extension(certificate, issuer, NID_ext_key_usage, frame.extended_usage.c_str())) &&
         add_extension(certificate, issuer, NID_subject_key_identifier, "hash") &&
         add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always");
}

std::string usage_text(CertificateUse use) {
  if (use.client && use.server) return "serverAuth,clientAuth";
  return use.client ? "clientAuth" : use.server ? "serverAuth" : "";
}

std::string pem_of(X509* certificate) {
  return ssl::written([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

std::string hash_of_key(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(X509_get0_pubkey(certificate), &der);
  if (size <= 0) return {};
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(der, static_cast<std::size_t>(size), digest);
  OPENSSL_free(der);
  constexpr std::string_view hex = "0123456789abcdef";
  std::string text = "sha256:";
  for (const unsigned char byte : digest) {
    text += hex[byte >> 4];
    text += hex[byte & 15];
  }
  return text;
}

}  // namespace

struct CertificateAuthority::Impl {
  ssl::Certificate certificate;
  ssl::Key key;

  Result<std::string> sign(X509* subject, CertificateUse use, bool rsa, int64_t seconds) const {
    Frame frame;
    frame.begins = now_seconds() - kBackdateSeconds;
    frame.ends =
        std::min(now_seconds() + seconds, seconds_of(X509_get0_notAfter(certificate.get())));
    // Only RSA keys encipher keys.
    frame.key_usage =
        rsa ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature";
    frame.extended_usage = usage_text(use);
    if (!fill(subject, certificate.get(), frame) ||
        X509_sign(subject, key.get(), EVP_sha256()) == 0) {
      return ssl::error(Code::unavailable, "cannot sign a certificate");
    }
    std::string pem = pem_of(subject);
    if (pem.empty()) return ssl::error(Code::unavailable, "cannot write a certificate");
    return pem;
  }
};

Result<CertificateAuthority> CertificateAuthority::create(const std::string& common_name) {
  Result<std::string> key_pem = generate_key(KeyType::ec_p256);
  if (!key_pem) return key_pem.error();
  const ssl::Key key = ssl::read_private_key(*key_pem);
  const ssl::Certificate certificate(X509_new());
  Frame frame;
  frame.begins = now_seconds() - kBackdateSeconds;
  frame.ends = now_seconds() + kAuthorityDays * 24 * 3600;
  frame.key_usage = "critical,digitalSignature,keyEncipherment,keyCertSign,cRLSign";
  frame.authority = true;
  if (!key || !certificate ||
      !ssl::set_subject(X509_get_subject_name(certificate.get()), {common_name, {}}) ||
      X509_set_pubkey(certificate.get(), key.get()) != 1 ||
      !fill(certificate.get(), certificate.get(), frame) ||
      X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0) {
    return ssl::error(Code::unavailable, "cannot make a certificate authority");
  }
  return load({pem_of(certificate.get()), std::move(*key_pem)});
}

Result<CertificateAuthority> CertificateAuthority::load(const KeyPair& pair) {
  auto impl = std::make_shared<Impl>();
  impl->certificate = ssl::read_certificate(pair.certificate);
  if (!impl->certificate) {
    return ssl::error(Code::invalid, "the authority's certificate is not a PEM certificate");
  }
  impl->key = ssl::read_private_key(pair.key);
  if (!impl->key) return ssl::error(Code::invalid, "the authority's key is not a PEM private key");
  if (X509_check_ca(impl->certificate.get()) != 1) {
    return Error{Code::invalid, "the certificate is not one of an authority (CA:TRUE)"};
  }
  if (X509_check_private_key(impl->certificate.get(), impl->key.get()) != 1) {
    return ssl::error(Code::invalid, "the authority's key does not belong to its certificate");
  }
  CertificateAuthority authority;
  authority.impl_ = std::move(impl);
  authority.pair_ = pair;
  return authority;
}

std::string CertificateAuthority::key_hash() const {
  return hash_of_key(impl_->certificate.get());
}

Result<std::string> public_key_hash(std::string_view certificate_pem) {
  const ssl::Certificate certificate = ssl::read_certificate(certificate_pem);
  if (!certificate) return ssl::error(Code::invalid, "not a certificate");
  return hash_of_key(certificate.get());
}

Result<KeyPair> CertificateAuthority::issue(const CertificateSpec& spec) const {
  Result<std::string> key_pem = generate_key(KeyType::ec_p256);
  if (!key_pem) return key_pem.error();
  const ssl::Key key = ssl::read_private_key(*key_pem);
  const ssl::Certificate certificate(X509_new());
  if (!key || !certificate || X509_set_pubkey(certificate.get(), key.get()) != 1) {
    return ssl::error(Code::unavailable, "cannot make a certificate");
  }
  if (!ssl::set_subject(X509_get_subject_name(certificate.get()), spec.subject)) {
    return ssl::error(Code::invalid,
                      "a certificate cannot be made out to \"" + spec.subject.common_name + "\"");
  }
  if (!spec.names.empty()) {
    const ssl::Names names = ssl::make_names(spec.names);
    if (!names) {
      return Error{Code::invalid, "a name is neither an IP address nor a DNS name"};
    }
    if (X509_add1_ext_i2d(certificate.get(), NID_subject_alt_name, names.get(), 0,
                          X509V3_ADD_APPEND) != 1) {
      return ssl::error(Code::unavailable, "cannot write the names of a certificate");
    }
  }
  Result<std::string> pem = impl_->sign(certificate.get(), spec.use, false, spec.seconds);
  if (!pem) return pem.error();
  return KeyPair{std::move(*pem), std::move(*key_pem)};
}

Result<std::string> CertificateAuthority::sign_request(std::string_view request_pem,
                                                       CertificateUse use, int64_t seconds) const {
  const ssl::Request request = ssl::read_request(request_pem);
  if (!request) {
    return ssl::error(Code::invalid,
                      "the request is not a PEM certificate request signed by its key");
  }
  const ssl::Certificate certificate(X509_new());
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (!certificate || X509_set_pubkey(certificate.get(), key) != 1 ||
      X509_set_subject_name(certificate.get(), X509_REQ_get_subject_name(request.get())) != 1) {
    return ssl::error(Code::unavailable, "cannot make a certificate");
  }
  if (const ssl::Names names = ssl::names_of(request.get())) {
    if (X509_add1_ext_i2d(certificate.get(), NID_subject_alt_name, names.get(), 0,
                          X509V3_ADD_APPEND) != 1) {
      return ssl::error(Code::invalid, "cannot take over the names of the request");
    }
  }
  return impl_->sign(certificate.get(), use, EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA, seconds);
}

bool CertificateAuthority::issued(std::string_view certificate_pem) const {
  const ssl::Certificate certificate = ssl::read_certificate(certificate_pem);
  const bool ours = certificate && X509_verify(certificate.get(), impl_->key.get()) == 1;
  ERR_clear_error();
  return ours;
}

Result<CertificateInfo> read_certificate(std::string_view pem) {
  const ssl::Certificate certificate = ssl::read_certificate(pem);
  if (!certificate) return ssl::error(Code::invalid, "this is not a PEM certificate");
  CertificateInfo info;
  info.subject = ssl::subject_of(X509_get_subject_name(certificate.get()));
  const ssl::Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  info.names = ssl::dns_names(names.get());
  for (std::string& ip : ssl::ip_addresses(names.get())) info.names.push_back(std::move(ip));
  info.begins = seconds_of(X509_get0_notBefore(certificate.get()));
  info.ends = seconds_of(X509_get0_notAfter(certificate.get()));
  return info;
}

Result<RequestInfo> read_request(std::string_view pem) {
  const ssl::Request request = ssl::read_request(pem);
  if (!request) {
    return ssl::error(Code::invalid,
                      "the request is not a PEM certificate request signed by its key");
  }
  RequestInfo info;
  info.subject = ssl::subject_of(X509_REQ_get_subject_name(request.get()));
  if (const ssl::Names names = ssl::names_of(request.get())) {
    info.dns_names = ssl::dns_names(names.get());
    info.ip_addresses = ssl::ip_addresses(names.get());
    const std::size_t known = info.dns_names.size() + info.ip_addresses.size();
    info.other_names = static_cast<std::size_t>(sk_GENERAL_NAME_num(names.get())) != known;
  }
  return info;
}

Result<KeyAndRequest> make_request(const CertificateSubject& subject,
                                   const std::vector<std::string>& names) {
  Result<std::string> key_pem = generate_key(KeyType::ec_p256);
  if (!key_pem) return key_pem.error();
  const ssl::Key key = ssl::read_private_key(*key_pem);
  const ssl::Request request(X509_REQ_new());
  if (!key || !request || !ssl::set_subject(X509_REQ_get_subject_name(request.get()), subject) ||
      X509_REQ_set_pubkey(request.get(), key.get()) != 1) {
    return ssl::error(Code::invalid, "cannot make a request for \"" + subject.common_name + "\"");
  }
  if (!names.empty()) {
    const ssl::Names list = ssl::make_names(names);
    if (!list) return Error{Code::invalid, "a name is neither an IP address nor a DNS name"};
    const ssl::Extension extension(X509V3_EXT_i2d(NID_subject_alt_name, 0, list.get()));
    const ssl::Extensions extensions(sk_X509_EXTENSION_new_null());
    if (!extension || !extensions ||
        sk_X509_EXTENSION_push(extensions.get(), X509_EXTENSION_dup(extension.get())) == 0 ||
        X509_REQ_add_extensions(request.get(), extensions.get()) != 1) {
      return ssl::error(Code::unavailable, "cannot write the names of a request");
    }
  }
  if (X509_REQ_sign(request.get(), key.get(), EVP_sha256()) == 0) {
    return ssl::error(Code::unavailable, "cannot sign a request");
  }
  std::string pem =
      ssl::written([&](BIO* bio) { return PEM_write_bio_X509_REQ(bio, request.get()); });
  return KeyAndRequest{std::move(*key_pem), std::move(pem)};
}

}  // namespace keelson::runtime
