#include "runtime/cri/container_config.hpp"

#include <algorithm>
#include <charconv>

#include "runtime/cri/resources.hpp"
#include "runtime/cri/security.hpp"

namespace keelson::cri {

namespace {

wire::MountPropagation propagation_of(const std::string& name) {
  if (name == "Bidirectional") return wire::PROPAGATION_BIDIRECTIONAL;
  if (name == "HostToContainer") return wire::PROPAGATION_HOST_TO_CONTAINER;
  return wire::PROPAGATION_PRIVATE;
}

void add_mount(const std::string& host, const std::string& inside, wire::ContainerConfig& to) {
  wire::Mount& mount = *to.add_mounts();
  mount.set_host_path(host);
  mount.set_container_path(inside);
}

void add_mounts(const agent::ContainerSpec& spec, const ExtraFiles& files,
                wire::ContainerConfig& to) {
  for (const agent::Mount& volume : spec.mounts) {
    add_mount(volume.host_path, volume.container_path, to);
    wire::Mount& mount = *to.mutable_mounts()->rbegin();
    mount.set_readonly(volume.read_only);
    mount.set_propagation(propagation_of(volume.propagation));
  }
  if (!files.hosts.empty()) add_mount(files.hosts, "/etc/hosts", to);
  if (!files.termination.empty()) {
    add_mount(files.termination, spec.container->termination_message_path(), to);
  }
}

void add_labels(const agent::ContainerSpec& spec, const CriOptions& options,
                wire::ContainerConfig& to) {
  const api::ObjectMeta& meta = spec.pod->metadata();
  auto& labels = *to.mutable_labels();
  labels[kLabelContainer] = spec.name;
  labels[kLabelPodName] = meta.name();
  labels[kLabelPodNamespace] = meta.namespace_();
  labels[kLabelPodUid] = spec.pod_uid;
  labels[kLabelNode] = options.node;
  auto& notes = *to.mutable_annotations();
  if (spec.init) notes[kNoteInit] = "true";
  notes[kNoteImage] = spec.container->image();
  notes[kNoteMessagePolicy] = spec.container->termination_message_policy();
  const std::string ports = ports_note(*spec.container);
  if (!ports.empty()) notes[kNotePorts] = ports;
}

}  // namespace

bool is_mounted(const agent::ContainerSpec& spec, const std::string& container_path) {
  return std::any_of(spec.mounts.begin(), spec.mounts.end(), [&](const agent::Mount& mount) {
    return mount.container_path == container_path;
  });
}

wire::ContainerConfig container_config(const agent::ContainerSpec& spec, const CriOptions& options,
                                       const ExtraFiles& files, const std::string& target) {
  wire::ContainerConfig out;
  const api::Container& container = *spec.container;
  out.mutable_metadata()->set_name(spec.name);
  out.mutable_metadata()->set_attempt(spec.attempt);
  out.mutable_image()->set_image(spec.image);
  for (const std::string& word : spec.command) out.add_command(word);
  for (const std::string& word : spec.args) out.add_args(word);
  out.set_working_dir(container.working_dir());
  for (const auto& [name, value] : spec.environment) {
    wire::KeyValue& variable = *out.add_envs();
    variable.set_key(name);
    variable.set_value(value);
  }
  add_mounts(spec, files, out);
  add_labels(spec, options, out);
  out.set_log_path(container_log_path(spec.name, spec.attempt));
  out.set_stdin(container.stdin());
  out.set_stdin_once(container.stdin_once());
  out.set_tty(container.tty());
  wire::LinuxContainerConfig& linux_part = *out.mutable_linux();
  *linux_part.mutable_resources() = resources_of(*spec.pod, container, options.memory_capacity);
  *linux_part.mutable_security_context() =
      container_security(spec.pod->spec(), container, options.seccomp_directory,
                         options.seccomp_default);
  if (!target.empty()) {
    wire::NamespaceOption& namespaces =
        *linux_part.mutable_security_context()->mutable_namespace_options();
    namespaces.set_pid(wire::TARGET);
    namespaces.set_target_id(target);
  }
  return out;
}

std::string target_of(const agent::ContainerSpec& spec) {
  for (const api::EphemeralContainer& ephemeral : spec.pod->spec().ephemeral_containers()) {
    if (ephemeral.ephemeral_container_common().name() == spec.name) {
      return ephemeral.target_container_name();
    }
  }
  return {};
}

std::string ports_note(const api::Container& container) {
  std::string out;
  for (const api::ContainerPort& port : container.ports()) {
    if (port.name().empty()) continue;
    if (!out.empty()) out += ' ';
    out += port.name() + "=" + std::to_string(port.container_port());
  }
  return out;
}

std::optional<uint16_t> find_port(const std::string& note, const api::IntOrString& port) {
  const auto valid = [](int64_t number) -> std::optional<uint16_t> {
    if (number < 1 || number > 65535) return std::nullopt;
    return static_cast<uint16_t>(number);
  };
  if (port.type() == 0) return valid(port.int_val());
  const auto parse = [&](std::string_view text) -> std::optional<uint16_t> {
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return valid(number);
  };
  std::string_view rest = note;
  while (!rest.empty()) {
    const std::string_view entry = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(entry.size() + 1, rest.size()));
    const std::size_t equals = entry.find('=');
    if (equals == entry.npos) continue;
    if (entry.substr(0, equals) == port.str_val()) return parse(entry.substr(equals + 1));
  }
  return parse(port.str_val());  // kubelet too takes a number written as a string
}

}  // namespace keelson::cri
