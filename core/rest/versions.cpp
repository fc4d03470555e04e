#include "core/rest/versions.hpp"

#include <boost/json.hpp>

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

void convert(const Resource& resource, json::object& body, bool to_stored) {
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
  body.insert_or_assign("apiVersion",
                        to_stored ? resource.info->api_version : resource.group_version());
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
  convert(resource, tree.get_object(), false);
  return json::serialize(tree);
}

void from_version(const Resource& resource, json::object& body) { convert(resource, body, true); }

}  // namespace keelson::rest
