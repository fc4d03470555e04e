// What runs in a cluster, for `keelson status`: nodes, pods, certificate requests, warnings.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/api/time_text.hpp"
#include "tools/cli/cluster/events.hpp"
#include "tools/cli/cluster/human.hpp"
#include "tools/cli/cluster/status.hpp"

namespace keelson::cli {

namespace {

// What takes longer than this is not on its way any more.
constexpr int64_t kPatienceSeconds = 120;
constexpr int64_t kRecentSeconds = 3600;
constexpr std::size_t kGroupsMax = 10, kWarningsMax = 5;

int64_t seconds_since(std::string_view rfc3339, WallTime now) {
  int64_t seconds = 0;
  int32_t nanos = 0;
  if (rfc3339.empty() || !api::parse_time(rfc3339, seconds, nanos)) return 0;
  return now.unix_ns / 1'000'000'000 - seconds;
}

std::string with_message(std::string text, const std::string& message) {
  return message.empty() ? text : text + ": " + message;
}

const Json* condition(const Json& object, std::string_view type) {
  for (const Json& one : list_at(object, "status.conditions")) {
    if (text_at(one, "type") == type) return &one;
  }
  return nullptr;
}

// A list that cannot be had is told, and does not end the report.
Result<Json> list_or_tell(StatusReport& report, Session& session, const std::string& path) {
  auto list = session.list(path, "");
  if (!list) report.fact("cannot be read: " + list.error().message);
  return list;
}

// Why a pod is not as it should be; empty: it is, or it is on its way.
struct Ill {
  std::string reason, detail;
};

Ill illness_of_waiting(const Json& status, const Json& pod, WallTime now) {
  const std::string reason = text_at(status, "state.waiting.reason");
  if (reason.empty()) return {};
  const bool starting = reason == "ContainerCreating" || reason == "PodInitializing";
  if (starting && seconds_since(text_at(pod, "metadata.creationTimestamp"), now) < kPatienceSeconds)
    return {};
  const bool image = reason.find("Image") != reason.npos;
  if (image) return {reason, text_at(status, "image")};
  if (reason == "CrashLoopBackOff") {
    const std::string code = text_at(status, "lastState.terminated.exitCode");
    return {reason, fmt::format("container {}{}", text_at(status, "name"),
                                code.empty() ? "" : " ended with " + code)};
  }
  return {reason, text_at(status, "state.waiting.message")};
}

Ill illness_of(const Json& pod, WallTime now) {
  const std::string phase = text_at(pod, "status.phase");
  if (phase == "Succeeded" || phase == "Failed") return {};
  if (const std::string deleted = text_at(pod, "metadata.deletionTimestamp"); !deleted.empty()) {
    if (seconds_since(deleted, now) < kPatienceSeconds) return {};
    return {"Terminating", "does not end; is its node gone?"};
  }
  for (const char* list : {"status.initContainerStatuses", "status.containerStatuses"}) {
    for (const Json& status : list_at(pod, list)) {
      if (Ill ill = illness_of_waiting(status, pod, now); !ill.reason.empty()) return ill;
    }
  }
  const Json* scheduled = condition(pod, "PodScheduled");
  if (scheduled && text_at(*scheduled, "status") == "False") {
    return {text_at(*scheduled, "reason", "Pending"), text_at(*scheduled, "message")};
  }
  const int64_t old = seconds_since(text_at(pod, "metadata.creationTimestamp"), now);
  if (phase != "Running") {
    if (old < kPatienceSeconds) return {};
    if (text_at(pod, "spec.nodeName").empty()) return {"Pending", "no scheduler has looked at it"};
    return {"Pending", "node " + text_at(pod, "spec.nodeName") + " does not start it"};
  }
  const Json* ready = condition(pod, "Ready");
  if (ready && text_at(*ready, "status") != "True" &&
      seconds_since(text_at(*ready, "lastTransitionTime"), now) >= kPatienceSeconds) {
    return {"NotReady", text_at(*ready, "message")};
  }
  return {};
}

}  // namespace

void report_nodes(StatusReport& report, Session& session) {
  report.section("Nodes");
  const auto nodes = list_or_tell(report, session, "/api/v1/nodes");
  if (!nodes) return;
  const WallTime now = session.io.now();
  std::size_t ready = 0, cordoned = 0;
  std::vector<std::string> down, pressed;
  for (const Json& node : list_at(*nodes, "items")) {
    const std::string name = text_at(node, "metadata.name");
    cordoned += true_at(node, "spec.unschedulable");
    const Json* is_ready = condition(node, "Ready");
    if (is_ready && text_at(*is_ready, "status") == "True") {
      ++ready;
    } else if (!is_ready) {
      down.push_back(name + " has not said anything yet");
    } else {
      const bool silent = text_at(*is_ready, "status") == "Unknown";
      down.push_back(
          with_message(fmt::format("{} {} {}", name, silent ? "is silent for" : "is not Ready for",
                                   age(text_at(*is_ready, "lastTransitionTime"), now)),
                       text_at(*is_ready, "message", text_at(*is_ready, "reason"))));
    }
    for (const char* type :
         {"MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"}) {
      const Json* one = condition(node, type);
      if (one && text_at(*one, "status") == "True") {
        pressed.push_back(with_message(name + " has " + type, text_at(*one, "message")));
      }
    }
  }
  const std::size_t all = list_at(*nodes, "items").size();
  if (all == 0) {
    return report.wrong("there are no nodes",
                        "none: `keelson token create --print-join-command` on a control "
                        "plane prints what makes one");
  }
  report.fact(fmt::format("{} of {} Ready{}", ready, all,
                          cordoned == 0 ? "" : fmt::format(", {} cordoned", cordoned)));
  const auto tell = [&](const std::vector<std::string>& lines, const std::string& brief) {
    for (std::size_t i = 0; i < lines.size(); ++i)
      i == 0 ? report.wrong(brief, lines[i]) : report.more_wrong(lines[i]);
  };
  tell(down, fmt::format("{} of {} {} not Ready", down.size(), counted(all, "node"),
                         down.size() == 1 ? "is" : "are"));
  tell(pressed, "nodes run short");
}

void report_pods(StatusReport& report, Session& session) {
  report.section("Pods");
  const auto pods = list_or_tell(report, session, "/api/v1/pods");
  if (!pods) return;
  std::map<std::string, std::size_t> phases;
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> groups;
  std::size_t ill = 0;
  for (const Json& pod : list_at(*pods, "items")) {
    const Ill why = illness_of(pod, session.io.now());
    if (why.reason.empty()) {
      const bool ends = find(pod, "metadata.deletionTimestamp") != nullptr;
      ++phases[ends ? "Terminating" : text_at(pod, "status.phase", "Pending")];
    } else {
      ++ill;
      groups[{why.reason, why.detail}].push_back(text_at(pod, "metadata.namespace") + "/" +
                                                 text_at(pod, "metadata.name"));
    }
  }
  std::string line;
  for (const auto& [phase, count] : phases)
    line += fmt::format("{}{} {}", line.empty() ? "" : ", ", count, phase);
  report.fact(line.empty() ? (ill == 0 ? "none" : "none runs") : line);
  std::size_t told = 0;
  for (const auto& [why, names] : groups) {
    if (told == kGroupsMax) {
      report.more_wrong(fmt::format("and {} more reasons", groups.size() - kGroupsMax));
      break;
    }
    const std::string text = fmt::format("{} {} ({}{})", counted(names.size(), "pod"),
                                         with_message(why.first, why.second), names.front(),
                                         names.size() > 1 ? ", ..." : "");
    if (told++ == 0) {
      report.wrong(fmt::format("{} {} not run", counted(ill, "pod"), ill == 1 ? "does" : "do"),
                   text);
    } else {
      report.more_wrong(text);
    }
  }
}

void report_requests(StatusReport& report, Session& session) {
  const auto list = session.list("/apis/certificates.k8s.io/v1/certificatesigningrequests", "");
  if (!list) return;
  report.section("Requests");
  const WallTime now = session.io.now();
  std::size_t pending = 0;
  std::vector<std::string> overdue;
  for (const Json& one : list_at(*list, "items")) {
    if (!list_at(one, "status.conditions").empty()) continue;
    ++pending;
    const std::string created = text_at(one, "metadata.creationTimestamp");
    // Nodes' own are approved by the controllers; others wait for people, who need not hurry.
    const bool of_node = text_at(one, "spec.signerName").find("kubelet") != std::string::npos;
    if (of_node && seconds_since(created, now) > kPatienceSeconds) {
      overdue.push_back(
          fmt::format("{} of {} for {}: `kubectl certificate approve {}` if it is one of yours",
                      text_at(one, "metadata.name"), text_at(one, "spec.username"),
                      age(created, now), text_at(one, "metadata.name")));
    }
  }
  report.fact(pending == 0 ? "no certificate request waits"
                           : counted(pending, "certificate request") + " pending");
  for (std::size_t i = 0; i < overdue.size(); ++i) {
    i == 0 ? report.wrong("nodes wait for certificates", overdue[i])
           : report.more_wrong(overdue[i]);
  }
}

void report_warnings(StatusReport& report, Session& session) {
  const auto list = session.list("/api/v1/events", "fieldSelector=type%3DWarning");
  if (!list) return;
  const WallTime now = session.io.now();
  std::vector<const Json*> recent;
  for (const Json& event : list_at(*list, "items")) {
    const int64_t old = seconds_since(event_time(event), now);
    if (text_at(event, "type") == "Warning" && old < kRecentSeconds) recent.push_back(&event);
  }
  std::ranges::stable_sort(
      recent, [](const Json* a, const Json* b) { return event_time(*a) > event_time(*b); });
  report.section("Warnings");
  if (recent.empty()) return report.fact("none in the last hour");
  std::size_t shown = 0;
  std::set<std::string> seen;
  for (const Json* event : recent) {
    const std::string whose =
        text_at(*event, "involvedObject.kind") + " " + text_at(*event, "involvedObject.name");
    // Messages of one trouble differ in details: the newest stands for them.
    if (!seen.insert(whose + "/" + text_at(*event, "reason")).second) continue;
    if (shown++ == kWarningsMax) {
      report.fact("more: keelson events -A --types=Warning");
      break;
    }
    report.fact(fmt::format("{}  {}: {}", event_age(*event, now), whose,
                            with_message(text_at(*event, "reason"), text_at(*event, "message"))));
  }
}

}  // namespace keelson::cli
