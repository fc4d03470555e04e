// A pod's spec as a whole, in pods and in templates.
// Source: Kubernetes pkg/apis/core/validation/validation.go, whose order this keeps.
#include <charconv>
#include <limits>

#include "core/api/validate/names.hpp"
#include "core/api/validate/validators.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

void validate_dns(Errors& errors, const Path& path, const PodSpec& spec) {
  const PodDNSConfig& config = spec.dns_config();
  const Path servers = path.child("nameservers");
  // The C library's resolver reads three name servers and 32 search domains.
  constexpr int servers_max = 3;
  constexpr int searches_max = 32;
  if (spec.dns_policy() == "None" && config.nameservers().empty()) {
    errors.required(servers, "must provide at least one DNS nameserver when `dnsPolicy` is None");
  }
  if (config.nameservers_size() > servers_max) {
    std::vector<std::string> all(config.nameservers().begin(), config.nameservers().end());
    errors.invalid_shown(servers, go_value(all), "must not have more than 3 nameservers");
  }
  for (int i = 0; i < config.nameservers_size(); ++i) {
    check_ip(errors, servers.index(i), config.nameservers(i));
  }
  const Path searches = path.child("searches");
  if (config.searches_size() > searches_max) {
    std::vector<std::string> all(config.searches().begin(), config.searches().end());
    errors.invalid_shown(searches, go_value(all), "must not have more than 32 search paths");
  }
  for (int i = 0; i < config.searches_size(); ++i) {
    std::string_view domain = config.searches(i);
    if (domain == ".") continue;
    if (domain.ends_with('.')) domain.remove_suffix(1);
    errors.invalid(searches.index(i), domain, check_dns1123_subdomain(domain));
  }
  const Path options = path.child("options");
  for (int i = 0; i < config.options_size(); ++i) {
    if (config.options(i).name().empty()) {
      errors.required(options.index(i), "must not be empty");
    }
  }
}

void validate_names(Errors& errors, const Path& path, const PodSpec& spec) {
  auto check = [&](std::string_view field, const std::string& value, auto rule) {
    if (!value.empty()) errors.invalid(path.child(field), value, rule(value));
  };
  check("serviceAccountName", spec.service_account_name(), check_dns1123_subdomain);
  check("nodeName", spec.node_name(), check_dns1123_subdomain);
}

void validate_active_deadline(Errors& errors, const Path& path, const PodSpec& spec) {
  if (!spec.has_active_deadline_seconds()) return;
  int64_t seconds = spec.active_deadline_seconds();
  if (seconds < 1 || seconds > std::numeric_limits<int32_t>::max()) {
    errors.invalid(path.child("activeDeadlineSeconds"), seconds,
                   "must be between 1 and 2147483647, inclusive");
  }
}

void validate_gates(Errors& errors, const Path& path, const PodSpec& spec) {
  const Path readiness = path.child("readinessGates");
  for (int i = 0; i < spec.readiness_gates_size(); ++i) {
    const std::string& type = spec.readiness_gates(i).condition_type();
    errors.invalid(readiness.index(i).child("conditionType"), type, check_qualified_name(type));
  }
  const Path scheduling = path.child("schedulingGates");
  Seen names;
  for (int i = 0; i < spec.scheduling_gates_size(); ++i) {
    const std::string& name = spec.scheduling_gates(i).name();
    const Path place = scheduling.index(i);
    errors.invalid(place.child("name"), name, check_qualified_name(name));
    if (!names.add(name)) errors.duplicate(place.child("name"), name);
  }
}

void validate_host_aliases(Errors& errors, const Path& path, const Repeated<HostAlias>& aliases) {
  for (int i = 0; i < aliases.size(); ++i) {
    const Path place = path.index(i);
    check_ip(errors, place.child("ip"), aliases.Get(i).ip());
    for (const std::string& name : aliases.Get(i).hostnames()) {
      errors.invalid(place.child("hostnames"), name, check_dns1123_subdomain(name));
    }
  }
}

void validate_pull_secrets(Errors& errors, const Path& path,
                           const Repeated<LocalObjectReference>& secrets) {
  for (int i = 0; i < secrets.size(); ++i) {
    if (secrets.Get(i).name().empty()) errors.required(path.index(i).child("name"));
  }
}

}  // namespace

void validate_pod_spec(Errors& errors, const Path& path, const PodSpec& spec) {
  validate_volumes(errors, path.child("volumes"), spec.volumes());
  validate_containers(errors, path.child("containers"), spec);
  validate_init_containers(errors, path.child("initContainers"), spec);
  validate_ephemeral_containers(errors, path.child("ephemeralContainers"), spec);
  check_one_of<PodSpec>(errors, path.child("restartPolicy"), PodSpec::kRestartPolicyFieldNumber,
                        spec.restart_policy());
  check_one_of<PodSpec>(errors, path.child("dnsPolicy"), PodSpec::kDnsPolicyFieldNumber,
                        spec.dns_policy());
  validate_labels(errors, path.child("nodeSelector"), spec.node_selector());
  validate_pod_security(errors, path, spec);
  validate_pull_secrets(errors, path.child("imagePullSecrets"), spec.image_pull_secrets());
  validate_affinity(errors, path.child("affinity"), spec.affinity());
  validate_dns(errors, path.child("dnsConfig"), spec);
  validate_gates(errors, path, spec);
  validate_spread(errors, path.child("topologySpreadConstraints"),
                  spec.topology_spread_constraints());
  validate_names(errors, path, spec);
  validate_active_deadline(errors, path, spec);
  auto name = [&](std::string_view field, const std::string& value, auto rule) {
    if (!value.empty()) errors.invalid(path.child(field), value, rule(value));
  };
  name("hostname", spec.hostname(), check_dns1123_label);
  name("subdomain", spec.subdomain(), check_dns1123_label);
  validate_tolerations(errors, path.child("tolerations"), spec.tolerations());
  validate_host_aliases(errors, path.child("hostAliases"), spec.host_aliases());
  name("priorityClassName", spec.priority_class_name(), check_dns1123_subdomain);
  name("runtimeClassName", spec.runtime_class_name(), check_dns1123_subdomain);
  check_one_of<PodSpec>(errors, path.child("preemptionPolicy"),
                        PodSpec::kPreemptionPolicyFieldNumber, spec.preemption_policy(),
                        Empty::allowed);
  validate_container_quantities(errors, path.child("overhead"), spec.overhead());
  if (spec.has_resources()) {
    validate_resources(errors, path.child("resources"), spec.resources());
  }
  if (spec.has_os()) {
    check_one_of<PodOS>(errors, path.child("os.name"), PodOS::kNameFieldNumber, spec.os().name());
  }
}

void validate_pod_annotations(Errors& errors, const Path& path, const StringMap& annotations) {
  constexpr const char* deletion_cost = "controller.kubernetes.io/pod-deletion-cost";
  auto found = annotations.find(deletion_cost);
  if (found == annotations.end()) return;
  const std::string& text = found->second;
  int32_t cost = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cost);
  // One way to write each number, so that equal costs are equal texts.
  bool canonical =
      error == std::errc() && end == text.data() + text.size() && std::to_string(cost) == text;
  if (!canonical) errors.invalid(path.key(deletion_cost), text, "must be a 32bit integer");
}

}  // namespace keelson::api
