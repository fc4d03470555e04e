// The ConfigMap in every namespace by which pods recognise the API server.
#pragma once

#include <string>

#include "core/api/types.hpp"

namespace keelson::api {

inline constexpr const char* kRootCaName = "kube-root-ca.crt";
inline constexpr const char* kRootCaKey = "ca.crt";

ConfigMap root_ca_map(const std::string& ns, const std::string& certificates_pem);

}  // namespace keelson::api
