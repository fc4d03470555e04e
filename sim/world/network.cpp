#include "sim/world/network.hpp"

#include <algorithm>

namespace keelson::sim {

bool Network::find_cut(HostId from, HostId to) const {
  return std::any_of(cuts_.begin(), cuts_.end(),
                     [&](const Cut& cut) { return cut.from.has(from) && cut.to.has(to); });
}

Duration Network::delay(HostId from, HostId to) {
  Duration total = rng_.between(options_.delay_min, options_.delay_max);
  if (from < extra_.size()) total += extra_[from];
  if (to < extra_.size()) total += extra_[to];
  return total;
}

std::optional<Duration> Network::transit(HostId from, HostId to) {
  if (loss_ppm_ != 0 && rng_.chance(loss_ppm_, 1'000'000)) {
    ++lost_;
    return std::nullopt;
  }
  return stream_transit(from, to);
}

std::optional<Duration> Network::stream_transit(HostId from, HostId to) {
  if (cut(from, to)) {
    ++blocked_;
    return std::nullopt;
  }
  return delay(from, to);
}

Network::CutId Network::add_cut(HostSet from, HostSet to) {
  cuts_.push_back({next_cut_, std::move(from), std::move(to)});
  return next_cut_++;
}

void Network::heal(CutId cut) {
  std::erase_if(cuts_, [&](const Cut& c) { return c.id == cut; });
}

void Network::set_extra_delay(HostId host, Duration delay) {
  if (host >= extra_.size()) extra_.resize(host + 1);
  extra_[host] = delay;
}

}  // namespace keelson::sim
