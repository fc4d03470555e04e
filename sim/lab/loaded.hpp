// A workload as a reader hands it over.
#pragma once

#include "sim/lab/workload.hpp"

namespace keelson::lab {

struct Loaded {
  Workload workload;
  Skipped skipped;  // rows that could not be used; only if the reading was lenient
};

}  // namespace keelson::lab
