// Zones and the brake on evictions. Many nodes that fail together are more likely to be a network
// that failed than machines that did.
// Source: Kubernetes pkg/controller/nodelifecycle (ComputeZoneState, handleDisruption); guarantees
// NL-5, NL-6.
#pragma once

#include <cstdint>
#include <string>

#include "core/api/types.hpp"
#include "core/base/time.hpp"
#include "core/controllers/timing.hpp"

namespace keelson::controllers {

// topology.kubernetes.io/region and zone (or their older beta names), empty for a node without.
std::string zone_of(const api::Node& node);
// The zone label alone, as endpoints carry it.
const std::string& zone_label_of(const api::Node& node);

enum class ZoneState : uint8_t { normal, partial, full };

struct ZoneCount {
  uint32_t ready = 0;
  uint32_t not_ready = 0;
  uint32_t size() const { return ready + not_ready; }
};

// Full: no node is ready. Partial: more than two and at least 55 % are not.
ZoneState zone_state(ZoneCount count);

// True if so many turned silent together that a cut is likelier than their deaths.
bool too_many(uint32_t silent, uint32_t size);

// How fast a zone in this state may get NoExecute taints.
EvictionPace pace_for(ZoneState state, uint32_t size, const NodeTiming& timing);

// A token bucket in monotonic time. Starts full.
class EvictionLimiter {
 public:
  EvictionLimiter() = default;
  explicit EvictionLimiter(EvictionPace pace) : pace_(pace), tokens_(pace.burst) {}

  // Changes the pace. Tokens saved up are kept, at most the new burst of them.
  void set_pace(EvictionPace pace, Instant now);
  bool try_take(Instant now);
  // When the next token is there; Instant::max() if stopped. At most `now` if there is one.
  Instant next_token(Instant now);

 private:
  void refill(Instant now);

  EvictionPace pace_;
  uint32_t tokens_ = 0;
  Instant filled_at_{};  // tokens were counted up to here
};

}  // namespace keelson::controllers
