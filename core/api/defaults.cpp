// Scalar defaults stand as options on their fields; this walks them. What is worked out from other
// fields stands in defaults_computed.cpp.
#include "core/api/defaults.hpp"

#include <charconv>
#include <map>
#include <memory>

#include "core/api/object.hpp"
#include "core/api/proto/options.pb.h"
#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Reflection;

// What is to be done for messages of one type, found once: every create and update comes through
// here, and most messages have nothing to default.
struct Plan {
  struct Scalar {
    const FieldDescriptor* field = nullptr;
    std::string text;
    int64_t number = 0;
  };
  struct Child {
    const FieldDescriptor* field = nullptr;
    const Plan* plan = nullptr;
  };
  std::vector<Scalar> scalars;
  std::vector<Child> children;
  bool empty() const { return scalars.empty() && children.empty(); }
};

class Plans {
 public:
  Plans() {
    for (int i = 0; i < kind_count; ++i) {
      by_kind_[static_cast<size_t>(i)] =
          &plan_of(*new_message(static_cast<Kind>(i))->GetDescriptor());
    }
  }
  const Plan& of(Kind kind) const { return *by_kind_[static_cast<size_t>(kind)]; }

 private:
  // REQUIRES: the message types are not recursive (none of ours is).
  const Plan& plan_of(const Descriptor& type) {
    auto [it, added] = plans_.try_emplace(type.full_name());
    if (!added) return *it->second;
    it->second = std::make_unique<Plan>();
    Plan& plan = *it->second;
    for (int i = 0; i < type.field_count(); ++i) {
      const FieldDescriptor* f = type.field(i);
      const FieldRule& rule = f->options().GetExtension(field);
      if (!rule.default_value().empty()) plan.scalars.push_back(scalar(f, rule.default_value()));
      if (f->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || f->is_map()) continue;
      const Plan& child = plan_of(*f->message_type());
      if (!child.empty()) plan.children.push_back({f, &child});
    }
    return plan;
  }

  static Plan::Scalar scalar(const FieldDescriptor* f, const std::string& text) {
    Plan::Scalar result{f, text, 0};
    if (f->cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
      KEELSON_ASSERT(text == "true" || text == "false");
      result.number = text == "true";
    } else if (f->cpp_type() != FieldDescriptor::CPPTYPE_STRING) {
      auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result.number);
      KEELSON_ASSERT_WHY(error == std::errc() && end == text.data() + text.size(), text.c_str());
    }
    return result;
  }

  std::map<std::string, std::unique_ptr<Plan>> plans_;
  const Plan* by_kind_[kind_count] = {};
};

void set(Message& message, const Reflection& reflection, const Plan::Scalar& scalar) {
  switch (scalar.field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      reflection.SetString(&message, scalar.field, scalar.text);
      break;
    case FieldDescriptor::CPPTYPE_INT32:
      reflection.SetInt32(&message, scalar.field, static_cast<int32_t>(scalar.number));
      break;
    case FieldDescriptor::CPPTYPE_INT64:
      reflection.SetInt64(&message, scalar.field, scalar.number);
      break;
    case FieldDescriptor::CPPTYPE_BOOL:
      reflection.SetBool(&message, scalar.field, scalar.number != 0);
      break;
    default: KEELSON_ASSERT_WHY(false, "a default on a field of a type that has none");
  }
}

void walk(const Plan& plan, Message& message) {
  const Reflection& reflection = *message.GetReflection();
  for (const Plan::Scalar& scalar : plan.scalars) {
    // Without presence HasField means "not zero", and there zero and absent are the same thing.
    if (!reflection.HasField(message, scalar.field)) set(message, reflection, scalar);
  }
  for (const Plan::Child& child : plan.children) {
    if (child.field->is_repeated()) {
      const int size = reflection.FieldSize(message, child.field);
      for (int i = 0; i < size; ++i) {
        walk(*child.plan, *reflection.MutableRepeatedMessage(&message, child.field, i));
      }
    } else if (reflection.HasField(message, child.field)) {
      walk(*child.plan, *reflection.MutableMessage(&message, child.field));
    }
  }
}

}  // namespace

void apply_defaults(Kind kind, Message& message) {
  // Never changes once it is made, so it is no state.
  static const Plans plans;
  apply_structural_defaults(kind, message);
  walk(plans.of(kind), message);
  apply_computed_defaults(kind, message);
}

}  // namespace keelson::api
