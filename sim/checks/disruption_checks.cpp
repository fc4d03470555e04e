// PD-1 to PD-3: what evictions may do to a budget. A grant is seen as what it commits: an entry in
// the budget's disruptedPods, in one transaction with the pod's deletion.
#include <algorithm>
#include <deque>
#include <map>

#include "core/api/selector.hpp"
#include "sim/checks/rollout_rules.hpp"
#include "sim/checks/suite.hpp"

namespace keelson::sim {

namespace {

constexpr InvariantInfo kDisruptionInvariants[] = {
    {"PD-1", "A granted eviction leaves as many healthy pods as the budget wants.",
     fact::provenance | fact::whole},
    {"PD-2",
     "An eviction is granted on a current budget that allows it, costs exactly one disruption, and "
     "deletes the pod in the same transaction.", fact::provenance | fact::whole},
    {"PD-3", "An eviction is charged to the only budget of a pod that runs.",
     fact::provenance | fact::whole},
};
enum : std::size_t { kHealthy, kCharged, kOnlyOne };

using Budget = api::PodDisruptionBudget;

// An API server may lag: what it granted was right if it was right on what it can have seen. It
// has seen the budget and the pod as they were, since it replaces just those; and no view that is
// in use is older than this.
constexpr Duration kOldestView = 60s;

bool healthy(const api::ObjectPtr& pod) {
  return pod != nullptr && !pod->deleting() && ready(pod->as<api::Pod>());
}

bool selects(const api::ObjectPtr& budget, const api::Object& pod) {
  if (!budget || !budget->as<Budget>().spec().has_selector()) return false;
  const auto selector = api::LabelSelectorMatcher::from(budget->as<Budget>().spec().selector());
  return selector.ok() && selector->matches(pod.meta().labels());
}

class DisruptionCheck final : public Check {
 public:
  using Check::Check;
  std::span<const InvariantInfo> invariants() const override { return kDisruptionInvariants; }

  void on_commit(const store::StoreEvent& event) override {
    times_.committed(event.revision, context().now);
    const api::Object& object = event.object ? *event.object : *event.previous;
    if (object.kind() == api::Kind::pods) {
      if (event.previous && (!event.object || event.object->deleting()) &&
          !event.previous->deleting()) {
        leaves(event);
      }
      return;
    }
    if (object.kind() != api::Kind::pod_disruption_budgets || !event.previous || !event.object) {
      return;
    }
    if (written_by(event, "disruption")) return;
    const auto& before = event.previous->as<Budget>().status().disrupted_pods();
    std::vector<std::string> added;
    for (const auto& [name, time] : event.object->as<Budget>().status().disrupted_pods()) {
      if (!before.contains(name)) added.push_back(name);
    }
    std::sort(added.begin(), added.end());
    if (!added.empty()) granted(event, added);
  }

 private:
  struct Left {
    api::ObjectPtr pod;  // as it was before
    api::Revision at;
    Instant when;
  };

  void leaves(const store::StoreEvent& event) {
    left_.push_back({event.previous, event.revision, context().now});
    while (context().now - left_.front().when > kOldestView) left_.pop_front();
  }

  void granted(const store::StoreEvent& event, const std::vector<std::string>& added) {
    const auto& before = event.previous->as<Budget>();
    const auto& now = event.object->as<Budget>();
    check(kCharged,
          before.status().observed_generation() >= before.metadata().generation() &&
              before.status().disruptions_allowed() > 0,
          [&] {
            return "an eviction of " + added.front() + " was granted although the budget " +
                   event.object->name() + " allows " +
                   std::to_string(before.status().disruptions_allowed()) + " and was judged at " +
                   std::to_string(before.status().observed_generation()) + " of generation " +
                   std::to_string(before.metadata().generation());
          },
          &event);
    check(kCharged,
          added.size() == 1 &&
              now.status().disruptions_allowed() == before.status().disruptions_allowed() - 1,
          [&] {
            return "granting " + std::to_string(added.size()) + " eviction(s) took the budget " +
                   event.object->name() + " from " +
                   std::to_string(before.status().disruptions_allowed()) + " to " +
                   std::to_string(now.status().disruptions_allowed());
          },
          &event);
    for (const std::string& name : added) judge(event, name);
  }

  void judge(const store::StoreEvent& event, const std::string& name) {
    const api::ObjectKey key{api::Kind::pods, event.object->ns(), name};
    const api::ObjectPtr after = state().get(key);
    check(kCharged, !after || after->deleting(),
          [&] { return "the eviction of " + name + " was granted, but the pod was not deleted"; },
          &event);
    const auto left = std::find_if(left_.rbegin(), left_.rend(), [&](const Left& l) {
      return l.pod->key() == key;
    });
    if (left == left_.rend()) return;
    const api::ObjectPtr pod = left->pod;
    const std::string& phase = pod->as<api::Pod>().status().phase();
    check(kOnlyOne, phase != "Pending" && phase != "Succeeded" && phase != "Failed",
          [&] { return name + ", which is " + phase + ", was charged to a budget"; }, &event);
    const api::Revision seen = oldest_view(event, *pod);
    only_budget(event, *pod, seen);
    if (ready(pod->as<api::Pod>())) stays_healthy(event, *pod, seen);
  }

  // The oldest state on which this grant can have been decided.
  api::Revision oldest_view(const store::StoreEvent& event, const api::Object& pod) const {
    return std::max({event.previous->revision(), pod.revision(),
                     times_.known_at(context().now - kOldestView)});
  }

  void only_budget(const store::StoreEvent& event, const api::Object& pod, api::Revision seen) {
    std::string other;
    for (const auto& [key, budget] : state().all(api::Kind::pod_disruption_budgets).in(pod.ns())) {
      if (budget->uid() == event.object->uid() || !selects(budget, pod)) continue;
      if (selects(state().get_at(budget->key(), seen), pod)) other = budget->name();
    }
    check(kOnlyOne, other.empty(),
          [&] {
            return pod.name() + " was evicted although it has two budgets, " +
                   event.object->name() + " and " + other;
          },
          &event);
  }

  void stays_healthy(const store::StoreEvent& event, const api::Object& pod, api::Revision seen) {
    const auto& status = event.previous->as<Budget>().status();
    int32_t left = 0;
    const auto count = [&](const api::ObjectPtr& now, const api::ObjectKey& key) {
      if (key.name == pod.name() || status.disrupted_pods().contains(key.name)) return;
      const api::ObjectPtr then = state().get_at(key, seen);
      const bool was = healthy(then) && selects(event.previous, *then);
      const bool is = healthy(now) && selects(event.previous, *now);
      if (was || is) ++left;
    };
    for (const auto& [key, now] : state().all(api::Kind::pods).in(pod.ns())) {
      count(now, now->key());
    }
    std::set<std::string> gone;  // since then; not evicted, for that would show in the budget
    for (const Left& l : left_) {
      if (l.at <= seen || l.pod->ns() != pod.ns() || state().get(l.pod->key())) continue;
      if (gone.insert(l.pod->name()).second) count(nullptr, l.pod->key());
    }
    check(kHealthy, left >= status.desired_healthy(),
          [&] {
            return "evicting " + pod.name() + " leaves " + std::to_string(left) +
                   " healthy pods, and the budget " + event.object->name() + " wants " +
                   std::to_string(status.desired_healthy());
          },
          &event);
  }

  RevisionTimes times_;
  std::deque<Left> left_;  // pods deleted lately
};

}  // namespace

void add_disruption_checks(const CheckContext& context, Checks& checks) {
  checks.push_back(std::make_unique<DisruptionCheck>(context));
}

}  // namespace keelson::sim
