#include "runtime/cri/pods.hpp"

#include <fmt/format.h>

#include <fstream>
#include <set>
#include <sstream>

#include "runtime/cri/container_config.hpp"
#include "runtime/cri/sandbox_config.hpp"

namespace keelson::cri {

namespace {

constexpr std::size_t kNodeFileMax = 1 << 20;

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != text.npos;
}

// What a lost capability looks like from here; see the README.
Error explained(Error error) {
  if (contains(error.message, "can't get final child's PID from pipe") ||
      (contains(error.message, "oom_score_adj") && contains(error.message, "permission denied"))) {
    error.message +=
        " (containerd may lack CAP_SYS_RESOURCE, which a sandbox's oom_score_adj of -998 needs: "
        "set "
        "restrict_oom_score_adj = true under [plugins.\"io.containerd.grpc.v1.cri\"] in its "
        "config.toml)";
  }
  return error;
}

template <class Response>
Done<Response> as_unit(Done<Unit> done) {
  return [done = std::move(done)](Result<Response> answer) mutable {
    if (!answer.ok()) return done(answer.error());
    done(Unit{});
  };
}

}  // namespace

// --- Sandboxes
// ------------------------------------------------------------------------------------

void Pods::run(agent::SandboxSpec spec, Done<agent::SandboxInfo> done) {
  const PodName pod{spec.pod_uid, spec.pod_ns, spec.pod_name};
  removed_.erase(spec.pod_uid);
  // If it cannot be made the runtime says so too, with its own answer.
  (void)files_.make_log_directory(pod);
  const DnsConfig host = parse_resolv_conf(read_tail(options_.resolv_conf, kNodeFileMax));
  wire::RunPodSandboxRequest request;
  *request.mutable_config() = sandbox_config(spec, options_, host);
  if (spec.pod->spec().has_runtime_class_name()) {
    request.set_runtime_handler(spec.pod->spec().runtime_class_name());
  }
  client_.change<wire::RunPodSandboxResponse>(
      "RunPodSandbox", request,
      [this, spec = std::make_unique<agent::SandboxSpec>(std::move(spec)),
       done = std::move(done)](Result<wire::RunPodSandboxResponse> answer) mutable {
        if (!answer.ok()) return done(explained(answer.error()));
        on_run(answer->pod_sandbox_id(), *spec, std::move(done));
      },
      client_.timeout());  // twice the usual, as kubelet: networks may be slow
}

void Pods::on_run(const std::string& id, const agent::SandboxSpec& spec,
                  Done<agent::SandboxInfo> done) {
  agent::SandboxInfo info{.id = id,
                          .pod_uid = spec.pod_uid,
                          .pod_ns = spec.pod_ns,
                          .pod_name = spec.pod_name,
                          .attempt = spec.attempt,
                          .ready = true};
  wire::PodSandboxStatusRequest request;
  request.set_pod_sandbox_id(id);
  client_.read<wire::PodSandboxStatusResponse>(
      "PodSandboxStatus", request,
      [this, info = std::move(info), host = spec.host_network,
       done = std::move(done)](Result<wire::PodSandboxStatusResponse> answer) mutable {
        // It runs, but how is not known: the next list says.
        if (!answer.ok()) return done(Error{Code::unknown, answer.error().message});
        info.created_at = {answer->status().created_at()};
        info.ip = host ? options_.address : answer->status().network().ip();
        inventory_.add(info, host);
        done(std::move(info));
      });
}

void Pods::stop(const std::string& sandbox, Done<Unit> done) {
  wire::StopPodSandboxRequest request;
  request.set_pod_sandbox_id(sandbox);
  client_.change<wire::StopPodSandboxResponse>(
      "StopPodSandbox", request, as_unit<wire::StopPodSandboxResponse>(std::move(done)));
}

void Pods::remove(const std::string& sandbox, Done<Unit> done) {
  wire::RemovePodSandboxRequest request;
  request.set_pod_sandbox_id(sandbox);
  client_.change<wire::RemovePodSandboxResponse>(
      "RemovePodSandbox", request,
      [this, sandbox,
       done = std::move(done)](Result<wire::RemovePodSandboxResponse> answer) mutable {
        if (!answer.ok()) return done(answer.error());
        if (const KnownSandbox* known = inventory_.sandbox(sandbox)) {
          const agent::SandboxInfo& info = known->info;
          removed_[info.pod_uid] = {info.pod_uid, info.pod_ns, info.pod_name};
          inventory_.forget_sandbox(sandbox);
        }
        std::vector<std::string> inside;  // they went with it
        for (const auto& [id, known] : inventory_.containers()) {
          if (known.info.sandbox == sandbox) inside.push_back(id);
        }
        for (const std::string& id : inside) inventory_.forget_container(id);
        sweep();
        done(Unit{});
      });
}

void Pods::sweep() {
  if (removed_.empty()) return;
  std::set<std::string_view> present;
  for (const auto& [id, known] : inventory_.sandboxes()) present.insert(known.info.pod_uid);
  for (const auto& [id, known] : inventory_.containers()) present.insert(known.info.pod_uid);
  for (auto at = removed_.begin(); at != removed_.end();) {
    if (present.contains(at->first)) {
      ++at;
      continue;
    }
    files_.forget_pod(at->second);
    at = removed_.erase(at);
  }
}

// --- Containers
// -----------------------------------------------------------------------------------

struct Pods::Creation {
  std::string sandbox;
  agent::ContainerSpec spec;
  Done<std::string> done;
};

void Pods::create(const std::string& sandbox, agent::ContainerSpec spec, Done<std::string> done) {
  auto creation = std::make_shared<Creation>(Creation{sandbox, std::move(spec), std::move(done)});
  if (!needs_image_user(creation->spec.pod->spec(), *creation->spec.container)) {
    return create_with(std::move(creation), nullptr);
  }
  images_.user(creation->spec.image, [this, creation](Result<ImageUser> user) {
    if (!user.ok()) return creation->done(user.error());
    create_with(creation, &*user);
  });
}

void Pods::create_with(std::shared_ptr<Creation> creation, const ImageUser* user) {
  const agent::ContainerSpec& spec = creation->spec;
  const api::Container& container = *spec.container;
  const api::ObjectMeta& meta = spec.pod->metadata();
  const PodName pod{spec.pod_uid, meta.namespace_(), meta.name()};
  ExtraFiles extra;
  // Refusals come from inside the call otherwise, which callers do not expect.
  const auto refuse = [this, creation](const Error& why) {
    client_.later([creation, why] { creation->done(why); });
  };
  if (Status made = files_.make_log_directory(pod, spec.name); !made.ok()) {
    return refuse(made.error());
  }
  Result<std::string> hosts = hosts_file(spec, creation->sandbox);
  if (!hosts.ok()) return refuse(hosts.error());
  extra.hosts = std::move(*hosts);
  const std::string& message_path = container.termination_message_path();
  if (message_path.starts_with('/') && !is_mounted(spec, message_path)) {
    Result<std::string> file = files_.make_termination_file(spec.pod_uid, spec.name, spec.attempt);
    if (!file.ok()) return refuse(file.error());
    extra.termination = std::move(*file);
  }
  wire::CreateContainerRequest request;
  request.set_pod_sandbox_id(creation->sandbox);
  const std::string target = target_of(spec);
  const std::string target_id = target.empty() ? "" : find_running(spec.pod_uid, target);
  *request.mutable_config() = container_config(spec, options_, extra, target_id);
  if (user) {
    Status settled =
        settle_user(spec.pod->spec(), container, *user,
                    *request.mutable_config()->mutable_linux()->mutable_security_context());
    if (!settled.ok()) return refuse(settled.error());
  }
  const KnownSandbox* sandbox = inventory_.sandbox(creation->sandbox);
  *request.mutable_sandbox_config() =
      sandbox_reference(*spec.pod, sandbox ? sandbox->info.attempt : 0, options_);
  KnownContainer made;
  made.info.sandbox = creation->sandbox;
  made.info.pod_uid = spec.pod_uid;
  made.info.name = spec.name;
  made.info.attempt = spec.attempt;
  made.info.init = spec.init;
  made.pod = pod;
  made.ports = ports_note(container);
  made.message_policy = container.termination_message_policy();
  client_.change<wire::CreateContainerResponse>(
      "CreateContainer", request,
      [this, creation, made = std::make_unique<KnownContainer>(std::move(made))](
          Result<wire::CreateContainerResponse> answer) mutable {
        if (!answer.ok()) return creation->done(answer.error());
        made->info.id = answer->container_id();
        inventory_.add(std::move(*made));
        creation->done(answer->container_id());
      });
}

// Empty: the runtime makes one.
Result<std::string> Pods::hosts_file(const agent::ContainerSpec& spec, const std::string& sandbox) {
  const api::PodSpec& pod = spec.pod->spec();
  if (is_mounted(spec, "/etc/hosts")) return std::string();
  if (pod.host_network()) {
    if (pod.host_aliases().empty()) return std::string();
    return files_.write_hosts(spec.pod_uid,
                              hosts_text_on_node(read_tail("/etc/hosts", kNodeFileMax), pod));
  }
  const KnownSandbox* known = inventory_.sandbox(sandbox);
  return files_.write_hosts(
      spec.pod_uid,
      hosts_text(known ? known->info.ip : "", full_name_of(*spec.pod, options_.cluster_domain),
                 hostname_of(*spec.pod, options_.cluster_domain), pod));
}

std::string Pods::find_running(const std::string& pod_uid, const std::string& name) const {
  for (const auto& [id, known] : inventory_.containers()) {
    const agent::ContainerInfo& info = known.info;
    if (info.pod_uid == pod_uid && info.name == name &&
        info.state == agent::ContainerState::running) {
      return id;
    }
  }
  return {};
}

void Pods::start_container(const std::string& id, Done<Unit> done) {
  wire::StartContainerRequest request;
  request.set_container_id(id);
  client_.change<wire::StartContainerResponse>(
      "StartContainer", request,
      [this, id, done = std::move(done)](Result<wire::StartContainerResponse> answer) mutable {
        if (answer.ok()) {
          on_started_(id);
          return done(Unit{});
        }
        Error error = explained(answer.error());
        // It runs, or has run: another instance would be one too many.
        if (contains(error.message, "container is in CONTAINER_")) error.code = Code::conflict;
        // Not its fault that the runtime is away: it is there still, and is started when that is
        // back.
        if (contains(error.message, "failed to connect")) error.code = Code::unknown;
        done(std::move(error));
      });
}

void Pods::stop_container(const std::string& id, Duration grace, Done<Unit> done) {
  wire::StopContainerRequest request;
  request.set_container_id(id);
  const Duration whole = std::max(grace, Duration::zero());
  request.set_timeout(std::chrono::ceil<std::chrono::seconds>(whole).count());
  client_.change<wire::StopContainerResponse>(
      "StopContainer", request, as_unit<wire::StopContainerResponse>(std::move(done)), whole);
}

void Pods::remove_container(const std::string& id, Done<Unit> done) {
  wire::RemoveContainerRequest request;
  request.set_container_id(id);
  client_.change<wire::RemoveContainerResponse>(
      "RemoveContainer", request,
      [this, id, done = std::move(done)](Result<wire::RemoveContainerResponse> answer) mutable {
        if (!answer.ok()) return done(answer.error());
        if (const KnownContainer* known = inventory_.container(id)) {
          files_.forget_container(known->pod, known->info.name, known->info.attempt);
          inventory_.forget_container(id);
        }
        done(Unit{});
      });
}

}  // namespace keelson::cri
