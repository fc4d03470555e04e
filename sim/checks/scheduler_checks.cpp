// SC-1 to SC-6: what the scheduler may decide. Feasibility is judged by rules written down here a second
// time, on the state that the decision says it was based on; sums are kept per node.
#include <algorithm>
#include <map>
#include <unordered_map>

#include "core/api/quantity.hpp"
#include "core/scheduler/scheduler.hpp"
#include "sim/checks/suite.hpp"
#include "sim/world/world.hpp"

namespace keelson::sim {

namespace {

constexpr InvariantInfo kInvariants[] = {
    {"SC-1", "On each node the requests of the pods bound there fit into what it can allocate."},
    {"SC-2", "At binding, on the scheduler's basis, the node exists and suits the pod."},
    {"SC-3", "A pod is bound once, never while it is being deleted, and only the pod that was scored."},
    {"SC-4", "A victim of preemption has a lower priority than a pod that waits."},
    {"SC-5", "The scheduler's cache holds the bound pods and those it assumes, and nothing else."},
    {"SC-6", "A pending pod for which there is a feasible node is bound within its bound."},
};
enum : std::size_t { kFits, kSuits, kOnce, kVictim, kCache, kBound };

using Amounts = std::map<std::string, int64_t>;  // cpu in milli, others in units

void add(Amounts& to, const google::protobuf::Map<std::string, api::Quantity>& from) {
  for (const auto& [name, quantity] : from) {
    to[name] += name == "cpu" ? api::milli_value_of(quantity) : api::value_of(quantity);
  }
}

// The sum over containers, at least each init container's (KEP-753 sidecars add up), plus overhead.
Amounts demand(const api::Pod& pod) {
  Amounts total, sidecars, peak;
  for (const auto& container : pod.spec().containers()) add(total, container.resources().requests());
  for (const auto& container : pod.spec().init_containers()) {
    Amounts own;
    add(own, container.resources().requests());
    if (container.restart_policy() == "Always") {
      for (const auto& [name, amount] : own) sidecars[name] += amount;
      continue;
    }
    for (const auto& [name, amount] : sidecars) own[name] += amount;
    for (const auto& [name, amount] : own) peak[name] = std::max(peak[name], amount);
  }
  for (const auto& [name, amount] : sidecars) total[name] += amount;
  for (const auto& [name, amount] : peak) total[name] = std::max(total[name], amount);
  add(total, pod.spec().overhead());
  return total;
}

bool holds_place(const api::ObjectPtr& object) {
  if (object == nullptr) return false;
  const auto& pod = object->as<api::Pod>();
  return !pod.spec().node_name().empty() && pod.status().phase() != "Succeeded" &&
         pod.status().phase() != "Failed";
}

bool tolerates(const api::Pod& pod, const api::Taint& taint) {
  for (const auto& t : pod.spec().tolerations()) {
    if (!t.effect().empty() && t.effect() != taint.effect()) continue;
    if (t.key().empty() && t.operator_() == "Exists") return true;
    if (t.key() != taint.key()) continue;
    if (t.operator_() == "Exists" || t.value() == taint.value()) return true;
  }
  return false;
}

bool expression_holds(const api::NodeSelectorRequirement& r, const std::string* value) {
  const auto& op = r.operator_();
  const bool listed =
      value != nullptr && std::find(r.values().begin(), r.values().end(), *value) != r.values().end();
  if (op == "In") return listed;
  if (op == "NotIn") return !listed;
  if (op == "Exists") return value != nullptr;
  if (op == "DoesNotExist") return value == nullptr;
  if (value == nullptr || r.values_size() != 1) return false;
  const long long have = std::atoll(value->c_str()), want = std::atoll(r.values(0).c_str());
  return op == "Gt" ? have > want : op == "Lt" && have < want;
}

// Empty: the node suits the pod. Else why not.
std::string unsuitable(const api::Pod& pod, const api::Node& node) {
  if (node.spec().unschedulable()) {
    api::Taint cordon;
    cordon.set_key("node.kubernetes.io/unschedulable");
    cordon.set_effect("NoSchedule");
    if (!tolerates(pod, cordon)) return "is cordoned";
  }
  for (const auto& taint : node.spec().taints()) {
    if (taint.effect() == "PreferNoSchedule") continue;
    if (!tolerates(pod, taint)) return "has the taint " + taint.key() + ":" + taint.effect();
  }
  const auto& labels = node.metadata().labels();
  for (const auto& [key, value] : pod.spec().node_selector()) {
    const auto it = labels.find(key);
    if (it == labels.end() || it->second != value) return "does not match the nodeSelector " + key;
  }
  const auto& affinity = pod.spec().affinity().node_affinity();
  if (!affinity.has_required_during_scheduling_ignored_during_execution()) return {};
  for (const auto& term :
       affinity.required_during_scheduling_ignored_during_execution().node_selector_terms()) {
    if (term.match_expressions_size() + term.match_fields_size() == 0) continue;
    const bool all =
        std::all_of(term.match_expressions().begin(), term.match_expressions().end(),
                    [&](const auto& r) {
                      const auto it = labels.find(r.key());
                      return expression_holds(r, it == labels.end() ? nullptr : &it->second);
                    }) &&
        std::all_of(term.match_fields().begin(), term.match_fields().end(), [&](const auto& r) {
          return expression_holds(r, r.key() == "metadata.name" ? &node.metadata().name() : nullptr);
        });
    if (all) return {};
  }
  return "matches no term of the required node affinity";
}

class SchedulerCheck final : public Check {
 public:
  using Check::Check;
  std::span<const InvariantInfo> invariants() const override { return kInvariants; }

  void on_commit(const store::StoreEvent& event) override {
    const api::Object& object = event.object ? *event.object : *event.previous;
    if (object.kind() != api::Kind::pods) return;
    last_pod_change_ = context().now;
    const bool before = holds_place(event.previous), now = holds_place(event.object);
    if (before && (!now || node_of(event.previous) != node_of(event.object))) {
      account(*event.previous, -1);
    }
    if (now && (!before || node_of(event.previous) != node_of(event.object))) {
      account(*event.object, +1);
      bound(event);
    }
    if (event.previous && event.object) once(event);
    note_waiting(event);
    victim(event);
  }

  void on_second() override {
    // Only what has been at rest for a while can be compared: events are still under way otherwise.
    if (context().now - last_pod_change_ < 5s) return;
    compare_caches();
  }

  void pending(std::vector<Pending>& out) override {
    for (const auto& [uid, since] : waiting_) {
      const api::ObjectPtr pod = state().get(since.key);
      if (!pod || pod->deleting()) continue;
      // Without any node that suits and has room, it waits rightly.
      if (feasible_somewhere(pod->as<api::Pod>())) {
        out.push_back({"SC-6", api::to_string(since.key),
                       "is not bound although a node has room for it"});
      }
    }
  }

  void recheck() override {
    std::map<std::string, Node> fresh;
    fresh.swap(nodes_);
    for (const auto& [key, pod] : state().all(api::Kind::pods)) {
      if (holds_place(pod)) account(*pod, +1);
    }
    std::erase_if(fresh, [](const auto& n) { return n.second.pods == 0; });
    check(kFits, fresh == nodes_, [] {
      return "CHECK: the sums kept per node differ from those computed anew";
    });
  }

 private:
  struct Node {
    Amounts used;
    int64_t pods = 0;
    std::map<std::string, int> ports;  // "TCP:8080"
    bool operator==(const Node&) const = default;
  };
  struct Waiting {
    api::ObjectKey key;
  };

  static const std::string& node_of(const api::ObjectPtr& object) {
    return object->as<api::Pod>().spec().node_name();
  }

  void account(const api::Object& object, int sign) {
    const auto& pod = object.as<api::Pod>();
    Node& node = nodes_[pod.spec().node_name()];
    for (const auto& [name, amount] : demand(pod)) {
      if ((node.used[name] += sign * amount) == 0) node.used.erase(name);
    }
    node.pods += sign;
    for (const auto& container : pod.spec().containers()) {
      for (const auto& port : container.ports()) {
        if (port.host_port() == 0) continue;
        const std::string key = port.protocol() + ":" + std::to_string(port.host_port());
        if ((node.ports[key] += sign) == 0) node.ports.erase(key);
      }
    }
    if (node.pods == 0) nodes_.erase(pod.spec().node_name());
  }

  // What does not fit on the node as it is; empty: everything does.
  static std::string overflow(const Node& used, const api::Node& node) {
    const auto& allocatable = node.status().allocatable();
    for (const auto& [name, amount] : used.used) {
      const auto it = allocatable.find(name);
      const int64_t have = it == allocatable.end() ? 0
                           : name == "cpu"         ? api::milli_value_of(it->second)
                                                   : api::value_of(it->second);
      if (amount > have) {
        return name + ": " + std::to_string(amount) + " of " + std::to_string(have);
      }
    }
    const auto pods = allocatable.find("pods");
    if (pods != allocatable.end() && used.pods > api::value_of(pods->second)) {
      return "pods: " + std::to_string(used.pods);
    }
    for (const auto& [port, count] : used.ports) {
      if (count > 1) return "host port " + port + " is taken twice";
    }
    return {};
  }

  static bool by_scheduler(const store::StoreEvent& event) {
    return event.provenance && event.provenance->actor.starts_with("scheduler-");
  }

  void bound(const store::StoreEvent& event) {
    if (!by_scheduler(event) || !event.previous) return;  // users may name a node as they like
    const auto& pod = event.object->as<api::Pod>();
    const std::string& name = pod.spec().node_name();
    const api::Ref<api::Node> node = state().get<api::Node>("", name);
    if (node) {
      const std::string over = overflow(nodes_[name], *node);
      check(kFits, over.empty(),
            [&] {
              return "binding " + event.object->ns() + "/" + event.object->name() +
                     " over-commits node " + name + " (" + over + ")";
            },
            &event);
    }
    const api::Basis* basis = event.provenance->basis.get();
    if (basis == nullptr) return;
    const api::Revision at = basis->of(api::Kind::nodes);
    const api::Ref<api::Node> then = state().get_at<api::Node>("", name, at);
    check(kSuits, static_cast<bool>(then),
          [&] { return "the scheduler knew no node " + name + " when it chose it"; }, &event);
    if (then) {
      const std::string why = unsuitable(pod, *then);
      check(kSuits, why.empty(),
            [&] {
              return event.object->name() + " was bound to " + name + ", which, as the scheduler knew, " +
                     why;
            },
            &event);
    }
    const api::ObjectPtr scored =
        state().get_at(event.object->key(), basis->of(api::Kind::pods));
    check(kOnce, scored == nullptr || scored->uid() == event.object->uid(),
          [&] {
            return event.object->name() + " was bound by a verdict on its predecessor of the same name";
          },
          &event);
  }

  void once(const store::StoreEvent& event) {
    const std::string &before = node_of(event.previous), &now = node_of(event.object);
    if (before == now) return;
    check(kOnce, before.empty(),
          [&] { return event.object->name() + " moved from node " + before + " to " + now; }, &event);
    check(kOnce, !event.previous->deleting(),
          [&] { return event.object->name() + " was bound while it was being deleted"; }, &event);
  }

  void note_waiting(const store::StoreEvent& event) {
    const api::Object& object = event.object ? *event.object : *event.previous;
    const bool waits = event.object && node_of(event.object).empty() && !event.object->deleting() &&
                       event.object->as<api::Pod>().spec().scheduling_gates_size() == 0 &&
                       event.object->as<api::Pod>().status().phase() != "Failed";
    if (!waits) {
      if (waiting_.erase(object.uid()) > 0 && event.object && !event.object->deleting()) {
        evaluated(kBound);
      }
      return;
    }
    waiting_.try_emplace(object.uid(), Waiting{object.key()});
  }

  void victim(const store::StoreEvent& event) {
    const bool deleted = event.previous && !event.previous->deleting() &&
                         (!event.object || event.object->deleting());
    if (!deleted || !by_scheduler(event)) return;
    const int32_t victim = event.previous->as<api::Pod>().spec().priority();
    int32_t best = INT32_MIN;
    for (const auto& [uid, waiting] : waiting_) {
      if (const api::ObjectPtr pod = state().get(waiting.key)) {
        best = std::max(best, pod->as<api::Pod>().spec().priority());
      }
    }
    check(kVictim, victim < best,
          [&] {
            return event.previous->name() + " of priority " + std::to_string(victim) +
                   " was preempted, but no waiting pod has a higher one";
          },
          &event);
  }

  bool feasible_somewhere(const api::Pod& pod) const {
    const Amounts wanted = demand(pod);
    for (const auto& [key, object] : state().all(api::Kind::nodes)) {
      const auto& node = object->as<api::Node>();
      if (!unsuitable(pod, node).empty()) continue;
      const auto it = nodes_.find(object->name());
      Node with = it == nodes_.end() ? Node{} : it->second;
      for (const auto& [name, amount] : wanted) with.used[name] += amount;
      ++with.pods;
      if (overflow(with, node).empty()) return true;
    }
    return false;
  }

  void compare_caches() {
    std::size_t holding = 0;
    for (const auto& [name, node] : nodes_) holding += static_cast<std::size_t>(node.pods);
    context().world.each_scheduler([&](const std::string& owner, const scheduler::Scheduler& s) {
      if (!s.synced() || s.stats().binds_in_flight > 0) return;
      // A watch that is cut or stalled is not caught up; when all is well it must be.
      if (context().phase != Phase::faults) {
        check(kCache, s.cache().pod_count() == holding, [&] {
          return "the cache of " + owner + " holds " + std::to_string(s.cache().pod_count()) +
                 " pods, but " + std::to_string(holding) + " are bound";
        });
      }
      for (const auto& assumed : s.cache().assumptions()) {
        check(kCache, !assumed.answered || context().phase == Phase::faults, [&] {
          return "the cache of " + owner + " still assumes a pod on " + assumed.node +
                 " whose binding was answered long ago";
        });
      }
    });
  }

  std::map<std::string, Node> nodes_;
  std::map<std::string, Waiting> waiting_;  // by pod uid
  Instant last_pod_change_{};
};

}  // namespace

void add_scheduler_checks(const CheckContext& context, Checks& checks) {
  checks.push_back(std::make_unique<SchedulerCheck>(context));
}

}  // namespace keelson::sim
