// The port for manifests of static pods. runtime/host reads them from a folder.
#pragma once

#include <string>
#include <vector>

#include "core/base/callback.hpp"

namespace keelson::agent {

struct Manifest {
  std::string source;  // where it is from, for messages and the pod's uid: a path
  std::string text;    // YAML or JSON of one Pod
};

class ManifestSource {
 public:
  virtual ~ManifestSource() = default;
  // From now on `on_change` gets all manifests: soon, and whenever one has changed. Never from inside
  // the call. Once; null ends it.
  virtual void watch(Callback<void(std::vector<Manifest>)> on_change) = 0;
};

}  // namespace keelson::agent
