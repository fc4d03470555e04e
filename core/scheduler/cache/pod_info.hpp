// A pod as the scheduler sees it: its spec compiled once into numbers, so that a scheduling cycle
// compares integers only.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/api/devices.hpp"
#include "core/api/object.hpp"
#include "core/scheduler/cache/label_classes.hpp"
#include "core/scheduler/cache/pod_shape.hpp"
#include "core/scheduler/cache/pod_affinity.hpp"
#include "core/scheduler/cache/vocabulary.hpp"

namespace keelson::scheduler {

enum class Effect : uint8_t { any, no_schedule, prefer_no_schedule, no_execute };
Effect effect_of(std::string_view text);

struct Taint {
  NameId key = 0, value = 0;
  Effect effect{};
  friend auto operator<=>(const Taint&, const Taint&) = default;
};

struct Toleration {
  NameId key = 0, value = 0;
  Effect effect{};  // any: every effect
  bool any_key = false;
  bool any_value = false;  // operator Exists
  bool tolerates(const Taint& taint) const {
    return (effect == Effect::any || effect == taint.effect) && (any_key || key == taint.key) &&
           (any_value || value == taint.value);
  }
};
bool tolerated(std::span<const Toleration> tolerations, const Taint& taint);

// A requirement on a node's labels, or (on_name) on its name.
struct NodeRequirement {
  enum class Op : uint8_t { in, not_in, exists, not_exists, greater, less, never };
  NameId key = 0;
  Op op{};
  bool on_name = false;
  std::vector<NameId> values;  // sorted
  int64_t number = 0;          // greater, less
};
// All requirements must hold. A term without any matches no node.
struct NodeTerm {
  std::vector<NodeRequirement> requirements;
  bool empty() const { return requirements.empty(); }
};
struct PreferredNodeTerm {
  int32_t weight = 0;
  NodeTerm term;
};

struct HostPort {
  uint8_t protocol = 0;  // 0 TCP, 1 UDP, 2 SCTP
  NameId ip = 0;         // 0: any address (0.0.0.0)
  int32_t port = 0;
  bool conflicts(const HostPort& other) const {
    return port == other.port && protocol == other.protocol &&
           (ip == 0 || other.ip == 0 || ip == other.ip);
  }
  friend auto operator<=>(const HostPort&, const HostPort&) = default;
};

// Amounts from outside may be absurd. None counts for more than this (4 PiB, or as many CPUs), so
// that the sums over a node's pods stay within int64.
inline constexpr int64_t kMostAmount = int64_t{1} << 52;

// What the scoring of resources assumes for containers that request nothing, so that they spread
// too. Source: kube-scheduler's DefaultMilliCPURequest and DefaultMemoryRequest.
inline constexpr int64_t kDefaultMilliCpuRequest = 100;
inline constexpr int64_t kDefaultMemoryRequest = 200 * 1024 * 1024;

enum class PreemptionPolicy : uint8_t { lower_priority, never };

struct PodInfo {
  api::ObjectPtr object;  // the newest known; its scheduling-relevant content is what stands below
  int32_t priority = 0;
  PreemptionPolicy preemption_policy{};
  PodShape shape = 0;     // given by the cache
  bool terminal = false;  // phase Succeeded or Failed
  bool gated = false;     // has scheduling gates

  // Requests; requests[kPods] is 1.
  std::array<int64_t, kFirstExtended> requests{};
  std::vector<std::pair<ResourceId, int64_t>> extended;  // sorted by id, amounts > 0
  int64_t nonzero_cpu = 0, nonzero_memory = 0;           // for scoring
  api::DeviceDemand gpus;
  // Those that it has: written down with it, or chosen when its place was assumed. Else empty.
  api::DeviceSet devices;

  std::vector<Toleration> tolerations;
  std::vector<HostPort> host_ports;  // sorted
  std::vector<std::pair<NameId, NameId>> node_selector;
  bool has_required_terms = false;       // with none in the list, no node matches
  std::vector<NodeTerm> required_terms;  // one must match
  std::vector<PreferredNodeTerm> preferred_terms;
  std::vector<NameId> images;  // one entry per container, normalised
  NameId node_name = 0;        // spec.nodeName
  NameId nominated_node = 0;   // status.nominatedNodeName
  std::string owner_uid;       // of the controlling owner reference
  NameId owner_kind = 0, owner_name = 0;
  LabelClassPtr labels;  // namespace and labels, shared by all pods that have the same
  std::vector<SpreadConstraint> spread;         // in the pod's order
  std::shared_ptr<const PodAffinity> affinity;  // null: none

  const api::Pod& pod() const { return object->as<api::Pod>(); }
  const std::string& uid() const { return object->uid(); }
  const std::string& ns() const { return object->ns(); }
  const std::string& name() const { return object->name(); }
  bool deleting() const { return object->deleting(); }
};
using PodInfoPtr = std::shared_ptr<PodInfo>;

// REQUIRES: `object` is a pod.
PodInfoPtr make_pod_info(Vocabulary& words, LabelClasses& classes, api::ObjectPtr object);
// True if a pod that is (or may be) on a node changed in nothing that make_pod_info compiles,
// except its node: then its PodInfo is kept and only the object replaced.
bool same_for_scheduling(const PodInfo& info, const api::Object& after);
bool terminal_phase(const api::Pod& pod);

// "nginx" is "nginx:latest". Source: normalizedImageName of kube-scheduler's ImageLocality.
std::string normalized_image(std::string_view name);

}  // namespace keelson::scheduler
