// Judging one node: pure functions from what was seen of it to what should be written about it.
// Sources: Kubernetes pkg/controller/nodelifecycle (tryUpdateNodeHealth, doNoScheduleTaintingPass),
// KEP-589 (leases as heartbeats), KEP-2268 (out-of-service); guarantees NL-1..NL-3.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/api/request.hpp"
#include "core/controllers/timing.hpp"

namespace keelson::controllers {

inline constexpr std::string_view kTaintNotReady = "node.kubernetes.io/not-ready";
inline constexpr std::string_view kTaintUnreachable = "node.kubernetes.io/unreachable";
inline constexpr std::string_view kTaintOutOfService = "node.kubernetes.io/out-of-service";
// Marks an out-of-service taint as set by this controller; one that an operator set is never
// removed.
inline constexpr std::string_view kDeclaredDead = "keelson.dev/declared-dead";

enum class NodeVerdict : uint8_t {
  alive,    // seen lately, or nothing is known yet
  suspect,  // silent for long enough to ask others about it
  dead,     // and witnesses confirm that it is gone
  unknown,  // silent for the whole grace period
};
std::string_view to_string(NodeVerdict verdict);

// The life signs of a node, stamped with the controller's observed time. Only changes count: the
// values themselves, the node's clock among them, decide nothing.
struct LifeSigns {
  Duration first_seen{};
  Duration changed_at{};
  bool has_beat = false;
  uint64_t seq = 0;
  WallTime renew_time;  // shown to people (and misused by the seeded bug lease_wallclock)
  std::pair<int64_t, int32_t> status_time{};  // the Ready condition's lastHeartbeatTime
  bool has_status = false;                    // a Ready condition exists

  // Returns whether this is news.
  bool beat(const api::Beat& beat, Duration observed_now);
  bool status(const api::Node& node, Duration observed_now);
};

// How long the node has been silent, and how long it may be.
Duration silence_of(const LifeSigns& signs, Duration observed_now, WallTime wall_now);
Duration grace_of(const LifeSigns& signs, const NodeTiming& timing);
NodeVerdict judge(const LifeSigns& signs, bool confirmed_dead, const NodeTiming& timing,
                  Duration observed_now, WallTime wall_now);

enum class Readiness : uint8_t { absent, yes, no, unknown };
Readiness readiness_of(const api::Node& node);
const api::NodeCondition* find_condition(const api::Node& node, std::string_view type);

// The node with all conditions that an agent maintains Unknown; nothing if they are already.
// `message` is that of existing conditions.
std::optional<api::Node> with_conditions_unknown(const api::Node& node, WallTime wall_now,
                                                 const std::string& message);
inline constexpr std::string_view kStoppedPosting = "Kubelet stopped posting node status.";

// What the taints of a node should be, as far as they are this controller's.
struct TaintGoal {
  // The NoExecute taints not-ready and unreachable: leave as they are, set the one that fits the
  // readiness, or remove both.
  enum class Execute : uint8_t { keep, set, clear } execute = Execute::keep;
  enum class OutOfService : uint8_t { keep, set, clear } out_of_service = OutOfService::keep;
  std::string declared_dead;  // the annotation's value when out_of_service is set
};
// NoSchedule taints always follow the conditions and spec.unschedulable. Nothing if all is as it
// should be.
std::optional<api::Node> with_taints(const api::Node& node, const TaintGoal& goal,
                                     WallTime wall_now);

bool has_taint(const api::Node& node, std::string_view key, std::string_view effect);
// An out-of-service taint that this controller set.
bool declared_dead(const api::Node& node);

// The pod with its Ready condition False; nothing if it is not True.
bool pod_ready(const api::Pod& pod);
std::optional<api::Pod> with_pod_not_ready(const api::Pod& pod, WallTime wall_now);

}  // namespace keelson::controllers
