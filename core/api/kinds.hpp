// What there is to know about each served kind, read from its descriptor's options.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/types.hpp"

namespace keelson::api {

struct KindInfo {
  Kind kind{};
  std::string group;        // "" for core
  std::string version;      // "v1"
  std::string api_version;  // "v1", "apps/v1"
  std::string name;         // "Deployment"
  std::string plural;       // "deployments", what URLs and Status details call it
  std::string singular;
  std::vector<std::string> short_names;
  std::vector<std::string> categories;
  bool namespaced = true;
  bool has_status = false;  // has a status subresource (and therefore counts generations)
  bool has_scale = false;
  // "deployments.apps", "pods": how error messages qualify it.
  std::string qualified;
  // "Deployment.apps", "Pod": how Invalid errors qualify it.
  std::string qualified_name;
};

const KindInfo& info(Kind kind);
std::span<const KindInfo> all_kinds();
// By "apps/v1" and "Deployment"; nullptr if not served.
const KindInfo* find_kind(std::string_view api_version, std::string_view name);
// By plural, singular, short name or kind name in any case, optionally with ".group": what users type.
const KindInfo* find_resource(std::string_view typed);

}  // namespace keelson::api
