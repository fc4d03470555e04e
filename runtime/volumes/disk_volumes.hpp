// The PodVolumes port on the host's disk.
//
//   DiskVolumes volumes(loop, {.root = "/var/lib/keelson"});
//   options.volumes = &volumes;      // AgentOptions
//
// Needs root: files are given to other users, memory and sub-paths are mounted in the mount namespace
// of this process, which must be the container runtime's (propagation is the host's matter). What
// containers can write to is only entered by file descriptor, without following links out of it.
//
// Threading: called on the core thread, which is also where it answers; the disk is used on three
// threads of its own: one for what starting pods wait for, one for removing, and one for measuring, which
// takes a pod's millions of files as long as it takes. Destroyed before the loop; calls that are
// outstanding then are not answered.
#pragma once

#include <string>

#include "core/agent/volumes.hpp"
#include "runtime/volumes/work_thread.hpp"

namespace keelson::volumes {

struct DiskOptions {
  // Pods have their folders in "pods" below it, which also the container runtime uses for
  // what it keeps of them.
  std::string root;
};

class DiskVolumes final : public agent::PodVolumes {
 public:
  DiskVolumes(runtime::AsioLoop& loop, DiskOptions options);

  void set_up(agent::PodVolumeSetup setup, Done<Unit> done) override;
  void locate(std::string uid, std::string container, std::vector<agent::VolumePart> parts,
              Done<std::vector<std::string>> done) override;
  void tear_down(std::string uid, bool all, Done<Unit> done) override;
  void list(Done<std::vector<std::string>> done) override;
  void usage(Done<agent::VolumeUsages> done) override;

 private:
  DiskOptions options_;
  WorkThread quick_, slow_, measuring_;
};

}  // namespace keelson::volumes
