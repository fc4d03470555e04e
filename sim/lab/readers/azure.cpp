#include "sim/lab/readers/azure.hpp"

#include <array>
#include <map>

#include "sim/lab/readers/rows.hpp"

namespace keelson::lab {

namespace {

enum VmColumn : std::size_t { kVmId, kVmType, kPriority, kStart, kEnd };
constexpr std::array<const char*, 5> kVmColumns{"vmId", "vmTypeId", "priority", "starttime",
                                                "endtime"};
enum TypeColumn : std::size_t { kTypeId, kMachineId, kCore, kMemory, kHdd, kSsd, kNic };
constexpr std::array<const char*, 7> kTypeColumns{"vmTypeId", "machineId", "core", "memory",
                                                  "hdd", "ssd", "nic"};

constexpr int64_t kNano = 1'000'000'000;
constexpr int64_t kDaysMax = 10'000;
constexpr int64_t kSecondsPerDay = 86'400;
constexpr int64_t kMachinesMax = 100'000;

// Shares of a machine, in 10^-9.
struct Shares {
  int64_t core = 0, memory = 0, hdd = 0, ssd = 0, nic = 0;
};

int64_t part(int64_t nano, int64_t of) {
  return static_cast<int64_t>((static_cast<__int128>(nano) * of + kNano - 1) / kNano);
}

// 10^-9 days are 86,400 ns.
Duration days(int64_t nano) { return Duration(nano * kSecondsPerDay); }

Status note(const Rows& rows, Skipped& skipped) {
  skipped.rows += rows.skipped().rows;
  if (skipped.first.empty()) skipped.first = rows.skipped().first;
  return rows.status();
}

using Types = std::map<int64_t, Shares>;  // by type, on one generation of machines

Result<std::map<int64_t, Types>> read_types(const AzureOptions& options, Skipped& skipped) {
  auto files = files_of(options.types);
  if (!files) return files.error();
  std::map<int64_t, Types> machines;
  Rows rows(std::move(*files),
            {.columns = kTypeColumns, .header = true, .at_least = 4, .lenient = options.lenient});
  while (rows.next()) {
    const int64_t type = rows.integer(kTypeId, 0, INT64_MAX);
    const int64_t machine = rows.integer(kMachineId, 0, INT64_MAX);
    const auto share = [&](std::size_t column) {
      return rows.empty(column) ? 0 : rows.decimal(column, 9, 0, kNano);
    };
    const Shares shares{share(kCore), share(kMemory), share(kHdd), share(kSsd), share(kNic)};
    if (!rows.bad()) machines[machine][type] = shares;
  }
  if (Status status = note(rows, skipped); !status.ok()) return status.error();
  return machines;
}

PodShape pod_of(const AzureOptions& options, std::string_view id, const Shares& shares) {
  PodShape pod;
  pod.name = "vm-" + object_name(id);
  pod.cpu_milli = part(shares.core, options.machine_cpu_milli);
  pod.memory_bytes = part(shares.memory, options.machine_memory_bytes);
  if (shares.hdd > 0) pod.resources[kAzureHdd] = part(shares.hdd, 1000);
  if (shares.ssd > 0) pod.resources[kAzureSsd] = part(shares.ssd, 1000);
  if (shares.nic > 0) pod.resources[kAzureNic] = part(shares.nic, 1000);
  return pod;
}

}  // namespace

Result<Loaded> read_azure_2020(const AzureOptions& options) {
  Loaded loaded;
  loaded.workload.name = "azure-2020";
  auto machines = read_types(options, loaded.skipped);
  if (!machines) return machines.error();
  const Types* types = nullptr;
  for (const auto& [machine, of] : *machines) {
    if (options.machine ? machine == *options.machine : !types || of.size() > types->size()) {
      types = &of;
    }
  }
  if (types == nullptr) {
    return Error{Code::invalid, options.types + ": has no types of machine " +
                                    (options.machine ? std::to_string(*options.machine) : "at all")};
  }

  auto files = files_of(options.vms);
  if (!files) return files.error();
  Collector collector(options.window);
  Rows rows(std::move(*files),
            {.columns = kVmColumns, .header = true, .at_least = 4, .lenient = options.lenient});
  while (rows.next()) {
    const int64_t type = rows.integer(kVmType, 0, INT64_MAX);
    const int64_t start = rows.decimal(kStart, 9, -kDaysMax * kNano, kDaysMax * kNano);
    const int64_t low = rows.integer(kPriority, 0, 1);
    const bool ends = !rows.empty(kEnd) && rows.text(kEnd) != "NULL";
    const int64_t end = ends ? rows.decimal(kEnd, 9, -kDaysMax * kNano, kDaysMax * kNano) : 0;
    if (rows.empty(kVmId)) rows.fail(kVmId, "a request needs one");
    if (ends && end < start) rows.fail(kEnd, "is before starttime");
    if (rows.bad()) continue;
    if (ends && end < 0) continue;  // all of it was before the trace
    const Duration at = days(std::max<int64_t>(start, 0));
    const auto shares = types->find(type);
    if (shares == types->end() || !collector.wants(at)) continue;
    PodShape pod = pod_of(options, rows.text(kVmId), shares->second);
    pod.priority = low == 0 ? 1 : 0;
    collector.add(at, ends ? std::optional(days(end) - at) : std::nullopt, std::move(pod));
  }
  if (Status status = note(rows, loaded.skipped); !status.ok()) return status.error();

  for (int64_t i = 0; i < std::min(options.machines, kMachinesMax); ++i) {
    NodeShape node;
    node.name = "machine-" + std::to_string(i + 1);
    node.cpu_milli = options.machine_cpu_milli;
    node.memory_bytes = options.machine_memory_bytes;
    node.pods_max = 1000;  // the trace's machines know no such limit
    node.resources = {{kAzureHdd, 1000}, {kAzureSsd, 1000}, {kAzureNic, 1000}};
    loaded.workload.nodes.push_back(node_object(node));
  }
  loaded.workload.arrivals = collector.finish();
  return loaded;
}

}  // namespace keelson::lab
