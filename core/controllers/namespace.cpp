#include "core/controllers/namespace.hpp"

#include <algorithm>

#include "core/api/kinds.hpp"
#include "core/controllers/owners.hpp"

namespace keelson::controllers {

namespace {

using api::Kind;
using api::Namespace;

constexpr std::string_view kFinalizer = "kubernetes";

// Events are many and of no use here: they are deleted as a collection and never cached.
const std::vector<Kind>& cached_kinds() {
  static const std::vector<Kind> kinds = [] {
    std::vector<Kind> all;
    for (int k = 0; k < api::kind_count; ++k) {
      const auto kind = static_cast<Kind>(k);
      if (api::info(kind).namespaced && kind != Kind::events) all.push_back(kind);
    }
    return all;
  }();
  return kinds;
}

const std::vector<Kind>& kinds_read() {
  static const std::vector<Kind> kinds = [] {
    std::vector<Kind> all = cached_kinds();
    all.push_back(Kind::namespaces);
    return all;
  }();
  return kinds;
}

bool finalized(const Namespace& ns) {
  const auto& finalizers = ns.spec().finalizers();
  return std::find(finalizers.begin(), finalizers.end(), kFinalizer) == finalizers.end();
}

api::Request terminating(const api::Ref<Namespace>& ns) {
  Namespace message = *ns;
  message.mutable_status()->set_phase("Terminating");
  return api::update_status(changed(ns, std::move(message)));
}

api::Request finalize(const api::Ref<Namespace>& ns) {
  Namespace message = *ns;
  auto* finalizers = message.mutable_spec()->mutable_finalizers();
  finalizers->erase(std::remove(finalizers->begin(), finalizers->end(), kFinalizer),
                    finalizers->end());
  return api::update(changed(ns, std::move(message)));
}

// Deletes what is there; true if anything is left, also what is on its way out.
bool empty_out(const View& view, const std::string& ns, Plan* plan) {
  bool left = false;
  for (const Kind kind : cached_kinds()) {
    view.visit(kind, ns, [&](const api::ObjectPtr& object) {
      left = true;
      if (object->deleting()) return true;
      if (plan->writes.size() >= NamespaceController::kBatch) {
        plan->requeue_after = 100ms;
        return false;
      }
      plan->together(api::remove(*object));
      return true;
    });
  }
  return left;
}

}  // namespace

std::span<const Kind> NamespaceController::reads() const {
  return kinds_read();
}

void NamespaceController::keys_for(const View& view, const api::ObjectPtr& before,
                                   const api::ObjectPtr& after, const KeySink& sink) const {
  const api::Object& object = after ? *after : *before;
  if (object.kind() == Kind::namespaces) {
    if (after && after->deleting()) sink(after->key());
    return;
  }
  if ((before && after) || object.ns().empty()) return;
  const api::ObjectPtr ns = view.get(Kind::namespaces, {}, object.ns());
  if (ns && ns->deleting()) sink(ns->key());
}

Plan NamespaceController::reconcile(const View& view, const api::ObjectKey& key) {
  const auto ns = view.get<Namespace>({}, key.name);
  Plan plan;
  if (!ns || !ns.object().deleting() || finalized(*ns)) return plan;
  if (ns->status().phase() != "Terminating") {
    plan.then(terminating(ns));
    return plan;
  }
  if (empty_out(view, key.name, &plan)) return plan;
  // The caches show nothing, but caches can be behind: the live store must agree, kind by kind,
  // after the last creation that it can have admitted (none is, once the namespace is terminating).
  api::Request events;
  events.verb = api::Verb::remove_collection;
  events.kind = Kind::events;
  events.ns = key.name;
  plan.then(std::move(events));
  PlannedWrite& last = plan.then(finalize(ns));
  for (const Kind kind : cached_kinds()) {
    last.checks.push_back({LiveCheck::Expect::absent, {kind, key.name, {}}, {}});
  }
  last.checks.push_back({LiveCheck::Expect::absent, {Kind::events, key.name, {}}, {}});
  return plan;
}

}  // namespace keelson::controllers
