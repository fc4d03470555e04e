// How a host becomes somebody to a cluster: it recognises the cluster's authority by the hash of its key,
// and is given a certificate for its own key by showing a token.
#pragma once

#include <string>

#include "core/base/result.hpp"
#include "runtime/pki/certificate.hpp"
#include "tools/cli/host/admin_api.hpp"

namespace keelson::cli {

// The certificate of the authority behind a server, whose key has this hash. Code::denied: it has
// another, which may mean that somebody stands between.
Result<std::string> authority_of(const std::string& server, const std::string& key_hash);

// A key and its certificate as node `name`, requested with `api`'s credential (a bootstrap token).
// Waits up to a minute for it.
Result<runtime::KeyPair> node_certificate(AdminApi& api, const std::string& name);

}  // namespace keelson::cli
