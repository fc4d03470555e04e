// The manifest that runs a study on a cluster: one Indexed Job whose pod number i runs shard i/n
// and writes its part to its log. Works on every Kubernetes-compatible cluster that has batch/v1.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/base/result.hpp"

namespace keelson::lab {

struct ManifestOptions {
  std::string name;   // of the Job: what is no DNS label is made one
  std::string image;  // has `keelson` in its path, and the trace where the arguments say
  int shards = 1;
  std::size_t runs = 0;  // of the whole study, to say how many are a shard's; 0: not said
  // What follows `keelson`, without --shard and --json; files are named as they are mounted.
  std::vector<std::string> arguments;
  // Name and content of what the pods find in kMountedAt: the experiment file, policies' files.
  std::vector<std::pair<std::string, std::string>> files;
};

inline constexpr const char* kMountedAt = "/experiment";

// A YAML stream of two objects, with comments that say how to use it. Error: Code::invalid, where
// the files are more than a ConfigMap holds.
Result<std::string> shard_manifest(const ManifestOptions& options);

}  // namespace keelson::lab
