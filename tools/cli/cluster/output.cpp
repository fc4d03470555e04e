#include "tools/cli/cluster/output.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "core/api/quantity.hpp"
#include "core/api/yaml.hpp"
#include "tools/cli/cluster/kubeconfig.hpp"
#include "tools/cli/cluster/tabs.hpp"

namespace keelson::cli {

namespace {

Error bad_output(std::string message) {
  return {Code::invalid, "error: " + message};
}

void drop_managed_fields(Json& object) {
  if (!list_at(object, "items").empty()) {
    for (Json& item : at_path(object, "items").get_array()) drop_managed_fields(item);
  }
  if (Json* meta = object.is_object() ? object.get_object().if_contains("metadata") : nullptr) {
    if (meta->is_object()) meta->get_object().erase("managedFields");
  }
}

// As Go prints values of any type: maps "map[a:b]", lists "[a b]".
std::string go_text(const Json& value) {
  std::string out;
  if (const auto* list = value.if_array()) {
    for (const Json& one : *list) out += (out.empty() ? "" : " ") + go_text(one);
    return "[" + out + "]";
  }
  if (const auto* object = value.if_object()) {
    std::vector<std::string> parts;
    for (const auto& one : *object)
      parts.push_back(std::string(view(one.key())) + ":" + go_text(one.value()));
    std::sort(parts.begin(), parts.end());
    for (const std::string& part : parts) out += (out.empty() ? "" : " ") + part;
    return "map[" + out + "]";
  }
  return value.is_null() ? "<nil>" : scalar_text(value);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "node-2" before "node-10".
int natural_order(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    std::size_t i = 0, j = 0;
    while (i < a.size() && is_digit(a[i])) ++i;
    while (j < b.size() && is_digit(b[j])) ++j;
    if (i > 0 && j > 0) {
      std::string_view x = a.substr(0, i), y = b.substr(0, j);
      x.remove_prefix(std::min(x.find_first_not_of('0'), x.size()));
      y.remove_prefix(std::min(y.find_first_not_of('0'), y.size()));
      if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
      if (const int order = x.compare(y); order != 0) return order;
      a.remove_prefix(i);
      b.remove_prefix(j);
      continue;
    }
    if (a[0] != b[0]) return a[0] < b[0] ? -1 : 1;
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return a.empty() ? (b.empty() ? 0 : -1) : 1;
}

bool less(const Json* a, const Json* b) {
  if (!a || !b) return !a && b;
  if (a->is_number() && b->is_number()) return a->to_number<double>() < b->to_number<double>();
  const std::string x = scalar_text(*a), y = scalar_text(*b);
  const auto p = api::QuantityValue::parse(x), q = api::QuantityValue::parse(y);
  if (p && q) return *p < *q;
  return natural_order(x, y) < 0;
}

}  // namespace

std::string object_name(const Json& object) {
  std::string kind = text_at(object, "kind");
  for (char& c : kind) c = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
  const std::string api_version = text_at(object, "apiVersion");
  const auto slash = api_version.find('/');
  if (slash != std::string::npos) kind += "." + api_version.substr(0, slash);
  return kind + "/" + text_at(object, "metadata.name");
}

Status Output::read_columns(std::string_view text) {
  if (text.empty()) return bad_output("custom-columns format specified but no custom columns given");
  // Commas separate columns, but not those within brackets.
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && (text[i] == '[' || text[i] == '(')) ++depth;
    if (i < text.size() && (text[i] == ']' || text[i] == ')')) --depth;
    if (i < text.size() && (text[i] != ',' || depth > 0)) continue;
    const std::string_view part = text.substr(begin, i - begin);
    begin = i + 1;
    const auto colon = part.find(':');
    if (colon == std::string_view::npos) {
      return bad_output(fmt::format(
          "unexpected custom-columns spec: {}, expected <header>:<json-path-expr>", part));
    }
    auto path = JsonPath::parse_relaxed(part.substr(colon + 1));
    if (!path) return bad_output(path.error().message);
    columns_.push_back({std::string(part.substr(0, colon)), *path});
  }
  return {};
}

Result<Output> Output::of(const Flags& flags) {
  Output out;
  const std::string given = flags.get("output");
  const auto equals = given.find('=');
  out.format_ = given.substr(0, equals);
  out.template_ = equals == std::string::npos ? flags.get("template") : given.substr(equals + 1);
  out.headers_ = !flags.on("no-headers");
  out.managed_fields_ = flags.on("show-managed-fields");
  const bool from_file = out.format_.ends_with("-file");
  if (from_file) {
    out.format_.resize(out.format_.size() - 5);
    const auto text = real_surroundings().read(out.template_);
    if (!text) return bad_output(fmt::format("error reading --template {}", out.template_));
    out.template_ = *text;
  }
  if (out.format_ == "jsonpath" || out.format_ == "jsonpath-as-json") {
    if (out.template_.empty()) return bad_output("template format specified but no template given");
    auto path = JsonPath::parse(out.template_);
    if (!path)
      return bad_output(fmt::format("error parsing jsonpath {}, {}", out.template_, path.error().message));
    out.path_ = *path;
    return out;
  }
  if (out.format_ == "custom-columns") {
    std::string text = out.template_;
    if (from_file) {
      // A line of titles over a line of paths.
      const auto words = [](std::string_view line) {
        std::vector<std::string> list;
        for (std::size_t i = 0; i < line.size();) {
          i = line.find_first_not_of(" \t\r", i);
          if (i == std::string_view::npos) break;
          const auto end = std::min(line.find_first_of(" \t\r", i), line.size());
          list.emplace_back(line.substr(i, end - i));
          i = end;
        }
        return list;
      };
      const auto newline = text.find('\n');
      const auto titles = words(std::string_view(text).substr(0, newline));
      const auto paths = newline == std::string::npos
                             ? std::vector<std::string>{}
                             : words(std::string_view(text).substr(
                                   newline + 1, text.find('\n', newline + 1) - newline - 1));
      if (titles.size() != paths.size())
        return bad_output("custom-columns file: the lines differ in length");
      text.clear();
      for (std::size_t i = 0; i < titles.size(); ++i) {
        text += (i > 0 ? "," : "") + titles[i] + ":" + paths[i];
      }
    }
    if (auto ok = out.read_columns(text); !ok) return ok.error();
    return out;
  }
  for (const std::string_view known : {"", "wide", "json", "yaml", "name"}) {
    if (out.format_ == known && !from_file) return out;
  }
  return bad_output(fmt::format(
      "unable to match a printer suitable for the output format \"{}\", allowed formats "
      "are: custom-columns,custom-columns-file,json,jsonpath,jsonpath-as-json,"
      "jsonpath-file,name,wide,yaml",
      given));
}

Result<std::string> Output::columns(const Json& object) const {
  std::string text;
  if (headers_) {
    for (const Column& column : columns_) {
      text += column.title + (&column == &columns_.back() ? "\n" : "\t");
    }
  }
  const bool many = find(object, "items") != nullptr;
  const auto row = [&](const Json& item) -> Status {
    for (const Column& column : columns_) {
      auto values = column.path.values(item);
      if (!values) return bad_output(values.error().message);
      std::string cell;
      for (const Json* value : *values) cell += (cell.empty() ? "" : ",") + go_text(*value);
      text += (cell.empty() ? "<none>" : cell) + (&column == &columns_.back() ? "\n" : "\t");
    }
    return {};
  };
  if (!many) {
    if (auto ok = row(object); !ok) return ok.error();
  }
  for (const Json& item : list_at(object, "items")) {
    if (auto ok = row(item); !ok) return ok.error();
  }
  return align_tabs(text, {6, 3});
}

Result<std::string> Output::print(Json object) const {
  if (!managed_fields_ && (is("json") || is("yaml"))) drop_managed_fields(object);
  if (is("json")) return pretty_text(object, 4) + "\n";
  if (is("yaml")) return api::yaml_text(object);
  if (is("name")) {
    std::string out;
    for (const Json& item : list_at(object, "items")) out += object_name(item) + "\n";
    return find(object, "items") ? out : object_name(object) + "\n";
  }
  if (is("custom-columns")) return columns(object);
  if (is("jsonpath-as-json")) {
    auto values = path_.values(object);
    if (!values)
      return bad_output(
          fmt::format("error executing jsonpath \"{}\": {}", template_, values.error().message));
    JsonArray list;
    for (const Json* value : *values) list.push_back(*value);
    return pretty_text(list, 4) + "\n";
  }
  auto text = path_.print(object);
  if (!text) {
    return bad_output(fmt::format("error executing jsonpath \"{}\": Error executing template: {}",
                           template_, text.error().message));
  }
  return text;
}

Status sort_by(Json& list, std::string_view path) {
  auto key = JsonPath::parse_relaxed(path);
  if (!key) return bad_output(key.error().message);
  const std::string part = find(list, "rows") ? "rows" : "items";
  if (list_at(list, part).empty()) return {};
  JsonArray& all = at_path(list, part).get_array();
  std::vector<std::pair<const Json*, std::size_t>> keys;
  bool any = false;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Json* object = part == "rows" ? find(all[i], "object") : &all[i];
    auto values = object ? key->values(*object)
                         : Result<std::vector<const Json*>>(std::vector<const Json*>{});
    if (!values) return bad_output(values.error().message);
    any = any || !values->empty();
    keys.emplace_back(values->empty() ? nullptr : values->front(), i);
  }
  if (!any)
    return bad_output(
        fmt::format("couldn't find any field with path \"{}\" in the list of objects", path));
  std::stable_sort(keys.begin(), keys.end(),
                   [](const auto& a, const auto& b) { return less(a.first, b.first); });
  JsonArray sorted;
  for (const auto& [value, index] : keys) sorted.push_back(all[index]);
  all = std::move(sorted);
  return {};
}

}  // namespace keelson::cli
