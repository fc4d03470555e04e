// YAML out, as `kubectl get -o yaml` prints it: keys sorted, lists not indented, strings quoted only
// where they would be read as something else.
#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "core/api/json.hpp"
#include "core/api/json_text.hpp"
#include "core/api/json_view.hpp"
#include "core/api/yaml.hpp"
#include "core/api/yaml_scalar.hpp"

namespace keelson::api {
namespace {

namespace json = boost::json;

bool time_digit(char c) { return c >= '0' && c <= '9'; }

bool looks_like_time(std::string_view text) {
  return text.size() >= 8 && text[4] == '-' && std::all_of(text.begin(), text.begin() + 4, time_digit);
}

// How many bytes at the front are a character that YAML takes for a line's end (other than \n) or does
// not allow: controls, U+0085, U+2028, U+2029, byte order marks, U+FFFE and U+FFFF.
std::size_t special(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  if (byte(0) == 0x7f || (byte(0) < 0x20 && byte(0) != '\n')) return 1;
  if (byte(0) == 0xc2 && byte(1) >= 0x80 && byte(1) <= 0x9f) return 2;
  if (byte(0) == 0xe2 && byte(1) == 0x80 && (byte(2) == 0xa8 || byte(2) == 0xa9)) return 3;
  if (byte(0) == 0xef && byte(1) == 0xbb && byte(2) == 0xbf) return 3;
  if (byte(0) == 0xef && byte(1) == 0xbf && byte(2) >= 0xbe) return 3;
  return 0;
}

bool has_special(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (special(text.substr(i)) > 0) return true;
  }
  return false;
}

// As JSON has it, but with all escaped that YAML would not read as it is.
void append_quoted(std::string_view text, std::string& out) {
  std::string quoted;
  append_json_string(text, quoted);
  const std::string_view rest(quoted);
  for (std::size_t at = 0; at < rest.size();) {
    const std::size_t length = special(rest.substr(at));
    if (length == 0) {
      out += rest[at++];
      continue;
    }
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(rest[at + i]); };
    uint32_t code = length == 1 ? byte(0) : byte(0) & (length == 2 ? 0x1f : 0x0f);
    for (std::size_t i = 1; i < length; ++i) code = code << 6 | (byte(i) & 0x3f);
    constexpr std::string_view hex = "0123456789abcdef";
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += hex[code >> shift & 15];
    at += length;
  }
}

// Whether a string can stand without quotes and still be read as this string.
bool plain(std::string_view text) {
  constexpr std::string_view indicators = ",[]{}#&*!|>'\"%@`=<";
  if (text.front() == ' ' || text.back() == ' ' || text.back() == ':') return false;
  if (indicators.find(text.front()) != std::string_view::npos) return false;
  if ((text.front() == '-' || text.front() == '?' || text.front() == ':') &&
      (text.size() == 1 || text[1] == ' ' || text[1] == '-')) {
    // "-- x" and "---" end or begin documents; "--flag" is harmless.
    if (text.size() < 3 || text[1] != '-' || text[2] == '-' || text[2] == ' ') return false;
  }
  return text.find(": ") == std::string_view::npos && text.find(" #") == std::string_view::npos;
}

// Whether a text of several lines survives as a literal block.
bool literal(std::string_view text) {
  if (text.front() == ' ' || text.front() == '\n') return false;
  if (text.find(" \n") != std::string_view::npos || text.back() == ' ') return false;
  return text.find_first_not_of('\n') != std::string_view::npos;
}

class Writer {
 public:
  std::string out;

  // A tree of any shape; of none that has members, one line.
  void document(const json::value& tree) {
    if (const json::object* members = tree.if_object(); members && !members->empty()) {
      return object(*members, 0);
    }
    if (const json::array* elements = tree.if_array(); elements && !elements->empty()) {
      return list(*elements, 0);
    }
    scalar(tree, 0);
    out += '\n';
  }

  void object(const json::object& object, std::size_t indent) {
    std::vector<const json::key_value_pair*> members;
    for (const auto& member : object) members.push_back(&member);
    std::sort(members.begin(), members.end(),
              [](const auto* a, const auto* b) { return a->key() < b->key(); });
    bool first = true;
    for (const json::key_value_pair* member : members) {
      // The first member continues the line of a list's dash.
      if (!first || at_line_start()) out.append(indent, ' ');
      first = false;
      key(view(member->key()));
      out += ':';
      value(member->value(), indent, false);
    }
  }

 private:
  void key(std::string_view text) {
    // A key of several lines cannot be a block.
    text.find('\n') == std::string_view::npos ? string(text, 0) : append_quoted(text, out);
  }

  bool at_line_start() const { return out.empty() || out.back() == '\n'; }

  void value(const json::value& value, std::size_t indent, bool in_list) {
    if (const json::object* members = value.if_object(); members && !members->empty()) {
      if (!in_list) out += '\n';
      return object(*members, indent + 2);
    }
    if (const json::array* elements = value.if_array(); elements && !elements->empty()) {
      if (in_list) {
        // A list in a list starts on its own line.
        out.pop_back();
        out += '\n';
        return list(*elements, indent + 2);
      }
      out += '\n';
      return list(*elements, indent);
    }
    if (!in_list) out += ' ';
    scalar(value, indent);
    out += '\n';
  }

  void list(const json::array& elements, std::size_t indent) {
    for (const json::value& element : elements) {
      out.append(indent, ' ');
      out += "- ";
      value(element, indent, true);
    }
  }

  void scalar(const json::value& value, std::size_t indent) {
    switch (value.kind()) {
      case json::kind::null: out += "null"; return;
      case json::kind::bool_: out += value.get_bool() ? "true" : "false"; return;
      case json::kind::int64: out += std::to_string(value.get_int64()); return;
      case json::kind::uint64: out += std::to_string(value.get_uint64()); return;
      case json::kind::double_: out += number_text(value.get_double()); return;
      case json::kind::string: return string(view(value.get_string()), indent);
      case json::kind::array: out += "[]"; return;
      case json::kind::object: out += "{}"; return;
    }
  }

  void string(std::string_view text, std::size_t indent) {
    const bool many_lines = text.find('\n') != std::string_view::npos;
    if (text.empty() || has_special(text) || !resolve_yaml_scalar(text).is_string() ||
        looks_like_time(text) || (many_lines && !literal(text))) {
      return append_quoted(text, out);
    }
    if (many_lines) return block(text, indent + 2);
    if (plain(text)) {
      out += text;
      return;
    }
    out += '\'';
    for (const char c : text) out.append(c == '\'' ? 2 : 1, c);
    out += '\'';
  }

  void block(std::string_view text, std::size_t indent) {
    out += '|';
    if (text.back() != '\n') {
      out += '-';
    } else if (text.ends_with("\n\n")) {
      out += '+';
    } else {
      text.remove_suffix(1);
    }
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      out += '\n';
      if (end > 0) out.append(indent, ' ').append(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }
};

}  // namespace

std::string yaml_text(const json::value& tree) {
  Writer writer;
  writer.document(tree);
  return std::move(writer.out);
}

std::string json_to_yaml(std::string_view text) {
  return yaml_text(reread_json(text));
}

std::string encode_yaml(const Object& object) { return yaml_text(to_json(object)); }

}  // namespace keelson::api
