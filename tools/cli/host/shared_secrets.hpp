// What a further control plane must have: the authority's and the service accounts' keys, the
// configuration, the store's password. They wait, sealed, in Secret kube-system/keelson-certs for the
// host that brings the key. Sources: kubeadm's copycerts phase; its way to let them expire.
#pragma once

#include <string>

#include "core/base/result.hpp"
#include "runtime/process/config.hpp"
#include "tools/cli/host/admin_api.hpp"
#include "tools/cli/host/layout.hpp"

namespace keelson::cli {

struct SharedSecrets {
  std::string ca_certificate, ca_key, service_account_key;  // PEM
  runtime::ControlPlaneConfig config;  // of the control plane that shared them
  std::string store_password;          // empty: there is none
  std::string scheduler_config;        // the file's text; empty: there is none
};

// Code::invalid: the store of this control plane is of no use to other hosts; the message says what to do.
Status can_share(const runtime::ControlPlaneConfig& config);

// Seals this host's under a new key and uploads them for two hours, in place of what was there; users
// who may join nodes may read them. The key is all that opens them. Code::invalid as can_share().
Result<std::string> share_secrets(AdminApi& api, const Layout& layout);

// Code::not_found: nobody has uploaded any, or their time is over; denied: another key.
Result<SharedSecrets> fetch_secrets(AdminApi& api, const std::string& key);

}  // namespace keelson::cli
