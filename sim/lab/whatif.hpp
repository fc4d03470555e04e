// What would happen to a cluster if ...: a dump of it (readers/dump.hpp), changes to it, and where its
// scheduler would put what has to move. Nothing is changed anywhere.
//
// All changes are taken together, in the order in which they help: nodes come, nodes are cordoned,
// nodes go, workloads change, and drained nodes are emptied, pod by pod as their disruption budgets
// allow: what a budget forbids is tried again when pods that were evicted have found a place.
//
// Pods of a controller are made again when they lose their place; pods without one, and a node's own
// (of DaemonSets, static pods), are not. Draining leaves a node's own pods where they are, as
// `kubectl drain --ignore-daemonsets` does, and refuses a node altogether for the pods for which kubectl
// would want --force or --delete-emptydir-data.
//
// Members of a pod group (Coscheduling) keep their places only if the group is complete; else all that
// were placed are given back. Extenders are not asked.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "sim/lab/outcome.hpp"
#include "sim/lab/policy.hpp"
#include "sim/lab/usage.hpp"
#include "sim/lab/workload.hpp"

namespace keelson::lab {

struct Change {
  enum class Kind : uint8_t {
    add_nodes,    // `count` nodes like node `target` (empty: the first that is not cordoned)
    drain,        // node `target`
    remove_node,  // node `target` at once, with what is on it
    fail,         // the nodes of zone `target`, at once
    image,        // `target` ("[NAMESPACE/]deployment/NAME") gets `image` in `container` (empty: its only one)
    scale,        // `target` gets `count` pods
  };
  Kind kind{};
  std::string target;
  int64_t count = 0;
  std::string container, image;
};

// "deployment/web=20" and "[NAMESPACE/]deployment/web[/CONTAINER]=web:v2", as the command line has them.
// Error: Code::invalid.
Result<Change> parse_scale(std::string_view text);
Result<Change> parse_image(std::string_view text);

struct WhatIfOptions {
  // Who decides for the pods of a spec.schedulerName. Pods of other names stay pending. Not empty.
  struct Scheduler {
    std::string name = "default-scheduler";
    Policy policy;
  };
  std::vector<Scheduler> schedulers;
  // Of kubectl drain: evict pods that nobody makes again; those whose emptyDirs are lost with them.
  bool force = false, delete_emptydir_data = false;
};

struct Moved {
  std::string ns, pod;
  std::string from, to;  // nodes; from empty: it had none; to empty: it has none now
  std::string why;       // "drained", "its node is gone", "new replica", "new image", "was pending", "preempted"
  std::string message;   // without a node: what the scheduler says
};
struct BudgetUse {
  std::string ns, name;
  int64_t allowed = 0;              // disruptions at once, at the beginning
  int64_t evicted = 0;              // pods of it that were evicted
  int64_t waited = 0;               // evictions that had to wait for others to be over
  std::vector<std::string> blocks;  // pods that could not be evicted at all
};
// A drain that does not even begin because of a pod.
struct Refusal {
  std::string node, ns, pod, why;
};
// A budget that lost nodes have left with fewer pods than it wants, before any had a place again.
struct BudgetBreach {
  std::string ns, name;
  int64_t lost = 0, healthy = 0, desired = 0;  // pods
};
struct Usage {
  std::size_t nodes = 0, pods = 0;
  double cpu = 0, memory = 0, gpu = -1;  // allocated, in %; gpu -1: there are none
  std::vector<NodeFill> fill;            // by name
};

struct WhatIf {
  std::vector<Moved> moved;    // have a node now that they did not have before; in the order of time
  std::vector<Moved> pending;  // have none
  std::vector<Moved> gone;     // lost with their node, or scaled away: nobody makes them again
  std::vector<BudgetUse> budgets;   // that an eviction asked
  std::vector<BudgetBreach> broken;    // by name
  std::vector<std::string> undrained;  // nodes that still have pods to evict; not those of `refused`
  std::vector<Refusal> refused;        // drains
  Usage before, after;
  // Does everything that had a place have one again, and is every drain over?
  bool fits() const;
};

// Error: Code::invalid, naming the change that cannot be made and what there is instead.
Result<WhatIf> what_if(const Workload& dump, const WhatIfOptions& options,
                       std::span<const Change> changes);

// As JSON, one object.
std::string to_json(const WhatIf& result);

}  // namespace keelson::lab
