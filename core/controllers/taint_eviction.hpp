// Which pods NoExecute taints drive off a node, and when. Deadlines belong to a pod's uid and to
// taints that have been there without interruption; both are forgotten when they go.
// Sources: Kubernetes pkg/controller/tainteviction; guarantee NL-4 and the bugs behind it
// (k8s#90794, k8s#107543, k8s#119862).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/api/object.hpp"
#include "core/base/time.hpp"

namespace keelson::controllers {

using Tolerations = google::protobuf::RepeatedPtrField<api::Toleration>;

// How long a pod with these tolerations may stay under the taint: nothing means for ever. Of
// several tolerations that match, the first counts.
std::optional<Duration> tolerated_for(const Tolerations& tolerations, const api::Taint& taint);

std::vector<api::Taint> no_execute_taints(const api::Node& node);
// The same taint, set at the same time: not one that was removed and set again.
bool same_taint(const api::Taint& a, const api::Taint& b);

// A schedule of evictions: values in, due pods out. It does not know the time; callers pass it.
class EvictionSchedule {
 public:
  struct Due {
    std::string uid;
    std::string node;
    api::ObjectPtr pod;
  };

  // The NoExecute taints that a node has now. `pods`: those on it, looked at only if the taints
  // have changed. Returns the pods whose eviction, due in the future, was cancelled.
  std::vector<api::ObjectPtr> set_taints(const std::string& node,
                                         const std::vector<api::Taint>& taints,
                                         const std::vector<api::ObjectPtr>& pods, Instant now);
  bool tainted(const std::string& node) const { return nodes_.contains(node); }
  // A pod on a node appeared or changed.
  void set_pod(const std::string& node, const api::ObjectPtr& pod, Instant now);
  void remove_pod(const std::string& uid);

  // Instant::max(): none.
  Instant next_due() const;
  // Takes what is due, in the order of its deadlines. The pods stay known, but are not due again
  // until retry() or a change of their taints.
  std::vector<Due> take_due(Instant now);
  // Makes the pod due again at `at` if it still has to go.
  void retry(const std::string& uid, Instant at);
  // Whether the pod is overdue under the taints that a live read of its node has just shown,
  // counting only taints that were known here before.
  bool confirmed(const std::string& uid, const std::vector<api::Taint>& live, Instant now) const;

  std::size_t size() const { return pods_.size(); }

 private:
  struct Known {
    api::Taint taint;
    Instant since;
  };
  struct Entry {
    api::ObjectPtr pod;
    std::string node;
    Instant since;                // seen on the node, under some NoExecute taint
    std::optional<Instant> due;   // in queue_
  };

  std::optional<Instant> deadline(const Entry& entry, const std::vector<Known>& taints) const;
  void schedule(const std::string& uid, Entry& entry, std::optional<Instant> due);

  std::map<std::string, std::vector<Known>> nodes_;  // tainted nodes only
  std::map<std::string, Entry> pods_;                // by uid, on tainted nodes only
  std::set<std::pair<Instant, std::string>> queue_;
};

}  // namespace keelson::controllers
