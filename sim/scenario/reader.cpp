#include "sim/scenario/reader.hpp"

#include <charconv>

namespace keelson::sim {

Result<uint32_t> parse_ppm(std::string_view text) {
  const auto bad = [&] {
    return Error{Code::invalid, "\"" + std::string(text) +
                                    "\" is no share; write one like 2%, 0.1% or 250ppm"};
  };
  if (text == "0") return 0u;
  int64_t per_unit = 0;
  if (text.ends_with("ppm")) {
    per_unit = 1;
    text.remove_suffix(3);
  } else if (text.ends_with("%")) {
    per_unit = 10'000;
    text.remove_suffix(1);
  } else {
    return bad();
  }
  const std::size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  int64_t value = 0;
  const auto end = std::from_chars(whole.data(), whole.data() + whole.size(), value);
  if (whole.empty() || end.ec != std::errc{} || end.ptr != whole.data() + whole.size()) return bad();
  value *= per_unit;
  if (dot != std::string_view::npos) {
    for (const char c : text.substr(dot + 1)) {
      if (c < '0' || c > '9') return bad();
      per_unit /= 10;
      value += per_unit * (c - '0');
    }
  }
  if (value < 0 || value > 1'000'000) return bad();
  return static_cast<uint32_t>(value);
}

void ReadErrors::add(const YAML::Node& at, const std::string& field, const std::string& what) {
  const YAML::Mark mark = at ? at.Mark() : YAML::Mark::null_mark();
  std::string message = file_;
  if (mark.line >= 0) message += ":" + std::to_string(mark.line + 1);
  message += ": ";
  if (!field.empty()) message += field + ": ";
  messages_.push_back(message + what);
}

Error ReadErrors::error() const {
  std::string text;
  for (std::size_t i = 0; i < messages_.size() && i < 20; ++i) {
    if (i > 0) text += '\n';
    text += messages_[i];
  }
  if (messages_.size() > 20) text += "\n(and " + std::to_string(messages_.size() - 20) + " more)";
  return {Code::invalid, text};
}

namespace {

// yaml-cpp keeps both and finds the first; one of them is a mistake.
void refuse_duplicates(const YAML::Node& map, const std::string& path, ReadErrors& errors) {
  if (!map.IsMap()) return;
  std::set<std::string> names;
  for (const auto& entry : map) {
    if (!entry.first.IsScalar()) continue;
    const std::string& name = entry.first.Scalar();
    if (names.insert(name).second) continue;
    errors.add(entry.first, path.empty() ? name : path + "." + name, "stands here twice");
  }
}

}  // namespace

MapReader::MapReader(YAML::Node node, std::string path, ReadErrors& errors)
    : node_(std::move(node)), path_(std::move(path)), errors_(&errors) {
  if (!node_.IsMap() && !node_.IsNull()) {
    errors_->add(node_, path_, "expected a mapping");
    node_ = YAML::Node();
  }
  refuse_duplicates(node_, path_, *errors_);
}

std::string MapReader::path(const std::string& field) const {
  return path_.empty() ? field : path_ + "." + field;
}

YAML::Node MapReader::find(const std::string& field) {
  asked_.insert(field);
  if (!node_.IsMap()) return YAML::Node(YAML::NodeType::Undefined);
  const YAML::Node& map = node_;
  return map[field];
}

bool MapReader::has(const std::string& field) const {
  if (!node_.IsMap()) return false;
  const YAML::Node& map = node_;
  return map[field].IsDefined() && !map[field].IsNull();
}

YAML::Node MapReader::raw(const std::string& field) { return find(field); }

void MapReader::fail(const std::string& field, const std::string& what) {
  const YAML::Node at = find(field);
  errors_->add(at.IsDefined() ? at : node_, path(field), what);
}

void MapReader::fail_here(const std::string& what) { errors_->add(node_, path_, what); }

std::optional<std::string> MapReader::maybe_text(const std::string& field) {
  const YAML::Node value = find(field);
  if (!value.IsDefined() || value.IsNull()) return std::nullopt;
  if (!value.IsScalar()) {
    fail(field, "expected a single value");
    return std::nullopt;
  }
  return value.Scalar();
}

std::string MapReader::text(const std::string& field, std::string fallback) {
  return maybe_text(field).value_or(std::move(fallback));
}

int64_t MapReader::integer(const std::string& field, int64_t fallback, int64_t low, int64_t high) {
  const auto value = maybe_text(field);
  if (!value) return fallback;
  int64_t number = 0;
  const auto end = std::from_chars(value->data(), value->data() + value->size(), number);
  if (end.ec != std::errc{} || end.ptr != value->data() + value->size() || number < low ||
      number > high) {
    fail(field, "\"" + *value + "\" is not a whole number from " + std::to_string(low) + " to " +
                    std::to_string(high));
    return fallback;
  }
  return number;
}

bool MapReader::boolean(const std::string& field, bool fallback) {
  const auto value = maybe_text(field);
  if (!value) return fallback;
  if (*value == "true") return true;
  if (*value == "false") return false;
  fail(field, "\"" + *value + "\" is neither true nor false");
  return fallback;
}

Duration MapReader::duration(const std::string& field, Duration fallback) {
  const auto value = maybe_text(field);
  if (!value) return fallback;
  auto parsed = parse_duration(*value);
  if (!parsed) {
    fail(field, parsed.error().message);
    return fallback;
  }
  return *parsed;
}

uint32_t MapReader::ppm(const std::string& field, uint32_t fallback) {
  const auto value = maybe_text(field);
  if (!value) return fallback;
  auto parsed = parse_ppm(*value);
  if (!parsed) {
    fail(field, parsed.error().message);
    return fallback;
  }
  return *parsed;
}

std::vector<std::string> MapReader::texts(const std::string& field) {
  std::vector<std::string> out;
  const YAML::Node value = find(field);
  if (!value.IsDefined() || value.IsNull()) return out;
  if (value.IsScalar()) return {value.Scalar()};
  if (!value.IsSequence()) {
    fail(field, "expected a list");
    return out;
  }
  for (const YAML::Node& item : value) {
    if (item.IsScalar()) {
      out.push_back(item.Scalar());
    } else {
      errors_->add(item, path(field), "expected a list of single values");
    }
  }
  return out;
}

void MapReader::each(const std::string& field, const std::function<void(MapReader)>& visit) {
  const YAML::Node value = find(field);
  if (!value.IsDefined() || value.IsNull()) return;
  if (!value.IsSequence()) {
    fail(field, "expected a list");
    return;
  }
  for (std::size_t i = 0; i < value.size(); ++i) {
    visit(MapReader(value[i], path(field) + "[" + std::to_string(i) + "]", *errors_));
  }
}

void MapReader::each_named(const std::string& field,
                           const std::function<void(const std::string&, MapReader)>& visit) {
  const YAML::Node value = find(field);
  if (!value.IsDefined() || value.IsNull()) return;
  if (!value.IsMap()) {
    fail(field, "expected a mapping");
    return;
  }
  refuse_duplicates(value, path(field), *errors_);
  for (const auto& entry : value) {
    if (!entry.first.IsScalar()) {
      errors_->add(entry.first, path(field), "expected a name");
      continue;
    }
    const std::string name = entry.first.Scalar();
    visit(name, MapReader(entry.second, path(field) + "." + name, *errors_));
  }
}

std::vector<std::pair<std::string, std::string>> MapReader::pairs(const std::string& field) {
  std::vector<std::pair<std::string, std::string>> out;
  const YAML::Node value = find(field);
  if (!value.IsDefined() || value.IsNull()) return out;
  if (!value.IsMap()) {
    fail(field, "expected a mapping");
    return out;
  }
  refuse_duplicates(value, path(field), *errors_);
  for (const auto& entry : value) {
    if (entry.first.IsScalar() && entry.second.IsScalar()) {
      out.emplace_back(entry.first.Scalar(), entry.second.Scalar());
    } else {
      errors_->add(entry.second, path(field), "expected a mapping of single values");
    }
  }
  return out;
}

std::optional<MapReader> MapReader::map(const std::string& field) {
  const YAML::Node value = find(field);
  if (!value.IsDefined() || value.IsNull()) return std::nullopt;
  return MapReader(value, path(field), *errors_);
}

void MapReader::done() {
  if (!node_.IsMap()) return;
  for (const auto& entry : node_) {
    const std::string name = entry.first.IsScalar() ? entry.first.Scalar() : "?";
    if (asked_.count(name)) continue;
    std::string known;
    for (const std::string& field : asked_) known += (known.empty() ? "" : ", ") + field;
    errors_->add(entry.first, path(name), "unknown field; known here: " + known);
  }
}

}  // namespace keelson::sim
