// The keys and certificates of one control plane, and the directory that keeps them.
#pragma once

#include <string>
#include <vector>

#include "runtime/pki/certificate.hpp"

namespace keelson::runtime {

struct Pki {
  CertificateAuthority authority;
  KeyPair server;                   // of the API server; also good as its client certificate
  KeyPair admin;                    // kubernetes-admin in system:masters
  std::string service_account_key;  // RSA: signs the tokens of service accounts
};

// The files in `directory`, named as kubeadm names them: ca, apiserver and admin (.crt and .key),
// sa.key and sa.pub. What is missing is made; the server's and the admin's certificates are made
// anew when they are not of this authority, end within 30 days, or (the server's) lack one of the
// `names`: IP addresses and DNS names by which clients reach it.
//
// Code::invalid: what is there cannot be used, and is left as it is; the message names the file.
// Reads and writes files and takes up to a second: not for the core thread of a running server.
Result<Pki> load_or_create(const std::string& directory, const std::vector<std::string>& names);

// The same, with the server's and the admin's certificates made anew in any case.
// Code::not_found: there is no authority; load_or_create() would make a new one, for a new cluster.
Result<Pki> renew(const std::string& directory, const std::vector<std::string>& names);

// A certificate by which its owner is that user in those groups.
Result<KeyPair> client_certificate(const CertificateAuthority& authority, const std::string& user,
                                   const std::vector<std::string>& groups);

}  // namespace keelson::runtime
