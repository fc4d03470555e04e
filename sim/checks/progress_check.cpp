// DP-7: when a Deployment may say, and when it must say, that its rollout makes no progress.
#include <algorithm>
#include <unordered_map>

#include "sim/checks/workload_checks.hpp"

namespace keelson::sim {

namespace {

constexpr InvariantInfo kProgressInvariants[] = {
    {"DP-7",
     "ProgressDeadlineExceeded is said when there was no progress for the deadline, never earlier "
     "and never of a rollout that is paused or complete.", fact::provenance | fact::whole},
};

constexpr const char* kExceeded = "ProgressDeadlineExceeded";
// Commit times are known to the second, and the condition's own times are whole seconds.
constexpr Duration kDeadlineTolerance = 2s;
// By the decider's own clock, which a fault may make run too fast, by this factor at most.
constexpr int kFastestClock = 2;
// After the deadline, for the decision and its write.
constexpr Duration kLate = 30s;
constexpr int32_t kNoDeadline = INT32_MAX;

const api::DeploymentCondition* progressing(const api::ObjectPtr& deployment) {
  if (!deployment) return nullptr;
  for (const auto& condition : deployment->as<api::Deployment>().status().conditions()) {
    if (condition.type() == "Progressing") return &condition;
  }
  return nullptr;
}

bool same(const api::DeploymentCondition* a, const api::DeploymentCondition* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return a->status() == b->status() && a->reason() == b->reason() && a->message() == b->message() &&
         a->last_update_time().seconds() == b->last_update_time().seconds();
}

bool exceeded(const api::DeploymentCondition* condition) {
  return condition != nullptr && condition->reason() == kExceeded;
}

std::optional<Duration> deadline_of(const api::Deployment& deployment) {
  const auto& spec = deployment.spec();
  if (!spec.has_progress_deadline_seconds() || spec.progress_deadline_seconds() == kNoDeadline) {
    return std::nullopt;
  }
  return std::chrono::seconds(spec.progress_deadline_seconds());
}

bool complete(const KnownRollout& rollout) {
  const KnownSet* current = rollout.current_set();
  int32_t replicas = 0, available = 0;
  for (const KnownSet& set : rollout.sets) {
    replicas += set.rs->status().replicas();
    available += set.rs->status().available_replicas();
  }
  const int32_t wanted = rollout.bounds.replicas;
  return current != nullptr && replicas == wanted && available == wanted &&
         current->rs->status().replicas() == wanted;
}

class ProgressCheck final : public Check {
 public:
  ProgressCheck(const CheckContext& context, RolloutKnowledgePtr shared)
      : Check(context), shared_(std::move(shared)) {}
  std::span<const InvariantInfo> invariants() const override { return kProgressInvariants; }

  void on_commit(const store::StoreEvent& event) override {
    const api::Object& object = event.object ? *event.object : *event.previous;
    if (object.kind() != api::Kind::deployments) return;
    if (!event.object) {
      watched_.erase(object.uid());
      return;
    }
    Watched& watched = watched_[object.uid()];
    watched.key = object.key();
    if (!event.previous) watched.decided = watched.written = context().now;
    const auto *before = progressing(event.previous), *now = progressing(event.object);
    if (exceeded(now) && !exceeded(before)) {
      says(event, watched);
    } else if (!same(before, now)) {
      watched.decided = decision_time(event);
    }
    // Whatever is written may stand for progress or change what counts as such.
    watched.written = context().now;
  }

  void on_leader_changed(const std::string&, const std::string&, uint64_t, bool) override {
    undisturbed_since_ = context().now;  // a new leader counts from when it first looks
  }
  void on_phase(Phase) override { undisturbed_since_ = context().now; }

  void on_second() override {
    // While faults last nobody can know from outside whether the controller was able to act.
    if (context().phase == Phase::faults || context().now < next_look_) return;
    next_look_ = context().now + 10s;
    for (const auto& [uid, watched] : watched_) must_say(watched);
  }

 private:
  struct Watched {
    api::ObjectKey key;
    Instant decided{};  // not later than the decision that last changed the condition
    Instant written{};  // of any change of the deployment
  };

  // A decision was made after the newest state that it knew.
  Instant decision_time(const store::StoreEvent& event) const {
    const api::Basis* basis = basis_of(event);
    if (basis == nullptr) return context().now;
    const api::Revision newest = *std::max_element(basis->seen.begin(), basis->seen.end());
    return std::min(shared_->times.at_or_before(newest), context().now);
  }

  void says(const store::StoreEvent& event, const Watched& watched) {
    const api::Basis* basis = basis_of(event);
    if (!written_by(event, "deployment") || basis == nullptr) return;
    const auto known = shared_->families.known(state(), event.object->key(), event.object->uid(),
                                               *basis);
    if (!known) return;
    const std::string& name = event.object->name();
    check(0, !known->deployment->spec().paused(),
          [&] { return name + " is said to make no progress while it is paused"; }, &event);
    check(0, !complete(*known),
          [&] { return name + " is said to make no progress, but it is complete"; }, &event);
    const auto deadline = deadline_of(*known->deployment);
    const Duration waited = context().now - watched.decided + kDeadlineTolerance;
    check(0, deadline && kFastestClock * waited >= *deadline,
          [&] {
            return name + " is said to have exceeded its progress deadline " +
                   std::to_string((context().now - watched.decided) / 1s) +
                   " s after it last made progress";
          },
          &event);
  }

  void must_say(const Watched& watched) {
    const api::ObjectPtr object = state().get(watched.key);
    if (!object || object->deleting()) return;
    const auto& deployment = object->as<api::Deployment>();
    const auto deadline = deadline_of(deployment);
    const auto* said = progressing(object);
    if (!deadline || deployment.spec().paused() || said == nullptr || exceeded(said)) return;
    // A rollout that has completed is over; what happens to its pods later is none.
    if (said->reason() == "NewReplicaSetAvailable") return;
    const Instant since = std::max(watched.written, undisturbed_since_);
    const Duration silent = context().now - since;
    if (silent <= *deadline + kLate) return;
    const auto rollout = shared_->families.now(state(), object);
    if (rollout->current_set() == nullptr || complete(*rollout)) return;
    check(0, false, [&] {
      return object->name() + " has made no progress for " + std::to_string(silent / 1s) +
             " s and does not say so";
    });
  }

  RolloutKnowledgePtr shared_;
  std::unordered_map<std::string, Watched> watched_;  // by uid
  Instant undisturbed_since_{};
  Instant next_look_{};
};

}  // namespace

std::unique_ptr<Check> make_progress_check(const CheckContext& context,
                                           RolloutKnowledgePtr shared) {
  return std::make_unique<ProgressCheck>(context, std::move(shared));
}

}  // namespace keelson::sim
