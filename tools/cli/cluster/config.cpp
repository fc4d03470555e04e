// config: the kubeconfig, without its secrets; and which of its contexts counts.
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/api/yaml.hpp"
#include "tools/cli/cluster/output.hpp"
#include "tools/cli/cluster/tabs.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

void redact(Json& config) {
  const auto hide = [&](std::string_view list, std::string_view part, std::string_view name,
                        const char* with) {
    if (list_at(config, list).empty()) return;
    for (Json& entry : at_path(config, list).get_array()) {
      if (const Json* inner = find(entry, part);
          inner && inner->is_object() && member(*inner, name)) {
        at_path(entry, part).get_object()[{name.data(), name.size()}] = with;
      }
    }
  };
  hide("clusters", "cluster", "certificate-authority-data", "DATA+OMITTED");
  hide("users", "user", "client-certificate-data", "DATA+OMITTED");
  hide("users", "user", "client-key-data", "DATA+OMITTED");
  hide("users", "user", "token", "REDACTED");
  hide("users", "user", "password", "REDACTED");
}

std::string current(const Session& session) {
  const std::string& given = session.connection_flags.context;
  return given.empty() ? text_at(session.kubeconfig, "current-context") : given;
}

const Json* context_named(const Json& config, const std::string& name) {
  for (const Json& entry : list_at(config, "contexts")) {
    if (text_at(entry, "name") == name) return &entry;
  }
  return nullptr;
}

void keep_only(Json& config, const char* list, const std::string& name) {
  JsonArray kept;
  for (const Json& entry : list_at(config, list)) {
    if (text_at(entry, "name") == name) kept.push_back(entry);
  }
  config.get_object()[list] = std::move(kept);
}

Status config_view(Session& session) {
  Json config = session.kubeconfig;
  if (session.flags.on("minify")) {
    const Json* context = context_named(config, current(session));
    if (!context) return usage_error("current-context must exist in order to minify");
    const std::string name = current(session), cluster = text_at(*context, "context.cluster"),
                      user = text_at(*context, "context.user");
    keep_only(config, "contexts", name);
    keep_only(config, "clusters", cluster);
    keep_only(config, "users", user);
    config.get_object()["current-context"] = name;
  }
  if (!session.flags.on("raw")) redact(config);
  if (!session.flags.has("output")) {
    session.io.out(api::yaml_text(config));
    return {};
  }
  auto output = Output::of(session.flags);
  if (!output) return output.error();
  auto text = output->print(config);
  if (!text) return text.error();
  session.io.out(*text);
  return {};
}

Status current_context(Session& session) {
  const std::string name = current(session);
  if (name.empty()) return usage_error("current-context is not set");
  session.io.out(name + "\n");
  return {};
}

Status get_contexts(Session& session) {
  const auto& args = session.flags.args();
  if (!args.empty() && !context_named(session.kubeconfig, args[0]))
    return usage_error(fmt::format("context {} not found", args[0]));
  std::string text = "CURRENT\tNAME\tCLUSTER\tAUTHINFO\tNAMESPACE\n";
  if (session.flags.on("no-headers") || session.flags.get("output") == "name") text.clear();
  for (const Json& entry : list_at(session.kubeconfig, "contexts")) {
    const std::string name = text_at(entry, "name");
    if (!args.empty() && name != args[0]) continue;
    text += session.flags.get("output") == "name"
                ? name + "\n"
                : fmt::format("{}\t{}\t{}\t{}\t{}\n", name == current(session) ? "*" : "", name,
                              text_at(entry, "context.cluster"), text_at(entry, "context.user"),
                              text_at(entry, "context.namespace"));
  }
  session.io.out(align_tabs(text, {6, 3}));
  return {};
}

// Only a file of its own is changed: of several, one cannot know which is meant.
Result<std::string> config_file(const Session& session) {
  if (!session.connection_flags.kubeconfig.empty()) return session.connection_flags.kubeconfig;
  const Surroundings around = real_surroundings();
  if (const auto list = around.env("KUBECONFIG"); list && !list->empty()) {
    if (list->find(':') != std::string::npos)
      return usage_error("$KUBECONFIG names several files: choose one by --kubeconfig");
    return *list;
  }
  const auto home = around.env("HOME");
  if (!home) return usage_error("there is no $HOME: choose a file by --kubeconfig");
  return *home + "/.kube/config";
}

// Over a new file that then takes the old one's place: a kubeconfig is never half written.
Status change_file(const Session& session, const std::function<Status(Json&)>& change) {
  auto file = config_file(session);
  if (!file) return file.error();
  const auto text = real_surroundings().read(*file);
  if (!text) return usage_error(fmt::format("cannot read {}", *file));
  auto documents = api::yaml_documents(*text, *file);
  if (!documents) return usage_error(documents.error().message);
  if (documents->empty() || !documents->front().is_object())
    return usage_error(*file + " is no kubeconfig");
  Json config = std::move(documents->front());
  if (auto ok = change(config); !ok) return ok;
  const std::string fresh = *file + ".new";
  std::error_code problem;
  {
    std::ofstream out(fresh);
    // Keys are in there: for its owner alone, from the first byte on.
    std::filesystem::permissions(
        fresh, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, problem);
    out << api::yaml_text(config);
    if (!out.flush()) return usage_error("cannot write " + fresh);
  }
  std::filesystem::rename(fresh, *file, problem);
  if (problem) return usage_error(fmt::format("cannot write {}: {}", *file, problem.message()));
  return {};
}

Status use_context(Session& session) {
  if (session.flags.args().size() != 1) return usage_error("exactly one context is required");
  const std::string name = session.flags.args()[0];
  auto done = change_file(session, [&](Json& config) -> Status {
    if (!context_named(config, name))
      return usage_error(fmt::format("no context exists with the name: \"{}\"", name));
    config.get_object()["current-context"] = name;
    return {};
  });
  if (done) session.io.out(fmt::format("Switched to context \"{}\".\n", name));
  return done;
}

Status set_context(Session& session) {
  const auto& args = session.flags.args();
  const bool of_current = session.flags.on("current");
  if (of_current == (args.size() == 1)) return usage_error("name a context, or give --current");
  std::string name = of_current ? current(session) : args[0];
  bool made = false;
  auto done = change_file(session, [&](Json& config) -> Status {
    if (!context_named(config, name)) {
      if (of_current) return usage_error("no current context is set");
      made = true;
      Json& list = at_path(config, "contexts");
      if (!list.is_array()) list.emplace_array();
      list.get_array().push_back({{"name", name}, {"context", {{"cluster", ""}, {"user", ""}}}});
    }
    for (Json& entry : at_path(config, "contexts").get_array()) {
      if (text_at(entry, "name") != name) continue;
      for (const char* field : {"cluster", "user", "namespace"}) {
        if (session.flags.has(field))
          at_path(entry, std::string("context.") + field) = session.flags.get(field);
      }
    }
    return {};
  });
  if (done)
    session.io.out(fmt::format("Context \"{}\" {}.\n", name, made ? "created" : "modified"));
  return done;
}

}  // namespace

std::vector<Verb> config_verbs() {
  return {{"config view",
           "",
           "the kubeconfig, without its secrets",
           {{"minify", "", "only what the current context needs"},
            {"raw", "", "with its secrets"},
            {"o,output", "FORMAT", "yaml, json, jsonpath=..."}},
           config_view},
          {"config current-context", "", "the context that counts", {}, current_context},
          {"config get-contexts",
           "[NAME]",
           "all contexts",
           {{"o,output", "FORMAT", "name"}, {"no-headers", "", "without the line of titles"}},
           get_contexts},
          {"config use-context", "NAME", "let another context count", {}, use_context},
          {"config set-context",
           "NAME | --current",
           "change a context: --namespace, --cluster, --user",
           {{"current", "", "the one that counts"}},
           set_context}};
}

}  // namespace keelson::cli
