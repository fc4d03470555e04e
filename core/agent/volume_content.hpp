// What the volumes of a pod hold, worked out from the pod and what it refers to. Pure: objects and
// tokens come in as values.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <vector>

#include "core/agent/container_runtime.hpp"
#include "core/agent/field_values.hpp"
#include "core/agent/volumes.hpp"
#include "core/api/object.hpp"

namespace keelson::agent {

// A service account token that a volume shows.
struct TokenWish {
  std::string audience;  // empty: the API server
  int64_t seconds = 0;   // of validity
  friend auto operator<=>(const TokenWish&, const TokenWish&) = default;
};
std::vector<TokenWish> token_wishes(const api::PodSpec& spec);  // each once

struct VolumeSources {
  // The ConfigMap or Secret of that name in the pod's namespace; null: there is none.
  std::function<api::ObjectPtr(api::Kind kind, const std::string& name)> object;
  std::function<std::string(const TokenWish& wish)> token;
  Surroundings here;
};

struct VolumePlan {
  PodVolumeSetup setup;  // of the volumes that can be made
  Status problem;        // Code::invalid with kubelet's message about the first that cannot be (yet)
};
VolumePlan volumes_of(const api::Pod& pod, const VolumeSources& sources);

// A container's mounts without their host paths, and the parts of volumes that they show, in the
// same order. `environment` is the container's, for subPathExpr.
struct MountPlan {
  std::vector<Mount> mounts;
  std::vector<VolumePart> parts;
};
Result<MountPlan> mounts_of(const api::Pod& pod, const api::Container& container,
                            const Environment& environment);

// Whether a path stays where it begins: relative, not empty, no "..".
bool stays_inside(std::string_view path);

}  // namespace keelson::agent
