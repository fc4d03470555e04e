// rollout status, history, undo, pause, resume, restart.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/api/json.hpp"
#include "tools/cli/cluster/describe.hpp"
#include "tools/cli/cluster/human.hpp"
#include "tools/cli/cluster/rollout_state.hpp"
#include "tools/cli/cluster/tabs.hpp"
#include "tools/cli/cluster/targets.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

constexpr std::string_view kRevision = "deployment.kubernetes.io/revision";
constexpr std::string_view kCause = "kubernetes.io/change-cause";

std::string annotation(const Json& object, std::string_view name) {
  const Json* annotations = find(object, "metadata.annotations");
  const Json* value = annotations ? member(*annotations, name) : nullptr;
  return value ? scalar_text(*value) : std::string();
}

Json template_of(const Json& object) {
  const Json* found = find(object, "spec.template");
  return found ? *found : Json();
}

int64_t revision_of(const Json& object) {
  const std::string text = annotation(object, kRevision);
  int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Status wait_rolled_out(Session& session, const Found& found) {
  const auto timeout = parse_duration(session.flags.get("timeout", "0s"));
  if (!timeout) return usage_error("invalid --timeout: " + session.flags.get("timeout"));
  const WallTime begin = session.io.now();
  std::string told;
  Json object = found.object;
  const auto look = [&]() -> Result<bool> {
    auto state = rollout_state(object);
    if (!state) return state.error();
    if (state->text != told) session.io.out(state->text);
    told = state->text;
    return state->done || !(session.flags.has("watch") ? session.flags.on("watch") : true);
  };
  auto done = look();
  while (done && !*done) {
    // A watch that ends (servers end them now and then) goes on from what is there by then.
    auto watched = session.watch(
        found.resource.path(found.ns),
        "fieldSelector=" + encode_query("metadata.name=" + found.name) + "&resourceVersion=" +
            encode_query(text_at(object, "metadata.resourceVersion")) + "&timeoutSeconds=5",
        [&](const Json& event) {
          if (text_at(event, "type") == "DELETED") {
            done = usage_error("object has been deleted");
            return false;
          }
          if (text_at(event, "type") == "BOOKMARK") return true;
          object = *find(event, "object");
          done = look();
          return done && !*done;
        });
    if (!watched && watched.code() != Code::compacted) return watched;
    if (!done || *done) break;
    if (timeout->count() > 0 && session.io.now().unix_ns - begin.unix_ns > timeout->count()) {
      return usage_error("timed out waiting for the condition");
    }
    auto fresh = session.get(found.path());
    if (!fresh) return fresh.error();
    object = std::move(*fresh);
    done = look();
  }
  return done ? Status() : Status(done.error());
}

Status status(Session& session) {
  auto found = fetch_one(session, session.flags.args());
  if (!found) return found.error();
  return wait_rolled_out(session, *found);
}

// The replica sets of a deployment, oldest revision first.
Result<std::vector<Json>> replica_sets(Session& session, const Found& found) {
  const auto known = session.discovery();
  if (!known) return known.error();
  const Resource* type = (*known)->find("apps", "replicasets");
  if (found.resource.kind != "Deployment" || !type) {
    return usage_error(
        fmt::format("no history viewer has been implemented for \"{}\"", found.resource.kind));
  }
  auto list = session.list(type->path(found.ns),
                           "labelSelector=" + encode_query(selector_text(found.object)));
  if (!list) return list.error();
  std::vector<Json> out;
  for (const Json& item : list_at(*list, "items")) {
    for (const Json& owner : list_at(item, "metadata.ownerReferences")) {
      if (text_at(owner, "uid") == text_at(found.object, "metadata.uid")) out.push_back(item);
    }
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Json& a, const Json& b) { return revision_of(a) < revision_of(b); });
  return out;
}

Status history_of(Session& session, const Found& found) {
  auto sets = replica_sets(session, found);
  if (!sets) return sets.error();
  const auto revision = session.flags.number("revision", 0);
  if (!revision) return revision.error();
  std::string text = found.called() + " ";
  if (*revision > 0) {
    const auto at = std::find_if(sets->begin(), sets->end(),
                                 [&](const Json& one) { return revision_of(one) == *revision; });
    if (at == sets->end()) return usage_error("unable to find the specified revision");
    if (session.flags.has("output")) return session.report(found.resource, *at, "");
    text += fmt::format("with revision #{}\n{}\n", *revision, describe_template(template_of(*at)));
  } else {
    if (sets->empty()) {
      session.io.out(text + "\nNo rollout history found.\n");
      return {};
    }
    std::string table = "REVISION\tCHANGE-CAUSE\n";
    for (const Json& one : *sets) {
      const std::string cause = annotation(one, kCause);
      table += fmt::format("{}\t{}\n", revision_of(one), cause.empty() ? "<none>" : cause);
    }
    text += "\n" + align_tabs(table, {0, 2}) + "\n";
  }
  session.io.out(text);
  return {};
}

Status history(Session& session) {
  auto found = fetch(session, session.flags.args(), false);
  if (!found) return found.error();
  for (const Found& one : *found) {
    if (auto ok = history_of(session, one); !ok) session.complain(ok.error());
  }
  return {};
}

Status undo_one(Session& session, const Found& found, int64_t revision) {
  if (true_at(found.object, "spec.paused")) {
    return usage_error(fmt::format(
        "you cannot rollback a paused deployment; resume it first with 'keelson rollout "
        "resume {}' and try again",
        found.called()));
  }
  auto sets = replica_sets(session, found);
  if (!sets) return sets.error();
  const Json* to = nullptr;
  if (revision > 0) {
    for (const Json& one : *sets) {
      if (revision_of(one) == revision) to = &one;
    }
    if (!to)
      return usage_error(fmt::format("unable to find specified revision {} in history", revision));
  } else {
    if (sets->size() < 2)
      return usage_error(fmt::format("no rollout history found for deployment \"{}\"", found.name));
    to = &(*sets)[sets->size() - 2];
  }
  Json pod_template = template_of(*to);
  if (!map_at(pod_template, "metadata.labels").empty()) {
    at_path(pod_template, "metadata.labels").get_object().erase("pod-template-hash");
  }
  if (pod_template == template_of(found.object)) {
    return session.report(
        found.resource, found.object,
        fmt::format("skipped rollback (current template already matches revision {})",
                    revision_of(*to)));
  }
  // The annotations of the deployment become those of the revision, except what is the deployment's
  // own.
  JsonObject annotations;
  constexpr std::string_view kOwn[] = {"kubectl.kubernetes.io/last-applied-configuration",
                                       kRevision,
                                       "deployment.kubernetes.io/revision-history",
                                       "deployment.kubernetes.io/desired-replicas",
                                       "deployment.kubernetes.io/max-replicas",
                                       "deprecated.deployment.rollback.to"};
  const auto own = [&](std::string_view name) {
    return std::find(std::begin(kOwn), std::end(kOwn), name) != std::end(kOwn);
  };
  for (const auto& one : map_at(found.object, "metadata.annotations")) {
    if (own(view(one.key()))) annotations[one.key()] = one.value();
  }
  for (const auto& one : map_at(*to, "metadata.annotations")) {
    if (!own(view(one.key()))) annotations[one.key()] = one.value();
  }
  JsonArray operations;
  operations.push_back(
      JsonObject{{"op", "replace"}, {"path", "/spec/template"}, {"value", pod_template}});
  operations.push_back(
      JsonObject{{"op", "replace"}, {"path", "/metadata/annotations"}, {"value", annotations}});
  if (session.dry_run() != "client") {
    auto changed = session.send("PATCH", found.path(), std::move(operations), patch::json);
    if (!changed) return changed.error();
  }
  return session.report(found.resource, found.object, "rolled back");
}

Status undo(Session& session) {
  const auto revision = session.flags.number("to-revision", 0);
  if (!revision) return revision.error();
  if (*revision < 0) return usage_error("revision must be greater than or equal to 0");
  auto found = fetch(session, session.flags.args(), true);
  if (!found) return found.error();
  for (const Found& one : *found) {
    if (auto ok = undo_one(session, one, *revision); !ok) session.complain(ok.error());
  }
  return {};
}

// One patch for each selected object; `check` says what is wrong with it before.
Status patch_all(Session& session, const std::function<std::string(const Found&)>& check,
                 const Json& body, std::string_view operation) {
  auto found = fetch(session, session.flags.args(), true);
  if (!found) return found.error();
  for (const Found& one : *found) {
    if (const std::string wrong = check(one); !wrong.empty()) {
      session.complain(usage_error(wrong));
      continue;
    }
    Json object = one.object;
    if (session.dry_run() != "client") {
      auto changed = session.send("PATCH", one.path(), body, patch::strategic);
      if (!changed) {
        session.complain(changed.error());
        continue;
      }
      object = std::move(*changed);
    }
    if (auto ok = session.report(one.resource, object, operation); !ok) return ok;
  }
  return {};
}

Status pause(Session& session) {
  return patch_all(
      session,
      [](const Found& one) -> std::string {
        if (one.resource.kind != "Deployment")
          return fmt::format("{} pausing is not supported", one.called());
        if (true_at(one.object, "spec.paused")) {
          return fmt::format("{} \"{}\" is already paused", one.resource.group_resource(),
                             one.name);
        }
        return "";
      },
      {{"spec", {{"paused", true}}}}, "paused");
}

Status resume(Session& session) {
  return patch_all(
      session,
      [](const Found& one) -> std::string {
        if (one.resource.kind != "Deployment")
          return fmt::format("{} resuming is not supported", one.called());
        if (!true_at(one.object, "spec.paused")) {
          return fmt::format("{} \"{}\" is not paused", one.resource.group_resource(), one.name);
        }
        return "";
      },
      {{"spec", {{"paused", nullptr}}}}, "resumed");
}

Status restart(Session& session) {
  Json body = JsonObject();
  at_path(body, "spec.template.metadata.annotations") = {
      {"kubectl.kubernetes.io/restartedAt", api::format_time(session.io.now())}};
  return patch_all(
      session,
      [](const Found& one) -> std::string {
        const std::string& kind = one.resource.kind;
        if (kind != "Deployment" && kind != "DaemonSet" && kind != "StatefulSet") {
          return fmt::format("{} restarting is not supported", one.called());
        }
        if (true_at(one.object, "spec.paused")) {
          return fmt::format("can't restart paused deployment (run rollout resume first)");
        }
        return "";
      },
      body, "restarted");
}

}  // namespace

std::vector<Verb> rollout_verbs() {
  const auto changing = with_report(with_selection({}));
  return {
      {"rollout status", "TYPE/NAME", "wait for a rollout to finish, telling how far it is",
       with_selection({{"w,watch", "", "until it is done (default); --watch=false: look once"},
                       {"timeout", "TIME", "give up after this time; 0: never"}}),
       status, "  keelson rollout status deployment/kel\n"},
      {"rollout history", "TYPE/NAME", "the revisions of a deployment",
       with_selection({{"revision", "N", "show the pod template of this one"},
                       {"o,output", "FORMAT", "json, yaml"}}),
       history},
      {"rollout undo", "TYPE/NAME", "go back to an earlier revision",
       with_report(with_selection({{"to-revision", "N", "to this one; 0: the one before"}})), undo},
      {"rollout pause", "TYPE/NAME", "let changes of a deployment wait", changing, pause},
      {"rollout resume", "TYPE/NAME", "roll out the changes that waited", changing, resume},
      {"rollout restart", "TYPE/NAME", "replace all pods by new ones, as a rollout", changing,
       restart}};
}

}  // namespace keelson::cli
