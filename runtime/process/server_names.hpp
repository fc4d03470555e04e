// By which names clients may call a control plane: those in its certificate.
#pragma once

#include <string>
#include <vector>

#include "runtime/process/config.hpp"

namespace keelson::runtime {

// REQUIRES: serviceCIDR is a network. Its first address is the API's inside the cluster.
std::vector<std::string> server_names(const ControlPlaneConfig& config);

}  // namespace keelson::runtime
