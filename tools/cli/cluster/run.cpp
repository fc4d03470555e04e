// run: a Deployment of one image, labelled run=NAME, as the classic tutorial has it (kubectl made
// pods of it in 1.18; a Deployment is what one wants to expose, scale and update afterwards).
#include <fmt/format.h>

#include "tools/cli/cluster/make.hpp"
#include "tools/cli/cluster/targets.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

Result<Json> container_of(const Session& session, const std::string& name) {
  const Flags& flags = session.flags;
  JsonObject container{{"name", name}, {"image", flags.get("image")}};
  if (flags.has("image-pull-policy")) container["imagePullPolicy"] = flags.get("image-pull-policy");
  if (flags.has("env")) {
    auto env = parse_env(flags.all("env"));
    if (!env) return env.error();
    container["env"] = std::move(*env);
  }
  if (flags.has("port")) {
    const auto port = flags.number("port", 0);
    if (!port) return port.error();
    container["ports"] = JsonArray{JsonObject{{"containerPort", *port}}};
  }
  JsonObject resources;
  for (const char* kind : {"limits", "requests"}) {
    if (!flags.has(kind)) continue;
    auto amounts = parse_pairs(flags.get(kind), kind);
    if (!amounts) return amounts.error();
    resources[kind] = std::move(*amounts);
  }
  if (!resources.empty()) container["resources"] = std::move(resources);
  JsonArray words;
  for (std::size_t i = 1; i < flags.args().size(); ++i) words.push_back(Json(flags.args()[i]));
  for (const std::string& word : flags.tail()) words.push_back(Json(word));
  if (!words.empty()) container[flags.on("command") ? "command" : "args"] = std::move(words);
  return Json(std::move(container));
}

Status expose(Session& session, const std::string& name, const JsonObject& labels) {
  const auto port = session.flags.number("port", 0);
  if (!port) return port.error();
  Json service{{"apiVersion", "v1"},
               {"kind", "Service"},
               {"metadata", {{"name", name}}},
               {"spec",
                {{"selector", labels},
                 {"ports", JsonArray{JsonObject{
                               {"port", *port}, {"protocol", "TCP"}, {"targetPort", *port}}}}}}};
  return create_object(session, "", "services", std::move(service), Telling::plain);
}

Status run(Session& session) {
  const Flags& flags = session.flags;
  if (flags.args().empty()) return usage_error("NAME is required for run");
  if (!flags.has("image")) return usage_error("required flag(s) \"image\" not set");
  if (flags.get("image").find(' ') != std::string::npos) {
    return usage_error(
        fmt::format("Invalid image name \"{}\": invalid reference format", flags.get("image")));
  }
  if (flags.on("expose") && !flags.has("port"))
    return usage_error("--port must be set when exposing a service");
  const std::string name = flags.args()[0];
  JsonObject labels{{"run", name}};
  if (flags.has("labels")) {
    auto given = parse_pairs(flags.get("labels"), "label");
    if (!given) return given.error();
    labels = std::move(*given);
  }
  auto container = container_of(session, name);
  if (!container) return container.error();
  const std::string restart = flags.get("restart", "Always");
  const auto replicas = flags.number("replicas", 1);
  if (!replicas) return replicas.error();
  JsonObject pod_spec{{"containers", JsonArray{*container}}};
  Json object;
  Status made;
  if (restart == "Always") {
    object = {{"apiVersion", "apps/v1"},
              {"kind", "Deployment"},
              {"metadata", {{"name", name}, {"labels", labels}}},
              {"spec",
               {{"replicas", *replicas},
                {"selector", {{"matchLabels", labels}}},
                {"template", {{"metadata", {{"labels", labels}}}, {"spec", pod_spec}}}}}};
    made = create_object(session, "apps", "deployments", std::move(object), Telling::plain);
  } else if (restart == "Never" || restart == "OnFailure") {
    pod_spec["restartPolicy"] = restart;
    object = {{"apiVersion", "v1"},
              {"kind", "Pod"},
              {"metadata", {{"name", name}, {"labels", labels}}},
              {"spec", pod_spec}};
    made = create_object(session, "", "pods", std::move(object), Telling::plain);
  } else {
    return usage_error(fmt::format("invalid restart policy: {}", restart));
  }
  if (made && flags.on("expose")) return expose(session, name, labels);
  return made;
}

}  // namespace

std::vector<Verb> run_verbs() {
  return {{"run", "NAME --image=IMAGE [--port=N] [-- ARGS...]",
           "run an image: a Deployment labelled run=NAME",
           with_report({{"image", "IMAGE", "what to run"},
                        {"port", "N", "the port that it listens on"},
                        {"replicas", "N", "how many of them (1)"},
                        {"restart", "POLICY", "Always: a Deployment; OnFailure, Never: one pod"},
                        {"e,env", "NAME=VALUE", "environment (repeatable)"},
                        {"l,labels", "LABELS", "instead of run=NAME"},
                        {"limits", "AMOUNTS", "cpu=200m,memory=512Mi"},
                        {"requests", "AMOUNTS", "cpu=100m,memory=256Mi"},
                        {"image-pull-policy", "POLICY", "Always, IfNotPresent or Never"},
                        {"command", "", "what stands after -- replaces the image's entry point"},
                        {"expose", "", "with a service of that port"}}),
           run, "  keelson run kel --image=nginx:1.7.9 --port=80\n"}};
}

}  // namespace keelson::cli
