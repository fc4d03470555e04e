// A policy is a scheduler profile with a name: which plugins decide and with which weights. The
// laboratory runs the production scheduler's decision with it.
#pragma once

#include <span>
#include <string>

#include "core/base/result.hpp"
#include "core/scheduler/framework/profile.hpp"

namespace keelson::lab {

struct Policy {
  std::string name;    // "BestFit"
  std::string source;  // the paper or project that defined it
  scheduler::ProfileOptions profile;
};

}  // namespace keelson::lab
