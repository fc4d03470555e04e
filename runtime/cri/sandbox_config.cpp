#include "runtime/cri/sandbox_config.hpp"

#include "runtime/cri/security.hpp"

namespace keelson::cri {

namespace {

// Source: Linux' HOST_NAME_MAX less one, as kubelet has it.
constexpr std::size_t kHostnameMax = 63;

std::string cut(std::string name) {
  if (name.size() <= kHostnameMax) return name;
  name.resize(kHostnameMax);
  while (name.ends_with('-') || name.ends_with('.')) name.pop_back();
  return name;
}

std::string short_name(const api::Pod& pod) {
  return cut(pod.spec().hostname().empty() ? pod.metadata().name() : pod.spec().hostname());
}

wire::Protocol protocol_of(const std::string& name) {
  return name == "UDP" ? wire::UDP : name == "SCTP" ? wire::SCTP : wire::TCP;
}

void add_ports(const api::PodSpec& spec, wire::PodSandboxConfig& to) {
  for (const api::Container& container : spec.containers()) {
    for (const api::ContainerPort& port : container.ports()) {
      if (port.host_port() == 0) continue;
      wire::PortMapping& mapping = *to.add_port_mappings();
      mapping.set_protocol(protocol_of(port.protocol()));
      mapping.set_container_port(port.container_port());
      mapping.set_host_port(port.host_port());
      mapping.set_host_ip(port.host_ip());
    }
  }
}

void name(wire::PodSandboxConfig& to, const PodName& pod, uint32_t attempt,
          const CriOptions& options) {
  wire::PodSandboxMetadata& metadata = *to.mutable_metadata();
  metadata.set_name(pod.name);
  metadata.set_namespace_(pod.ns);
  metadata.set_uid(pod.uid);
  metadata.set_attempt(attempt);
  to.set_log_directory(pod_log_directory(options.log_directory, pod));
  to.mutable_linux()->set_cgroup_parent(options.cgroup_parent);
}

}  // namespace

std::string full_name_of(const api::Pod& pod, const std::string& cluster_domain) {
  if (pod.spec().subdomain().empty()) return {};
  return short_name(pod) + "." + pod.spec().subdomain() + "." + pod.metadata().namespace_() +
         ".svc." + cluster_domain;
}

std::string hostname_of(const api::Pod& pod, const std::string& cluster_domain) {
  if (pod.spec().set_hostname_as_fqdn()) {
    const std::string full = full_name_of(pod, cluster_domain);
    if (!full.empty()) return cut(full);
  }
  return short_name(pod);
}

wire::PodSandboxConfig sandbox_config(const agent::SandboxSpec& spec, const CriOptions& options,
                                      const DnsConfig& host_dns) {
  wire::PodSandboxConfig out;
  const api::Pod& pod = *spec.pod;
  name(out, {spec.pod_uid, spec.pod_ns, spec.pod_name}, spec.attempt, options);
  if (!pod.spec().host_network()) {  // else it is the node's, which the runtime knows
    out.set_hostname(hostname_of(pod, options.cluster_domain));
    add_ports(pod.spec(), out);
  }
  const DnsConfig dns = dns_of(pod, {options.cluster_dns, options.cluster_domain}, host_dns);
  for (const std::string& server : dns.servers) out.mutable_dns_config()->add_servers(server);
  for (const std::string& search : dns.searches) out.mutable_dns_config()->add_searches(search);
  for (const std::string& option : dns.options) out.mutable_dns_config()->add_options(option);

  auto& labels = *out.mutable_labels();
  for (const auto& [key, value] : pod.metadata().labels()) labels[key] = value;
  labels[kLabelPodName] = spec.pod_name;
  labels[kLabelPodNamespace] = spec.pod_ns;
  labels[kLabelPodUid] = spec.pod_uid;
  labels[kLabelNode] = options.node;

  wire::LinuxPodSandboxConfig& linux_part = *out.mutable_linux();
  *linux_part.mutable_security_context() = sandbox_security(pod.spec(), options.seccomp_directory);
  for (const api::Sysctl& sysctl : pod.spec().security_context().sysctls()) {
    (*linux_part.mutable_sysctls())[sysctl.name()] = sysctl.value();
  }
  return out;
}

wire::PodSandboxConfig sandbox_reference(const api::Pod& pod, uint32_t attempt,
                                         const CriOptions& options) {
  wire::PodSandboxConfig out;
  const api::ObjectMeta& meta = pod.metadata();
  name(out, {meta.uid(), meta.namespace_(), meta.name()}, attempt, options);
  // containerd asks it whether privileged containers are allowed.
  *out.mutable_linux()->mutable_security_context() =
      sandbox_security(pod.spec(), options.seccomp_directory);
  // It becomes the variable HOSTNAME.
  if (!pod.spec().host_network()) out.set_hostname(hostname_of(pod, options.cluster_domain));
  return out;
}

}  // namespace keelson::cri
