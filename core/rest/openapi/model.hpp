// An OpenAPI document before it is written, in none of its three spellings.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace keelson::rest::openapi {

struct GroupVersionKind {
  std::string group, version, kind;
  bool operator==(const GroupVersionKind&) const = default;
};

struct Schema {
  std::string ref;  // the definition that this is; nothing but description and extensions beside it
  std::string type;  // "object", "array", "string", ...; empty with ref
  std::string format;
  std::string description;
  std::string default_json;         // JSON text; empty: none
  std::vector<std::string> values;  // all that a string may be; empty: any
  std::vector<std::string>
      alternatives;                   // types between which OpenAPI 3 can choose, instead of `type`
  std::vector<std::string> required;  // sorted
  std::map<std::string, Schema> properties;
  std::vector<Schema> items;       // of an array: one; else none
  std::vector<Schema> additional;  // of a map: one; else none

  std::string patch_strategy, merge_key, list_type, map_type;
  std::vector<std::string> list_map_keys;
  std::vector<GroupVersionKind> kinds;
};

struct Parameter {
  std::string_view name;
  std::string_view type;  // "string", "integer", "boolean"
  std::string_view description;
  bool in_path = false;  // else in the query; what stands in the path is required
  bool required = false;
};

struct Answer {
  std::string_view code, description;
  std::string definition;  // of the body
  bool text = false;       // the body is a plain string
};

struct Operation {
  std::string method;  // "get", "put", "post", "delete", "patch", ...
  std::string id, description;
  std::string action;  // x-kubernetes-action; empty: none
  std::string tag;
  GroupVersionKind kind;
  std::vector<const Parameter*> parameters;
  std::string body;  // definition; empty: none
  bool body_required = false;
  std::vector<std::string_view> consumes;  // of a patch; empty: any
  std::vector<std::string_view> produces;
  std::vector<Answer> answers;
};

struct Path {
  std::string group_version;  // "api/v1", "apis/apps/v1"
  std::vector<const Parameter*> parameters;
  std::vector<Operation> operations;
};

struct Model {
  std::string version;
  std::map<std::string, Schema> definitions;
  std::map<std::string, Path> paths;
};

}  // namespace keelson::rest::openapi
