#include "runtime/cri/cri_runtime.hpp"

#include <unistd.h>

#include "runtime/cri/lister.hpp"
#include "runtime/cri/log_rotation.hpp"
#include "runtime/cri/network_namespace.hpp"
#include "runtime/cri/pods.hpp"
#include "runtime/cri/prober.hpp"
#include "runtime/cri/utf8.hpp"
#include "runtime/loop/asio_loop.hpp"

namespace keelson::cri {

namespace {

CriOptions completed(CriOptions options) {
  if (options.address.empty()) options.address = "127.0.0.1";
  if (options.memory_capacity <= 0) {
    options.memory_capacity =
        static_cast<int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
  }
  return options;
}

std::string label(const wire::ContainerAttributes& of, const char* name) {
  const auto at = of.labels().find(name);
  return at == of.labels().end() ? std::string() : at->second;
}

}  // namespace

class CriRuntime::Impl {
 public:
  Impl(runtime::AsioLoop& loop, Log& log, CriOptions o)
      : loop(loop),
        log(log),
        options(completed(std::move(o))),
        client(loop, options),
        files(options.log_directory, options.state_directory),
        images(client),
        pods(client, options, images, inventory, files,
             [this](const std::string& id) { lister.look_at(id); }),
        lister(loop, log, client, options, inventory, files, [this] { pods.sweep(); }),
        prober(loop, client, inventory),
        rotation(loop, [this] { rotate(); }) {
    rotation.arm(options.log_rotation_period);
  }

  void rotate() {
    const LogLimits limits{options.log_bytes_max, options.log_files_max};
    for (const auto& [id, known] : inventory.containers()) {
      if (known.info.state != agent::ContainerState::running) continue;
      const std::string path = files.log_file(known.pod, known.info.name, known.info.attempt);
      if (log_too_long(path, limits)) rotate(id, path, limits);
    }
    rotation.arm(options.log_rotation_period);
  }

  void rotate(const std::string& id, const std::string& path, const LogLimits& limits) {
    Result<std::string> aside = put_log_aside(path, limits, loop.wall_now());
    if (!aside.ok()) {
      log.warning("log not rotated", {{"container", id}, {"why", aside.error().message}});
      return;
    }
    wire::ReopenContainerLogRequest request;
    request.set_container_id(id);
    client.change<wire::ReopenContainerLogResponse>(
        "ReopenContainerLog", request,
        [this, id, path, aside = *aside](Result<wire::ReopenContainerLogResponse> answer) {
          if (answer.ok()) return;
          log.warning("log not rotated", {{"container", id}, {"why", answer.error().message}});
          take_log_back(path, aside);
        });
  }

  runtime::AsioLoop& loop;
  Log& log;
  CriOptions options;
  Client client;
  Inventory inventory;
  PodFiles files;
  Images images;
  Pods pods;
  Lister lister;
  Prober prober;
  Timer rotation;
  std::function<void(const agent::RuntimeState&)> observer;
};

CriRuntime::CriRuntime(runtime::AsioLoop& loop, Log& log, CriOptions options)
    : impl_(std::make_unique<Impl>(loop, log, std::move(options))) {}
CriRuntime::~CriRuntime() = default;
const CriOptions& CriRuntime::options() const {
  return impl_->options;
}

void CriRuntime::list(Done<agent::RuntimeState> done) {
  impl_->lister.list([this, done = std::move(done)](Result<agent::RuntimeState> state) mutable {
    if (state && impl_->observer) impl_->observer(*state);
    done(std::move(state));
  });
}
void CriRuntime::on_list(std::function<void(const agent::RuntimeState&)> observer) {
  impl_->observer = std::move(observer);
}
void CriRuntime::on_hint(Callback<void()> hint) {
  impl_->lister.on_hint(std::move(hint));
}
void CriRuntime::list_images(Done<std::vector<api::ContainerImage>> done) {
  impl_->images.list(std::move(done));
}
void CriRuntime::pull_image(agent::ImagePull pull, Done<std::string> done) {
  impl_->images.pull(std::move(pull), std::move(done));
}
void CriRuntime::remove_image(std::string image, Done<Unit> done) {
  impl_->images.remove(image, std::move(done));
}
void CriRuntime::image_filesystem(Done<agent::ImageFilesystem> done) {
  impl_->images.filesystem(std::move(done));
}
void CriRuntime::run_sandbox(agent::SandboxSpec spec, Done<agent::SandboxInfo> done) {
  impl_->pods.run(std::move(spec), std::move(done));
}
void CriRuntime::stop_sandbox(agent::SandboxId id, Done<Unit> done) {
  impl_->pods.stop(id, std::move(done));
}
void CriRuntime::remove_sandbox(agent::SandboxId id, Done<Unit> done) {
  impl_->pods.remove(id, std::move(done));
}
void CriRuntime::create_container(agent::SandboxId sandbox, agent::ContainerSpec spec,
                                  Done<agent::ContainerId> done) {
  impl_->pods.create(sandbox, std::move(spec), std::move(done));
}
void CriRuntime::start_container(agent::ContainerId id, Done<Unit> done) {
  impl_->pods.start_container(id, std::move(done));
}
void CriRuntime::stop_container(agent::ContainerId id, Duration grace, Done<Unit> done) {
  impl_->pods.stop_container(id, grace, std::move(done));
}
void CriRuntime::remove_container(agent::ContainerId id, Done<Unit> done) {
  impl_->pods.remove_container(id, std::move(done));
}
void CriRuntime::probe(agent::ContainerId id, const api::Probe& probe,
                       Done<agent::ProbeAnswer> done) {
  impl_->prober.probe(id, probe, std::move(done));
}
void CriRuntime::run_hook(agent::ContainerId id, const api::LifecycleHandler& hook,
                          Done<Unit> done) {
  impl_->prober.hook(id, hook, std::move(done));
}

void CriRuntime::identity(Done<RuntimeIdentity> done) {
  impl_->client.read<wire::VersionResponse>(
      "Version", wire::VersionRequest(),
      [done = std::move(done)](Result<wire::VersionResponse> answer) mutable {
        if (!answer.ok()) return done(answer.error());
        done(RuntimeIdentity{answer->runtime_name(), answer->runtime_version()});
      });
}

void CriRuntime::check(Done<Unit> done) {
  impl_->client.read<wire::StatusResponse>(
      "Status", wire::StatusRequest(),
      [done = std::move(done)](Result<wire::StatusResponse> answer) mutable {
        if (!answer.ok()) return done(answer.error());
        for (const wire::RuntimeCondition& condition : answer->status().conditions()) {
          if (condition.status()) continue;
          return done(Error{Code::unavailable,
                            condition.type() + " is false: " + to_utf8(condition.message())});
        }
        done(Unit{});
      });
}

void CriRuntime::usage(Done<NodeUsage> done) {
  wire::ListContainerStatsRequest request;
  (*request.mutable_filter()->mutable_label_selector())[kLabelNode] = impl_->options.node;
  impl_->client.read<wire::ListContainerStatsResponse>(
      "ListContainerStats", request,
      [done = std::move(done)](Result<wire::ListContainerStatsResponse> answer) mutable {
        if (!answer.ok()) return done(answer.error());
        NodeUsage out;
        for (const wire::ContainerStats& stats : answer->stats()) {
          if (!stats.has_cpu()) continue;  // it does not run
          const wire::ContainerAttributes& of = stats.attributes();
          out.push_back({.container_id = of.id(),
                         .pod_uid = label(of, kLabelPodUid),
                         .pod_ns = label(of, kLabelPodNamespace),
                         .pod_name = label(of, kLabelPodName),
                         .name = of.metadata().name(),
                         .at = {stats.cpu().timestamp()},
                         .cpu_ns = stats.cpu().usage_core_nano_seconds().value(),
                         .memory_working_set = stats.memory().working_set_bytes().value(),
                         .writable_layer = stats.writable_layer().used_bytes().value(),
                         .writable_layer_inodes = stats.writable_layer().inodes_used().value()});
        }
        std::sort(out.begin(), out.end(), [](const ContainerUsage& a, const ContainerUsage& b) {
          return std::tie(a.pod_uid, a.name) < std::tie(b.pod_uid, b.name);
        });
        done(std::move(out));
      });
}

void CriRuntime::exec_url(agent::ContainerId id, std::vector<std::string> command,
                          ExecStreams streams, Done<std::string> done) {
  wire::ExecRequest request;
  request.set_container_id(std::move(id));
  for (std::string& word : command) request.add_cmd(std::move(word));
  request.set_tty(streams.tty);
  request.set_stdin(streams.in);
  request.set_stdout(streams.out);
  request.set_stderr(streams.err && !streams.tty);
  impl_->client.read<wire::ExecResponse>(
      "Exec", request, [done = std::move(done)](Result<wire::ExecResponse> answer) mutable {
        if (!answer.ok()) return done(answer.error());
        done(answer->url());
      });
}

void CriRuntime::attach_url(agent::ContainerId id, ExecStreams streams, Done<std::string> done) {
  wire::AttachRequest request;
  request.set_container_id(std::move(id));
  request.set_tty(streams.tty);
  request.set_stdin(streams.in);
  request.set_stdout(streams.out);
  request.set_stderr(streams.err && !streams.tty);
  impl_->client.read<wire::AttachResponse>(
      "Attach", request, [done = std::move(done)](Result<wire::AttachResponse> answer) mutable {
        if (!answer.ok()) return done(answer.error());
        done(answer->url());
      });
}

void CriRuntime::port_forward_url(agent::SandboxId id, Done<std::string> done) {
  wire::PortForwardRequest request;
  request.set_pod_sandbox_id(std::move(id));
  impl_->client.read<wire::PortForwardResponse>(
      "PortForward", request,
      [done = std::move(done)](Result<wire::PortForwardResponse> answer) mutable {
        if (!answer.ok()) return done(answer.error());
        done(answer->url());
      });
}

void CriRuntime::network_namespace(agent::SandboxId id, Done<std::string> done) {
  wire::PodSandboxStatusRequest request;
  request.set_pod_sandbox_id(std::move(id));
  request.set_verbose(true);
  impl_->client.read<wire::PodSandboxStatusResponse>(
      "PodSandboxStatus", request,
      [done = std::move(done)](Result<wire::PodSandboxStatusResponse> answer) mutable {
        if (!answer.ok()) return done(answer.error());
        done(network_namespace_of(*answer));
      });
}

}  // namespace keelson::cri
