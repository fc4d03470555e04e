// SC-1 to SC-6: what the scheduler may decide. Feasibility is judged by rules written down here a second
// time, on the state that the decision says it was based on; sums are kept per node.
#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "core/api/device_claims.hpp"
#include "core/api/quantity.hpp"
#include "core/scheduler/plugins/plugins.hpp"
#include "core/scheduler/scheduler.hpp"
#include "sim/checks/suite.hpp"

namespace keelson::sim {

namespace {

constexpr InvariantInfo kSchedulerInvariants[] = {
    {"SC-1", "On each node the requests of the pods bound there fit into what it can allocate.",
     fact::provenance | fact::whole},
    {"SC-2", "At binding, on the scheduler's basis, the node exists and suits the pod.",
     fact::provenance | fact::whole},
    {"SC-3", "A pod is bound once, never while it is being deleted, and only the pod that was scored.",
     fact::provenance | fact::whole},
    {"SC-4",
     "A victim of preemption has a lower priority than a pod that waits, may preempt, and could run "
     "on the victim's node.", fact::provenance | fact::whole},
    {"SC-5",
     "The scheduler's cache holds the bound pods and those it assumes, each on its node, and nothing "
     "else.", fact::memory},
    {"SC-6", "A pending pod for which there is a feasible node is bound within 100 s.",
     fact::rest | fact::whole},
};
enum : std::size_t { kFits, kSuits, kBoundOnce, kVictim, kCache, kBoundInTime };

// Once all is well. Source: the queue's flush of the unschedulable, 60 s, its longest back-off, 10 s,
// and as much again for a new leader to be elected and its caches to fill.
constexpr Duration kBindBound = 100s;
// After the faults: for watches that were cut or fell silent to be given up and resumed, which takes
// an informer's progress time-out and its longest back-off.
constexpr Duration kCatchUp = 90s;
// Those who have stopped waiting may still be the reason for a deletion that commits so much later.
constexpr Duration kSchedulerDecision = 30s;

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
  if (const auto gpus = total.find(api::kGpuResource); gpus != total.end()) {
    const int64_t count = gpus->second;
    total.erase(gpus);
    for (const auto& [name, amount] : api::device_claims(pod.metadata(), count)) total[name] = amount;
  }
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

// What the profile of a pod makes of nodes, as far as the check judges it.
struct Rules {
  bool cordons = true, taints = true, affinity = true;
  bool usual = true;  // filters as by default, and none that the check does not know
};

Rules rules_of(const scheduler::Profile& profile) {
  std::set<std::string_view> filters, usual;
  for (const scheduler::Plugin* plugin : profile.at(scheduler::Point::filter)) {
    filters.insert(plugin->name());
  }
  static const scheduler::ProfilePtr kDefault =
      scheduler::Profile::make(scheduler::ProfileOptions::defaults(), scheduler::default_plugins())
          .value();
  for (const scheduler::Plugin* plugin : kDefault->at(scheduler::Point::filter)) {
    usual.insert(plugin->name());
  }
  const scheduler::PluginArgs& args = profile.args();
  return {.cordons = filters.contains("NodeUnschedulable"),
          .taints = filters.contains("TaintToleration"),
          .affinity = filters.contains("NodeAffinity"),
          .usual = filters == usual && !args.node_affinity.added_affinity &&
                   args.pod_topology_spread.default_constraints.empty()};
}

// Empty: the node suits the pod. Else why not.
std::string unsuitable(const Rules& rules, const api::Pod& pod, const api::Node& node) {
  if (rules.cordons && node.spec().unschedulable()) {
    api::Taint cordon;
    cordon.set_key("node.kubernetes.io/unschedulable");
    cordon.set_effect("NoSchedule");
    if (!tolerates(pod, cordon)) return "is cordoned";
  }
  for (const auto& taint : node.spec().taints()) {
    if (!rules.taints || taint.effect() == "PreferNoSchedule") continue;
    if (!tolerates(pod, taint)) return "has the taint " + taint.key() + ":" + taint.effect();
  }
  if (!rules.affinity) return {};
  const auto& labels = node.metadata().labels();
  std::string unmatched;  // the first by name: what is reported must not depend on hashes
  for (const auto& [key, value] : pod.spec().node_selector()) {
    const auto it = labels.find(key);
    if (it != labels.end() && it->second == value) continue;
    if (unmatched.empty() || key < unmatched) unmatched = key;
  }
  if (!unmatched.empty()) return "does not match the nodeSelector " + unmatched;
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
  std::span<const InvariantInfo> invariants() const override { return kSchedulerInvariants; }

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
    if (!event.object || !now) placed_by_others_.erase(object.uid());
    victim(event);
    note_waiting(event);
  }

  void on_phase(Phase phase) override {
    if (phase == Phase::converging) faults_stopped_ = context().now;
  }

  void on_second() override {
    learn_rules();
    if (at_rest()) compare_caches();
  }

  void pending(std::vector<Pending>& out) override {
    for (auto& [uid, waiting] : waiting_) {
      const api::ObjectPtr pod = state().get(waiting.key);
      // Without any node that suits and has room, it waits rightly; or for what only its profile knows.
      const Rules* rules = pod ? rules_for(pod->as<api::Pod>()) : nullptr;
      if (rules == nullptr || !rules->usual || pod->deleting() ||
          !feasible_somewhere(pod->as<api::Pod>())) {
        waiting.feasible_since = {};
        continue;
      }
      if (waiting.feasible_since == Instant{}) waiting.feasible_since = context().now;
      const Duration since = context().now - waiting.feasible_since;
      check(kBoundInTime, since <= kBindBound, [&] {
        return api::to_string(pod->key()) + " has not been bound for " + std::to_string(since / 1s) +
               " s although a node has had room for it all the time";
      });
      out.push_back({"SC-6", api::to_string(waiting.key),
                     "is not bound although a node has room for it"});
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
    ground().each_scheduler([&](const std::string& owner, const scheduler::Scheduler& s) {
      const std::string wrong = s.cache().check();
      check(kCache, wrong.empty(), [&] { return "the cache of " + owner + ": " + wrong; });
      if (at_rest() && caught_up(s)) compare_places(owner, s.cache());
    });
  }

 private:
  struct Node {
    Amounts used;
    int64_t pods = 0;
    std::map<std::string, std::map<std::string, int>> ports;  // "TCP:8080", host IP; "" is any
    bool operator==(const Node&) const = default;
  };
  struct Waiting {
    api::ObjectKey key;
    Instant feasible_since{};  // while all is well; zero: it is not, or not yet known to be
  };
  struct Waited {
    api::ObjectPtr pod;
    Instant until;
  };

  // By scheduler name. Null: the pod is nobody's here.
  const Rules* rules_for(const api::Pod& pod) const {
    const std::string& name = pod.spec().scheduler_name();
    const auto it = rules_.find(name.empty() ? std::string(scheduler::kDefaultSchedulerName) : name);
    return it == rules_.end() ? nullptr : &it->second;
  }
  Rules rules_or_usual(const api::Pod& pod) const {
    const Rules* rules = rules_for(pod);
    return rules == nullptr ? Rules{} : *rules;
  }
  // All schedulers of a cluster have the same configuration.
  void learn_rules() {
    if (learned_) return;
    ground().each_scheduler([&](const std::string&, const scheduler::Scheduler& s) {
      if (std::exchange(learned_, true)) return;
      rules_.clear();
      for (const auto& entry : s.profiles().entries()) {
        rules_[entry.scheduler_name] = rules_of(*entry.profile);
      }
    });
  }

  static const std::string& node_of(const api::ObjectPtr& object) {
    return object->as<api::Pod>().spec().node_name();
  }

  void account(const api::Object& object, int sign) {
    const std::string& name = object.as<api::Pod>().spec().node_name();
    Node& node = nodes_[name];
    add_to(node, object.as<api::Pod>(), sign);
    if (node.pods == 0) nodes_.erase(name);
  }

  static void add_to(Node& node, const api::Pod& pod, int sign) {
    for (const auto& [name, amount] : demand(pod)) {
      if ((node.used[name] += sign * amount) == 0) node.used.erase(name);
    }
    node.pods += sign;
    for (const auto& container : pod.spec().containers()) {
      for (const auto& port : container.ports()) {
        if (port.host_port() == 0) continue;
        const std::string key = (port.protocol().empty() ? "TCP" : port.protocol()) + ":" +
                                std::to_string(port.host_port());
        auto& by_ip = node.ports[key];
        const std::string ip = port.host_ip() == "0.0.0.0" ? "" : port.host_ip();
        if ((by_ip[ip] += sign) == 0) by_ip.erase(ip);
        if (by_ip.empty()) node.ports.erase(key);
      }
    }
  }

  // What does not fit on the node as it is; empty: everything does.
  static std::string overflow(const Node& used, const api::Node& node) {
    const auto& allocatable = node.status().allocatable();
    const auto gpus = allocatable.find(api::kGpuResource);
    const std::string device = api::overdrawn_device(
        used.used, gpus == allocatable.end() ? 0 : api::value_of(gpus->second));
    if (!device.empty()) return device;
    for (const auto& [name, amount] : used.used) {
      if (api::claimed_device(name) >= 0) continue;
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
    for (const auto& [port, by_ip] : used.ports) {
      bool twice = by_ip.contains("") && by_ip.size() > 1;
      for (const auto& [ip, count] : by_ip) twice = twice || count > 1;
      if (twice) return "host port " + port + " is taken twice";
    }
    return {};
  }

  // What is on the node without the pods that others have placed there and that the scheduler had not
  // seen at this revision.
  Node foreseeable(const std::string& name, api::Revision seen) const {
    Node node;
    for (const auto& [key, pod] : state().pods_on(name)) {
      if (!holds_place(pod)) continue;
      if (placed_by_others_.contains(pod->uid()) && !holds_place(state().get_at(pod->key(), seen))) {
        continue;
      }
      add_to(node, pod->as<api::Pod>(), +1);
    }
    return node;
  }

  static bool by_scheduler(const store::StoreEvent& event) {
    return event.provenance && event.provenance->actor.starts_with("scheduler-");
  }

  void bound(const store::StoreEvent& event) {
    // Users may name a node as they like.
    if (!by_scheduler(event) || !event.previous) {
      placed_by_others_.insert(event.object->uid());
      return;
    }
    const auto& pod = event.object->as<api::Pod>();
    const std::string& name = pod.spec().node_name();
    const api::Basis* basis = event.provenance->basis.get();
    const api::Revision at = basis == nullptr ? api::Revision{} : basis->of(api::Kind::nodes);
    const api::Ref<api::Node> then = state().get_at<api::Node>("", name, at);
    if (const api::Ref<api::Node> node = state().get<api::Node>("", name)) {
      std::string over = overflow(nodes_[name], *node);
      // What the scheduler could not know is not its fault: that the node has shrunk, or that
      // somebody else has put a pod there.
      if (!over.empty() && basis != nullptr) {
        over = overflow(foreseeable(name, basis->of(api::Kind::pods)), then ? *then : *node);
      }
      check(kFits, over.empty(),
            [&] {
              return "binding " + event.object->ns() + "/" + event.object->name() +
                     " over-commits node " + name + " (" + over + ")";
            },
            &event);
    }
    check(kSuits, basis != nullptr,
          [&] { return event.object->name() + " was bound without a word on what was known"; }, &event);
    if (basis == nullptr || !state().remembers(at)) return;
    check(kSuits, static_cast<bool>(then),
          [&] { return "the scheduler knew no node " + name + " when it chose it"; }, &event);
    if (then) {
      const std::string why = unsuitable(rules_or_usual(pod), pod, *then);
      check(kSuits, why.empty(),
            [&] {
              return event.object->name() + " was bound to " + name + ", which, as the scheduler knew, " +
                     why;
            },
            &event);
    }
    const api::Revision seen = basis->of(api::Kind::pods);
    if (!state().remembers(seen)) return;
    const api::ObjectPtr scored = state().get_at(event.object->key(), seen);
    check(kBoundOnce, scored != nullptr && scored->uid() == event.object->uid(),
          [&] {
            return event.object->name() + " was bound " +
                   (scored ? "by a verdict on its predecessor of the same name"
                           : "before the scheduler can have seen it");
          },
          &event);
  }

  void once(const store::StoreEvent& event) {
    const std::string &before = node_of(event.previous), &now = node_of(event.object);
    if (before == now) return;
    check(kBoundOnce, before.empty(),
          [&] { return event.object->name() + " moved from node " + before + " to " + now; }, &event);
    check(kBoundOnce, !event.previous->deleting(),
          [&] { return event.object->name() + " was bound while it was being deleted"; }, &event);
  }

  void note_waiting(const store::StoreEvent& event) {
    const api::Object& object = event.object ? *event.object : *event.previous;
    const auto& pod = object.as<api::Pod>();
    const bool waits = event.object && pod.spec().node_name().empty() &&
                       !event.object->deleting() && pod.spec().scheduling_gates_size() == 0 &&
                       pod.status().phase() != "Failed";
    if (waits) {
      waiting_.try_emplace(object.uid(), Waiting{object.key()});
      return;
    }
    if (waiting_.erase(object.uid()) == 0) return;
    if (event.object && !event.object->deleting()) evaluated(kBoundInTime);
    waited_.push_back({event.previous, context().now});
    while (context().now - waited_.front().until > kSchedulerDecision) waited_.pop_front();
  }

  void victim(const store::StoreEvent& event) {
    const bool deleted = event.previous && !event.previous->deleting() &&
                         (!event.object || event.object->deleting());
    if (!deleted || !by_scheduler(event)) return;
    const auto& pod = event.previous->as<api::Pod>();
    const api::Basis* basis = event.provenance->basis.get();
    const std::string& name = pod.spec().node_name();
    const api::Ref<api::Node> node =
        basis == nullptr ? state().get<api::Node>("", name)
                         : state().get_at<api::Node>("", name, basis->of(api::Kind::nodes));
    // Why it is not for this one's sake; empty: it may be.
    const auto objection = [&](const api::Pod& other) -> std::string {
      if (other.spec().priority() <= pod.spec().priority()) return "has a higher priority";
      if (other.spec().preemption_policy() == "Never") return "may preempt";
      if (name.empty()) return {};  // its own binding is still under way: where to, only they know
      if (!node || !unsuitable(rules_or_usual(other), other, *node).empty()) return "could run on " + name;
      Node alone;
      add_to(alone, other, +1);
      return overflow(alone, *node).empty() ? std::string() : "could run on " + name;
    };
    std::string why = "has a higher priority";
    bool found = false;
    const auto consider = [&](const api::ObjectPtr& other) {
      if (found || !other) return;
      const std::string no = objection(other->as<api::Pod>());
      found = no.empty();
      if (no != "has a higher priority") why = no;
    };
    learn_rules();
    for (const auto& [uid, waiting] : waiting_) {
      const api::ObjectPtr other = state().get(waiting.key);
      if (other && rules_for(other->as<api::Pod>()) != nullptr) consider(other);
    }
    for (const Waited& waited : waited_) {
      if (context().now - waited.until > kSchedulerDecision) continue;
      if (rules_for(waited.pod->as<api::Pod>()) != nullptr) consider(waited.pod);
    }
    check(kVictim, found,
          [&] {
            return event.previous->name() + " of priority " + std::to_string(pod.spec().priority()) +
                   " was preempted, but no waiting pod " + why;
          },
          &event);
  }

  bool feasible_somewhere(const api::Pod& pod) const {
    const Amounts wanted = demand(pod);
    const Rules rules = rules_or_usual(pod);
    for (const auto& [key, object] : state().all(api::Kind::nodes)) {
      const auto& node = object->as<api::Node>();
      if (!unsuitable(rules, pod, node).empty()) continue;
      const auto it = nodes_.find(object->name());
      Node with = it == nodes_.end() ? Node{} : it->second;
      for (const auto& [name, amount] : wanted) with.used[name] += amount;
      ++with.pods;
      if (overflow(with, node).empty()) return true;
    }
    return false;
  }

  // Only what has been at rest for a while can be compared: events are still under way otherwise. And
  // a watch that is cut or stalled is not caught up. When the faults have stopped it has some time to
  // be; when everything has settled it must be.
  bool at_rest() const {
    if (context().phase == Phase::faults) return false;
    if (context().now - last_pod_change_ < 5s) return false;
    return context().phase == Phase::quiet || context().now - faults_stopped_ >= kCatchUp;
  }
  static bool caught_up(const scheduler::Scheduler& s) {
    return s.synced() && s.stats().binds_in_flight == 0;
  }

  void compare_caches() {
    std::size_t holding = 0;
    for (const auto& [name, node] : nodes_) holding += static_cast<std::size_t>(node.pods);
    ground().each_scheduler([&](const std::string& owner, const scheduler::Scheduler& s) {
      if (!caught_up(s)) return;
      check(kCache, s.cache().pod_count() == holding, [&] {
        return "the cache of " + owner + " holds " + std::to_string(s.cache().pod_count()) +
               " pods, but " + std::to_string(holding) + " are bound";
      });
      for (const auto& assumed : s.cache().assumptions()) {
        check(kCache, !assumed.answered, [&] {
          return "the cache of " + owner + " still assumes a pod on " + assumed.node +
                 " whose binding was answered long ago";
        });
      }
    });
  }

  void compare_places(const std::string& owner, const scheduler::Cache& cache) {
    for (const auto& [key, pod] : state().all(api::Kind::pods)) {
      if (!holds_place(pod)) continue;
      const scheduler::NameId at = cache.node_of(pod->uid());
      check(kCache, at != 0 && cache.words().text(at) == node_of(pod), [&, &which = pod] {
        return "the cache of " + owner + " has the pod " + which->name() + " of node " +
               node_of(which) + (at == 0 ? " nowhere" : " on " + cache.words().text(at));
      });
    }
  }

  std::map<std::string, Rules> rules_{{std::string(scheduler::kDefaultSchedulerName), {}}};
  bool learned_ = false;
  std::map<std::string, Node> nodes_;
  std::map<std::string, Waiting> waiting_;  // by pod uid
  std::deque<Waited> waited_;               // those that have stopped waiting lately
  std::unordered_set<std::string> placed_by_others_;  // uids of pods that hold a place
  Instant last_pod_change_{}, faults_stopped_{};
};

}  // namespace

void add_scheduler_checks(const CheckContext& context, Checks& checks) {
  checks.push_back(std::make_unique<SchedulerCheck>(context));
}

}  // namespace keelson::sim
