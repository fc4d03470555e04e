// Durations as people read them.
#pragma once

#include <string>

#include "core/base/time.hpp"

namespace keelson::rest {

// "45s", "5m3s", "3h12m", "2d4h", "1y30d": two or three digits that matter. Clocks of two machines
// differ, so up to two seconds in the future are "0s"; more is "<invalid>".
// Source: k8s.io/apimachinery/pkg/util/duration (HumanDuration).
std::string human_duration(Duration elapsed);

// From `then` to `now`, at most what a Duration can hold.
Duration elapsed_between(WallTime then, WallTime now);

}  // namespace keelson::rest
