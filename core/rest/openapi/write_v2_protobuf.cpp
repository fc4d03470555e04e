#include <google/protobuf/arena.h>

#include "core/rest/openapi/extensions.hpp"
#include "core/rest/openapi/openapi_v2.pb.h"
#include "core/rest/openapi/write.hpp"

namespace keelson::rest::openapi {
namespace {

namespace v2 = ::openapi::v2;

void set_reference(v2::Schema& out, const std::string& definition) {
  out.set__ref("#/definitions/" + definition);
}

template <class Message>
void set_extensions(Message& out, const Extensions& extensions) {
  for (const auto& [name, json] : extensions) {
    v2::NamedAny& extension = *out.add_vendor_extension();
    extension.set_name(std::string(name));
    extension.mutable_value()->set_yaml(json);
  }
}

void fill(v2::Schema& out, const Schema& schema) {
  if (!schema.ref.empty()) set_reference(out, schema.ref);
  if (!schema.type.empty()) out.mutable_type()->add_value(schema.type);
  out.set_format(schema.format);
  out.set_description(schema.description);
  for (const std::string& value : schema.values) out.add_enum_()->set_yaml("\"" + value + "\"");
  for (const std::string& name : schema.required) out.add_required(name);
  for (const Schema& item : schema.items) fill(*out.mutable_items()->add_schema(), item);
  for (const Schema& value : schema.additional) {
    fill(*out.mutable_additional_properties()->mutable_schema(), value);
  }
  for (const auto& [name, property] : schema.properties) {
    v2::NamedSchema& named = *out.mutable_properties()->add_additional_properties();
    named.set_name(name);
    fill(*named.mutable_value(), property);
  }
  set_extensions(out, extensions_of(schema));
}

template <class Sub>
void fill(Sub& out, const Parameter& parameter, const char* in) {
  out.set_required(parameter.required);
  out.set_in(in);
  out.set_description(std::string(parameter.description));
  out.set_name(std::string(parameter.name));
  out.set_type(std::string(parameter.type));
  out.set_unique_items(true);
}

void fill(v2::ParametersItem& out, const Parameter& parameter) {
  v2::NonBodyParameter& place = *out.mutable_parameter()->mutable_non_body_parameter();
  if (parameter.in_path) {
    fill(*place.mutable_path_parameter_sub_schema(), parameter, "path");
  } else {
    fill(*place.mutable_query_parameter_sub_schema(), parameter, "query");
  }
}

void fill_answers(v2::Responses& out, const Operation& operation) {
  const auto add = [&](std::string_view code, std::string_view description) -> v2::Response& {
    v2::NamedResponseValue& named = *out.add_response_code();
    named.set_name(std::string(code));
    v2::Response& response = *named.mutable_value()->mutable_response();
    response.set_description(std::string(description));
    return response;
  };
  for (const Answer& answer : operation.answers) {
    v2::Response& response = add(answer.code, answer.description);
    if (answer.text) {
      response.mutable_schema()->mutable_schema()->mutable_type()->add_value("string");
    } else if (!answer.definition.empty()) {
      set_reference(*response.mutable_schema()->mutable_schema(), answer.definition);
    }
  }
  add("401", "Unauthorized");
}

void fill(v2::Operation& out, const Operation& operation) {
  out.add_tags(operation.tag);
  out.set_description(operation.description);
  out.set_operation_id(operation.id);
  for (const std::string_view type : operation.produces) out.add_produces(std::string(type));
  for (const std::string_view type : operation.consumes) out.add_consumes(std::string(type));
  if (operation.consumes.empty()) out.add_consumes("*/*");
  if (!operation.body.empty()) {
    v2::BodyParameter& body = *out.add_parameters()->mutable_parameter()->mutable_body_parameter();
    body.set_name("body");
    body.set_in("body");
    body.set_required(operation.body_required);
    set_reference(*body.mutable_schema(), operation.body);
  }
  for (const Parameter* parameter : operation.parameters) fill(*out.add_parameters(), *parameter);
  fill_answers(*out.mutable_responses(), operation);
  out.add_schemes("https");
  set_extensions(out, extensions_of(operation));
}

v2::Operation& operation_of(v2::PathItem& path, const std::string& method) {
  if (method == "get") return *path.mutable_get();
  if (method == "put") return *path.mutable_put();
  if (method == "post") return *path.mutable_post();
  if (method == "delete") return *path.mutable_delete_();
  return *path.mutable_patch();
}

void fill(v2::PathItem& out, const Path& path) {
  for (const Operation& operation : path.operations) {
    fill(operation_of(out, operation.method), operation);
  }
  for (const Parameter* parameter : path.parameters) fill(*out.add_parameters(), *parameter);
}

void fill_security(v2::Document& out) {
  v2::NamedSecurityDefinitionsItem& named =
      *out.mutable_security_definitions()->add_additional_properties();
  named.set_name("BearerToken");
  v2::ApiKeySecurity& key = *named.mutable_value()->mutable_api_key_security();
  key.set_type("apiKey");
  key.set_name("authorization");
  key.set_in("header");
  key.set_description("A bearer token");
  v2::NamedStringArray& needed = *out.add_security()->add_additional_properties();
  needed.set_name("BearerToken");
  needed.mutable_value();
}

}  // namespace

std::string write_v2_protobuf(const Model& model) {
  google::protobuf::Arena arena;
  v2::Document& out = *google::protobuf::Arena::CreateMessage<v2::Document>(&arena);
  out.set_swagger("2.0");
  out.mutable_info()->set_title(std::string(title));
  out.mutable_info()->set_version(model.version);
  for (const auto& [text, path] : model.paths) {
    v2::NamedPathItem& named = *out.mutable_paths()->add_path();
    named.set_name(text);
    fill(*named.mutable_value(), path);
  }
  for (const auto& [name, schema] : model.definitions) {
    v2::NamedSchema& named = *out.mutable_definitions()->add_additional_properties();
    named.set_name(name);
    fill(*named.mutable_value(), schema);
  }
  fill_security(out);
  return out.SerializeAsString();
}

}  // namespace keelson::rest::openapi
