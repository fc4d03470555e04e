// Certificates for tests: a CA of its own, and what it signs, as PEM texts and files.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "runtime/loop/entropy.hpp"

namespace keelson::http::test {

struct Pem {
  std::string cert, key;
};

class TestCa {
 public:
  TestCa() : key_(EVP_EC_gen("P-256"), EVP_PKEY_free) {
    ca_.reset(make("test-ca", {}, key_.get(), "critical,CA:TRUE", "", ""));
  }
  std::string cert() const { return pem(ca_.get()); }

  Pem server() const { return issue("localhost", {}, "serverAuth", "IP:127.0.0.1,DNS:localhost"); }
  Pem client(const std::string& name, const std::vector<std::string>& groups) const {
    return issue(name, groups, "clientAuth", "");
  }

 private:
  using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

  Pem issue(const std::string& name, const std::vector<std::string>& groups,
            const std::string& usage, const std::string& alternatives) const {
    const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    X509* certificate = make(name, groups, key.get(), "CA:FALSE", usage, alternatives);
    Pem out{pem(certificate), ""};
    X509_free(certificate);
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    out.key = text(bio);
    return out;
  }

  X509* make(const std::string& name, const std::vector<std::string>& groups, EVP_PKEY* key,
             const std::string& constraints, const std::string& usage,
             const std::string& alternatives) const {
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), runtime::entropy_seed() >> 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    for (const std::string& group : groups) add(subject, "O", group);
    add(subject, "CN", name);
    X509* issuer = ca_ ? ca_.get() : certificate;
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
    extend(certificate, issuer, NID_basic_constraints, constraints);
    extend(certificate, issuer, NID_ext_key_usage, usage);
    extend(certificate, issuer, NID_subject_alt_name, alternatives);
    X509_sign(certificate, key_.get(), EVP_sha256());
    return certificate;
  }
  static void add(X509_NAME* subject, const char* field, const std::string& value) {
    X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(value.data()),
                               static_cast<int>(value.size()), -1, 0);
  }
  static void extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
    if (value.empty()) return;
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
  }
  static std::string pem(X509* certificate) {
    BIO* bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, certificate);
    return text(bio);
  }
  static std::string text(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string out(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return out;
  }

  Key key_;
  std::unique_ptr<X509, decltype(&X509_free)> ca_{nullptr, X509_free};
};

// A directory that goes away with the test.
class TempDir {
 public:
  TempDir() {
    char pattern[] = "/tmp/keelson-test-XXXXXX";
    path_ = ::mkdtemp(pattern);
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = path_ + "/" + name;
    std::ofstream(path) << text;
    return path;
  }
  std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace keelson::http::test
