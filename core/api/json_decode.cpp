#include "core/api/json_decode.hpp"

#include <boost/json/serialize.hpp>
#include <limits>

#include "core/api/json_plan.hpp"
#include "core/api/json_view.hpp"
#include "core/api/map_access.hpp"
#include "core/api/quantity.hpp"
#include "core/api/time_text.hpp"

namespace keelson::api {
namespace {

namespace json = boost::json;
using Type = FieldPlan::Type;
using Shape = MessagePlan::Shape;
using google::protobuf::Reflection;

// Nobody reads more unknown fields than this, and a hostile body could have a million.
constexpr std::size_t unknown_max = 100;

std::string_view kind_name(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return "null";
    case json::kind::bool_: return "bool";
    case json::kind::int64:
    case json::kind::uint64:
    case json::kind::double_: return "number";
    case json::kind::string: return "string";
    case json::kind::array: return "array";
    case json::kind::object: return "object";
  }
  return "";
}

// Templates leave spaces and line ends behind, and Kubernetes looks past them.
std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const std::size_t first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

std::string text_of_number(const json::value& value) {
  if (value.is_int64()) return std::to_string(value.get_int64());
  if (value.is_uint64()) return std::to_string(value.get_uint64());
  return number_text(value.get_double());
}

class Decoder {
 public:
  explicit Decoder(std::vector<JsonProblem>* unknown) : unknown_(unknown) {}

  // Where the walk is: a chain of frames on the stack, turned into a path only for a problem.
  struct Place {
    const Place* parent = nullptr;
    std::string_view key;
    std::size_t index = 0;
    bool element = false;
  };

  bool root(const json::value& value, const MessagePlan& plan, Message& into) {
    if (plan.shape == Shape::plain && !value.is_object()) {
      return fail({}, "json: cannot unmarshal " + std::string(kind_name(value)) +
                          " into Go value of type " + plan.go_type);
    }
    const Owner owner{&plan, nullptr};
    return message(value, plan, into, owner, Place{});
  }

  JsonProblem problem;

 private:
  // The field that a value belongs to, for the wording of errors.
  struct Owner {
    const MessagePlan* plan;
    const FieldPlan* field;
  };

  static JsonPath path_of(const Place& place) {
    JsonPath path;
    for (const Place* p = &place; p && (p->element || p->key.data()); p = p->parent) {
      path.push_back({std::string(p->key), p->index, p->element});
    }
    std::reverse(path.begin(), path.end());
    return path;
  }

  bool fail(const Place& place, std::string message) {
    problem = {path_of(place), std::move(message)};
    return false;
  }

  // A value that its own type refuses: the place goes in front.
  bool refuse(const Place& place, const std::string& message) {
    JsonPath path = path_of(place);
    const std::string where = to_string(path);
    problem = {std::move(path), where.empty() ? message : where + ": " + message};
    return false;
  }

  // As Go's decoder says it.
  bool mismatch(const json::value& value, const Owner& owner, const Place& place,
                std::string_view type) {
    std::string text = "json: cannot unmarshal ";
    text += kind_name(value);
    if (value.is_number()) text += " " + text_of_number(value);
    const std::string& name = owner.plan->descriptor->name();
    text += " into Go struct field " + name + "." + to_string(path_of(place)) + " of type ";
    return fail(place, text.append(type));
  }

  bool message(const json::value& value, const MessagePlan& plan, Message& into,
               const Owner& owner, const Place& place) {
    switch (plan.shape) {
      case Shape::plain: break;
      case Shape::time:
      case Shape::micro_time: return time(value, plan, into, owner, place);
      case Shape::quantity: return quantity(value, static_cast<Quantity&>(into), owner, place);
      case Shape::int_or_string:
        return int_or_string(value, static_cast<IntOrString&>(into), owner, place);
      case Shape::fields_v1:
        static_cast<FieldsV1&>(into).set_raw(json::serialize(value));
        return true;
      case Shape::raw:
        static_cast<RawExtension&>(into).set_raw(json::serialize(value));
        return true;
      case Shape::texts: return list(value, plan.fields.front(), into, owner, place);
    }
    if (!value.is_object()) return mismatch(value, owner, place, plan.go_type);
    for (const auto& member : value.get_object()) {
      const std::string_view key = view(member.key());
      const Place here{&place, key};
      const MessagePlan::Target* target = plan.find(key);
      if (!target) {
        const bool type = !plan.kind.empty() && (key == "kind" || key == "apiVersion");
        if (!type) report_unknown(here);
        continue;
      }
      if (member.value().is_null() && !target->field->repeated) continue;
      Message* at = &into;
      for (const FieldPlan* inlined : target->through) {
        at = at->GetReflection()->MutableMessage(at, inlined->field);
      }
      if (!field(member.value(), *target->field, *at, {&plan, target->field}, here)) return false;
    }
    return true;
  }

  void report_unknown(const Place& place) {
    if (!unknown_ || unknown_->size() >= unknown_max) return;
    JsonProblem found{path_of(place), {}};
    found.message = "unknown field \"" + to_string(found.path) + "\"";
    unknown_->push_back(std::move(found));
  }

  bool field(const json::value& value, const FieldPlan& field, Message& into, const Owner& owner,
             const Place& place) {
    if (field.map) return map(value, field, into, owner, place);
    if (field.repeated) return list(value, field, into, owner, place);
    const Reflection& reflection = *into.GetReflection();
    switch (field.type) {
      case Type::message: {
        Message& child = *reflection.MutableMessage(&into, field.field);
        child.Clear();  // the same key twice: the last one counts
        return message(value, *field.child, child, owner, place);
      }
      case Type::string:
      case Type::bytes: {
        std::string text;
        if (!string(value, field.type, text, owner, place)) return false;
        reflection.SetString(&into, field.field, std::move(text));
        return true;
      }
      case Type::boolean:
        if (!value.is_bool()) return mismatch(value, owner, place, "bool");
        reflection.SetBool(&into, field.field, value.get_bool());
        return true;
      case Type::int32: {
        int64_t number = 0;
        if (!integer(value, INT32_MIN, INT32_MAX, number)) {
          return mismatch(value, owner, place, "int32");
        }
        reflection.SetInt32(&into, field.field, static_cast<int32_t>(number));
        return true;
      }
      case Type::int64: {
        int64_t number = 0;
        if (!integer(value, INT64_MIN, INT64_MAX, number)) {
          return mismatch(value, owner, place, "int64");
        }
        reflection.SetInt64(&into, field.field, number);
        return true;
      }
    }
    return true;
  }

  static bool integer(const json::value& value, int64_t low, int64_t high, int64_t& out) {
    if (!value.is_int64()) return false;  // what is uint64 does not fit
    out = value.get_int64();
    return out >= low && out <= high;
  }

  bool string(const json::value& value, Type type, std::string& out, const Owner& owner,
              const Place& place) {
    if (!value.is_string()) {
      return mismatch(value, owner, place, type == Type::bytes ? "[]uint8" : "string");
    }
    const std::string_view text = view(value.get_string());
    if (type == Type::string) {
      out = text;
      return true;
    }
    std::size_t position = 0;
    if (decode_base64(text, out, position)) return true;
    return refuse(place, "illegal base64 data at input byte " + std::to_string(position));
  }

  bool list(const json::value& value, const FieldPlan& field, Message& into, const Owner& owner,
            const Place& place) {
    const Reflection& reflection = *into.GetReflection();
    reflection.ClearField(&into, field.field);
    if (value.is_null()) return true;
    if (!value.is_array()) return mismatch(value, owner, place, go_type_of(field));
    std::size_t index = 0;
    for (const json::value& element : value.get_array()) {
      const Place here{&place, {}, index++, true};
      if (!append(element, field, into, owner, here)) return false;
    }
    return true;
  }

  // A null element is the empty value of its type, as in Go.
  bool append(const json::value& value, const FieldPlan& field, Message& into, const Owner& owner,
              const Place& place) {
    const Reflection& reflection = *into.GetReflection();
    switch (field.type) {
      case Type::message: {
        Message& child = *reflection.AddMessage(&into, field.field);
        return value.is_null() || message(value, *field.child, child, owner, place);
      }
      case Type::string:
      case Type::bytes: {
        std::string text;
        if (!value.is_null() && !string(value, field.type, text, owner, place)) return false;
        reflection.AddString(&into, field.field, std::move(text));
        return true;
      }
      case Type::boolean:
        if (!value.is_null() && !value.is_bool()) return mismatch(value, owner, place, "bool");
        reflection.AddBool(&into, field.field, value.is_bool() && value.get_bool());
        return true;
      case Type::int32: {
        int64_t number = 0;
        if (!value.is_null() && !integer(value, INT32_MIN, INT32_MAX, number)) {
          return mismatch(value, owner, place, "int32");
        }
        reflection.AddInt32(&into, field.field, static_cast<int32_t>(number));
        return true;
      }
      case Type::int64: {
        int64_t number = 0;
        if (!value.is_null() && !integer(value, INT64_MIN, INT64_MAX, number)) {
          return mismatch(value, owner, place, "int64");
        }
        reflection.AddInt64(&into, field.field, number);
        return true;
      }
    }
    return true;
  }

  bool map(const json::value& value, const FieldPlan& field, Message& into, const Owner& owner,
           const Place& place) {
    into.GetReflection()->ClearField(&into, field.field);
    if (!value.is_object()) return mismatch(value, owner, place, go_type_of(field));
    for (const auto& member : value.get_object()) {
      const Place here{&place, view(member.key())};
      auto entry = MapAccess::at(into, field.field, std::string(view(member.key())));
      if (field.type == Type::message) {
        if (member.value().is_null()) {
          // The zero of its type, as in Go: "cpu: null" asks for nothing.
          if (field.child->shape == Shape::quantity) {
            static_cast<Quantity*>(entry.MutableMessageValue())->set_string("0");
          }
          continue;
        }
        if (!message(member.value(), *field.child, *entry.MutableMessageValue(), owner, here)) {
          return false;
        }
        continue;
      }
      std::string text;
      if (!member.value().is_null() && !string(member.value(), field.type, text, owner, here)) {
        return false;
      }
      entry.SetStringValue(text);
    }
    return true;
  }

  bool time(const json::value& value, const MessagePlan& plan, Message& into, const Owner& owner,
            const Place& place) {
    if (!value.is_string()) return mismatch(value, owner, place, "string");
    const std::string_view text = view(value.get_string());
    int64_t seconds = 0;
    int32_t nanos = 0;
    if (!parse_time(text, seconds, nanos)) {
      return refuse(place, "parsing time \"" + std::string(text) +
                               "\" as \"2006-01-02T15:04:05Z07:00\": cannot parse it as RFC 3339");
    }
    if (plan.shape == Shape::time) {
      static_cast<Time&>(into).set_seconds(seconds);
    } else {
      static_cast<MicroTime&>(into).set_seconds(seconds);
      static_cast<MicroTime&>(into).set_nanos(nanos / 1000 * 1000);
    }
    return true;
  }

  bool quantity(const json::value& value, Quantity& into, const Owner& owner,
                const Place& place) {
    if (!value.is_string() && !value.is_number()) {
      return mismatch(value, owner, place, "resource.Quantity");
    }
    const std::string text =
        value.is_string() ? std::string(view(value.get_string())) : text_of_number(value);
    keelson::Result<std::string> canonical = canonical_quantity(trimmed(text));
    if (!canonical) return refuse(place, canonical.error().message);
    into.set_string(std::move(canonical).value());
    return true;
  }

  bool int_or_string(const json::value& value, IntOrString& into, const Owner& owner,
                     const Place& place) {
    if (value.is_string()) {
      into.set_type(1);
      into.set_str_val(std::string(view(value.get_string())));
      return true;
    }
    int64_t number = 0;
    if (!integer(value, INT32_MIN, INT32_MAX, number)) {
      return mismatch(value, owner, place, "intstr.IntOrString");
    }
    into.set_type(0);
    into.set_int_val(static_cast<int32_t>(number));
    return true;
  }

  std::vector<JsonProblem>* unknown_;
};

}  // namespace

std::optional<JsonProblem> decode_tree(const boost::json::value& tree, Message& into,
                                       std::vector<JsonProblem>* unknown) {
  into.Clear();
  Decoder decoder(unknown);
  if (decoder.root(tree, plan_of(into), into)) return std::nullopt;
  return std::move(decoder.problem);
}

std::optional<JsonProblem> judge_fields(std::vector<JsonProblem> found,
                                        const DecodeOptions& options,
                                        std::vector<std::string>* warnings) {
  if (found.empty() || options.unknown == DecodeOptions::Unknown::ignore) return std::nullopt;
  if (options.unknown == DecodeOptions::Unknown::warn) {
    if (warnings) {
      for (JsonProblem& one : found) warnings->push_back(std::move(one.message));
    }
    return std::nullopt;
  }
  std::string message = "strict decoding error: ";
  for (std::size_t i = 0; i < found.size(); ++i) message += (i ? ", " : "") + found[i].message;
  return JsonProblem{std::move(found.front().path), std::move(message)};
}

}  // namespace keelson::api
