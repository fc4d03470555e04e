// The node agent: registers its node, keeps it alive with heartbeats, and runs the pods that are
// bound to it through the ContainerRuntime port. One object per node; thousands live in one
// simulated process, so an idle agent holds a few kilobytes and wakes only for its heartbeat.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/agent/container_runtime.hpp"
#include "core/agent/eviction_rules.hpp"
#include "core/agent/image_limits.hpp"
#include "core/agent/manifests.hpp"
#include "core/agent/node_stats.hpp"
#include "core/agent/volumes.hpp"
#include "core/api/object.hpp"
#include "core/base/log.hpp"
#include "core/base/loop.hpp"
#include "core/base/rng.hpp"
#include "core/client/api_client.hpp"
#include "core/client/witness.hpp"

namespace keelson::agent {

enum class RecordEvents : uint8_t { none, warnings, all };

struct AgentOptions {
  std::string node_name;
  std::string user;      // empty: "system:node:<node_name>"
  std::string actor;     // empty: "agent/<node_name>"
  std::string address;   // InternalIP, and hostIP of the pods
  std::string hostname;  // empty: node_name
  std::string pod_cidr;  // set on the Node when the agent creates it
  std::string provider_id;
  std::map<std::string, std::string> labels;    // kept on the Node; hostname, os and arch are added
  std::map<std::string, std::string> capacity;  // resource -> quantity; "pods" defaults to max_pods
  std::map<std::string, std::string> allocatable;  // empty: the capacity
  std::vector<api::Taint> taints;                  // given to the Node when the agent creates it
  api::NodeSystemInfo node_info;
  int32_t agent_port = 10250;
  int max_pods = 110;

  Duration heartbeat_period = 10s;
  // Node status is posted when it changed, and at least this often.
  Duration status_period = std::chrono::minutes(5);
  // The runtime is listed at its hints, when an outcome is unknown, and at least this often while
  // there is anything to watch over.
  Duration relist_period = 1s;
  // Changes of a pod's status that nobody waits for are gathered for this long.
  Duration pod_status_delay = 250ms;

  // A container without a readiness probe counts as ready when it has run for this long: between its start
  // and its first listen() connections are refused. Kubelet, which notices a start within a second, gives
  // that time without saying so.
  Duration ready_delay{};
  // A pod that was Ready when it was deleted keeps its processes for this long (at most half its grace)
  // before they are told to end: whoever routes to it hears of the deletion meanwhile, so that no
  // connection is refused. Kubernetes leaves that to preStop hooks that sleep.
  Duration leave_delay{};

  // The node's disk. Null: pods start without files, once what their volumes refer to exists.
  PodVolumes* volumes = nullptr;
  // What the host has left. Null: no pod is evicted and no image collected.
  NodeStats* stats = nullptr;
  EvictionThresholds eviction;
  ImageGarbageLimits image_garbage;
  // Static pods. Null: none; mirrors in the API are then ordinary pods.
  ManifestSource* manifests = nullptr;
  std::string sandbox_image;  // of the runtime's sandboxes: never collected
  client::PeerProber* prober = nullptr;  // null: the agent takes no witness duty
  RecordEvents record_events = RecordEvents::all;
  // Prefix of containerID in pod status.
  std::string container_id_prefix = "containerd://";

  // The newest revision of the API that an earlier incarnation of this agent has seen. Nothing is
  // started on a view older than this: GUARANTEES ST-8, k8s#59848.
  api::Revision last_seen;
  // Called before the agent acts on anything newer.
  std::function<void(api::Revision)> save_last_seen;
  // Rises with each start of this agent, so that its heartbeats are told from those of its
  // predecessor; 0: taken from the wall clock.
  uint64_t incarnation = 0;
};

class Agent {
 public:
  Agent(Loop& loop, client::ApiClient& client, ContainerRuntime& runtime, Rng rng, Log& log,
        AgentOptions options);
  // Safe with calls outstanding: their answers are ignored. Containers keep running.
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  void start();
  // Why the node cannot run pods although its runtime answers (its network is not set up): shown in its
  // condition Ready. Empty, as at the beginning: it can.
  void set_not_ready(std::string why);
  // The pods that are bound to this node, as the agent has seen them; by namespace and name.
  std::vector<api::Ref<api::Pod>> pods() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keelson::agent
