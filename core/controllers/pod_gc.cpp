#include "core/controllers/pod_gc.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "core/controllers/node_health.hpp"

namespace keelson::controllers {
namespace {

// Stands for "all ended pods"; no pod has an empty name.
const api::ObjectKey kEndedPods{api::Kind::pods, {}, {}};

bool has_ended(const api::ObjectPtr& pod) {
  if (!pod) return false;
  const std::string& phase = pod->as<api::Pod>().status().phase();
  return phase == "Succeeded" || phase == "Failed";
}

// An operator vouches that the machine is off: its agent will confirm nothing any more. The same
// taint set by node health is a conclusion, not somebody's word; there graceful deletion stays.
bool vouched_dead(const api::Node& node) {
  const auto& taints = node.spec().taints();
  return std::any_of(taints.begin(), taints.end(),
                     [](const auto& taint) { return taint.key() == kTaintOutOfService; }) &&
         readiness_of(node) != Readiness::yes && !declared_dead(node);
}

// There is no agent that would confirm a graceful deletion.
api::Request force_remove(const api::Object& pod) {
  api::Request request = api::remove(pod);
  request.grace_period_seconds = 0;
  return request;
}

}  // namespace

std::span<const api::Kind> PodGcController::reads() const {
  static constexpr std::array kKinds{api::Kind::nodes, api::Kind::pods};
  return kKinds;
}

void PodGcController::reset() {
  missing_.clear();
  ended_ = 0;
  last_sweep_ = {};
}

void PodGcController::keys_for(const View& view, const api::ObjectPtr& before,
                               const api::ObjectPtr& after, const KeySink& sink) const {
  const api::Object& any = after ? *after : *before;
  if (any.kind() == api::Kind::nodes) {
    const bool lost = before && (!after || before->uid() != after->uid());
    if (lost) note_lost(view, any.name());
    const bool vouched = after && vouched_dead(after->as<api::Node>());
    if (lost || !before || (vouched && !vouched_dead(before->as<api::Node>()))) sink(any.key());
    return;
  }
  if (any.kind() != api::Kind::pods) return;
  ended_ += static_cast<int64_t>(has_ended(after)) - static_cast<int64_t>(has_ended(before));
  if (!after) return;
  if (has_ended(after) && !has_ended(before) && ended_ > options_.terminated_threshold) {
    sink(kEndedPods);
  }
  const std::string& node = after->as<api::Pod>().spec().node_name();
  if (node.empty()) {
    if (after->deleting()) sink(after->key());
    return;
  }
  const bool ending = after->deleting() && (!before || !before->deleting());
  if (ending) {
    const auto runs_on = view.get<api::Node>({}, node);
    if (runs_on && vouched_dead(*runs_on)) sink(runs_on.object().key());
  }
  const bool newly_bound = !before || before->as<api::Pod>().spec().node_name().empty() ||
                           before->uid() != after->uid();
  if (newly_bound && !view.get<api::Node>({}, node)) sink({api::Kind::nodes, {}, node});
}

// The caches of nodes and pods are not in step: a pod may already be bound to the next node of this
// name. Only a pod that has not changed since the last moment at which the lost node was certainly
// there is certainly its own.
void PodGcController::note_lost(const View& view, const std::string& name) const {
  view.get<api::Node>({}, name);
  const api::Revision still_there = view.basis().of(api::Kind::nodes);
  std::set<std::string> pods;
  for (const auto& pod : view.pods_on(name)) {
    if (pod.revision() <= still_there) pods.insert(pod.uid());
  }
  if (pods.empty()) return;
  missing_.try_emplace(name, Missing{view.now(), {}}).first->second.pods.merge(pods);
}

Plan PodGcController::reconcile(const View& view, const api::ObjectKey& key) {
  if (key.kind == api::Kind::nodes) return orphans(view, key.name);
  return key == kEndedPods ? terminated(view) : unscheduled(view, key);
}

Plan PodGcController::orphans(const View& view, const std::string& name) {
  Plan plan;
  const auto node = view.get<api::Node>({}, name);
  const bool exists = static_cast<bool>(node);
  if (exists && vouched_dead(*node)) return out_of_service(view, node);
  auto it = missing_.find(name);
  if (exists && it == missing_.end()) return plan;
  std::vector<api::Ref<api::Pod>> pods = view.pods_on(name);
  if (exists) {
    std::erase_if(pods, [&](const auto& pod) { return !it->second.pods.contains(pod.uid()); });
  }
  if (pods.empty()) {
    if (it != missing_.end()) missing_.erase(it);
    return plan;
  }
  if (it == missing_.end()) it = missing_.emplace(name, Missing{view.now(), {}}).first;
  const Duration waited = view.now() - it->second.since;
  if (waited < options_.quarantine) {
    plan.requeue_after = options_.quarantine - waited;
    return plan;
  }
  plan.requeue_after = options_.period;
  for (const auto& pod : pods) {
    if (!exists) {
      // The cache has missed the node for a while; the store has the last word.
      PlannedWrite& write = plan.add(force_remove(pod.object()), 0);
      write.checks.push_back(
          {LiveCheck::Expect::absent, {api::Kind::nodes, {}, name}, /*uid=*/{}});
    } else if (!pod.object().deleting()) {
      // The new node's agent may know the pod by now: it gets to stop it in order.
      plan.add(api::remove(pod.object()), 0);
    }
  }
  return plan;
}

// Whose pods were asked to end and cannot say that they have. Without this a pod of a machine that
// was switched off holds its name, and its volumes, until somebody deletes it by force.
Plan PodGcController::out_of_service(const View& view, const api::Ref<api::Node>& node) const {
  Plan plan;
  const LiveCheck same_node{LiveCheck::Expect::present, node.object().key(), node.uid()};
  for (const auto& pod : view.pods_on(node.name())) {
    if (!pod.object().deleting()) continue;
    plan.add(force_remove(pod.object()), 0).checks.push_back(same_node);
  }
  return plan;
}

Plan PodGcController::unscheduled(const View& view, const api::ObjectKey& key) const {
  Plan plan;
  const auto pod = view.get<api::Pod>(key.ns, key.name);
  if (pod && pod.object().deleting() && pod->spec().node_name().empty() &&
      pod->metadata().finalizers().empty()) {
    plan.then(force_remove(pod.object()));
  }
  return plan;
}

Plan PodGcController::terminated(const View& view) {
  Plan plan;
  if (options_.terminated_threshold <= 0) return plan;
  // Looks at all pods, so not for each of them that ends.
  if (last_sweep_ != Instant{} && view.now() - last_sweep_ < options_.period) {
    plan.requeue_after = options_.period - (view.now() - last_sweep_);
    return plan;
  }
  last_sweep_ = view.now();
  std::vector<api::ObjectPtr> ended;
  view.visit(api::Kind::pods, {}, [&](const api::ObjectPtr& pod) {
    if (has_ended(pod)) ended.push_back(pod);
    return true;
  });
  ended_ = static_cast<int64_t>(ended.size());
  const int64_t excess = ended_ - options_.terminated_threshold;
  if (excess <= 0) return plan;
  std::sort(ended.begin(), ended.end(), [](const api::ObjectPtr& a, const api::ObjectPtr& b) {
    const auto age = [](const api::ObjectPtr& pod) {
      return std::make_tuple(pod->meta().creation_timestamp().seconds(), pod->ns(), pod->name());
    };
    return age(a) < age(b);
  });
  for (int64_t i = 0; i < excess; ++i) {
    plan.add(force_remove(*ended[static_cast<std::size_t>(i)]), 0);
  }
  return plan;
}

}  // namespace keelson::controllers
