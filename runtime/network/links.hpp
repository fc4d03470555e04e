// Network interfaces and their addresses, through rtnetlink. Source: rtnetlink(7).
#pragma once

#include <string>

#include "core/base/result.hpp"

namespace keelson::network {

// Gives `ip` to the loopback interface, which makes it one of this host's own for everybody who routes
// through it. Ok if it has it already.
Status add_loopback_address(const std::string& ip);
Status remove_loopback_address(const std::string& ip);

// Removes the network interface `name`, if there is one.
Status remove_link(const std::string& name);

}  // namespace keelson::network
