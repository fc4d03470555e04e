#include "core/controllers/garbage_collector.hpp"

#include <algorithm>
#include <optional>
#include <set>

#include "core/api/kinds.hpp"
#include "core/controllers/owners.hpp"

namespace keelson::controllers {

namespace {

using api::Kind;
using api::Object;
using api::ObjectPtr;
using api::OwnerReference;

constexpr std::string_view kForeground = "foregroundDeletion";
constexpr std::string_view kOrphan = "orphan";

// Everything but Events, which own nothing and are owned by nothing.
const std::vector<Kind>& collected_kinds() {
  static const std::vector<Kind> kinds = [] {
    std::vector<Kind> all;
    for (int k = 0; k < api::kind_count; ++k) {
      if (static_cast<Kind>(k) != Kind::events) all.push_back(static_cast<Kind>(k));
    }
    return all;
  }();
  return kinds;
}

std::optional<Kind> kind_of_reference(const OwnerReference& reference) {
  for (const Kind kind : collected_kinds()) {
    if (refers_to(reference, kind)) return kind;
  }
  return std::nullopt;
}

// Where the owner must live for the reference to count: in the dependent's own namespace, or in
// none. A reference that points elsewhere names nothing (k8s#65200: a copied object took its
// original's children along). No key: the reference cannot be resolved, by nobody, ever.
std::optional<api::ObjectKey> owner_key(const Object& dependent, const OwnerReference& reference) {
  const std::optional<Kind> kind = kind_of_reference(reference);
  if (!kind) return std::nullopt;
  if (!api::info(*kind).namespaced) return api::ObjectKey{*kind, {}, reference.name()};
  if (dependent.ns().empty()) return std::nullopt;
  return api::ObjectKey{*kind, dependent.ns(), reference.name()};
}

ObjectPtr cached_owner(const View& view, const api::ObjectKey& key, const std::string& uid) {
  ObjectPtr owner = view.get(key.kind, key.ns, key.name);
  return owner && owner->uid() == uid ? owner : nullptr;
}

bool waits_for_dependents(const Object& owner) {
  return owner.deleting() && has_finalizer(owner.meta(), kForeground);
}
bool works_on_dependents(const Object& owner) {
  return owner.deleting() &&
         (has_finalizer(owner.meta(), kForeground) || has_finalizer(owner.meta(), kOrphan));
}

struct Owners {
  bool unresolvable = false;
  std::size_t solid = 0;                     // exist, and do not wait for this object to go
  std::size_t waiting = 0;                   // in foreground deletion
  std::vector<std::string> gone_or_waiting;  // uids
  std::vector<LiveCheck> absences;           // not in the cache: to be verified live
};

Owners classify(const View& view, const Object& dependent) {
  Owners owners;
  for (const OwnerReference& reference : dependent.meta().owner_references()) {
    const auto key = owner_key(dependent, reference);
    if (!key) {
      owners.unresolvable = true;
      continue;
    }
    const ObjectPtr owner = cached_owner(view, *key, reference.uid());
    if (owner && !waits_for_dependents(*owner)) {
      ++owners.solid;
      continue;
    }
    owners.gone_or_waiting.push_back(reference.uid());
    if (owner) {
      ++owners.waiting;
    } else {
      owners.absences.push_back({LiveCheck::Expect::absent, *key, reference.uid()});
    }
  }
  return owners;
}

api::Request strip(const Object& dependent, const std::vector<std::string>& uids) {
  ObjectPtr stripped;
  for (const std::string& uid : uids) {
    stripped = without_owner(stripped ? *stripped : dependent, uid);
  }
  return api::update(stripped);
}

// On exactly the state that was judged: an owner added meanwhile, or another incarnation, saves it.
api::Request remove_as_judged(const Object& object, api::Propagation propagation) {
  api::Request request = api::remove(object);
  if (object.revision()) request.expected.revision = object.revision();
  request.propagation = propagation;
  return request;
}

api::Request without_finalizer(const Object& object, std::string_view finalizer) {
  std::unique_ptr<api::Message> message(object.message().New());
  message->CopyFrom(object.message());
  auto* finalizers = api::mutable_meta_of(object.kind(), *message).mutable_finalizers();
  finalizers->erase(std::remove(finalizers->begin(), finalizers->end(), finalizer),
                    finalizers->end());
  return api::update(
      std::make_shared<const Object>(object.kind(), std::move(message), object.revision()));
}

// The dependents whose reference to `owner` counts.
std::vector<std::pair<ObjectPtr, const OwnerReference*>> dependents_of(const View& view,
                                                                       const Object& owner) {
  std::vector<std::pair<ObjectPtr, const OwnerReference*>> found;
  for (const ObjectPtr& object : view.dependents(owner.uid())) {
    for (const OwnerReference& reference : object->meta().owner_references()) {
      if (reference.uid() != owner.uid()) continue;
      const auto key = owner_key(*object, reference);
      if (key && *key == owner.key()) {
        found.emplace_back(object, &reference);
        break;
      }
    }
  }
  return found;
}

// Whether `dependent`, which waits for its own dependents, waits for `owner` among them, over
// however many others that wait too. Two that wait for each other would stay for ever; Kubernetes
// breaks such circles by taking blockOwnerDeletion back.
bool waits_for(const View& view, const ObjectPtr& dependent, const Object& owner) {
  if (!waits_for_dependents(*dependent)) return false;
  std::set<std::string> seen;
  std::vector<const Object*> upwards{&owner};
  std::vector<ObjectPtr> kept;  // keeps what upwards points to alive
  while (!upwards.empty()) {
    const Object& object = *upwards.back();
    upwards.pop_back();
    if (object.uid() == dependent->uid()) return true;
    if (!seen.insert(object.uid()).second) continue;
    for (const OwnerReference& reference : object.meta().owner_references()) {
      const auto key = owner_key(object, reference);
      ObjectPtr above = key ? cached_owner(view, *key, reference.uid()) : nullptr;
      if (!above || !waits_for_dependents(*above)) continue;
      upwards.push_back(kept.emplace_back(std::move(above)).get());
    }
  }
  return false;
}

// Deletes the dependents, those that would stay for another owner excepted, and lets the owner go
// when none is left that blocks it (GC-3).
Plan foreground(const View& view, const Object& owner) {
  Plan plan;
  bool blocked = false;
  const auto dependents = dependents_of(view, owner);
  for (const auto& [dependent, reference] : dependents) {
    blocked = blocked || (reference->block_owner_deletion() && !waits_for(view, dependent, owner));
    if (dependent->deleting()) continue;
    if (plan.writes.size() >= GarbageCollector::kBatch) {
      plan.requeue_after = 100ms;
      break;
    }
    const Owners owners = classify(view, *dependent);
    if (owners.unresolvable) continue;
    PlannedWrite* write = nullptr;
    if (owners.solid > 0) {
      write = &plan.together(strip(*dependent, owners.gone_or_waiting));
    } else {
      const bool has_own = !view.dependents(dependent->uid()).empty();
      write = &plan.together(remove_as_judged(
          *dependent, has_own ? api::Propagation::foreground : api::Propagation::background));
    }
    write->checks = owners.absences;
  }
  if (!plan.writes.empty()) return plan;
  if (!blocked) plan.then(without_finalizer(owner, kForeground));
  plan.rest = rest_after(dependents.size());  // while they end, one by one
  return plan;
}

// Takes the owner out of its dependents, then lets it go (GC-4).
Plan orphan(const View& view, const Object& owner) {
  Plan plan;
  for (const auto& [dependent, reference] : dependents_of(view, owner)) {
    if (plan.writes.size() >= GarbageCollector::kBatch) {
      plan.requeue_after = 100ms;
      break;
    }
    plan.together(strip(*dependent, {owner.uid()}));
  }
  if (plan.writes.empty()) plan.then(without_finalizer(owner, kOrphan));
  return plan;
}

Plan judge_dependent(const View& view, const Object& object) {
  if (object.meta().owner_references().empty()) return {};
  const Owners owners = classify(view, object);
  // Not knowing what an owner is means not knowing that it is gone.
  if (owners.unresolvable || owners.gone_or_waiting.empty()) return {};
  Plan plan;
  if (owners.solid > 0) {
    plan.then(strip(object, owners.gone_or_waiting)).checks = owners.absences;
    return plan;
  }
  if (owners.waiting > 0) return {};  // is done from the owner's side
  api::Propagation propagation = api::Propagation::background;
  if (has_finalizer(object.meta(), kOrphan)) {
    propagation = api::Propagation::orphan;
  } else if (has_finalizer(object.meta(), kForeground)) {
    propagation = api::Propagation::foreground;
  }
  plan.then(remove_as_judged(object, propagation)).checks = owners.absences;
  return plan;
}

// Owners in the middle of a foreground or orphan deletion look again.
void wake_owners(const View& view, const Object& dependent, const KeySink& sink) {
  for (const OwnerReference& reference : dependent.meta().owner_references()) {
    const auto key = owner_key(dependent, reference);
    if (!key) continue;
    const ObjectPtr owner = cached_owner(view, *key, reference.uid());
    if (owner && works_on_dependents(*owner)) sink(*key);
  }
}

bool misses_an_owner(const View& view, const Object& dependent) {
  for (const OwnerReference& reference : dependent.meta().owner_references()) {
    const auto key = owner_key(dependent, reference);
    if (key && !cached_owner(view, *key, reference.uid())) return true;
  }
  return false;
}

}  // namespace

std::span<const Kind> GarbageCollector::reads() const {
  return collected_kinds();
}

void GarbageCollector::keys_for(const View& view, const ObjectPtr& before, const ObjectPtr& after,
                                const KeySink& sink) const {
  const bool gone = before && (!after || after->uid() != before->uid());
  if (gone) {
    for (const ObjectPtr& dependent : view.dependents(before->uid())) sink(dependent->key());
    wake_owners(view, *before, sink);
  }
  if (!after) return;
  if (works_on_dependents(*after)) sink(after->key());
  if (before && !gone && same_owners(before->meta(), after->meta())) return;
  if (before && !gone) wake_owners(view, *before, sink);
  if (misses_an_owner(view, *after)) sink(after->key());
  wake_owners(view, *after, sink);
}

Plan GarbageCollector::reconcile(const View& view, const api::ObjectKey& key) {
  const ObjectPtr object = view.get(key.kind, key.ns, key.name);
  if (!object) return {};
  if (!object->deleting()) return judge_dependent(view, *object);
  if (has_finalizer(object->meta(), kOrphan)) return orphan(view, *object);
  if (has_finalizer(object->meta(), kForeground)) return foreground(view, *object);
  return {};
}

}  // namespace keelson::controllers
