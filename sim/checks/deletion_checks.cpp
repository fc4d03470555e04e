// GC-*: deletion, finalizers, owners and namespaces. Who depends on whom is kept by the owner's uid.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "core/api/kinds.hpp"
#include "sim/checks/node_truth.hpp"
#include "sim/checks/suite.hpp"

namespace keelson::sim {

namespace {

constexpr InvariantInfo kDeletionInvariants[] = {
    {"GC-1", "The garbage collector deletes only what has owners of which none exists any more.",
     fact::provenance | fact::whole},
    {"GC-2", "Nothing vanishes with finalizers left; a deletion is never taken back, nor put off.",
     fact::calls},
    {"GC-3", "An owner that is deleted in the foreground outlives the dependents that block it.",
     fact::provenance | fact::whole},
    {"GC-4", "When an owner goes whose dependents were to be orphaned, none refers to it any more.",
     fact::provenance | fact::whole},
    {"GC-5", "What depends on something deleted vanishes; nothing stays in a namespace that is gone.",
     fact::rest | fact::whole},
    {"GC-6", "Nothing is created in a namespace that is absent or being deleted.", fact::whole},
};
enum : std::size_t { kOwners, kFinalizers, kForeground, kOrphan, kVanish, kNamespace };

// Calls that are remembered; one that has not committed after so many others never will.
constexpr std::size_t kCalls = 10'000;

constexpr const char* kForegroundFinalizer = "foregroundDeletion";
constexpr const char* kOrphanFinalizer = "orphan";

bool has_finalizer(const api::Object& object, std::string_view name) {
  const auto& finalizers = object.meta().finalizers();
  return std::find(finalizers.begin(), finalizers.end(), name) != finalizers.end();
}

// The object that a reference names; a namespaced owner must live in the dependent's namespace.
std::optional<api::ObjectKey> owner_of(const api::Object& dependent, const api::OwnerReference& ref) {
  const api::KindInfo* info = api::find_kind(ref.api_version(), ref.kind());
  if (info == nullptr || (info->namespaced && dependent.ns().empty())) return std::nullopt;
  return api::ObjectKey{info->kind, info->namespaced ? dependent.ns() : std::string(), ref.name()};
}

bool same_owners(const api::Object& a, const api::Object& b) {
  const auto &of_a = a.meta().owner_references(), &of_b = b.meta().owner_references();
  return std::equal(of_a.begin(), of_a.end(), of_b.begin(), of_b.end(),
                    [](const auto& x, const auto& y) { return x.uid() == y.uid(); });
}

Instant timestamp(const api::Object& object) {
  const auto& t = object.meta().deletion_timestamp();
  return Instant{std::chrono::seconds(t.seconds()) + Duration{t.nanos()}};
}

class DeletionCheck final : public Check {
 public:
  using Check::Check;
  std::span<const InvariantInfo> invariants() const override { return kDeletionInvariants; }

  // Who is asked to take the last finalizers off an object removes it with the same call, and a call
  // to delete may ask for another way of deleting dependents than the call before it.
  void on_called(const Process&, const api::Request& request) override {
    if (request.subresource != api::Subresource::none) return;
    if (request.verb == api::Verb::remove || request.verb == api::Verb::remove_collection) {
      // Whatever the object looks like now: another call may add a finalizer before this one commits.
      lifting_[request.request_id] = Lifts::propagation;
    } else if (request.verb == api::Verb::update || request.verb == api::Verb::patch) {
      const api::ObjectPtr now = state().get({request.kind, request.ns, request.name});
      if (now == nullptr || now->meta().finalizers().empty()) return;
      if (request.verb == api::Verb::patch ||
          (request.body != nullptr &&
           api::meta_of(request.kind, *request.body).finalizers().empty())) {
        lifting_[request.request_id] = Lifts::any;
      }
    }
    if (lifting_.size() > kCalls) lifting_.erase(lifting_.begin());
  }

  void on_commit(const store::StoreEvent& event) override {
    const api::Object& object = event.object ? *event.object : *event.previous;
    if (begins_deletion(event) && written_by(event, "garbage-collector")) collected(event);
    if (event.previous && event.previous->deleting()) kept_going(event);
    if (!event.object) vanished(event);
    if (!event.previous) created(event);
    if (object.kind() == api::Kind::events) return;
    if (event.previous) index(*event.previous, false);
    if (event.object) index(*event.object, true);
    watch_owners(event);
  }

  void pending(std::vector<Pending>& out) override {
    for (auto it = suspects_.begin(); it != suspects_.end();) {
      const api::ObjectPtr object = state().get(*it);
      if (object == nullptr || owners(*object) != Owners::gone) {
        it = suspects_.erase(it);
        continue;
      }
      evaluated(kVanish);
      if (!stuck(*object)) await(out, *it, "depends on nothing that exists any more");
      ++it;
    }
    await_namespaces(out);
  }

  void recheck() override {
    std::size_t references = 0;
    for (const api::KindInfo& info : api::all_kinds()) {
      if (info.kind == api::Kind::events) continue;
      for (const auto& [key, object] : state().all(info.kind)) {
        std::set<std::string> uids;
        for (const auto& ref : object->meta().owner_references()) uids.insert(ref.uid());
        references += uids.size();
      }
    }
    std::size_t kept = 0;
    for (const auto& [uid, dependents] : dependents_) kept += dependents.size();
    check(kVanish, kept == references, [&] {
      return "CHECK: " + std::to_string(kept) + " references to owners are kept, but there are " +
             std::to_string(references);
    });
  }

 private:
  using Keys = std::unordered_set<api::ObjectKey, api::ObjectKeyHash>;
  enum class Owners : uint8_t { none, unknown, exist, waiting, gone };

  Owners owners(const api::Object& object) const {
    if (object.meta().owner_references().empty()) return Owners::none;
    bool waiting = false;
    for (const auto& ref : object.meta().owner_references()) {
      const auto key = owner_of(object, ref);
      if (!key) return Owners::unknown;
      const api::ObjectPtr owner = state().get(*key);
      if (owner == nullptr || owner->uid() != ref.uid()) continue;
      if (!owner->deleting() || !has_finalizer(*owner, kForegroundFinalizer)) return Owners::exist;
      waiting = true;
    }
    return waiting ? Owners::waiting : Owners::gone;
  }

  void collected(const store::StoreEvent& event) {
    const Owners found = owners(*event.previous);
    check(kOwners, found == Owners::gone || found == Owners::waiting,
          [&] {
            const std::string what = api::to_string(event.previous->key());
            switch (found) {
              case Owners::none: return what + " was collected, but it has no owner";
              case Owners::unknown: return what + " was collected, but an owner cannot be resolved";
              default: return what + " was collected, but an owner of it exists";
            }
          },
          &event);
  }

  void kept_going(const store::StoreEvent& event) {
    if (!event.object) return;
    const std::string what = api::to_string(event.object->key());
    check(kFinalizers, event.object->deleting() && timestamp(*event.object) <= timestamp(*event.previous),
          [&] { return what + ": its deletion was taken back or put off"; }, &event);
    for (const std::string& finalizer : event.object->meta().finalizers()) {
      check(kFinalizers, has_finalizer(*event.previous, finalizer),
            [&] { return what + " got the finalizer " + finalizer + " while it was being deleted"; },
            &event);
    }
  }

  void vanished(const store::StoreEvent& event) {
    const api::Object& last = *event.previous;
    const auto call =
        lifting_.find(event.provenance == nullptr ? 0 : event.provenance->request_id);
    std::string left;
    for (const std::string& finalizer : last.meta().finalizers()) {
      const bool of_propagation = finalizer == kForegroundFinalizer || finalizer == kOrphanFinalizer;
      const bool lifted = call != lifting_.end() &&
                          (of_propagation || call->second == Lifts::any);
      if (!lifted) left = finalizer;
    }
    check(kFinalizers, left.empty(),
          [&] {
            return api::to_string(last.key()) + " vanished although it had the finalizer " + left;
          },
          &event);
    if (!last.deleting() || !written_by(event, "garbage-collector")) return;
    const bool foreground = has_finalizer(last, kForegroundFinalizer);
    if (!foreground && !has_finalizer(last, kOrphanFinalizer)) return;
    const std::size_t invariant = foreground ? kForeground : kOrphan;
    const std::string text = api::to_string(last.key()) + " vanished before its dependent ";
    evaluated(invariant);
    for (const api::ObjectKey& key : dependents_of(last.uid())) {
      if (!known_dependent(event, key, foreground)) continue;
      check(invariant, false,
            [&] { return text + api::to_string(key) + (foreground ? "" : " was released"); }, &event);
    }
  }

  // Whether the collector knew, when it let the owner go, that this object refers to it.
  bool known_dependent(const store::StoreEvent& event, const api::ObjectKey& key, bool blocking) const {
    const api::Basis* basis = event.provenance ? event.provenance->basis.get() : nullptr;
    if (basis == nullptr) return false;
    const api::ObjectPtr then = state().get_at(key, basis->of(key.kind));
    const api::ObjectPtr now = state().get(key);
    if (!then || !now || then->uid() != now->uid()) return false;
    for (const auto& ref : then->meta().owner_references()) {
      if (ref.uid() != event.previous->uid() || (blocking && !ref.block_owner_deletion())) continue;
      const auto owner = owner_of(*then, ref);
      if (owner && *owner == event.previous->key()) return true;
    }
    return false;
  }

  void created(const store::StoreEvent& event) {
    const api::Object& object = *event.object;
    if (object.ns().empty() || object.kind() == api::Kind::events) return;
    const api::ObjectPtr ns = state().get({api::Kind::namespaces, "", object.ns()});
    check(kNamespace, ns != nullptr && !ns->deleting(),
          [&] {
            return api::to_string(object.key()) + " was created in a namespace that " +
                   (ns ? "is being deleted" : "does not exist");
          },
          &event);
  }

  void index(const api::Object& object, bool add) {
    for (const auto& ref : object.meta().owner_references()) {
      if (add) {
        dependents_[ref.uid()].insert(object.key());
        continue;
      }
      const auto it = dependents_.find(ref.uid());
      if (it == dependents_.end()) continue;
      it->second.erase(object.key());
      if (it->second.empty()) dependents_.erase(it);
    }
  }

  // In a fixed order: what is reported must not depend on hashes.
  std::set<api::ObjectKey> dependents_of(const std::string& uid) const {
    const auto it = dependents_.find(uid);
    if (it == dependents_.end()) return {};
    return {it->second.begin(), it->second.end()};
  }

  void watch_owners(const store::StoreEvent& event) {
    if (!event.object) {
      for (const api::ObjectKey& key : dependents_of(event.previous->uid())) suspects_.insert(key);
      if (event.previous->kind() == api::Kind::namespaces) gone_.insert(event.previous->name());
      return;
    }
    if (event.object->kind() == api::Kind::namespaces) {
      gone_.erase(event.object->name());
      if (event.object->deleting()) leaving_.insert(event.object->name());
    }
    const bool new_owners = !event.previous || !same_owners(*event.previous, *event.object);
    if (new_owners && owners(*event.object) == Owners::gone) {
      suspects_.insert(event.object->key());
    }
  }

  // A pod whose node cannot end it stays until the node is back or its Node object is deleted.
  bool stuck(const api::Object& object) const {
    return object.kind() == api::Kind::pods && object.deleting() &&
           ground().truth_of(object.as<api::Pod>().spec().node_name()) != NodeTruth::healthy;
  }

  static void await(std::vector<Pending>& out, const api::ObjectKey& object, std::string why) {
    out.push_back({"GC-5", api::to_string(object), std::move(why)});
  }

  // Objects in the namespace, at most one per kind; `all_stuck`: none of them can be helped.
  std::optional<api::ObjectKey> something_in(const std::string& ns, bool* all_stuck) const {
    std::optional<api::ObjectKey> found;
    *all_stuck = true;
    for (const api::KindInfo& info : api::all_kinds()) {
      if (!info.namespaced) continue;
      for (const auto& [name, object] : state().all(info.kind).in(ns)) {
        found = object->key();
        if (stuck(*object)) continue;
        *all_stuck = false;
        return found;
      }
    }
    return found;
  }

  void await_namespaces(std::vector<Pending>& out) {
    bool all_stuck = false;
    std::erase_if(leaving_, [&](const std::string& name) {
      const api::ObjectPtr ns = state().get({api::Kind::namespaces, "", name});
      return ns == nullptr || !ns->deleting();
    });
    for (const std::string& name : leaving_) {
      evaluated(kVanish);
      const auto found = something_in(name, &all_stuck);
      if (found && all_stuck) continue;
      await(out, {api::Kind::namespaces, "", name}, "is still being deleted");
    }
    for (auto it = gone_.begin(); it != gone_.end();) {
      evaluated(kVanish);
      const auto found = something_in(*it, &all_stuck);
      if (found) await(out, *found, "is in a namespace that is gone");
      it = found ? std::next(it) : gone_.erase(it);
    }
  }

  std::unordered_map<std::string, Keys> dependents_;  // by the owner's uid
  std::set<api::ObjectKey> suspects_;                 // may have lost all owners
  std::set<std::string> leaving_, gone_;              // namespaces
  // Calls about objects with finalizers, and which of these they may take off.
  enum class Lifts : uint8_t { propagation, any };
  std::map<uint64_t, Lifts> lifting_;  // by the call's id
};

}  // namespace

void add_deletion_checks(const CheckContext& context, Checks& checks) {
  checks.push_back(std::make_unique<DeletionCheck>(context));
}

}  // namespace keelson::sim
