// Any bytes as a protobuf body. What is accepted is an object like any other: its JSON can be read
// again, and so can its protobuf.
#include <cstddef>
#include <cstdint>

#include "core/api/json.hpp"
#include "core/api/protobuf.hpp"
#include "core/base/assert.hpp"

using namespace keelson::api;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  DeleteOptions options;
  static_cast<void>(decode_message_protobuf(bytes, options).ok());
  // With the envelope, and as the inside of one.
  auto decoded = decode_object_protobuf(bytes);
  if (!decoded) decoded = decode_object_protobuf(ProtobufBody{"v1", "Pod", std::string(bytes)},
                                                 Kind::pods);
  if (!decoded) return 0;
  const std::string json = encode_object(*decoded->object);
  KEELSON_ASSERT_WHY(decode_object(json).ok(), json.c_str());
  const auto again = decode_object_protobuf(encode_object_protobuf(*decoded->object));
  KEELSON_ASSERT_WHY(again.ok(), json.c_str());
  KEELSON_ASSERT_WHY(encode_object(*again->object) == json, json.c_str());
  return 0;
}
