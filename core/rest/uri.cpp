#include "core/rest/uri.hpp"

namespace keelson::rest {

namespace {

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex(text[i + 1]), low = hex(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

}  // namespace

bool Uri::has(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return true;
  }
  return false;
}

std::string_view Uri::get(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return {};
}

std::vector<std::string> Uri::all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : query) {
    if (key == name) values.push_back(value);
  }
  return values;
}

bool Uri::flag(std::string_view name) const {
  if (!has(name)) return false;
  const std::string_view value = get(name);
  return value != "0" && value != "false" && value != "False" && value != "FALSE" && value != "f";
}

std::optional<Uri> parse_target(std::string_view target) {
  Uri uri;
  if (target.empty() || target.front() != '/') return std::nullopt;
  const std::size_t hash = target.find('#');
  if (hash != target.npos) target = target.substr(0, hash);
  const std::size_t mark = target.find('?');
  const std::string_view path = target.substr(0, mark);
  for (std::size_t at = 1; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (end > at) {
      auto segment = decode(path.substr(at, end - at), false);
      if (!segment) return std::nullopt;
      uri.segments.push_back(std::move(*segment));
    }
    at = end + 1;
  }
  auto whole = decode(path, false);
  if (!whole) return std::nullopt;
  uri.path = std::move(*whole);
  if (mark == target.npos) return uri;
  std::string_view query = target.substr(mark + 1);
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    auto key = decode(pair.substr(0, equals), true);
    auto value = decode(equals == pair.npos ? std::string_view() : pair.substr(equals + 1), true);
    if (!key || !value) return std::nullopt;
    uri.query.emplace_back(std::move(*key), std::move(*value));
  }
  return uri;
}

}  // namespace keelson::rest
