// Numbers as people read them.
#pragma once

#include <string>
#include <vector>

#include "sim/lab/comparison.hpp"

namespace keelson::lab {

// With so many digits after the point: "93.21"; "-" for what is no number.
std::string rounded(double value, int decimals);
// With its sign, "+2.81"; what rounds to zero has none.
std::string with_sign(double value, int decimals);
// With about four digits: "12,160", "93.21", "0.004123".
std::string short_number(double value);
// "p < 0.001", "p = 0.012"
std::string p_text(double p);

// How many digits after the point show two of the metric's smallest margin, or four of its values.
int decimals_of(const MetricTable& table);

struct Ticks {
  std::vector<double> at;
  int decimals = 0;
};
// About `wanted` round numbers (1, 2 or 5 times a power of ten) within [low, high].
Ticks round_ticks(double low, double high, int wanted);

}  // namespace keelson::lab
