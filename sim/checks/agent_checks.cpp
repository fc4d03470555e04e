// NA-1 to NA-4: what runs on nodes, against what the history allows, and what agents report of it.
#include <algorithm>
#include <unordered_map>

#include "sim/checks/agent_checks.hpp"
#include "sim/checks/node_truth.hpp"
#include "sim/checks/suite.hpp"

namespace keelson::sim {

namespace {

using agent::ContainerInfo;

constexpr InvariantInfo kAgentInvariants[] = {
    {"NA-1", "A container runs only for a pod bound to its node, and at most once at a time.",
     fact::containers | fact::whole},
    {"NA-2", "A pod's phase only moves on, and the restart counts of its containers never fall."},
    {"NA-3", "An agent removes a pod from the API only when nothing of it is left on the node.",
     fact::containers | fact::provenance},
    {"NA-4",
     "Containers restart as their policy says, after the back-off; init containers in order; nothing "
     "that is being deleted is killed before its grace period is over.",
     fact::containers | fact::whole},
};
enum : std::size_t { kBound, kPhase, kRemoved, kRestart };

constexpr Duration kBackOffFirst = 10s;
constexpr Duration kBackOffMost = 300s;
constexpr Duration kBackOffReset = 10min;
constexpr Duration kTolerance = 1s;

// What is known of one container of a pod.
struct Container {
  std::string name, image;
  int live = 0;
  bool started = false;
  std::string started_in, done_in;  // sandboxes: of the last start, and where it ended with 0
  Instant started_at{};             // by the node's clock, as the agent measures its back-off
  Instant not_before{};
  uint32_t crashes = 0;
  uint64_t term = 0;  // of the agent that counts the crashes
};

struct Pod {
  std::string node;
  api::ObjectPtr object;  // null: removed from the API
  bool ended = false;     // its agent has reported a terminal phase
  // When its deletion began, in true time and by its node's clock; zero: it has not.
  Instant deleted{}, deleted_by_clock{};
  std::vector<Container> containers;

  Container& container(const std::string& name) {
    for (Container& c : containers) {
      if (c.name == name) return c;
    }
    containers.emplace_back().name = name;
    return containers.back();
  }
  bool alive() const {
    return std::any_of(containers.begin(), containers.end(), [](const auto& c) { return c.live > 0; });
  }
};

int rank(const std::string& phase) {
  if (phase == "Running") return 1;
  return phase == "Succeeded" || phase == "Failed" ? 2 : 0;
}

class AgentCheck final : public Check {
 public:
  using Check::Check;
  std::span<const InvariantInfo> invariants() const override { return kAgentInvariants; }

  void on_commit(const store::StoreEvent& event) override {
    const api::Object& object = event.object ? *event.object : *event.previous;
    if (object.kind() != api::Kind::pods) return;
    if (event.object && event.previous) status_moved(event);
    const std::string& node = object.as<api::Pod>().spec().node_name();
    if (node.empty()) return;
    const bool by_agent = event.provenance && event.provenance->actor == "agent/" + node;
    if (event.object) {
      Pod& pod = pods_[object.uid()];
      pod.node = node;
      pod.object = event.object;
      pod.ended = pod.ended || (by_agent && has_ended(object.as<api::Pod>()));
      if (object.deleting() && pod.deleted == Instant{}) {
        pod.deleted = context().now;
        pod.deleted_by_clock = clock_of(node);
      }
      return;
    }
    const auto it = pods_.find(object.uid());
    if (it == pods_.end()) return;
    if (by_agent) removed_by_agent(event, it->second);
    // One that others removed may run on until its agent learns of it, which can be cut off; and
    // meanwhile it restarts what crashes.
    if ((by_agent || it->second.ended) && !it->second.alive()) {
      pods_.erase(it);
    } else {
      it->second.object = nullptr;
    }
  }

  void on_container_started(const std::string& node, const ContainerInfo& info) override {
    const auto it = pods_.find(info.pod_uid);
    const bool bound = it != pods_.end() && it->second.node == node;
    check(kBound, bound, [&] {
      return "container " + info.name + " of pod " + info.pod_uid + " started on node " + node +
             (it == pods_.end() ? ", but no such pod was bound or it has been removed by its agent"
                                : ", but the pod is bound to " + it->second.node);
    });
    if (it == pods_.end()) return;
    Pod& pod = it->second;
    check(kBound, !pod.ended, [&] {
      return "container " + info.name + " of pod " + info.pod_uid + " started on node " + node +
             " although the agent has reported that the pod has ended";
    });
    Container& container = pod.container(info.name);
    check(kBound, container.live == 0, [&] {
      return "container " + info.name + " of pod " + info.pod_uid + " was started on node " + node +
             " while an instance of it runs";
    });
    if (bound && pod.object) started_in_order(pod, info);
    if (bound) restarted(pod, container, node, info);
    ++container.live;
    container.started = true;
    container.started_in = info.sandbox;
    container.started_at = clock_of(node);
    container.image = info.image;
    container.done_in.clear();
  }

  void on_container_stopped(const std::string& node, const ContainerInfo& info) override {
    const auto it = pods_.find(info.pod_uid);
    if (it == pods_.end()) return;
    Pod& pod = it->second;
    Container& container = pod.container(info.name);
    if (container.live > 0) --container.live;
    if (info.exit_code == 0) container.done_in = info.sandbox;
    killed_in_time(pod, node, info);
    const Instant now = clock_of(node);
    const uint64_t term = terms_[node];
    if (container.term != term || now - container.started_at >= kBackOffReset) container.crashes = 0;
    container.term = term;
    const Duration wait =
        container.crashes == 0
            ? Duration::zero()
            : std::min<Duration>(kBackOffMost,
                                 kBackOffFirst * (1 << std::min(container.crashes - 1, 10u)));
    ++container.crashes;
    container.not_before = now + wait;
    if (!pod.object && pod.ended && !pod.alive()) pods_.erase(it);
  }

  // What an agent knows of crashes it may have forgotten after a restart.
  void on_process_killed(const std::string& process) override {
    if (process.starts_with("agent/")) ++terms_[process.substr(6)];
  }
  void on_node_powered(const std::string& node, bool) override { ++terms_[node]; }

  void recheck() override {
    std::unordered_map<std::string, int> counts;
    ground().each_running([&](const std::string& pod_uid) { ++counts[pod_uid]; });
    if (counts.empty()) return;  // a world that was never started
    for (const auto& [uid, pod] : pods_) {
      int live = 0;
      for (const Container& container : pod.containers) live += container.live;
      const auto it = counts.find(uid);
      check(kBound, live == (it == counts.end() ? 0 : it->second), [live, &name = uid] {
        return "CHECK: " + std::to_string(live) + " containers of pod " + name +
               " are counted, but another number runs";
      });
    }
  }

 private:
  // The agent's own clock: it may run fast or slow, and back-off is measured by it.
  Instant clock_of(const std::string& node) const {
    return ground().agent_clock(node).value_or(context().now);
  }

  void status_moved(const store::StoreEvent& event) {
    const auto& before = event.previous->as<api::Pod>().status();
    const auto& now = event.object->as<api::Pod>().status();
    if (event.previous->uid() != event.object->uid()) return;
    const int was = rank(before.phase()), is = rank(now.phase());
    check(kPhase, is >= was && (was < 2 || before.phase() == now.phase()),
          [&] {
            return event.object->name() + ": phase went from " + before.phase() + " to " + now.phase();
          },
          &event);
    counts_rise(event, before.container_statuses(), now.container_statuses());
    counts_rise(event, before.init_container_statuses(), now.init_container_statuses());
  }

  void counts_rise(const store::StoreEvent& event,
                   const google::protobuf::RepeatedPtrField<api::ContainerStatus>& before,
                   const google::protobuf::RepeatedPtrField<api::ContainerStatus>& now) {
    for (const auto& old : before) {
      if (old.restart_count() == 0) continue;
      for (const auto& status : now) {
        if (status.name() != old.name()) continue;
        check(kPhase, status.restart_count() >= old.restart_count(),
              [&] {
                return event.object->name() + ": the restart count of " + status.name() +
                       " fell from " + std::to_string(old.restart_count()) + " to " +
                       std::to_string(status.restart_count());
              },
              &event);
      }
    }
  }

  void removed_by_agent(const store::StoreEvent& event, const Pod& pod) {
    check(kRemoved, !pod.alive() && !ground().keeps(pod.node, event.previous->uid()),
          [&] {
            return event.previous->name() + " was removed by its agent, but something of it is left on " +
                   pod.node;
          },
          &event);
  }

  void started_in_order(Pod& pod, const ContainerInfo& info) {
    const auto& spec = pod.object->as<api::Pod>().spec();
    for (const auto& init : spec.init_containers()) {
      if (init.name() == info.name) return;
      const Container& earlier = pod.container(init.name());
      const bool sidecar = init.restart_policy() == "Always";
      check(kRestart, (sidecar ? earlier.started_in : earlier.done_in) == info.sandbox, [&] {
        return "container " + info.name + " of pod " + pod.object->name() +
               " was started before the init container " + init.name() +
               (sidecar ? " was" : " had succeeded");
      });
    }
  }

  void restarted(const Pod& pod, const Container& container, const std::string& node,
                 const ContainerInfo& info) {
    if (!container.started || container.image != info.image) return;
    if (pod.object) restart_allowed(pod, container, info);
    const auto term = terms_.find(node);
    if (container.term != (term == terms_.end() ? 0 : term->second)) return;
    const Instant now = clock_of(node);
    check(kRestart, now + kTolerance >= container.not_before, [&] {
      return "container " + info.name + " of pod " + info.pod_uid + " was restarted " +
             std::to_string((container.not_before - now) / 1s) + " s before its back-off was over (" +
             std::to_string(container.crashes) + " exits)";
    });
  }

  void restart_allowed(const Pod& pod, const Container& container, const ContainerInfo& info) {
    const auto& spec = pod.object->as<api::Pod>().spec();
    const bool same_sandbox = container.started_in == info.sandbox;
    const bool succeeded = container.done_in == info.sandbox;
    bool allowed = true;
    if (!info.init) {
      allowed = spec.restart_policy() != "Never" &&
                !(spec.restart_policy() == "OnFailure" && same_sandbox && succeeded);
    } else if (spec.restart_policy() == "Never" && same_sandbox && !succeeded) {
      const auto init = std::find_if(spec.init_containers().begin(), spec.init_containers().end(),
                                     [&](const auto& c) { return c.name() == info.name; });
      allowed = init != spec.init_containers().end() && init->restart_policy() == "Always";
    }
    check(kRestart, allowed, [&] {
      return "container " + info.name + " of pod " + pod.object->name() + " was started again " +
             (succeeded ? "after it had succeeded, " : "") + "under restartPolicy " +
             spec.restart_policy();
    });
  }

  // SIGKILL is for those who have not gone by themselves when their time was over. A node whose agent
  // is dead may have lost power; what a probe or a deadline ends has a time of its own.
  void killed_in_time(const Pod& pod, const std::string& node, const ContainerInfo& info) {
    if (!pod.object || pod.deleted == Instant{}) return;
    if (info.exit_code != 137 || info.reason != "Error") return;
    if ((ground().facts() & fact::images) == 0) return;  // it may have ended by itself
    const RuntimeModel& model = ground().images();
    const ImageBehaviour& image = model.behaviour(info.image);
    if (image.runs_for > 0s || image.crash_mean > 0s) return;
    if (ground().truth_of(node) != NodeTruth::absent && !ground().agent_runs(node)) return;
    const auto& spec = pod.object->as<api::Pod>().spec();
    if (spec.has_active_deadline_seconds()) return;
    for (const auto& container : spec.containers()) {
      if (container.has_liveness_probe() || container.has_startup_probe()) return;
      if (container.name() == info.name && model.runs_command_of(container)) return;
    }
    const Duration grace =
        std::chrono::seconds(pod.object->meta().deletion_grace_period_seconds());
    // The agent learns of the deletion later; a clock that runs fast or slow excuses it.
    const Duration waited = std::max(context().now - pod.deleted, clock_of(node) - pod.deleted_by_clock);
    check(kRestart, waited + kTolerance >= grace, [&] {
      return "container " + info.name + " of pod " + pod.object->name() + " was killed " +
             std::to_string(waited / 1ms) + " ms after its deletion, which grants it " +
             std::to_string(grace / 1s) + " s";
    });
  }

  std::unordered_map<std::string, Pod> pods_;         // bound ones, by uid
  std::unordered_map<std::string, uint64_t> terms_;  // by node: lives of its agent
};

}  // namespace

void add_agent_checks(const CheckContext& context, Checks& checks) {
  checks.push_back(std::make_unique<AgentCheck>(context));
  checks.push_back(make_agent_recovery_check(context));
}

}  // namespace keelson::sim
