// What the workload checks know about ReplicaSets and Deployments: the arithmetic of rollouts,
// written down a second time, and how a rollout looked on the basis of a decision.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sim/checks/state_model.hpp"

namespace keelson::sim {

// The basis of the decision behind the event; null: it was none on a cache.
const api::Basis* basis_of(const store::StoreEvent& event);

inline int32_t replicas_of(const api::ReplicaSet& rs) {
  return rs.spec().has_replicas() ? rs.spec().replicas() : 1;
}
inline int32_t replicas_of(const api::Deployment& deployment) {
  return deployment.spec().has_replicas() ? deployment.spec().replicas() : 1;
}
// Active and ready: a pod that its workload counts on. Null: no.
bool serving(const api::ObjectPtr& pod);
// The reference to the ReplicaSet that controls the pod, to the Deployment that controls the
// ReplicaSet; one with an empty uid: there is none. Part of the object.
const api::OwnerReference& controlling_set(const api::Object& pod);
const api::OwnerReference& controlling_deployment(const api::Object& rs);
std::optional<int64_t> number_annotation(const api::ObjectMeta& meta, const char* name);

inline constexpr const char* kRevisionAnnotation = "deployment.kubernetes.io/revision";
inline constexpr const char* kHistoryAnnotation = "deployment.kubernetes.io/revision-history";
inline constexpr const char* kDesiredAnnotation = "deployment.kubernetes.io/desired-replicas";

// R, S and U. Source of the rule for both being zero: Kubernetes' ResolveFenceposts.
struct Bounds {
  int32_t replicas = 0, surge = 0, unavailable = 0;
  bool recreate = false;
};
Bounds bounds_of(const api::Deployment& deployment);

// A rollout as it was known to somebody.
struct KnownSet {
  api::Ref<api::ReplicaSet> rs;
  int32_t size = 0;       // spec.replicas
  int32_t available = 0;  // as its status says, but no more than its size
};
struct KnownRollout {
  api::Ref<api::Deployment> deployment;
  Bounds bounds;
  std::vector<KnownSet> sets;  // oldest first
  int current = -1;            // index of the set with the deployment's template; -1: none
  int32_t total = 0, available = 0;
  int in_use = 0;       // sets with a size above zero
  bool scaling = false; // spec.replicas has changed since the sets were sized

  const KnownSet* current_set() const {
    return current < 0 ? nullptr : &sets[static_cast<std::size_t>(current)];
  }
  const KnownSet* find(const std::string& uid) const;
  // The sizes follow the change of spec.replicas or are held by a pause: no step of a rollout.
  bool only_scales() const { return scaling || deployment->spec().paused(); }
};

// Which ReplicaSets each Deployment has ever had, and what their templates are.
class Families {
 public:
  void on_commit(const store::StoreEvent& event);
  // On this basis. Null: the deployment was not known then.
  std::optional<KnownRollout> known(const StateModel& state, const api::ObjectKey& deployment,
                                    const std::string& uid, const api::Basis& basis);
  // As it is now.
  std::optional<KnownRollout> now(const StateModel& state, const api::ObjectPtr& deployment);
  // Equal for templates that are equal but for the pod-template-hash label.
  uint64_t fingerprint(const api::Object& object);

 private:
  struct Fingerprint {
    int64_t generation = -1;
    uint64_t value = 0;
  };
  void complete(KnownRollout* rollout);
  std::unordered_map<std::string, std::set<std::string>> names_;  // by deployment uid
  std::unordered_map<std::string, Fingerprint> fingerprints_;     // by uid of either kind
};

// When a revision was committed, to the second.
class RevisionTimes {
 public:
  void committed(api::Revision revision, Instant at);
  // Not later than the revision's commit, at most a second earlier.
  Instant at_or_before(api::Revision revision) const;
  // A revision that had been committed by this time, at most a second older than the last such one;
  // zero: none had.
  api::Revision known_at(Instant at) const;

 private:
  struct Second {
    Instant begin;
    api::Revision first;
  };
  std::vector<Second> seconds_;
};

}  // namespace keelson::sim
