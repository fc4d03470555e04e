// Admission: what depends on other objects, decided before an object is created or changed.
// Source: Kubernetes' admission plugins NamespaceLifecycle, Priority, DefaultTolerationSeconds,
// ServiceAccount and, for namespaces, their immortality.
#pragma once

#include "core/apiserver/pipeline/context.hpp"

namespace keelson::apiserver {

// Nothing is created in a namespace that is absent or going away (GC-6).
ApiError check_namespace(const WatchCache& cache, Kind kind, const std::string& ns,
                         const std::string& name);

// Fills in what the cluster decides for a new object, or refuses it.
ApiError admit_create(const Context& context, Kind kind, Message& message);
// The same for the new content of an object that is there already. `whole`: it was sent whole, so what
// it leaves out may be what the cluster had filled in.
ApiError admit_update(const Context& context, Kind kind, Message& now, const Message& before,
                      bool whole);

// The namespaces that every cluster has.
bool immortal(const std::string& ns);

}  // namespace keelson::apiserver
