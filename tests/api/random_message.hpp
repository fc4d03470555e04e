// Messages of any type with arbitrary content, for round-trip properties.
#pragma once

#include <google/protobuf/message.h>

#include <string>

#include "core/api/json_plan.hpp"
#include "core/api/map_access.hpp"
#include "core/api/quantity.hpp"
#include "core/base/rng.hpp"

namespace keelson::api {

// Fills fields at random. Members that the encoder writes even when they are empty are always set:
// decoding what it wrote sets them too, so that the two messages can be compared.
class RandomMessages {
 public:
  explicit RandomMessages(uint64_t seed) : rng_(seed) {}

  void fill(Message& message) { fill(message, plan_of(message), 0); }

  std::string text() {
    static constexpr const char* pieces[] = {"a",  "web", "\"", "\\", "\n", "\t", "é", "<b>",
                                             " ",  "&",   ":",  "#",  "-",  "0",  "~", "true",
                                             "\x01", "/",  "世", "\xE2\x80\xA8", "'",  "{}", ","};
    std::string out;
    for (uint64_t n = rng_.below(6); n > 0; --n) out += pieces[rng_.below(std::size(pieces))];
    return out;
  }

 private:
  using Type = FieldPlan::Type;
  using Shape = MessagePlan::Shape;

  void fill(Message& message, const MessagePlan& plan, unsigned depth) {
    switch (plan.shape) {
      case Shape::plain: break;
      case Shape::time: {
        static_cast<Time&>(message).set_seconds(rng_.between(-2'000'000'000, 4'000'000'000));
        return;
      }
      case Shape::micro_time: {
        auto& time = static_cast<MicroTime&>(message);
        time.set_seconds(rng_.between(0, 4'000'000'000));
        time.set_nanos(static_cast<int32_t>(rng_.below(1'000'000)) * 1000);
        return;
      }
      case Shape::quantity: {
        const auto format = static_cast<QuantityValue::Format>(rng_.below(3));
        const auto value = rng_.chance(1, 2)
                               ? QuantityValue::milli(rng_.between(-100'000, 100'000))
                               : QuantityValue::of(rng_.between(0, 1LL << 45), format);
        static_cast<Quantity&>(message).set_string(value.to_string());
        return;
      }
      case Shape::int_or_string: {
        auto& either = static_cast<IntOrString&>(message);
        either.set_type(rng_.chance(1, 2) ? 1 : 0);
        if (either.type() == 1) {
          either.set_str_val(text());
        } else {
          either.set_int_val(static_cast<int32_t>(rng_.between(-5, 70'000)));
        }
        return;
      }
      case Shape::fields_v1:
        static_cast<FieldsV1&>(message).set_raw(R"({"f:spec":{"f:a":{},"k:{\"name\":\"c\"}":{}}})");
        return;
      case Shape::raw:
        static_cast<RawExtension&>(message).set_raw(R"({"spec":{"a":[1,null,"x"],"replicas":3}})");
        return;
      case Shape::texts: return fill_list(message, plan.fields.front(), depth);
    }
    for (const FieldPlan& field : plan.fields) fill_field(message, field, depth);
  }

  void fill_field(Message& message, const FieldPlan& field, unsigned depth) {
    const auto& reflection = *message.GetReflection();
    const bool single = field.type == Type::message && !field.repeated && !field.map;
    const bool time = single && (field.child->shape == Shape::time ||
                                 field.child->shape == Shape::micro_time);
    const bool always = single && !time && (field.emit_empty || field.inlined);
    // The deeper, the rarer: trees stay small although every field is reached in time.
    if (!always && !rng_.chance(1, 2 + depth)) return;
    if (field.map) return fill_map(message, field, depth);
    if (field.repeated) return fill_list(message, field, depth);
    switch (field.type) {
      case Type::string:
      case Type::bytes: reflection.SetString(&message, field.field, text()); break;
      case Type::boolean: reflection.SetBool(&message, field.field, rng_.chance(1, 2)); break;
      case Type::int32:
        reflection.SetInt32(&message, field.field, static_cast<int32_t>(number(INT32_MAX)));
        break;
      case Type::int64: reflection.SetInt64(&message, field.field, number(INT64_MAX)); break;
      case Type::message: {
        Message& child = *reflection.MutableMessage(&message, field.field);
        fill(child, *field.child, depth + 1);
        if (field.inlined && child.ByteSizeLong() == 0) {
          reflection.ClearField(&message, field.field);
        }
        break;
      }
    }
  }

  int64_t number(int64_t max) {
    switch (rng_.below(4)) {
      case 0: return 0;
      case 1: return max;
      case 2: return -max - 1;
      default: return rng_.between(-1000, 1000);
    }
  }

  void fill_list(Message& message, const FieldPlan& field, unsigned depth) {
    const auto& reflection = *message.GetReflection();
    for (uint64_t n = rng_.below(3); n > 0; --n) {
      switch (field.type) {
        case Type::string:
        case Type::bytes: reflection.AddString(&message, field.field, text()); break;
        case Type::boolean: reflection.AddBool(&message, field.field, rng_.chance(1, 2)); break;
        case Type::int32: reflection.AddInt32(&message, field.field, 7); break;
        case Type::int64: reflection.AddInt64(&message, field.field, number(INT64_MAX)); break;
        case Type::message:
          fill(*reflection.AddMessage(&message, field.field), *field.child, depth + 1);
          break;
      }
    }
  }

  void fill_map(Message& message, const FieldPlan& field, unsigned depth) {
    for (uint64_t n = rng_.below(4); n > 0; --n) {
      auto entry = MapAccess::at(message, field.field, text());
      if (field.type == Type::message) {
        Message& value = *entry.MutableMessageValue();
        value.Clear();
        fill(value, *field.child, depth + 1);
      } else {
        entry.SetStringValue(text());
      }
    }
  }

  Rng rng_;
};

}  // namespace keelson::api
