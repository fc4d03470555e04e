#include "core/controllers/namespace.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>
#include "core/api/validate/errors.hpp"

#include "core/api/json.hpp"
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

// Deletes what is there; how much is left, also of what is on its way out (of more than a batch:
// some of it).
std::size_t empty_out(const View& view, const std::string& ns, Plan* plan) {
  std::size_t left = 0;
  for (const Kind kind : cached_kinds()) {
    view.visit(kind, ns, [&](const api::ObjectPtr& object) {
      ++left;
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

// One thing that can keep a namespace from going, as it reads when it does not. Types, reasons and
// messages are Kubernetes', for people and tools look for them.
// Source: pkg/controller/namespace/deletion/status_condition_utils.go.
struct Aspect {
  std::string_view type, reason, message;
};
constexpr Aspect kDiscovery{"NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered",
                            "All resources successfully discovered"};
constexpr Aspect kParsing{"NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions",
                          "All legacy kube types successfully parsed"};
constexpr Aspect kFailure{"NamespaceDeletionContentFailure", "ContentDeleted",
                          "All content successfully deleted, may be waiting on finalization"};
constexpr Aspect kContent{"NamespaceContentRemaining", "ContentRemoved",
                          "All content successfully removed"};
constexpr Aspect kFinalizers{"NamespaceFinalizersRemaining", "ContentHasNoFinalizers",
                             "All content-preserving finalizers finished"};

// `reason` empty: all is well in this respect.
void set_condition(const Aspect& aspect, std::string_view reason, const std::string& message,
                   WallTime now, api::NamespaceStatus* status) {
  auto* conditions = status->mutable_conditions();
  auto at = std::find_if(conditions->begin(), conditions->end(),
                         [&](const auto& c) { return c.type() == aspect.type; });
  api::NamespaceCondition* condition = at != conditions->end() ? &*at : conditions->Add();
  const std::string value = reason.empty() ? "False" : "True";
  if (condition->status() != value) *condition->mutable_last_transition_time() = api::to_time(now);
  condition->set_type(std::string(aspect.type));
  condition->set_status(value);
  condition->set_reason(std::string(reason.empty() ? aspect.reason : reason));
  condition->set_message(reason.empty() ? std::string(aspect.message) : message);
}

// "Some resources are remaining: pods. has 2 resource instances": the empty group of the core API
// leaves its dot behind, in Kubernetes too.
std::string listed(std::string_view head, std::vector<std::string> parts) {
  std::sort(parts.begin(), parts.end());
  return fmt::format("{}{}", head, fmt::join(parts, ", "));
}

struct Content {
  std::map<Kind, int> objects;
  std::map<std::string, int> finalizers;
};

Content content_of(const View& view, const std::string& ns) {
  Content content;
  for (const Kind kind : cached_kinds()) {
    view.visit(kind, ns, [&](const api::ObjectPtr& object) {
      ++content.objects[kind];
      for (const std::string& finalizer : object->meta().finalizers()) {
        ++content.finalizers[finalizer];
      }
      return true;
    });
  }
  return content;
}

void set_conditions(const Content& content, const std::map<Kind, std::string>& refused,
                    WallTime now, api::NamespaceStatus* status) {
  set_condition(kDiscovery, {}, {}, now, status);  // the kinds that there are are built in
  set_condition(kParsing, {}, {}, now, status);
  std::vector<std::string> failures, objects, finalizers;
  for (const auto& [kind, message] : refused) failures.push_back(message);
  for (const auto& [kind, count] : content.objects) {
    const api::KindInfo& info = api::info(kind);
    objects.push_back(
        fmt::format("{}.{} has {} resource instances", info.plural, info.group, count));
  }
  for (const auto& [name, count] : content.finalizers) {
    finalizers.push_back(fmt::format("{} in {} resource instances", name, count));
  }
  set_condition(
      kFailure, failures.empty() ? "" : "ContentDeletionFailed",
      listed(fmt::format("Failed to delete all resource types, {} remaining: ", failures.size()),
             failures),
      now, status);
  set_condition(kContent, objects.empty() ? "" : "SomeResourcesRemain",
                listed("Some resources are remaining: ", objects), now, status);
  set_condition(kFinalizers, finalizers.empty() ? "" : "SomeFinalizersRemain",
                listed("Some content in the namespace has finalizers remaining: ", finalizers), now,
                status);
}

// What a change of an object can mean for the namespace that it is in.
bool matters(const api::ObjectPtr& before, const api::ObjectPtr& after) {
  return !before || !after || before->deleting() != after->deleting() ||
         before->meta().finalizers_size() != after->meta().finalizers_size();
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
  if (object.ns().empty() || !matters(before, after)) return;
  const api::ObjectPtr ns = view.get(Kind::namespaces, {}, object.ns());
  if (ns && ns->deleting()) sink(ns->key());
}

Plan NamespaceController::reconcile(const View& view, const api::ObjectKey& key) {
  const auto ns = view.get<Namespace>({}, key.name);
  Plan plan;
  if (!ns || !ns.object().deleting() || finalized(*ns)) {
    emptying_.erase(key);
    return plan;
  }
  if (ns->status().phase() != "Terminating") {
    plan.then(terminating(ns));
    return plan;
  }
  Emptying& emptying = emptying_.try_emplace(key, Emptying{view.now(), {}}).first->second;
  if (const std::size_t left = empty_out(view, key.name, &plan); left > 0) {
    // While what was asked to end does so, one by one; not between batches.
    if (plan.writes.empty()) plan.rest = rest_after(left);
    report(view, ns, emptying, &plan);
    return plan;
  }
  // Other finalizers may keep the namespace itself, so the last word must be true.
  if (ns->status().conditions_size() > 0) {
    emptying = {view.now() - kReportEvery, {}};
    report(view, ns, emptying, &plan);
    if (!plan.writes.empty()) return plan;
  }
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

void NamespaceController::report(const View& view, const api::Ref<Namespace>& ns,
                                 Emptying& emptying, Plan* plan) {
  Namespace message = *ns;
  set_conditions(content_of(view, ns.name()), emptying.refused, view.wall_now(),
                 message.mutable_status());
  emptying.refused.clear();
  if (api::same(message.status(), ns->status())) return;
  const Duration wait = kReportEvery - (view.now() - emptying.reported);
  if (wait > Duration::zero()) {
    if (plan->requeue_after == Duration::zero() || wait < plan->requeue_after) {
      plan->requeue_after = wait;
    }
    return;
  }
  emptying.reported = view.now();
  plan->together(api::update_status(changed(ns, std::move(message))));
}

void NamespaceController::write_refused(const api::ObjectKey& key, const api::Request& request,
                                        const api::ApiError& error) {
  const auto at = emptying_.find(key);
  if (at == emptying_.end() || request.verb != api::Verb::remove) return;
  at->second.refused[request.kind] = error.message;
}

}  // namespace keelson::controllers
