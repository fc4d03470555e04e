// Where a host of a cluster keeps what. Everything stands below one root, "" on a real host; `keelson
// reset` removes these and nothing else.
#pragma once

#include <string>

namespace keelson::cli {

struct Layout {
  std::string root;

  std::string etc() const { return root + "/etc/keelson"; }
  std::string pki() const { return etc() + "/pki"; }
  std::string node_pki() const { return etc() + "/node"; }
  std::string cni() const { return etc() + "/cni"; }
  std::string control_plane_config() const { return etc() + "/control-plane.yaml"; }
  std::string scheduler_config() const { return etc() + "/scheduler.yaml"; }
  std::string node_config() const { return etc() + "/node.yaml"; }
  std::string redis_config() const { return etc() + "/redis.conf"; }
  // Of the user of a store that several control planes share.
  std::string store_password() const { return etc() + "/store.password"; }
  std::string containerd_config() const { return etc() + "/containerd.toml"; }
  std::string admin_kubeconfig() const { return etc() + "/admin.conf"; }
  std::string lib() const { return root + "/var/lib/keelson"; }
  std::string run() const { return root + "/run/keelson"; }
  std::string log() const { return root + "/var/log/keelson"; }
  // kubelet's place, where tools look for the logs of containers.
  std::string pod_logs() const { return root + "/var/log/pods"; }
  std::string redis_socket() const { return run() + "/redis.sock"; }
  std::string containerd_socket() const { return run() + "/containerd.sock"; }
};

}  // namespace keelson::cli
