// What a hostPath volume demands of the path: that something of its type is there, or is made.
#pragma once

#include <string>

#include "core/base/result.hpp"

namespace keelson::volumes {

// Code::invalid with kubelet's message if there is something else, or nothing. Blocks.
Status check_host_path(const std::string& path, const std::string& type);

}  // namespace keelson::volumes
