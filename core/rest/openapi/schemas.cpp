#include "core/rest/openapi/schemas.hpp"

#include <algorithm>
#include <utility>

#include "core/api/json_text.hpp"
#include "core/rest/versions.hpp"

namespace keelson::rest::openapi {
namespace {

using api::FieldPlan;
using api::FieldRule;
using api::MessagePlan;
using google::protobuf::Descriptor;
using Shape = MessagePlan::Shape;

const FieldRule& rule_of(const FieldPlan& field) {
  return field.field->options().GetExtension(api::field);
}

Schema typed(std::string_view type, std::string_view format = {}) {
  Schema schema;
  schema.type = type;
  schema.format = format;
  return schema;
}

// Types whose JSON is not an object of their fields.
Schema special(Shape shape) {
  switch (shape) {
    case Shape::time:
    case Shape::micro_time: return typed("string", "date-time");
    case Shape::quantity: {
      Schema schema = typed("string");
      schema.alternatives = {"string", "number"};
      return schema;
    }
    case Shape::int_or_string: {
      Schema schema = typed("string", "int-or-string");
      schema.alternatives = {"integer", "string"};
      return schema;
    }
    default: return typed("object");
  }
}

Schema scalar(FieldPlan::Type type) {
  switch (type) {
    case FieldPlan::Type::bytes: return typed("string", "byte");
    case FieldPlan::Type::boolean: return typed("boolean");
    case FieldPlan::Type::int32: return typed("integer", "int32");
    case FieldPlan::Type::int64: return typed("integer", "int64");
    default: return typed("string");
  }
}

// FieldRule.default_value is JSON without the quotes of strings.
std::string default_json(const FieldPlan& field, const std::string& text) {
  if (text.empty() || field.repeated || field.map) return "";
  const bool bare = field.type == FieldPlan::Type::boolean ||
                    field.type == FieldPlan::Type::int32 || field.type == FieldPlan::Type::int64;
  if (bare) return text;
  std::string json;
  api::append_json_string(text, json);
  return json;
}

Schema type_meta(std::string_view description) {
  Schema schema = typed("string");
  schema.description = description;
  return schema;
}

void add_type_meta(Schema& schema) {
  schema.properties.emplace(
      "apiVersion", type_meta("Group and version of the API in whose terms this is written, like "
                              "apps/v1; one that is not served is refused."));
  schema.properties.emplace(
      "kind",
      type_meta("What kind of object this is, in CamelCase; it follows from the request's path "
                "and cannot be changed."));
}

// What the field is called in the version as which its message is served.
std::string shown_name(const FieldPlan& field, const VersionAlias& alias) {
  const Descriptor& message = *field.field->containing_type();
  if (!alias.covers(message)) return field.name;
  for (const Rename& rename : renames(alias.group, alias.version, message.full_name())) {
    if (field.name == rename.stored) return rename.shown;
  }
  return field.name;
}

bool demanded(const FieldPlan& field, const VersionAlias& alias) {
  const Descriptor& message = *field.field->containing_type();
  return rule_of(field).required() &&
         !(alias.covers(message) &&
           optional_in(alias.group, alias.version, message.full_name(), field.name));
}

void add_kind(Schema& schema, const GroupVersionKind& kind) {
  if (std::find(schema.kinds.begin(), schema.kinds.end(), kind) == schema.kinds.end()) {
    schema.kinds.push_back(kind);
  }
}

}  // namespace

std::string SchemaBuilder::define(const Descriptor& message, const VersionAlias& alias) {
  std::string name = definition_name(message, alias);
  // In the map before its fields are looked at, so that a type may contain itself.
  const auto [place, added] = definitions_.try_emplace(name);
  if (added) place->second = schema_of(api::plan_of(message), alias);
  return name;
}

std::string SchemaBuilder::define_kind(const Descriptor& message, const VersionAlias& alias,
                                       const GroupVersionKind& kind) {
  std::string name = define(message, alias);
  Schema& schema = definitions_[name];
  add_type_meta(schema);
  add_kind(schema, kind);
  return name;
}

std::string SchemaBuilder::define_list(const Descriptor& message, const VersionAlias& alias,
                                       const GroupVersionKind& kind, const std::string& plural) {
  std::string name = definition_name(message, alias) + "List";
  const auto [place, added] = definitions_.try_emplace(name);
  if (!added) return name;
  Schema list = typed("object");
  list.description = kind.kind + "List is what a request for several " + plural + " gets.";
  add_type_meta(list);
  add_kind(list, {kind.group, kind.version, kind.kind + "List"});

  Schema metadata;
  metadata.ref = define(*api::ListMeta::descriptor(), {});
  metadata.description = "What there is to know about the list as a whole.";
  list.properties.emplace("metadata", std::move(metadata));

  Schema items = typed("array");
  items.description = "List of " + plural + ", in the order of their namespaces and names.";
  items.items.emplace_back().ref = define(message, alias);
  list.properties.emplace("items", std::move(items));
  list.required = {"items"};
  place->second = std::move(list);
  return name;
}

std::string SchemaBuilder::define_patch() {
  std::string name = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";
  Schema& schema = definitions_[name];
  schema = typed("object");
  schema.description =
      "A change of an object, in the terms of the patch type that the request names.";
  return name;
}

Schema SchemaBuilder::schema_of(const MessagePlan& plan, const VersionAlias& alias) {
  Schema schema;
  if (plan.shape != Shape::plain) {
    schema = special(plan.shape);
  } else {
    schema = typed("object");
    if (!plan.kind.empty()) add_type_meta(schema);
    add_fields(plan, alias, schema);
    std::sort(schema.required.begin(), schema.required.end());
  }
  schema.description = descriptions_.of(*plan.descriptor);
  return schema;
}

void SchemaBuilder::add_fields(const MessagePlan& plan, const VersionAlias& alias, Schema& schema) {
  for (const FieldPlan& field : plan.fields) {
    if (field.inlined) {
      add_fields(*field.child, alias, schema);
      continue;
    }
    const std::string name = shown_name(field, alias);
    if (demanded(field, alias)) schema.required.push_back(name);
    schema.properties.emplace(name, field_schema(field, alias));
  }
}

Schema SchemaBuilder::field_schema(const FieldPlan& field, const VersionAlias& alias) {
  const FieldRule& rule = rule_of(field);
  Schema schema;
  if (field.map) {
    schema = typed("object");
    schema.additional.push_back(value_schema(field, alias));
  } else if (field.repeated) {
    schema = typed("array");
    schema.items.push_back(value_schema(field, alias));
  } else {
    schema = value_schema(field, alias);
  }
  schema.description = descriptions_.of(*field.field);
  schema.default_json = default_json(field, rule.default_value());
  schema.patch_strategy = rule.patch_strategy();
  schema.merge_key = rule.merge_key();
  const bool object = !field.repeated && (field.map || field.type == FieldPlan::Type::message);
  (object ? schema.map_type : schema.list_type) = rule.list_type();
  schema.list_map_keys.assign(rule.list_map_keys().begin(), rule.list_map_keys().end());
  return schema;
}

Schema SchemaBuilder::value_schema(const FieldPlan& field, const VersionAlias& alias) {
  if (field.type == FieldPlan::Type::message) {
    const Descriptor& message = *field.child->descriptor;
    Schema schema;
    // Three groups have one of their own: a list of strings with a name, of which JSON knows
    // nothing.
    if (message.name() == "ExtraValue") {
      schema = typed("array");
      schema.items.push_back(typed("string"));
    } else {
      schema.ref = define(message, alias);
    }
    return schema;
  }
  Schema schema = scalar(field.type);
  const FieldRule& rule = rule_of(field);
  schema.values.assign(rule.one_of().begin(), rule.one_of().end());
  return schema;
}

}  // namespace keelson::rest::openapi
