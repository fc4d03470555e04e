// DP-3: a Deployment that has once been fully available never falls below replicas - maxUnavailable
// by the hand of its controllers. Pods that were lost involuntarily count as if they were there, so
// the sum can only fall when a ReplicaSet's controller deletes a pod that serves: that is when it
// is evaluated.
#include <algorithm>
#include <map>
#include <unordered_map>

#include "sim/checks/workload_checks.hpp"

namespace keelson::sim {

namespace {

constexpr InvariantInfo kAvailabilityInvariants[] = {
    {"DP-3",
     "Once a Deployment has been available, the pods that serve and those lost involuntarily are "
     "never fewer than replicas - maxUnavailable.", fact::provenance | fact::whole},
};

class AvailabilityCheck final : public Check {
 public:
  AvailabilityCheck(const CheckContext& context, RolloutKnowledgePtr shared)
      : Check(context), shared_(std::move(shared)) {}
  std::span<const InvariantInfo> invariants() const override { return kAvailabilityInvariants; }

  void on_commit(const store::StoreEvent& event) override {
    const api::Object& object = event.object ? *event.object : *event.previous;
    switch (object.kind()) {
      case api::Kind::pods: on_pod(event); break;
      case api::Kind::replica_sets: on_replica_set(event, object); break;
      case api::Kind::deployments: on_deployment(event, object); break;
      default: break;
    }
  }

  void recheck() override {
    std::map<std::string, int32_t> fresh;
    for (const auto& [key, pod] : state().all(api::Kind::pods)) {
      if (serving(pod)) ++fresh[controlling_set(*pod).uid()];
    }
    bool same = true;
    for (const auto& [uid, set] : sets_) same = same && set.serving == fresh[uid];
    check(0, same, [] {
      return "CHECK: the serving pods counted per ReplicaSet differ from those counted anew";
    });
  }

 private:
  struct Set {
    std::string deployment;  // uid; empty: none
    int32_t serving = 0;
    // Since it was last settled: pods that the deployment controller took for available when it
    // shrank this set; those that it took for unavailable; and what was deleted of either.
    int32_t shrunk_healthy = 0, shrunk_unhealthy = 0;
    int32_t deleted_serving = 0, deleted_others = 0;

    // Pods that have recovered between the decision to give them up and their deletion: the
    // decision was right when it was made.
    int32_t recovered() const {
      const int32_t credit = std::max(0, shrunk_unhealthy - deleted_others);
      return std::clamp(deleted_serving - shrunk_healthy, 0, credit);
    }
    void settled() {
      shrunk_healthy = shrunk_unhealthy = deleted_serving = deleted_others = 0;
    }
  };
  struct Promise {
    api::ObjectKey key;
    int32_t floor = 0;  // what is promised now; 0 until it was fully available
  };

  Set& set_of(const api::Object& pod) {
    const api::OwnerReference& owner = controlling_set(pod);
    return sets_[owner.uid()];  // that of orphans counts, too, and stands for nothing
  }

  void on_pod(const store::StoreEvent& event) {
    const bool before = serving(event.previous), now = serving(event.object);
    const bool moved = event.previous && event.object &&
                       controller_uid(*event.previous) != controller_uid(*event.object);
    if (moved) distrust(set_of(*event.previous).deployment);
    if (before && (!now || moved)) --set_of(*event.previous).serving;
    if (now && (!before || moved)) {
      Set& set = set_of(*event.object);
      ++set.serving;
      reconsider(set.deployment);
      return;
    }
    const bool deleted = event.previous && active(event.previous->as<api::Pod>()) &&
                         (!event.object || event.object->deleting());
    if (!deleted || !written_by(event, "replicaset")) return;
    Set& set = set_of(*event.previous);
    if (!before) {
      ++set.deleted_others;
      return;
    }
    ++set.deleted_serving;
    evaluate(event, set);
  }

  void on_replica_set(const store::StoreEvent& event, const api::Object& object) {
    if (!event.object) {
      const auto it = sets_.find(object.uid());
      if (it == sets_.end()) return;
      if (replicas_of(object.as<api::ReplicaSet>()) > 0) distrust(it->second.deployment);
      if (it->second.serving == 0) sets_.erase(it);
      return;
    }
    Set& set = sets_[object.uid()];
    const std::string owner = controlling_deployment(object).uid();
    if (set.deployment != owner) {
      distrust(set.deployment);
      if (event.previous) distrust(owner);  // adopted
      set.deployment = owner;
    }
    const int32_t now = replicas_of(object.as<api::ReplicaSet>());
    const int32_t before =
        event.previous ? replicas_of(event.previous->as<api::ReplicaSet>()) : now;
    if (now < before) shrunk(event, set, before - now);
    reconsider(owner);
  }

  void shrunk(const store::StoreEvent& event, Set& set, int32_t by) {
    const api::OwnerReference& owner = controlling_deployment(*event.object);
    if (owner.uid().empty()) return;
    const api::Basis* basis = basis_of(event);
    if (!written_by(event, "deployment") || basis == nullptr) {
      distrust(owner.uid());  // somebody else shrank it: nothing is promised about that
      return;
    }
    const auto known = shared_->families.known(
        state(), {api::Kind::deployments, event.object->ns(), owner.name()}, owner.uid(), *basis);
    if (!known || (known->only_scales() && known->in_use > 1)) {
      // A change of size in the middle of a rollout is shared out by proportion, not availability.
      distrust(owner.uid());
      return;
    }
    const KnownSet* then = known->find(event.object->uid());
    const int32_t unhealthy = then == nullptr ? 0 : std::min(by, then->size - then->available);
    set.shrunk_unhealthy += unhealthy;
    set.shrunk_healthy += by - unhealthy;
  }

  void on_deployment(const store::StoreEvent& event, const api::Object& object) {
    if (!event.object) {
      promises_.erase(object.uid());
      return;
    }
    Promise& promise = promises_[object.uid()];
    promise.key = object.key();
    promise.floor = std::min(promise.floor, target(object));
    reconsider(object.uid());
  }

  static int32_t target(const api::Object& deployment) {
    if (deployment.deleting()) return 0;
    const Bounds bounds = bounds_of(deployment.as<api::Deployment>());
    return bounds.recreate ? 0 : bounds.replicas - bounds.unavailable;
  }

  void distrust(const std::string& deployment) {
    const auto it = promises_.find(deployment);
    if (it != promises_.end()) it->second.floor = 0;
  }

  // Raises the promise when all is available and everybody concerned has seen what is asked for
  // now: until then a decision for an earlier size may be under way.
  void reconsider(const std::string& uid) {
    const auto it = promises_.find(uid);
    if (it == promises_.end()) return;
    const api::ObjectPtr object = state().get(it->second.key);
    if (!object || object->uid() != uid) return;
    const auto& deployment = object->as<api::Deployment>();
    if (deployment.status().observed_generation() < object->meta().generation()) return;
    int32_t kept = 0;
    const auto& owned = state().controlled_by(api::Kind::replica_sets, uid);
    for (const auto& [key, rs] : owned) {
      const auto set = sets_.find(rs->uid());
      const auto& message = rs->as<api::ReplicaSet>();
      const int32_t size = replicas_of(message);
      if (message.status().observed_generation() < rs->meta().generation()) return;
      if (set != sets_.end()) kept += std::min(size, set->second.serving);
    }
    if (kept < replicas_of(deployment)) return;
    it->second.floor = target(*object);
    for (const auto& [key, rs] : owned) {
      const auto set = sets_.find(rs->uid());
      const auto& status = rs->as<api::ReplicaSet>().status();
      // While deletions are still under way the account of who was given up stays open.
      if (set != sets_.end() && status.replicas() <= replicas_of(rs->as<api::ReplicaSet>())) {
        set->second.settled();
      }
    }
  }

  void evaluate(const store::StoreEvent& event, const Set& set) {
    const auto it = promises_.find(set.deployment);
    if (it == promises_.end() || it->second.floor == 0) return;
    const api::ObjectPtr deployment = state().get(it->second.key);
    if (!deployment || deployment->uid() != set.deployment) return;
    int32_t has = 0, recovered = 0;
    const auto& owned = state().controlled_by(api::Kind::replica_sets, set.deployment);
    for (const auto& [key, rs] : owned) {
      const auto one = sets_.find(rs->uid());
      if (one == sets_.end()) continue;
      has += one->second.serving;
      recovered += one->second.recovered();
    }
    const int32_t floor = it->second.floor;
    int32_t lost = 0;
    if (has < floor) {
      // Pods that are lost but that the API still calls ready stand in both accounts.
      lost = static_cast<int32_t>(context().ledger.open_for(set.deployment));
      for (const auto& [key, rs] : owned) {
        for (const auto& [name, pod] : state().controlled_by(api::Kind::pods, rs->uid())) {
          if (serving(pod) && context().ledger.is_open(pod->uid())) --lost;
        }
      }
    }
    check(0, has + lost + recovered >= floor,
          [&] {
            return "deleting " + event.previous->name() + " leaves " + deployment->name() +
                   " with " + std::to_string(has) + " serving pods and " + std::to_string(lost) +
                   " lost involuntarily, fewer than the promised " + std::to_string(floor);
          },
          &event);
  }

  RolloutKnowledgePtr shared_;
  std::unordered_map<std::string, Set> sets_;          // by ReplicaSet uid
  std::unordered_map<std::string, Promise> promises_;  // by Deployment uid
};

}  // namespace

std::unique_ptr<Check> make_availability_check(const CheckContext& context,
                                               RolloutKnowledgePtr shared) {
  return std::make_unique<AvailabilityCheck>(context, std::move(shared));
}

}  // namespace keelson::sim
