// POST pods/x/eviction: a deletion that the pod's disruption budget must allow. Unlike Kubernetes'
// two requests, the budget and the pod change in one transaction.
// Source: pkg/registry/core/pod/storage/eviction.go; GUARANTEES PD-1..PD-3.
#include <algorithm>

#include "core/api/json.hpp"
#include "core/api/selector.hpp"
#include "core/apiserver/pipeline/claims.hpp"
#include "core/apiserver/pipeline/metadata.hpp"
#include "core/apiserver/pipeline/registry.hpp"
#include "core/apiserver/pipeline/remove.hpp"

namespace keelson::apiserver {

namespace {

using Budget = api::PodDisruptionBudget;

// Entries of disruptedPods that the disruption controller has not confirmed yet.
constexpr int kDisruptedMax = 2000;

bool ready(const api::Pod& pod) {
  for (const auto& condition : pod.status().conditions()) {
    if (condition.type() == "Ready") return condition.status() == "True";
  }
  return false;
}

ApiError budget_exhausted(std::string why, int32_t retry_after) {
  ApiError error = api::too_many_requests(
      "Cannot evict pod as it would violate the pod's disruption budget.", retry_after);
  error.causes.push_back({"DisruptionBudget", std::move(why), ""});
  return error;
}

ApiError needs_healthy(const Budget& budget, int64_t healthy) {
  return budget_exhausted("The disruption budget " + budget.metadata().name() + " needs " +
                              std::to_string(budget.status().desired_healthy()) +
                              " healthy pods and has " + std::to_string(healthy) + " currently",
                          0);
}

class Evict final : public Operation {
 public:
  Evict(Request&& request, const Context& context) : Operation(std::move(request), context) {
    if (request_.body && is_message<api::Eviction>(*request_.body)) {
      take_options(static_cast<const api::Eviction&>(*request_.body));
    }
  }

  Attempt attempt() override {
    if (!request_.body || !is_message<api::Eviction>(*request_.body)) {
      return Attempt::fail(
          api::bad_request("the object provided is unrecognized: expected an Eviction"));
    }
    const auto& meta = static_cast<const api::Eviction&>(*request_.body).metadata();
    if (!meta.name().empty() && meta.name() != request_.name) {
      return Attempt::fail(api::bad_request("name in URL does not match name in Eviction object"));
    }
    const ObjectPtr now = current();
    if (!now) return Attempt::fail(api::not_found(Kind::pods, request_.name));
    if (ApiError error = guarded(now.get(), nullptr)) return Attempt::fail(std::move(error));
    Attempt attempt = plan_removal(context_, now, request_, &last_);
    if (attempt.writes.empty()) return attempt;  // refused, or on its way already

    const auto& pod = now->as<api::Pod>();
    // Nothing is disrupted by the end of a pod that has not begun or has ended.
    if (finished(pod) || pod.status().phase() == "Pending" || now->deleting()) return attempt;
    std::vector<ObjectPtr> budgets = budgets_of(*now);
    if (budgets.empty()) return attempt;
    if (budgets.size() > 1) {
      return Attempt::fail(api::internal_error(
          "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
          "support."));
    }
    const Budget& budget = budgets.front()->as<Budget>();
    if (bypasses(budget, pod)) return attempt;
    if (ApiError error = check(budget, *now)) return Attempt::fail(std::move(error));
    attempt.writes.push_back(put_over(*budgets.front(), charged(budget, pod)));
    return attempt;
  }

  Response committed(const store::Committed& committed) override {
    return removal_response(committed.objects.front(), last_);
  }

 private:
  void take_options(const api::Eviction& eviction) {
    const auto& options = eviction.delete_options();
    if (!request_.grace_period_seconds && options.has_grace_period_seconds()) {
      request_.grace_period_seconds = options.grace_period_seconds();
    }
    const auto& wanted = options.preconditions();
    if (request_.expected.uid.empty()) request_.expected.uid = wanted.uid();
    if (!request_.expected.revision) {
      request_.expected.revision = revision_named(wanted.resource_version());
    }
    if (options.dry_run_size() > 0) request_.dry_run = true;
  }

  std::vector<ObjectPtr> budgets_of(const Object& pod) const {
    std::vector<ObjectPtr> found;
    const ObjectMap& all = context_.cache.objects(Kind::pod_disruption_budgets);
    for (auto at = all.lower_bound(NameRef{pod.ns(), ""}); at != all.end(); ++at) {
      if (at->first.ns != pod.ns()) break;
      const auto& spec = at->second->as<Budget>().spec();
      if (!spec.has_selector()) continue;
      const auto selector = api::LabelSelectorMatcher::from(spec.selector());
      if (selector && selector->matches(pod.meta().labels())) found.push_back(at->second);
    }
    return found;
  }

  // A pod that serves nobody costs no budget, while the budget itself is met (PD-3).
  static bool bypasses(const Budget& budget, const api::Pod& pod) {
    if (ready(pod)) return false;
    if (budget.spec().unhealthy_pod_eviction_policy() == "AlwaysAllow") return true;
    return budget.status().desired_healthy() > 0 &&
           budget.status().current_healthy() >= budget.status().desired_healthy();
  }

  ApiError check(const Budget& budget, const Object& pod) const {
    const auto& status = budget.status();
    const std::string& name = budget.metadata().name();
    if (status.observed_generation() < budget.metadata().generation()) {
      return budget_exhausted(
          "The disruption budget " + name + " is still being processed by the server.", 10);
    }
    if (status.disruptions_allowed() < 0) {
      return api::forbidden(Kind::pod_disruption_budgets, name,
                            "pdb disruptions allowed is negative");
    }
    if (static_cast<int>(status.disrupted_pods().size()) > kDisruptedMax) {
      return api::forbidden(Kind::pod_disruption_budgets, name,
                            "DisruptedPods map too big - too many evictions not confirmed by PDB "
                            "controller");
    }
    if (status.disruptions_allowed() == 0) return needs_healthy(budget, status.current_healthy());
    // The controller may not have seen yet that pods have failed. What this server sees now has to
    // allow the disruption too (PD-1), with the grants that are still outstanding taken off.
    const int64_t healthy = healthy_now(budget, pod);
    const bool counts = ready(pod.as<api::Pod>());
    if (counts && healthy - 1 < status.desired_healthy()) return needs_healthy(budget, healthy);
    return {};
  }

  int64_t healthy_now(const Budget& budget, const Object& pod) const {
    const auto selector = api::LabelSelectorMatcher::from(budget.spec().selector());
    int64_t healthy = 0;
    const ObjectMap& pods = context_.cache.objects(Kind::pods);
    for (auto at = pods.lower_bound(NameRef{pod.ns(), ""}); at != pods.end(); ++at) {
      if (at->first.ns != pod.ns()) break;
      const Object& one = *at->second;
      if (one.deleting() || !selector->matches(one.meta().labels())) continue;
      if (budget.status().disrupted_pods().contains(one.name()) && one.name() != pod.name()) {
        continue;
      }
      if (ready(one.as<api::Pod>())) ++healthy;
    }
    return healthy;
  }

  MessagePtr charged(const Budget& budget, const api::Pod& pod) const {
    auto next = std::make_shared<Budget>(budget);
    auto& status = *next->mutable_status();
    status.set_disruptions_allowed(status.disruptions_allowed() - 1);
    (*status.mutable_disrupted_pods())[pod.metadata().name()] =
        api::to_time(context_.loop.wall_now());
    if (status.disruptions_allowed() > 0) return next;
    for (auto& condition : *status.mutable_conditions()) {
      if (condition.type() != "DisruptionAllowed" || condition.status() == "False") continue;
      condition.set_status("False");
      condition.set_reason("InsufficientPods");
      condition.set_message("");
      *condition.mutable_last_transition_time() = api::to_time(context_.loop.wall_now());
    }
    return next;
  }

  MessagePtr last_;
};

}  // namespace

OperationPtr make_eviction(Request&& request, const Context& context) {
  return std::make_shared<Evict>(std::move(request), context);
}

}  // namespace keelson::apiserver
