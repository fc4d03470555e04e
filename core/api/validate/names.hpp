// Name rules that hardly anybody but validation uses; those of everybody are in validation.hpp.
// Empty result: valid; else the reasons, as Kubernetes words them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace keelson::api {

// An IANA service name, which is what a port may be called.
std::vector<std::string> check_port_name(std::string_view name);
std::vector<std::string> check_env_name(std::string_view name);
// A key of a ConfigMap or Secret: it must be usable as a file name.
std::vector<std::string> check_config_key(std::string_view key);
std::vector<std::string> check_http_header_name(std::string_view name);
// What every object name must be in order to stand in a URL.
std::vector<std::string> check_path_segment(std::string_view name);

}  // namespace keelson::api
