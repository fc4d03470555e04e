#include "core/scheduler/config/tree_reader.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "core/api/json_decode.hpp"
#include "core/api/yaml_stream.hpp"

namespace keelson::scheduler {
namespace {

namespace json = boost::json;

// More than a person mends before trying again.
constexpr std::size_t kShown = 20;

std::string_view view(json::string_view text) {
  return {text.data(), text.size()};
}

std::string quoted(std::string_view text) {
  return '"' + std::string(text) + '"';
}

std::string kind_name(const json::value& value) {
  if (value.is_object()) return "a mapping";
  if (value.is_array()) return "a list";
  if (value.is_string()) return quoted(view(value.get_string()));
  return json::serialize(value);
}

// The line of the path, or of the last step of it that there is. The text is read again: nobody
// keeps the places of what is right.
std::size_t line_of(std::string_view text, const api::JsonPath& path) {
  api::YamlStream stream(text);
  stream.seek(path);
  static_cast<void>(stream.next(nullptr));
  return stream.found().line;
}

// "a.b[2].c" as steps.
api::JsonPath steps_of(std::string_view text) {
  api::JsonPath steps;
  while (!text.empty()) {
    if (text.front() == '[') {
      std::size_t index = 0;
      const std::size_t end = std::min(text.find(']'), text.size());
      std::from_chars(text.data() + 1, text.data() + end, index);
      steps.push_back({{}, index, true});
      text.remove_prefix(std::min(end + 1, text.size()));
    } else {
      if (text.front() == '.') text.remove_prefix(1);
      const std::size_t end = std::min(text.find_first_of(".["), text.size());
      steps.push_back({std::string(text.substr(0, end))});
      text.remove_prefix(end);
    }
  }
  return steps;
}

}  // namespace

void Findings::add(api::JsonPath path, std::string what) {
  found_.push_back({std::move(path), std::move(what)});
}

Error Findings::error() const {
  std::string text;
  for (std::size_t i = 0; i < found_.size() && i < kShown; ++i) {
    const api::JsonProblem& one = found_[i];
    if (i > 0) text += '\n';
    text += source_;
    if (const std::size_t line = line_of(text_, one.path); line > 0) {
      text += ':' + std::to_string(line);
    }
    text += ": ";
    if (!one.path.empty()) text += api::to_string(one.path) + ": ";
    text += one.message;
  }
  if (found_.size() > kShown) {
    text += "\n(and " + std::to_string(found_.size() - kShown) + " more)";
  }
  return {Code::invalid, std::move(text)};
}

TreeReader::TreeReader(const json::value& tree, api::JsonPath path, Findings& findings)
    : object_(tree.if_object()), path_(std::move(path)), findings_(&findings) {
  if (object_ == nullptr) fail_here("must be a mapping, not " + kind_name(tree));
}

const json::value* TreeReader::find(std::string_view field) {
  asked_.emplace(field);
  const json::value* value =
      object_ == nullptr ? nullptr : object_->if_contains({field.data(), field.size()});
  return value == nullptr || value->is_null() ? nullptr : value;
}

api::JsonPath TreeReader::path_of(std::string_view field) const {
  api::JsonPath path = path_;
  path.push_back({std::string(field)});
  return path;
}

void TreeReader::fail(std::string_view field, std::string what) {
  findings_->add(path_of(field), std::move(what));
}

void TreeReader::fail_below(std::string_view field, std::string_view below, std::string what) {
  api::JsonPath path = path_of(field);
  for (api::JsonStep& step : steps_of(below)) path.push_back(std::move(step));
  findings_->add(std::move(path), std::move(what));
}

std::optional<std::string> TreeReader::text(std::string_view field) {
  const json::value* value = find(field);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) {
    fail(field, "must be a text, not " + kind_name(*value));
    return std::nullopt;
  }
  return std::string(view(value->get_string()));
}

std::string TreeReader::one_of(std::string_view field, std::string fallback,
                               const std::vector<std::string_view>& known) {
  const auto value = text(field);
  if (!value) return fallback;
  if (std::find(known.begin(), known.end(), *value) != known.end()) return *value;
  std::string list;
  for (const std::string_view one : known) list += (list.empty() ? "" : ", ") + quoted(one);
  fail(field, "unsupported value " + quoted(*value) + ": must be one of " + list);
  return fallback;
}

std::optional<int64_t> TreeReader::integer(std::string_view field, int64_t least, int64_t most) {
  const json::value* value = find(field);
  if (value == nullptr) return std::nullopt;
  if (value->is_int64() && value->get_int64() >= least && value->get_int64() <= most) {
    return value->get_int64();
  }
  const std::string range = least == most ? std::to_string(least)
                                          : "a whole number from " + std::to_string(least) +
                                                " to " + std::to_string(most);
  fail(field, "must be " + range + ", not " + kind_name(*value));
  return std::nullopt;
}

std::optional<double> TreeReader::number(std::string_view field) {
  const json::value* value = find(field);
  if (value == nullptr) return std::nullopt;
  if (value->is_number()) return value->to_number<double>();
  fail(field, "must be a number, not " + kind_name(*value));
  return std::nullopt;
}

bool TreeReader::boolean(std::string_view field, bool fallback) {
  const json::value* value = find(field);
  if (value == nullptr) return fallback;
  if (value->is_bool()) return value->get_bool();
  fail(field, "must be true or false, not " + kind_name(*value));
  return fallback;
}

std::string TreeReader::bytes(std::string_view field) {
  std::string out;
  std::size_t position = 0;
  const auto value = text(field);
  if (value && !api::decode_base64(*value, out, position)) {
    fail(field, "is no base64: it goes wrong at byte " + std::to_string(position));
  }
  return out;
}

std::vector<std::string> TreeReader::texts(std::string_view field) {
  std::vector<std::string> out;
  const json::value* value = find(field);
  if (value == nullptr) return out;
  const json::array* list = value->if_array();
  if (list == nullptr) {
    fail(field, "must be a list of texts, not " + kind_name(*value));
    return out;
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    const json::value& item = (*list)[i];
    if (item.is_string()) {
      out.emplace_back(view(item.get_string()));
    } else {
      fail_below(field, "[" + std::to_string(i) + "]", "must be a text, not " + kind_name(item));
    }
  }
  return out;
}

std::optional<TreeReader> TreeReader::object(std::string_view field) {
  const json::value* value = find(field);
  if (value == nullptr) return std::nullopt;
  return TreeReader(*value, path_of(field), *findings_);
}

std::vector<TreeReader> TreeReader::objects(std::string_view field) {
  std::vector<TreeReader> out;
  const json::value* value = find(field);
  if (value == nullptr) return out;
  const json::array* list = value->if_array();
  if (list == nullptr) {
    fail(field, "must be a list, not " + kind_name(*value));
    return out;
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    api::JsonPath path = path_of(field);
    path.push_back({{}, i, true});
    out.emplace_back((*list)[i], std::move(path), *findings_);
  }
  return out;
}

bool TreeReader::decode(const json::value& tree, const api::JsonPath& path, api::Message& into) {
  std::vector<api::JsonProblem> found;
  if (auto problem = api::decode_tree(tree, into, &found)) found.push_back(*std::move(problem));
  for (api::JsonProblem& one : found) {
    api::JsonPath place = path;
    place.insert(place.end(), one.path.begin(), one.path.end());
    findings_->add(std::move(place), std::move(one.message));
  }
  return found.empty();
}

bool TreeReader::message(std::string_view field, api::Message& into) {
  const json::value* value = find(field);
  return value != nullptr && decode(*value, path_of(field), into);
}

bool TreeReader::message(api::Message& into) {
  if (object_ == nullptr) return false;
  for (const auto& member : *object_) asked_.emplace(view(member.key()));
  return decode(*object_, path_, into);
}

void TreeReader::done() {
  if (object_ == nullptr) return;
  for (const auto& member : *object_) {
    const std::string_view name = view(member.key());
    if (asked_.contains(name)) continue;
    std::string known;
    for (const std::string& field : asked_) known += (known.empty() ? "" : ", ") + field;
    fail(name, "unknown field; known here: " + known);
  }
}

}  // namespace keelson::scheduler
