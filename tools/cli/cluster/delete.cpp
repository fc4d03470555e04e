// delete: by name, by selector or by manifest; waits until the objects are gone.
#include <fmt/format.h>

#include "tools/cli/cluster/human.hpp"
#include "tools/cli/cluster/targets.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

constexpr auto kPollEvery = std::chrono::milliseconds(200);
constexpr auto kPollEveryMax = std::chrono::seconds(2);

struct Doomed {
  Target target;
  std::string uid;
};

Result<Json> options_of(const Session& session) {
  JsonObject options;
  const std::string cascade = session.flags.get("cascade", "background");
  if (cascade == "background" || cascade == "true") {
    options["propagationPolicy"] = "Background";
  } else if (cascade == "foreground") {
    options["propagationPolicy"] = "Foreground";
  } else if (cascade == "orphan" || cascade == "false") {
    options["propagationPolicy"] = "Orphan";
  } else {
    return usage_error(fmt::format(
        "invalid cascade value ({}). Must be \"background\", \"foreground\", or \"orphan\"",
        cascade));
  }
  const auto grace = session.flags.number("grace-period", -1);
  if (!grace) return grace.error();
  int64_t seconds = *grace;
  if (session.flags.on("now")) {
    if (seconds != -1) return usage_error("--now and --grace-period cannot be specified together");
    seconds = 1;
  }
  // Killing at once is a promise that only --force makes.
  if (seconds == 0 && !session.flags.on("force")) seconds = 1;
  if (session.flags.on("force") && seconds < 0) seconds = 0;
  if (seconds >= 0) options["gracePeriodSeconds"] = seconds;
  return Json(std::move(options));
}

Status wait_gone(Session& session, const std::vector<Doomed>& doomed) {
  const auto timeout = parse_duration(session.flags.get("timeout", "0s"));
  if (!timeout) return usage_error("invalid --timeout: " + session.flags.get("timeout"));
  const WallTime begin = session.io.now();
  for (const Doomed& one : doomed) {
    Duration pause = kPollEvery;
    for (;;) {
      auto reply =
          session.api.call({.path = one.target.resource.path(one.target.ns, one.target.name)});
      if (!reply) return reply.error();
      if (reply->status == 404) break;
      if (reply->status >= 400) return failure_of(*reply);
      const std::string uid = text_at(parse_tree(reply->body), "metadata.uid");
      if (!one.uid.empty() && uid != one.uid) break;  // another one of that name
      if (timeout->count() > 0 && session.io.now().unix_ns - begin.unix_ns > timeout->count()) {
        return usage_error(fmt::format("timed out waiting for the condition on {}/{}",
                                       one.target.resource.plural, one.target.name));
      }
      session.io.sleep(pause);
      pause = std::min<Duration>(pause * 2, kPollEveryMax);
    }
  }
  return {};
}

Result<std::vector<Target>> named_targets(Session& session) {
  if (session.flags.args().empty() && !session.flags.has("filename")) {
    return usage_error("You must provide one or more resources by argument or filename.");
  }
  auto selection = select(session, session.flags.args());
  if (!selection) return selection.error();
  std::vector<Target> out;
  for (const Target& target : selection->targets) {
    if (!target.name.empty()) {
      out.push_back(target);
      continue;
    }
    if (!session.flags.on("all") && !session.flags.has("selector") &&
        !session.flags.has("field-selector")) {
      return usage_error("resource(s) were provided, but no name was specified");
    }
    auto list = session.list(target.resource.path(target.ns), selector_query(session.flags));
    if (!list) return list.error();
    for (const Json& item : list_at(*list, "items")) {
      out.push_back({target.resource, text_at(item, "metadata.namespace"),
                     text_at(item, "metadata.name"), nullptr});
    }
  }
  return out;
}

Status remove(Session& session) {
  auto options = options_of(session);
  if (!options) return options.error();
  auto targets = named_targets(session);
  if (!targets) return targets.error();
  const bool force = session.flags.on("force");
  if (force && number_at(*options, "gracePeriodSeconds", 1) == 0) {
    session.io.err(
        "Warning: Immediate deletion does not wait for confirmation that the running resource has "
        "been terminated. The resource may continue to run on the cluster indefinitely.\n");
  }
  if (targets->empty()) {
    session.io.out("No resources found\n");
    return {};
  }
  std::vector<Doomed> doomed;
  for (const Target& target : *targets) {
    std::string type = target.resource.called("");
    type.pop_back();
    std::string uid;
    if (session.dry_run() != "client") {
      auto answer = session.send("DELETE", target.resource.path(target.ns, target.name), *options);
      if (!answer) {
        const bool gone = answer.code() == Code::not_found;
        if (!gone || !session.flags.on("ignore-not-found")) session.complain(answer.error());
        continue;
      }
      uid = text_at(*answer, text_at(*answer, "kind") == "Status" ? "details.uid" : "metadata.uid");
    }
    const std::string mode = session.dry_run();
    if (session.flags.get("output") == "name") {
      session.io.out(target.resource.called(target.name) + "\n");
    } else {
      session.io.out(fmt::format("{} \"{}\" {}{}\n", type, target.name,
                                 force ? "force deleted" : "deleted",
                                 mode == "client"   ? " (dry run)"
                                 : mode == "server" ? " (server dry run)"
                                                    : ""));
    }
    if (mode == "none") doomed.push_back({target, uid});
  }
  const bool wait = session.flags.has("wait") ? session.flags.on("wait") : !force;
  return wait ? wait_gone(session, doomed) : Status();
}

}  // namespace

std::vector<Verb> delete_verbs() {
  return {{"delete", "TYPE NAME... | TYPE/NAME... | TYPE --all | TYPE -l SELECTOR | -f FILE",
           "delete objects",
           with_selection({{"cascade", "POLICY", "background, foreground or orphan", "background"},
                           {"grace-period", "SECONDS", "how long a pod may take to end"},
                           {"now", "", "the same as --grace-period=1"},
                           {"force", "", "with --grace-period=0: do not wait for the node"},
                           {"wait", "", "return when the objects are gone (default)"},
                           {"timeout", "TIME", "of that wait; 0: no limit"},
                           {"ignore-not-found", "", "what does not exist is no error"},
                           {"o,output", "FORMAT", "name"},
                           {"dry-run", "MODE", "none, server or client", "client"}}),
           remove, "  keelson delete deployment kel\n  keelson delete pods -l run=kel\n"}};
}

}  // namespace keelson::cli
