// Why no node suits a pod: how many nodes were turned down for which reason, by which plugins. It
// is worded as Kubernetes words it, because users and tools read and grep these messages. Source:
// k8s.io/kubernetes/pkg/scheduler/framework FitError, behaviour as observed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/scheduler/framework/node_bitset.hpp"

namespace keelson::scheduler {

using PluginSlot = uint8_t;  // position in the profile; at most 64 plugins
inline constexpr PluginSlot kNoPlugin = 255;

// Why one node was turned down.
struct Cause {
  std::vector<std::string> reasons;
  uint64_t rejectors = 0;     // bit per PluginSlot
  bool unresolvable = false;  // removing pods from the node does not help
  friend auto operator<=>(const Cause&, const Cause&) = default;
};

// The few causes that there are, numbered.
class Causes {
 public:
  uint32_t number(Cause cause);
  const Cause& at(uint32_t number) const { return list_[number]; }
  std::size_t size() const { return list_.size(); }

 private:
  std::vector<Cause> list_;
  std::map<Cause, uint32_t> numbers_;
};

class Diagnosis {
 public:
  using ReasonIndex = uint32_t;

  void reset(std::size_t node_count, std::size_t slots);

  // The plugin whose filter runs; what it rejects is put down to it.
  void attribute_to(PluginSlot plugin) { plugin_ = plugin; }
  // Finds or adds a reason; ask once per call of a filter, not once per node.
  ReasonIndex reason(std::string_view text);
  // One more node was turned down for this reason. A node may have several reasons.
  void count(ReasonIndex reason, uint32_t nodes = 1) {
    reasons_[reason].nodes += nodes;
    rejectors_ |= uint64_t{1} << plugin_;
  }
  // Removing pods from this node does not help.
  void mark_unresolvable(NodeIndex node) { unresolvable_.set(node); }
  void mark_unresolvable(const NodeBitset& nodes) { unresolvable_.unite(nodes); }
  // What a diagnosis of this one node says; and so many more nodes for which another said it. The
  // nodes that are unresolvable have to be marked besides.
  Cause cause(NodeIndex node) const;
  void add(const Cause& cause, uint32_t nodes);

  void pre_filter_failed(PluginSlot plugin, std::string message);
  void set_post_filter(std::string message) { post_filter_ = std::move(message); }
  void blame(PluginSlot plugin) { rejectors_ |= uint64_t{1} << plugin; }

  std::size_t node_count() const { return node_count_; }
  bool pre_filter_rejected() const { return !pre_filter_.empty(); }
  uint64_t rejectors() const { return rejectors_; }  // bit per PluginSlot
  const NodeBitset& unresolvable() const { return unresolvable_; }
  uint32_t nodes_for(std::string_view reason) const;
  // Those for which at least one node was turned down.
  std::vector<std::string> reasons() const;

  // "0/5 nodes are available: 3 Insufficient cpu, 2 node(s) had untolerated taint {a: b}.
  // preemption:
  // ..."; "no nodes available to schedule pods" in an empty cluster.
  std::string message() const;

 private:
  struct Reason {
    std::string text;
    uint32_t nodes = 0;
  };
  std::vector<Reason> reasons_;  // entries with nodes == 0 are kept for reuse
  NodeBitset unresolvable_;
  std::string pre_filter_, post_filter_;
  std::size_t node_count_ = 0;
  uint64_t rejectors_ = 0;
  PluginSlot plugin_ = 0;
};

}  // namespace keelson::scheduler
