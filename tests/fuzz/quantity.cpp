// Any bytes as a quantity. Canonical forms are fixed points and mean the same.
#include "core/api/quantity.hpp"

#include <cstddef>
#include <cstdint>

#include "core/base/assert.hpp"

using namespace keelson::api;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = QuantityValue::parse(text);
  const auto canonical = canonical_quantity(text);
  KEELSON_ASSERT(parsed.ok() == canonical.ok());
  Quantity message;
  message.set_string(std::string(text));
  const int64_t value = value_of(message);
  const int64_t milli = milli_value_of(message);
  if (!parsed) {
    KEELSON_ASSERT(value == 0 && milli == 0);
    return 0;
  }
  KEELSON_ASSERT(value == parsed->value() && milli == parsed->milli_value());
  KEELSON_ASSERT_WHY(*canonical_quantity(*canonical) == *canonical, canonical->c_str());
  KEELSON_ASSERT_WHY(*QuantityValue::parse(*canonical) == *parsed, canonical->c_str());
  const QuantityValue sum = *parsed + *parsed;
  KEELSON_ASSERT((sum - *parsed) == *parsed || sum.value() == INT64_MAX ||
                 sum.value() == INT64_MIN);
  return 0;
}
