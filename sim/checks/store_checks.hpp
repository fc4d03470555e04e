// The parts of the store checks that stand in files of their own.
#pragma once

#include <memory>

#include "sim/checks/check.hpp"

namespace keelson::sim {

std::unique_ptr<Check> make_watch_check(const CheckContext& context);  // ST-5, ST-6, ST-9
std::unique_ptr<Check> make_read_check(const CheckContext& context);   // ST-7, ST-8

}  // namespace keelson::sim
