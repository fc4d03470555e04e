// The cluster as one scheduling decision sees it: a table of nodes, one array per property, so that
// a plugin runs over thousands of nodes in one tight loop. It is kept up to date in place: placing
// a pod costs what the pod requests, a changed node costs that node's row. Every row has a
// generation that rises with each change. Nothing changes while a decision is made (the core is
// single-threaded), except what-if changes, which are undone before the decision returns.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "core/api/object.hpp"
#include "core/scheduler/cache/device_table.hpp"
#include "core/scheduler/cache/label_classes.hpp"
#include "core/scheduler/cache/namespace_usage.hpp"
#include "core/scheduler/cache/pod_groups.hpp"
#include "core/scheduler/cache/pod_info.hpp"
#include "core/scheduler/cache/topology_index.hpp"
#include "core/scheduler/cache/vocabulary.hpp"
#include "core/scheduler/cache/workload_directory.hpp"
#include "core/scheduler/framework/events.hpp"
#include "core/scheduler/framework/node_bitset.hpp"

namespace keelson::scheduler {

using TaintSetId = uint32_t;  // 0: no taints

// Nodes that are tainted alike share a set, so a pod's tolerations are judged once per set.
struct TaintSet {
  std::vector<Taint> taints;  // in the node's order
};

struct ImageState {
  int64_t size = 0;
  std::vector<NodeIndex> nodes;  // sorted
};

struct ResourceColumn {
  std::vector<int64_t> allocatable, requested;
  uint64_t total_allocatable = 0;  // of all nodes
};

class Snapshot {
 public:
  Snapshot(Vocabulary& words, LabelClasses& classes)
      : workloads(classes), words_(words), classes_(classes), topology_(*this) {
    resources_.resize(kFirstExtended);
  }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  // --- What plugins read ------------------------------------------------------------------------
  std::size_t slots() const { return names_.size(); }
  std::size_t node_count() const { return node_count_; }
  // The rows that are nodes. Others are free, or hold pods of a node that is not (or no more)
  // known.
  const NodeBitset& valid() const { return valid_; }
  const NodeBitset& cordoned() const { return cordoned_; }
  const NodeBitset& tainted() const { return tainted_; }
  const NodeBitset& with_host_ports() const { return with_host_ports_; }

  uint64_t generation(NodeIndex node) const { return generation_[node]; }

  // For memories of rows: how many lasting changes there were (what-if changes are not counted), and
  // which rows they concern. Calls `body` with the row of each change after the first `since`, some
  // rows more than once. False: these are too many to tell, or rows have moved; then nothing that is
  // remembered of any row holds.
  uint64_t change_count() const { return change_count_; }
  template <class F>
  bool changed_since(uint64_t since, F&& body) const {
    if (change_count_ - since > kChangesKept) return false;
    for (uint64_t c = since; c < change_count_; ++c) body(changed_rows_[c % kChangesKept]);
    return true;
  }
  NameId name(NodeIndex node) const { return names_[node]; }
  const std::string& name_text(NodeIndex node) const { return words_.text(names_[node]); }
  NodeIndex find(NameId name) const { return name < index_of_.size() ? index_of_[name] : kNoNode; }
  const api::ObjectPtr& object(NodeIndex node) const { return objects_[node]; }

  // Resources of which no node has any have no column: empty arrays.
  const ResourceColumn& resource(ResourceId id) const {
    static const ResourceColumn kNone;
    return id < resources_.size() ? resources_[id] : kNone;
  }
  std::size_t resource_columns() const { return resources_.size(); }
  const DeviceTable& devices() const { return devices_; }
  std::span<const int64_t> nonzero_cpu() const { return nonzero_cpu_; }
  std::span<const int64_t> nonzero_memory() const { return nonzero_memory_; }

  TaintSetId taint_set(NodeIndex node) const { return taint_set_[node]; }
  const TaintSet& taints(TaintSetId id) const { return taint_sets_[id]; }
  std::size_t taint_set_count() const { return taint_sets_.size(); }
  // How many nodes have a taint of this effect.
  std::size_t nodes_preferring_no_schedule() const { return prefer_no_schedule_nodes_; }

  // Value of a label on each node, 0 where it is absent. Built on first use, then kept up to date.
  const std::vector<NameId>& label_column(NameId key) const;
  NameId zone(NodeIndex node) const { return zone_[node]; }  // of topology.kubernetes.io/zone, or 0

  std::span<const HostPort> host_ports(NodeIndex node) const { return host_ports_[node]; }
  const ImageState* image(NameId image) const;
  // Rises when an image comes to or leaves a node, and when a node comes or leaves.
  uint64_t images_version() const { return images_version_; }
  std::span<const PodInfoPtr> pods(NodeIndex node) const { return pods_[node]; }
  // The lowest priority of any pod on any node; INT32_MAX if there is none.
  int32_t lowest_priority() const {
    return priorities_.empty() ? INT32_MAX : priorities_.begin()->first;
  }

  const Vocabulary& words() const { return words_; }
  WorkloadDirectory workloads;
  PodGroups groups;
  // What each namespace uses. Made on first use, then kept up to date.
  const NamespaceUsage& usage() const;
  // Counts of pods by topology. Made on first use, then kept up to date, hence not const.
  TopologyIndex& topology() const { return topology_; }

  // Pods that wait for their preemption's victims to leave: they hold the place on their node
  // against pods of lower priority. By node name; within a node in the order of nomination.
  const std::map<NameId, std::vector<PodInfoPtr>>& nominated() const { return nominated_; }
  const NodeBitset& with_nominees() const { return with_nominees_; }
  NodeIndex nominated_node(const PodInfo& pod) const;

  // --- What the cache writes
  // ----------------------------------------------------------------------- Makes or updates the
  // row of a node; answers what changed (events::node_*).
  EventMask set_node(const api::ObjectPtr& node);
  // The row stays, invalid, while pods are on it.
  void remove_node(NameId name);
  // `node` need not exist: pods of unknown nodes are kept for when it appears.
  void place(const PodInfoPtr& pod, NameId node);
  void unplace(const PodInfo& pod, NameId node);
  void nominate(const PodInfoPtr& pod, NameId node);
  // Answers the node from which the nomination was taken, 0 if there was none.
  NameId unnominate(const std::string& uid);
  // Something else that memories depend on changed about a pod that is on the node: its start time.
  void refreshed(NameId node);
  // Puts the rows in an order in which zones alternate, if enough nodes came since the last time:
  // a search that stops early then still sees all zones. Indices change. Source: kube-scheduler's
  // node tree.
  void reorder_if_needed();

  // --- What-if changes: exact inverses of each other, on rows that exist
  // ---------------------------
  void add_pod(NodeIndex node, const PodInfoPtr& pod);
  void remove_pod(NodeIndex node, const PodInfo& pod);

 private:
  NodeIndex row_for(NameId name);
  void free_row(NodeIndex node);
  void account(NodeIndex node, const PodInfo& pod, int64_t sign);
  bool set_allocatable(NodeIndex node, const api::Node& object);
  bool set_labels(NodeIndex node, const api::ObjectMeta& meta);
  bool set_taints(NodeIndex node, const api::Node& object);
  bool set_images(NodeIndex node, const api::Node& object);
  void set_taint_set(NodeIndex node, TaintSetId id);
  TaintSetId taint_set_id(std::vector<Taint> taints);
  ResourceColumn& column(ResourceId id);
  void touch(NodeIndex node) { generation_[node] = ++last_generation_; }
  // A lasting change.
  void note_change(NodeIndex node) {
    touch(node);
    changed_rows_[change_count_++ % kChangesKept] = node;
  }
  void permute(const std::vector<NodeIndex>& order);

  Vocabulary& words_;
  LabelClasses& classes_;
  mutable TopologyIndex topology_;
  mutable std::optional<NamespaceUsage> usage_;
  std::size_t node_count_ = 0;
  uint64_t last_generation_ = 0;

  std::vector<NameId> names_;  // 0: free row
  std::vector<uint64_t> generation_;
  std::vector<api::ObjectPtr> objects_;
  std::vector<ResourceColumn> resources_;
  std::vector<int64_t> nonzero_cpu_, nonzero_memory_;
  DeviceTable devices_;
  std::vector<TaintSetId> taint_set_;
  std::vector<NameId> zone_;
  std::vector<std::vector<std::pair<NameId, NameId>>> labels_;   // sorted by key
  std::vector<std::vector<HostPort>> host_ports_;                // with repetitions, sorted
  std::vector<std::vector<std::pair<NameId, int64_t>>> images_;  // sorted; size
  std::vector<std::vector<PodInfoPtr>> pods_;
  NodeBitset valid_, cordoned_, tainted_, with_host_ports_, with_nominees_;
  static constexpr uint64_t kChangesKept = 4096;
  uint64_t change_count_ = 0;
  std::vector<NodeIndex> changed_rows_ = std::vector<NodeIndex>(kChangesKept);  // a ring

  std::vector<NodeIndex> index_of_;  // by name
  std::vector<NodeIndex> free_rows_;
  std::vector<TaintSet> taint_sets_{TaintSet{}};
  std::map<std::vector<Taint>, TaintSetId> taint_set_ids_;
  std::size_t prefer_no_schedule_nodes_ = 0;
  mutable std::map<NameId, std::vector<NameId>> label_columns_;
  boost::unordered_flat_map<NameId, ImageState> image_states_;
  uint64_t images_version_ = 1;
  std::map<int32_t, std::size_t> priorities_;  // of placed pods
  std::map<NameId, std::vector<PodInfoPtr>> nominated_;
  boost::unordered_flat_map<std::string, NameId> nomination_of_;  // by uid
  std::size_t added_since_reorder_ = 0;
};

}  // namespace keelson::scheduler
