// May this pod run on this node? The scheduler has decided so, but on what it knew; the agent is
// the backstop. Source: kubelet's predicate admit handler; GUARANTEES NA-5.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "core/agent/pod_state.hpp"
#include "core/api/object.hpp"

namespace keelson::agent {

// What a pod asks for, in milli-CPU and in whole units of everything else.
struct PodDemand {
  int64_t cpu_milli = 0;
  int64_t memory = 0;
  std::vector<std::pair<std::string, int64_t>> others;                    // sorted by name
  std::vector<std::pair<std::string, int64_t>> devices;                   // api::device_claims
  std::vector<std::tuple<std::string, std::string, int32_t>> host_ports;  // ip, protocol, port
};
// `meta`: of the pod, for the GPUs that it was given.
PodDemand demand_of(const api::PodSpec& spec,
                    const api::ObjectMeta& meta = api::ObjectMeta::default_instance());

// The node's side of it: what there is, and what is taken.
class NodeRoom {
 public:
  NodeRoom(const std::map<std::string, std::string>& allocatable, int max_pods);

  void reset();
  void take(const PodDemand& demand);
  // Why the pod does not fit, or nothing.
  std::optional<Verdict> refuse(const PodDemand& demand) const;

 private:
  std::optional<Verdict> short_of(const std::string& resource, int64_t wanted, int64_t used,
                                  int64_t there) const;
  std::optional<Verdict> short_of_devices(const PodDemand& demand) const;

  std::map<std::string, int64_t> allocatable_;  // cpu in milli
  std::map<std::string, int64_t> used_;
  std::map<std::string, int64_t> devices_;  // claims on GPUs
  std::vector<std::tuple<std::string, std::string, int32_t>> ports_;
  int64_t max_pods_;
  int64_t pods_ = 0;
};

// spec.nodeSelector and required node affinity against the node's labels.
bool matches_node(const api::PodSpec& spec, const std::map<std::string, std::string>& labels,
                  const std::string& node_name);
Verdict node_affinity_verdict();
// Whether the pod tolerates all of the taints that would drive it off at once (NoExecute).
bool may_stay(const api::PodSpec& spec, const std::vector<api::Taint>& taints);
Verdict taint_toleration_verdict();

}  // namespace keelson::agent
