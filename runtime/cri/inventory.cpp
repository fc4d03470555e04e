#include "runtime/cri/inventory.hpp"

#include <boost/json.hpp>
#include <set>

#include "runtime/cri/utf8.hpp"

namespace keelson::cri {

namespace {

using Labels = google::protobuf::Map<std::string, std::string>;

std::string at(const Labels& labels, const char* name) {
  const auto found = labels.find(name);
  return found == labels.end() ? std::string() : found->second;
}

agent::ContainerState state_of(wire::ContainerState state) {
  switch (state) {
    case wire::CONTAINER_CREATED: return agent::ContainerState::created;
    case wire::CONTAINER_EXITED: return agent::ContainerState::exited;
    // What the runtime lost sight of may run: until it is known to be dead it counts as running.
    default: return agent::ContainerState::running;
  }
}

}  // namespace

// The runtime's own information is JSON.
int pid_of(const wire::ContainerStatusResponse& response) {
  const auto found = response.info().find("info");
  if (found == response.info().end()) return 0;
  boost::system::error_code failed;
  const boost::json::value info = boost::json::parse(found->second, failed);
  if (failed || !info.is_object()) return 0;
  const boost::json::value* pid = info.get_object().if_contains("pid");
  return pid && pid->is_int64() ? static_cast<int>(pid->get_int64()) : 0;
}

void Inventory::take(const wire::ListPodSandboxResponse& sandboxes,
                     const wire::ListContainersResponse& containers, uint64_t asked) {
  const auto vanished = [&](const auto& seen, const auto& entry) {
    return entry.second.made <= asked && !seen.contains(entry.first);
  };
  std::set<std::string> seen;
  for (const wire::PodSandbox& listed : sandboxes.items()) {
    seen.insert(listed.id());
    KnownSandbox& known = sandboxes_[listed.id()];
    agent::SandboxInfo& info = known.info;
    info.id = listed.id();
    info.pod_uid = listed.metadata().uid();
    info.pod_ns = listed.metadata().namespace_();
    info.pod_name = listed.metadata().name();
    info.attempt = listed.metadata().attempt();
    info.ready = listed.state() == wire::SANDBOX_READY;
    info.created_at = {listed.created_at()};
  }
  std::erase_if(sandboxes_, [&](const auto& entry) { return vanished(seen, entry); });

  seen.clear();
  for (const wire::Container& listed : containers.containers()) {
    seen.insert(listed.id());
    KnownContainer& known = containers_[listed.id()];
    agent::ContainerInfo& info = known.info;
    const agent::ContainerState before = info.state;
    info.id = listed.id();
    info.sandbox = listed.pod_sandbox_id();
    info.pod_uid = at(listed.labels(), kLabelPodUid);
    info.name = listed.metadata().name();
    info.attempt = listed.metadata().attempt();
    info.image = at(listed.annotations(), kNoteImage);
    if (info.image.empty()) info.image = listed.image().image();
    info.image_id = listed.image_ref();
    info.init = at(listed.annotations(), kNoteInit) == "true";
    info.created_at = {listed.created_at()};
    info.state = state_of(listed.state());
    known.lost = listed.state() == wire::CONTAINER_UNKNOWN;
    known.pod = {info.pod_uid, at(listed.labels(), kLabelPodNamespace),
                 at(listed.labels(), kLabelPodName)};
    known.ports = at(listed.annotations(), kNotePorts);
    known.message_policy = at(listed.annotations(), kNoteMessagePolicy);
    if (info.state != before) known.asked = false;
  }
  std::erase_if(containers_, [&](const auto& entry) { return vanished(seen, entry); });
}

std::vector<std::string> Inventory::sandboxes_to_ask() const {
  std::vector<std::string> out;
  for (const auto& [id, known] : sandboxes_) {
    if (known.info.ready && !known.asked) out.push_back(id);
  }
  return out;
}

std::vector<std::string> Inventory::containers_to_ask() const {
  std::vector<std::string> out;
  for (const auto& [id, known] : containers_) {
    if (known.info.state != agent::ContainerState::created && !known.asked) out.push_back(id);
  }
  return out;
}

void Inventory::learn(const wire::PodSandboxStatus& status, const std::string& node_address) {
  const auto found = sandboxes_.find(status.id());
  if (found == sandboxes_.end()) return;
  KnownSandbox& known = found->second;
  known.info.ready = status.state() == wire::SANDBOX_READY;
  known.info.ip = status.network().ip();
  // In the host's network a pod has no address of its own.
  known.host_network = known.info.ip.empty();
  if (known.host_network) known.info.ip = node_address;
  known.asked = true;
}

void Inventory::learn(const wire::ContainerStatusResponse& response) {
  const wire::ContainerStatus& status = response.status();
  const auto found = containers_.find(status.id());
  if (found == containers_.end()) return;
  KnownContainer& known = found->second;
  agent::ContainerInfo& info = known.info;
  info.state = state_of(status.state());
  info.started_at = {status.started_at()};
  info.finished_at = {};
  if (info.state == agent::ContainerState::exited) {
    info.finished_at = {status.finished_at()};
    // containerd looks at the clock after the start: a short life is over by then.
    if (status.finished_at() > 0) info.started_at = std::min(info.started_at, info.finished_at);
    info.exit_code = status.exit_code();
    info.reason = to_utf8(status.reason());
    if (info.reason.empty()) info.reason = info.exit_code == 0 ? "Completed" : "Error";
    info.message = to_utf8(status.message());
  }
  known.pid = info.state == agent::ContainerState::running ? pid_of(response) : 0;
  known.asked = true;
}

KnownContainer* Inventory::container(const std::string& id) {
  const auto found = containers_.find(id);
  return found == containers_.end() ? nullptr : &found->second;
}

const KnownSandbox* Inventory::sandbox(const std::string& id) const {
  const auto found = sandboxes_.find(id);
  return found == sandboxes_.end() ? nullptr : &found->second;
}

void Inventory::add(agent::SandboxInfo info, bool host_network) {
  const std::string id = info.id;
  sandboxes_[id] = {
      .info = std::move(info), .host_network = host_network, .asked = true, .made = ++sequence_};
}

void Inventory::add(KnownContainer made) {
  const std::string id = made.info.id;
  made.made = ++sequence_;
  containers_[id] = std::move(made);
}

agent::RuntimeState Inventory::state() const {
  agent::RuntimeState out;
  for (const auto& [id, known] : sandboxes_) out.sandboxes.push_back(known.info);
  for (const auto& [id, known] : containers_) out.containers.push_back(known.info);
  return out;
}

}  // namespace keelson::cri
