// Pods. The status that people see is none of the API's fields: it is the most telling reason that
// the pod and its containers give.
#include <algorithm>
#include <array>
#include <vector>

#include "core/rest/tables/printer.hpp"

namespace keelson::rest {
namespace {

using api::ContainerState;
using api::ContainerStateTerminated;
using api::ContainerStatus;
using api::Pod;
using api::PodCondition;
using api::Time;

constexpr std::array pod_columns = {
    name_column,
    Column{"Ready", "string", "", "How many of the pod's containers take traffic.", 0},
    Column{"Status", "string", "", "What the pod and its containers are doing.", 0},
    Column{"Restarts", "string", "",
           "How often containers of the pod have been started again, and when last.", 0},
    age_column,
    Column{"IP", "string", "", "The pod's address, once it has one.", 1},
    Column{"Node", "string", "", "The node to which the pod is assigned.", 1},
    Column{
        "Nominated Node", "string", "",
        "The node on which others are being displaced to make room for the pod. The pod may still "
        "be assigned to another one.",
        1},
    Column{"Readiness Gates", "string", "",
           "How many of the further conditions hold that the pod's readiness depends on.", 1},
};

// What is counted over a group of containers.
struct Restarts {
  int64_t count = 0;
  const Time* last = nullptr;

  void add(const ContainerStatus& container) {
    count += container.restart_count();
    const ContainerState& before = container.last_state();
    if (!before.has_terminated() || !before.terminated().has_finished_at()) return;
    const Time& ended = before.terminated().finished_at();
    if (!last || last->seconds() < ended.seconds() ||
        (last->seconds() == ended.seconds() && last->nanos() < ended.nanos())) {
      last = &ended;
    }
  }
};

struct Summary {
  std::string reason;
  int ready = 0;
  int total = 0;
  Restarts restarts;
};

const PodCondition* find_condition(const Pod& pod, std::string_view type) {
  for (const PodCondition& condition : pod.status().conditions()) {
    if (condition.type() == type) return &condition;
  }
  return nullptr;
}

bool any_condition(const Pod& pod, std::string_view type, std::string_view status) {
  const auto& conditions = pod.status().conditions();
  return std::any_of(conditions.begin(), conditions.end(), [&](const PodCondition& condition) {
    return condition.type() == type && condition.status() == status;
  });
}

std::string reason_of(const ContainerStateTerminated& terminated) {
  if (!terminated.reason().empty()) return terminated.reason();
  if (terminated.signal() != 0) return "Signal:" + std::to_string(terminated.signal());
  return "ExitCode:" + std::to_string(terminated.exit_code());
}

// The init containers that go on running beside the others, sorted by name.
std::vector<std::string_view> sidecars_of(const Pod& pod) {
  std::vector<std::string_view> names;
  for (const api::Container& container : pod.spec().init_containers()) {
    if (container.restart_policy() == "Always") names.push_back(container.name());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Looks at the init containers up to the first that holds the pod up; false: there is none.
bool summarize_init(const Pod& pod, const std::vector<std::string_view>& sidecars, Summary& summary,
                    Restarts& sidecar_restarts) {
  const auto& statuses = pod.status().init_container_statuses();
  for (int i = 0; i < statuses.size(); ++i) {
    const ContainerStatus& container = statuses[i];
    const ContainerState& state = container.state();
    const bool sidecar =
        std::binary_search(sidecars.begin(), sidecars.end(), std::string_view(container.name()));
    summary.restarts.add(container);
    if (sidecar) sidecar_restarts.add(container);
    if (state.has_terminated() && state.terminated().exit_code() == 0) continue;
    if (sidecar && container.started()) {
      if (container.ready()) ++summary.ready;
      continue;
    }
    if (state.has_terminated()) {
      summary.reason = "Init:" + reason_of(state.terminated());
    } else if (state.has_waiting() && !state.waiting().reason().empty() &&
               state.waiting().reason() != "PodInitializing") {
      summary.reason = "Init:" + state.waiting().reason();
    } else {
      summary.reason =
          "Init:" + std::to_string(i) + "/" + std::to_string(pod.spec().init_containers_size());
    }
    return true;
  }
  return false;
}

// The last container comes first, so that the first one's reason is what stays.
void summarize_containers(const Pod& pod, Summary& summary) {
  bool running = false;
  std::string failure;
  const auto& statuses = pod.status().container_statuses();
  for (int i = statuses.size() - 1; i >= 0; --i) {
    const ContainerStatus& container = statuses[i];
    const ContainerState& state = container.state();
    summary.restarts.add(container);
    if (state.has_waiting() && !state.waiting().reason().empty()) {
      summary.reason = state.waiting().reason();
    } else if (state.has_terminated()) {
      summary.reason = reason_of(state.terminated());
      if (state.terminated().exit_code() != 0) failure = summary.reason;
    } else if (container.ready() && state.has_running()) {
      running = true;
      ++summary.ready;
    }
  }
  if (summary.reason != "Completed") return;
  // One container has done its work, which says little about a pod whose others run or have failed.
  if (running && any_condition(pod, "Ready", "True")) {
    summary.reason = "Running";
  } else if (!failure.empty()) {
    summary.reason = failure;
  } else if (running) {
    summary.reason = "NotReady";
  }
}

bool finished(const Pod& pod) {
  return pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed";
}

Summary summarize(const Pod& pod) {
  Summary summary;
  const api::PodStatus& status = pod.status();
  summary.reason = status.reason().empty() ? status.phase() : status.reason();
  for (const PodCondition& condition : status.conditions()) {
    if (condition.type() == "PodScheduled" && condition.reason() == "SchedulingGated") {
      summary.reason = condition.reason();
    }
  }
  const std::vector<std::string_view> sidecars = sidecars_of(pod);
  summary.total = pod.spec().containers_size() + static_cast<int>(sidecars.size());

  Restarts sidecar_restarts;
  const bool initializing = summarize_init(pod, sidecars, summary, sidecar_restarts);
  const PodCondition* initialized = find_condition(pod, "Initialized");
  if (!initializing || (initialized && initialized->status() == "True")) {
    // Once the pod is up, how often its preparations were repeated is of no interest any more.
    summary.restarts = sidecar_restarts;
    summarize_containers(pod, summary);
  }
  if (pod.metadata().has_deletion_timestamp()) {
    if (status.reason() == "NodeLost") {
      summary.reason = "Unknown";
    } else if (!finished(pod)) {
      summary.reason = "Terminating";
    }
  }
  return summary;
}

std::string restarts_text(const Restarts& restarts, WallTime now) {
  std::string text = std::to_string(restarts.count);
  if (restarts.count != 0 && restarts.last) text += " (" + since(*restarts.last, now) + " ago)";
  return text;
}

// podIP leads: where the two differ, an older agent has written it alone.
std::string_view address_of(const Pod& pod) {
  if (!pod.status().pod_ip().empty()) return pod.status().pod_ip();
  return pod.status().pod_ips_size() > 0 ? pod.status().pod_ips(0).ip() : std::string_view();
}

std::string gates_text(const Pod& pod) {
  const int count = pod.spec().readiness_gates_size();
  if (count == 0) return std::string(none);
  int open = 0;
  for (const api::PodReadinessGate& gate : pod.spec().readiness_gates()) {
    const PodCondition* condition = find_condition(pod, gate.condition_type());
    if (condition && condition->status() == "True") ++open;
  }
  return std::to_string(open) + "/" + std::to_string(count);
}

void print_pod(const Pod& pod, Cells& cells) {
  const Summary summary = summarize(pod);
  cells.text(pod.metadata().name());
  cells.text(std::to_string(summary.ready) + "/" + std::to_string(summary.total));
  cells.text(summary.reason);
  cells.text(restarts_text(summary.restarts, cells.now()));
  cells.age(pod.metadata());
  cells.text_or(address_of(pod), none);
  cells.text_or(pod.spec().node_name(), none);
  cells.text_or(pod.status().nominated_node_name(), none);
  cells.text(gates_text(pod));
}

// Lets clients leave finished pods out of what they show.
void mark_pod(const api::Object& object, std::string& out) {
  const std::string& phase = object.as<Pod>().status().phase();
  if (phase == "Succeeded") {
    out += R"([{"type":"Completed","status":"True","reason":"Succeeded",)"
           R"("message":"The pod has completed successfully."}])";
  } else if (phase == "Failed") {
    out += R"([{"type":"Completed","status":"True","reason":"Failed",)"
           R"("message":"The pod failed."}])";
  }
}

}  // namespace

Printer pod_printer() { return {pod_columns, print_as<Pod, print_pod>, mark_pod}; }

}  // namespace keelson::rest
