#include "core/rest/openapi/write_json.hpp"

#include "core/rest/openapi/extensions.hpp"

namespace keelson::rest::openapi {
namespace {

void write_reference_member(JsonOut& out, std::string_view definition, Dialect dialect) {
  std::string target = dialect == Dialect::v2 ? "#/definitions/" : "#/components/schemas/";
  out.member("$ref", target.append(definition));
}

// In OpenAPI 3 nothing may stand beside a reference, so that one with a description is wrapped.
void write_target(JsonOut& out, const Schema& schema, const Extensions& extensions,
                  Dialect dialect) {
  const bool alone = schema.description.empty() && extensions.empty();
  if (dialect == Dialect::v2 || alone) return write_reference_member(out, schema.ref, dialect);
  out.key("allOf");
  out.open('[');
  write_reference(out, schema.ref, dialect);
  out.close(']');
}

void write_type(JsonOut& out, const Schema& schema, Dialect dialect) {
  if (dialect == Dialect::v2 || schema.alternatives.empty()) {
    if (!schema.type.empty()) out.member("type", schema.type);
    return;
  }
  out.key("oneOf");
  out.open('[');
  for (const std::string& type : schema.alternatives) {
    out.open('{');
    out.member("type", type);
    out.close('}');
  }
  out.close(']');
}

}  // namespace

void write_reference(JsonOut& out, std::string_view definition, Dialect dialect) {
  out.open('{');
  write_reference_member(out, definition, dialect);
  out.close('}');
}

void write_schema(JsonOut& out, const Schema& schema, Dialect dialect) {
  const Extensions extensions = extensions_of(schema);
  out.open('{');
  if (!schema.additional.empty()) {
    out.key("additionalProperties");
    write_schema(out, schema.additional.front(), dialect);
  }
  if (!schema.ref.empty()) write_target(out, schema, extensions, dialect);
  // Kubernetes publishes defaults in OpenAPI 3 only.
  if (dialect == Dialect::v3 && !schema.default_json.empty()) {
    out.member_raw("default", schema.default_json);
  }
  if (!schema.description.empty()) out.member("description", schema.description);
  if (!schema.values.empty()) {
    out.key("enum");
    out.strings(schema.values);
  }
  if (!schema.format.empty()) out.member("format", schema.format);
  if (!schema.items.empty()) {
    out.key("items");
    write_schema(out, schema.items.front(), dialect);
  }
  if (!schema.properties.empty()) {
    out.key("properties");
    out.open('{');
    for (const auto& [name, property] : schema.properties) {
      out.key(name);
      write_schema(out, property, dialect);
    }
    out.close('}');
  }
  if (!schema.required.empty()) {
    out.key("required");
    out.strings(schema.required);
  }
  write_type(out, schema, dialect);
  for (const auto& [name, json] : extensions) out.member_raw(name, json);
  out.close('}');
}

}  // namespace keelson::rest::openapi
