#include "core/rest/streams/query.hpp"

#include <algorithm>
#include <charconv>

namespace keelson::rest {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
      out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

}  // namespace

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::vector<std::string> split_list(std::string_view value) {
  std::vector<std::string> words;
  while (!value.empty()) {
    const std::size_t end = std::min(value.find(','), value.size());
    std::string_view word = value.substr(0, end);
    value.remove_prefix(std::min(end + 1, value.size()));
    while (!word.empty() && (word.front() == ' ' || word.front() == '\t')) word.remove_prefix(1);
    while (!word.empty() && (word.back() == ' ' || word.back() == '\t')) word.remove_suffix(1);
    if (!word.empty()) words.emplace_back(word);
  }
  return words;
}

Query Query::of(std::string_view target) {
  Query query;
  const std::size_t mark = target.find('?');
  if (mark == std::string_view::npos) return query;
  std::string_view rest = target.substr(mark + 1);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    query.parameters_.emplace_back(
        unescape(pair.substr(0, equals)),
        equals == std::string_view::npos ? std::string() : unescape(pair.substr(equals + 1)));
  }
  return query;
}

const std::string* Query::find(std::string_view name) const {
  for (const auto& [key, value] : parameters_) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string Query::text(std::string_view name) const {
  const std::string* value = find(name);
  return value != nullptr ? *value : std::string();
}

std::vector<std::string> Query::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : parameters_) {
    if (key == name) values.push_back(value);
  }
  return values;
}

bool Query::flag(std::string_view name) const {
  const std::string* value = find(name);
  return value != nullptr && *value != "0" && !same_word(*value, "false");
}

Result<std::optional<int64_t>> Query::number(std::string_view name) const {
  const std::string* text = find(name);
  if (text == nullptr || text->empty()) return std::optional<int64_t>();
  int64_t value = 0;
  const char* const end = text->data() + text->size();
  const auto [at, trouble] = std::from_chars(text->data(), end, value);
  if (trouble == std::errc::result_out_of_range) {
    return Error{Code::invalid, "strconv.ParseInt: parsing \"" + *text + "\": value out of range"};
  }
  if (trouble != std::errc() || at != end) {
    return Error{Code::invalid, "strconv.ParseInt: parsing \"" + *text + "\": invalid syntax"};
  }
  return std::optional<int64_t>(value);
}

}  // namespace keelson::rest
