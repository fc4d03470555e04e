// Any text as a configuration to apply, and any text as a set of fields. What was applied is owned, and
// applying it again changes nothing.
#include <cstddef>
#include <cstdint>

#include "core/api/apply.hpp"
#include "core/api/json.hpp"
#include "core/api/json_plan.hpp"
#include "core/base/assert.hpp"

using namespace keelson::api;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto set = decode_fields(text)) {
    const std::string once = encode_fields(*set);
    const auto again = decode_fields(once);
    KEELSON_ASSERT_WHY(again.ok() && *again == *set && encode_fields(*again) == once, once.c_str());
  }
  ApiError error;
  const auto config =
      Configuration::parse(text, plan_of(*Pod::descriptor()), FieldValidation::warn, error);
  KEELSON_ASSERT(!config == error.operator bool());
  if (!config) return 0;
  const FieldWriter writer{"fuzz", "", {}};
  Applied first = apply_configuration(Kind::pods, nullptr, *config, writer, false);
  if (first.error) return 0;
  note_application(Kind::pods, first, nullptr, *first.message, writer);
  Applied second = apply_configuration(Kind::pods, first.message.get(), *config, writer, false);
  KEELSON_ASSERT_WHY(second.error.ok(), second.error.message.c_str());
  note_application(Kind::pods, second, first.message.get(), *second.message, writer);
  const std::string once = encode_message(*first.message);
  KEELSON_ASSERT_WHY(encode_message(*second.message) == once, once.c_str());
  return 0;
}
