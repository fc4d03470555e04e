#include "core/agent/status.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/agent/status_index.hpp"
#include "core/api/json.hpp"
#include "core/api/quantity.hpp"

namespace keelson::agent {

namespace {

bool terminal(std::string_view phase) {
  return phase == "Succeeded" || phase == "Failed";
}

// A deleted pod that still runs goes on being ready until its probe says otherwise: it serves what
// it is asked, and it is what is left when a service has nothing else (KEP-1669). That it is not to
// get new requests is said by its deletion.
bool container_ready(const PodState& s, std::size_t i) {
  const ContainerRecord& record = s.containers[i];
  return (s.ending == Ending::none || s.ending == Ending::deleted) &&
         record.phase == Phase::running && record.ready;
}

bool init_complete(const PodState& s, std::size_t i) {
  const ContainerRecord& record = s.containers[i];
  if (is_sidecar(s, i)) return record.phase == Phase::running && record.started;
  return s.mains_begun || (record.phase == Phase::exited && record.exit_code == 0);
}

bool initialized(const PodState& s) {
  for (std::size_t i = 0; i < s.init_count; ++i) {
    if (!init_complete(s, i) && !(s.mains_begun && is_sidecar(s, i))) return false;
  }
  return true;
}

// The phase that the containers add up to. Source: kubelet's getPhase.
std::string_view containers_phase(const PodState& s) {
  if (s.verdict && !processes_alive(s)) return s.verdict.phase;
  Verdict verdict;
  if (!processes_alive(s) && finished(s, &verdict)) {
    return verdict.phase == "Failed" ? "Failed" : "Succeeded";
  }
  std::size_t running = 0, stopped = 0, failed = 0, waiting = 0;
  for (std::size_t i = s.init_count; i < main_end(s); ++i) {
    const ContainerRecord& record = s.containers[i];
    if (record.phase == Phase::running) {
      ++running;
    } else if (record.phase == Phase::exited) {
      ++stopped;
      if (record.exit_code != 0) ++failed;
    } else {
      ++waiting;
    }
  }
  if (waiting > 0 || !initialized(s)) return "Pending";
  if (running > 0) return "Running";
  // Deleted pods of a kind that ends are reported with how they ended.
  if (s.ending >= Ending::deleted && restart_policy(s) != "Always" && !processes_alive(s)) {
    return failed > 0 ? "Failed" : "Succeeded";
  }
  return "Running";
}

// NA-2: Pending, Running, then Succeeded or Failed; never back.
std::string_view pod_phase(const PodState& s, const api::PodStatus& current) {
  if (terminal(current.phase())) return current.phase();
  const std::string_view phase = containers_phase(s);
  if (phase == "Pending" && current.phase() == "Running") return "Running";
  return phase;
}

bool all_ready(const PodState& s) {
  if (!initialized(s)) return false;
  for (std::size_t i = 0; i < main_end(s); ++i) {
    if (is_init(s, i) && !is_sidecar(s, i)) continue;
    if (!container_ready(s, i)) return false;
  }
  return main_end(s) > s.init_count;
}

const api::PodCondition* find_condition(const api::PodStatus& status, std::string_view type) {
  for (const api::PodCondition& condition : status.conditions()) {
    if (condition.type() == type) return &condition;
  }
  return nullptr;
}

// Which readiness gates are not open, as kubelet says it.
std::string closed_gates(const PodState& s, const api::PodStatus& current) {
  std::vector<std::string> closed;
  for (const api::PodReadinessGate& gate : s.pod->spec().readiness_gates()) {
    const api::PodCondition* condition = find_condition(current, gate.condition_type());
    if (!condition) {
      closed.push_back(
          fmt::format("corresponding condition of pod readiness gate \"{}\" does not exist.",
                      gate.condition_type()));
    } else if (condition->status() != "True") {
      closed.push_back(
          fmt::format("the status of pod readiness gate \"{}\" is not \"True\", but {}",
                      gate.condition_type(), condition->status()));
    }
  }
  return fmt::format("{}", fmt::join(closed, ", "));
}

bool gates_open(const PodState& s, const api::PodStatus& current) {
  for (const api::PodReadinessGate& gate : s.pod->spec().readiness_gates()) {
    const api::PodCondition* condition = find_condition(current, gate.condition_type());
    if (!condition || condition->status() != "True") return false;
  }
  return true;
}

class Writer {
 public:
  Writer(const PodState& s, const api::PodStatus& current, const StatusFacts& facts)
      : s_(s), current_(current), before_(current), facts_(facts), out_(current) {}

  api::PodStatus write() {
    out_.set_phase(std::string(pod_phase(s_, current_)));
    if (s_.verdict && terminal(out_.phase())) {
      out_.set_reason(s_.verdict.reason);
      out_.set_message(s_.verdict.message);
    }
    if (out_.qos_class().empty()) out_.set_qos_class(std::string(qos_class(s_.pod->spec())));
    if (s_.rejected) return std::move(out_);
    if (!out_.has_start_time()) *out_.mutable_start_time() = api::to_time(facts_.wall);
    addresses();
    out_.clear_init_container_statuses();
    out_.clear_container_statuses();
    out_.clear_ephemeral_container_statuses();
    for (std::size_t i = 0; i < s_.containers.size(); ++i) container(i, *statuses(i, out_).Add());
    // Kubelet sorts them by name and leaves init containers in their order.
    for (auto* sorted :
         {out_.mutable_container_statuses(), out_.mutable_ephemeral_container_statuses()}) {
      std::sort(sorted->pointer_begin(), sorted->pointer_end(),
                [](const auto* a, const auto* b) { return a->name() < b->name(); });
    }
    conditions();
    return std::move(out_);
  }

 private:
  void addresses() {
    if (!facts_.host_ip.empty()) {
      const std::string ip(facts_.host_ip);
      out_.set_host_ip(ip);
      if (out_.host_ips_size() != 1) {
        out_.clear_host_ips();
        out_.add_host_ips();
      }
      out_.mutable_host_ips(0)->set_ip(ip);
    }
    std::string ip;
    if (s_.sandbox.ready) {
      ip = s_.pod->spec().host_network() ? std::string(facts_.host_ip) : s_.sandbox.ip;
    } else if (terminal(out_.phase()) || s_.ending != Ending::none) {
      ip = current_.pod_ip();  // where it was
    }
    out_.set_pod_ip(ip);
    out_.clear_pod_ips();
    if (!ip.empty()) out_.add_pod_ips()->set_ip(ip);
  }

  google::protobuf::RepeatedPtrField<api::ContainerStatus>& statuses(std::size_t i,
                                                                     api::PodStatus& of) const {
    if (is_init(s_, i)) return *of.mutable_init_container_statuses();
    if (is_ephemeral(s_, i)) return *of.mutable_ephemeral_container_statuses();
    return *of.mutable_container_statuses();
  }

  void container(std::size_t i, api::ContainerStatus& to) {
    const ContainerRecord& record = s_.containers[i];
    const api::Container& spec = spec_of(s_, i);
    const api::ContainerStatus* before = before_.find(spec.name());
    to.set_name(spec.name());
    to.set_image(spec.image());
    to.set_image_id(record.phase == Phase::absent ? "" : record.image_id);
    to.set_restart_count(static_cast<int32_t>(record.attempt));
    if (before) to.set_restart_count(std::max(before->restart_count(), to.restart_count()));
    const bool running = record.phase == Phase::running;
    // Nobody probes an ephemeral container: it is never said to be ready.
    if (!is_ephemeral(s_, i)) to.set_started(running && record.started);
    to.set_ready(is_ephemeral(s_, i) ? false
                 : is_init(s_, i) && !is_sidecar(s_, i)
                     ? record.phase == Phase::exited && record.exit_code == 0
                     : container_ready(s_, i));
    if (!record.id.empty() && record.phase != Phase::absent && record.phase != Phase::created) {
      to.set_container_id(std::string(facts_.container_id_prefix) + record.id);
    } else if (before && record.phase == Phase::exited) {
      to.set_container_id(before->container_id());
    }
    if (record.last) terminated(*to.mutable_last_state(), *record.last);
    state(i, to, before);
  }

  void state(std::size_t i, api::ContainerStatus& to, const api::ContainerStatus* before) {
    const ContainerRecord& record = s_.containers[i];
    if (record.phase == Phase::running) {
      api::Time& at = *to.mutable_state()->mutable_running()->mutable_started_at();
      // The runtime's clock reading and ours may fall on both sides of a second.
      const bool same =
          before && before->state().has_running() && before->container_id() == to.container_id();
      at = same ? before->state().running().started_at() : api::to_time(record.started_at);
      return;
    }
    const bool comes_again =
        s_.ending == Ending::none && record.phase == Phase::exited && restarts(s_, i);
    if (record.phase == Phase::exited && !(comes_again && !record.waiting.empty())) {
      terminated(*to.mutable_state(), own_exit(record));
      keep_times(to, before);
      return;
    }
    api::ContainerStateWaiting& waiting = *to.mutable_state()->mutable_waiting();
    if (!record.waiting.empty()) {
      waiting.set_reason(record.waiting);
      waiting.set_message(record.waiting_message);
    } else {
      waiting.set_reason(s_.init_count > 0 ? "PodInitializing" : "ContainerCreating");
    }
    if (record.phase == Phase::exited) {
      terminated(*to.mutable_last_state(), own_exit(record));
    }
  }

  static Exit own_exit(const ContainerRecord& record) {
    return {.id = record.id,
            .code = record.exit_code,
            .reason = record.reason,
            .message = record.message,
            .started_at = record.started_at,
            .finished_at = record.finished_at};
  }
  static void keep_times(api::ContainerStatus& to, const api::ContainerStatus* before) {
    if (!before || !before->state().has_terminated()) return;
    if (before->container_id() != to.container_id()) return;
    auto& now = *to.mutable_state()->mutable_terminated();
    *now.mutable_started_at() = before->state().terminated().started_at();
    *now.mutable_finished_at() = before->state().terminated().finished_at();
  }
  void terminated(api::ContainerState& to, const Exit& exit) {
    api::ContainerStateTerminated& t = *to.mutable_terminated();
    t.set_exit_code(exit.code);
    t.set_reason(exit.reason);
    t.set_message(exit.message);
    *t.mutable_started_at() = api::to_time(exit.started_at);
    *t.mutable_finished_at() = api::to_time(exit.finished_at);
    if (!exit.id.empty()) t.set_container_id(std::string(facts_.container_id_prefix) + exit.id);
  }

  void set(std::string_view type, bool holds, std::string_view reason, std::string message) {
    api::PodCondition* condition = nullptr;
    for (api::PodCondition& c : *out_.mutable_conditions()) {
      if (c.type() == type) condition = &c;
    }
    if (!condition) {
      condition = out_.add_conditions();
      condition->set_type(std::string(type));
    }
    const std::string_view status = holds ? "True" : "False";
    if (condition->status() != status) {
      condition->set_status(std::string(status));
      *condition->mutable_last_transition_time() = api::to_time(facts_.wall);
    }
    condition->set_reason(std::string(reason));
    condition->set_message(std::move(message));
  }

  template <class Unready>
  std::string names(Unready unready) const {
    std::vector<std::string> found;
    for (std::size_t i = 0; i < s_.containers.size(); ++i) {
      if (unready(i)) found.push_back(spec_of(s_, i).name());
    }
    return fmt::format("[{}]", fmt::join(found, " "));
  }

  // The types and wording of kubelet's status/generate.go.
  void conditions() {
    const bool done = out_.phase() == "Succeeded";
    set("PodReadyToStartContainers", s_.sandbox.ready, "", "");
    if (done) {
      set("Initialized", true, "PodCompleted", "");
    } else if (initialized(s_)) {
      set("Initialized", true, "", "");
    } else {
      set("Initialized", false, "ContainersNotInitialized",
          "containers with incomplete status: " +
              names([this](std::size_t i) { return is_init(s_, i) && !init_complete(s_, i); }));
    }
    std::string unready = names([this](std::size_t i) {
      return (is_main(s_, i) || is_sidecar(s_, i)) && !container_ready(s_, i);
    });
    unready = "containers with unready status: " + unready;
    const bool ready = all_ready(s_) && !terminal(out_.phase());
    for (const std::string_view type : {"Ready", "ContainersReady"}) {
      if (done) {
        set(type, false, "PodCompleted", "");
      } else if (out_.phase() == "Failed") {
        set(type, false, "PodFailed", "");
      } else if (!ready) {
        set(type, false, "ContainersNotReady", unready);
      } else if (type == "Ready" && !gates_open(s_, current_)) {
        set(type, false, "ReadinessGatesNotReady", closed_gates(s_, current_));
      } else {
        set(type, true, "", "");
      }
    }
    // Told from a failure of its own: jobs do not count it (KEP-3329).
    if (s_.verdict.reason == "Evicted") {
      set("DisruptionTarget", true, "TerminationByKubelet", s_.verdict.message);
    }
    if (!find_condition(out_, "PodScheduled")) set("PodScheduled", true, "", "");
  }

  const PodState& s_;
  const api::PodStatus& current_;
  const StatusIndex before_;
  const StatusFacts& facts_;
  api::PodStatus out_;
};

}  // namespace

api::PodStatus compute_status(const PodState& state, const api::PodStatus& current,
                              const StatusFacts& facts) {
  return Writer(state, current, facts).write();
}

StatusSummary summarize(const PodState& state, const api::PodStatus& current) {
  StatusSummary summary{.phase = pod_phase(state, current)};
  summary.ready = !terminal(summary.phase) && all_ready(state) && gates_open(state, current);
  return summary;
}

StatusSummary summarize(const api::PodStatus& status) {
  const api::PodCondition* ready = find_condition(status, "Ready");
  return {.phase = status.phase(), .ready = ready && ready->status() == "True"};
}

std::string_view qos_class(const api::PodSpec& spec) {
  bool any = false;
  bool guaranteed = true;
  const auto look = [&](const api::Container& container) {
    for (const char* name : {"cpu", "memory"}) {
      const auto& limits = container.resources().limits();
      const auto& requests = container.resources().requests();
      const auto limit = limits.find(name);
      const auto request = requests.find(name);
      const bool has_limit = limit != limits.end() && api::milli_value_of(limit->second) > 0;
      const bool has_request =
          request != requests.end() && api::milli_value_of(request->second) > 0;
      any = any || has_limit || has_request;
      if (!has_limit) guaranteed = false;
      if (has_limit && has_request &&
          api::milli_value_of(limit->second) != api::milli_value_of(request->second)) {
        guaranteed = false;
      }
    }
  };
  for (const api::Container& container : spec.init_containers()) look(container);
  for (const api::Container& container : spec.containers()) look(container);
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

}  // namespace keelson::agent
