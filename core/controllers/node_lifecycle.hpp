// Node health as a machine: reads heartbeats, judges nodes, asks witnesses about silent ones,
// writes conditions and taints, and evicts pods from tainted nodes. The decisions are in
// node_health, suspicion, zones and taint_eviction; this carries them out. The README tells the
// whole story.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/api/request.hpp"
#include "core/base/log.hpp"
#include "core/base/loop.hpp"
#include "core/base/rng.hpp"
#include "core/client/api_client.hpp"
#include "core/client/witness.hpp"
#include "core/controllers/node_health.hpp"
#include "core/controllers/timing.hpp"

namespace keelson::controllers {

struct NodeLifecycleOptions {
  NodeTiming timing = keelson_timing();
  std::string user = "system:kube-controller-manager";
  std::string actor = "controller-manager-0";
  // Writes on their way at a time.
  uint32_t writes_in_flight = 64;
  // This process's own eyes, one witness more: without them a cluster of two nodes would have too few.
  // Null: it asks others only.
  client::PeerProber* prober = nullptr;
  bool warnings_only = false;  // records no events about normal progress
};

struct NodeLifecycleStats {
  uint64_t suspicions = 0;        // nodes that were silent for long enough to ask about
  uint64_t hiccups = 0;           // of those, the ones that spoke up again without having been dead
  uint64_t declared_dead = 0;     // by witnesses
  uint64_t marked_unknown = 0;    // nodes whose conditions were set Unknown
  uint64_t pods_evicted = 0;      // deletions that the server accepted
  uint64_t full_disruptions = 0;  // times that all zones were found disrupted
  uint64_t blackouts = 0;         // times that the controller itself could not see
};

class NodeLifecycle {
 public:
  NodeLifecycle(Loop& loop, client::ApiClient& client, Rng rng, Log& log,
                NodeLifecycleOptions options);
  ~NodeLifecycle();
  NodeLifecycle(const NodeLifecycle&) = delete;
  NodeLifecycle& operator=(const NodeLifecycle&) = delete;

  // Works in the role proven by `fence` while leading() is true (null: always). Knows nothing from
  // before: silence is counted anew.
  void start(api::Fence fence, std::function<bool()> leading);
  // At once; answers still on their way are ignored. Not from inside one of its own callbacks.
  void stop();

  bool running() const;  // started, not stopped, role not lost
  bool synced() const;   // has seen all nodes and pods, and heartbeats once
  bool full_disruption() const;
  // What it thinks of a node now; alive if it does not know it.
  NodeVerdict verdict(const std::string& node) const;
  const NodeLifecycleStats& stats() const { return stats_; }

 private:
  class Session;

  Loop& loop_;
  client::ApiClient& client_;
  Rng rng_;
  Log& log_;
  NodeLifecycleOptions options_;
  NodeLifecycleStats stats_;
  uint64_t sessions_ = 0;
  std::unique_ptr<Session> session_;
};

}  // namespace keelson::controllers
