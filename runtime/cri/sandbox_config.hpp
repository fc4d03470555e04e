// From a pod to CRI's PodSandboxConfig, and its names back. Pure.
#pragma once

#include "core/agent/container_runtime.hpp"
#include "runtime/cri/cri_runtime.hpp"
#include "runtime/cri/dns.hpp"
#include "runtime/cri/wire.hpp"

namespace keelson::cri {

// The pod's hostname, at most 63 characters; with setHostnameAsFQDN its full name.
std::string hostname_of(const api::Pod& pod, const std::string& cluster_domain);
// "<hostname>.<subdomain>.<ns>.svc.<domain>", or empty without a subdomain.
std::string full_name_of(const api::Pod& pod, const std::string& cluster_domain);

// `host_dns`: the node's own resolv.conf.
wire::PodSandboxConfig sandbox_config(const agent::SandboxSpec& spec, const CriOptions& options,
                                      const DnsConfig& host_dns);

// The part of it that the runtime wants to see again with each of the pod's containers.
wire::PodSandboxConfig sandbox_reference(const api::Pod& pod, uint32_t attempt,
                                         const CriOptions& options);

}  // namespace keelson::cri
