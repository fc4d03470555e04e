// The time during which the controller really saw what nodes do. Silence is measured in it, so that
// a controller that was cut off, paused or served late does not blame the nodes (NL-1, NL-2).
#pragma once

#include <algorithm>

#include "core/base/time.hpp"

namespace keelson::controllers {

class ObservedClock {
 public:
  // `gap`: the longest distance between two looks that still counts in full. `blackout`: a distance
  // after which what was known before says nothing any more.
  ObservedClock(Duration gap, Duration blackout) : gap_(gap), blackout_(blackout) {}

  // The controller looked, by a request sent at `sent` that was answered. Returns true if there was
  // a blackout before it: forget how long nodes have been silent.
  bool look(Instant sent) {
    if (!looked_) {
      looked_ = true;
      last_ = sent;
      return false;
    }
    const Duration distance = sent - last_;
    if (distance <= Duration::zero()) return false;
    last_ = sent;
    now_ += std::min(distance, gap_);
    return distance >= blackout_;
  }
  Duration now() const { return now_; }

 private:
  Duration gap_, blackout_;
  Duration now_{};
  Instant last_{};
  bool looked_ = false;
};

}  // namespace keelson::controllers
