// Certificates: an authority that signs for its own keys and for the requests of others, and what
// there is to know about a certificate. X.509 v3, SHA-256.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace keelson::runtime {

// How long what is issued here is valid. Certificates begin five minutes ago, as clocks differ.
inline constexpr int64_t kAuthorityDays = 3650;
inline constexpr int64_t kCertificateDays = 365;

struct CertificateSubject {
  std::string common_name;                 // of a client: the user's name
  std::vector<std::string> organizations;  // of a client: its groups
};

struct CertificateUse {
  bool client = false;
  bool server = false;
};

struct CertificateSpec {
  CertificateSubject subject;
  std::vector<std::string> names;  // subject alternative names: IP addresses and DNS names
  CertificateUse use;
  int64_t seconds = kCertificateDays * 24 * 3600;  // not beyond the authority's own end
};

struct CertificateInfo {
  CertificateSubject subject;
  std::vector<std::string> names;  // DNS names and IP addresses
  int64_t begins = 0, ends = 0;    // unix seconds
};

// PEM texts of a key and its certificate.
struct KeyPair {
  std::string certificate;
  std::string key;
};

// May be used on any thread, but not on several at once.
class CertificateAuthority {
 public:
  // A new one with a new EC key, signed by itself.
  static Result<CertificateAuthority> create(const std::string& common_name);
  // Code::invalid: not a certificate of an authority, not a key, or they do not belong together.
  static Result<CertificateAuthority> load(const KeyPair& pair);

  const KeyPair& pair() const { return pair_; }

  // "sha256:" and the hash of the authority's public key in hex: by it a joining machine knows that
  // it talks to the right cluster (kubeadm's --discovery-token-ca-cert-hash).
  std::string key_hash() const;

  // A new EC key and its certificate.
  Result<KeyPair> issue(const CertificateSpec& spec) const;

  // A certificate for the key of a PKCS#10 request; subject and names are those of the request, the
  // rest is the caller's. Code::invalid: the request cannot be read or is not signed by its key.
  Result<std::string> sign_request(std::string_view request_pem, CertificateUse use,
                                   int64_t seconds) const;

  // Whether a certificate was signed by this authority.
  bool issued(std::string_view certificate_pem) const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
  KeyPair pair_;
};

Result<CertificateInfo> read_certificate(std::string_view pem);
// As CertificateAuthority::key_hash(), of any certificate. Code::invalid: it is none.
Result<std::string> public_key_hash(std::string_view certificate_pem);

// What a request asks for, for those who decide about it.
struct RequestInfo {
  CertificateSubject subject;
  std::vector<std::string> dns_names, ip_addresses;
  bool other_names = false;  // e-mail addresses, URIs and the like
};
// Code::invalid: it cannot be read or is not signed by its key.
Result<RequestInfo> read_request(std::string_view pem);

// A new key and a request for it, as a joining machine makes them.
struct KeyAndRequest {
  std::string key, request;
};
Result<KeyAndRequest> make_request(const CertificateSubject& subject,
                                   const std::vector<std::string>& names = {});

}  // namespace keelson::runtime
