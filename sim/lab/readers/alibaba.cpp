#include "sim/lab/readers/alibaba.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include <boost/unordered/unordered_flat_map.hpp>

#include "sim/lab/readers/rows.hpp"

namespace keelson::lab {

namespace {

constexpr int64_t kSecondsMax = 1'000'000'000;
constexpr int64_t kInstancesMax = 1'000'000;
constexpr int64_t kCoresMax = 1'000'000;
constexpr int64_t kSharesMax = 1'000;  // of the largest machine: some tasks plan with several
constexpr int64_t kNano = 1'000'000'000;

// Where the columns stand that both years have.
struct TaskColumns {
  std::size_t start, end, job, task, count, cpu, memory;
};
constexpr std::array<const char*, 8> kTasks2017{"create_timestamp", "modify_timestamp", "job_id",
                                                "task_id", "instance_num", "status", "plan_cpu",
                                                "plan_mem"};
constexpr TaskColumns kTaskColumns2017{0, 1, 2, 3, 4, 6, 7};
constexpr std::array<const char*, 9> kTasks2018{"task_name", "instance_num", "job_name", "task_type",
                                                "status", "start_time", "end_time", "plan_cpu",
                                                "plan_mem"};
constexpr TaskColumns kTaskColumns2018{5, 6, 2, 0, 1, 7, 8};

struct InstanceColumns {
  std::size_t start, end, job, task;
};
constexpr std::array<const char*, 12> kInstances2017{
    "start_timestamp", "end_timestamp", "job_id",       "task_id",      "machineID",    "status",
    "seq_no",          "total_seq_no",  "real_cpu_max", "real_cpu_avg", "real_mem_max", "real_mem_avg"};
constexpr InstanceColumns kInstanceColumns2017{0, 1, 2, 3};
constexpr std::array<const char*, 14> kInstances2018{
    "instance_name", "task_name", "job_name", "task_type",    "status",  "start_time", "end_time",
    "machine_id",    "seq_no",    "total_seq_no", "cpu_avg", "cpu_max", "mem_avg",    "mem_max"};
constexpr InstanceColumns kInstanceColumns2018{5, 6, 2, 1};
// The usage at the end of the rows is not read.
constexpr std::size_t kInstanceFields = 7;

constexpr std::array<const char*, 7> kMachines2017{"timestamp", "machineID", "event_type",
                                                   "event_detail", "capacity_cpu",
                                                   "capacity_memory", "capacity_disk"};
constexpr std::array<const char*, 7> kMachines2018{"machine_id", "time_stamp", "failure_domain_1",
                                                   "failure_domain_2", "cpu_num", "mem_size",
                                                   "status"};

class Reader {
 public:
  Reader(const AlibabaFiles& files, const AlibabaOptions& options)
      : files_(files), options_(options), collector_(options.window), old_(options.year == 2017) {}

  Result<Loaded> read() {
    loaded_.workload.name = old_ ? "alibaba-2017" : "alibaba-2018";
    if (!files_.machines.empty()) {
      if (Status status = machines(); !status.ok()) return status.error();
    }
    if (Status status = tasks(); !status.ok()) return status.error();
    if (!files_.instances.empty()) {
      if (Status status = instances(); !status.ok()) return status.error();
    }
    loaded_.workload.arrivals = collector_.finish();
    return std::move(loaded_);
  }

 private:
  struct Plan {
    int64_t cpu_milli = 0, memory_bytes = 0;
  };
  struct Span {
    bool began = false;
    Duration at{};
    std::optional<Duration> runs_for;
  };

  int64_t bytes(int64_t nano_shares) const {
    return static_cast<int64_t>(static_cast<__int128>(nano_shares) * options_.largest_memory_bytes /
                                kNano);
  }
  // A share of the largest machine, in 10^-9: 2018 has percent, two digits further to the left.
  int64_t memory(Rows& rows, std::size_t column) const {
    return bytes(old_ ? rows.decimal(column, 9, 0, kSharesMax * kNano)
                      : rows.decimal(column, 7, 0, kSharesMax * kNano));
  }
  Plan plan(Rows& rows, const TaskColumns& at) const {
    Plan plan;
    const bool cores = old_ && !options_.plan_in_hundredths;
    if (!rows.empty(at.cpu)) {
      plan.cpu_milli = cores ? rows.decimal(at.cpu, 3, 0, kCoresMax * 1000)
                             : rows.decimal(at.cpu, 1, 0, kCoresMax * 1000);
    }
    if (!rows.empty(at.memory)) plan.memory_bytes = memory(rows, at.memory);
    return plan;
  }
  // Negative times are of what had begun before the trace.
  static Span span(Rows& rows, std::size_t start, std::size_t end) {
    Span span;
    const auto seconds = [&](std::size_t column) {
      return rows.empty(column) ? 0 : rows.integer(column, -kSecondsMax, kSecondsMax);
    };
    const int64_t begins = seconds(start), ends = seconds(end);
    span.began = begins != 0;
    span.at = std::chrono::seconds(std::max<int64_t>(begins, 0));
    if (ends != 0 && ends < begins) rows.fail(end, "is before " + std::to_string(begins));
    if (ends != 0) span.runs_for = std::chrono::seconds(ends) - span.at;
    if (span.runs_for && *span.runs_for < Duration::zero()) span.began = false;  // all of it before
    return span;
  }

  Status machines() {
    auto files = files_of(files_.machines);
    if (!files) return files.error();
    RowOptions options;
    options.columns = old_ ? std::span<const char* const>(kMachines2017) : kMachines2018;
    options.at_least = old_ ? 6 : 7;
    options.lenient = options_.lenient;
    Rows rows(std::move(*files), options);
    std::set<std::string, std::less<>> seen;
    const std::size_t id = old_ ? 1 : 0;
    while (rows.next()) {
      const std::string_view name = rows.text(id);
      if (name.empty()) rows.fail(id, "a machine needs one");
      if (old_ && rows.text(2) != "add") continue;  // errors have no capacities
      const int64_t cpu = rows.integer(4, 1, kCoresMax);
      const int64_t memory_bytes = memory(rows, 5);
      if (rows.bad() || !seen.emplace(name).second) continue;
      NodeShape node;
      node.name = object_name(name);
      if (old_) node.name = "machine-" + node.name;
      node.cpu_milli = cpu * 1000;
      node.memory_bytes = memory_bytes;
      node.pods_max = 1000;  // the trace's machines know no such limit
      if (!old_ && !rows.empty(2)) node.zone = "domain-" + object_name(rows.text(2));
      loaded_.workload.nodes.push_back(node_object(node));
    }
    return finish_table(rows, loaded_.skipped);
  }

  Status tasks() {
    auto files = files_of(files_.tasks);
    if (!files) return files.error();
    RowOptions options;
    options.columns = old_ ? std::span<const char* const>(kTasks2017) : kTasks2018;
    options.at_least = old_ ? 6 : 7;
    options.lenient = options_.lenient;
    Rows rows(std::move(*files), options);
    const TaskColumns at = old_ ? kTaskColumns2017 : kTaskColumns2018;
    const bool keep = !files_.instances.empty();
    while (rows.next()) {
      const Span times = span(rows, at.start, at.end);
      const Plan wanted = plan(rows, at);
      const int64_t count = rows.empty(at.count) ? 1 : rows.integer(at.count, 0, kInstancesMax);
      if (rows.bad() || !times.began) continue;
      if (keep) {
        plans_[key(rows.text(at.job), rows.text(at.task))] = wanted;
        continue;
      }
      for (int64_t i = 0; i < count && collector_.wants(times.at); ++i) {
        add(rows.text(at.job), rows.text(at.task), times, wanted);
      }
    }
    return finish_table(rows, loaded_.skipped);
  }

  Status instances() {
    auto files = files_of(files_.instances);
    if (!files) return files.error();
    RowOptions options;
    options.columns = old_ ? std::span<const char* const>(kInstances2017) : kInstances2018;
    options.at_least = kInstanceFields;
    options.lenient = options_.lenient;
    Rows rows(std::move(*files), options);
    const InstanceColumns at = old_ ? kInstanceColumns2017 : kInstanceColumns2018;
    while (rows.next()) {
      const Span times = span(rows, at.start, at.end);
      if (rows.bad() || !times.began || !collector_.wants(times.at)) continue;
      const auto plan = plans_.find(key(rows.text(at.job), rows.text(at.task)));
      if (plan != plans_.end()) add(rows.text(at.job), rows.text(at.task), times, plan->second);
    }
    return finish_table(rows, loaded_.skipped);
  }

  static std::string key(std::string_view job, std::string_view task) {
    return std::string(job) + "/" + std::string(task);
  }

  void add(std::string_view job, std::string_view task, const Span& times, const Plan& plan) {
    PodShape pod;
    const std::string job_name = object_name(job);
    pod.name = job_name + "-" + object_name(task) + "-" + std::to_string(++pods_);
    pod.cpu_milli = plan.cpu_milli;
    pod.memory_bytes = plan.memory_bytes;
    pod.labels = {{kJobLabel, job_name}};
    collector_.add(times.at, times.runs_for, std::move(pod));
  }

  const AlibabaFiles& files_;
  const AlibabaOptions& options_;
  Collector collector_;
  Loaded loaded_;
  boost::unordered_flat_map<std::string, Plan> plans_;  // by job and task; lookups only
  uint64_t pods_ = 0;
  bool old_;
};

}  // namespace

Result<Loaded> read_alibaba(const AlibabaFiles& files, const AlibabaOptions& options) {
  return Reader(files, options).read();
}

}  // namespace keelson::lab
