// What a cluster serves, and how people call it: "po", "pods", "deployment.apps",
// "deployments.v1.apps".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "tools/cli/cluster/api.hpp"

namespace keelson::cli {

struct Resource {
  std::string group, version;  // "apps", "v1"; the core group is ""
  std::string plural, singular, kind;
  bool namespaced = false;
  std::vector<std::string> verbs, short_names, categories;
  std::vector<std::string> subresources;  // "scale", "status"

  std::string group_version() const { return group.empty() ? version : group + "/" + version; }
  // "deployment.apps/kel": how kubectl names an object.
  std::string called(std::string_view name) const;
  // "deployments.apps"
  std::string group_resource() const { return group.empty() ? plural : plural + "." + group; }
  bool can(std::string_view verb) const;
  // "/apis/apps/v1/namespaces/default/deployments/kel"; an empty namespace means all of them.
  std::string path(std::string_view ns, std::string_view name = {},
                   std::string_view subresource = {}) const;
};

class Discovery {
 public:
  // Asks for everything once: two requests where the server knows aggregated discovery.
  static Result<Discovery> load(Api& api);

  // All resources: the core group first, then groups as the server orders them, each with its
  // preferred version first.
  const std::vector<Resource>& all() const { return resources_; }

  // Error (not_found): `the server doesn't have a resource type "x"`.
  Result<Resource> resolve(std::string_view word) const;
  // By what a manifest says. Error: `no matches for kind "X" in version "g/v"`.
  Result<Resource> of_kind(std::string_view api_version, std::string_view kind) const;
  // The kind in the group's preferred version; null if it is not served.
  const Resource* find(std::string_view group, std::string_view plural) const;
  // Those of a category ("all"), each in one version.
  std::vector<Resource> category(std::string_view name) const;
  std::vector<std::string> group_versions() const;

 private:
  std::vector<Resource> resources_;
};

}  // namespace keelson::cli
