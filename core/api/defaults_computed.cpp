// Defaults that a field option cannot say: they depend on other fields, or on the kind around them.
// Source: Kubernetes pkg/apis/*/v1/defaults.go, and what its storage layer fills in besides.
#include <string_view>

#include "core/api/defaults.hpp"
#include "core/api/quantity.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

// --- Pods ----------------------------------------------------------------------------------------

bool has_source(const Volume& volume) {
  return volume.has_volume_source() && volume.volume_source().ByteSizeLong() != 0;
}

void structural(PodSpec& spec) {
  spec.mutable_security_context();  // clients dereference it without looking
  for (Volume& volume : *spec.mutable_volumes()) {
    if (!has_source(volume)) volume.mutable_volume_source()->mutable_empty_dir();
  }
}

// An image without a tag, or tagged latest, may change under its name: ask the registry every time.
bool pull_always(std::string_view image) {
  if (image.empty()) return false;
  if (image.find('@') != std::string_view::npos) return image.find(":latest@") != image.npos;
  size_t slash = image.rfind('/');
  size_t colon = image.rfind(':');
  bool tagged = colon != image.npos && (slash == image.npos || colon > slash);
  return !tagged || image.substr(colon + 1) == "latest";
}

void probe_defaults(Probe* probe) {
  ProbeHandler& handler = *probe->mutable_handler();
  if (handler.has_grpc() && !handler.grpc().has_service()) handler.mutable_grpc()->set_service("");
}

void round_up(google::protobuf::Map<std::string, Quantity>& amounts) {
  for (auto& [name, amount] : amounts) round_up_to_milli(amount);
}

void round_up(ResourceRequirements& resources) {
  round_up(*resources.mutable_limits());
  round_up(*resources.mutable_requests());
}

// Container and EphemeralContainerCommon have the same fields and no common type.
template <class C>
void container_defaults(C& container) {
  if (container.image_pull_policy().empty()) {
    container.set_image_pull_policy(pull_always(container.image()) ? "Always" : "IfNotPresent");
  }
  // There even if empty, as in Kubernetes: an object that has been through JSON once is the same.
  round_up(*container.mutable_resources());
  if (container.has_liveness_probe()) probe_defaults(container.mutable_liveness_probe());
  if (container.has_readiness_probe()) probe_defaults(container.mutable_readiness_probe());
  if (container.has_startup_probe()) probe_defaults(container.mutable_startup_probe());
}

void computed(PodSpec& spec) {
  for (Volume& volume : *spec.mutable_volumes()) {
    VolumeSource& source = *volume.mutable_volume_source();
    if (source.has_host_path() && !source.host_path().has_type()) {
      source.mutable_host_path()->set_type("");  // no check of what is there
    }
    if (source.has_image() && source.image().pull_policy().empty()) {
      source.mutable_image()->set_pull_policy(
          pull_always(source.image().reference()) ? "Always" : "IfNotPresent");
    }
  }
  for (Container& container : *spec.mutable_init_containers()) container_defaults(container);
  for (Container& container : *spec.mutable_containers()) container_defaults(container);
  for (EphemeralContainer& container : *spec.mutable_ephemeral_containers()) {
    container_defaults(*container.mutable_ephemeral_container_common());
  }
  round_up(*spec.mutable_overhead());
  if (spec.has_resources()) round_up(*spec.mutable_resources());
  // Two names of one field; old clients read the deprecated one.
  if (spec.service_account_name().empty()) spec.set_service_account_name(spec.service_account());
  if (!spec.service_account_name().empty()) spec.set_service_account(spec.service_account_name());
}

// What a pod gets but a template does not: a template stays as it was written, so that changing a
// default later changes no template's hash.
void pod_container_defaults(Container& container, bool host_network) {
  if (container.resources().limits_size() != 0) {
    ResourceRequirements& resources = *container.mutable_resources();
    for (const auto& [name, limit] : resources.limits()) {
      resources.mutable_requests()->insert({name, limit});  // keeps a request that is there
    }
  }
  if (!host_network) return;
  for (ContainerPort& port : *container.mutable_ports()) {
    if (port.host_port() == 0) port.set_host_port(port.container_port());
  }
}

void computed(Pod& pod) {
  PodSpec& spec = *pod.mutable_spec();
  computed(spec);
  for (Container& container : *spec.mutable_init_containers()) {
    pod_container_defaults(container, spec.host_network());
  }
  for (Container& container : *spec.mutable_containers()) {
    pod_container_defaults(container, spec.host_network());
  }
  if (!spec.has_enable_service_links()) spec.set_enable_service_links(true);
}

// --- Services ------------------------------------------------------------------------------------

void ip_family_defaults(ServiceSpec& spec) {
  if (spec.type() == "ExternalName") return;
  // A headless service without a selector is filled in by hand, so it may hold either family.
  bool any = spec.cluster_ip() == "None" && spec.selector().empty();
  if (!spec.has_ip_family_policy()) {
    bool dual = spec.ip_families_size() > 1 || (any && spec.ip_families().empty());
    spec.set_ip_family_policy(dual ? "RequireDualStack" : "SingleStack");
  }
  if (!spec.ip_families().empty()) return;
  bool ipv6 = spec.cluster_ip().find(':') != std::string::npos;
  spec.add_ip_families(ipv6 ? "IPv6" : "IPv4");
  if (spec.ip_family_policy() == "RequireDualStack") spec.add_ip_families(ipv6 ? "IPv4" : "IPv6");
}

void computed(Service& service) {
  ServiceSpec& spec = *service.mutable_spec();
  for (ServicePort& port : *spec.mutable_ports()) {
    const IntOrString& target = port.target_port();
    if (target.type() == 0 ? target.int_val() == 0 : target.str_val().empty()) {
      *port.mutable_target_port() = int_value(port.port());
    }
  }
  const bool load_balancer = spec.type() == "LoadBalancer";
  const bool outside = load_balancer || spec.type() == "NodePort";
  if (spec.external_traffic_policy().empty() &&
      (outside || (spec.type() == "ClusterIP" && !spec.external_ips().empty()))) {
    spec.set_external_traffic_policy("Cluster");
  }
  if (!spec.has_internal_traffic_policy() && (outside || spec.type() == "ClusterIP")) {
    spec.set_internal_traffic_policy("Cluster");
  }
  if (load_balancer) {
    if (!spec.has_allocate_load_balancer_node_ports()) {
      spec.set_allocate_load_balancer_node_ports(true);
    }
    if (service.status().load_balancer().ingress_size() != 0) {
      for (auto& ingress : *service.mutable_status()->mutable_load_balancer()->mutable_ingress()) {
        if (!ingress.ip().empty() && !ingress.has_ip_mode()) ingress.set_ip_mode("VIP");
      }
    }
  }
  ip_family_defaults(spec);
}

void structural(Service& service) {
  ServiceSpec& spec = *service.mutable_spec();
  if (spec.session_affinity() == "ClientIP") {
    spec.mutable_session_affinity_config()->mutable_client_ip();
  } else if (spec.session_affinity().empty() || spec.session_affinity() == "None") {
    // Whoever turns affinity off by a patch leaves the settings of the old kind behind.
    spec.clear_session_affinity_config();
  }
}

// --- The rest ------------------------------------------------------------------------------------

void structural(Deployment& deployment) {
  DeploymentSpec& spec = *deployment.mutable_spec();
  structural(*spec.mutable_template_()->mutable_spec());
  auto& strategy = *spec.mutable_strategy();
  if (!strategy.type().empty() && strategy.type() != "RollingUpdate") return;
  auto& rolling = *strategy.mutable_rolling_update();
  // A quarter: the apps/v1 default, small enough for capacity and large enough for progress.
  if (!rolling.has_max_unavailable()) *rolling.mutable_max_unavailable() = string_value("25%");
  if (!rolling.has_max_surge()) *rolling.mutable_max_surge() = string_value("25%");
}

void computed(EndpointSlice& slice) {
  for (auto& port : *slice.mutable_ports()) {
    if (!port.has_name()) port.set_name("");
  }
}

void computed(NetworkPolicy& policy) {
  auto& spec = *policy.mutable_spec();
  if (!spec.policy_types().empty()) return;
  // Ingress always; a policy that only isolates the way out has to say so.
  spec.add_policy_types("Ingress");
  if (!spec.egress().empty()) spec.add_policy_types("Egress");
}

void computed(Secret& secret) {
  // stringData is a convenience for writers, never stored: it goes over data.
  for (const auto& [key, value] : secret.string_data()) (*secret.mutable_data())[key] = value;
  secret.clear_string_data();
}

// Two fields for the ranges of a node's pods: a single one, and a list whose first it is. Whichever
// a client writes, readers of the other find it.
void pod_range_defaults(NodeSpec& spec) {
  if (spec.pod_cidr().empty()) {
    if (!spec.pod_cidrs().empty()) spec.set_pod_cidr(spec.pod_cidrs(0));
  } else if (spec.pod_cidrs().empty() || spec.pod_cidrs(0) != spec.pod_cidr()) {
    spec.clear_pod_cidrs();
    spec.add_pod_cidrs(spec.pod_cidr());
  }
}

void computed(Node& node) {
  if (node.has_spec()) pod_range_defaults(*node.mutable_spec());
  if (!node.has_status()) return;
  NodeStatus& status = *node.mutable_status();
  round_up(*status.mutable_capacity());
  round_up(*status.mutable_allocatable());
  if (status.allocatable().empty()) *status.mutable_allocatable() = status.capacity();
}

// Users and groups are names of the RBAC group; service accounts are objects of the core group.
void computed(google::protobuf::RepeatedPtrField<rbac::v1::Subject>& subjects,
              rbac::v1::RoleRef& role) {
  if (role.api_group().empty()) role.set_api_group("rbac.authorization.k8s.io");
  for (rbac::v1::Subject& subject : subjects) {
    if (!subject.api_group().empty()) continue;
    if (subject.kind() != "User" && subject.kind() != "Group") continue;
    subject.set_api_group("rbac.authorization.k8s.io");
  }
}

template <class Binding>
void computed_binding(Message& message) {
  auto& binding = static_cast<Binding&>(message);
  computed(*binding.mutable_subjects(), *binding.mutable_role_ref());
}

void computed(Namespace& ns) {
  // KEP-2161: selectors over namespaces can name one by this label.
  if (!ns.metadata().name().empty()) {
    (*ns.mutable_metadata()->mutable_labels())["kubernetes.io/metadata.name"] =
        ns.metadata().name();
  }
}

}  // namespace

void apply_structural_defaults(Kind kind, Message& message) {
  switch (kind) {
    case Kind::pods: return structural(*static_cast<Pod&>(message).mutable_spec());
    case Kind::deployments: return structural(static_cast<Deployment&>(message));
    case Kind::replica_sets:
      return structural(
          *static_cast<ReplicaSet&>(message).mutable_spec()->mutable_template_()->mutable_spec());
    case Kind::services: return structural(static_cast<Service&>(message));
    case Kind::namespaces: static_cast<Namespace&>(message).mutable_status(); return;
    default: return;
  }
}

void apply_computed_defaults(Kind kind, Message& message) {
  switch (kind) {
    case Kind::pods: return computed(static_cast<Pod&>(message));
    case Kind::deployments:
      return computed(
          *static_cast<Deployment&>(message).mutable_spec()->mutable_template_()->mutable_spec());
    case Kind::replica_sets:
      return computed(
          *static_cast<ReplicaSet&>(message).mutable_spec()->mutable_template_()->mutable_spec());
    case Kind::services: return computed(static_cast<Service&>(message));
    case Kind::endpoint_slices: return computed(static_cast<EndpointSlice&>(message));
    case Kind::network_policies: return computed(static_cast<NetworkPolicy&>(message));
    case Kind::secrets: return computed(static_cast<Secret&>(message));
    case Kind::nodes: return computed(static_cast<Node&>(message));
    case Kind::namespaces: return computed(static_cast<Namespace&>(message));
    case Kind::role_bindings: return computed_binding<RoleBinding>(message);
    case Kind::cluster_role_bindings: return computed_binding<ClusterRoleBinding>(message);
    default: return;
  }
}

}  // namespace keelson::api
