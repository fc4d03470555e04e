// The ContainerRuntime port: what the node agent asks of containerd (through CRI) or of the simulated
// node. Every call may time out: Code::unknown means that it may have happened; the truth is what
// list() says. Names follow CRI's runtime.v1.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/api/types.hpp"
#include "core/base/callback.hpp"
#include "core/base/time.hpp"

namespace keelson::agent {

using SandboxId = std::string;
using ContainerId = std::string;

struct SandboxSpec {
  std::string pod_uid, pod_ns, pod_name;
  uint32_t attempt = 0;
  bool host_network = false;
  std::shared_ptr<const api::Pod> pod;  // for what CRI's config needs beyond the names
};

// Names and values, in order.
using Environment = std::vector<std::pair<std::string, std::string>>;

// A file or directory of the host that a container sees.
struct Mount {
  std::string host_path, container_path;
  bool read_only = false;
  std::string propagation;  // mountPropagation of the VolumeMount; empty: None
};

struct ContainerSpec {
  std::string pod_uid;
  std::string name;
  uint32_t attempt = 0;  // restart count
  std::string image;     // as pulled: the image id
  bool init = false;
  std::shared_ptr<const api::Container> container;
  std::shared_ptr<const api::Pod> pod;
  Environment environment;                    // of its spec, resolved
  std::vector<std::string> command, args;     // of its spec, with $(NAME) replaced
  std::vector<Mount> mounts;                  // of its volumes, in the order of volumeMounts
};

enum class ContainerState : uint8_t { created, running, exited };

struct ContainerInfo {
  ContainerId id;
  SandboxId sandbox;
  std::string pod_uid, name;
  std::string image, image_id;
  uint32_t attempt = 0;
  bool init = false;
  ContainerState state{};
  int32_t exit_code = 0;
  std::string reason;   // "Completed", "Error", "OOMKilled"
  std::string message;  // termination message
  WallTime created_at, started_at, finished_at;
};

struct SandboxInfo {
  SandboxId id;
  std::string pod_uid, pod_ns, pod_name;
  uint32_t attempt = 0;
  bool ready = false;
  std::string ip;
  WallTime created_at;
};

struct RuntimeState {
  std::vector<SandboxInfo> sandboxes;      // sorted by id
  std::vector<ContainerInfo> containers;   // sorted by id
};

enum class ProbeResult : uint8_t { success, failure };

struct ProbeAnswer {
  ProbeResult result{};
  // What a failed one has to say, for people: the command's output, or why there was no (good)
  // answer. UTF-8. Runtimes cut it at probe_output_max, so that a container cannot flood the agent.
  std::string output;
};
// As much as kubelet reads of a command's output or of an HTTP body (pkg/probe).
inline constexpr std::size_t probe_output_max = 10 * 1024;

// Who a registry is to be told is pulling. Either a name and password, or one of the tokens.
struct RegistryCredentials {
  std::string username, password;
  std::string identity_token, registry_token;
  std::string server;  // the registry, as the secret names it
  friend auto operator<=>(const RegistryCredentials&, const RegistryCredentials&) = default;
};

struct ImagePull {
  std::string image;
  // To try one after the other; empty: nobody in particular.
  std::vector<RegistryCredentials> credentials;
  friend auto operator<=>(const ImagePull&, const ImagePull&) = default;
};

struct ImageFilesystem {
  std::string path;         // a directory on it
  uint64_t used_bytes = 0;  // by images and the writable layers of containers
};

class ContainerRuntime {
 public:
  virtual ~ContainerRuntime() = default;

  virtual void list(Done<RuntimeState> done) = 0;
  // Ids of images on the node, with sizes, for node status and image locality.
  virtual void list_images(Done<std::vector<api::ContainerImage>> done) = 0;
  // Yields the image id. Code::not_found: no such image; unavailable: registry trouble.
  virtual void pull_image(ImagePull pull, Done<std::string> done) = 0;
  // Removes the image under all of its names; `image` is one of them, or its id. An image that is not
  // there counts as removed. These two may answer from inside the call where a runtime has nothing.
  virtual void remove_image(std::string image, Done<Unit> done);
  // Where on the host images are kept: image garbage collection looks how full that file system is.
  virtual void image_filesystem(Done<ImageFilesystem> done);
  virtual void run_sandbox(SandboxSpec spec, Done<SandboxInfo> done) = 0;
  // Stops the sandbox's network; its containers must have been stopped.
  virtual void stop_sandbox(SandboxId id, Done<Unit> done) = 0;
  virtual void remove_sandbox(SandboxId id, Done<Unit> done) = 0;
  virtual void create_container(SandboxId sandbox, ContainerSpec spec, Done<ContainerId> done) = 0;
  virtual void start_container(ContainerId id, Done<Unit> done) = 0;
  // SIGTERM, then SIGKILL after the grace. Answers when the container has exited.
  virtual void stop_container(ContainerId id, Duration grace, Done<Unit> done) = 0;
  virtual void remove_container(ContainerId id, Done<Unit> done) = 0;
  // Runs a probe's or hook's action (exec, httpGet, tcpSocket, grpc) against a running container.
  virtual void probe(ContainerId id, const api::Probe& probe, Done<ProbeAnswer> done) = 0;
  virtual void run_hook(ContainerId id, const api::LifecycleHandler& hook, Done<Unit> done) = 0;

  // Something may have changed (a container exited): a hint to list() soon. May come late or never.
  virtual void on_hint(Callback<void()> hint) = 0;
};

}  // namespace keelson::agent
