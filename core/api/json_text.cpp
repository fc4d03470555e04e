#include "core/api/json_text.hpp"

#include <boost/json/parse.hpp>

#include <array>
#include <charconv>
#include <cmath>

namespace keelson::api {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::string_view base64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool is_plain(unsigned char c) {
  return c >= 0x20 && c < 0x80 && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

// The length of the well-formed UTF-8 sequence that starts at `at`; 0: there is none.
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned c = byte(0);
  if (c >= 0xC2 && c <= 0xDF) return tail(1) ? 2 : 0;
  if (c >= 0xE0 && c <= 0xEF) {
    if (!tail(1) || !tail(2)) return 0;
    if ((c == 0xE0 && byte(1) < 0xA0) || (c == 0xED && byte(1) > 0x9F)) return 0;
    return 3;
  }
  if (c >= 0xF0 && c <= 0xF4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if ((c == 0xF0 && byte(1) < 0x90) || (c == 0xF4 && byte(1) > 0x8F)) return 0;
    return 4;
  }
  return 0;
}

void append_escaped(unsigned char c, std::string& out) {
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default:
      out += "\\u00";
      out += hex_digits[c >> 4];
      out += hex_digits[c & 15];
  }
}

int base64_digit(char c) {
  const std::size_t at = base64.find(c);
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

}  // namespace

std::string to_string(const JsonPath& path) {
  std::string text;
  for (const JsonStep& step : path) {
    if (step.element) {
      text += "[" + std::to_string(step.index) + "]";
    } else {
      if (!text.empty()) text += '.';
      text += step.key;
    }
  }
  return text;
}

void append_json_string(std::string_view text, std::string& out) {
  out += '"';
  std::size_t done = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (is_plain(c)) {
      ++at;
      continue;
    }
    const std::size_t length = c < 0x80 ? 0 : utf8_length(text, at);
    // U+2028 and U+2029 end lines in JavaScript: Go escapes them, as it does <, > and &.
    const bool separator = length == 3 && (text.substr(at, 3) == "\xE2\x80\xA8" ||
                                           text.substr(at, 3) == "\xE2\x80\xA9");
    if (length > 0 && !separator) {
      at += length;
      continue;
    }
    out.append(text, done, at - done);
    if (separator) {
      out += text[at + 2] == '\xA8' ? "\\u2028" : "\\u2029";
      at += 3;
    } else if (c >= 0x80) {
      out += "\\ufffd";
      ++at;
    } else {
      append_escaped(c, out);
      ++at;
    }
    done = at;
  }
  out.append(text, done, text.size() - done);
  out += '"';
}

std::string encode_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    unsigned group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < n ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += j <= n ? base64[group >> (18 - 6 * j) & 63] : '=';
    }
  }
  return out;
}

bool decode_base64(std::string_view text, std::string& out, std::size_t& position) {
  unsigned group = 0;
  int digits = 0;
  int padding = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    position = i;
    if (text[i] == '\n' || text[i] == '\r') continue;
    if (text[i] == '=') {
      if (digits + padding < 2 || digits + padding == 4) return false;
      ++padding;
      continue;
    }
    const int digit = base64_digit(text[i]);
    if (digit < 0 || padding > 0) return false;
    group = group << 6 | static_cast<unsigned>(digit);
    if (++digits < 4) continue;
    out += static_cast<char>(group >> 16 & 255);
    out += static_cast<char>(group >> 8 & 255);
    out += static_cast<char>(group & 255);
    digits = 0;
    group = 0;
  }
  position = text.size();
  if (digits == 0 && padding == 0) return true;
  if (digits + padding != 4) return false;
  group <<= 6 * padding;
  out += static_cast<char>(group >> 16 & 255);
  if (padding == 1) out += static_cast<char>(group >> 8 & 255);
  return true;
}

std::string number_text(double value) {
  if (!std::isfinite(value)) return "0";
  std::array<char, 400> buffer{};
  // Go writes exponents below 1e-6 and from 1e21 on.
  const double magnitude = std::fabs(value);
  const bool plain = value == 0 || (magnitude >= 1e-6 && magnitude < 1e21);
  const auto result =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                    plain ? std::chars_format::fixed : std::chars_format::scientific);
  return {buffer.data(), result.ptr};
}

boost::json::value reread_json(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = 4 * json_depth_max;
  boost::system::error_code failure;
  boost::json::value value =
      boost::json::parse(boost::json::string_view(text.data(), text.size()), failure, {}, options);
  return failure ? boost::json::value() : value;
}

}  // namespace keelson::api
