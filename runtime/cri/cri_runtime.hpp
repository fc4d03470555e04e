// The ContainerRuntime port over containerd (or another runtime that serves CRI v1 on a unix
// socket).
//
//   cri::CriRuntime containers(loop, log, {.socket = "/run/containerd/containerd.sock",
//                                          .node = "worker-1",
//                                          .address = "10.0.0.5",
//                                          .cgroup_parent = "/keelson",
//                                          .cluster_dns = "10.96.0.10"});
//   agent::Agent agent(loop, api, containers, ...);
//
// Everything is called and answers on the core thread. gRPC's threads stay inside; after the object
// is gone nothing is called any more. The runtime may be away: calls then answer `unavailable`, and
// the connection comes back by itself within a few seconds of the runtime.
//
// Errors, beyond those of the port:
//   unavailable  nothing happened: the runtime is away, or it refused and says why
//   unknown      no answer in time, or the connection broke: it may have happened; list() says
//   exists       the name is reserved, by what list() shows or by a ghost: take the next attempt
//   not_found    no such sandbox, container or image
//   invalid      the container cannot be made as its pod says (kubelet's
//   CreateContainerConfigError)
//
// Only what carries this node's name in the label "keelson.io/node" is seen or touched: other
// agents and other clusters may use the same containerd.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/agent/container_runtime.hpp"
#include "core/base/log.hpp"
#include "runtime/cri/paths.hpp"
#include "runtime/cri/stats.hpp"

namespace keelson::runtime {
class AsioLoop;
}

namespace keelson::cri {

struct CriOptions {
  std::string socket = "/run/containerd/containerd.sock";
  std::string node;     // the value of the label; required
  std::string address;  // of the node: what pods in the host's network have. Empty: 127.0.0.1

  // As the runtime's cgroup driver wants it: "/keelson" (cgroupfs) or "keelson.slice" (systemd).
  // Each agent on a machine needs its own.
  std::string cgroup_parent = "/keelson";
  std::string log_directory = "/var/log/pods";
  std::string state_directory = "/var/lib/keelson";            // see paths.hpp
  std::string seccomp_directory = "/var/lib/keelson/seccomp";  // of profiles of type Localhost
  // Whether containers that say nothing about seccomp have the runtime's profile; see security.hpp.
  bool seccomp_default = true;

  std::string cluster_dns;  // address of the cluster's DNS; empty: ClusterFirst means Default
  std::string cluster_domain = "cluster.local";
  std::string resolv_conf = "/etc/resolv.conf";  // of the node

  int64_t memory_capacity = 0;  // bytes, for oom_score_adj; 0: the machine's

  // A log that has grown past this is put aside; of each container so many files are kept, the one
  // being written included. Source: kubelet's containerLogMaxSize and containerLogMaxFiles.
  uint64_t log_bytes_max = 10 << 20;
  uint32_t log_files_max = 5;
  Duration log_rotation_period = 10s;

  // Kubelet's runtime-request-timeout; a sandbox gets twice as much, a pull an hour.
  Duration call_timeout = 2min;
};

// What the runtime says of itself, for a node's status.
struct RuntimeIdentity {
  std::string name, version;  // "containerd", "1.6.20"
};

// A command for CRI's streaming server. A tty has no stderr of its own.
struct ExecStreams {
  bool tty = false, in = false, out = true, err = true;
};

class CriRuntime final : public agent::ContainerRuntime {
 public:
  // Connects when first used. `loop` and `log` must outlive it.
  CriRuntime(runtime::AsioLoop& loop, Log& log, CriOptions options);
  ~CriRuntime() override;  // calls under way are cancelled; containers go on running

  // --- The port, see container_runtime.hpp
  // --------------------------------------------------------
  void list(Done<agent::RuntimeState> done) override;
  void list_images(Done<std::vector<api::ContainerImage>> done) override;
  void pull_image(agent::ImagePull pull, Done<std::string> done) override;
  void remove_image(std::string image, Done<Unit> done) override;
  void image_filesystem(Done<agent::ImageFilesystem> done) override;
  void run_sandbox(agent::SandboxSpec spec, Done<agent::SandboxInfo> done) override;
  void stop_sandbox(agent::SandboxId id, Done<Unit> done) override;
  void remove_sandbox(agent::SandboxId id, Done<Unit> done) override;
  void create_container(agent::SandboxId sandbox, agent::ContainerSpec spec,
                        Done<agent::ContainerId> done) override;
  void start_container(agent::ContainerId id, Done<Unit> done) override;
  void stop_container(agent::ContainerId id, Duration grace, Done<Unit> done) override;
  void remove_container(agent::ContainerId id, Done<Unit> done) override;
  void probe(agent::ContainerId id, const api::Probe& probe,
             Done<agent::ProbeAnswer> done) override;
  void run_hook(agent::ContainerId id, const api::LifecycleHandler& hook, Done<Unit> done) override;
  void on_hint(Callback<void()> hint) override;

  // --- For the rest of the node
  // -------------------------------------------------------------------
  void identity(Done<RuntimeIdentity> done);
  // Fails with the runtime's own words while it, or its network (CNI), is not ready.
  void check(Done<Unit> done);
  void usage(Done<NodeUsage> done);
  // Sees each list before whoever has asked for it.
  void on_list(std::function<void(const agent::RuntimeState&)> observer);

  // Where the runtime's streaming server waits for a command, for a connection to the container's
  // first process, or for connections to the pod: an http:// URL that speaks SPDY/3.1
  // (containerd 1.6 knows nothing else) as kubelet's own endpoint does. Valid once, for about a
  // minute.
  void exec_url(agent::ContainerId id, std::vector<std::string> command, ExecStreams streams,
                Done<std::string> done);
  void attach_url(agent::ContainerId id, ExecStreams streams, Done<std::string> done);
  void port_forward_url(agent::SandboxId id, Done<std::string> done);
  // The file of the sandbox's network namespace; empty: it is in the host's network.
  void network_namespace(agent::SandboxId id, Done<std::string> done);

  const CriOptions& options() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keelson::cri
