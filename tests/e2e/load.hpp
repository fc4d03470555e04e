// Clients that come all the time, for tests: see tools/hosts/load.hpp.
#pragma once

#include "tools/hosts/load.hpp"

namespace keelson::e2e {

using hosts::Load;

}  // namespace keelson::e2e
