// NA-6: the node does what the API asks of it, and the restart of an agent disturbs nothing that is
// healthy. Pods whose processes differ from what is wanted are kept in a set; the rest costs nothing.
#include <algorithm>
#include <set>
#include <unordered_map>

#include "sim/checks/agent_checks.hpp"
#include "sim/checks/node_truth.hpp"

namespace keelson::sim {

namespace {

using agent::ContainerInfo;

constexpr InvariantInfo kAgentRecoveryInvariants[] = {
    {"NA-6", "What should run runs, and the restart of an agent disturbs no healthy container.",
     fact::containers | fact::whole | fact::provenance},
};
enum : std::size_t { kRecovery };

// So long after an agent is back it might still act on not having known what runs.
constexpr Duration kWatched = 60s;

class AgentRecoveryCheck final : public Check {
 public:
  using Check::Check;
  std::span<const InvariantInfo> invariants() const override { return kAgentRecoveryInvariants; }

  void on_commit(const store::StoreEvent& event) override {
    const api::Object& object = event.object ? *event.object : *event.previous;
    if (object.kind() != api::Kind::pods) return;
    if (event.object && event.previous) readiness_kept(event);
    if (event.object) {
      if (object.as<api::Pod>().spec().node_name().empty()) return;
      pods_[object.uid()] = event.object;
    } else {
      pods_.erase(object.uid());
    }
    look_at(object.uid());
  }

  void on_container_started(const std::string& node, const ContainerInfo& info) override {
    Runs& runs = runs_[info.pod_uid];
    runs.node = node;
    runs.list.push_back({info.id, info.name, info.image, info.attempt, context().now});
    look_at(info.pod_uid);
  }

  void on_container_stopped(const std::string& node, const ContainerInfo& info) override {
    const auto it = runs_.find(info.pod_uid);
    if (it == runs_.end()) return;
    Instant since = context().now;
    std::erase_if(it->second.list, [&](const Run& run) {
      if (run.id == info.id) since = run.since;
      return run.id == info.id;
    });
    if (it->second.list.empty()) runs_.erase(it);
    container_kept(node, info, since);
    look_at(info.pod_uid);
  }

  void on_process_killed(const std::string& process) override {
    if (process.starts_with("agent/")) restarts_[process.substr(6)] = {context().now, {}};
  }
  void on_node_powered(const std::string& node, bool) override { restarts_.erase(node); }

  void on_second() override {
    for (auto it = restarts_.begin(); it != restarts_.end();) {
      const std::string& node = it->first;
      Restart& restart = it->second;
      if (ground().agent_runs(node) && restart.back == Instant{}) {
        restart.back = context().now;
      }
      const bool over = restart.back != Instant{} && context().now - restart.back > kWatched;
      // A new agent that hangs may miss the answers of its probes.
      const bool hangs = ground().agent_hangs(node);
      // What it disturbed would have been reported by now.
      if (over && ground().runs_something(node)) evaluated(kRecovery);
      it = over || hangs ? restarts_.erase(it) : std::next(it);
    }
  }

  void pending(std::vector<Pending>& out) override {
    for (auto it = unsettled_.begin(); it != unsettled_.end();) {
      std::string node;
      const std::string why = unsettled(*it, &node);
      if (why.empty()) {
        it = unsettled_.erase(it);
        continue;
      }
      if (ground().truth_of(node) == NodeTruth::healthy) {
        evaluated(kRecovery);
        const auto pod = pods_.find(*it);
        out.push_back({"NA-6",
                       pod == pods_.end() ? "pod " + *it : api::to_string(pod->second->key()),
                       why + " on node " + node});
      }
      ++it;
    }
  }

 private:
  struct Run {
    std::string id, name, image;
    uint32_t attempt;
    Instant since;
  };
  struct Runs {
    std::string node;
    std::vector<Run> list;
  };
  struct Restart {
    Instant killed;
    Instant back;  // zero: it has not been seen again
  };

  const RuntimeModel& model() const { return ground().images(); }

  void look_at(const std::string& uid) {
    std::string node;
    if (unsettled(uid, &node).empty()) {
      unsettled_.erase(uid);
    } else {
      unsettled_.insert(uid);
    }
  }

  // What is missing until the node does with the pod what the API asks; empty: nothing.
  std::string unsettled(const std::string& uid, std::string* node) const {
    const auto known = pods_.find(uid);
    const auto runs = runs_.find(uid);
    const bool alive = runs != runs_.end();
    if (known == pods_.end()) {
      if (alive) *node = runs->second.node;
      return alive ? "runs, but is not in the API any more" : "";
    }
    const auto& pod = known->second->as<api::Pod>();
    *node = pod.spec().node_name();
    if (known->second->deleting()) {
      return pod.metadata().finalizers().empty() ? "is still being deleted" : "";
    }
    if (has_ended(pod)) return alive ? "has ended, but runs" : "";
    if (restless(pod, model())) return {};
    for (const auto& container : pod.spec().containers()) {
      if (!alive) return "its container " + container.name() + " does not run";
      const auto run = std::find_if(runs->second.list.begin(), runs->second.list.end(),
                                    [&](const Run& r) { return r.name == container.name(); });
      if (run == runs->second.list.end()) {
        return "its container " + container.name() + " does not run";
      }
      if (!reported(pod, *run)) {
        return "its container " + container.name() + " has been restarted, which is not reported";
      }
    }
    if (pod.status().phase() != "Running") return "runs, but is reported as " + pod.status().phase();
    if (!ready(pod) && pod.spec().readiness_gates().empty()) return "runs, but is not Ready";
    return {};
  }

  // The API shows this instance, and not one that was there before it.
  static bool reported(const api::Pod& pod, const Run& run) {
    const auto& statuses = pod.status().container_statuses();
    return std::any_of(statuses.begin(), statuses.end(), [&](const auto& s) {
      return s.name() == run.name && s.restart_count() == static_cast<int32_t>(run.attempt);
    });
  }

  const Restart* restart_of(const std::string& node) const {
    const auto it = restarts_.find(node);
    return it == restarts_.end() ? nullptr : &it->second;
  }

  // The pod is one that the agent has no reason to touch.
  static bool to_be_left_alone(const api::Pod& pod) {
    if (pod.metadata().has_deletion_timestamp() || has_ended(pod)) return false;
    if (pod.spec().has_active_deadline_seconds() || !pod.spec().readiness_gates().empty()) return false;
    const auto probed = [](const auto& containers) {
      return std::any_of(containers.begin(), containers.end(), [](const auto& c) {
        return c.has_liveness_probe() || c.has_startup_probe();
      });
    };
    return !probed(pod.spec().containers()) && !probed(pod.spec().init_containers());
  }

  void container_kept(const std::string& name, const ContainerInfo& info, Instant since) {
    const Restart* restart = restart_of(name);
    // While no agent runs, nothing that happens is its doing.
    if (restart == nullptr || !ground().agent_runs(name)) return;
    if (since >= restart->killed || info.init) return;
    // How processes end that were told to, as opposed to by themselves or by a fault.
    const bool told = (info.exit_code == 137 && info.reason == "Error") ||
                      (info.exit_code == 0 && model().behaviour(info.image).runs_for == Duration::zero());
    const auto known = pods_.find(info.pod_uid);
    if (!told || known == pods_.end()) return;
    const auto& pod = known->second->as<api::Pod>();
    if (pod.spec().node_name() != name || !to_be_left_alone(pod)) return;
    for (const auto& container : pod.spec().containers()) {
      if (container.name() != info.name || container.image() != info.image) continue;
      if (model().runs_command_of(container)) continue;
      check(kRecovery, false, [&] {
        return "container " + info.name + " of pod " + known->second->name() + " on node " + name +
               ", which was healthy when the agent crashed, was stopped by its successor";
      });
    }
  }

  void readiness_kept(const store::StoreEvent& event) {
    const auto& pod = event.object->as<api::Pod>();
    const Restart* restart = restart_of(pod.spec().node_name());
    if (restart == nullptr || event.provenance == nullptr ||
        event.provenance->actor != "agent/" + pod.spec().node_name()) {
      return;
    }
    const auto& before = event.previous->as<api::Pod>();
    if (!ready(before) || !to_be_left_alone(pod)) return;
    if (!served_all_along(before, event.object->uid(), *restart)) return;
    check(kRecovery, ready(pod),
          [&] {
            return event.object->name() + " is reported as not Ready after a restart of its agent, " +
                   "although all of its containers have been running and serving";
          },
          &event);
  }

  // All containers ran and served when the agent crashed, the API knew it, and they still run.
  bool served_all_along(const api::Pod& before, const std::string& uid, const Restart& restart) const {
    const auto runs = runs_.find(uid);
    if (runs == runs_.end()) return false;
    for (const auto& container : before.spec().containers()) {
      const auto run = std::find_if(runs->second.list.begin(), runs->second.list.end(),
                                    [&](const Run& r) { return r.name == container.name(); });
      if (run == runs->second.list.end() || run->image != container.image()) return false;
      if (run->since + model().behaviour(run->image).serves_after >= restart.killed) return false;
      const auto& statuses = before.status().container_statuses();
      const bool told = std::any_of(statuses.begin(), statuses.end(), [&](const auto& s) {
        return s.name() == container.name() && s.state().has_running() && s.ready() &&
               s.restart_count() == static_cast<int32_t>(run->attempt);
      });
      if (!told) return false;
    }
    return before.spec().init_containers().empty() || runs->second.list.size() >=
               static_cast<std::size_t>(before.spec().containers_size() + sidecars(before));
  }
  static int sidecars(const api::Pod& pod) {
    int count = 0;
    for (const auto& init : pod.spec().init_containers()) count += init.restart_policy() == "Always";
    return count;
  }

  std::unordered_map<std::string, api::ObjectPtr> pods_;  // bound ones, by uid
  std::unordered_map<std::string, Runs> runs_;            // by pod uid
  std::unordered_map<std::string, Restart> restarts_;     // by node: agents that crashed lately
  std::set<std::string> unsettled_;                       // pod uids
};

}  // namespace

bool restless(const api::Pod& pod, const RuntimeModel& model) {
  for (const auto& container : pod.spec().containers()) {
    const ImageBehaviour& image = model.behaviour(container.image());
    if (image.missing || image.runs_for > Duration::zero() || image.crash_mean > Duration::zero() ||
        model.runs_command_of(container)) {
      return true;
    }
  }
  for (const auto& container : pod.spec().init_containers()) {
    const ImageBehaviour& image = model.behaviour(container.image());
    const bool ends_well = image.runs_for > Duration::zero() && image.exit_code == 0;
    if (image.missing || image.crash_mean > Duration::zero() || model.runs_command_of(container) ||
        ends_well == (container.restart_policy() == "Always")) {
      return true;
    }
  }
  return false;
}

std::unique_ptr<Check> make_agent_recovery_check(const CheckContext& context) {
  return std::make_unique<AgentRecoveryCheck>(context);
}

}  // namespace keelson::sim
