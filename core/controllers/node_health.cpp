#include "core/controllers/node_health.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "core/api/json.hpp"
#include "core/base/seeded_bug.hpp"

namespace keelson::controllers {

std::string_view to_string(NodeVerdict verdict) {
  switch (verdict) {
    case NodeVerdict::alive: return "alive";
    case NodeVerdict::suspect: return "suspect";
    case NodeVerdict::dead: return "dead";
    case NodeVerdict::unknown: return "unknown";
  }
  return "";
}

bool LifeSigns::beat(const api::Beat& beat, Duration observed_now) {
  renew_time = beat.renew_time;
  if (has_beat && beat.seq == seq) return false;
  has_beat = true;
  seq = beat.seq;
  changed_at = observed_now;
  return true;
}

bool LifeSigns::status(const api::Node& node, Duration observed_now) {
  const api::NodeCondition* ready = find_condition(node, "Ready");
  has_status = ready != nullptr;
  if (!ready) return false;
  const std::pair<int64_t, int32_t> time{ready->last_heartbeat_time().seconds(),
                                         ready->last_heartbeat_time().nanos()};
  if (time == status_time) return false;
  status_time = time;
  // Only controllers write Unknown: that is no sign of life.
  if (ready->status() == "Unknown") return false;
  changed_at = observed_now;
  return true;
}

Duration silence_of(const LifeSigns& signs, Duration observed_now, WallTime wall_now) {
  if (seeded(SeededBug::lease_wallclock) && signs.has_beat) {
    return Duration{wall_now.unix_ns - signs.renew_time.unix_ns};
  }
  return observed_now - signs.changed_at;
}

Duration grace_of(const LifeSigns& signs, const NodeTiming& timing) {
  return signs.has_status ? timing.grace : timing.startup_grace;
}

NodeVerdict judge(const LifeSigns& signs, bool confirmed_dead, const NodeTiming& timing,
                  Duration observed_now, WallTime wall_now) {
  if (confirmed_dead) return NodeVerdict::dead;
  const Duration silence = silence_of(signs, observed_now, wall_now);
  if (silence >= grace_of(signs, timing)) return NodeVerdict::unknown;
  // A node that has never reported is starting up: there is nothing to be suspicious about.
  if (timing.witnesses && signs.has_status && silence >= timing.suspect_after) {
    return NodeVerdict::suspect;
  }
  return NodeVerdict::alive;
}

const api::NodeCondition* find_condition(const api::Node& node, std::string_view type) {
  for (const auto& condition : node.status().conditions()) {
    if (condition.type() == type) return &condition;
  }
  return nullptr;
}

Readiness readiness_of(const api::Node& node) {
  const api::NodeCondition* ready = find_condition(node, "Ready");
  if (!ready) return Readiness::absent;
  if (ready->status() == "True") return Readiness::yes;
  return ready->status() == "False" ? Readiness::no : Readiness::unknown;
}

std::optional<api::Node> with_conditions_unknown(const api::Node& node, WallTime wall_now,
                                                 const std::string& message) {
  static constexpr std::array<std::string_view, 4> kTypes{"Ready", "MemoryPressure", "DiskPressure",
                                                          "PIDPressure"};
  const bool done = std::all_of(kTypes.begin(), kTypes.end(), [&](std::string_view type) {
    const api::NodeCondition* condition = find_condition(node, type);
    return condition && condition->status() == "Unknown";
  });
  if (done) return std::nullopt;

  api::Node changed = node;
  for (const std::string_view type : kTypes) {
    api::NodeCondition* condition = nullptr;
    for (auto& candidate : *changed.mutable_status()->mutable_conditions()) {
      if (candidate.type() == type) condition = &candidate;
    }
    if (!condition) {
      condition = changed.mutable_status()->add_conditions();
      condition->set_type(std::string(type));
      condition->set_reason("NodeStatusNeverUpdated");
      condition->set_message("Kubelet never posted node status.");
      *condition->mutable_last_heartbeat_time() = node.metadata().creation_timestamp();
    } else if (condition->status() != "Unknown") {
      condition->set_reason("NodeStatusUnknown");
      condition->set_message(message);
    } else {
      continue;
    }
    condition->set_status("Unknown");
    *condition->mutable_last_transition_time() = api::to_time(wall_now);
  }
  return changed;
}

bool has_taint(const api::Node& node, std::string_view key, std::string_view effect) {
  for (const auto& taint : node.spec().taints()) {
    if (taint.key() == key && taint.effect() == effect) return true;
  }
  return false;
}

bool declared_dead(const api::Node& node) {
  return has_taint(node, kTaintOutOfService, "NoExecute") &&
         node.metadata().annotations().contains(std::string(kDeclaredDead));
}

namespace {

// One taint that this controller is in charge of, and whether it should be there.
struct OwnTaint {
  std::string_view key;
  std::string_view effect;
  bool wanted;
  std::string_view value = {};
};

bool condition_is(const api::Node& node, std::string_view type, std::string_view status) {
  const api::NodeCondition* condition = find_condition(node, type);
  return condition && condition->status() == status;
}

std::vector<OwnTaint> own_taints(const api::Node& node, const TaintGoal& goal) {
  const Readiness ready = readiness_of(node);
  const bool not_ready = ready == Readiness::no;
  const bool unreachable = ready == Readiness::unknown;
  const auto on = [&](std::string_view type) { return condition_is(node, type, "True"); };
  std::vector<OwnTaint> taints{
      {"node.kubernetes.io/unschedulable", "NoSchedule", node.spec().unschedulable()},
      {"node.kubernetes.io/memory-pressure", "NoSchedule", on("MemoryPressure")},
      {"node.kubernetes.io/disk-pressure", "NoSchedule", on("DiskPressure")},
      {"node.kubernetes.io/pid-pressure", "NoSchedule", on("PIDPressure")},
      {"node.kubernetes.io/network-unavailable", "NoSchedule", on("NetworkUnavailable")},
  };
  // A node that has never posted a status keeps the taint with which it registered.
  if (ready != Readiness::absent) {
    taints.push_back({kTaintNotReady, "NoSchedule", not_ready});
    taints.push_back({kTaintUnreachable, "NoSchedule", unreachable});
  }
  if (goal.execute != TaintGoal::Execute::keep) {
    const bool set = goal.execute == TaintGoal::Execute::set;
    taints.push_back({kTaintNotReady, "NoExecute", set && not_ready});
    taints.push_back({kTaintUnreachable, "NoExecute", set && unreachable});
  }
  if (goal.out_of_service != TaintGoal::OutOfService::keep) {
    const bool set = goal.out_of_service == TaintGoal::OutOfService::set;
    taints.push_back({kTaintOutOfService, "NoExecute", set, "nodeshutdown"});
  }
  return taints;
}

}  // namespace

std::optional<api::Node> with_taints(const api::Node& node, const TaintGoal& goal,
                                     WallTime wall_now) {
  const std::vector<OwnTaint> own = own_taints(node, goal);
  const bool done = std::all_of(own.begin(), own.end(), [&](const OwnTaint& taint) {
    return has_taint(node, taint.key, taint.effect) == taint.wanted;
  });
  if (done) return std::nullopt;

  api::Node changed = node;
  auto& taints = *changed.mutable_spec()->mutable_taints();
  for (const OwnTaint& taint : own) {
    if (has_taint(node, taint.key, taint.effect) == taint.wanted) continue;
    if (taint.wanted) {
      api::Taint* added = taints.Add();
      added->set_key(std::string(taint.key));
      added->set_value(std::string(taint.value));
      added->set_effect(std::string(taint.effect));
      *added->mutable_time_added() = api::to_time(wall_now);
      continue;
    }
    for (int i = taints.size() - 1; i >= 0; --i) {
      if (taints[i].key() == taint.key && taints[i].effect() == taint.effect) {
        taints.DeleteSubrange(i, 1);
      }
    }
  }
  auto& annotations = *changed.mutable_metadata()->mutable_annotations();
  if (goal.out_of_service == TaintGoal::OutOfService::set &&
      !has_taint(node, kTaintOutOfService, "NoExecute")) {
    annotations[std::string(kDeclaredDead)] = goal.declared_dead;
  } else if (goal.out_of_service == TaintGoal::OutOfService::clear) {
    annotations.erase(std::string(kDeclaredDead));
  }
  return changed;
}

bool pod_ready(const api::Pod& pod) {
  for (const auto& condition : pod.status().conditions()) {
    if (condition.type() == "Ready") return condition.status() == "True";
  }
  return false;
}

std::optional<api::Pod> with_pod_not_ready(const api::Pod& pod, WallTime wall_now) {
  if (!pod_ready(pod)) return std::nullopt;
  api::Pod changed = pod;
  for (auto& condition : *changed.mutable_status()->mutable_conditions()) {
    if (condition.type() != "Ready") continue;
    condition.set_status("False");
    *condition.mutable_last_transition_time() = api::to_time(wall_now);
  }
  return changed;
}

}  // namespace keelson::controllers
