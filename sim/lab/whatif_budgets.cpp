#include "sim/lab/whatif_budgets.hpp"

#include <algorithm>
#include <tuple>

#include "core/api/validation.hpp"

namespace keelson::lab {

namespace {

int64_t desired_by_spec(const api::PodDisruptionBudget& budget, int32_t expected) {
  const auto& spec = budget.spec();
  int32_t desired = 0;
  if (spec.has_max_unavailable()) {
    desired = expected - api::scaled_value(spec.max_unavailable(), expected, true);
  } else if (spec.has_min_available()) {
    desired = api::scaled_value(spec.min_available(), expected, true);
  }
  return std::max(desired, 0);
}

}  // namespace

Budgets::Budgets(const Workload& dump) {
  for (const api::ObjectPtr& other : dump.others) {
    if (other->kind() != api::Kind::pod_disruption_budgets) continue;
    const auto& budget = other->as<api::PodDisruptionBudget>();
    if (!budget.spec().has_selector()) continue;  // selects nothing
    auto selector = api::LabelSelectorMatcher::from(budget.spec().selector());
    if (!selector) continue;
    Entry entry;
    entry.selector = std::move(*selector);
    entry.use.ns = other->ns();
    entry.use.name = other->name();
    const auto counts = [&](const api::ObjectPtr& pod) {
      return pod->ns() == other->ns() && entry.selector.matches(pod->meta().labels());
    };
    const auto healthy = static_cast<int32_t>(
        std::count_if(dump.bound.begin(), dump.bound.end(), counts));
    const auto waiting = static_cast<int32_t>(
        std::count_if(dump.arrivals.begin(), dump.arrivals.end(),
                      [&](const Arrival& arrival) { return counts(arrival.pod); }));
    const bool known = budget.status().observed_generation() > 0;
    entry.breach = {other->ns(), other->name(), 0, known ? budget.status().current_healthy() : healthy,
                    known ? budget.status().desired_healthy() : desired_by_spec(budget, healthy + waiting)};
    entry.left = known ? budget.status().disruptions_allowed()
                       : std::max<int64_t>(entry.breach.healthy - entry.breach.desired, 0);
    entry.use.allowed = entry.left;
    entries_.push_back(std::move(entry));
  }
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.use.ns, a.use.name) < std::tie(b.use.ns, b.use.name);
  });
}

std::vector<Budgets::Entry*> Budgets::of(const api::Object& pod) {
  std::vector<Entry*> found;
  for (Entry& entry : entries_) {
    if (entry.use.ns == pod.ns() && entry.selector.matches(pod.meta().labels())) {
      found.push_back(&entry);
    }
  }
  return found;
}

bool Budgets::evict(const api::Object& pod) {
  const std::vector<Entry*> budgets = of(pod);
  // The API evicts no pod that has several budgets.
  bool allowed = budgets.size() <= 1;
  for (Entry* budget : budgets) {
    budget->asked = true;
    allowed = allowed && budget->left > 0;
  }
  for (Entry* budget : budgets) {
    if (allowed) {
      --budget->left;
      ++budget->use.evicted;
    } else {
      budget->waiting[pod.name()] = true;
    }
  }
  return allowed;
}

void Budgets::blocked(const api::Object& pod) {
  for (Entry* budget : of(pod)) budget->use.blocks.push_back(pod.name());
}

void Budgets::returned(const api::Object& pod) {
  for (Entry* budget : of(pod)) ++budget->left;
}

void Budgets::left_again(const api::Object& pod) {
  for (Entry* budget : of(pod)) --budget->left;
}

void Budgets::lost(const api::Object& pod) {
  for (Entry* budget : of(pod)) {
    --budget->left;
    --budget->breach.healthy;
    ++budget->breach.lost;
  }
}

std::vector<BudgetBreach> Budgets::broken() const {
  std::vector<BudgetBreach> broken;
  for (const Entry& entry : entries_) {
    const BudgetBreach& breach = entry.breach;
    if (breach.lost > 0 && breach.healthy < breach.desired) broken.push_back(breach);
  }
  return broken;
}

std::vector<BudgetUse> Budgets::uses() const {
  std::vector<BudgetUse> uses;
  for (const Entry& entry : entries_) {
    if (!entry.asked) continue;
    uses.push_back(entry.use);
    uses.back().waited = static_cast<int64_t>(entry.waiting.size()) -
                         static_cast<int64_t>(entry.use.blocks.size());
  }
  return uses;
}

}  // namespace keelson::lab
