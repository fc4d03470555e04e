// A folder of manifests of static pods: files that end in .yaml, .yml or .json and do not begin with a dot,
// one Pod each.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/agent/manifests.hpp"
#include "core/base/log.hpp"
#include "core/base/loop.hpp"

namespace keelson::host {

// Looks into the folder every few seconds, on the thread of the loop; files are read when they have changed.
// A folder that is not there is empty; one that cannot be read leaves everything as it was.
class ManifestFolder final : public agent::ManifestSource {
 public:
  ManifestFolder(Loop& loop, Log& log, std::string path, Duration period = std::chrono::seconds(2));

  void watch(Callback<void(std::vector<agent::Manifest>)> on_change) override;

 private:
  struct Version {
    int64_t modified_ns = 0;
    uint64_t size = 0, inode = 0;
    friend bool operator==(const Version&, const Version&) = default;
  };
  void look();

  Log& log_;
  std::string path_;
  Duration period_;
  Callback<void(std::vector<agent::Manifest>)> on_change_;
  std::map<std::string, Version> seen_;  // by path
  bool told_ = false;
  bool failing_ = false;
  Timer timer_;
};

}  // namespace keelson::host
