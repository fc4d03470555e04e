// The faults that hosts on one machine can suffer: those of the simulator (sim/faults) that have a meaning
// there, under the same names and with the same parameters.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/rng.hpp"
#include "sim/faults/fault.hpp"
#include "tools/cli/real/possible.hpp"
#include "tools/hosts/hosts.hpp"

namespace keelson::real {

// What a fault gets to work with.
struct Stage {
  hosts::Hosts& hosts;
  std::vector<Place>& places;
  Rng& rng;
  std::function<void(std::string text)> note;
  // Ends the fault after its time; `what` is noted then, unless it is empty.
  std::function<void(const sim::FaultSpec& spec, std::string what, std::function<void()> heal)> later;
  // Since `at` the node has no power, or has it again.
  std::function<void(const std::string& node, bool on, std::chrono::steady_clock::time_point at)> powered;
  // From now on others reach the node, or do not.
  std::function<void(const std::string& node, bool others)> reached;
};

struct RealFault {
  std::string_view name;
  std::string_view how;  // what is done, for people
  // False: there was nothing to break.
  bool (*inject)(Stage& stage, const sim::FaultSpec& spec);
};

std::span<const RealFault> real_faults();
const RealFault* find_real_fault(std::string_view name);  // nullptr: there is none

}  // namespace keelson::real
