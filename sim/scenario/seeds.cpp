#include "sim/scenario/seeds.hpp"

#include <charconv>

namespace keelson::sim {

std::optional<std::pair<uint64_t, uint64_t>> parse_seeds(const std::string& text) {
  const auto dots = text.find("..");
  const std::string low = text.substr(0, dots);
  const std::string high = dots == std::string::npos ? low : text.substr(dots + 2);
  uint64_t a = 0, b = 0;
  const auto number = [](const std::string& s, uint64_t* out) {
    const auto end = std::from_chars(s.data(), s.data() + s.size(), *out);
    return !s.empty() && end.ec == std::errc{} && end.ptr == s.data() + s.size();
  };
  if (!number(low, &a) || !number(high, &b) || a > b || b - a >= 10'000'000) return std::nullopt;
  return std::pair{a, b};
}

}  // namespace keelson::sim
