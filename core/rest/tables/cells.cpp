#include "core/rest/tables/cells.hpp"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "core/api/json.hpp"
#include "core/api/json_text.hpp"
#include "core/rest/tables/duration.hpp"

namespace keelson::rest {
namespace {

// One condition as text; empty if it makes no sense.
std::string requirement_text(const api::LabelSelectorRequirement& requirement) {
  const std::string& key = requirement.key();
  const std::string& op = requirement.operator_();
  if (op == "Exists" || op == "DoesNotExist") {
    if (requirement.values_size() > 0) return {};
    return op == "Exists" ? key : "!" + key;
  }
  if ((op != "In" && op != "NotIn") || requirement.values_size() == 0) return {};
  std::vector<std::string> values(requirement.values().begin(), requirement.values().end());
  std::sort(values.begin(), values.end());
  std::string list;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) list += ',';
    list += values[i];
  }
  return key + (op == "In" ? " in (" : " notin (") + list + ")";
}

}  // namespace

void Cells::text(std::string_view text) {
  separate();
  api::append_json_string(text, out_);
}

void Cells::text_or(std::string_view text, std::string_view otherwise) {
  this->text(text.empty() ? otherwise : text);
}

void Cells::number(int64_t value) {
  separate();
  char buffer[24];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, value);
  out_.append(buffer, result.ptr);
}

void Cells::boolean(bool value) {
  separate();
  out_ += value ? "true" : "false";
}

void Cells::age(const api::ObjectMeta& meta) {
  if (!meta.has_creation_timestamp()) return text(unknown);
  text(since(meta.creation_timestamp(), now_));
}

std::string since(const api::Time& time, WallTime now) {
  return human_duration(elapsed_between(api::to_wall(time), now));
}

std::string since(const api::MicroTime& time, WallTime now) {
  api::Time same;
  same.set_seconds(time.seconds());
  same.set_nanos(time.nanos());
  return since(same, now);
}

std::string label_text(const api::Labels& labels) {
  if (labels.empty()) return std::string(none);
  std::vector<std::string> items;
  items.reserve(labels.size());
  for (const auto& [key, value] : labels) items.push_back(key + "=" + value);
  std::sort(items.begin(), items.end());
  std::string text;
  for (const std::string& item : items) append_item(text, item);
  return text;
}

std::optional<std::string> selector_text(const api::LabelSelector& selector) {
  std::vector<std::pair<std::string_view, std::string>> parts;  // key, text
  for (const auto& [key, value] : selector.match_labels()) {
    parts.emplace_back(key, key + "=" + value);
  }
  for (const api::LabelSelectorRequirement& requirement : selector.match_expressions()) {
    parts.emplace_back(requirement.key(), requirement_text(requirement));
    if (parts.back().second.empty()) return std::nullopt;
  }
  // The labels of a key come before its expressions, and those stay in their order.
  std::stable_sort(parts.begin(), parts.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string text;
  for (const auto& [key, part] : parts) append_item(text, part);
  return text;
}

std::string text_of(const api::IntOrString& value) {
  return value.type() == 1 ? value.str_val() : std::to_string(value.int_val());
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

void append_item(std::string& list, std::string_view item) {
  if (!list.empty()) list += ',';
  list += item;
}

void container_cells(const api::PodSpec& spec, Cells& cells) {
  std::string names, images;
  for (int i = 0; i < spec.containers_size(); ++i) {
    const char* separator = i > 0 ? "," : "";
    names.append(separator).append(spec.containers(i).name());
    images.append(separator).append(spec.containers(i).image());
  }
  cells.text(names);
  cells.text(images);
}

}  // namespace keelson::rest
