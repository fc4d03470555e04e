// Checks of single values, and those that the field options describe completely.
#include <fmt/format.h>

#include "core/api/proto/options.pb.h"
#include "core/api/validate/errors.hpp"
#include "core/api/validate/names.hpp"

namespace keelson::api {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

void check_nonnegative(Errors& errors, const Path& path, int64_t value) {
  if (value < 0) errors.invalid(path, value, negative_reason);
}

void check_port(Errors& errors, const Path& path, int64_t port) {
  if (port < 1 || port > 65535) {
    errors.invalid(path, port, "must be between 1 and 65535, inclusive");
  }
}

void check_port_or_name(Errors& errors, const Path& path, const IntOrString& port) {
  if (port.type() == 0) return check_port(errors, path, port.int_val());
  errors.invalid(path, port.str_val(), check_port_name(port.str_val()));
}

void check_int_or_percent(Errors& errors, const Path& path, const IntOrString& value) {
  if (value.type() == 0) return check_nonnegative(errors, path, value.int_val());
  if (parse_percent(value.str_val())) return;
  errors.invalid_shown(path, go_value(value),
                       "a valid percent string must be a numeric string followed by an ending '%' "
                       "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')");
}

void check_percent_max(Errors& errors, const Path& path, const IntOrString& value) {
  if (value.type() == 0) return;
  std::optional<int32_t> percent = parse_percent(value.str_val());
  if (percent && *percent > 100) {
    errors.invalid_shown(path, go_value(value), "must not be greater than 100%");
  }
}

std::vector<std::string_view> allowed_values(const Descriptor& message, int number) {
  const FieldDescriptor* descriptor = message.FindFieldByNumber(number);
  KEELSON_ASSERT(descriptor != nullptr);
  const auto& values = descriptor->options().GetExtension(field).one_of();
  return {values.begin(), values.end()};
}

void check_one_of(Errors& errors, const Path& path, const Descriptor& message, int number,
                  std::string_view value, Empty empty) {
  if (value.empty()) {
    if (empty == Empty::required) errors.required(path);
    return;
  }
  const FieldDescriptor* descriptor = message.FindFieldByNumber(number);
  KEELSON_ASSERT(descriptor != nullptr);
  for (const std::string& one : descriptor->options().GetExtension(field).one_of()) {
    if (one == value) return;
  }
  errors.not_supported(path, value, allowed_values(message, number));
}

namespace {

bool absent(const Message& message, const FieldDescriptor& descriptor) {
  const auto& reflection = *message.GetReflection();
  if (descriptor.is_repeated()) return reflection.FieldSize(message, &descriptor) == 0;
  // Numbers and booleans without presence have no absent value that could be told from zero.
  if (descriptor.cpp_type() != FieldDescriptor::CPPTYPE_STRING &&
      descriptor.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE && !descriptor.has_presence()) {
    return false;
  }
  return !reflection.HasField(message, &descriptor);
}

}  // namespace

void check_required_fields(Errors& errors, const Path& path, const Message& message) {
  const Descriptor& type = *message.GetDescriptor();
  const auto& reflection = *message.GetReflection();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& descriptor = *type.field(i);
    const FieldRule& rule = descriptor.options().GetExtension(field);
    const Path child = path.child(descriptor.json_name());
    const Path& place = rule.inline_() ? path : child;
    if (absent(message, descriptor)) {
      if (rule.required()) errors.required(place);
      continue;
    }
    const std::string& value =
        descriptor.cpp_type() == FieldDescriptor::CPPTYPE_STRING && !descriptor.is_repeated()
            ? reflection.GetString(message, &descriptor)
            : std::string();
    if (!value.empty() && rule.one_of_size() != 0) {
      check_one_of(errors, place, type, descriptor.number(), value, Empty::allowed);
    }
    if (descriptor.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || descriptor.is_map()) continue;
    if (!descriptor.is_repeated()) {
      check_required_fields(errors, place, reflection.GetMessage(message, &descriptor));
      continue;
    }
    for (int j = 0; j < reflection.FieldSize(message, &descriptor); ++j) {
      check_required_fields(errors, place.index(j),
                            reflection.GetRepeatedMessage(message, &descriptor, j));
    }
  }
}

void check_immutable_fields(Errors& errors, const Path& path, const Message& now,
                            const Message& before) {
  const Descriptor& type = *now.GetDescriptor();
  KEELSON_ASSERT(&type == before.GetDescriptor());
  const auto& reflection = *now.GetReflection();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& descriptor = *type.field(i);
    if (!descriptor.options().GetExtension(field).immutable()) continue;
    const Path child = path.child(descriptor.json_name());
    if (descriptor.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      const Message& value = reflection.GetMessage(now, &descriptor);
      if (!same(value, reflection.GetMessage(before, &descriptor))) {
        errors.invalid_shown(child, go_value(value), immutable_reason);
      }
      continue;
    }
    KEELSON_ASSERT(descriptor.cpp_type() == FieldDescriptor::CPPTYPE_STRING);
    std::string value = reflection.GetString(now, &descriptor);
    if (value != reflection.GetString(before, &descriptor)) {
      errors.invalid(child, value, immutable_reason);
    }
  }
}

}  // namespace keelson::api
