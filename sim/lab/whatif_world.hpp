// The cluster of a what-if: pods by name, who made them, and their moves. what_if() (whatif.cpp) decides
// what changes, this carries it out.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/scheduler/cache/pod_groups.hpp"
#include "sim/lab/cluster.hpp"
#include "sim/lab/whatif.hpp"
#include "sim/lab/whatif_budgets.hpp"

namespace keelson::lab {

// Who made the pod: "Deployment web" for the pods of its replica sets; kind empty: nobody.
struct Maker {
  std::string kind, name;
};

class WhatIfWorld {
 public:
  static Result<std::unique_ptr<WhatIfWorld>> make(const Workload& dump,
                                                   const WhatIfOptions& options);

  struct Pod {
    api::ObjectPtr object;
    scheduler::PodInfoPtr info;
    std::string from, node;  // where it was in the beginning, where it is
    std::string why;         // it looks for a node
    bool evicted = false;    // a budget waits for it
    std::string displaced_for{};  // why it looked for the node that it has
  };
  using Pods = std::map<uint64_t, Pod>;  // by the order of their making

  Pods& pods() { return pods_; }
  Cluster& cluster() { return *cluster_; }
  Budgets& budgets() { return budgets_; }
  Maker maker_of(const api::Object& pod) const;
  // On its node for the node's sake: it does not move, and goes with it.
  bool of_node(const api::Object& pod) const;

  void add_pod(api::ObjectPtr object, std::string why);
  // Takes the pod from its node. Made again by its maker, or gone.
  void displace(uint64_t number, const std::string& why);
  // The same; its budgets count it again when it has a place.
  void displace_for_now(uint64_t number, const std::string& why);
  void remove_pod(uint64_t number, const std::string& why);
  // Gives pods that look for a node one, the most important first, until no more find one. Answers
  // whether any did.
  bool schedule();

  Usage usage() const;
  WhatIf result();

 private:
  WhatIfWorld(const Workload& dump, std::unique_ptr<Cluster> cluster)
      : cluster_(std::move(cluster)), budgets_(dump) {}
  bool place(Pod& pod);
  // Tries those that look for a node and are not in `tried`. Answers whether any found one.
  bool place_all(std::set<uint64_t>& tried);
  // Takes the places of groups back that are not complete. Answers whose.
  std::set<uint64_t> disband();
  void give_back(Pod& pod);
  // In number of profiles; nullopt: another scheduler's.
  std::optional<std::size_t> profile_of(const Pod& pod) const;
  // Of a pod for which permit would wait; nullopt for others.
  std::optional<scheduler::PodGroupClaim> held_group(const Pod& pod) const;
  std::string why_pending(const Pod& pod);
  void preempt(const scheduler::Decision& decision);
  std::string fresh_uid(const api::Object& pod);

  std::unique_ptr<Cluster> cluster_;
  std::map<std::string, std::size_t> profiles_;  // spec.schedulerName -> number
  Budgets budgets_;
  Pods pods_;
  std::set<uint64_t> given_up_;  // members of groups that found no room for all of them
  uint64_t made_ = 0;
  std::map<std::string, std::string> replica_sets_;  // NAMESPACE/NAME -> its deployment
  std::vector<Moved> moved_, gone_;
};

}  // namespace keelson::lab
