#include "tools/cli/cluster/discovery.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace keelson::cli {

namespace {

constexpr const char* kAccept =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
  return out;
}

std::vector<std::string> texts(const Json& tree, std::string_view path) {
  std::vector<std::string> out;
  for (const Json& one : list_at(tree, path)) out.push_back(scalar_text(one));
  return out;
}

Result<Json> ask(Api& api, const std::string& path) {
  auto reply = api.call({.path = path, .accept = kAccept});
  if (!reply) return reply.error();
  if (reply->status >= 400) return failure_of(*reply);
  return parse_tree(reply->body);
}

void read_aggregated(const Json& list, std::vector<Resource>& out) {
  for (const Json& group : list_at(list, "items")) {
    for (const Json& version : list_at(group, "versions")) {
      for (const Json& one : list_at(version, "resources")) {
        Resource resource;
        resource.group = text_at(group, "metadata.name");
        resource.version = text_at(version, "version");
        resource.plural = text_at(one, "resource");
        resource.singular = text_at(one, "singularResource");
        resource.kind = text_at(one, "responseKind.kind");
        resource.namespaced = text_at(one, "scope") == "Namespaced";
        resource.verbs = texts(one, "verbs");
        resource.short_names = texts(one, "shortNames");
        resource.categories = texts(one, "categories");
        for (const Json& sub : list_at(one, "subresources")) {
          resource.subresources.push_back(text_at(sub, "subresource"));
        }
        out.push_back(std::move(resource));
      }
    }
  }
}

// One group version as servers without aggregated discovery list it.
Status read_group_version(Api& api, const std::string& group, const std::string& version,
                          std::vector<Resource>& out) {
  const std::string path = group.empty() ? "/api/" + version : "/apis/" + group + "/" + version;
  auto list = ask(api, path);
  if (!list) return list.error();
  const std::size_t first = out.size();
  for (const Json& one : list_at(*list, "resources")) {
    const std::string name = text_at(one, "name");
    if (const auto slash = name.find('/'); slash != std::string::npos) {
      for (std::size_t i = first; i < out.size(); ++i) {
        if (out[i].plural == name.substr(0, slash))
          out[i].subresources.push_back(name.substr(slash + 1));
      }
      continue;
    }
    Resource resource;
    resource.group = group;
    resource.version = version;
    resource.plural = name;
    resource.singular = text_at(one, "singularName");
    resource.kind = text_at(one, "kind");
    resource.namespaced = true_at(one, "namespaced");
    resource.verbs = texts(one, "verbs");
    resource.short_names = texts(one, "shortNames");
    resource.categories = texts(one, "categories");
    out.push_back(std::move(resource));
  }
  return {};
}

// The subresources of a group version may be listed before their resource; nothing here needs them
// then. A group that cannot be read is left out: the others still work.
Status read_legacy(Api& api, const Json& core, const Json& groups, std::vector<Resource>& out) {
  for (const std::string& version : texts(core, "versions")) {
    if (auto ok = read_group_version(api, "", version, out); !ok) return ok;
  }
  for (const Json& group : list_at(groups, "groups")) {
    const std::string name = text_at(group, "name");
    std::vector<std::string> versions{text_at(group, "preferredVersion.version")};
    for (const Json& one : list_at(group, "versions")) {
      const std::string version = text_at(one, "version");
      if (version != versions.front()) versions.push_back(version);
    }
    for (const std::string& version : versions) {
      if (!version.empty()) (void)read_group_version(api, name, version, out);
    }
  }
  return {};
}

}  // namespace

std::string Resource::called(std::string_view name) const {
  const std::string type = singular.empty() ? lower(kind) : singular;
  return group.empty() ? fmt::format("{}/{}", type, name)
                       : fmt::format("{}.{}/{}", type, group, name);
}

bool Resource::can(std::string_view verb) const {
  return std::find(verbs.begin(), verbs.end(), verb) != verbs.end();
}

std::string Resource::path(std::string_view ns, std::string_view name,
                           std::string_view subresource) const {
  std::string out = group.empty() ? "/api/" + version : "/apis/" + group + "/" + version;
  if (namespaced && !ns.empty()) out += fmt::format("/namespaces/{}", encode_query(ns));
  out += "/" + plural;
  if (!name.empty()) out += "/" + encode_query(name);
  if (!subresource.empty()) out += fmt::format("/{}", subresource);
  return out;
}

Result<Discovery> Discovery::load(Api& api) {
  Discovery out;
  auto core = ask(api, "/api");
  if (!core) return core.error();
  auto groups = ask(api, "/apis");
  if (!groups) return groups.error();
  const bool aggregated = text_at(*core, "kind") == "APIGroupDiscoveryList" &&
                          text_at(*groups, "kind") == "APIGroupDiscoveryList";
  if (aggregated) {
    read_aggregated(*core, out.resources_);
    read_aggregated(*groups, out.resources_);
  } else if (auto ok = read_legacy(api, *core, *groups, out.resources_); !ok) {
    return ok.error();
  }
  for (Resource& resource : out.resources_) {
    if (resource.singular.empty()) resource.singular = lower(resource.kind);
  }
  return out;
}

Result<Resource> Discovery::resolve(std::string_view given) const {
  const std::string word = lower(given);
  const std::string type = word.substr(0, word.find('.'));
  const std::string rest = type.size() < word.size() ? word.substr(type.size() + 1) : "";
  // Names before short names, whatever group they are in; "x.v1.group" before a group "v1.group".
  for (const bool by_short_name : {false, true}) {
    for (const Resource& one : resources_) {
      const bool named =
          by_short_name ? std::find(one.short_names.begin(), one.short_names.end(), type) !=
                              one.short_names.end()
                        : type == one.plural || type == one.singular || type == lower(one.kind);
      if (!named) continue;
      const std::string version_group =
          one.group.empty() ? one.version : one.version + "." + one.group;
      if (rest.empty() || rest == one.group || rest == version_group ||
          (one.group.starts_with(rest + "."))) {
        return one;
      }
    }
  }
  return {Code::not_found,
          fmt::format("error: the server doesn't have a resource type \"{}\"", given)};
}

Result<Resource> Discovery::of_kind(std::string_view api_version, std::string_view kind) const {
  for (const Resource& one : resources_) {
    if (one.kind == kind && one.group_version() == api_version) return one;
  }
  return {Code::not_found,
          fmt::format("no matches for kind \"{}\" in version \"{}\"", kind, api_version)};
}

const Resource* Discovery::find(std::string_view group, std::string_view plural) const {
  for (const Resource& one : resources_) {
    if (one.group == group && one.plural == plural) return &one;
  }
  return nullptr;
}

std::vector<Resource> Discovery::category(std::string_view name) const {
  std::vector<Resource> out;
  for (const Resource& one : resources_) {
    if (std::find(one.categories.begin(), one.categories.end(), name) == one.categories.end())
      continue;
    const bool other_version = std::any_of(out.begin(), out.end(), [&](const Resource& other) {
      return other.group == one.group && other.plural == one.plural;
    });
    if (!other_version) out.push_back(one);
  }
  return out;
}

std::vector<std::string> Discovery::group_versions() const {
  std::vector<std::string> out;
  for (const Resource& one : resources_) {
    if (std::find(out.begin(), out.end(), one.group_version()) == out.end()) {
      out.push_back(one.group_version());
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace keelson::cli
