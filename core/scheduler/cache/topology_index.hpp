// How many pods of a kind there are in each part of the cluster, where a node label (zone, hostname,
// rack) makes the parts. Kept up to date with every pod that comes to a node or leaves it, what-if
// changes included, so that a decision reads numbers instead of counting pods: the counts belong to
// selector groups, and a pod's label class knows its groups.
//
// What nodes are like changes rarely: when it does, counts are made anew on their next use.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "core/scheduler/cache/label_classes.hpp"
#include "core/scheduler/cache/pod_info.hpp"
#include "core/scheduler/framework/node_bitset.hpp"

namespace keelson::scheduler {

class Snapshot;

using Domain = uint32_t;  // a part of the cluster: a number for each value of the label
inline constexpr Domain kNoDomain = UINT32_MAX;  // the node does not have the label

// As a topology key: every node is a domain of its own, whatever its labels.
inline constexpr NameId kPerNode = UINT32_MAX;

struct Topology {
  std::vector<Domain> domain_of;  // by NodeIndex
  Domain domains = 0;
  uint64_t version = 0;

  Domain at(NodeIndex node) const {
    return node < domain_of.size() ? domain_of[node] : kNoDomain;
  }
};

// The nodes that a spread constraint is about: those with all of certain labels, which the pod's
// node affinity allows and whose taints it tolerates (the last two as the constraint says).
struct NodeScope;
using NodeScopePtr = std::shared_ptr<NodeScope>;

// The pods of a group by domain, as far as they are on the scope's nodes.
struct TopologyCount {
  SelectorGroupPtr group;
  NameId key = 0;
  NodeScopePtr scope;    // null: all nodes
  bool leaving = false;  // pods that are being deleted count too

  const Topology* topology = nullptr;
  std::vector<int32_t> pods;   // by domain
  std::vector<int32_t> nodes;  // of the scope, by domain
  uint32_t domains = 0;        // that have such nodes
  int64_t total = 0;

  int32_t at(NodeIndex node) const {
    const Domain domain = topology->at(node);
    return domain == kNoDomain ? 0 : pods[domain];
  }
  // The fewest pods in any domain that has nodes of the scope; 0 if there is none.
  int32_t lowest() const;
  void add(Domain domain, int32_t sign);

 private:
  friend class TopologyIndex;
  uint64_t version_ = 0, taints_version_ = 0, group_version_ = 0, used_ = 0;
  // How many domains have how many pods; made on the first question for the lowest.
  mutable std::vector<uint32_t> domains_with_;
  mutable int32_t lowest_ = 0;
  mutable bool lowest_known_ = false;
};

// The pods that have a certain term, by domain: what their terms mean to others. For preferred
// terms the sum of weights.
struct TermHolders {
  enum class Kind : uint8_t { required, required_anti, preferred };
  SelectorGroupPtr group;  // the pods that the term is about
  NameId key = 0;
  Kind kind{};

  const Topology* topology = nullptr;
  std::vector<int64_t> sums;  // by domain
  uint32_t pods = 0;          // holders, on any node

  int64_t at(NodeIndex node) const {
    const Domain domain = topology->at(node);
    return domain == kNoDomain ? 0 : sums[domain];
  }

 private:
  friend class TopologyIndex;
  struct OnNode {
    int64_t sum = 0;
    uint32_t pods = 0;
  };
  boost::unordered_flat_map<NameId, OnNode> on_nodes_;  // only summed up: the order does not show
  uint64_t version_ = 0;
};

class TopologyIndex {
 public:
  explicit TopologyIndex(const Snapshot& snapshot) : snapshot_(snapshot) {}

  // --- What plugins read. References hold for the decision that asked --------------------------
  const Topology& topology(NameId key);
  // Null if that is all nodes. `affinity`, `tolerations`: the pod whose are honoured, or null.
  NodeScopePtr scope(std::span<const NameId> keys, const PodInfo* affinity,
                     const PodInfo* tolerations);
  const TopologyCount& count(const SelectorGroupPtr& group, NameId key, const NodeScopePtr& scope,
                             bool leaving);
  // Calls `body(const TermHolders&)` for the terms of this kind that pods on nodes have and that
  // are about pods of class `c`.
  template <class F>
  void for_holders(const LabelClass& c, TermHolders::Kind kind, F&& body) {
    for (const SelectorGroup* group : c.groups) {
      for (TermHolders* holders : group->holders) {
        if (holders->kind == kind && holders->pods > 0) body(refreshed(*holders));
      }
    }
  }

  // --- What the snapshot tells ------------------------------------------------------------------
  void pod_came(const PodInfo& pod, NodeIndex node) { pod_changed(pod, node, +1); }
  void pod_left(const PodInfo& pod, NodeIndex node) { pod_changed(pod, node, -1); }
  // Nodes came, went, moved to other rows or changed labels.
  void nodes_changed() { ++version_; }
  void taints_changed() { ++taints_version_; }

  // Counts everything anew and compares. Empty if all is well.
  std::string check();

 private:
  void pod_changed(const PodInfo& pod, NodeIndex node, int32_t sign);
  void hold(const AffinityTerm& term, TermHolders::Kind kind, NodeIndex node, int32_t sign);
  bool current(const TopologyCount& count) const;
  void recount(TopologyCount& count);
  const NodeBitset& nodes_of(const NodeScopePtr& scope);
  const TermHolders& refreshed(TermHolders& holders);
  void sweep();

  const Snapshot& snapshot_;
  uint64_t version_ = 1, taints_version_ = 1;
  uint64_t uses_ = 0;
  std::map<NameId, Topology> topologies_;
  std::map<std::string, NodeScopePtr, std::less<>> scopes_;
  std::vector<std::unique_ptr<TopologyCount>> counts_;
  std::vector<std::unique_ptr<TermHolders>> holders_;
  std::size_t sweep_at_ = 1024;
  std::string scope_text_;  // memory for scope()
};

}  // namespace keelson::scheduler
