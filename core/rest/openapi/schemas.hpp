// Definitions from descriptors: what a message's JSON looks like.
#pragma once

#include <map>
#include <string>

#include "core/api/json_plan.hpp"
#include "core/rest/openapi/descriptions.hpp"
#include "core/rest/openapi/model.hpp"
#include "core/rest/openapi/names.hpp"

namespace keelson::rest::openapi {

class SchemaBuilder {
 public:
  // Both must outlive the builder, which adds to `definitions`.
  SchemaBuilder(const Descriptions& descriptions, std::map<std::string, Schema>& definitions)
      : descriptions_(descriptions), definitions_(definitions) {}

  // Defines the message and all that it consists of, if that has not been done; its name.
  std::string define(const google::protobuf::Descriptor& message, const VersionAlias& alias);
  // The same for a type that stands on its own: it says kind and apiVersion, and that it is `kind`.
  std::string define_kind(const google::protobuf::Descriptor& message, const VersionAlias& alias,
                          const GroupVersionKind& kind);
  // "io.k8s.api.core.v1.PodList": the list of that kind. `plural`: what it is a list of.
  std::string define_list(const google::protobuf::Descriptor& message, const VersionAlias& alias,
                          const GroupVersionKind& kind, const std::string& plural);
  // What a PATCH carries: any object.
  std::string define_patch();

 private:
  Schema schema_of(const api::MessagePlan& plan, const VersionAlias& alias);
  void add_fields(const api::MessagePlan& plan, const VersionAlias& alias, Schema& schema);
  Schema field_schema(const api::FieldPlan& field, const VersionAlias& alias);
  Schema value_schema(const api::FieldPlan& field, const VersionAlias& alias);

  const Descriptions& descriptions_;
  std::map<std::string, Schema>& definitions_;
};

}  // namespace keelson::rest::openapi
