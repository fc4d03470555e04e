// Which workload an experiment plays: the `workload` section of its file, and the loading of it.
//
//   workload:
//     format: openb | alibaba-2017 | alibaba-2018 | google-2011 | azure-2020 | swf | dump |
//             generated | fitted
//     ...                fields of the format: README.md has them all
//     nodes: [{count: 100, cpu: 64, memory: 256Gi, zones: 3}]   instead of the trace's machines
//     window: {from: 24h, for: 2h}   only what came then
//     limit: 10000       only the first so many pods (of the window)
//     scale: 1.5         arrivals come one and a half times as often
//     lenient: true      rows that cannot be used are counted instead of refused
//
// Paths are relative to the folder of the file that names them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/base/result.hpp"
#include "sim/lab/loaded.hpp"
#include "sim/scenario/reader.hpp"

namespace keelson::lab {

// A workload that is named, but not loaded yet.
struct WorkloadSpec {
  std::string format;
  // Another seed gives another workload: it is made, not recorded.
  bool random = false;
  // Error: Code::invalid, "FILE:LINE: field: why". Not for several threads at once.
  std::function<Result<Loaded>(uint64_t seed)> load;
};

// Reads the section; complaints go into the map's errors. `folder`: of the experiment's file ("" is
// the working directory). `lenient`: even if the section does not say so. The result can be used if
// there were none.
WorkloadSpec read_workload(sim::MapReader map, const std::string& folder, bool lenient = false);

// REQUIRES: read without complaints.
inline Result<Loaded> load_workload(const WorkloadSpec& spec, uint64_t seed) {
  return spec.load(seed);
}

}  // namespace keelson::lab
