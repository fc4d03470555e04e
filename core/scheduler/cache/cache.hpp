// What the scheduler knows about the pods on nodes: those that the API says are bound, and those it
// has assumed, that is, decided to bind without having seen it yet. An assumed pod holds its place
// until its bind call has been answered and the pod was seen, however long that takes; there is no
// time limit after which a place could be given away twice (GUARANTEES SC-5, SC-6; k8s#106361).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "core/api/object.hpp"
#include "core/scheduler/cache/label_classes.hpp"
#include "core/scheduler/cache/pod_info.hpp"
#include "core/scheduler/cache/pod_shape.hpp"
#include "core/scheduler/cache/snapshot.hpp"
#include "core/scheduler/cache/vocabulary.hpp"

namespace keelson::scheduler {

class Cache {
 public:
  Cache() : snapshot_(words_, classes_) {}

  Vocabulary& words() { return words_; }
  const Vocabulary& words() const { return words_; }
  LabelClasses& classes() { return classes_; }
  Snapshot& snapshot() { return snapshot_; }
  const Snapshot& snapshot() const { return snapshot_; }

  PodInfoPtr info(api::ObjectPtr pod) {
    PodInfoPtr made = make_pod_info(words_, classes_, std::move(pod));
    made->shape = shapes_.shape_of(*made);
    return made;
  }

  // --- Nodes and what else informers bring
  // --------------------------------------------------------
  EventMask set_node(const api::ObjectPtr& node) { return snapshot_.set_node(node); }
  void remove_node(const std::string& name) { snapshot_.remove_node(words_.id(name)); }
  // Whatever object decisions depend on, as it is in a cluster that is looked at once: nodes, pods (those
  // without a node count for their group), namespaces, services, replica sets, disruption budgets. Others
  // are passed over. REQUIRES: once for each object.
  void learn(const api::ObjectPtr& object);
  // `labels` null: it is gone. Answers whether terms select other pods than before.
  bool set_namespace(const std::string& name, const api::Labels* labels) {
    return classes_.set_namespace(name, labels);
  }

  // --- Pods
  // ---------------------------------------------------------------------------------------
  struct Seen {
    EventMask events;        // pod_added, pod_removed, pod_labels
    NameId left = 0;         // the node on which the pod gave up its place, if it did
    bool confirmed = false;  // it had been assumed
  };
  // The API shows this pod on its node (spec.nodeName is set). A finished pod takes no place.
  Seen see(const api::ObjectPtr& pod);
  // The pod is gone. Answers the node that it was on, 0 if none.
  NameId remove(const std::string& uid);

  // Takes the place, and these devices of the node, before the bind is sent. REQUIRES: not known here.
  void assume(const PodInfoPtr& pod, NameId node, api::DeviceSet devices = {});
  // The bind call has been answered positively; the pod will be seen.
  void bind_succeeded(const std::string& uid);
  // Gives the place back. Answers the node, 0 if the pod was not assumed (any more).
  NameId forget(const std::string& uid);

  bool knows(const std::string& uid) const { return pods_.contains(uid); }
  bool assumed(const std::string& uid) const;
  // The node that the pod is on, or is assumed to be on; 0 if unknown.
  NameId node_of(const std::string& uid) const;
  std::size_t pod_count() const { return pods_.size(); }

  // For checkers: the assumed pods, sorted by uid.
  struct Assumption {
    std::string uid, node;
    bool answered = false;  // else its bind call is in flight
  };
  std::vector<Assumption> assumptions() const;
  // Recomputes every node's totals from the pods. Empty if all is well, else what is wrong.
  std::string check() const;

 private:
  enum class State : uint8_t { binding, answered, seen };
  struct Entry {
    PodInfoPtr info;
    NameId node = 0;
    State state{};
  };
  void take_place(Entry& entry);
  void leave_place(const Entry& entry);

  Vocabulary words_;
  LabelClasses classes_;
  PodShapes shapes_;
  Snapshot snapshot_;
  boost::unordered_flat_map<std::string, Entry> pods_;  // by uid
  std::size_t assumed_ = 0;
};

}  // namespace keelson::scheduler
