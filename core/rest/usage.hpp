// What containers and nodes use, as somebody measures it: the port behind metrics.k8s.io. A simulated
// cluster computes it; with real nodes it is what their agents' statistics say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/api/types.hpp"
#include "core/base/time.hpp"

namespace keelson::rest {

struct Usage {
  int64_t cpu_nanocores = 0;
  int64_t memory_bytes = 0;
};

class UsageSource {
 public:
  // Nothing: it is not running, or its node does not answer.
  virtual std::optional<Usage> of_container(const api::Pod& pod, const std::string& container) = 0;
  // Of the whole machine, what is no container included. Nothing: it does not answer.
  virtual std::optional<Usage> of_node(const api::Node& node) = 0;
  // How long the figures are averaged over, up to now.
  virtual Duration window() const = 0;

 protected:
  ~UsageSource() = default;
};

}  // namespace keelson::rest
