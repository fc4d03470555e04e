// The PodVolumes port: a pod's volumes on the node's disk. The agent says what they hold
// (volume_content.hpp works it out), runtime/volumes writes it. A simulated node has none: its
// containers look into no files.
//
// All calls are idempotent and may come again after a restart of the agent. Per pod there is one at
// a time, which the caller sees to. Folders are kubelet's, so that tools that know them find their
// way: ROOT/pods/UID/volumes/kubernetes.io~PLUGIN/NAME.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/callback.hpp"

namespace keelson::agent {

struct VolumeFile {
  std::string path;  // below the volume, relative and without ".."
  std::string content;
  uint32_t mode = 0644;          // permission bits
  std::optional<int64_t> owner;  // uid; absent: root
  friend bool operator==(const VolumeFile&, const VolumeFile&) = default;
};

// Where a volume is.
struct VolumePlace {
  std::string name;
  std::string plugin;     // "configmap", "empty-dir", ...: part of the folder's name
  std::string host_path;  // hostPath alone: there, and not below the pod's folder
};

struct VolumeSetup {
  enum class Kind : uint8_t {
    files,      // shows `files` and nothing else; containers cannot write
    scratch,    // empty at first
    host_path,  // is there, or made, as `host_type` says
  };
  Kind kind{};
  VolumePlace place;
  bool in_memory = false;  // never on the disk: secrets, and emptyDir of medium Memory
  int64_t size_max = 0;    // bytes that a scratch in memory holds; 0: what the host gives
  std::vector<VolumeFile> files;  // sorted by path
  std::string host_type;          // of HostPathVolumeSource
};

struct PodVolumeSetup {
  std::string uid;
  std::optional<int64_t> group;  // fsGroup: owns all but hostPath
  std::vector<VolumeSetup> volumes;
};

// A volume, or a part of it, that a container is to see.
struct VolumePart {
  VolumePlace place;
  std::string sub_path;  // relative and without ".."; empty: all of it
};

struct VolumeUsage {
  std::string name;
  uint64_t used_bytes = 0, used_inodes = 0;
  bool in_memory = false;
};
// By pod uid.
using VolumeUsages = std::map<std::string, std::vector<VolumeUsage>>;

class PodVolumes {
 public:
  virtual ~PodVolumes() = default;

  // Makes what is missing and brings files up to date; a reader sees all of a volume's old files or
  // all of the new ones. Code::invalid: it cannot be had as it is asked for (a hostPath that is no
  // file); unavailable: the host refuses at the moment. The message is for an Event.
  virtual void set_up(PodVolumeSetup setup, Done<Unit> done) = 0;
  // Paths on the host for the parts, in order: what container `container` of the pod is to mount. A
  // sub-path that is not there is made a directory; one that leads out of its volume is
  // Code::invalid. It stays what it was at this moment, whatever is written to the volume later.
  virtual void locate(std::string uid, std::string container, std::vector<VolumePart> parts,
                      Done<std::vector<std::string>> done) = 0;
  // Unmounts and deletes all that set_up() and locate() made. `all`: and whatever else is in the pod's
  // folder, for nothing of the pod is left. REQUIRES: no container of it runs.
  virtual void tear_down(std::string uid, bool all, Done<Unit> done) = 0;
  // Uids of the pods that have a folder here, also from before a restart.
  virtual void list(Done<std::vector<std::string>> done) = 0;
  // How much is in the pods' scratch volumes. Looks through all of them: not to be asked often.
  virtual void usage(Done<VolumeUsages> done) = 0;
};

}  // namespace keelson::agent
