// The CNI configuration that connects a node's pods: a bridge with addresses from the node's own
// range, and port mappings. Sources: the CNI specification, the manuals of the plugins bridge,
// host-local and portmap.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.hpp"

namespace keelson::network {

struct CniOptions {
  std::string name = "keelson";
  std::string bridge = "keelson0";  // at most 15 characters
  int mtu = 0;                      // bytes; 0: the kernel's
  // Where host-local remembers addresses; empty: its own default. Needed where several nodes share a
  // file system.
  std::string ipam_dir;
  // 0.4.0 is what containerd 1.6 and the plugins of Debian 12 both speak; 1.0.0 works as well.
  std::string cni_version = "0.4.0";
};

// The text of the .conflist. `pod_cidrs`: one per address family.
std::string cni_conflist(const std::vector<std::string>& pod_cidrs, const CniOptions& options);

// Writes `text` to `dir`/10-NAME.conflist so that a reader sees the old or the new file, never a part;
// nothing is written if it is there already. Makes the directory.
Status write_cni_config(const std::string& dir, const std::string& name, const std::string& text);
Status remove_cni_config(const std::string& dir, const std::string& name);

}  // namespace keelson::network
