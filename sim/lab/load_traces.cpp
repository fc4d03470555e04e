// The formats that are read from published traces.
#include "sim/lab/load_parts.hpp"
#include "sim/lab/readers/alibaba.hpp"
#include "sim/lab/readers/azure.hpp"
#include "sim/lab/readers/dump.hpp"
#include "sim/lab/readers/google.hpp"
#include "sim/lab/readers/openb.hpp"
#include "sim/lab/readers/swf.hpp"

namespace keelson::lab {

namespace {

Loader recorded(const Common& common, std::function<Result<Loaded>()> read) {
  return [common, read = std::move(read)](uint64_t) { return adapted(read(), common); };
}

Loader read_alibaba_of(int year, sim::MapReader& map, const Common& common) {
  AlibabaFiles files;
  files.machines = read_path(map, "machines", common, common.nodes.empty());
  files.tasks = read_path(map, "tasks", common, true);
  files.instances = read_path(map, "instances", common, false);
  AlibabaOptions options;
  options.year = year;
  options.window = common.window;
  options.lenient = common.lenient;
  options.largest_memory_bytes = read_whole(map, "largestMemory", options.largest_memory_bytes);
  if (year == 2017) options.plan_in_hundredths = map.boolean("planInHundredths", false);
  return recorded(common, [files, options] { return read_alibaba(files, options); });
}

}  // namespace

Loader read_openb_files(sim::MapReader& map, const Common& common) {
  OpenbOptions options;
  options.directory = read_path(map, "directory", common, true);
  options.nodes = map.text("nodeList", options.nodes);
  options.pods = map.text("pods", options.pods);
  options.window = common.window;
  options.lenient = common.lenient;
  return recorded(common, [options] { return read_openb(options); });
}

Loader read_alibaba_2017(sim::MapReader& map, const Common& common) {
  return read_alibaba_of(2017, map, common);
}

Loader read_alibaba_2018(sim::MapReader& map, const Common& common) {
  return read_alibaba_of(2018, map, common);
}

Loader read_google_2011(sim::MapReader& map, const Common& common) {
  GoogleFiles files;
  files.machines = read_path(map, "machines", common, common.nodes.empty());
  files.tasks = read_path(map, "tasks", common, true);
  GoogleOptions options;
  options.window = common.window;
  options.lenient = common.lenient;
  options.largest_cpu_milli = read_milli(map, "largestCpu", options.largest_cpu_milli);
  options.largest_memory_bytes = read_whole(map, "largestMemory", options.largest_memory_bytes);
  return recorded(common, [files, options] { return read_google_2011(files, options); });
}

Loader read_azure_2020(sim::MapReader& map, const Common& common) {
  AzureOptions options;
  options.vms = read_path(map, "vms", common, true);
  options.types = read_path(map, "types", common, true);
  options.window = common.window;
  options.lenient = common.lenient;
  if (map.has("machine")) options.machine = map.integer("machine", 0, 0, INT64_MAX);
  map.raw("machine");
  options.machines = map.integer("machines", 0, 0, 100'000);
  if (options.machines == 0 && common.nodes.empty()) {
    map.fail("machines", "how many? The trace does not say");
  }
  options.machine_cpu_milli = read_milli(map, "machineCpu", options.machine_cpu_milli);
  options.machine_memory_bytes = read_whole(map, "machineMemory", options.machine_memory_bytes);
  return recorded(common, [options] { return read_azure_2020(options); });
}

Loader read_swf(sim::MapReader& map, const Common& common) {
  SwfOptions options;
  options.file = read_path(map, "file", common, true);
  options.window = common.window;
  options.lenient = common.lenient;
  options.nodes = common.nodes.empty();
  options.processors_per_node = map.integer("processorsPerNode", 0, 0, 100'000);
  options.node_memory_bytes = read_whole(map, "nodeMemory", options.node_memory_bytes);
  return recorded(common, [options] { return read_swf(options); });
}

Loader read_dump_file(sim::MapReader& map, const Common& common) {
  const std::string file = read_path(map, "file", common, true);
  return recorded(common, [file]() -> Result<Loaded> {
    auto workload = read_dump(file);
    if (!workload) return workload.error();
    return Loaded{std::move(*workload), {}};
  });
}

}  // namespace keelson::lab
