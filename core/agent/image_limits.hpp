// When images are collected: garbage.hpp says how. Kubelet's defaults.
#pragma once

#include <chrono>
#include <cstdint>

#include "core/base/time.hpp"

namespace keelson::agent {

struct ImageGarbageLimits {
  uint32_t high_percent = 85, low_percent = 80;  // of the images' file system
  Duration min_age = std::chrono::minutes(2);
  Duration period = std::chrono::minutes(5);
};

}  // namespace keelson::agent
