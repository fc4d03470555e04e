// What to type on a host that is to join.
#pragma once

#include <string>

#include "core/base/result.hpp"
#include "tools/cli/host/cluster_objects.hpp"
#include "tools/cli/host/layout.hpp"

namespace keelson::cli {

// "keelson join 192.168.0.10:6443 --token ... --ca-cert-hash sha256:..."; with the key of uploaded
// secrets, the command that makes a control plane.
Result<std::string> join_command(const Layout& layout, const BootstrapToken& token,
                                 const std::string& certificate_key = {});

}  // namespace keelson::cli
