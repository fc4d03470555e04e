// What `keelson init`, `join` and `reset` need to know of the host they run on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.hpp"

namespace keelson::cli {

std::string host_name();
// The address by which others reach this host: that of the default route. Empty: there is none.
std::string default_address();
// Where a program is; empty: it is not installed.
std::string find_program(const std::string& name);
// The path of this very program.
std::string own_path();
// Whether a TCP port can be bound.
bool port_free(const std::string& address, uint16_t port);
bool valid_address(const std::string& text);

// What a host lacks, each with what to do about it. Empty: it is fit.
std::vector<std::string> missing_for_control_plane(bool needs_redis, const std::string& bind_address,
                                                   uint16_t port);
std::vector<std::string> missing_for_node(bool needs_containerd, uint16_t port);
// Prints them to standard error. True: there are none.
bool fit(const std::string& command, const std::vector<std::string>& missing);


}  // namespace keelson::cli
