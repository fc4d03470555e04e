// One pod's volumes on the disk: the blocking half of DiskVolumes, without threads or state of its
// own.
#pragma once

#include <string>
#include <vector>

#include "core/agent/volumes.hpp"

namespace keelson::volumes {

class PodFolder {
 public:
  // `root` is absolute; the uid is checked by valid().
  PodFolder(const std::string& root, const std::string& uid)
      : path_(root + "/pods/" + uid), uid_(uid) {}

  // Uids come from the API: one with a slash, say, is refused before it becomes a path.
  Status valid() const;
  Status set_up(const agent::PodVolumeSetup& setup) const;
  Result<std::vector<std::string>> locate(const std::string& container,
                                          const std::vector<agent::VolumePart>& parts) const;
  Status tear_down(bool all) const;
  std::vector<agent::VolumeUsage> usage() const;

  std::string path_of(const agent::VolumePlace& place) const;

 private:
  Status set_up_one(const agent::PodVolumeSetup& setup, const agent::VolumeSetup& volume) const;
  Status make_scratch(const std::string& path, const agent::VolumeSetup& volume,
                      std::optional<int64_t> group) const;
  Status make_files(const std::string& path, const agent::VolumeSetup& volume,
                    std::optional<int64_t> group) const;
  Result<std::string> bind_part(const agent::VolumePart& part, const std::string& target) const;

  std::string path_;
  std::string uid_;
};

}  // namespace keelson::volumes
