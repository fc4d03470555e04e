// The file by which kubectl and client libraries find a cluster.
#pragma once

#include <string>

namespace keelson::runtime {

// One cluster, one user and one context, all called "keelson", as YAML. The PEM texts are embedded;
// empty ones are left out (plain HTTP: no authority; no client certificate: anonymous).
std::string kubeconfig(const std::string& server_url, const std::string& ca_pem,
                       const std::string& client_certificate_pem,
                       const std::string& client_key_pem);

// The same for a user with a bearer token.
std::string kubeconfig_with_token(const std::string& server_url, const std::string& ca_pem,
                                  const std::string& token);

}  // namespace keelson::runtime
