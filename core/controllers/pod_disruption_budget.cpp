#include "core/controllers/pod_disruption_budget.hpp"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>
#include "core/api/canonical.hpp"

#include "core/api/json.hpp"
#include "core/api/selector.hpp"
#include "core/api/validation.hpp"
#include "core/controllers/owners.hpp"
#include "core/controllers/pod_state.hpp"

namespace keelson::controllers {

namespace {

using api::Kind;
using api::PodDisruptionBudget;
using Budget = api::Ref<PodDisruptionBudget>;
using Pods = std::vector<api::Ref<api::Pod>>;

constexpr std::array kPodDisruptionBudgetReads{Kind::pod_disruption_budgets, Kind::pods, Kind::replica_sets,
                            Kind::deployments};
constexpr int64_t kIsString = 1;

void budgets_selecting(const View& view, const std::string& ns, const api::Labels& labels,
                       const KeySink& sink) {
  for (const auto& budget : view.list<PodDisruptionBudget>(ns)) {
    if (!budget->spec().has_selector()) continue;
    const auto selector = api::LabelSelectorMatcher::from(budget->spec().selector());
    if (selector.ok() && selector->matches(labels)) sink(budget.object().key());
  }
}

bool matters(const api::Object& before, const api::Object& after) {
  return before.uid() != after.uid() || before.deleting() != after.deleting() ||
         ready(before.as<api::Pod>()) != ready(after.as<api::Pod>()) ||
         !same_labels(before.meta(), after.meta()) || !same_owners(before.meta(), after.meta());
}

// The labels that an object's pods have, and how many it wants: what a percentage refers to.
const api::Labels& pod_labels(const api::Object& owner) {
  return owner.kind() == Kind::deployments
             ? owner.as<api::Deployment>().spec().template_().metadata().labels()
             : owner.as<api::ReplicaSet>().spec().template_().metadata().labels();
}
int32_t scale_of(const api::Object& owner) {
  if (owner.kind() == Kind::deployments) {
    const auto& spec = owner.as<api::Deployment>().spec();
    return spec.has_replicas() ? spec.replicas() : 1;
  }
  const auto& spec = owner.as<api::ReplicaSet>().spec();
  return spec.has_replicas() ? spec.replicas() : 1;
}

// The workload at the top of a pod's owners, as far as it is one we know.
api::ObjectPtr workload_of(const View& view, const api::Object& pod) {
  const api::OwnerReference* reference = controller_of(pod.meta());
  if (!reference || !refers_to(*reference, Kind::replica_sets)) return nullptr;
  const auto rs = view.get<api::ReplicaSet>(pod.ns(), reference->name());
  if (!rs || rs.uid() != reference->uid()) return nullptr;
  const api::OwnerReference* above = controller_of(rs->metadata());
  if (!above || !refers_to(*above, Kind::deployments)) return rs.ptr();
  const auto deployment = view.get<api::Deployment>(pod.ns(), above->name());
  if (!deployment || deployment.uid() != above->uid()) return nullptr;
  return deployment.ptr();
}

// How many pods there should be: the sum of the scales of the workloads they belong to. An error
// names the pod for which that is unknown; pods without any controller do not count.
Result<int32_t> expected_scale(const View& view, const Pods& pods) {
  std::set<std::string> counted;
  int32_t total = 0;
  for (const auto& pod : pods) {
    const api::OwnerReference* reference = controller_of(pod->metadata());
    if (!reference || counted.contains(reference->uid())) continue;
    const api::ObjectPtr workload = workload_of(view, pod.object());
    if (!workload) {
      return Error{Code::not_found, fmt::format("found no controllers for pod \"{}\"", pod.name())};
    }
    counted.insert(reference->uid());
    if (workload->uid() != reference->uid() && !counted.insert(workload->uid()).second) continue;
    // Sizes are users' input: their sum may not fit.
    total =
        static_cast<int32_t>(std::min<int64_t>(int64_t{total} + scale_of(*workload), INT32_MAX));
  }
  return total;
}

struct Numbers {
  int32_t expected = 0;
  int32_t desired = 0;  // healthy
};

Result<Numbers> numbers_of(const View& view, const api::policy::v1::PodDisruptionBudgetSpec& spec,
                           const Pods& pods) {
  const auto count = static_cast<int32_t>(pods.size());
  if (!spec.has_max_unavailable() && !spec.has_min_available()) return Numbers{count, 0};
  if (!spec.has_max_unavailable() && spec.min_available().type() != kIsString) {
    return Numbers{count, spec.min_available().int_val()};
  }
  const Result<int32_t> scale = expected_scale(view, pods);
  if (!scale.ok()) return scale.error();
  if (spec.has_max_unavailable()) {
    const int32_t most = api::scaled_value(spec.max_unavailable(), *scale, true);
    return Numbers{*scale, std::max(*scale - most, 0)};
  }
  return Numbers{*scale, api::scaled_value(spec.min_available(), *scale, true)};
}

void set_condition(bool allowed, std::string reason, std::string message, WallTime now,
                   int64_t generation, api::policy::v1::PodDisruptionBudgetStatus* status) {
  auto* conditions = status->mutable_conditions();
  auto at = std::find_if(conditions->begin(), conditions->end(),
                         [](const auto& c) { return c.type() == "DisruptionAllowed"; });
  api::Condition* condition = at != conditions->end() ? &*at : conditions->Add();
  const std::string value = allowed ? "True" : "False";
  if (condition->status() != value) *condition->mutable_last_transition_time() = api::to_time(now);
  condition->set_type("DisruptionAllowed");
  condition->set_status(value);
  condition->set_reason(std::move(reason));
  condition->set_message(std::move(message));
  condition->set_observed_generation(generation);
}

// Returns why it cannot count; empty if it can.
std::string fill_in(const View& view, const Budget& budget, const Pods& pods, int32_t healthy,
                    api::policy::v1::PodDisruptionBudgetStatus* status) {
  const int64_t generation = budget->metadata().generation();
  status->set_observed_generation(generation);
  status->set_current_healthy(healthy);
  const Result<Numbers> numbers = numbers_of(view, budget->spec(), pods);
  if (!numbers.ok()) {
    // Fails safe (PD-4): whoever cannot count allows nothing.
    status->set_disruptions_allowed(0);
    set_condition(false, "SyncFailed", numbers.error().message, view.wall_now(), generation,
                  status);
    return numbers.error().message;
  }
  const int32_t spare = std::max(healthy - numbers->desired, 0);
  status->set_expected_pods(numbers->expected);
  status->set_desired_healthy(numbers->desired);
  status->set_disruptions_allowed(numbers->expected > 0 ? spare : 0);
  const bool allowed = status->disruptions_allowed() > 0;
  set_condition(allowed, allowed ? "SufficientPods" : "InsufficientPods", "", view.wall_now(),
                generation, status);
  return {};
}

}  // namespace

std::span<const Kind> PodDisruptionBudgetController::reads() const {
  return kPodDisruptionBudgetReads;
}

void PodDisruptionBudgetController::keys_for(const View& view, const api::ObjectPtr& before,
                                             const api::ObjectPtr& after,
                                             const KeySink& sink) const {
  const api::Object& object = after ? *after : *before;
  if (object.kind() == Kind::pod_disruption_budgets) {
    sink(object.key());
    return;
  }
  if (object.kind() == Kind::pods) {
    if (before && after && !matters(*before, *after)) return;
    if (before && (!after || !same_labels(before->meta(), after->meta()))) {
      budgets_selecting(view, before->ns(), before->meta().labels(), sink);
    }
    if (after) budgets_selecting(view, after->ns(), after->meta().labels(), sink);
    return;
  }
  // Workloads matter when they appear (pods may have been seen before their owner) or are scaled.
  if (!after || (before && scale_of(*before) == scale_of(*after))) return;
  budgets_selecting(view, after->ns(), pod_labels(*after), sink);
}

Plan PodDisruptionBudgetController::reconcile(const View& view, const api::ObjectKey& key) {
  const Budget budget = view.get<PodDisruptionBudget>(key.ns, key.name);
  if (!budget) {
    granted_.erase(key);
    return {};
  }
  Plan plan;
  if (budget.object().deleting()) return plan;
  Pods pods;
  if (budget->spec().has_selector()) {
    const auto selector = api::LabelSelectorMatcher::from(budget->spec().selector());
    if (selector.ok()) pods = view.select<api::Pod>(key.ns, *selector);
  }
  plan.rest = rest_after(pods.size());
  const std::set<std::string> leaving = outstanding(view, budget, pods, &plan);
  api::policy::v1::PodDisruptionBudgetStatus status = budget->status();
  status.clear_disrupted_pods();
  for (const std::string& name : leaving) {
    (*status.mutable_disrupted_pods())[name] = budget->status().disrupted_pods().at(name);
  }
  int32_t healthy = 0;
  for (const auto& pod : pods) {
    if (!pod.object().deleting() && ready(*pod) && !leaving.contains(pod.name())) ++healthy;
  }
  const std::string why = fill_in(view, budget, pods, healthy, &status);
  if (!api::same(status, budget->status())) {
    // With a change of status only: a budget without pods stays so for long.
    if (pods.empty()) {
      plan.events.push_back({budget.ptr(), false, "NoPods", "No matching pods found"});
    }
    if (!why.empty()) {
      plan.events.push_back({budget.ptr(), true, "CalculateExpectedPodCountFailed",
                             "Failed to calculate the number of expected pods: " + why});
    }
    PodDisruptionBudget message = *budget;
    *message.mutable_status() = std::move(status);
    plan.then(api::update_status(changed(budget, std::move(message))));
  }
  return plan;
}

// The pods whose evictions were granted and not yet carried out: they count as gone already.
std::set<std::string> PodDisruptionBudgetController::outstanding(const View& view,
                                                                 const Budget& budget,
                                                                 const Pods& pods, Plan* plan) {
  std::map<std::string, api::ObjectPtr> present;
  for (const auto& pod : pods) {
    if (!pod.object().deleting()) present.emplace(pod.name(), pod.ptr());
  }
  Grants& known = granted_[budget.object().key()];
  Grants now;
  std::set<std::string> leaving;
  for (const auto& [name, time] : budget->status().disrupted_pods()) {
    const auto before = known.find(name);
    const bool same = before != known.end() && before->second.stamp == time.seconds();
    // Also an expired one is remembered until the status no longer lists it, lest it start anew.
    now[name] = same ? before->second : Grant{time.seconds(), view.now()};
  }
  for (const auto& [name, grant] : now) {
    const auto pod = present.find(name);
    if (pod == present.end()) continue;
    const Duration left = kGrantTimeout - (view.now() - grant.seen);
    if (left <= Duration::zero()) {
      plan->events.push_back({pod->second, true, "NotDeleted",
                              fmt::format("Pod was expected by PDB {}/{} to be deleted but it "
                                          "wasn't",
                                          budget.ns(), budget.name())});
      continue;
    }
    leaving.insert(name);
    if (plan->requeue_after == Duration::zero() || left < plan->requeue_after) {
      plan->requeue_after = left;
    }
  }
  known = std::move(now);
  return leaving;
}

}  // namespace keelson::controllers
