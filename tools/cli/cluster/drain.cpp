// cordon, uncordon, drain.
#include <fmt/format.h>

#include <algorithm>

#include "tools/cli/cluster/human.hpp"
#include "tools/cli/cluster/targets.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {

namespace {

constexpr auto kRetryAfter =
    std::chrono::seconds(5);  // as kubectl, where a budget forbids an eviction
constexpr auto kDrainPollEvery = std::chrono::seconds(1);

std::vector<std::string> node_words(const Session& session) {
  std::vector<std::string> words{"nodes"};
  const auto& args = session.flags.args();
  if (!args.empty() && args[0].find('/') != std::string::npos) return args;
  words.insert(words.end(), args.begin(), args.end());
  return words;
}

Result<std::vector<Found>> nodes_of(Session& session) {
  if (session.flags.args().empty() && !session.flags.has("selector")) {
    return usage_error("USAGE: a node's name, or --selector");
  }
  return fetch(session, node_words(session), true);
}

Status set_schedulable(Session& session, const Found& node, bool schedulable) {
  const bool now = !true_at(node.object, "spec.unschedulable");
  const std::string word = schedulable ? "uncordoned" : "cordoned";
  if (now == schedulable) return session.report(node.resource, node.object, "already " + word);
  if (session.dry_run() != "client") {
    const Json value = schedulable ? Json(nullptr) : Json(true);
    auto changed = session.send("PATCH", node.path(), {{"spec", {{"unschedulable", value}}}},
                                patch::strategic);
    if (!changed) return changed.error();
  }
  return session.report(node.resource, node.object, word);
}

Status cordon_all(Session& session, bool schedulable) {
  auto nodes = nodes_of(session);
  if (!nodes) return nodes.error();
  for (const Found& node : *nodes) {
    if (auto ok = set_schedulable(session, node, schedulable); !ok) session.complain(ok.error());
  }
  return {};
}

Status cordon(Session& session) {
  return cordon_all(session, false);
}
Status uncordon(Session& session) {
  return cordon_all(session, true);
}

std::string full_name(const Json& pod) {
  return text_at(pod, "metadata.namespace") + "/" + text_at(pod, "metadata.name");
}

const Json* controller_of(const Json& pod) {
  for (const Json& owner : list_at(pod, "metadata.ownerReferences")) {
    if (true_at(owner, "controller")) return &owner;
  }
  return nullptr;
}

// What drain may do with the pods of a node.
struct Sorted {
  std::vector<Json> evict;
  std::vector<std::string> daemons, unmanaged, with_data;
};

Sorted sort_pods(const JsonArray& pods) {
  Sorted out;
  for (const Json& pod : pods) {
    const JsonObject& annotations = map_at(pod, "metadata.annotations");
    if (annotations.contains("kubernetes.io/config.mirror")) continue;  // the node's own
    const std::string phase = text_at(pod, "status.phase");
    const bool finished = phase == "Succeeded" || phase == "Failed";
    const Json* controller = controller_of(pod);
    if (controller && text_at(*controller, "kind") == "DaemonSet" && !finished) {
      out.daemons.push_back(full_name(pod));
      continue;
    }
    if (!controller && !finished) out.unmanaged.push_back(full_name(pod));
    for (const Json& volume : list_at(pod, "spec.volumes")) {
      if (find(volume, "emptyDir") && !finished) {
        out.with_data.push_back(full_name(pod));
        break;
      }
    }
    out.evict.push_back(pod);
  }
  return out;
}

std::string joined(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

Status check(Session& session, const Sorted& pods, const std::string& node) {
  std::vector<std::string> all;
  const auto add = [&](const std::string& text) { all.push_back(text); };
  if (!pods.with_data.empty() && !session.flags.on("delete-emptydir-data")) {
    add("cannot delete Pods with local storage (use --delete-emptydir-data to override): " +
        joined(pods.with_data));
  }
  if (!pods.unmanaged.empty() && !session.flags.on("force")) {
    add("cannot delete Pods that declare no controller (use --force to override): " +
        joined(pods.unmanaged));
  }
  if (!pods.daemons.empty() && !session.flags.on("ignore-daemonsets")) {
    add("cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): " +
        joined(pods.daemons));
  }
  if (!all.empty()) {
    const std::string wrong = all.size() == 1 ? all[0] : "[" + joined(all) + "]";
    return usage_error(
        fmt::format("unable to drain node \"{}\" due to error: {}, continuing command...\n"
                    "There are pending nodes to be drained:\n {}\n{}",
                    node, wrong, node, wrong));
  }
  std::string warning;
  if (!pods.unmanaged.empty())
    warning = "deleting Pods that declare no controller: " + joined(pods.unmanaged);
  if (!pods.daemons.empty()) {
    warning += (warning.empty() ? "" : "; ") +
               ("ignoring DaemonSet-managed Pods: " + joined(pods.daemons));
  }
  if (!warning.empty()) session.io.err("Warning: " + warning + "\n");
  return {};
}

// One eviction or deletion; Code::unavailable: a budget forbids it for now.
Status expel(Session& session, const Json& pod, const Resource& pods) {
  const std::string ns = text_at(pod, "metadata.namespace"), name = text_at(pod, "metadata.name");
  JsonObject options{{"preconditions", {{"uid", text_at(pod, "metadata.uid")}}}};
  const auto grace = session.flags.number("grace-period", -1);
  if (!grace) return grace.error();
  if (*grace >= 0) options["gracePeriodSeconds"] = *grace;
  Result<Json> done = Json();
  if (session.flags.on("disable-eviction")) {
    done = session.send("DELETE", pods.path(ns, name), std::move(options));
  } else {
    done = session.send("POST", pods.path(ns, name, "eviction"),
                        {{"apiVersion", "policy/v1"},
                         {"kind", "Eviction"},
                         {"metadata", {{"name", name}, {"namespace", ns}}},
                         {"deleteOptions", std::move(options)}},
                        "application/json",
                        fmt::format("error when evicting pods/\"{}\" -n \"{}\"", name, ns));
  }
  // Gone, or another one of that name by now: what was wanted.
  if (done || done.code() == Code::not_found || done.code() == Code::conflict) return {};
  return done.error();
}

class Drain {
 public:
  Drain(Session& session, Duration timeout)
      : session_(session), timeout_(timeout), begin_(session.io.now()) {}

  Status run(const Found& node) {
    auto type = session_.resource("pods");
    if (!type) return type.error();
    pods_ = *type;
    auto list = session_.list(
        pods_.path(""),
        "fieldSelector=" + encode_query("spec.nodeName=" + node.name) +
            (session_.flags.has("pod-selector")
                 ? "&labelSelector=" + encode_query(session_.flags.get("pod-selector"))
                 : ""));
    if (!list) return list.error();
    const Sorted sorted = sort_pods(list_at(*list, "items"));
    if (auto ok = check(session_, sorted, node.name); !ok) return ok;
    const bool dry = session_.dry_run() != "none";
    std::vector<Json> leaving;
    for (const Json& pod : sorted.evict) {
      session_.io.out(fmt::format(
          "{} pod {}{}\n", session_.flags.on("disable-eviction") ? "deleting" : "evicting",
          full_name(pod),
          dry ? fmt::format(" ({}dry run)", session_.dry_run() == "server" ? "server " : "") : ""));
      if (session_.dry_run() == "client") continue;
      if (auto ok = expel_patiently(pod); !ok) return ok;
      leaving.push_back(pod);
    }
    if (!dry) {
      for (const Json& pod : leaving) {
        if (auto ok = wait_gone(pod); !ok) return ok;
      }
    }
    return session_.report(node.resource, node.object, "drained");
  }

 private:
  bool late() const {
    return timeout_.count() > 0 && session_.io.now().unix_ns - begin_.unix_ns > timeout_.count();
  }

  Status expel_patiently(const Json& pod) {
    for (;;) {
      Status done = expel(session_, pod, pods_);
      if (done || done.code() != Code::unavailable ||
          done.message().find("TooManyRequests") == std::string::npos) {
        return done;
      }
      session_.io.err(
          fmt::format("error when evicting pods/\"{}\" -n \"{}\" (will retry after 5s): {}\n",
                      text_at(pod, "metadata.name"), text_at(pod, "metadata.namespace"),
                      done.message().substr(done.message().rfind("\": ") == std::string::npos
                                                ? 0
                                                : done.message().rfind("\": ") + 3)));
      if (late())
        return usage_error("drain did not complete within " + session_.flags.get("timeout"));
      session_.io.sleep(kRetryAfter);
      session_.io.out("evicting pod " + full_name(pod) + "\n");
    }
  }

  Status wait_gone(const Json& pod) {
    for (;;) {
      auto reply = session_.api.call(
          {.path = pods_.path(text_at(pod, "metadata.namespace"), text_at(pod, "metadata.name"))});
      if (!reply) return reply.error();
      if (reply->status == 404 ||
          (reply->status < 400 &&
           text_at(parse_tree(reply->body), "metadata.uid") != text_at(pod, "metadata.uid"))) {
        session_.io.out(fmt::format("pod/{} evicted\n", text_at(pod, "metadata.name")));
        return {};
      }
      if (reply->status >= 400) return failure_of(*reply);
      if (late())
        return usage_error("drain did not complete within " + session_.flags.get("timeout"));
      session_.io.sleep(kDrainPollEvery);
    }
  }

  Session& session_;
  Duration timeout_;
  WallTime begin_;
  Resource pods_;
};

Status drain(Session& session) {
  const auto timeout = parse_duration(session.flags.get("timeout", "0s"));
  if (!timeout) return usage_error("invalid --timeout: " + session.flags.get("timeout"));
  auto nodes = nodes_of(session);
  if (!nodes) return nodes.error();
  for (const Found& node : *nodes) {
    if (auto ok = set_schedulable(session, node, false); !ok) return ok;
  }
  for (const Found& node : *nodes) {
    if (auto ok = Drain(session, *timeout).run(node); !ok) session.complain(ok.error());
  }
  return {};
}

}  // namespace

std::vector<Verb> drain_verbs() {
  const FlagSpec selector{"l,selector", "LABELS", "all nodes with these labels"};
  const FlagSpec dry{"dry-run", "MODE", "none, server or client", "client"};
  return {{"cordon", "NODE...", "let no new pods onto a node", {selector, dry}, cordon},
          {"uncordon", "NODE...", "let pods onto a node again", {selector, dry}, uncordon},
          {"drain",
           "NODE...",
           "move all pods off a node, as their budgets allow",
           {selector,
            dry,
            {"force", "", "also pods that nothing will make again"},
            {"ignore-daemonsets", "", "leave the pods of daemon sets"},
            {"delete-emptydir-data", "", "also pods whose data goes with them"},
            {"grace-period", "SECONDS", "instead of the pods' own"},
            {"timeout", "TIME", "give up after this time; 0: never"},
            {"pod-selector", "LABELS", "only these pods"},
            {"disable-eviction", "", "delete them, whatever their budgets say"}},
           drain,
           "  keelson drain n1 --ignore-daemonsets\n"}};
}

}  // namespace keelson::cli
