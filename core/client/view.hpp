// What a controller may look at: the informer caches, with indexes, read-only. A view records, per
// kind, the revision of the cache at each read; that record (the basis) goes out with the writes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/api/object.hpp"
#include "core/api/request.hpp"
#include "core/api/selector.hpp"
#include "core/base/time.hpp"

namespace keelson::client {

// The caches behind views: fed by informers (or by a test), indexed by namespace, owner uid and
// node.
class Cache {
 public:
  Cache();
  ~Cache();

  // Inserts, replaces, or (after == nullptr) removes `before`'s key.
  void apply(const api::ObjectPtr& before, const api::ObjectPtr& after);
  // Everything of the kind up to this revision is in.
  void advance(api::Kind kind, api::Revision revision);
  api::Revision revision(api::Kind kind) const;

  api::ObjectPtr get(api::Kind kind, const std::string& ns, const std::string& name) const;
  // Sorted by namespace and name. Empty ns: all.
  std::vector<api::ObjectPtr> list(api::Kind kind, const std::string& ns = {}) const;
  // Objects of `kind` whose controlling (or, with any_owner, any) ownerReference has this uid.
  std::vector<api::ObjectPtr> owned_by(api::Kind kind, const std::string& owner_uid) const;
  std::vector<api::ObjectPtr> dependents(
      const std::string& owner_uid) const;  // of all kinds, any ref
  // The pods bound to the node; empty: those not bound yet.
  std::vector<api::ObjectPtr> pods_on(const std::string& node) const;
  // Objects of a namespace whose labels the selector matches; costs what the rarest label=value
  // pair that it demands costs, for the kinds that are selected often (pods, replica sets, slices).
  std::vector<api::ObjectPtr> select(api::Kind kind, const std::string& ns,
                                     const api::LabelSelectorMatcher& selector) const;
  // Of these, the ones without a controlling ownerReference: few, where workloads make the pods.
  std::vector<api::ObjectPtr> select_orphans(api::Kind kind, const std::string& ns,
                                             const api::LabelSelectorMatcher& selector) const;
  // Like list(), without copying anything; stops when `visit` returns false. `visit` must not
  // change the cache.
  void visit(api::Kind kind, const std::string& ns,
             const std::function<bool(const api::ObjectPtr&)>& visit) const;
  std::size_t size(api::Kind kind) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class View {
 public:
  View(const Cache& cache, Instant now, WallTime wall) : cache_(cache), now_(now), wall_(wall) {}

  template <class M>
  api::Ref<M> get(const std::string& ns, const std::string& name) const {
    return api::Ref<M>(note(api::kind_of<M>).get(api::kind_of<M>, ns, name));
  }
  template <class M>
  std::vector<api::Ref<M>> list(const std::string& ns = {}) const {
    return refs<M>(note(api::kind_of<M>).list(api::kind_of<M>, ns));
  }
  template <class M>
  std::vector<api::Ref<M>> owned_by(const std::string& owner_uid) const {
    return refs<M>(note(api::kind_of<M>).owned_by(api::kind_of<M>, owner_uid));
  }
  std::vector<api::Ref<api::Pod>> pods_on(const std::string& node) const {
    return refs<api::Pod>(note(api::Kind::pods).pods_on(node));
  }
  // Pods etc. of a namespace that a selector matches.
  template <class M>
  std::vector<api::Ref<M>> select(const std::string& ns,
                                  const api::LabelSelectorMatcher& selector) const {
    return refs<M>(note(api::kind_of<M>).select(api::kind_of<M>, ns, selector));
  }
  template <class M>
  std::vector<api::Ref<M>> select_orphans(const std::string& ns,
                                          const api::LabelSelectorMatcher& selector) const {
    return refs<M>(note(api::kind_of<M>).select_orphans(api::kind_of<M>, ns, selector));
  }
  api::ObjectPtr get(api::Kind kind, const std::string& ns, const std::string& name) const {
    return note(kind).get(kind, ns, name);
  }
  std::vector<api::ObjectPtr> list(api::Kind kind, const std::string& ns = {}) const {
    return note(kind).list(kind, ns);
  }
  void visit(api::Kind kind, const std::string& ns,
             const std::function<bool(const api::ObjectPtr&)>& visitor) const {
    note(kind).visit(kind, ns, visitor);
  }
  // Of all kinds cached; counts as a read of each.
  std::vector<api::ObjectPtr> dependents(const std::string& owner_uid) const {
    for (int k = 0; k < api::kind_count; ++k) note(static_cast<api::Kind>(k));
    return cache_.dependents(owner_uid);
  }

  Instant now() const { return now_; }         // for durations: back-off, grace, deadlines
  WallTime wall_now() const { return wall_; }  // for timestamps in objects
  const api::Basis& basis() const { return basis_; }

 private:
  const Cache& note(api::Kind kind) const {
    basis_.read(kind, cache_.revision(kind));
    return cache_;
  }
  template <class M>
  static std::vector<api::Ref<M>> refs(std::vector<api::ObjectPtr> objects) {
    std::vector<api::Ref<M>> out;
    out.reserve(objects.size());
    for (auto& object : objects) out.emplace_back(std::move(object));
    return out;
  }

  const Cache& cache_;
  Instant now_;
  WallTime wall_;
  mutable api::Basis basis_;
};

}  // namespace keelson::client
