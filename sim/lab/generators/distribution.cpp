#include "sim/lab/generators/distribution.hpp"

#include <algorithm>
#include <cmath>

#include "core/base/assert.hpp"
#include "sim/lab/generators/math.hpp"

namespace keelson::lab {

double unit_interval(Rng& rng) {
  return static_cast<double>((rng.next() >> 11) + 1) * 0x1p-53;
}

double normal(Rng& rng) {
  for (;;) {
    const double u = 2 * unit_interval(rng) - 1, v = 2 * unit_interval(rng) - 1;
    const double s = u * u + v * v;
    if (s >= 1 || s == 0) continue;
    return u * std::sqrt(-2 * exact_log(s) / s);  // a square root is exact
  }
}

double Amount::draw_exactly(Rng& rng) const {
  double x = 0;
  switch (kind) {
    case Kind::constant: x = a; break;
    case Kind::uniform: x = low + (high - low) * unit_interval(rng); break;
    case Kind::exponential: x = -a * exact_log(unit_interval(rng)); break;
    case Kind::lognormal: x = a * exact_exp(b * normal(rng)); break;
    case Kind::weibull: x = a * exact_pow(-exact_log(unit_interval(rng)) + 0x1p-60, 1 / b); break;
    case Kind::pareto: {
      // The inverse of F(x) = (1 - (low/x)^a) / (1 - (low/high)^a).
      const double share = 1 - exact_pow(low / high, a);
      x = low * exact_pow(1 - (1 - unit_interval(rng)) * share, -1 / a);
      break;
    }
    case Kind::choice: {
      KEELSON_ASSERT(!values.empty() && values.size() == weights.size());
      uint64_t sum = 0;
      for (const int64_t weight : weights) sum += static_cast<uint64_t>(weight);
      uint64_t ticket = rng.below(sum);
      std::size_t i = 0;
      while (ticket >= static_cast<uint64_t>(weights[i])) {
        ticket -= static_cast<uint64_t>(weights[i++]);
      }
      x = values[i];
      break;
    }
    case Kind::quantiles: {
      KEELSON_ASSERT(!values.empty());
      if (values.size() == 1) return values[0];
      const std::size_t i = rng.below(values.size() - 1);
      x = values[i] + (values[i + 1] - values[i]) * (1 - unit_interval(rng));
      break;
    }
  }
  if (high > 0) x = std::min(x, high);
  return std::max(x, low);
}

int64_t Amount::draw(Rng& rng) const {
  const double x = std::max(draw_exactly(rng), 0.0);
  return x >= 4e18 ? int64_t{4'000'000'000'000'000'000} : static_cast<int64_t>(x + 0.5);
}

}  // namespace keelson::lab
