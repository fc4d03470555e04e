// Any bytes as a YAML stream. What is accepted must survive being written as YAML.
#include <cstddef>
#include <cstdint>

#include "core/api/json.hpp"
#include "core/base/assert.hpp"

using namespace keelson::api;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(decode_yaml(text, "fuzz", {DecodeOptions::Unknown::strict}).ok());
  const auto decoded = decode_yaml(text, "fuzz");
  if (!decoded) return 0;
  for (const Decoded& one : *decoded) {
    const std::string yaml = encode_yaml(*one.object);
    const auto again = decode_yaml(yaml, "again", {DecodeOptions::Unknown::strict});
    KEELSON_ASSERT_WHY(again.ok() && again->size() == 1, yaml.c_str());
  }
  return 0;
}
