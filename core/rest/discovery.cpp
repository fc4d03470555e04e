#include "core/rest/discovery.hpp"

#include <openssl/sha.h>

#include "core/api/json_text.hpp"
#include "core/rest/catalog.hpp"

namespace keelson::rest {

namespace {

std::string quoted(std::string_view text) {
  std::string out;
  api::append_json_string(text, out);
  return out;
}

std::string list_of(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) {
    if (out.size() > 1) out += ',';
    out += quoted(item);
  }
  return out + "]";
}

// Tells clients that two names of a kind are stored as one.
// Source: apiserver/pkg/endpoints/discovery/storageversionhash.go.
std::string storage_version_hash(const api::KindInfo& info) {
  const std::string text = info.group + "/" + info.version + "/" + info.name;
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return api::encode_base64({reinterpret_cast<const char*>(digest), 8});
}

std::string full_name(const Resource& r) {
  return r.subresource.empty() ? r.name : r.name + "/" + r.subresource;
}

bool own_kind(const Resource& r) {
  return r.kind_group == r.group && r.kind_version == r.version;
}

void append_resource(const Resource& r, std::string& out) {
  out += "{\"name\":" + quoted(full_name(r)) + ",\"singularName\":" + quoted(r.singular) +
         ",\"namespaced\":" + (r.namespaced ? "true" : "false");
  if (!own_kind(r)) {
    if (!r.kind_group.empty()) out += ",\"group\":" + quoted(r.kind_group);
    out += ",\"version\":" + quoted(r.kind_version);
  }
  out += ",\"kind\":" + quoted(r.kind) + ",\"verbs\":" + list_of(r.verbs);
  if (!r.short_names.empty()) out += ",\"shortNames\":" + list_of(r.short_names);
  if (!r.categories.empty()) out += ",\"categories\":" + list_of(r.categories);
  if (r.endpoint == Endpoint::object && r.subresource.empty() && r.info) {
    out += ",\"storageVersionHash\":" + quoted(storage_version_hash(*r.info));
  }
  out += '}';
}

std::string group_members(const GroupVersions& group) {
  std::string out = "\"name\":" + quoted(group.group) + ",\"versions\":[";
  const auto version = [&](const std::string& v) {
    return "{\"groupVersion\":" + quoted(group.group + "/" + v) + ",\"version\":" + quoted(v) + "}";
  };
  for (std::size_t i = 0; i < group.versions.size(); ++i) {
    if (i > 0) out += ',';
    out += version(group.versions[i]);
  }
  return out + "],\"preferredVersion\":" + version(group.versions.front());
}

std::string response_kind(const Resource& r) {
  return "\"responseKind\":{\"group\":" + quoted(r.kind_group) + ",\"version\":" +
         quoted(r.kind_version) + ",\"kind\":" + quoted(r.kind) + "}";
}

void append_aggregated_version(const std::string& group, const std::string& version,
                               std::string& out) {
  out += "{\"version\":" + quoted(version) + ",\"resources\":[";
  const std::vector<const Resource*> resources = Catalog::get().resources(group, version);
  bool first = true;
  for (std::size_t i = 0; i < resources.size();) {
    const Resource& r = *resources[i];
    std::size_t end = i + 1;
    while (end < resources.size() && resources[end]->name == r.name) ++end;
    if (!first) out += ',';
    first = false;
    out += "{\"resource\":" + quoted(r.name) + "," + response_kind(r) + ",\"scope\":\"" +
           (r.namespaced ? "Namespaced" : "Cluster") +
           "\",\"singularResource\":" + quoted(r.singular) + ",\"verbs\":" + list_of(r.verbs);
    if (!r.short_names.empty()) out += ",\"shortNames\":" + list_of(r.short_names);
    if (!r.categories.empty()) out += ",\"categories\":" + list_of(r.categories);
    if (end > i + 1) {
      out += ",\"subresources\":[";
      for (std::size_t k = i + 1; k < end; ++k) {
        if (k > i + 1) out += ',';
        out += "{\"subresource\":" + quoted(resources[k]->subresource) + "," +
               response_kind(*resources[k]) + ",\"verbs\":" + list_of(resources[k]->verbs) + "}";
      }
      out += ']';
    }
    out += '}';
    i = end;
  }
  out += "],\"freshness\":\"Current\"}";
}

}  // namespace

std::string api_versions(std::string_view address) {
  return "{\"kind\":\"APIVersions\",\"versions\":[\"v1\"],\"serverAddressByClientCIDRs\":"
         "[{\"clientCIDR\":\"0.0.0.0/0\",\"serverAddress\":" +
         quoted(address) + "}]}";
}

std::string api_groups() {
  std::string out = "{\"kind\":\"APIGroupList\",\"apiVersion\":\"v1\",\"groups\":[";
  bool first = true;
  for (const GroupVersions& group : Catalog::get().groups()) {
    if (!first) out += ',';
    first = false;
    out += "{" + group_members(group) + "}";
  }
  return out + "]}";
}

std::string api_group(std::string_view name) {
  for (const GroupVersions& group : Catalog::get().groups()) {
    if (group.group == name) {
      return "{\"kind\":\"APIGroup\",\"apiVersion\":\"v1\"," + group_members(group) + "}";
    }
  }
  return {};
}

std::string api_resources(std::string_view group, std::string_view version) {
  // The core group's document has no apiVersion: so Kubernetes writes it, so it is compared.
  std::string out = "{\"kind\":\"APIResourceList\",";
  if (!group.empty()) out += "\"apiVersion\":\"v1\",";
  out += "\"groupVersion\":" +
         quoted(group.empty() ? std::string(version)
                              : std::string(group) + "/" + std::string(version)) +
         ",\"resources\":[";
  bool first = true;
  for (const Resource* resource : Catalog::get().resources(group, version)) {
    if (!first) out += ',';
    first = false;
    append_resource(*resource, out);
  }
  return out + "]}";
}

std::string aggregated(bool core, std::string_view version) {
  std::string out = "{\"kind\":\"APIGroupDiscoveryList\",\"apiVersion\":\"apidiscovery.k8s.io/" +
                    std::string(version) + "\",\"metadata\":{},\"items\":[";
  if (core) {
    out += "{\"metadata\":{\"creationTimestamp\":null},\"versions\":[";
    append_aggregated_version("", "v1", out);
    return out + "]}]}";
  }
  bool first = true;
  for (const GroupVersions& group : Catalog::get().groups()) {
    if (!first) out += ',';
    first = false;
    out += "{\"metadata\":{\"name\":" + quoted(group.group) +
           ",\"creationTimestamp\":null},\"versions\":[";
    for (std::size_t i = 0; i < group.versions.size(); ++i) {
      if (i > 0) out += ',';
      append_aggregated_version(group.group, group.versions[i], out);
    }
    out += "]}";
  }
  return out + "]}";
}

std::string root_paths() {
  std::vector<std::string> paths = {"/.well-known/openid-configuration", "/api", "/api/v1",
                                    "/apis", "/apis/"};
  for (const GroupVersions& group : Catalog::get().groups()) {
    paths.push_back("/apis/" + group.group);
    for (const std::string& version : group.versions) {
      paths.push_back("/apis/" + group.group + "/" + version);
    }
  }
  for (const char* path : {"/healthz", "/healthz/ping", "/livez", "/livez/ping", "/metrics",
                           "/openapi/v2", "/openapi/v3", "/openapi/v3/", "/openid/v1/jwks",
                           "/readyz", "/readyz/ping", "/version"}) {
    paths.emplace_back(path);
  }
  return "{\"paths\":" + list_of(paths) + "}";
}

std::string version_info() {
  // Clients check that a commit looks like one; a build does not know its own.
  return "{\"major\":\"1\",\"minor\":\"33\",\"gitVersion\":" + quoted(kServerVersion) +
         ",\"gitCommit\":\"0000000000000000000000000000000000000000\","
         "\"gitTreeState\":\"clean\",\"buildDate\":\"1970-01-01T00:00:00Z\",\"goVersion\":\"\","
         "\"compiler\":\"c++20\",\"platform\":\"linux/amd64\"}";
}

}  // namespace keelson::rest
