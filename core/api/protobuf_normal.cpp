#include "core/api/protobuf_normal.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "core/api/json_plan.hpp"
#include "core/api/json_text.hpp"
#include "core/api/map_access.hpp"
#include "core/api/quantity.hpp"

namespace keelson::api {
namespace {

using Shape = MessagePlan::Shape;
using Type = FieldPlan::Type;

// Years 1 to 9999, which is what RFC 3339 can write.
constexpr int64_t seconds_min = -62'135'596'800, seconds_max = 253'402'300'799;
constexpr int32_t second_nanos_max = 999'999'999;

bool is_time(const FieldPlan& field) {
  return field.child &&
         (field.child->shape == Shape::time || field.child->shape == Shape::micro_time);
}

class Normalizer {
 public:
  std::string wrong;

  bool message(Message& message, const MessagePlan& plan) {
    switch (plan.shape) {
      case Shape::plain:
      case Shape::raw:
      case Shape::texts: break;
      case Shape::time: return time(static_cast<Time&>(message), 1'000'000'000);
      case Shape::micro_time: return time(static_cast<MicroTime&>(message), 1000);
      case Shape::quantity: return quantity(static_cast<Quantity&>(message));
      case Shape::int_or_string: return either(static_cast<IntOrString&>(message));
      case Shape::fields_v1: return fields(static_cast<FieldsV1&>(message));
    }
    const auto& reflection = *message.GetReflection();
    for (const FieldPlan& field : plan.fields) {
      if (field.type != Type::message) continue;
      const std::size_t length = path_.size();
      if (!field.inlined) path_ += (path_.empty() ? "" : ".") + field.name;
      if (!this->field(message, reflection, field)) return false;
      path_.resize(length);
    }
    return true;
  }

 private:
  bool field(Message& message, const google::protobuf::Reflection& reflection,
             const FieldPlan& field) {
    if (field.map) {
      std::vector<std::string> keys;
      MapAccess::each(message, field.field,
                      [&](const std::string& key, const auto&) { keys.push_back(key); });
      std::sort(keys.begin(), keys.end());  // of several mistakes, always the same is reported
      for (const std::string& key : keys) {
        auto entry = MapAccess::at(message, field.field, key);
        if (!below("." + key, *entry.MutableMessageValue(), *field.child)) return false;
      }
      return true;
    }
    if (field.repeated) {
      for (int i = 0; i < reflection.FieldSize(message, field.field); ++i) {
        Message& child = *reflection.MutableRepeatedMessage(&message, field.field, i);
        if (!below("[" + std::to_string(i) + "]", child, *field.child)) return false;
      }
      return true;
    }
    if (!reflection.HasField(message, field.field)) return true;
    Message& child = *reflection.MutableMessage(&message, field.field);
    if (!this->message(child, *field.child)) return false;
    if ((field.inlined || is_time(field)) && child.ByteSizeLong() == 0) {
      reflection.ClearField(&message, field.field);
    }
    return true;
  }

  bool below(const std::string& step, Message& child, const MessagePlan& plan) {
    const std::size_t length = path_.size();
    path_ += step;
    if (!message(child, plan)) return false;
    path_.resize(length);
    return true;
  }

  bool fail(const std::string& why) {
    wrong = path_.empty() ? why : path_ + ": " + why;
    return false;
  }

  template <class T>
  bool time(T& time, int32_t precision) {
    if (time.seconds() < seconds_min || time.seconds() > seconds_max) {
      return fail("the time is out of range");
    }
    if (time.nanos() < 0 || time.nanos() > second_nanos_max) {
      return fail("the nanoseconds of the time are out of range");
    }
    time.set_nanos(time.nanos() / precision * precision);
    return true;
  }

  bool quantity(Quantity& quantity) {
    if (quantity.string().empty()) {
      quantity.set_string("0");
      return true;
    }
    keelson::Result<std::string> canonical = canonical_quantity(quantity.string());
    if (!canonical) return fail(canonical.error().message);
    quantity.set_string(std::move(canonical).value());
    return true;
  }

  bool either(IntOrString& either) {
    if (either.type() == 1) {
      either.clear_int_val();
    } else if (either.type() == 0) {
      either.clear_str_val();
    } else {
      return fail("impossible IntOrString.Type");
    }
    return true;
  }

  bool fields(const FieldsV1& fields) {
    if (fields.raw().empty()) return true;
    const ParsedJson parsed = parse_json(fields.raw(), nullptr);
    return parsed.error.empty() || fail(parsed.error);
  }

  std::string path_;
};

}  // namespace

std::string normalize_protobuf(Message& message) {
  Normalizer normalizer;
  normalizer.message(message, plan_of(message));
  return std::move(normalizer.wrong);
}

}  // namespace keelson::api
