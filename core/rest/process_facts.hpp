// What the process around an API server knows of itself, for those who watch over it.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace keelson::rest {

struct HealthPart {
  std::string name;  // "store"
  bool ok = true;
};

// Empty functions: there is nothing to tell.
struct ProcessFacts {
  // What must work besides the API server itself before the process is ready; in the order in which
  // /readyz?verbose names them. Why a part does not work is not for everybody: that is in `status`.
  std::function<std::vector<HealthPart>()> parts;
  // More lines for /metrics.
  std::function<std::string()> metrics;
  // The answer of /keelson/v1/status, JSON. Like /metrics it is answered whether the process is
  // ready or not; only who may get that path by RBAC sees it, which at first are administrators.
  std::function<std::string()> status;
};

}  // namespace keelson::rest
