// How many entries to ask Redis for at a time: few if they are large, so that no answer holds Redis
// up or fills memory, many if they are small.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include "runtime/redis/reply.hpp"

namespace keelson::redis {

class Portion {
 public:
  std::string count() const { return std::to_string(count_); }
  // An answer came, with so many entries.
  void took(const Reply& answer, std::size_t entries) {
    if (entries == 0) return;
    const std::size_t each = std::max<std::size_t>(1, bytes_of(answer) / entries);
    count_ = std::clamp<std::size_t>(bytes_wanted / each, 1, std::min(count_ * 4, count_max));
  }

 private:
  static constexpr std::size_t bytes_wanted = 4 << 20;
  static constexpr std::size_t count_max = 1000;
  static std::size_t bytes_of(const Reply& reply) {
    std::size_t sum = reply.text.size();
    for (const Reply& item : reply.items) sum += bytes_of(item);
    return sum;
  }

  std::size_t count_ = 32;
};

}  // namespace keelson::redis
