// DP-1, DP-2, DP-4, DP-5, DP-6 and DP-8: the steps of rollouts. Each step is judged on what the
// deployment controller knew when it decided, together with what the same decision wrote before.
#include <algorithm>
#include <map>
#include <unordered_map>

#include "sim/checks/workload_checks.hpp"
#include "sim/world/runtime.hpp"

namespace keelson::sim {

namespace {

constexpr InvariantInfo kDeploymentInvariants[] = {
    {"DP-1", "Growth never makes a Deployment ask for more pods than replicas + maxSurge.",
     fact::provenance | fact::whole},
    {"DP-2", "Old ReplicaSets shrink by no more than what maxUnavailable and new pods leave.",
     fact::provenance | fact::whole},
    {"DP-4", "With Recreate no new pod is asked for while an old one may still run.",
     fact::provenance | fact::whole},
    {"DP-5", "One ReplicaSet per template; revisions only rise; its template never changes.",
     fact::provenance | fact::whole},
    {"DP-6", "Only empty old ReplicaSets are trimmed, and an undo brings its template back.",
     fact::provenance | fact::whole},
    {"DP-8", "A rollout completes unless its new pods cannot become ready.", fact::rest | fact::whole},
};
enum : std::size_t { kSurge, kShrink, kRecreate, kRevisions, kHistory, kCompletes };

class RolloutCheck final : public Check {
 public:
  RolloutCheck(const CheckContext& context, RolloutKnowledgePtr shared)
      : Check(context), shared_(std::move(shared)) {}
  std::span<const InvariantInfo> invariants() const override { return kDeploymentInvariants; }

  void on_commit(const store::StoreEvent& event) override {
    shared_->times.committed(event.revision, context().now);
    shared_->families.on_commit(event);
    const api::Object& object = event.object ? *event.object : *event.previous;
    if (object.kind() == api::Kind::deployments && !event.object) decisions_.erase(object.uid());
    if (object.kind() != api::Kind::replica_sets || !written_by(event, "deployment")) return;
    if (const Decision* decision = decision_of(event)) judge(event, *decision);
  }

  void pending(std::vector<Pending>& out) override {
    for (const auto& [key, object] : state().all(api::Kind::deployments)) {
      if (object->deleting() || object->as<api::Deployment>().spec().paused()) continue;
      const auto rollout = shared_->families.now(state(), object);
      const KnownSet* current = rollout->current_set();
      // Only an undo makes a set the current one again.
      const bool undone =
          current != nullptr && current->rs->metadata().annotations().contains(kHistoryAnnotation);
      evaluated(kCompletes);
      if (undone) evaluated(kHistory);
      const std::string why = unfinished(*rollout);
      if (why.empty()) continue;
      out.push_back({undone ? "DP-6" : "DP-8", api::to_string(object->key()), why});
    }
  }

 private:
  struct Decision {
    api::BasisPtr basis;  // names it, and keeps its address its own
    std::optional<KnownRollout> known;
    int32_t grown = 0;                     // by how much the sets grew together
    std::map<std::string, int32_t> shrunk; // old set's uid -> by how much
  };

  Decision* decision_of(const store::StoreEvent& event) {
    const api::Object& rs = event.object ? *event.object : *event.previous;
    const api::OwnerReference& owner = controlling_deployment(rs);
    if (owner.uid().empty() || basis_of(event) == nullptr) return nullptr;
    Decision& decision = decisions_[owner.uid()];
    if (decision.basis != event.provenance->basis) {
      decision = {};
      decision.basis = event.provenance->basis;
      decision.known = shared_->families.known(
          state(), {api::Kind::deployments, rs.ns(), owner.name()}, owner.uid(), *decision.basis);
    }
    if (!decision.known) return nullptr;
    const int32_t before = event.previous ? replicas_of(event.previous->as<api::ReplicaSet>()) : 0;
    const int32_t now = event.object ? replicas_of(event.object->as<api::ReplicaSet>()) : before;
    if (now > before) decision.grown += now - before;
    const KnownSet* current = decision.known->current_set();
    const bool old = current == nullptr || current->rs.uid() != rs.uid();
    if (now < before && old) decision.shrunk[rs.uid()] += before - now;
    return &decision;
  }

  void judge(const store::StoreEvent& event, const Decision& decision) {
    const KnownRollout& known = *decision.known;
    const bool marked = event.previous && event.object && !event.previous->deleting() &&
                        event.object->deleting();
    if (!event.object || marked) {
      trimmed(event, known);
      return;
    }
    const int32_t before = event.previous ? replicas_of(event.previous->as<api::ReplicaSet>()) : 0;
    const int32_t now = replicas_of(event.object->as<api::ReplicaSet>());
    if (now > before) grows(event, decision);
    if (now < before) shrinks(event, decision);
    if (!event.previous) unique(event);
    revisions(event, known);
  }

  void grows(const store::StoreEvent& event, const Decision& decision) {
    const KnownRollout& known = *decision.known;
    // Sharing out a new size over several sets grows some and shrinks others at the same time, in
    // no fixed order.
    if (!known.only_scales() || known.in_use <= 1) {
      const int32_t most = known.bounds.replicas + known.bounds.surge;
      const int32_t total = known.total + decision.grown;
      check(kSurge, total <= most,
            [&] {
              return "growing " + event.object->name() + " makes " + known.deployment.name() +
                     " ask for " + std::to_string(total) + " pods, more than " +
                     std::to_string(known.bounds.replicas) + " + " +
                     std::to_string(known.bounds.surge);
            },
            &event);
    }
    if (known.bounds.recreate && !known.only_scales()) recreates(event, decision);
  }

  void recreates(const store::StoreEvent& event, const Decision& decision) {
    const api::Revision at = decision.basis->of(api::Kind::pods);
    api::ObjectPtr running;
    for (const KnownSet& set : decision.known->sets) {
      if (set.rs.uid() == event.object->uid()) continue;
      for (const auto& [key, pod] : state().controlled_by(api::Kind::pods, set.rs.uid())) {
        // What came after the basis could not be known; without a basis the present counts.
        const api::ObjectPtr then = at ? state().get_at(pod->key(), at) : pod;
        if (!then || then->uid() != pod->uid()) continue;
        const std::string& phase = then->as<api::Pod>().status().phase();
        if (phase != "Succeeded" && phase != "Failed") running = then;
      }
    }
    check(kRecreate, running == nullptr,
          [&] {
            return "new pods of " + decision.known->deployment.name() + " are asked for while " +
                   running->name() + " of an earlier template has not ended";
          },
          &event);
  }

  void shrinks(const store::StoreEvent& event, const Decision& decision) {
    const KnownRollout& known = *decision.known;
    const KnownSet* current = known.current_set();
    if (known.only_scales() || known.bounds.recreate) return;
    if (known.deployment.object().deleting()) return;
    if (!decision.shrunk.contains(event.object->uid())) return;  // it is the current one
    const int32_t least = known.bounds.replicas - known.bounds.unavailable;
    const int32_t not_yet = current == nullptr ? 0 : current->size - current->available;
    int32_t total = 0, healthy = 0;
    for (const auto& [uid, by] : decision.shrunk) {
      const KnownSet* set = known.find(uid);
      total += by;
      if (set != nullptr) healthy += std::max(0, by - (set->size - set->available));
    }
    const int32_t may = std::max(0, known.total - least - not_yet);
    check(kShrink, total <= may,
          [&] {
            return "old ReplicaSets of " + known.deployment.name() + " shrink by " +
                   std::to_string(total) + " although only " + std::to_string(may) + " may go: " +
                   std::to_string(known.total) + " asked for, " + std::to_string(least) +
                   " must stay, " + std::to_string(not_yet) + " new ones not available";
          },
          &event);
    const int32_t spare = std::max(0, known.available - least);
    check(kShrink, healthy <= spare,
          [&] {
            return "old ReplicaSets of " + known.deployment.name() + " give up " +
                   std::to_string(healthy) + " available pods, but of " +
                   std::to_string(known.available) + " only " + std::to_string(spare) +
                   " can be spared";
          },
          &event);
  }

  void unique(const store::StoreEvent& event) {
    const std::string owner = controlling_deployment(*event.object).uid();
    const uint64_t own = shared_->families.fingerprint(*event.object);
    for (const auto& [key, other] : state().controlled_by(api::Kind::replica_sets, owner)) {
      if (other->uid() == event.object->uid() || other->deleting()) continue;
      check(kRevisions, shared_->families.fingerprint(*other) != own,
            [&event, &twin = other] {
              return event.object->name() + " has the same template as " + twin->name();
            },
            &event);
    }
  }

  void revisions(const store::StoreEvent& event, const KnownRollout& known) {
    const int64_t now = number_annotation(event.object->meta(), kRevisionAnnotation).value_or(0);
    const int64_t before =
        event.previous
            ? number_annotation(event.previous->meta(), kRevisionAnnotation).value_or(0)
            : 0;
    if (now != before) {
      int64_t highest = before;
      for (const KnownSet& set : known.sets) {
        highest = std::max(
            highest, number_annotation(set.rs->metadata(), kRevisionAnnotation).value_or(0));
      }
      check(kRevisions, now > highest,
            [&] {
              return event.object->name() + " becomes revision " + std::to_string(now) +
                     " although there has been " + std::to_string(highest);
            },
            &event);
    }
    if (!event.previous ||
        event.previous->meta().generation() == event.object->meta().generation()) {
      return;
    }
    const uint64_t old_template = shared_->families.fingerprint(*event.previous);
    check(kRevisions, old_template == shared_->families.fingerprint(*event.object),
          [&] { return "the template of " + event.object->name() + " was changed"; }, &event);
  }

  void trimmed(const store::StoreEvent& event, const KnownRollout& known) {
    const auto& rs = event.previous->as<api::ReplicaSet>();
    check(kHistory, replicas_of(rs) == 0 && rs.status().replicas() == 0,
          [&] { return event.previous->name() + " was removed though it has pods"; }, &event);
    const KnownSet* current = known.current_set();
    check(kHistory, current == nullptr || current->rs.uid() != event.previous->uid(),
          [&] { return event.previous->name() + " was removed though it is the newest"; }, &event);
  }

  // What the deployment still has to do; empty: nothing, or nothing that it could.
  std::string unfinished(const KnownRollout& rollout) const {
    const auto& deployment = *rollout.deployment;
    if (deployment.status().observed_generation() < deployment.metadata().generation()) {
      return "its status is not up to date";
    }
    const KnownSet* current = rollout.current_set();
    if (current == nullptr) return "no ReplicaSet has its template";
    int32_t updated = 0, updated_ready = 0, others = 0;
    bool stuck = false;
    for (const KnownSet& set : rollout.sets) {
      for (const auto& [key, pod] : state().controlled_by(api::Kind::pods, set.rs.uid())) {
        if (!active(pod->as<api::Pod>())) continue;
        if (set.rs.uid() != current->rs.uid()) {
          ++others;
          continue;
        }
        ++updated;
        if (ready(pod->as<api::Pod>())) {
          ++updated_ready;
        } else if (will_be_ready(pod->as<api::Pod>())) {
          return "waits for the pod " + pod->name();
        } else {
          stuck = true;
        }
      }
    }
    if (stuck) return {};  // a broken template or a full cluster holds it up, rightly
    const int32_t wanted = rollout.bounds.replicas;
    if (updated_ready != wanted || updated != wanted || others > 0) {
      return std::to_string(updated_ready) + " of " + std::to_string(wanted) +
             " pods are updated and ready, " + std::to_string(others) + " are of old templates";
    }
    const auto& status = deployment.status();
    if (status.replicas() != wanted || status.updated_replicas() != wanted ||
        status.available_replicas() != wanted) {
      return "its status does not show that it is complete";
    }
    return {};
  }

  bool will_be_ready(const api::Pod& pod) const {
    if (!ground().powered(pod.spec().node_name())) return false;
    const RuntimeModel& model = ground().images();
    for (const auto& container : pod.spec().init_containers()) {
      const ImageBehaviour& image = model.behaviour(container.image());
      const bool ends = image.runs_for > 0s && image.exit_code == 0;
      if (image.missing || container.restart_policy() == "Always" || !ends ||
          model.runs_command_of(container)) {
        return false;
      }
    }
    return std::all_of(
        pod.spec().containers().begin(), pod.spec().containers().end(), [&](const auto& container) {
          const ImageBehaviour& image = model.behaviour(container.image());
          const bool slow = image.serves_after > 0s &&
                            (container.has_liveness_probe() || container.has_startup_probe());
          return !image.missing && image.runs_for == 0s && image.crash_mean == 0s && !slow &&
                 !model.runs_command_of(container);
        });
  }

  RolloutKnowledgePtr shared_;
  std::unordered_map<std::string, Decision> decisions_;  // the last one, by deployment uid
};

}  // namespace

std::unique_ptr<Check> make_rollout_check(const CheckContext& context, RolloutKnowledgePtr shared) {
  return std::make_unique<RolloutCheck>(context, std::move(shared));
}

}  // namespace keelson::sim
