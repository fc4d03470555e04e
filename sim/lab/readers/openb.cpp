#include "sim/lab/readers/openb.hpp"

#include <array>

#include "core/api/devices.hpp"
#include "core/api/validation.hpp"
#include "sim/lab/readers/rows.hpp"

namespace keelson::lab {

namespace {

enum NodeColumn : std::size_t { kSn, kNodeCpu, kNodeMemory, kNodeGpus, kModel };
constexpr std::array<const char*, 5> kNodeColumns{"sn", "cpu_milli", "memory_mib", "gpu", "model"};
enum PodColumn : std::size_t {
  kName,
  kCpu,
  kMemory,
  kGpus,
  kGpuMilli,
  kSpec,
  kCreated,
  kDeleted
};
constexpr std::array<const char*, 8> kPodColumns{"name",     "cpu_milli",     "memory_mib",
                                                 "num_gpu",  "gpu_milli",     "gpu_spec",
                                                 "creation_time", "deletion_time"};

constexpr int64_t kMany = 1'000'000'000;
constexpr int64_t kMebi = 1024 * 1024;
constexpr int64_t kPodsMax = 1001;  // of a node, as in the published experiments

std::string file(const OpenbOptions& options, const char* kind, const std::string& which) {
  return options.directory + "/openb_" + kind + "_list_" + which + ".csv";
}

void check(Rows& rows, std::size_t column, const std::vector<std::string>& complaints) {
  for (const std::string& why : complaints) rows.fail(column, why);
}

Status read_nodes(const OpenbOptions& options, Loaded& loaded) {
  Rows rows({file(options, "node", options.nodes)},
            {.columns = kNodeColumns, .header = true, .at_least = 0, .lenient = options.lenient});
  while (rows.next()) {
    NodeShape node;
    node.name = rows.text(kSn);
    node.cpu_milli = rows.integer(kNodeCpu, 0, kMany);
    node.memory_bytes = rows.integer(kNodeMemory, 0, kMany) * kMebi;
    node.pods_max = kPodsMax;
    const int64_t gpus = rows.integer(kNodeGpus, 0, api::kDevicesMax);
    check(rows, kSn, api::check_dns1123_subdomain(node.name));
    if (gpus > 0) {
      node.resources[api::kGpuResource] = gpus;
      node.labels[api::kGpuModelLabel] = rows.text(kModel);
      check(rows, kModel, api::check_label_value(node.labels[api::kGpuModelLabel]));
    }
    if (!rows.bad()) loaded.workload.nodes.push_back(node_object(node));
  }
  return finish_table(rows, loaded.skipped);
}

PodShape read_pod(Rows& rows) {
  PodShape pod;
  pod.name = rows.text(kName);
  check(rows, kName, api::check_dns1123_subdomain(pod.name));
  pod.cpu_milli = rows.integer(kCpu, 0, kMany);
  pod.memory_bytes = rows.integer(kMemory, 0, kMany) * kMebi;
  pod.gpus = rows.integer(kGpus, 0, api::kDevicesMax);
  pod.gpu_milli = rows.integer(kGpuMilli, pod.gpus > 0 ? 1 : 0, api::kDeviceMilli);
  std::string_view models = rows.text(kSpec);
  while (!models.empty()) {
    const std::size_t bar = std::min(models.find('|'), models.size());
    pod.gpu_models.emplace_back(models.substr(0, bar));
    check(rows, kSpec, api::check_label_value(pod.gpu_models.back()));
    models.remove_prefix(std::min(bar + 1, models.size()));
  }
  return pod;
}

}  // namespace

Result<Loaded> read_openb(const OpenbOptions& options) {
  Loaded loaded;
  loaded.workload.name = "openb " + options.pods;
  if (Status status = read_nodes(options, loaded); !status.ok()) return status.error();
  Collector collector(options.window);
  Rows rows({file(options, "pod", options.pods)},
            {.columns = kPodColumns, .header = true, .at_least = 5, .lenient = options.lenient});
  while (rows.next()) {
    PodShape pod = read_pod(rows);
    const bool timed = !rows.empty(kCreated);
    const int64_t created = timed ? rows.integer(kCreated, 0, kMany) : 0;
    std::optional<Duration> runs_for;
    if (timed && !rows.empty(kDeleted)) {
      const int64_t deleted = rows.integer(kDeleted, 0, kMany);
      if (deleted < created) rows.fail(kDeleted, "is before creation_time");
      runs_for = std::chrono::seconds(deleted - created);
    }
    const Duration at = std::chrono::seconds(created);
    if (!rows.bad() && collector.wants(at)) collector.add(at, runs_for, std::move(pod));
  }
  if (Status status = finish_table(rows, loaded.skipped); !status.ok()) return status.error();
  loaded.workload.arrivals = collector.finish();
  return loaded;
}

}  // namespace keelson::lab
