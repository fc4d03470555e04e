// A policy is a scheduler profile with a name: which plugins decide and with which weights. The
// laboratory runs the production scheduler's decision with it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "core/scheduler/framework/profile.hpp"

namespace keelson::lab {

struct Policy {
  std::string name;    // "BestFit"
  std::string source;  // the paper or project that defined it
  scheduler::ProfileOptions profile;
  // Of pods that were refused, in experiments over time; kube-scheduler's defaults.
  Duration backoff_initial = 1s, backoff_max = 10s;
  // What its configuration asks for without having an effect: "parallelism: has no effect: ...".
  std::vector<std::string> notes = {};
};

}  // namespace keelson::lab
