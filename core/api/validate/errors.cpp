#include "core/api/validate/errors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/api/json.hpp"

namespace keelson::api {

std::string Path::to_string() const {
  std::string text = parent_ ? parent_->to_string() : std::string();
  switch (step_) {
    case Step::root: text += name_; break;
    case Step::child:
      if (!text.empty()) text += '.';
      text += name_;
      break;
    case Step::index: fmt::format_to(std::back_inserter(text), "[{}]", index_); break;
    case Step::key: fmt::format_to(std::back_inserter(text), "[{}]", name_); break;
  }
  return text;
}

// strconv.Quote: printable characters as they are, the rest escaped. Bytes of multi-byte UTF-8
// characters pass through.
std::string go_quoted(std::string_view text) {
  std::string result = "\"";
  for (char c : text) {
    switch (c) {
      case '"': result += "\\\""; break;
      case '\\': result += "\\\\"; break;
      case '\n': result += "\\n"; break;
      case '\r': result += "\\r"; break;
      case '\t': result += "\\t"; break;
      case '\a': result += "\\a"; break;
      case '\b': result += "\\b"; break;
      case '\f': result += "\\f"; break;
      case '\v': result += "\\v"; break;
      default:
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
          fmt::format_to(std::back_inserter(result), "\\x{:02x}", static_cast<unsigned char>(c));
        } else {
          result += c;
        }
    }
  }
  return result += '"';
}

std::string go_value(std::span<const std::string> list) {
  std::string result = "[]string{";
  for (size_t i = 0; i < list.size(); ++i) {
    if (i != 0) result += ", ";
    result += go_quoted(list[i]);
  }
  return result += '}';
}

std::string go_value(const google::protobuf::Map<std::string, std::string>& map) {
  if (map.empty()) return "map[string]string(nil)";
  std::vector<std::pair<std::string_view, std::string_view>> entries(map.begin(), map.end());
  std::sort(entries.begin(), entries.end());
  std::string result = "map[string]string{";
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i != 0) result += ", ";
    result += go_quoted(entries[i].first) + ":" + go_quoted(entries[i].second);
  }
  return result += '}';
}

std::string go_value(const IntOrString& value) {
  return fmt::format("intstr.IntOrString{{Type:{}, IntVal:{}, StrVal:{}}}", value.type(),
                     value.int_val(), go_quoted(value.str_val()));
}

std::string go_value(const LabelSelector& selector) {
  std::string expressions = "[]v1.LabelSelectorRequirement";
  if (selector.match_expressions().empty()) {
    expressions += "(nil)";
  } else {
    expressions += '{';
    for (const auto& e : selector.match_expressions()) {
      if (expressions.back() != '{') expressions += ", ";
      std::vector<std::string> values(e.values().begin(), e.values().end());
      expressions += fmt::format("v1.LabelSelectorRequirement{{Key:{}, Operator:{}, Values:{}}}",
                                 go_quoted(e.key()), go_quoted(e.operator_()),
                                 values.empty() ? "[]string(nil)" : go_value(values));
    }
    expressions += '}';
  }
  return fmt::format("v1.LabelSelector{{MatchLabels:{}, MatchExpressions:{}}}",
                     go_value(selector.match_labels()), expressions);
}

std::string go_value(const Message& message) {
  if (const auto* value = dynamic_cast<const IntOrString*>(&message)) return go_value(*value);
  if (const auto* value = dynamic_cast<const LabelSelector*>(&message)) return go_value(*value);
  return encode_message(message);
}

// --- Errors --------------------------------------------------------------------------------------

// Nobody reads more, and each wrong key of a large map costs many times its own length in words.
constexpr size_t causes_max = 1000;

void Errors::add(std::string_view reason, const Path& path, std::string message) {
  if (causes_.size() == causes_max) {
    ++left_out_;
    return;
  }
  causes_.push_back(Cause{std::string(reason), std::move(message), path.to_string()});
}

void Errors::required(const Path& path, std::string_view why) {
  add("FieldValueRequired", path,
      why.empty() ? "Required value" : fmt::format("Required value: {}", why));
}

void Errors::invalid_shown(const Path& path, std::string_view shown, std::string_view why) {
  add("FieldValueInvalid", path, fmt::format("Invalid value: {}: {}", shown, why));
}

void Errors::invalid(const Path& path, std::string_view value, std::string_view why) {
  invalid_shown(path, go_quoted(value), why);
}

void Errors::invalid(const Path& path, int64_t value, std::string_view why) {
  invalid_shown(path, fmt::format("{}", value), why);
}

void Errors::invalid(const Path& path, std::string_view value,
                     std::span<const std::string> reasons) {
  for (const std::string& reason : reasons) invalid(path, value, reason);
}

void Errors::not_supported(const Path& path, std::string_view value,
                           std::span<const std::string_view> supported) {
  std::string list;
  for (std::string_view one : supported) {
    if (!list.empty()) list += ", ";
    list += go_quoted(one);
  }
  add("FieldValueNotSupported", path,
      fmt::format("Unsupported value: {}: supported values: {}", go_quoted(value), list));
}

void Errors::duplicate(const Path& path, std::string_view value) {
  duplicate_shown(path, go_quoted(value));
}

void Errors::duplicate_shown(const Path& path, std::string_view shown, std::string_view why) {
  std::string message = fmt::format("Duplicate value: {}", shown);
  if (!why.empty()) message += fmt::format(": {}", why);
  add("FieldValueDuplicate", path, std::move(message));
}

void Errors::forbidden(const Path& path, std::string_view why) {
  add("FieldValueForbidden", path, fmt::format("Forbidden: {}", why));
}

void Errors::not_found(const Path& path, std::string_view value) {
  add("FieldValueNotFound", path, fmt::format("Not found: {}", go_quoted(value)));
}

void Errors::too_long(const Path& path, int64_t bytes_max) {
  add("FieldValueTooLong", path, fmt::format("Too long: must have at most {} bytes", bytes_max));
}

void Errors::too_many(const Path& path, int64_t count, int64_t count_max) {
  add("FieldValueTooMany", path,
      fmt::format("Too many: {}: must have at most {} items", count, count_max));
}

ApiError Errors::finish(Kind kind, std::string_view name) && {
  return std::move(*this).finish(info(kind).name, info(kind).group, name);
}

ApiError Errors::finish(std::string_view kind, std::string_view group, std::string_view name) && {
  ApiError error;
  if (causes_.empty()) return error;
  const std::string qualified =
      group.empty() ? std::string(kind) : std::string(kind) + "." + std::string(group);
  std::string list;
  for (const Cause& cause : causes_) {
    if (!list.empty()) list += ", ";
    list += cause.field + ": " + cause.message;
  }
  if (left_out_ > 0) list += fmt::format(", and {} more", left_out_);
  error.reason = Reason::invalid;
  error.message =
      causes_.size() == 1
          ? fmt::format("{} \"{}\" is invalid: {}", qualified, name, list)
          : fmt::format("{} \"{}\" is invalid: [{}]", qualified, name, list);
  error.name = name;
  error.group = group;
  error.kind = kind;
  error.causes = std::move(causes_);
  return error;
}

bool Seen::contains(std::string_view text) const {
  const auto* end = few_.begin() + count_;
  return std::find(few_.begin(), end, text) != end || more_.contains(text);
}

bool Seen::add(std::string_view text) {
  if (contains(text)) return false;
  if (count_ < few_.size()) {
    few_[count_++] = text;
  } else {
    more_.insert(text);
  }
  return true;
}

}  // namespace keelson::api
