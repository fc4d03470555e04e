#include "core/rest/warnings.hpp"

#include <algorithm>
#include <set>
#include <string_view>

namespace keelson::rest {

namespace {

// In characters. If all together are longer, each is cut to the second and the rest is left out.
constexpr std::size_t kAllMax = 4096;
constexpr std::size_t kCutTo = 256;

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

std::string_view first(std::string_view text, std::size_t count) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (begins_character(text[i]) && count-- == 0) return text.substr(0, i);
  }
  return text;
}

std::string header_text(std::string_view warning) {
  std::string text;
  for (const char c : warning) {
    if (c == '"' || c == '\\') text += '\\';
    text += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return "299 - \"" + text + "\"";
}

}  // namespace

void add_warnings(HttpResponse& response, std::span<const std::string> warnings) {
  std::vector<std::string_view> once;
  std::set<std::string_view> seen;
  std::size_t all = 0;
  for (const std::string& warning : warnings) {
    if (warning.empty() || !seen.insert(warning).second) continue;
    once.push_back(warning);
    all += characters(warning);
  }
  const bool cut = all > kAllMax;
  std::size_t written = 0;
  for (std::string_view warning : once) {
    if (written >= kAllMax) break;
    if (cut) warning = first(warning, kCutTo);
    written += characters(warning);
    response.headers.push_back({"Warning", header_text(warning)});
  }
}

}  // namespace keelson::rest
