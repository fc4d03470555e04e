// logs: what containers have printed.
#include <fmt/format.h>

#include "tools/cli/cluster/human.hpp"
#include "tools/cli/cluster/pods.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

struct Source {
  std::string ns, pod, container;
};

Result<std::string> query_of(const Session& session, const std::string& container) {
  const Flags& flags = session.flags;
  std::string query = "container=" + encode_query(container);
  for (const auto& [flag, name] : {std::pair{"follow", "follow"}, std::pair{"previous", "previous"},
                                   std::pair{"timestamps", "timestamps"}}) {
    if (flags.on(flag)) query += fmt::format("&{}=true", name);
  }
  if (flags.has("since") && flags.has("since-time")) {
    return usage_error("at most one of `sinceTime` or `sinceSeconds` may be specified");
  }
  if (flags.has("since")) {
    const auto since = parse_duration(flags.get("since"));
    if (!since || since->count() <= 0) return usage_error("invalid --since: " + flags.get("since"));
    query += fmt::format("&sinceSeconds={}", (since->count() + 999'999'999) / 1'000'000'000);
  }
  if (flags.has("since-time")) query += "&sinceTime=" + encode_query(flags.get("since-time"));
  const auto tail = flags.number("tail", flags.has("selector") ? 10 : -1);
  if (!tail) return tail.error();
  if (*tail < -1) return usage_error("--tail must be greater than or equal to -1");
  if (*tail >= 0) query += fmt::format("&tailLines={}", *tail);
  const auto bytes = flags.number("limit-bytes", 0);
  if (!bytes) return bytes.error();
  if (*bytes > 0) query += fmt::format("&limitBytes={}", *bytes);
  return query;
}

Status print_one(Session& session, const Source& source) {
  auto query = query_of(session, source.container);
  if (!query) return query.error();
  const std::string prefix =
      session.flags.on("prefix") ? fmt::format("[pod/{}/{}] ", source.pod, source.container) : "";
  bool line_begins = true;
  const auto on_data = [&](std::string_view data) {
    if (prefix.empty()) {
      session.io.out(data);
      return true;
    }
    std::string out;
    for (const char c : data) {
      if (line_begins) out += prefix;
      out += c;
      line_begins = c == '\n';
    }
    session.io.out(out);
    return true;
  };
  const Resource pods{.group = "", .version = "v1", .plural = "pods", .namespaced = true};
  auto reply = session.api.stream(
      {.path = pods.path(source.ns, source.pod, "log") + "?" + *query, .accept = "*/*"}, on_data);
  if (!reply) return reply.error();
  if (reply->status >= 400) return failure_of(*reply);
  return {};
}

Status add_sources(Session& session, const Found& pod, std::vector<Source>& out) {
  if (session.flags.on("all-containers")) {
    for (const char* list : {"spec.initContainers", "spec.containers"}) {
      for (const Json& one : list_at(pod.object, list))
        out.push_back({pod.ns, pod.name, text_at(one, "name")});
    }
    return {};
  }
  const auto& args = session.flags.args();
  const std::string given = session.flags.get("container", args.size() > 1 ? args[1] : "");
  auto container = container_of(session, pod.object, given);
  if (!container) return container.error();
  out.push_back({pod.ns, pod.name, *container});
  return {};
}

Status logs(Session& session) {
  const auto& args = session.flags.args();
  std::vector<Source> sources;
  if (session.flags.has("selector")) {
    auto pods = fetch(session, {"pods"}, false);
    if (!pods) return pods.error();
    if (pods->empty()) {
      session.io.err(fmt::format("No resources found in {} namespace.\n", session.ns));
      return {};
    }
    for (const Found& pod : *pods) {
      if (auto ok = add_sources(session, pod, sources); !ok) return ok;
    }
  } else {
    if (args.empty()) {
      return usage_error(
          "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a "
          "required "
          "argument for the logs command\nSee 'keelson logs -h' for help and examples");
    }
    auto pods = pods_of(session, args[0]);
    if (!pods) return pods.error();
    if (pods->size() > 1)
      session.io.err(
          fmt::format("Found {} pods, using pod/{}\n", pods->size(), pods->front().name));
    if (auto ok = add_sources(session, pods->front(), sources); !ok) return ok;
  }
  if (session.flags.on("follow") && sources.size() > 1) {
    return usage_error("-f follows one container: choose it by its pod and -c");
  }
  for (const Source& source : sources) {
    if (auto ok = print_one(session, source); !ok) {
      if (sources.size() == 1) return ok;
      session.complain(ok.error());
    }
  }
  return {};
}

}  // namespace

std::vector<Verb> logs_verbs() {
  return {{"logs",
           "POD | TYPE/NAME [-c CONTAINER]",
           "show what a container has printed",
           {{"f,follow", "", "go on with what it prints"},
            {"c,container", "NAME", "of the pod"},
            {"p,previous", "", "of the container's run before this one"},
            {"tail", "N", "only the last lines; -1: all"},
            {"since", "TIME", "only the last 10s, 5m, 2h"},
            {"since-time", "TIME", "only from this time on (RFC 3339)"},
            {"timestamps", "", "with the time of every line"},
            {"limit-bytes", "N", "no more than this"},
            {"all-containers", "", "of the pod, one after the other"},
            {"prefix", "", "with pod and container before every line"},
            {"l,selector", "LABELS", "all pods with these labels"}},
           logs,
           "  keelson logs deploy/kel --tail=20\n  keelson logs -f kel-7d9c-x2x4z -c kel\n"}};
}

}  // namespace keelson::cli
