// What the command line changes of a scenario, for `sim run` and `sim replay` alike.
#pragma once

#include "core/base/result.hpp"
#include "sim/report/report.hpp"

namespace keelson::cli {

constexpr int kBadUsage = 2;

// Applies the profile, and switches the seeded bug on. Error: there is no such thing, or not in
// this build.
Status prepare(const sim::Invocation& invocation, sim::Scenario& scenario);

}  // namespace keelson::cli
