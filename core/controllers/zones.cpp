#include "core/controllers/zones.hpp"

#include <algorithm>

namespace keelson::controllers {
namespace {

const std::string& label(const api::Node& node, const char* name, const char* older) {
  static const std::string none;
  const auto& labels = node.metadata().labels();
  if (auto it = labels.find(name); it != labels.end()) return it->second;
  if (auto it = labels.find(older); it != labels.end()) return it->second;
  return none;
}

}  // namespace

const std::string& zone_label_of(const api::Node& node) {
  return label(node, "topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone");
}

std::string zone_of(const api::Node& node) {
  const std::string& region =
      label(node, "topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region");
  const std::string& zone = zone_label_of(node);
  if (region.empty() && zone.empty()) return {};
  return region + ":" + zone;
}

bool too_many(uint32_t silent, uint32_t size) {
  return silent > 2 && uint64_t{silent} * 100 >= uint64_t{size} * 55;
}

ZoneState zone_state(ZoneCount count) {
  if (count.ready == 0 && count.not_ready > 0) return ZoneState::full;
  return too_many(count.not_ready, count.size()) ? ZoneState::partial : ZoneState::normal;
}

EvictionPace pace_for(ZoneState state, uint32_t size, const NodeTiming& timing) {
  if (state != ZoneState::partial) return timing.normal;
  return size > timing.large_zone ? timing.partial : EvictionPace{Duration::zero(), 1};
}

void EvictionLimiter::refill(Instant now) {
  if (pace_.interval <= Duration::zero() || now <= filled_at_) {
    filled_at_ = std::max(filled_at_, now);
    return;
  }
  const auto earned = (now - filled_at_) / pace_.interval;
  if (earned + tokens_ >= pace_.burst) {
    tokens_ = pace_.burst;
    filled_at_ = now;  // a full bucket earns nothing
  } else {
    tokens_ += static_cast<uint32_t>(earned);
    filled_at_ += earned * pace_.interval;
  }
}

void EvictionLimiter::set_pace(EvictionPace pace, Instant now) {
  if (pace.interval == pace_.interval && pace.burst == pace_.burst) return;
  refill(now);
  pace_ = pace;
  tokens_ = std::min(tokens_, pace.burst);
  filled_at_ = now;
}

bool EvictionLimiter::try_take(Instant now) {
  if (pace_.interval <= Duration::zero()) return false;
  refill(now);
  if (tokens_ == 0) return false;
  --tokens_;
  return true;
}

Instant EvictionLimiter::next_token(Instant now) {
  if (pace_.interval <= Duration::zero()) return Instant::max();
  refill(now);
  return tokens_ > 0 ? now : filled_at_ + pace_.interval;
}

}  // namespace keelson::controllers
