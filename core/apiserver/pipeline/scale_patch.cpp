#include "core/apiserver/pipeline/scale_patch.hpp"

#include <boost/json.hpp>

#include "core/api/json.hpp"

namespace keelson::apiserver {

namespace json = boost::json;

namespace {

// RFC 7386. Depth is bounded by the parser.
void merge(json::value& into, const json::value& patch) {
  if (!patch.is_object()) {
    into = patch;
    return;
  }
  if (!into.is_object()) into.emplace_object();
  for (const auto& [key, value] : patch.as_object()) {
    if (value.is_null()) {
      into.as_object().erase(key);
    } else {
      merge(into.as_object()[key], value);
    }
  }
}

ApiError cannot_apply(const std::string& why) {
  ApiError error;
  error.reason = Reason::invalid;
  error.message = "the server rejected our request due to an error in our request: " + why;
  return error;
}

const json::string* text_of(const json::object& operation, std::string_view key) {
  const json::value* value = operation.if_contains(key);
  return value ? value->if_string() : nullptr;
}

// RFC 6902, on objects only.
ApiError apply_one(json::value& root, const json::object& operation) {
  const json::string* op = text_of(operation, "op");
  const json::string* path = text_of(operation, "path");
  if (!op || !path || path->empty() || path->front() != '/') {
    return api::bad_request("an operation of the JSON patch has no valid op and path");
  }
  std::string_view rest(path->data() + 1, path->size() - 1);
  json::value* parent = &root;
  for (std::size_t slash; (slash = rest.find('/')) != rest.npos; rest.remove_prefix(slash + 1)) {
    json::object* object = parent->if_object();
    parent = object ? object->if_contains(rest.substr(0, slash)) : nullptr;
    if (!parent) return cannot_apply("path not found: " + std::string(*path));
  }
  json::object* holder = parent->if_object();
  if (!holder) return cannot_apply("path not found: " + std::string(*path));
  const json::value* value = operation.if_contains("value");
  const json::value* found = holder->if_contains(rest);
  if (*op != "add" && !found) return cannot_apply("path not found: " + std::string(*path));
  if (*op == "remove") {
    holder->erase(rest);
    return {};
  }
  if (!value) return api::bad_request("an operation of the JSON patch has no value");
  if (*op == "test") {
    return *found == *value ? ApiError{}
                            : cannot_apply("testing path " + std::string(*path) + " failed");
  }
  if (*op != "add" && *op != "replace") {
    return api::bad_request("unexpected kind: " + std::string(*op));
  }
  (*holder)[rest] = *value;
  return {};
}

}  // namespace

ApiError patch_scale(const api::Scale& before, api::PatchType type, std::string_view patch,
                     api::FieldValidation validation, api::Scale& after,
                     std::vector<std::string>& warnings) {
  boost::system::error_code failure;
  const json::value parsed = json::parse(json::string_view(patch.data(), patch.size()), failure);
  if (failure) return api::bad_request("error decoding patch: " + failure.message());
  json::value tree = api::to_json(before);
  if (type == api::PatchType::json) {
    if (!parsed.is_array()) return api::bad_request("a JSON patch is an array of operations");
    for (const json::value& operation : parsed.as_array()) {
      if (!operation.is_object()) return api::bad_request("a JSON patch is an array of operations");
      if (ApiError error = apply_one(tree, operation.as_object())) return error;
    }
  } else {
    if (!parsed.is_object()) return api::bad_request("a merge patch is an object");
    merge(tree, parsed);
  }
  using Unknown = api::DecodeOptions::Unknown;
  api::DecodeOptions options;
  if (validation == api::FieldValidation::warn) options.unknown = Unknown::warn;
  if (validation == api::FieldValidation::strict) options.unknown = Unknown::strict;
  const keelson::Status decoded = api::from_json(tree, after, options, &warnings);
  return decoded ? ApiError{} : api::bad_request(decoded.message());
}

}  // namespace keelson::apiserver
