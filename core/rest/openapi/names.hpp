// How Kubernetes' OpenAPI documents call types, operations and groups.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>

namespace keelson::rest::openapi {

// Messages that are served as another version than the one they are made for. What clients see as
// types of policy/v1beta1 is one set of messages with those of policy/v1; of a version in another
// group (events.k8s.io/v1) it is one message alone.
struct VersionAlias {
  std::string package;         // "keelson.api.policy.v1"; empty: none
  std::string message;         // "Event": no other of the package; empty: all of them
  std::string group, version;  // "policy", "v1beta1": as what they are served

  bool covers(const google::protobuf::Descriptor& type) const {
    return !package.empty() && type.file()->package() == package &&
           (message.empty() || type.name() == message);
  }
};

// "io.k8s.api.core.v1.Pod", "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta".
std::string definition_name(const google::protobuf::Descriptor& message, const VersionAlias& alias);

// "api/v1", "apis/apps/v1".
std::string group_version_path(std::string_view group, std::string_view version);

// "coordination.k8s.io", "v1": "CoordinationV1", the part of operation ids; "core" for "".
std::string id_part(std::string_view group, std::string_view version);
// The same as a tag: "coordination_v1", "rbacAuthorization_v1".
std::string tag_of(std::string_view group, std::string_view version);

std::string capitalised(std::string_view word);  // "status": "Status"

}  // namespace keelson::rest::openapi
