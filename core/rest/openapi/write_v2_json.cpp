#include "core/rest/openapi/extensions.hpp"
#include "core/rest/openapi/write.hpp"
#include "core/rest/openapi/write_json.hpp"

namespace keelson::rest::openapi {
namespace {

void write_parameter(JsonOut& out, const Parameter& parameter) {
  out.open('{');
  out.member("description", parameter.description);
  out.member("in", parameter.in_path ? "path" : "query");
  out.member("name", parameter.name);
  if (parameter.required) out.member_raw("required", "true");
  out.member("type", parameter.type);
  out.member_raw("uniqueItems", "true");
  out.close('}');
}

void write_body(JsonOut& out, const Operation& operation) {
  out.open('{');
  out.member("in", "body");
  out.member("name", "body");
  if (operation.body_required) out.member_raw("required", "true");
  out.key("schema");
  write_reference(out, operation.body, Dialect::v2);
  out.close('}');
}

void write_answers(JsonOut& out, const Operation& operation) {
  out.key("responses");
  out.open('{');
  for (const Answer& answer : operation.answers) {
    out.key(answer.code);
    out.open('{');
    out.member("description", answer.description);
    if (answer.text) {
      out.member_raw("schema", R"({"type":"string"})");
    } else if (!answer.definition.empty()) {
      out.key("schema");
      write_reference(out, answer.definition, Dialect::v2);
    }
    out.close('}');
  }
  out.member_raw("401", R"({"description":"Unauthorized"})");
  out.close('}');
}

void write_operation(JsonOut& out, const Operation& operation) {
  out.open('{');
  out.key("consumes");
  if (operation.consumes.empty()) {
    out.raw(R"(["*/*"])");
  } else {
    out.strings(operation.consumes);
  }
  out.member("description", operation.description);
  out.member("operationId", operation.id);
  if (!operation.parameters.empty() || !operation.body.empty()) {
    out.key("parameters");
    out.open('[');
    if (!operation.body.empty()) write_body(out, operation);
    for (const Parameter* parameter : operation.parameters) write_parameter(out, *parameter);
    out.close(']');
  }
  out.key("produces");
  out.strings(operation.produces);
  write_answers(out, operation);
  out.member_raw("schemes", R"(["https"])");
  out.key("tags");
  out.open('[');
  out.value(operation.tag);
  out.close(']');
  for (const auto& [name, json] : extensions_of(operation)) out.member_raw(name, json);
  out.close('}');
}

void write_path(JsonOut& out, const Path& path) {
  out.open('{');
  for (const Operation& operation : path.operations) {
    out.key(operation.method);
    write_operation(out, operation);
  }
  if (!path.parameters.empty()) {
    out.key("parameters");
    out.open('[');
    for (const Parameter* parameter : path.parameters) write_parameter(out, *parameter);
    out.close(']');
  }
  out.close('}');
}

}  // namespace

std::string write_v2_json(const Model& model) {
  JsonOut out;
  out.open('{');
  out.member("swagger", "2.0");
  out.key("info");
  out.open('{');
  out.member("title", title);
  out.member("version", model.version);
  out.close('}');
  out.key("paths");
  out.open('{');
  for (const auto& [text, path] : model.paths) {
    out.key(text);
    write_path(out, path);
  }
  out.close('}');
  out.key("definitions");
  out.open('{');
  for (const auto& [name, schema] : model.definitions) {
    out.key(name);
    write_schema(out, schema, Dialect::v2);
  }
  out.close('}');
  out.member_raw("securityDefinitions",
                 R"({"BearerToken":{"description":"A bearer token","type":"apiKey",)"
                 R"("name":"authorization","in":"header"}})");
  out.member_raw("security", R"([{"BearerToken":[]}])");
  out.close('}');
  return std::move(out.text);
}

}  // namespace keelson::rest::openapi
