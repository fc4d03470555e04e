// cluster-info, version, api-resources, api-versions.
#include <fmt/format.h>

#include <algorithm>

#include "core/api/yaml.hpp"
#include "tools/cli/cluster/make.hpp"
#include "tools/cli/cluster/tabs.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

Status cluster_info(Session& session) {
  const Resource services{.group = "", .version = "v1", .plural = "services", .namespaced = true};
  const std::string path = services.path("kube-system");
  auto list =
      session.list(path, "labelSelector=" + encode_query("kubernetes.io/cluster-service=true"));
  if (!list && list.code() != Code::not_found) return list.error();
  session.io.out(fmt::format("Kubernetes control plane is running at {}\n", session.api.server()));
  if (list) {
    for (const Json& service : list_at(*list, "items")) {
      const std::string name = text_at(service, "metadata.name");
      const JsonArray& ports = list_at(service, "spec.ports");
      const std::string port = ports.empty() ? "" : text_at(ports[0], "name");
      const Json* labels = find(service, "metadata.labels");
      const Json* title = labels ? member(*labels, "kubernetes.io/name") : nullptr;
      session.io.out(fmt::format("{} is running at {}{}/{}{}/proxy\n",
                                 title ? scalar_text(*title) : name, session.api.server(), path,
                                 name, port.empty() ? "" : ":" + port));
    }
  }
  session.io.out("\nTo see what happens in the cluster, use 'keelson events -A'.\n");
  return {};
}

Status version(Session& session) {
  const std::string own = "v" KEELSON_VERSION;
  const std::string format = session.flags.get("output");
  if (!format.empty() && format != "json" && format != "yaml")
    return usage_error("--output must be 'yaml' or 'json'");
  Json all{{"clientVersion", {{"gitVersion", own}}}};
  Status asked;
  if (!session.flags.on("client")) {
    auto server = session.get("/version");
    if (server) {
      all.get_object()["serverVersion"] = *server;
    } else {
      asked = server.error();
    }
  }
  if (format.empty()) {
    session.io.out("Client Version: " + own + "\n");
    if (find(all, "serverVersion"))
      session.io.out("Server Version: " + text_at(all, "serverVersion.gitVersion") + "\n");
  } else {
    session.io.out(format == "json" ? pretty_text(all, 2) + "\n" : api::yaml_text(all));
  }
  return asked;
}

bool wanted(const Flags& flags, const Resource& one) {
  if (flags.has("namespaced") && flags.on("namespaced") != one.namespaced) return false;
  if (flags.has("api-group") && flags.get("api-group") != one.group) return false;
  for (const std::string& verb : split_list(flags.get("verbs"))) {
    if (!one.can(verb)) return false;
  }
  for (const std::string& category : split_list(flags.get("categories"))) {
    if (std::find(one.categories.begin(), one.categories.end(), category) == one.categories.end())
      return false;
  }
  return true;
}

Status api_resources(Session& session) {
  const std::string format = session.flags.get("output");
  if (!format.empty() && format != "wide" && format != "name") {
    return usage_error(
        fmt::format("--output {} is not available in keelson api-resources", format));
  }
  const auto known = session.discovery();
  if (!known) return known.error();
  std::vector<Resource> all;
  for (const Resource& one : (*known)->all()) {
    const bool listed = std::any_of(all.begin(), all.end(), [&](const Resource& other) {
      return other.group == one.group && other.plural == one.plural;
    });
    if (!listed && wanted(session.flags, one)) all.push_back(one);
  }
  const std::string by = session.flags.get("sort-by");
  std::stable_sort(all.begin(), all.end(), [&](const Resource& a, const Resource& b) {
    if (by == "name") return a.plural < b.plural;
    if (by == "kind") return a.kind < b.kind;
    return std::tie(a.group, a.plural) < std::tie(b.group, b.plural);
  });
  std::string text;
  if (format == "name") {
    for (const Resource& one : all) text += one.group_resource() + "\n";
    session.io.out(text);
    return {};
  }
  const bool wide = format == "wide";
  if (!session.flags.on("no-headers")) {
    text = std::string("NAME\tSHORTNAMES\tAPIVERSION\tNAMESPACED\tKIND") +
           (wide ? "\tVERBS\tCATEGORIES\n" : "\n");
  }
  for (const Resource& one : all) {
    text += fmt::format("{}\t{}\t{}\t{}\t{}", one.plural, fmt::join(one.short_names, ","),
                        one.group_version(), one.namespaced, one.kind);
    if (wide)
      text += fmt::format("\t{}\t{}", fmt::join(one.verbs, ","), fmt::join(one.categories, ","));
    text += "\n";
  }
  session.io.out(align_tabs(text, {6, 3}));
  return {};
}

Status api_versions(Session& session) {
  const auto known = session.discovery();
  if (!known) return known.error();
  for (const std::string& one : (*known)->group_versions()) session.io.out(one + "\n");
  return {};
}

}  // namespace

std::vector<Verb> info_verbs() {
  return {{"cluster-info", "", "where the cluster is", {}, cluster_info},
          {"version",
           "",
           "of this command and of the server",
           {{"client", "", "of this command alone"}, {"o,output", "FORMAT", "json or yaml"}},
           version},
          {"api-resources",
           "",
           "the types that the server has",
           {{"o,output", "FORMAT", "wide or name"},
            {"namespaced", "", "only those in namespaces; =false: only the others"},
            {"api-group", "NAME", "only of this group"},
            {"verbs", "VERBS", "only those that can do all of these"},
            {"categories", "NAMES", "only those in all of these"},
            {"sort-by", "WHAT", "name or kind"},
            {"no-headers", "", "without the line of titles"}},
           api_resources},
          {"api-versions", "", "the API versions that the server has", {}, api_versions}};
}

}  // namespace keelson::cli
