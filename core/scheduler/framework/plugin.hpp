// The extension points of the scheduler. A plugin implements some of them and names those in
// points(). Filter and score are vectorised: one virtual call per pod, the loop over nodes is
// inside.
//
// Pure points (pre_filter ... choose) read the snapshot and their own CycleState slot only: the
// same input gives the same output. The points around binding (reserve ... post_bind) are called by
// the scheduler machine and may keep state in the plugin.
// Source of the vocabulary: kube-scheduler's framework (KEP-624).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/request.hpp"
#include "core/base/callback.hpp"
#include "core/base/result.hpp"
#include "core/base/rng.hpp"
#include "core/scheduler/cache/snapshot.hpp"
#include "core/scheduler/framework/cycle_state.hpp"
#include "core/scheduler/framework/diagnosis.hpp"
#include "core/scheduler/framework/events.hpp"
#include "core/scheduler/framework/verdict.hpp"

namespace keelson::scheduler {

struct QueuedPod;
class FilterRun;
class Plugin;

inline constexpr int32_t kMaxNodeScore = 100;

enum class Point : uint32_t {
  pre_enqueue = 1 << 0,
  queue_sort = 1 << 1,
  pre_filter = 1 << 2,
  filter = 1 << 3,
  post_filter = 1 << 4,
  pre_score = 1 << 5,
  score = 1 << 6,
  normalize = 1 << 7,
  reserve = 1 << 8,
  permit = 1 << 9,
  pre_bind = 1 << 10,
  bind = 1 << 11,
  post_bind = 1 << 12,
  choose = 1 << 13,
};
inline constexpr std::size_t kPointCount = 14;
using Points = uint32_t;
constexpr Points operator|(Point a, Point b) {
  return static_cast<Points>(a) | static_cast<Points>(b);
}
constexpr Points operator|(Points a, Point b) {
  return a | static_cast<Points>(b);
}
constexpr Points only(Point p) {
  return static_cast<Points>(p);
}

// What a post-filter plugin proposes.
struct PostFilterResult {
  bool found = false;
  NodeIndex node = kNoNode;
  std::vector<PodInfoPtr> victims;  // to be deleted; the most important first
  int64_t violations = 0;           // of disruption budgets by that
  std::string message;              // when nothing was found: goes into the pod's condition
  // Nothing was found, and what was found for this pod earlier does not hold any more.
  bool clear_nomination = false;
};

struct PermitResult {
  enum class Kind : uint8_t { approve, reject, wait } kind = Kind::approve;
  std::string reason;
  Duration timeout{};  // wait: rejected after this long
};

// What pod binding plugins are told.
struct BindTarget {
  PodInfoPtr pod;
  std::string node;
};

// What a plugin can ask of the scheduler that runs it.
class PluginHost {
 public:
  // Ends this plugin's wait for a pod (PermitResult::Kind::wait). Nothing happens if it does not
  // wait.
  virtual void allow(const Plugin& plugin, const std::string& uid) = 0;
  virtual void reject(const Plugin& plugin, const std::string& uid, std::string why) = 0;
  // If the pod waits for an event, it is tried again without one.
  virtual void activate(const std::string& uid) = 0;
  // As it is now, assumed pods included.
  virtual const Snapshot& snapshot() const = 0;

 protected:
  ~PluginHost() = default;
};

class Plugin {
 public:
  virtual ~Plugin() = default;

  // Called once before any other function, by a scheduler. `host` outlives the plugin's use.
  virtual void attach(PluginHost& /*host*/) {}

  virtual std::string_view name() const = 0;
  virtual Points points() const = 0;

  // Events that may undo a rejection by this plugin.
  virtual EventMask wakes_on() const { return EventMask::all(); }
  // Asked when such an event concerns one node: could this plugin now accept the pod there? A wrong
  // "yes" costs a scheduling attempt, a wrong "no" delays the pod until the periodic flush.
  virtual bool helps(const PodInfo&, const Snapshot&, NodeIndex) const { return true; }

  // --- Queue
  // -------------------------------------------------------------------------------------- May the
  // pod enter the queue at all? If not it is asked again when the pod changes.
  virtual Verdict pre_enqueue(const PodInfo&) const { return Verdict::success(); }
  // A strict order: is `a` scheduled before `b`?
  virtual bool less(const QueuedPod&, const QueuedPod&) const { return false; }
  // A sorter may part the queue into lanes, of which less() orders the pods. Which lane is next is asked
  // anew for each pod, of their first pods, so it may depend on the cluster, which less() must not.
  virtual std::string_view lane(const PodInfo&) const { return {}; }
  virtual bool lane_before(const QueuedPod&, const QueuedPod&, const Snapshot&) const {
    return false;
  }

  // --- The decision, pure
  // ------------------------------------------------------------------------- Prepares; may narrow
  // `candidates`. skip: filter() is not called for this pod.
  virtual Verdict pre_filter(CycleState&, const PodInfo&, const Snapshot&,
                             NodeBitset& /*candidates*/) const {
    return Verdict::success();
  }
  // Removes from `feasible` the nodes that cannot run the pod and says why.
  virtual void filter(CycleState&, const PodInfo&, const Snapshot&, NodeBitset& /*feasible*/,
                      Diagnosis&) const {}
  // The what-if tells that `other` came to or left a node (both before the snapshot is changed), so
  // that what pre_filter computed stays right. Exact inverses.
  virtual void pod_added(CycleState&, const PodInfo&, const PodInfo& /*other*/, const Snapshot&,
                         NodeIndex) const {}
  virtual void pod_removed(CycleState&, const PodInfo&, const PodInfo& /*other*/, const Snapshot&,
                           NodeIndex) const {}
  // No node is feasible: can something be done about it? The run may change the snapshot on trial;
  // what it changed is undone by its caller.
  virtual PostFilterResult post_filter(FilterRun&, const Diagnosis&, Rng&) const { return {}; }
  // Can what the plugin says of a pod and a node be remembered? Only if it depends on nothing but the
  // pod's shape (PodShapes: not on labels, owners, or the object), the node's row in the snapshot, and
  // what the number in the answer stands for, which rises when that changes; and if pre_filter() says
  // the same of all pods of a shape. It goes for verdicts and for scores before normalize(). nullopt:
  // no, the plugin is asked each time.
  virtual std::optional<uint64_t> memo_basis(const Snapshot&) const { return std::nullopt; }
  // skip: score() is not called for this pod.
  virtual Verdict pre_score(CycleState&, const PodInfo&, const Snapshot&,
                            std::span<const NodeIndex>) const {
    return Verdict::success();
  }
  // Writes scores[i] for nodes[i]. 0..100, or, with normalize(), whatever that can bring into
  // 0..100.
  virtual void score(CycleState&, const PodInfo&, const Snapshot&, std::span<const NodeIndex>,
                     std::span<int32_t> /*scores*/) const {}
  virtual void normalize(CycleState&, const PodInfo&, const Snapshot&, std::span<const NodeIndex>,
                         std::span<int32_t>) const {}

  // Which of the node's devices the pod gets, asked for the node that was decided on if the pod wants
  // some. The first plugin with an answer wins.
  virtual std::optional<api::DeviceSet> choose(CycleState&, const PodInfo&, const Snapshot&,
                                               NodeIndex) const {
    return std::nullopt;
  }

  // --- Around binding, called by the machine
  // ------------------------------------------------------
  virtual Verdict reserve(const BindTarget&) { return Verdict::success(); }
  // Undoes reserve(); also called when reserve() of a later plugin, permit or bind failed.
  // Idempotent.
  virtual void unreserve(const BindTarget&) {}
  virtual PermitResult permit(const BindTarget&) { return {}; }
  // Of plugins with permit(): an attempt to schedule the pod found no node.
  virtual void gave_up(const PodInfo&) {}
  // Calls back once, at once or later.
  virtual void pre_bind(const BindTarget&, Callback<void(Verdict)> done) {
    done(Verdict::success());
  }
  // The request that binds the pod; the first plugin that has one wins.
  virtual std::optional<api::Request> bind(const BindTarget&) { return std::nullopt; }
  virtual void post_bind(const BindTarget&) {}

  PluginSlot slot() const { return slot_; }

 private:
  friend class Profile;
  PluginSlot slot_ = 0;
};

}  // namespace keelson::scheduler
