// create: from manifests; and the shortest kinds by flags. Those of access control, configuration
// and services are in create_*.cpp.
#include <fmt/format.h>

#include "tools/cli/cluster/create.hpp"
#include "tools/cli/cluster/human.hpp"
#include "tools/cli/cluster/make.hpp"
#include "tools/cli/cluster/targets.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

Result<std::string> one_name(const Session& session) {
  const auto& args = session.flags.args();
  if (args.size() == 1) return args[0];
  return usage_error(fmt::format("exactly one NAME is required, got {}", args.size()));
}

Json new_object(std::string_view api_version, std::string_view kind, const std::string& name) {
  return {{"apiVersion", api_version}, {"kind", kind}, {"metadata", {{"name", name}}}};
}

namespace {

Status create_files(Session& session) {
  if (!session.flags.has("filename")) {
    if (!session.flags.args().empty()) {
      return usage_error(
          fmt::format("Unexpected args: [{}]\nSee 'keelson create -h' for help and examples",
                      fmt::join(session.flags.args(), " ")));
    }
    return usage_error("must specify one of -f and -k");
  }
  auto targets = read_manifests(session);
  if (!targets) return targets.error();
  for (const Target& target : *targets) {
    if (session.dry_run() == "client") {
      if (auto ok = session.report(target.resource, target.manifest, "created"); !ok) return ok;
      continue;
    }
    std::string file = session.flags.get("filename");
    if (file == "-") file = "STDIN";
    auto made =
        session.send("POST", target.resource.path(target.ns), target.manifest, "application/json",
                     fmt::format("error when creating \"{}\"", file), "fieldValidation=Strict");
    if (!made) {
      session.complain(made.error());
    } else if (auto ok = session.report(target.resource, *made, "created"); !ok) {
      return ok;
    }
  }
  return {};
}

Status create_deployment(Session& session) {
  auto name = one_name(session);
  if (!name) return name.error();
  const auto images = session.flags.all("image");
  if (images.empty()) return usage_error("required flag(s) \"image\" not set");
  const auto replicas = session.flags.number("replicas", 1);
  if (!replicas) return replicas.error();
  const auto port = session.flags.number("port", 0);
  if (!port) return port.error();
  if (images.size() > 1 && session.flags.has_tail()) {
    return usage_error("cannot specify multiple --image options and command");
  }
  JsonArray containers;
  for (const std::string& image : images) {
    JsonObject container{{"name", container_name(image)}, {"image", image}};
    if (*port > 0) container["ports"] = JsonArray{JsonObject{{"containerPort", *port}}};
    if (session.flags.has_tail()) {
      JsonArray command;
      for (const std::string& word : session.flags.tail()) command.push_back(Json(word));
      container["command"] = std::move(command);
    }
    containers.push_back(std::move(container));
  }
  const JsonObject labels{{"app", *name}};
  Json object = new_object("apps/v1", "Deployment", *name);
  at_path(object, "metadata.labels") = labels;
  at_path(object, "spec") = {
      {"replicas", *replicas},
      {"selector", {{"matchLabels", labels}}},
      {"template",
       {{"metadata", {{"labels", labels}}}, {"spec", {{"containers", std::move(containers)}}}}}};
  return create_object(session, "apps", "deployments", std::move(object));
}

Status create_job(Session& session) {
  auto name = one_name(session);
  if (!name) return name.error();
  if (!session.flags.has("image")) return usage_error("either --image or --from must be specified");
  JsonObject container{{"name", *name}, {"image", session.flags.get("image")}};
  JsonArray command;
  for (const std::string& word : session.flags.tail()) command.push_back(Json(word));
  if (!command.empty()) container["command"] = std::move(command);
  Json object = new_object("batch/v1", "Job", *name);
  Json pod{{"spec", {{"containers", JsonArray{container}}, {"restartPolicy", "Never"}}}};
  at_path(object, "spec.template") = std::move(pod);
  return create_object(session, "batch", "jobs", std::move(object));
}

Status create_namespace(Session& session) {
  auto name = one_name(session);
  if (!name) return name.error();
  return create_object(session, "", "namespaces", new_object("v1", "Namespace", *name),
                       Telling::plain);
}

Status create_budget(Session& session) {
  auto name = one_name(session);
  if (!name) return name.error();
  const bool at_least = session.flags.has("min-available");
  if (!session.flags.has("selector")) return usage_error("a selector must be specified");
  if (at_least == session.flags.has("max-unavailable")) {
    return usage_error(at_least ? "min-available and max-unavailable cannot be both specified"
                                : "one of min-available or max-unavailable must be specified");
  }
  auto labels = parse_pairs(session.flags.get("selector"), "selector");
  if (!labels) return labels.error();
  Json object = new_object("policy/v1", "PodDisruptionBudget", *name);
  at_path(object, "spec.selector.matchLabels") = std::move(*labels);
  at_path(object, at_least ? "spec.minAvailable" : "spec.maxUnavailable") =
      int_or_string(session.flags.get(at_least ? "min-available" : "max-unavailable"));
  return create_object(session, "policy", "poddisruptionbudgets", std::move(object));
}

Status create_priority_class(Session& session) {
  auto name = one_name(session);
  if (!name) return name.error();
  const auto value = session.flags.number("value", 0);
  if (!value) return value.error();
  Json object = new_object("scheduling.k8s.io/v1", "PriorityClass", *name);
  at_path(object, "value") = *value;
  at_path(object, "globalDefault") = session.flags.on("global-default");
  at_path(object, "description") = session.flags.get("description");
  at_path(object, "preemptionPolicy") =
      session.flags.get("preemption-policy", "PreemptLowerPriority");
  return create_object(session, "scheduling.k8s.io", "priorityclasses", std::move(object));
}

Status create_quota(Session& session) {
  auto name = one_name(session);
  if (!name) return name.error();
  Json object = new_object("v1", "ResourceQuota", *name);
  auto hard = parse_pairs(session.flags.get("hard"), "resource");
  if (!hard) return hard.error();
  at_path(object, "spec.hard") = std::move(*hard);
  return create_object(session, "", "resourcequotas", std::move(object));
}

}  // namespace

std::vector<Verb> create_verbs() {
  auto from_files = with_report(file_flags());
  from_files.push_back(
      {"validate", "MODE", "accepted for kubectl's sake: the server always validates", "strict"});
  from_files.push_back({"save-config", "", "accepted for kubectl's sake"});
  std::vector<Verb> out = {
      {"create", "-f FILE", "create objects from manifests, or of a kind by flags", from_files,
       create_files,
       "  keelson create -f web.yaml\n  keelson create deployment web --image=nginx "
       "--replicas=3\n"},
      {"create deployment", "NAME --image=IMAGE [-- COMMAND...]",
       "create a Deployment labelled app=NAME",
       with_report({{"image", "IMAGE", "what to run (repeatable)"},
                    {"r,replicas", "N", "how many pods (1)"},
                    {"port", "N", "the port that it listens on"}}),
       create_deployment},
      {"create namespace", "NAME", "create a namespace", with_report({}), create_namespace},
      {"create job", "NAME --image=IMAGE [-- COMMAND...]", "create a Job",
       with_report({{"image", "IMAGE", "what to run"}}), create_job},
      {"create poddisruptionbudget", "NAME --selector=LABELS --min-available=N",
       "create a disruption budget",
       with_report({{"selector", "LABELS", "of the pods"},
                    {"min-available", "N", "how many must stay, or how many per cent"},
                    {"max-unavailable", "N", "how many may go, or how many per cent"}}),
       create_budget},
      {"create priorityclass", "NAME --value=N", "create a priority class",
       with_report({{"value", "N", "the priority"},
                    {"global-default", "", "of pods that name no class"},
                    {"description", "TEXT", "when to use it"},
                    {"preemption-policy", "POLICY", "PreemptLowerPriority or Never"}}),
       create_priority_class},
      {"create quota", "NAME --hard=AMOUNTS", "create a resource quota",
       with_report({{"hard", "AMOUNTS", "cpu=1,memory=1Gi,pods=2"}}), create_quota}};
  // kubectl's short names for some of them.
  const auto alias = [&](const char* name, std::size_t of) {
    Verb verb = out[of];
    verb.name = name;
    out.push_back(verb);
  };
  alias("create deploy", 1);
  alias("create ns", 2);
  alias("create pdb", 4);
  alias("create pc", 5);
  for (auto family : {create_config_verbs, create_service_verbs, create_access_verbs}) {
    for (Verb& verb : family()) out.push_back(std::move(verb));
  }
  return out;
}

}  // namespace keelson::cli
