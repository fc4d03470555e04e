// set image, set env, set resources, set serviceaccount: changes of a pod template, container by
// container.
#include <fmt/format.h>

#include "tools/cli/cluster/make.hpp"
#include "tools/cli/cluster/targets.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

// Arguments of the form NAME=VALUE (or NAME-) end the list of what is to be changed.
void split_words(const std::vector<std::string>& args, std::vector<std::string>& objects,
                 std::vector<std::string>& settings) {
  for (const std::string& word : args) {
    const bool setting =
        word.find('=') != std::string::npos || (word.ends_with('-') && !objects.empty());
    (setting ? settings : objects).push_back(word);
  }
}

// The patch of a pod spec: {"containers":[...]} in its place.
Json placed(const std::string& path, Json pod_spec) {
  Json patch = JsonObject();
  at_path(patch, path) = std::move(pod_spec);
  return patch;
}

Status send_patch(Session& session, const Found& found, const Json& body,
                  std::string_view operation) {
  if (session.dry_run() == "client") return session.report(found.resource, found.object, operation);
  auto changed = session.send("PATCH", found.path(), body, patch::strategic);
  if (!changed) return changed.error();
  if (text_at(*changed, "metadata.resourceVersion") ==
          text_at(found.object, "metadata.resourceVersion") &&
      session.dry_run() == "none" && !session.flags.has("output")) {
    return {};  // kubectl says nothing of what was so already
  }
  return session.report(found.resource, *changed, operation);
}

bool wanted(const Flags& flags, const Json& container) {
  const std::string name = flags.get("containers", "*");
  return name == "*" || text_at(container, "name") == name;
}

Status set_image_of(Session& session, const Found& found,
                    const std::vector<std::string>& settings) {
  const std::string path = pod_spec_path(found.object);
  if (path.empty()) return usage_error(found.called() + " has no containers");
  JsonObject changed;
  for (const std::string& setting : settings) {
    const auto equals = setting.find('=');
    const std::string name = setting.substr(0, equals), image = setting.substr(equals + 1);
    bool known = false;
    for (const char* list : {"containers", "initContainers"}) {
      for (const Json& container : list_at(found.object, path + "." + list)) {
        if (name != "*" && text_at(container, "name") != name) continue;
        known = true;
        Json& into = changed[list];
        if (into.is_null()) into.emplace_array();
        into.get_array().push_back({{"name", text_at(container, "name")}, {"image", image}});
      }
    }
    if (!known) return usage_error(fmt::format("unable to find container named \"{}\"", name));
  }
  return send_patch(session, found, placed(path, std::move(changed)), "image updated");
}

Status set_image(Session& session) {
  std::vector<std::string> objects, settings;
  split_words(session.flags.args(), objects, settings);
  if (settings.empty()) return usage_error("at least one image update is required");
  for (const std::string& setting : settings) {
    if (setting.find('=') == std::string::npos)
      return usage_error("expected CONTAINER=IMAGE, not " + setting);
  }
  if (objects.empty() && !session.flags.has("filename"))
    return usage_error(
        "one or more resources must be specified as <resource> <name> or <resource>/<name>");
  auto found = fetch(session, objects, true);
  if (!found) return found.error();
  for (const Found& one : *found) {
    if (auto ok = set_image_of(session, one, settings); !ok) session.complain(ok.error());
  }
  return {};
}

Status list_env(Session& session, const Found& found, const std::string& path) {
  session.io.out(fmt::format(
      "# {} {}", text_at(found.object, "kind") == "Pod" ? "Pod" : found.resource.kind, found.name));
  for (const Json& container : list_at(found.object, path + ".containers")) {
    session.io.out(fmt::format(", container {}\n", text_at(container, "name")));
    for (const Json& one : list_at(container, "env")) {
      const Json* from = find(one, "valueFrom");
      session.io.out(from ? fmt::format("# {} from {}\n", text_at(one, "name"), compact_text(*from))
                          : fmt::format("{}={}\n", text_at(one, "name"), text_at(one, "value")));
    }
  }
  return {};
}

Status set_env(Session& session) {
  std::vector<std::string> objects, settings;
  split_words(session.flags.args(), objects, settings);
  for (const std::string& one : session.flags.all("env")) settings.push_back(one);
  const bool list = session.flags.on("list");
  if (settings.empty() && !list)
    return usage_error("at least one environment variable must be provided");
  JsonArray env;
  for (const std::string& setting : settings) {
    const auto equals = setting.find('=');
    if (equals == std::string::npos) {
      env.push_back({{"name", setting.substr(0, setting.size() - 1)}, {"$patch", "delete"}});
    } else {
      env.push_back({{"name", setting.substr(0, equals)}, {"value", setting.substr(equals + 1)}});
    }
  }
  auto found = fetch(session, objects, true);
  if (!found) return found.error();
  for (const Found& one : *found) {
    const std::string path = pod_spec_path(one.object);
    if (path.empty()) return usage_error(one.called() + " has no containers");
    if (list) {
      if (auto ok = list_env(session, one, path); !ok) return ok;
      continue;
    }
    JsonArray containers;
    for (const Json& container : list_at(one.object, path + ".containers")) {
      if (wanted(session.flags, container))
        containers.push_back({{"name", text_at(container, "name")}, {"env", env}});
    }
    if (containers.empty()) {
      session.complain(
          usage_error(fmt::format("{} does not have any containers matching \"{}\"", one.called(),
                                  session.flags.get("containers", "*"))));
      continue;
    }
    if (auto ok = send_patch(session, one, placed(path, JsonObject{{"containers", containers}}),
                             "env updated");
        !ok) {
      session.complain(ok.error());
    }
  }
  return {};
}

Status set_resources(Session& session) {
  JsonObject resources;
  for (const char* kind : {"limits", "requests"}) {
    if (!session.flags.has(kind)) continue;
    auto amounts = parse_pairs(session.flags.get(kind), kind);
    if (!amounts) return amounts.error();
    resources[kind] = std::move(*amounts);
  }
  if (resources.empty())
    return usage_error(
        "you must specify an update to requests or limits (in the form of --requests/--limits)");
  auto found = fetch(session, session.flags.args(), true);
  if (!found) return found.error();
  for (const Found& one : *found) {
    const std::string path = pod_spec_path(one.object);
    if (path.empty()) return usage_error(one.called() + " has no containers");
    JsonArray containers;
    for (const Json& container : list_at(one.object, path + ".containers")) {
      if (wanted(session.flags, container)) {
        containers.push_back({{"name", text_at(container, "name")}, {"resources", resources}});
      }
    }
    if (auto ok = send_patch(session, one, placed(path, JsonObject{{"containers", containers}}),
                             "resource requirements updated");
        !ok) {
      session.complain(ok.error());
    }
  }
  return {};
}

Status set_service_account(Session& session) {
  std::vector<std::string> objects = session.flags.args();
  if (objects.size() < 2) return usage_error("serviceaccount is required");
  const std::string account = objects.back();
  objects.pop_back();
  auto found = fetch(session, objects, true);
  if (!found) return found.error();
  for (const Found& one : *found) {
    const std::string path = pod_spec_path(one.object);
    if (path.empty()) return usage_error(one.called() + " has no pods");
    if (auto ok =
            send_patch(session, one, placed(path, JsonObject{{"serviceAccountName", account}}),
                       "serviceaccount updated");
        !ok) {
      session.complain(ok.error());
    }
  }
  return {};
}

}  // namespace

std::vector<Verb> set_verbs() {
  const FlagSpec containers{"c,containers", "NAME", "only this container"};
  return {
      {"set image", "TYPE/NAME CONTAINER=IMAGE...", "change the images of containers",
       with_report(with_selection({})), set_image,
       "  keelson set image deployments/kel kel=nginx:1.8\n"},
      {"set env", "TYPE/NAME NAME=VALUE... NAME-...", "change the environment of containers",
       with_report(with_selection({containers,
                                   {"e,env", "NAME=VALUE", "one more (repeatable)"},
                                   {"list", "", "show it"}})),
       set_env},
      {"set resources", "TYPE/NAME --limits=... --requests=...", "change what containers may use",
       with_report(with_selection({containers,
                                   {"limits", "AMOUNTS", "cpu=200m,memory=512Mi"},
                                   {"requests", "AMOUNTS", "cpu=100m,memory=256Mi"}})),
       set_resources},
      {"set serviceaccount", "TYPE/NAME ACCOUNT", "change the service account of pods",
       with_report(with_selection({})), set_service_account}};
}

}  // namespace keelson::cli
