// What a server with all kinds serves, as far as tests of the documents about it care.
#pragma once

#include <string>
#include <vector>

#include "core/api/kinds.hpp"
#include "core/rest/openapi/openapi.hpp"

namespace keelson::rest {

inline std::vector<ServedResource> served_resources() {
  std::vector<ServedResource> out;
  const auto add = [&](const api::KindInfo& info, std::string kind, std::string subresource,
                       std::vector<std::string> verbs,
                       const google::protobuf::Descriptor* message) {
    out.push_back({info.group, info.version, std::move(kind), info.plural, info.namespaced,
                   std::move(verbs), std::move(subresource), message});
  };
  const std::vector<const google::protobuf::Descriptor*> messages = {
#define X(enumerator, Type) api::Type::descriptor(),
      KEELSON_KINDS(X)
#undef X
  };
  for (const api::KindInfo& info : api::all_kinds()) {
    const auto* message = messages[static_cast<std::size_t>(info.kind)];
    add(info, info.name, "",
        {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"},
        message);
    if (info.has_status) add(info, info.name, "status", {"get", "patch", "update"}, message);
    if (info.has_scale) {
      add(info, "Scale", "scale", {"get", "patch", "update"}, api::Scale::descriptor());
    }
  }
  const api::KindInfo& pods = api::info(api::Kind::pods);
  add(pods, "Binding", "binding", {"create"}, api::Binding::descriptor());
  add(pods, "Eviction", "eviction", {"create"}, api::Eviction::descriptor());
  add(pods, "Pod", "log", {"get"}, nullptr);
  add(pods, "PodExecOptions", "exec", {"create", "get"}, nullptr);
  add(pods, "PodProxyOptions", "proxy", {"create", "delete", "get", "patch", "update"}, nullptr);
  // The same messages under an older version.
  out.push_back({"policy",
                 "v1beta1",
                 "PodDisruptionBudget",
                 "poddisruptionbudgets",
                 true,
                 {"create", "get", "list", "patch"},
                 "",
                 api::PodDisruptionBudget::descriptor()});
  return out;
}

}  // namespace keelson::rest
