// The policies that experiments can name.
#pragma once

#include <span>
#include <string_view>

#include "sim/lab/policy.hpp"

namespace keelson::lab {

// In the order in which lists show them; "default" first: the scheduler's default profile.
std::span<const Policy> policies();

// Null: there is none of this name. Upper and lower case are the same; DRF is
// DominantShare.
const Policy* find_policy(std::string_view name);

}  // namespace keelson::lab
