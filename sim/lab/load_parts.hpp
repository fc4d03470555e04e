// The parts of read_workload (load.hpp): what the formats share, and one function per format.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sim/lab/generators/generate.hpp"
#include "sim/lab/load.hpp"
#include "sim/lab/readers/collector.hpp"

namespace keelson::lab {

// What every format may say.
struct Common {
  Window window;
  bool lenient = false;
  std::vector<NodeGroup> nodes;  // empty: the trace's own machines
  int64_t rate_milli = 1000;     // arrivals come so many thousandths as often
  std::string folder;            // paths are relative to it
};

using Loader = std::function<Result<Loaded>(uint64_t seed)>;

// A path in a field, completed by the folder; empty and complained about if it is needed and absent.
std::string read_path(sim::MapReader& map, const std::string& field, const Common& common,
                      bool needed);
// A decimal number in units of 10^-digits; `low` and `high` are in whole units.
int64_t read_decimal(sim::MapReader& map, const std::string& field, int digits, int64_t fallback,
                     int64_t low, int64_t high);
// A resource amount ("64", "500m", "256Gi") in thousandths or, whole, rounded up.
int64_t read_milli(sim::MapReader& map, const std::string& field, int64_t fallback);
int64_t read_whole(sim::MapReader& map, const std::string& field, int64_t fallback);
std::vector<NodeGroup> read_nodes(sim::MapReader& map);
// What has been recorded, as the file wants it: on its nodes, at its rate.
Result<Loaded> adapted(Result<Loaded> loaded, const Common& common);

Loader read_generated(sim::MapReader& map, const Common& common);
Loader read_fitted(sim::MapReader& map, const Common& common);
Loader read_alibaba_2017(sim::MapReader& map, const Common& common);
Loader read_alibaba_2018(sim::MapReader& map, const Common& common);
Loader read_google_2011(sim::MapReader& map, const Common& common);
Loader read_azure_2020(sim::MapReader& map, const Common& common);
Loader read_swf(sim::MapReader& map, const Common& common);
Loader read_openb_files(sim::MapReader& map, const Common& common);
Loader read_dump_file(sim::MapReader& map, const Common& common);

}  // namespace keelson::lab
