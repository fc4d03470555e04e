// How long things took: a histogram of fixed size, exact to within two percent.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace keelson::bench {

class Latencies {
 public:
  void add(int64_t ns) {
    const auto value = static_cast<uint64_t>(std::max<int64_t>(ns, 0));
    ++counts_[bucket(value)];
    ++count_;
    max_ = std::max(max_, value);
  }
  uint64_t count() const { return count_; }
  double max_ms() const { return static_cast<double>(max_) / 1e6; }
  // The time that this share of all did not exceed.
  double percentile_ms(double share) const {
    const auto wanted = static_cast<uint64_t>(share * static_cast<double>(count_));
    uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > wanted) return static_cast<double>(std::min(upper(i), max_)) / 1e6;
    }
    return max_ms();
  }

 private:
  // 64 buckets to each doubling.
  static constexpr int kBits = 6;
  static constexpr std::size_t kSub = std::size_t{1} << kBits;

  static std::size_t bucket(uint64_t value) {
    if (value < kSub) return static_cast<std::size_t>(value);
    const int shift = std::bit_width(value) - kBits - 1;
    return (static_cast<std::size_t>(shift) << kBits) + static_cast<std::size_t>(value >> shift);
  }
  static uint64_t upper(std::size_t bucket) {
    if (bucket < 2 * kSub) return bucket;
    const std::size_t shift = (bucket >> kBits) - 1;
    return ((bucket - (shift << kBits) + 1) << shift) - 1;
  }

  std::array<uint64_t, kSub * 60> counts_{};
  uint64_t count_ = 0;
  uint64_t max_ = 0;
};

}  // namespace keelson::bench
