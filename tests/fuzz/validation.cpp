// Any bytes as an object, or two of them around a zero byte as one object and its change: defaulted and
// judged. Defaults are final, and no object, however odd, is beyond judgement.
#include "core/api/validation.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/api/json.hpp"
#include "core/base/assert.hpp"

using namespace keelson::api;

namespace {

std::unique_ptr<Message> defaulted(const Object& object) {
  std::unique_ptr<Message> message(object.message().New());
  message->CopyFrom(object.message());
  apply_defaults(object.kind(), *message);
  const std::string once = encode_message(*message);
  apply_defaults(object.kind(), *message);
  KEELSON_ASSERT_WHY(encode_message(*message) == once, once.c_str());
  return message;
}

void check(const ApiError& error) {
  KEELSON_ASSERT(error.ok() == error.causes.empty());
  KEELSON_ASSERT(error.ok() || error.reason == Reason::invalid);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = text.find('\0');
  const auto first = decode_object(text.substr(0, cut));
  if (!first) return 0;
  const Kind kind = first->object->kind();
  const std::unique_ptr<Message> before = defaulted(*first->object);
  check(validate_create(kind, *before));
  if (cut == std::string_view::npos) return 0;
  const auto second = decode_object(text.substr(cut + 1));
  if (!second || second->object->kind() != kind) return 0;
  const std::unique_ptr<Message> now = defaulted(*second->object);
  check(validate_update(kind, *now, *before));
  check(validate_status_update(kind, *now, *before));
  return 0;
}
