// The network between hosts: delay, loss and cuts. It decides whether and when a message arrives;
// links.hpp builds calls and streams on top.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/rng.hpp"
#include "core/base/time.hpp"

namespace keelson::sim {

using HostId = uint32_t;

struct NetworkOptions {
  Duration delay_min = 200us;  // one way; a data centre's network
  Duration delay_max = 600us;
};

// A set of hosts, by number.
class HostSet {
 public:
  void add(HostId host) {
    if (host >= bits_.size()) bits_.resize(host + 1);
    bits_[host] = true;
  }
  bool has(HostId host) const { return host < bits_.size() && bits_[host]; }

 private:
  std::vector<bool> bits_;
};

class Network {
 public:
  Network(Rng rng, NetworkOptions options) : rng_(rng), options_(options) {}

  // How long a message takes now, or nothing if it does not arrive. Draws from the network's stream.
  std::optional<Duration> transit(HostId from, HostId to);
  // As transit(), for a segment of a stream, which is retransmitted rather than lost: nothing only
  // while the path is cut.
  std::optional<Duration> stream_transit(HostId from, HostId to);
  bool cut(HostId from, HostId to) const { return any_cut() && find_cut(from, to); }
  bool any_cut() const { return !cuts_.empty(); }

  // --- Faults -------------------------------------------------------------------------------------
  using CutId = uint32_t;
  // No message passes from a host in `from` to one in `to` until heal().
  CutId add_cut(HostSet from, HostSet to);
  void heal(CutId cut);
  // The share of calls' messages that vanish, in millionths.
  void set_loss_ppm(uint32_t ppm) { loss_ppm_ = ppm; }
  uint32_t loss_ppm() const { return loss_ppm_; }
  // Added to each message from or to this host.
  void set_extra_delay(HostId host, Duration delay);
  Duration extra_delay(HostId host) const {
    return host < extra_.size() ? extra_[host] : Duration::zero();
  }

  uint64_t lost() const { return lost_; }
  uint64_t blocked() const { return blocked_; }

 private:
  Duration delay(HostId from, HostId to);
  bool find_cut(HostId from, HostId to) const;

  struct Cut {
    CutId id;
    HostSet from, to;
  };
  Rng rng_;
  NetworkOptions options_;
  uint32_t loss_ppm_ = 0;
  CutId next_cut_ = 1;
  std::vector<Cut> cuts_;
  std::vector<Duration> extra_;
  uint64_t lost_ = 0, blocked_ = 0;
};

}  // namespace keelson::sim
