#include "tools/cli/cluster/tree.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <vector>

#include "core/api/json_text.hpp"

namespace keelson::cli {

namespace json = boost::json;

namespace {

std::vector<const json::key_value_pair*> sorted(const JsonObject& object) {
  std::vector<const json::key_value_pair*> members;
  for (const auto& one : object) members.push_back(&one);
  std::sort(members.begin(), members.end(),
            [](const auto* a, const auto* b) { return a->key() < b->key(); });
  return members;
}

void write_scalar(const Json& value, std::string& out) {
  switch (value.kind()) {
    case json::kind::null: out += "null"; break;
    case json::kind::bool_: out += value.get_bool() ? "true" : "false"; break;
    case json::kind::int64: out += std::to_string(value.get_int64()); break;
    case json::kind::uint64: out += std::to_string(value.get_uint64()); break;
    case json::kind::double_: out += api::number_text(value.get_double()); break;
    case json::kind::string: api::append_json_string(view(value.get_string()), out); break;
    default: break;
  }
}

void write_compact(const Json& value, std::string& out) {
  const char* between = "";
  if (const auto* object = value.if_object()) {
    out += '{';
    for (const auto* one : sorted(*object)) {
      out += between;
      api::append_json_string(view(one->key()), out);
      out += ':';
      write_compact(one->value(), out);
      between = ",";
    }
    out += '}';
  } else if (const auto* array = value.if_array()) {
    out += '[';
    for (const Json& element : *array) {
      out += between;
      write_compact(element, out);
      between = ",";
    }
    out += ']';
  } else {
    write_scalar(value, out);
  }
}

void write_pretty(const Json& value, int indent, int level, std::string& out) {
  const auto line = [&](int depth) { out.append("\n").append(std::size_t(indent * depth), ' '); };
  const char* between = "";
  if (const auto* object = value.if_object(); object && !object->empty()) {
    out += '{';
    for (const auto* one : sorted(*object)) {
      out += between;
      line(level + 1);
      api::append_json_string(view(one->key()), out);
      out += ": ";
      write_pretty(one->value(), indent, level + 1, out);
      between = ",";
    }
    line(level);
    out += '}';
  } else if (const auto* array = value.if_array(); array && !array->empty()) {
    out += '[';
    for (const Json& element : *array) {
      out += between;
      line(level + 1);
      write_pretty(element, indent, level + 1, out);
      between = ",";
    }
    line(level);
    out += ']';
  } else {
    write_compact(value, out);
  }
}

}  // namespace

const Json* member(const Json& tree, std::string_view name) {
  const auto* object = tree.if_object();
  return object ? object->if_contains({name.data(), name.size()}) : nullptr;
}

const Json* find(const Json& tree, std::string_view path) {
  const Json* at = &tree;
  while (at && !path.empty()) {
    const auto dot = path.find('.');
    at = member(*at, path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
  }
  return at;
}

std::string scalar_text(const Json& value) {
  if (const auto* text = value.if_string()) return std::string(view(*text));
  return compact_text(value);
}

std::string text_at(const Json& tree, std::string_view path, std::string_view absent) {
  const Json* at = find(tree, path);
  return at && !at->is_null() ? scalar_text(*at) : std::string(absent);
}

int64_t number_at(const Json& tree, std::string_view path, int64_t absent) {
  const Json* at = find(tree, path);
  if (!at) return absent;
  if (at->is_int64()) return at->get_int64();
  if (at->is_uint64()) return static_cast<int64_t>(at->get_uint64());
  if (at->is_double() && std::abs(at->get_double()) < 9e18)
    return static_cast<int64_t>(at->get_double());
  return absent;
}

bool true_at(const Json& tree, std::string_view path) {
  const Json* at = find(tree, path);
  return at && at->is_bool() && at->get_bool();
}

const JsonArray& list_at(const Json& tree, std::string_view path) {
  static const JsonArray none;
  const Json* at = find(tree, path);
  return at && at->is_array() ? at->get_array() : none;
}

const JsonObject& map_at(const Json& tree, std::string_view path) {
  static const JsonObject none;
  const Json* at = find(tree, path);
  return at && at->is_object() ? at->get_object() : none;
}

Json& at_path(Json& tree, std::string_view path) {
  Json* at = &tree;
  while (!path.empty()) {
    if (!at->is_object()) at->emplace_object();
    const auto dot = path.find('.');
    const std::string_view name = path.substr(0, dot);
    at = &at->get_object()[{name.data(), name.size()}];
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
  }
  return *at;
}

std::string compact_text(const Json& value) {
  std::string out;
  write_compact(value, out);
  return out;
}

std::string pretty_text(const Json& value, int indent) {
  std::string out;
  write_pretty(value, indent, 0, out);
  return out;
}

std::string trimmed_end(std::string text) {
  while (!text.empty() &&
         std::string_view(" \t\r\n\v\f").find(text.back()) != std::string_view::npos)
    text.pop_back();
  return text;
}

Json parse_tree(std::string_view text) {
  api::ParsedJson parsed = api::parse_json(text, nullptr);
  return parsed.error.empty() ? std::move(parsed.value) : Json();
}

std::string label_text(const JsonObject& labels) {
  if (labels.empty()) return "<none>";
  std::string out;
  for (const auto* one : sorted(labels)) {
    if (!out.empty()) out += ',';
    out.append(view(one->key())).append("=").append(scalar_text(one->value()));
  }
  return out;
}

}  // namespace keelson::cli
