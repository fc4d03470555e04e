// RS-1 to RS-4: what a ReplicaSet's controller may do to pods. Creations are judged on the
// committed state, choices on the state that the decision says it was based on.
#include "sim/checks/workload_checks.hpp"

#include <algorithm>
#include <compare>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>

#include "core/api/selector.hpp"

namespace keelson::sim {

namespace {

constexpr InvariantInfo kWorkloadInvariants[] = {
    {"RS-1", "A ReplicaSet gets as many active pods as it asks for.", fact::rest | fact::whole},
    {"RS-2", "A pod is created only while its ReplicaSet has fewer active ones than it asks for.",
     fact::provenance | fact::whole},
    {"RS-3", "Pods in excess go, no more than those, and the least valuable of them first.",
     fact::provenance | fact::whole},
    {"RS-4",
     "A ReplicaSet deletes only pods that it controls, adopts only orphans that it selects, and lets go "
     "only what it does not select.", fact::provenance | fact::whole},
};
enum : std::size_t { kCount, kCreates, kVictims, kOwns };

// More than this many are left to the next reconcile. Source: Kubernetes' BurstReplicas.
constexpr std::size_t kBurst = 500;
// Decisions on a basis older than this are not judged: the pods that went since are forgotten.
constexpr Duration kMemory = 120s;

// What makes a pod worth keeping; the smaller goes first. Source: Kubernetes' ActivePodsWithRanks, and
// KEP-2255 for the cost.
struct Worth {
  int state = 0;  // see kStates
  int32_t deletion_cost = 0;
  int fewer_beside = 0;      // pods of the workload on the same node, negative
  int64_t ready_before = 0;  // negative seconds: ready for a shorter time is worth less
  int64_t fewer_restarts = 0;
  int64_t created_before = 0;
  friend auto operator<=>(const Worth&, const Worth&) = default;
};

constexpr const char* kStates[] = {"unassigned", "pending",   "pending but ready",
                                   "unknown",    "unknown but ready", "not ready",
                                   "ready"};

int state_of(const api::Pod& pod) {
  if (pod.spec().node_name().empty()) return 0;
  const std::string& phase = pod.status().phase();
  const int by_phase = phase == "Running" ? 2 : phase == "Unknown" ? 1 : 0;
  return 1 + 2 * by_phase + (ready(pod) ? 1 : 0);
}

Worth worth_of(const api::Pod& pod, const std::map<std::string, int>& beside) {
  Worth worth;
  worth.state = state_of(pod);
  worth.deletion_cost = static_cast<int32_t>(
      number_annotation(pod.metadata(), "controller.kubernetes.io/pod-deletion-cost").value_or(0));
  const auto there = beside.find(pod.spec().node_name());
  if (there != beside.end()) worth.fewer_beside = -there->second;
  for (const auto& condition : pod.status().conditions()) {
    if (condition.type() != "Ready" || condition.status() != "True") continue;
    worth.ready_before = -condition.last_transition_time().seconds();
  }
  for (const auto& status : pod.status().container_statuses()) {
    worth.fewer_restarts = std::min<int64_t>(worth.fewer_restarts, -status.restart_count());
  }
  worth.created_before = -pod.metadata().creation_timestamp().seconds();
  return worth;
}

// What makes the one worth less than the other.
std::string compared(const Worth& gone, const Worth& kept) {
  if (gone.state != kept.state) {
    return std::string("that was ") + kStates[gone.state] + " was deleted and one that was " +
           kStates[kept.state] + " kept";
  }
  const char* reason = gone.deletion_cost != kept.deletion_cost     ? "costs more to delete"
                       : gone.fewer_beside != kept.fewer_beside     ? "has fewer beside it"
                       : gone.ready_before != kept.ready_before     ? "has been ready for longer"
                       : gone.fewer_restarts != kept.fewer_restarts ? "has restarted less often"
                                                                    : "is older";
  return std::string("was deleted that ") + reason + " than one that was kept";
}

class ReplicaSetCheck final : public Check {
 public:
  using Check::Check;
  std::span<const InvariantInfo> invariants() const override { return kWorkloadInvariants; }

  void on_commit(const store::StoreEvent& event) override {
    const api::Object& object = event.object ? *event.object : *event.previous;
    if (object.kind() == api::Kind::replica_sets && !event.object) forget_empty(object.uid());
    if (object.kind() != api::Kind::pods) return;
    count(event);
    if (!written_by(event, "replicaset")) return;
    if (!event.previous) {
      created(event);
    } else if (active(event.previous->as<api::Pod>()) &&
               (!event.object || event.object->deleting())) {
      removed(event);
    } else if (event.object) {
      adopted(event);
    }
  }

  void pending(std::vector<Pending>& out) override {
    for (const auto& [key, object] : state().all(api::Kind::replica_sets)) {
      if (object->deleting()) continue;
      const auto space = state().get<api::Namespace>("", object->ns());
      if (space && space.object().deleting()) continue;  // nothing can be created there
      evaluated(kCount);
      const auto& rs = object->as<api::ReplicaSet>();
      const int32_t wanted = replicas_of(rs);
      const auto it = sets_.find(object->uid());
      const int32_t has = it == sets_.end() ? 0 : it->second.active;
      if (has != wanted) {
        out.push_back({"RS-1", api::to_string(object->key()),
                       std::to_string(has) + " of " + std::to_string(wanted) + " pods are active"});
      } else if (rs.status().replicas() != has ||
                 rs.status().observed_generation() < object->meta().generation()) {
        out.push_back({"RS-1", api::to_string(object->key()), "its status is not up to date"});
      }
    }
  }

  void recheck() override {
    std::map<std::string, int32_t> fresh;
    for (const auto& [key, pod] : state().all(api::Kind::pods)) {
      const std::string set = set_of(pod);
      if (!set.empty()) ++fresh[set];
    }
    bool same = true;
    for (const auto& [uid, set] : sets_) same = same && set.active == fresh[uid];
    for (const auto& [uid, active] : fresh) same = same && (active == 0 || sets_.contains(uid));
    check(kCreates, same, [] {
      return "CHECK: the active pods counted per ReplicaSet differ from those counted anew";
    });
  }

 private:
  struct Gone {
    api::ObjectKey key;
    api::Revision revision;
    Instant at;
  };
  // The deletions of one decision.
  struct Batch {
    api::BasisPtr basis;  // names the decision, and keeps its address its own
    bool judged = true;   // all that was there at the basis is known
    std::size_t surplus = 0, deleted = 0;
    std::optional<Worth> dearest;       // of those deleted
    std::map<std::string, Worth> kept;  // by uid, at the basis
  };
  struct Set {
    int32_t active = 0;
    std::deque<Gone> gone;  // pods that stopped counting lately
    api::Revision forgotten;
    Batch batch;
  };

  // The uid of the ReplicaSet that an active pod belongs to; empty: none.
  static std::string set_of(const api::ObjectPtr& pod) {
    if (!pod || !active(pod->as<api::Pod>())) return {};
    return controlling_set(*pod).uid();
  }

  void count(const store::StoreEvent& event) {
    const std::string before = set_of(event.previous), now = set_of(event.object);
    if (before == now) return;
    if (!now.empty()) ++sets_[now].active;
    const auto it = sets_.find(before);
    if (before.empty() || it == sets_.end()) return;
    Set& set = it->second;
    --set.active;
    set.gone.push_back({event.previous->key(), event.revision, context().now});
    while (context().now - set.gone.front().at > kMemory) {
      set.forgotten = set.gone.front().revision;
      set.gone.pop_front();
    }
    const api::OwnerReference& owner = controlling_set(*event.previous);
    if (!state().get<api::ReplicaSet>(event.previous->ns(), owner.name())) forget_empty(before);
  }

  void forget_empty(const std::string& uid) {
    const auto it = sets_.find(uid);
    if (it != sets_.end() && it->second.active == 0) sets_.erase(it);
  }

  // The ReplicaSet that the pod's owner reference names, as it was at the basis.
  api::Ref<api::ReplicaSet> set_at(const api::Object& pod, const api::Basis& basis) const {
    const api::OwnerReference& owner = controlling_set(pod);
    if (owner.uid().empty()) return nullptr;
    auto rs = state().get_at<api::ReplicaSet>(pod.ns(), owner.name(),
                                              basis.of(api::Kind::replica_sets));
    return rs && rs.uid() == owner.uid() ? rs : nullptr;
  }

  void created(const store::StoreEvent& event) {
    const api::Basis* basis = basis_of(event);
    if (!basis) return;
    const auto rs = set_at(*event.object, *basis);
    if (!rs) return;
    const int32_t has = sets_[rs.uid()].active, wanted = replicas_of(*rs);
    check(kCreates, has <= wanted,
          [&] {
            return "creating " + event.object->name() + " makes " + std::to_string(has) +
                   " active pods of " + rs.name() + ", which asked for " + std::to_string(wanted);
          },
          &event);
  }

  void removed(const store::StoreEvent& event) {
    const api::Basis* basis = basis_of(event);
    if (!basis || !state().remembers(basis->of(api::Kind::pods)) ||
        !state().remembers(basis->of(api::Kind::replica_sets))) {
      return;
    }
    const api::Object& pod = *event.previous;
    const api::ObjectPtr then = state().get_at(pod.key(), basis->of(api::Kind::pods));
    const auto rs = then && then->uid() == pod.uid() ? set_at(*then, *basis) : nullptr;
    check(kOwns, static_cast<bool>(rs),
          [&] {
            return "the pod " + pod.name() +
                   " was deleted by a ReplicaSet that, as far as it knew, did not control it";
          },
          &event);
    if (!rs) return;
    Set& set = sets_[rs.uid()];
    if (set.batch.basis != event.provenance->basis) begin(set, rs, event.provenance->basis);
    judge(set.batch, event, rs);
  }

  void begin(Set& set, const api::Ref<api::ReplicaSet>& rs, const api::BasisPtr& basis) const {
    Batch& batch = set.batch;
    batch = {};
    batch.basis = basis;
    const api::Revision at = basis->of(api::Kind::pods);
    const std::map<std::string, api::ObjectPtr> own = pods_at(rs.uid(), at);
    const auto wanted = static_cast<std::size_t>(std::max(replicas_of(*rs), 0));
    const bool may = !rs.object().deleting() && own.size() > wanted;
    batch.surplus = may ? std::min(own.size() - wanted, kBurst) : 0;
    batch.judged = !(at < set.forgotten);
    std::map<std::string, int> beside;  // by node: active pods of the whole workload
    const auto count_beside = [&](const std::map<std::string, api::ObjectPtr>& pods) {
      for (const auto& [uid, pod] : pods) ++beside[pod->as<api::Pod>().spec().node_name()];
    };
    count_beside(own);
    const std::string owner = controlling_deployment(rs.object()).uid();
    for (const auto& [key, member] : state().controlled_by(api::Kind::replica_sets, owner)) {
      if (member->uid() == rs.uid()) continue;
      count_beside(pods_at(member->uid(), at));
      const auto it = sets_.find(member->uid());
      batch.judged = batch.judged && (it == sets_.end() || !(at < it->second.forgotten));
    }
    beside.erase("");
    for (const auto& [uid, pod] : own) batch.kept[uid] = worth_of(pod->as<api::Pod>(), beside);
  }

  // The active pods of a ReplicaSet as they were; those that were forgotten since are missing.
  std::map<std::string, api::ObjectPtr> pods_at(const std::string& rs, api::Revision at) const {
    std::map<std::string, api::ObjectPtr> pods;
    const auto note = [&](const api::ObjectKey& key) {
      const api::ObjectPtr pod = state().get_at(key, at);
      if (set_of(pod) == rs) pods[pod->uid()] = pod;
    };
    for (const auto& [key, pod] : state().controlled_by(api::Kind::pods, rs)) note(pod->key());
    const auto it = sets_.find(rs);
    if (it == sets_.end()) return pods;
    for (const Gone& gone : it->second.gone) note(gone.key);
    return pods;
  }

  void judge(Batch& batch, const store::StoreEvent& event, const api::Ref<api::ReplicaSet>& rs) {
    if (!batch.judged) return;
    const auto it = batch.kept.find(event.previous->uid());
    if (it == batch.kept.end()) return;  // was not active when it was chosen: nothing is lost
    batch.dearest = std::max(batch.dearest, std::optional(it->second));
    batch.kept.erase(it);
    ++batch.deleted;
    check(kVictims, batch.deleted <= batch.surplus,
          [&] {
            return "one decision deleted " + std::to_string(batch.deleted) + " pods of " +
                   rs.name() + ", which had " + std::to_string(batch.surplus) + " too many";
          },
          &event);
    // Only a decision that was carried out completely can be judged: of one that was cut short,
    // cheaper victims may still have been on their way.
    if (batch.deleted != batch.surplus) return;
    const auto cheapest = std::min_element(
        batch.kept.begin(), batch.kept.end(),
        [](const auto& a, const auto& b) { return a.second < b.second; });
    check(kVictims, cheapest == batch.kept.end() || cheapest->second >= *batch.dearest,
          [&] {
            return "a pod of " + rs.name() + ' ' + compared(*batch.dearest, cheapest->second);
          },
          &event);
  }

  // The pod has changed hands.
  void adopted(const store::StoreEvent& event) {
    const std::string before = controller_uid(*event.previous), now = controller_uid(*event.object);
    if (before == now) return;
    const api::Basis* basis = basis_of(event);
    if (now.empty()) {
      if (basis) released(event, set_at(*event.previous, *basis));
      return;
    }
    const auto rs = basis ? set_at(*event.object, *basis) : nullptr;
    check(kOwns, before.empty() && rs && !rs.object().deleting() && selects(*rs, *event.previous),
          [&] {
            return event.object->name() + " was adopted although " +
                   (!before.empty() ? "it has another controller"
                    : !rs           ? "the ReplicaSet did not exist"
                                    : "the ReplicaSet does not select it");
          },
          &event);
  }

  void released(const store::StoreEvent& event, const api::Ref<api::ReplicaSet>& rs) {
    if (!rs || rs.object().deleting()) return;
    check(kOwns, !selects(*rs, *event.previous),
          [&] { return event.object->name() + " was let go although " + rs.name() + " selects it"; },
          &event);
  }

  static bool selects(const api::ReplicaSet& rs, const api::Object& pod) {
    const auto selector = api::LabelSelectorMatcher::from(rs.spec().selector());
    return selector.ok() && selector->matches(pod.meta().labels());
  }

  std::unordered_map<std::string, Set> sets_;  // by uid
};

}  // namespace

void add_workload_checks(const CheckContext& context, Checks& checks) {
  checks.push_back(std::make_unique<ReplicaSetCheck>(context));
  const auto shared = std::make_shared<RolloutKnowledge>();
  checks.push_back(make_rollout_check(context, shared));
  checks.push_back(make_availability_check(context, shared));
  checks.push_back(make_progress_check(context, shared));
}

}  // namespace keelson::sim
