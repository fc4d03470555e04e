// The configuration of a control plane and of a node, as files that `keelson init` and `keelson join`
// write and operators change. YAML or JSON; a field that is not known, or has a value of another type, is
// an error that names the file and the field.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/result.hpp"

namespace keelson::runtime {

struct ControlPlaneConfig {
  std::string name;               // of this control plane among several; its host's name
  std::string advertise_address;  // where nodes and pods reach it
  std::string bind_address = "0.0.0.0";
  uint16_t port = 6443;
  std::string pki_dir = "/etc/keelson/pki";
  // Which cluster this is: a store that belongs to another one is refused.
  std::string cluster = "keelson";
  // "unix:/run/keelson/redis.sock", "redis://host:port", "sentinel://a:26379,b:26379/name"; see
  // runtime/redis. "memory": nothing is kept (for trials).
  std::string store = "unix:/run/keelson/redis.sock";
  std::string store_user;
  std::string store_password_file;
  int store_replicas = 0;
  std::string service_cidr = "10.96.0.0/16";
  std::string pod_cidr = "10.244.0.0/16";
  int node_cidr_prefix = 24;
  std::string timing = "keelson";  // or "kubernetes": its node monitor's periods
  // How long the store keeps every change, for watches that resume and for `keelson real check`, as etcd's
  // --auto-compaction-retention does: 30s to 720h. The store's memory grows with it.
  std::string history_window = "5m";
  std::string access_log;          // a file; empty: none
  // A file with a KubeSchedulerConfiguration (core/scheduler/config); empty: the default profile.
  std::string scheduler_config;
  bool log_json = false;
};

struct NodeConfig {
  std::string name;     // of the Node
  std::string address;  // InternalIP
  std::vector<std::string> servers;  // "https://192.168.0.10:6443"
  std::string pki_dir = "/etc/keelson/node";  // ca.crt, client.pem, server.pem
  std::string state_dir = "/var/lib/keelson/node";
  std::string log_dir = "/var/log/pods";
  std::string manifest_dir = "/etc/keelson/manifests";  // of static pods
  std::string containerd = "/run/keelson/containerd.sock";
  std::string cgroup_parent = "/kubepods";
  std::string cni_conf_dir = "/etc/keelson/cni";
  std::string bridge = "keelson0";
  std::string pod_cidr = "10.244.0.0/16";  // of the whole cluster: what leaves it is masqueraded
  std::string service_cidr = "10.96.0.0/16";
  std::string cluster_dns = "10.96.0.10";
  std::string cluster_domain = "cluster.local";
  std::vector<std::string> upstream_dns;  // empty: those of /etc/resolv.conf
  uint16_t port = 10250;                  // of the node's own HTTPS endpoint
  int max_pods = 110;
  std::map<std::string, std::string> labels;
  std::vector<std::string> taints;  // "key=value:NoSchedule"
  std::string timing = "keelson";  // the control plane's: how often the node shows that it is alive
  // How long containers without a readiness probe run before they count as ready; see AgentOptions.
  int ready_delay_ms = 500;
  // How long pods that are deleted go on serving; see AgentOptions::leave_delay.
  int leave_delay_ms = 1000;
  std::map<std::string, std::string> reserved;  // kept from pods: cpu, memory
  // Whether containers that say nothing about seccomp have the runtime's profile; see runtime/cri/security.hpp.
  bool seccomp_default = true;
  bool log_json = false;
};

// `source` names the text in errors (Code::invalid). Fields that are left out have their default.
Result<ControlPlaneConfig> parse_control_plane_config(const std::string& text,
                                                      const std::string& source);
Result<NodeConfig> parse_node_config(const std::string& text, const std::string& source);

// With every field.
std::string to_text(const ControlPlaneConfig& config);
std::string to_text(const NodeConfig& config);

}  // namespace keelson::runtime
