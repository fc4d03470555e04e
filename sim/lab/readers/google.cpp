#include "sim/lab/readers/google.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "sim/lab/readers/rows.hpp"

namespace keelson::lab {

namespace {

enum TaskColumn : std::size_t {
  kTime, kMissing, kJob, kIndex, kMachine, kEvent, kUser, kClass, kPriority, kCpu, kMemory, kDisk,
  kApart,
};
constexpr std::array<const char*, 13> kTaskColumns{
    "time",     "missing info",     "job ID",   "task index",  "machine ID",
    "event type", "user",           "scheduling class", "priority", "CPU request",
    "memory request", "disk space request", "different machines restriction"};
constexpr std::size_t kTaskFields = 9;  // up to the priority

enum MachineColumn : std::size_t { kAt, kId, kWhat, kPlatform, kCpus, kBytes };
constexpr std::array<const char*, 6> kMachineColumns{"time", "machine ID", "event type",
                                                     "platform ID", "CPUs", "Memory"};
constexpr std::size_t kMachineFields = 3;

enum Event : int64_t { submit, schedule, evict, fail, finish, kill, lost, update_pending, update_running };

constexpr int64_t kTraceBegins = 600'000'000;  // us
constexpr int64_t kTimeMax = 1'000'000'000'000'000;
constexpr int64_t kNano = 1'000'000'000;
constexpr int64_t kSharesMax = 100;

// A time of the trace. INT64_MAX stands for "after it".
int64_t time_of(Rows& rows, std::size_t column) {
  static const std::string kAfter = std::to_string(INT64_MAX);
  return rows.text(column) == kAfter ? INT64_MAX : rows.integer(column, 0, kTimeMax);
}

Duration since_begin(int64_t us) {
  return std::chrono::microseconds(std::max<int64_t>(us - kTraceBegins, 0));
}

class Reader {
 public:
  Reader(const GoogleFiles& files, const GoogleOptions& options)
      : files_(files), options_(options), collector_(options.window) {}

  Result<Loaded> read() {
    loaded_.workload.name = "google-2011";
    if (!files_.machines.empty()) {
      if (Status status = machines(); !status.ok()) return status.error();
    }
    if (Status status = tasks(); !status.ok()) return status.error();
    for (auto& [id, task] : open_) close(id, task, std::nullopt);
    loaded_.workload.arrivals = collector_.finish();
    return std::move(loaded_);
  }

 private:
  using Id = std::pair<int64_t, int64_t>;  // job, index
  struct Task {
    Duration came{};
    std::optional<Duration> scheduled;  // its latest turn
    int64_t nano_cpu = 0, nano_memory = 0;
    int32_t priority = 0;
    bool apart = false;
  };

  static int64_t part(int64_t nano, int64_t of) {
    return static_cast<int64_t>(static_cast<__int128>(nano) * of / kNano);
  }

  Status machines() {
    auto files = files_of(files_.machines);
    if (!files) return files.error();
    Rows rows(std::move(*files), {.columns = kMachineColumns,
                                  .at_least = kMachineFields,
                                  .lenient = options_.lenient});
    std::set<int64_t> seen;
    while (rows.next()) {
      const int64_t time = time_of(rows, kAt);
      const int64_t id = rows.integer(kId, 0, INT64_MAX);
      const int64_t what = rows.integer(kWhat, 0, 2);
      const auto share = [&](std::size_t column) {
        return rows.empty(column) ? 0 : rows.decimal(column, 9, 0, kSharesMax * kNano);
      };
      const int64_t cpus = share(kCpus), memory = share(kBytes);
      if (rows.bad() || what != 0 || time >= kTraceBegins) continue;
      if (cpus == 0 || memory == 0) continue;  // the trace does not say how large it is
      if (!seen.insert(id).second) continue;
      NodeShape node;
      node.name = "machine-" + std::to_string(id);
      node.cpu_milli = part(cpus, options_.largest_cpu_milli);
      node.memory_bytes = part(memory, options_.largest_memory_bytes);
      node.pods_max = 1000;  // the trace's machines know no such limit
      if (!rows.empty(kPlatform)) node.labels["platform"] = object_name(rows.text(kPlatform));
      loaded_.workload.nodes.push_back(node_object(node));
    }
    return finish_table(rows, loaded_.skipped);
  }

  Status tasks() {
    auto files = files_of(files_.tasks);
    if (!files) return files.error();
    Rows rows(std::move(*files),
              {.columns = kTaskColumns, .at_least = kTaskFields, .lenient = options_.lenient});
    while (rows.next()) {
      const int64_t time = time_of(rows, kTime);
      const Id id{rows.integer(kJob, 0, INT64_MAX), rows.integer(kIndex, 0, INT64_MAX)};
      const int64_t event = rows.integer(kEvent, submit, update_running);
      if (rows.bad() || time == INT64_MAX) continue;
      on_event(rows, since_begin(time), id, event);
      // The trace is in the order of time: nothing later is wanted, except for the ends of what is
      // under way.
      const Window& window = options_.window;
      const bool over = window.length && since_begin(time) >= window.from + *window.length;
      if (over && open_.empty()) break;
    }
    return finish_table(rows, loaded_.skipped);
  }

  void on_event(Rows& rows, Duration now, const Id& id, int64_t event) {
    const auto it = open_.find(id);
    switch (event) {
      case submit:
      case update_pending: {
        // After an eviction the same pod goes on waiting.
        Task task = it == open_.end() ? Task{} : it->second;
        if (it == open_.end()) task.came = now;
        demands(rows, task);
        if (!rows.bad() && (it != open_.end() || collector_.wants(now))) open_[id] = task;
        break;
      }
      case schedule:
      case update_running: {
        if (it != open_.end()) {
          if (event == schedule) it->second.scheduled = now;
          break;
        }
        if (now > Duration::zero()) break;  // its beginning was not wanted
        Task task;
        task.scheduled = now;
        demands(rows, task);
        if (!rows.bad() && collector_.wants(now)) open_[id] = task;
        break;
      }
      case evict:
        if (it != open_.end()) it->second.scheduled.reset();
        break;
      default:
        if (it == open_.end()) break;
        // What ended without a turn was withdrawn while it waited: it asks for a place, and needs
        // it for no time.
        close(id, it->second, it->second.scheduled ? now - *it->second.scheduled : Duration::zero());
        open_.erase(it);
    }
  }

  static void demands(Rows& rows, Task& task) {
    const auto share = [&](std::size_t column) {
      return rows.empty(column) ? 0 : rows.decimal(column, 9, 0, kSharesMax * kNano);
    };
    task.nano_cpu = share(kCpu);
    task.nano_memory = share(kMemory);
    task.priority = static_cast<int32_t>(rows.integer(kPriority, 0, 1000));
    task.apart = rows.text(kApart) == "1";
  }

  void close(const Id& id, const Task& task, std::optional<Duration> runs_for) {
    if (!collector_.wants(task.came)) return;
    PodShape pod;
    const std::string job = std::to_string(id.first);
    pod.name = "task-" + job + "-" + std::to_string(id.second) + "-" + std::to_string(++pods_);
    pod.cpu_milli = part(task.nano_cpu, options_.largest_cpu_milli);
    pod.memory_bytes = part(task.nano_memory, options_.largest_memory_bytes);
    pod.priority = task.priority;
    pod.labels = {{kJobLabel, job}};
    if (task.apart) pod.apart_from_job = job;
    collector_.add(task.came, runs_for, std::move(pod));
  }

  const GoogleFiles& files_;
  const GoogleOptions& options_;
  Collector collector_;
  Loaded loaded_;
  std::map<Id, Task> open_;
  uint64_t pods_ = 0;
};

}  // namespace

Result<Loaded> read_google_2011(const GoogleFiles& files, const GoogleOptions& options) {
  return Reader(files, options).read();
}

}  // namespace keelson::lab
