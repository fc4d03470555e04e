// Field sets as JSON and as messages show them.
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <optional>

#include "core/api/field_set.hpp"
#include "core/api/json_text.hpp"

namespace keelson::api {
namespace {

namespace json = boost::json;
using Step = FieldStep::Type;
using Scalar = FieldStep::Scalar;

std::string text_of(const Scalar& scalar) {
  if (const auto* number = std::get_if<int64_t>(&scalar)) return std::to_string(*number);
  if (const auto* truth = std::get_if<bool>(&scalar)) return *truth ? "true" : "false";
  if (const auto* text = std::get_if<std::string>(&scalar)) {
    std::string out;
    append_json_string(*text, out);
    return out;
  }
  return "null";
}

// The step as the key of a JSON object, not yet quoted.
std::string key_of(const FieldStep& step) {
  switch (step.type) {
    case Step::field: return "f:" + step.name;
    case Step::value: return "v:" + text_of(step.value);
    case Step::index: return "i:" + std::to_string(step.index);
    case Step::key: break;
  }
  std::string out = "k:{";
  for (const auto& [name, value] : step.key) {
    if (out.size() > 3) out += ',';
    append_json_string(name, out);
    out += ':' + text_of(value);
  }
  return out + '}';
}

void encode(const FieldSet& set, bool self, std::string& out) {
  out += '{';
  if (self && !set.empty()) out += "\".\":{}";
  for (const auto& [step, node] : set.nodes()) {
    if (out.back() != '{') out += ',';
    append_json_string(key_of(step), out);
    out += ':';
    encode(node.below, node.member, out);
  }
  out += '}';
}

std::optional<Scalar> scalar_of(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null: return Scalar{};
    case json::kind::bool_: return Scalar{value.get_bool()};
    case json::kind::int64: return Scalar{value.get_int64()};
    case json::kind::string:
      return Scalar{std::string(value.get_string().data(), value.get_string().size())};
    default: return std::nullopt;
  }
}

std::optional<FieldStep> step_of(std::string_view key) {
  if (key.size() < 2 || key[1] != ':') return std::nullopt;
  const std::string_view rest = key.substr(2);
  if (key[0] == 'f') return FieldStep::field(rest);
  FieldStep step;
  if (key[0] == 'i') {
    step.type = Step::index;
    const auto [end, bad] = std::from_chars(rest.data(), rest.data() + rest.size(), step.index);
    if (bad != std::errc{} || end != rest.data() + rest.size()) return std::nullopt;
    return step;
  }
  if (key[0] != 'k' && key[0] != 'v') return std::nullopt;
  const ParsedJson parsed = parse_json(rest, nullptr);
  if (!parsed.error.empty()) return std::nullopt;
  if (key[0] == 'v') {
    step.type = Step::value;
    std::optional<Scalar> value = scalar_of(parsed.value);
    if (!value) return std::nullopt;
    step.value = *std::move(value);
    return step;
  }
  step.type = Step::key;
  if (!parsed.value.is_object() || parsed.value.get_object().empty()) return std::nullopt;
  for (const auto& member : parsed.value.get_object()) {
    std::optional<Scalar> value = scalar_of(member.value());
    if (!value) return std::nullopt;
    step.key.emplace_back(std::string(member.key().data(), member.key().size()),
                          *std::move(value));
  }
  std::sort(step.key.begin(), step.key.end());
  return step;
}

// False: not a tree of objects.
bool decode(const json::value& tree, FieldSet& into) {
  if (!tree.is_object()) return false;
  for (const auto& member : tree.get_object()) {
    const std::string_view key(member.key().data(), member.key().size());
    if (key == ".") continue;  // said by the level above
    const std::optional<FieldStep> step = step_of(key);
    FieldSet below;
    if (!decode(member.value(), below)) return false;
    if (!step) continue;
    const json::object& object = member.value().get_object();
    if (object.empty() || object.contains(".")) into.insert(*step);
    if (!below.empty()) into.under(*step) = std::move(below);
  }
  return true;
}

}  // namespace

std::string to_string(const FieldPath& path) {
  std::string out;
  for (const FieldStep& step : path) {
    switch (step.type) {
      case Step::field: out += "." + step.name; break;
      case Step::value: out += "[=" + text_of(step.value) + "]"; break;
      case Step::index: out += "[" + std::to_string(step.index) + "]"; break;
      case Step::key: {
        out += '[';
        for (const auto& [name, value] : step.key) {
          if (out.back() != '[') out += ',';
          out += name + "=" + text_of(value);
        }
        out += ']';
      }
    }
  }
  return out;
}

std::string encode_fields(const FieldSet& set) {
  std::string out;
  encode(set, false, out);
  return out;
}

Result<FieldSet> decode_fields(std::string_view text) {
  const ParsedJson parsed = parse_json(text, nullptr);
  if (!parsed.error.empty()) return {Code::invalid, "no set of fields: " + parsed.error};
  FieldSet out;
  if (!decode(parsed.value, out)) {
    return {Code::invalid, "no set of fields: a tree of JSON objects is expected"};
  }
  return out;
}

}  // namespace keelson::api
