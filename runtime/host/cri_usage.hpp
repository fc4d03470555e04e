// What containers use, as containerd says: the UsageSource of HostStats on a node whose program links
// runtime/cri too.
#pragma once

#include "runtime/cri/cri_runtime.hpp"
#include "runtime/host/host_stats.hpp"

namespace keelson::host {

// The runtime must outlive what it is given to.
inline UsageSource usage_of(cri::CriRuntime& containers) {
  return [&containers](Done<agent::PodUsages> done) {
    containers.usage([done = std::move(done)](Result<cri::NodeUsage> usage) mutable {
      if (!usage.ok()) {
        done(usage.error());
        return;
      }
      agent::PodUsages out;
      for (const cri::ContainerUsage& one : *usage) {
        out[one.pod_uid][one.name] = {.memory_bytes = one.memory_working_set,
                                      .disk_bytes = one.writable_layer,
                                      .inodes = one.writable_layer_inodes};
      }
      done(std::move(out));
    });
  };
}

}  // namespace keelson::host
