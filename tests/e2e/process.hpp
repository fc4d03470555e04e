// Real programs, for tests: see tools/hosts/process.hpp.
#pragma once

#include "tools/hosts/process.hpp"

namespace keelson::e2e {

using hosts::Daemon;
using hosts::Outcome;
using hosts::read_file;
using hosts::run;
using hosts::TemporaryDir;

}  // namespace keelson::e2e
