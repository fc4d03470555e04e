#include <set>

#include "core/rest/openapi/extensions.hpp"
#include "core/rest/openapi/write.hpp"
#include "core/rest/openapi/write_json.hpp"

namespace keelson::rest::openapi {
namespace {

// The definitions that a group version's document has to have.
class Needed {
 public:
  explicit Needed(const Model& model) : model_(model) {}

  void add(const std::string& definition) {
    if (definition.empty() || !names.insert(definition).second) return;
    const auto found = model_.definitions.find(definition);
    if (found != model_.definitions.end()) add(found->second);
  }
  void add(const Schema& schema) {
    add(schema.ref);
    for (const Schema& item : schema.items) add(item);
    for (const Schema& value : schema.additional) add(value);
    for (const auto& [name, property] : schema.properties) add(property);
  }

  std::set<std::string> names;

 private:
  const Model& model_;
};

void write_v3_parameter(JsonOut& out, const Parameter& parameter) {
  out.open('{');
  out.member("description", parameter.description);
  out.member("in", parameter.in_path ? "path" : "query");
  out.member("name", parameter.name);
  if (parameter.required) out.member_raw("required", "true");
  out.key("schema");
  out.open('{');
  out.member("type", parameter.type);
  out.member_raw("uniqueItems", "true");
  out.close('}');
  out.close('}');
}

void write_parameters(JsonOut& out, const std::vector<const Parameter*>& parameters) {
  if (parameters.empty()) return;
  out.key("parameters");
  out.open('[');
  for (const Parameter* parameter : parameters) write_v3_parameter(out, *parameter);
  out.close(']');
}

void write_content(JsonOut& out, const std::vector<std::string_view>& types,
                   std::string_view definition) {
  out.key("content");
  out.open('{');
  for (const std::string_view type : types) {
    out.key(type);
    out.open('{');
    out.key("schema");
    if (definition.empty()) {
      out.raw(R"({"type":"string"})");
    } else {
      write_reference(out, definition, Dialect::v3);
    }
    out.close('}');
  }
  out.close('}');
}

void write_v3_body(JsonOut& out, const Operation& operation) {
  static const std::vector<std::string_view> any = {"*/*"};
  if (operation.body.empty()) return;
  out.key("requestBody");
  out.open('{');
  write_content(out, operation.consumes.empty() ? any : operation.consumes, operation.body);
  if (operation.body_required) out.member_raw("required", "true");
  out.close('}');
}

void write_v3_answers(JsonOut& out, const Operation& operation) {
  out.key("responses");
  out.open('{');
  for (const Answer& answer : operation.answers) {
    out.key(answer.code);
    out.open('{');
    if (answer.text || !answer.definition.empty()) {
      write_content(out, operation.produces, answer.definition);
    }
    out.member("description", answer.description);
    out.close('}');
  }
  out.member_raw("401", R"({"description":"Unauthorized"})");
  out.close('}');
}

void write_v3_operation(JsonOut& out, const Operation& operation) {
  out.open('{');
  out.member("description", operation.description);
  out.member("operationId", operation.id);
  write_parameters(out, operation.parameters);
  write_v3_body(out, operation);
  write_v3_answers(out, operation);
  out.key("tags");
  out.open('[');
  out.value(operation.tag);
  out.close(']');
  for (const auto& [name, json] : extensions_of(operation)) out.member_raw(name, json);
  out.close('}');
}

void write_v3_path(JsonOut& out, const Path& path) {
  out.open('{');
  for (const Operation& operation : path.operations) {
    out.key(operation.method);
    write_v3_operation(out, operation);
  }
  write_parameters(out, path.parameters);
  out.close('}');
}

void write_components(JsonOut& out, const Model& model, const Needed& needed) {
  out.key("components");
  out.open('{');
  out.key("schemas");
  out.open('{');
  for (const std::string& name : needed.names) {
    const auto found = model.definitions.find(name);
    if (found == model.definitions.end()) continue;
    out.key(name);
    write_schema(out, found->second, Dialect::v3);
  }
  out.close('}');
  out.member_raw("securitySchemes",
                 R"({"BearerToken":{"description":"A bearer token","in":"header",)"
                 R"("name":"authorization","type":"apiKey"}})");
  out.close('}');
}

}  // namespace

std::string write_v3_json(const Model& model, std::string_view group_version) {
  JsonOut out;
  Needed needed(model);
  out.open('{');
  out.member("openapi", "3.0.0");
  out.key("info");
  out.open('{');
  out.member("title", title);
  out.member("version", model.version);
  out.close('}');
  out.key("paths");
  out.open('{');
  for (const auto& [text, path] : model.paths) {
    if (path.group_version != group_version) continue;
    out.key(text);
    write_v3_path(out, path);
    for (const Operation& operation : path.operations) {
      needed.add(operation.body);
      for (const Answer& answer : operation.answers) needed.add(answer.definition);
    }
  }
  out.close('}');
  write_components(out, model, needed);
  out.member_raw("security", R"([{"BearerToken":[]}])");
  out.close('}');
  return std::move(out.text);
}

}  // namespace keelson::rest::openapi
