// Keeps the ledger of involuntary losses. A pod is lost involuntarily when it stops serving for any
// reason but a decision of its ReplicaSet's controller: its Ready turns false, somebody else
// deletes it, its node loses power, one of its containers stops. An entry closes when the pod
// serves again, or with all others of its ReplicaSet when that has got replacements for them, or
// does without them and its controller knows it.
#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "sim/checks/rollout_rules.hpp"
#include "sim/checks/suite.hpp"

namespace keelson::sim {

namespace {

constexpr InvariantInfo kLedgerKeeperInvariants[] = {
    {"LEDGER", "The ledger's counts of serving pods are those of the committed state.", fact::whole},
};

class LedgerKeeper final : public Check {
 public:
  LedgerKeeper(const CheckContext& context, InvoluntaryLedger& ledger)
      : Check(context), ledger_(ledger) {}
  std::span<const InvariantInfo> invariants() const override { return kLedgerKeeperInvariants; }

  void on_commit(const store::StoreEvent& event) override {
    const api::Object& object = event.object ? *event.object : *event.previous;
    switch (object.kind()) {
      case api::Kind::pods: on_pod(event, object); break;
      case api::Kind::replica_sets: on_replica_set(event, object); break;
      case api::Kind::deployments: on_deployment(event, object); break;
      default: break;
    }
  }

  void on_container_stopped(const std::string& node, const agent::ContainerInfo& info) override {
    const auto it = pods_.find(info.pod_uid);
    if (info.init || it == pods_.end()) return;
    Pod& pod = it->second;
    if (!pod.serving && !ledger_.is_open(info.pod_uid)) return;
    down_[info.pod_uid].insert(info.name);
    if (pod.serving) lose(info.pod_uid, pod, "container " + info.name + " stopped on " + node);
  }

  void on_container_started(const std::string&, const agent::ContainerInfo& info) override {
    const auto it = down_.find(info.pod_uid);
    if (it == down_.end()) return;
    it->second.erase(info.name);
    // The entry stays until the agent has reported what it sees: the pod may not be ready yet.
    if (it->second.empty()) down_.erase(it);
  }

  void on_node_powered(const std::string& node, bool on) override {
    if (on) return;
    for (const auto& [key, object] : state().pods_on(node)) {
      const auto it = pods_.find(object->uid());
      if (it == pods_.end() || !it->second.serving) continue;
      for (const auto& container : object->as<api::Pod>().spec().containers()) {
        down_[object->uid()].insert(container.name());
      }
      lose(object->uid(), it->second, "node " + node + " lost power");
    }
  }

  void recheck() override {
    std::map<std::string, std::pair<int32_t, int32_t>> fresh;  // active and whole, by set
    bool same = pods_.size() == state().all(api::Kind::pods).size();
    for (const auto& [key, object] : state().all(api::Kind::pods)) {
      const auto it = pods_.find(object->uid());
      same = same && it != pods_.end() && it->second.serving == serving(object) &&
             it->second.set == controlling_set(*object).uid();
      auto& [active_pods, whole] = fresh[controlling_set(*object).uid()];
      if (active(object->as<api::Pod>())) ++active_pods;
      if (serving(object) && !ledger_.is_open(object->uid())) ++whole;
    }
    for (const auto& [uid, set] : sets_) {
      same = same && fresh[uid] == std::pair(set.active, set.whole);
    }
    check(0, same, [] {
      return "CHECK: the pods counted per ReplicaSet differ from those counted anew";
    });
  }

 private:
  struct Pod {
    std::string set;  // uid of its ReplicaSet; empty: none
    bool active = false;
    bool serving = false;
    bool counted = false;  // in its set's `whole`
  };
  struct Set {
    api::ObjectKey key;
    std::string owner;   // uid of the workload at the top: its Deployment, or itself
    int32_t active = 0;  // pods
    int32_t whole = 0;   // serving pods without an open entry
    int64_t shrunk = 0;  // the generation in which it last asked for fewer
  };
  struct Workload {
    api::ObjectKey key;
    std::map<std::string, std::string> lost;  // uid of a lost pod -> uid of its set
  };

  void on_pod(const store::StoreEvent& event, const api::Object& object) {
    const std::string& uid = object.uid();
    Pod& pod = pods_[uid];
    const std::string set = controlling_set(object).uid();
    const bool before = pod.serving, now = serving(event.object);
    if (pod.set != set) leave(uid, pod, set, before && now);
    const bool is_active = event.object && active(event.object->as<api::Pod>());
    if (pod.active != is_active) {
      if (Set* mine = find(pod.set)) mine->active += is_active ? 1 : -1;
    }
    pod.active = is_active;
    pod.serving = now;
    if (before && !now && (is_active || !written_by(event, "replicaset"))) {
      lose(uid, pod, is_active ? "it is not ready" : "it was taken away");
    }
    if (now && !down_.contains(uid) && ledger_.is_open(uid)) close(uid);
    settle(uid, pod);
    if (const Set* mine = find(pod.set)) heal(mine->owner);
    if (event.object) return;
    down_.erase(uid);
    pods_.erase(uid);
  }

  // The pod gets another controller, or its first one.
  void leave(const std::string& uid, Pod& pod, const std::string& to, bool serves) {
    const bool counted = pod.counted;
    if (Set* old = find(pod.set)) {
      if (pod.active) --old->active;
      uncount(pod);
      // Its workload has lost it, though it serves on: under a name of its own, for it is well.
      if (counted && serves) open(*old, pod.set, uid + "/released", "it was released");
    }
    pod.set = to;
    Set* next = find(to);
    if (next != nullptr && pod.active) ++next->active;
    settle(uid, pod);
  }

  void on_replica_set(const store::StoreEvent& event, const api::Object& object) {
    const std::string& uid = object.uid();
    if (!event.object) {
      if (workloads_.contains(uid)) forget(uid);
      const Set* set = find(uid);
      if (set == nullptr) return;
      const std::string owner = set->owner;
      if (set->active == 0) sets_.erase(uid);
      heal(owner);
      return;
    }
    const std::string& controller = controller_uid(object);
    const std::string& owner = controller.empty() ? uid : controller;
    Set& set = sets_[uid];
    set.key = object.key();
    if (event.previous && replicas_of(object.as<api::ReplicaSet>()) <
                              replicas_of(event.previous->as<api::ReplicaSet>())) {
      set.shrunk = object.meta().generation();
    }
    if (set.owner != owner) {
      if (set.owner == uid) forget(uid);  // adopted: its pods are the Deployment's from now on
      set.owner = owner;
    }
    if (owner == uid) workloads_[uid].key = set.key;
    heal(owner);
  }

  void on_deployment(const store::StoreEvent& event, const api::Object& object) {
    if (!event.object) {
      forget(object.uid());
      return;
    }
    workloads_[object.uid()].key = object.key();
    heal(object.uid());
  }

  Set* find(const std::string& set) {
    const auto it = sets_.find(set);
    return it == sets_.end() ? nullptr : &it->second;
  }

  void open(const Set& set, const std::string& set_uid, const std::string& entry,
            const std::string& why) {
    const auto workload = workloads_.find(set.owner);
    if (workload == workloads_.end() || ledger_.is_open(entry)) return;
    ledger_.open(set.owner, entry, why, context().now);
    workload->second.lost.emplace(entry, set_uid);
    owners_of_lost_[entry] = set.owner;
  }

  void lose(const std::string& uid, Pod& pod, const std::string& why) {
    if (const Set* set = find(pod.set)) open(*set, pod.set, uid, why);
    settle(uid, pod);
  }

  void close(const std::string& entry) {
    ledger_.close_pod(entry, context().now);
    const auto owner = owners_of_lost_.find(entry);
    if (owner != owners_of_lost_.end()) {
      const auto workload = workloads_.find(owner->second);
      if (workload != workloads_.end()) workload->second.lost.erase(entry);
      owners_of_lost_.erase(owner);
    }
    const auto pod = pods_.find(entry);
    if (pod != pods_.end()) settle(entry, pod->second);
  }

  void forget(const std::string& owner) {
    ledger_.forget(owner);
    const auto it = workloads_.find(owner);
    if (it == workloads_.end()) return;
    const auto lost = std::move(it->second.lost);
    workloads_.erase(it);
    for (const auto& [entry, set] : lost) {
      owners_of_lost_.erase(entry);
      const auto pod = pods_.find(entry);
      if (pod != pods_.end()) settle(entry, pod->second);
    }
  }

  void uncount(Pod& pod) {
    if (!pod.counted) return;
    pod.counted = false;
    if (Set* set = find(pod.set)) --set->whole;
  }

  void settle(const std::string& uid, Pod& pod) {
    const bool counts = pod.serving && !ledger_.is_open(uid);
    if (counts == pod.counted) return;
    if (!counts) {
      uncount(pod);
    } else if (Set* set = find(pod.set)) {
      pod.counted = true;
      ++set->whole;
    }
  }

  // Its controller has seen the size that it has shrunk to, and that it has no more pods than that.
  // Until then it may still take a lost pod for present, and delete another one as superfluous.
  bool shrinking_seen(const Set& set) const {
    if (set.shrunk == 0) return true;
    const api::Ref<api::ReplicaSet> rs(state().get(set.key));
    return rs && rs->status().observed_generation() >= set.shrunk &&
           rs->status().replicas() <= replicas_of(*rs);
  }

  // What the ReplicaSet asks for; -1: it is gone.
  int32_t size_of(const std::string& uid, const Set& set) const {
    const api::ObjectPtr rs = state().get(set.key);
    return rs && rs->uid() == uid ? replicas_of(rs->as<api::ReplicaSet>()) : -1;
  }

  // Losses of a ReplicaSet are made good when all that it asks for serve and none is left over:
  // from then on nobody can take the lost pods for present. If it has shrunk meanwhile instead of
  // replacing them, the others must have made up for it, too.
  void heal(const std::string& owner) {
    const auto it = workloads_.find(owner);
    if (it == workloads_.end() || it->second.lost.empty()) return;
    const api::ObjectPtr object = state().get(it->second.key);
    if (!object || object->uid() != owner) return;
    int32_t wanted = 0, least = 0, kept = 0;
    const auto keep = [&](const std::string& uid) {
      const Set* set = find(uid);
      if (set != nullptr) kept += std::min(set->whole, size_of(uid, *set));
    };
    if (object->kind() == api::Kind::deployments) {
      const Bounds bounds = bounds_of(object->as<api::Deployment>());
      wanted = bounds.replicas;
      least = bounds.replicas - bounds.unavailable;
      for (const auto& [key, rs] : state().controlled_by(api::Kind::replica_sets, owner)) {
        keep(rs->uid());
      }
    } else {
      wanted = least = replicas_of(object->as<api::ReplicaSet>());
      keep(owner);
    }
    std::vector<std::string> healed;
    for (const auto& [entry, uid] : it->second.lost) {
      const Set* set = find(uid);
      const int32_t size = set == nullptr || set->owner != owner ? -1 : size_of(uid, *set);
      const bool full = size >= 0 && set->whole == size && set->active == size &&
                        shrinking_seen(*set);
      if (size < 0 ? kept >= wanted : full && kept >= least) healed.push_back(entry);
    }
    for (const std::string& entry : healed) close(entry);
  }

  InvoluntaryLedger& ledger_;
  std::unordered_map<std::string, Pod> pods_;            // by uid, all that exist
  std::unordered_map<std::string, Set> sets_;            // by uid
  std::unordered_map<std::string, Workload> workloads_;  // by uid
  std::unordered_map<std::string, std::string> owners_of_lost_;
  // Containers of lost pods that do not run; the truth, not what the API says.
  std::unordered_map<std::string, std::set<std::string>> down_;
};

}  // namespace

void add_ledger_keeper(const CheckContext& context, InvoluntaryLedger& ledger, Checks& checks) {
  checks.push_back(std::make_unique<LedgerKeeper>(context, ledger));
}

}  // namespace keelson::sim
