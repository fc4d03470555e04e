// Int-or-percent values. Percentages are computed in 64-bit integers: no floating point decides.
#include <limits>

#include "core/api/validate/errors.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {

IntOrString int_value(int32_t value) {
  IntOrString result;
  result.set_int_val(value);
  return result;
}

IntOrString string_value(std::string value) {
  IntOrString result;
  result.set_type(1);
  result.set_str_val(std::move(value));
  return result;
}

std::optional<int32_t> parse_percent(std::string_view text) {
  if (text.size() < 2 || text.back() != '%') return std::nullopt;
  text.remove_suffix(1);
  int64_t percent = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    percent = percent * 10 + (c - '0');
    if (percent > std::numeric_limits<int32_t>::max()) return std::nullopt;
  }
  return static_cast<int32_t>(percent);
}

int32_t scaled_value(const IntOrString& value, int32_t total, bool round_up) {
  if (value.type() == 0) return value.int_val();
  std::optional<int32_t> percent = parse_percent(value.str_val());
  if (!percent || total <= 0) return 0;
  int64_t scaled = int64_t{*percent} * total;
  int64_t result = scaled / 100 + (round_up && scaled % 100 != 0 ? 1 : 0);
  return static_cast<int32_t>(std::min<int64_t>(result, std::numeric_limits<int32_t>::max()));
}

}  // namespace keelson::api
