// What is served under which path: every resource and subresource of every group version, from the
// registry of kinds and a short list of what is no stored kind. Discovery, routing and OpenAPI read it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/kinds.hpp"
#include "core/api/object.hpp"

namespace keelson::rest {

enum class Endpoint : uint8_t {
  object,  // a stored kind
  status, scale, binding, eviction, finalize, approval, ephemeral_containers,
  token,   // of a service account
  log, exec, attach, port_forward, proxy,
  review,  // answered, not stored: access and token reviews
  usage,   // measurements of what `info` is
};

struct Resource {
  std::string group, version;       // as in the path: "" and "v1", "apps" and "v1"
  std::string name;                 // "deployments"
  std::string subresource;          // "", "scale"
  std::string singular;             // "deployment"
  std::string kind;                 // of the bodies: "Deployment", "Scale"
  std::string kind_group, kind_version;  // of the bodies
  bool namespaced = true;
  std::vector<std::string> verbs;   // sorted
  std::vector<std::string> short_names, categories;
  Endpoint endpoint = Endpoint::object;
  std::string deprecation;               // a warning for whoever uses it; empty: none
  const api::KindInfo* info = nullptr;   // what is stored; null for reviews
  const google::protobuf::Descriptor* message = nullptr;  // of the bodies; null: none of ours

  std::string group_version() const { return group.empty() ? version : group + "/" + version; }
  // The stored kind under an older name of its version: bodies are converted.
  bool converted() const {
    return info && endpoint != Endpoint::scale && endpoint != Endpoint::usage &&
           group_version() != info->api_version;
  }
};

struct GroupVersions {
  std::string group;
  std::vector<std::string> versions;  // the preferred one first
};

class Catalog {
 public:
  static const Catalog& get();

  // The resource itself for an empty subresource; nullptr: not served.
  const Resource* find(std::string_view group, std::string_view version, std::string_view resource,
                       std::string_view subresource) const;
  bool serves(std::string_view group, std::string_view version) const;
  // In the order in which clients should prefer them; the core group is left out.
  std::span<const GroupVersions> groups() const { return groups_; }
  // Of one group version, sorted by name.
  std::vector<const Resource*> resources(std::string_view group, std::string_view version) const;
  std::span<const Resource> all() const { return resources_; }

 private:
  Catalog();
  std::vector<Resource> resources_;  // sorted by group, version, name, subresource
  std::vector<GroupVersions> groups_;
};

}  // namespace keelson::rest
