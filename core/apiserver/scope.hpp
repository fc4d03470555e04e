// The objects that a namespace and selectors pick, found by index where there is one.
#pragma once

#include "core/api/selector.hpp"
#include "core/apiserver/watch_cache.hpp"

namespace keelson::apiserver {

// Calls f(object) for each object of the kind in the namespace (empty: all) that the field selector
// may pick, in list order: a superset, which the caller filters. `f` returns false to stop.
template <class F>
void each_candidate(const WatchCache& cache, Kind kind, const std::string& ns,
                    const api::FieldSelector& fields, F f) {
  const std::string* name = fields.required("metadata.name");
  const std::string* in = fields.required("metadata.namespace");
  const std::string& space = ns.empty() && in ? *in : ns;
  const bool namespaced = api::info(kind).namespaced;
  if (name && (!space.empty() || !namespaced)) {
    if (const ObjectPtr object = cache.find(kind, space, *name)) f(object);
    return;
  }
  const std::string* node = kind == Kind::pods ? fields.required("spec.nodeName") : nullptr;
  if (node && !node->empty()) {
    for (const PodOnNode& entry : cache.pods_on(*node)) {
      if ((space.empty() || entry.pod->ns() == space) && !f(entry.pod)) return;
    }
    return;
  }
  const ObjectMap& objects = cache.objects(kind);
  auto at = space.empty() ? objects.begin() : objects.lower_bound(NameRef{space, ""});
  for (; at != objects.end() && (space.empty() || at->first.ns == space); ++at) {
    if (!f(at->second)) return;
  }
}

}  // namespace keelson::apiserver
