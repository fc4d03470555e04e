// Containers: what each needs, what is unique among them.
#include <deque>

#include <fmt/format.h>

#include "core/api/ephemeral_container.hpp"
#include "core/api/validate/names.hpp"
#include "core/api/validate/validators.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

void validate_ports(Errors& errors, const Path& path, const Repeated<ContainerPort>& ports) {
  Seen names;
  for (int i = 0; i < ports.size(); ++i) {
    const ContainerPort& port = ports.Get(i);
    const Path place = path.index(i);
    if (!port.name().empty()) {
      const Path name = place.child("name");
      std::vector<std::string> reasons = check_port_name(port.name());
      errors.invalid(name, port.name(), reasons);
      if (reasons.empty() && !names.add(port.name())) errors.duplicate(name, port.name());
    }
    if (port.container_port() == 0) {
      errors.required(place.child("containerPort"));
    } else {
      check_port(errors, place.child("containerPort"), port.container_port());
    }
    if (port.host_port() != 0) check_port(errors, place.child("hostPort"), port.host_port());
    check_one_of<ContainerPort>(errors, place.child("protocol"),
                                ContainerPort::kProtocolFieldNumber, port.protocol());
  }
}

// Two containers of a pod share its node, so they cannot have the same port of it.
void check_host_ports(Errors& errors, const Path& path, const Repeated<Container>& containers) {
  std::set<std::string> taken;
  for (int i = 0; i < containers.size(); ++i) {
    const Path container = path.index(i);
    const Path ports = container.child("ports");
    for (int j = 0; j < containers.Get(i).ports_size(); ++j) {
      const ContainerPort& port = containers.Get(i).ports(j);
      if (port.host_port() == 0) continue;
      std::string key = fmt::format("{}/{}/{}", port.protocol(), port.host_ip(), port.host_port());
      const auto [known, added] = taken.insert(std::move(key));
      if (!added) errors.duplicate(ports.index(j).child("hostPort"), *known);
    }
  }
}

enum class Part : uint8_t { main, init, ephemeral };

bool sidecar(const Container& container) {
  return container.restart_policy() == "Always";
}

void validate_hooks(Errors& errors, const Path& path, const Container& container, Part role) {
  // A container that ends by itself has no use for what watches over a running one.
  if (role == Part::init && !sidecar(container)) {
    constexpr std::string_view why =
        "may not be set for init containers without restartPolicy=Always";
    if (container.has_lifecycle()) errors.forbidden(path.child("lifecycle"), why);
    if (container.has_liveness_probe()) errors.forbidden(path.child("livenessProbe"), why);
    if (container.has_readiness_probe()) errors.forbidden(path.child("readinessProbe"), why);
    if (container.has_startup_probe()) errors.forbidden(path.child("startupProbe"), why);
    return;
  }
  if (container.has_lifecycle()) {
    validate_lifecycle(errors, path.child("lifecycle"), container.lifecycle());
  }
  auto probe = [&](bool present, std::string_view name, const Probe& value, bool gates_traffic) {
    if (!present) return;
    const Path place = path.child(name);
    validate_probe(errors, place, value);
    if (!gates_traffic && value.success_threshold() != 1) {
      errors.invalid(place.child("successThreshold"), value.success_threshold(), "must be 1");
    }
    if (gates_traffic && value.has_termination_grace_period_seconds()) {
      errors.invalid(place.child("terminationGracePeriodSeconds"),
                     value.termination_grace_period_seconds(),
                     "must not be set for readinessProbes");
    }
  };
  probe(container.has_liveness_probe(), "livenessProbe", container.liveness_probe(), false);
  probe(container.has_readiness_probe(), "readinessProbe", container.readiness_probe(), true);
  probe(container.has_startup_probe(), "startupProbe", container.startup_probe(), false);
}

void validate_restart_policy(Errors& errors, const Path& path, const Container& container,
                             Part role) {
  if (!container.has_restart_policy()) return;
  if (role == Part::init) {
    check_one_of<Container>(errors, path, Container::kRestartPolicyFieldNumber,
                            container.restart_policy());
  } else {
    errors.forbidden(path, "may not be set for non-init containers");
  }
}

// `names` holds those of the containers before.
void validate_container(Errors& errors, const Path& path, const Container& container, Part role,
                        Seen& names, const Seen& volumes) {
  const Path name = path.child("name");
  if (container.name().empty()) {
    errors.required(name);
  } else {
    errors.invalid(name, container.name(), check_dns1123_label(container.name()));
    if (!names.add(container.name())) errors.duplicate(name, container.name());
  }
  const std::string& image = container.image();
  if (image.empty()) {
    errors.required(path.child("image"));
  } else if (image.find_first_not_of(" \t\r\n") != 0 ||
             image.find_last_not_of(" \t\r\n") != image.size() - 1) {
    errors.invalid(path.child("image"), image, "must not have leading or trailing whitespace");
  }
  if (role != Part::ephemeral) validate_hooks(errors, path, container, role);
  check_one_of<Container>(errors, path.child("terminationMessagePolicy"),
                          Container::kTerminationMessagePolicyFieldNumber,
                          container.termination_message_policy());
  validate_ports(errors, path.child("ports"), container.ports());
  validate_env(errors, path, container);
  validate_mounts(errors, path, container, volumes);
  check_one_of<Container>(errors, path.child("imagePullPolicy"),
                          Container::kImagePullPolicyFieldNumber, container.image_pull_policy());
  validate_resources(errors, path.child("resources"), container.resources());
  validate_restart_policy(errors, path.child("restartPolicy"), container, role);
  if (container.has_security_context()) {
    validate_container_security(errors, path.child("securityContext"),
                                container.security_context());
  }
}

Seen names_of(const Repeated<Container>& containers) {
  Seen names;
  for (const Container& container : containers) names.add(container.name());
  return names;
}

Seen names_of(const Repeated<Volume>& volumes) {
  Seen names;
  for (const Volume& volume : volumes) names.add(volume.name());
  return names;
}

void validate_ephemeral(Errors& errors, const Path& path, const Container& container) {
  auto refuse = [&](bool present, std::string_view name) {
    if (present) errors.forbidden(path.child(name), "cannot be set for an Ephemeral Container");
  };
  refuse(!container.ports().empty(), "ports");
  refuse(container.resources().ByteSizeLong() != 0, "resources");
  refuse(container.has_liveness_probe(), "livenessProbe");
  refuse(container.has_readiness_probe(), "readinessProbe");
  refuse(container.has_startup_probe(), "startupProbe");
  refuse(container.has_lifecycle(), "lifecycle");
}

}  // namespace

void validate_containers(Errors& errors, const Path& path, const PodSpec& spec) {
  const auto& containers = spec.containers();
  if (containers.empty()) return errors.required(path);
  const Seen volumes = names_of(spec.volumes());
  Seen names;
  for (int i = 0; i < containers.size(); ++i) {
    validate_container(errors, path.index(i), containers.Get(i), Part::main, names, volumes);
  }
  check_host_ports(errors, path, containers);
}

void validate_init_containers(Errors& errors, const Path& path, const PodSpec& spec) {
  const auto& containers = spec.init_containers();
  if (containers.empty()) return;
  const Seen volumes = names_of(spec.volumes());
  Seen names = names_of(spec.containers());
  for (int i = 0; i < containers.size(); ++i) {
    validate_container(errors, path.index(i), containers.Get(i), Part::init, names, volumes);
  }
  check_host_ports(errors, path, containers);
}

void validate_ephemeral_containers(Errors& errors, const Path& path, const PodSpec& spec) {
  if (spec.ephemeral_containers().empty()) return;
  const Seen volumes = names_of(spec.volumes());
  Seen targets = names_of(spec.containers());
  for (const Container& container : spec.init_containers()) targets.add(container.name());
  Seen names = targets;
  std::deque<Container> containers;  // whose names are referred to
  for (int i = 0; i < spec.ephemeral_containers_size(); ++i) {
    const EphemeralContainer& ephemeral = spec.ephemeral_containers(i);
    const Container& container = containers.emplace_back(as_container(ephemeral));
    const Path place = path.index(i);
    validate_container(errors, place, container, Part::ephemeral, names, volumes);
    validate_ephemeral(errors, place, container);
    const std::string& target = ephemeral.target_container_name();
    if (!target.empty() && !targets.contains(target)) {
      errors.not_found(place.child("targetContainerName"), target);
    }
  }
}

}  // namespace keelson::api
