#include "core/rest/versions.hpp"

#include <boost/json.hpp>

#include "core/api/json_decode.hpp"
#include "core/api/json_text.hpp"

namespace keelson::rest {

namespace {

namespace json = boost::json;

// events.k8s.io/v1 has the same data under new names (KEP-383).
constexpr Rename kEventFields[] = {
    {"involvedObject", "regarding"},      {"message", "note"},
    {"reportingComponent", "reportingController"}, {"source", "deprecatedSource"},
    {"firstTimestamp", "deprecatedFirstTimestamp"}, {"lastTimestamp", "deprecatedLastTimestamp"},
    {"count", "deprecatedCount"}};
constexpr Rename kEndpointFields[] = {{"deprecatedTopology", "topology"}};

void rename(json::object& object, const char* from, const char* to) {
  const auto it = object.find(from);
  if (it == object.end()) return;
  json::value value = std::move(it->value());
  object.erase(it);
  object.insert_or_assign(to, std::move(value));
}

void rename_all(json::object& object, std::span<const Rename> fields, bool to_stored) {
  for (const Rename& field : fields) {
    to_stored ? rename(object, field.shown, field.stored)
              : rename(object, field.stored, field.shown);
  }
}

void rename_members(const Resource& resource, json::object& body, bool to_stored) {
  switch (resource.info->kind) {
    case api::Kind::events: rename_all(body, kEventFields, to_stored); break;
    case api::Kind::endpoint_slices:
      if (json::value* endpoints = body.if_contains("endpoints"); endpoints && endpoints->is_array()) {
        for (json::value& endpoint : endpoints->get_array()) {
          if (endpoint.is_object()) rename_all(endpoint.get_object(), kEndpointFields, to_stored);
        }
      }
      break;
    default: break;
  }
}

// The path of an operation of a JSON patch: "/note" is "/message", "/endpoints/0/topology" likewise.
void rename_path(const Resource& resource, json::object& operation, const char* member) {
  json::value* path = operation.if_contains(member);
  if (!path || !path->is_string()) return;
  const bool slices = resource.info->kind == api::Kind::endpoint_slices;
  if (!slices && resource.info->kind != api::Kind::events) return;
  std::string text(path->get_string());
  std::size_t start = 1;
  if (slices) {
    if (!text.starts_with("/endpoints/")) return;
    start = text.find('/', 11) + 1;
    if (start == 0) return;
  }
  const std::size_t end = std::min(text.find('/', start), text.size());
  if (start >= end) return;
  for (const Rename& field : slices ? std::span<const Rename>(kEndpointFields) : kEventFields) {
    if (text.compare(start, end - start, field.shown) != 0) continue;
    path->emplace_string() = text.replace(start, end - start, field.stored);
    return;
  }
}

}  // namespace

std::span<const Rename> renames(std::string_view group, std::string_view version,
                                std::string_view message) {
  if (group == "events.k8s.io" && message == "keelson.api.core.v1.Event") return kEventFields;
  if (group == "discovery.k8s.io" && version == "v1beta1" &&
      message == "keelson.api.discovery.v1.Endpoint") {
    return kEndpointFields;
  }
  return {};
}

std::string to_version(const Resource& resource, std::string_view stored) {
  json::value tree = api::reread_json(stored);
  if (!tree.is_object()) return std::string(stored);
  rename_members(resource, tree.get_object(), false);
  tree.get_object().insert_or_assign("apiVersion", resource.group_version());
  return json::serialize(tree);
}

void from_version(const Resource& resource, json::object& body) {
  rename_members(resource, body, true);
  body.insert_or_assign("apiVersion", resource.info->api_version);
}

std::string patch_from_version(const Resource& resource, api::PatchType type, std::string patch) {
  std::vector<api::JsonProblem> duplicates;
  api::ParsedJson parsed = api::parse_json(patch, &duplicates);
  if (!parsed.error.empty() && type == api::PatchType::apply) {
    parsed = api::parse_yaml(patch, &duplicates);
  }
  if (!parsed.error.empty() || !duplicates.empty()) return patch;
  if (type == api::PatchType::json) {
    if (!parsed.value.is_array()) return patch;
    for (json::value& operation : parsed.value.get_array()) {
      if (!operation.is_object()) continue;
      rename_path(resource, operation.get_object(), "path");
      rename_path(resource, operation.get_object(), "from");
    }
  } else {
    if (!parsed.value.is_object()) return patch;
    json::object& object = parsed.value.get_object();
    rename_members(resource, object, true);
    if (json::value* version = object.if_contains("apiVersion");
        version && *version == json::value(resource.group_version())) {
      *version = resource.info->api_version;
    }
  }
  return json::serialize(parsed.value);
}

}  // namespace keelson::rest
