#include "core/api/tree_type.hpp"

#include "core/api/proto/options.pb.h"

namespace keelson::api {
namespace {

namespace json = boost::json;

std::optional<FieldStep::Scalar> scalar(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return FieldStep::Scalar{};
    case json::kind::bool_: return FieldStep::Scalar{value.get_bool()};
    case json::kind::int64: return FieldStep::Scalar{value.get_int64()};
    case json::kind::string:
      return FieldStep::Scalar{
          std::string(value.get_string().data(), value.get_string().size())};
    default: return std::nullopt;
  }
}

// A key that has a default may be left out: a container's port is TCP unless it says otherwise.
std::optional<FieldStep::Scalar> default_of(const MessagePlan& plan, const std::string& key) {
  const MessagePlan::Target* target = plan.find(key);
  if (!target) return std::nullopt;
  const std::string& value =
      target->field->field->options().GetExtension(keelson::api::field).default_value();
  if (value.empty() || target->field->type != FieldPlan::Type::string) return std::nullopt;
  return FieldStep::Scalar{value};
}

std::nullopt_t wrong(std::string* why, std::string text) {
  if (why) *why = std::move(text);
  return std::nullopt;
}

}  // namespace

TreeType TreeType::of(const MessagePlan& plan) {
  if (plan.shape != MessagePlan::Shape::plain) return {};
  return {Form::message, plan.atomic, &plan, nullptr};
}

TreeType TreeType::of(const FieldPlan& field) {
  if (field.map) return {Form::map, field.atomic, nullptr, &field};
  if (field.repeated) {
    return {Form::list, field.list_type == FieldPlan::ListType::atomic, nullptr, &field};
  }
  return field.child ? of(*field.child) : TreeType{};
}

TreeType TreeType::element() const {
  return field && field->child ? of(*field->child) : TreeType{};
}

TreeType TreeType::member(std::string_view key) const {
  if (form == Form::map) return element();
  const MessagePlan::Target* target = plan ? plan->find(key) : nullptr;
  return target ? of(*target->field) : TreeType{};
}

bool TreeType::names(std::string_view key) const {
  if (form != Form::message) return false;
  if (plan->find(key)) return true;
  return !plan->kind.empty() && (key == "kind" || key == "apiVersion");
}

std::optional<FieldStep> TreeType::step_to(const json::value& element, std::string* why) const {
  FieldStep step;
  if (field->list_type == FieldPlan::ListType::set) {
    std::optional<FieldStep::Scalar> value = scalar(element);
    if (!value) return wrong(why, "a list that is a set holds scalars");
    step.type = FieldStep::Type::value;
    step.value = *std::move(value);
    return step;
  }
  if (element.is_null()) return wrong(why, "associative list with keys may not have a null element");
  if (!element.is_object()) {
    return wrong(why, "associative list with keys may not have non-map elements");
  }
  step.type = FieldStep::Type::key;
  for (const std::string& key : field->list_keys) {
    const json::value* member = element.get_object().if_contains(key);
    std::optional<FieldStep::Scalar> value =
        member ? scalar(*member) : default_of(*field->child, key);
    if (!value) {
      return wrong(why, "associative list with keys has an element that omits key field \"" + key +
                            "\" (and doesn't have default value)");
    }
    step.key.emplace_back(key, *std::move(value));
  }
  return step;
}

}  // namespace keelson::api
