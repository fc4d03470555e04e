// Azure's trace for packing (2020): requests for virtual machines, with their types.
// Source: github.com/Azure/AzurePublicDataset, AzureTracesForPacking2020.md; Hadary et al., "Protean",
// OSDI 2020. It is published as an SQLite database; its two tables are read as CSV:
//
//   sqlite3 -header -csv packing_trace_zone_a_v1.sqlite 'SELECT vmId, vmTypeId, priority, starttime,
//     endtime FROM vm' > vm.csv
//   sqlite3 -header -csv packing_trace_zone_a_v1.sqlite 'SELECT vmTypeId, machineId, core, memory, hdd,
//     ssd, nic FROM vmType' > vmType.csv
//
// (further columns and another order do no harm). Times are in days since the collection began: those
// before it are of machines that were there already, which come at 0. A type's amounts are shares of a
// machine of the generation `machineId`. A cluster here has machines of one generation; what cannot run
// on it is left out. Priority 0 is high and becomes 1, 1 is low (may be evicted) and becomes 0.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/result.hpp"
#include "sim/lab/loaded.hpp"
#include "sim/lab/readers/collector.hpp"

namespace keelson::lab {

struct AzureOptions {
  std::string vms, types;  // files, or folders of files
  Window window;
  bool lenient = false;
  // The generation of the machines; absent: the one that most types can run on, of several the first.
  std::optional<int64_t> machine;
  int64_t machines = 0;  // how many; 0: the workload has no nodes of its own
  // What one machine counts for. Disks and network are in thousandths of a machine's.
  int64_t machine_cpu_milli = 64'000;
  int64_t machine_memory_bytes = int64_t{512} << 30;
};

inline constexpr const char* kAzureSsd = "azure.trace/ssd-milli";
inline constexpr const char* kAzureHdd = "azure.trace/hdd-milli";
inline constexpr const char* kAzureNic = "azure.trace/nic-milli";

// Error: Code::invalid, "FILE:LINE: field: why".
Result<Loaded> read_azure_2020(const AzureOptions& options);

}  // namespace keelson::lab
