// Any bytes as an API object. What is accepted must have one spelling.
#include <cstddef>
#include <cstdint>

#include "core/api/json.hpp"
#include "core/base/assert.hpp"

using namespace keelson::api;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto strict = decode_object(text, {DecodeOptions::Unknown::strict});
  const auto warned = decode_object(text, {DecodeOptions::Unknown::warn});
  const auto decoded = decode_object(text);
  KEELSON_ASSERT(decoded.ok() == warned.ok());
  KEELSON_ASSERT(!strict.ok() || (decoded.ok() && warned->warnings.empty()));
  PodTemplateSpec part;
  static_cast<void>(decode_message(text, part).ok());
  if (!decoded) return 0;
  const std::string once = encode_object(*decoded->object);
  const auto again = decode_object(once, {DecodeOptions::Unknown::strict});
  KEELSON_ASSERT_WHY(again.ok(), once.c_str());
  KEELSON_ASSERT_WHY(encode_object(*again->object) == once, once.c_str());
  return 0;
}
