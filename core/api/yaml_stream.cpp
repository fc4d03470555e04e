// libyaml reads, as its port to Go does in Kubernetes; what it finds becomes a tree at once, so that a
// document is gone through once and never stands in memory as anything else.
#include "core/api/yaml_stream.hpp"

#include <yaml.h>

#include <algorithm>

#include "core/api/yaml_scalar.hpp"
#include "core/base/assert.hpp"

namespace keelson::api {
namespace {

namespace json = boost::json;

// An alias costs nothing to write and a copy to read: a few lines of them can describe more nodes
// than there are atoms ("billion laughs"). Without aliases a document has fewer nodes than bytes;
// this many more are for honest ones.
constexpr std::size_t free_nodes = 100'000;
// A copied text counts as a node for each of so many bytes.
constexpr std::size_t bytes_per_node = 16;
// libyaml compares each %TAG with all before it.
constexpr std::size_t tag_directives_max = 100;

json::string_view as_json(std::string_view text) { return {text.data(), text.size()}; }
std::string_view text_of(const yaml_char_t* text) {
  return text ? std::string_view(reinterpret_cast<const char*>(text)) : std::string_view();
}

YamlMark mark_of(const yaml_mark_t& mark) { return {mark.line + 1, mark.column + 1}; }

struct Extent {
  std::size_t weight = 1, depth = 0;
};

Extent extent_of(const json::value& value) {
  Extent out;
  const auto add = [&out](std::size_t text, const json::value& child) {
    const Extent inner = extent_of(child);
    out.weight += inner.weight + text / bytes_per_node;
    out.depth = std::max(out.depth, inner.depth + 1);
  };
  if (const json::object* object = value.if_object()) {
    for (const auto& member : *object) add(member.key().size(), member.value());
  } else if (const json::array* array = value.if_array()) {
    for (const json::value& element : *array) add(0, element);
  } else if (const json::string* text = value.if_string()) {
    out.weight += text->size() / bytes_per_node;
  }
  return out;
}

// At the beginning of lines, whichever way they end.
bool too_many_tag_directives(std::string_view text) {
  constexpr std::string_view directive = "%TAG";
  constexpr std::string_view line_ends = "\n\r\x85\xa8\xa9\xbf";  // the last: a byte order mark
  std::size_t count = 0;
  for (std::size_t at = text.find(directive); at != text.npos; at = text.find(directive, at + 1)) {
    if (at > 0 && line_ends.find(text[at - 1]) == line_ends.npos) continue;
    if (++count > tag_directives_max) return true;
  }
  return false;
}

bool is_plain(const yaml_event_t& event) {
  return !event.data.scalar.tag && event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

std::string_view content(const yaml_event_t& event) {
  return {reinterpret_cast<const char*>(event.data.scalar.value), event.data.scalar.length};
}

}  // namespace

struct YamlStream::Parser {
  Parser() { KEELSON_ASSERT(yaml_parser_initialize(&parser) == 1); }
  ~Parser() {
    yaml_event_delete(&event);
    yaml_parser_delete(&parser);
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  yaml_parser_t parser{};
  yaml_event_t event{};
};

std::string YamlTrouble::as_go_says() const {
  return "yaml: " + (go_line > 0 ? "line " + std::to_string(go_line) + ": " : "") + message;
}

YamlStream::YamlStream(std::string_view text)
    : parser_(std::make_unique<Parser>()), nodes_max_(free_nodes + text.size()) {
  yaml_parser_set_input_string(&parser_->parser,
                               reinterpret_cast<const unsigned char*>(text.data()), text.size());
  if (too_many_tag_directives(text)) {
    trouble_ = YamlTrouble{std::nullopt, "the stream has too many directives"};
  }
}
YamlStream::~YamlStream() = default;

// False: trouble.
bool YamlStream::pull() {
  if (trouble_) return false;
  yaml_event_delete(&parser_->event);
  if (yaml_parser_parse(&parser_->parser, &parser_->event) == 1) return true;
  fail_parsing();
  return false;
}

json::value YamlStream::fail(YamlMark mark, std::string message) {
  if (!trouble_) trouble_ = YamlTrouble{mark, std::move(message)};
  return nullptr;
}

json::value YamlStream::fail_parsing() {
  const yaml_parser_t& parser = parser_->parser;
  YamlTrouble trouble{mark_of(parser.problem_mark), "unknown problem parsing YAML content"};
  if (parser.problem) trouble.message = parser.problem;
  // Go's decoder names the line where it began to read what is wrong, counted from zero unless the
  // scanner has found it, and none if that is the first.
  const std::size_t line =
      parser.context_mark.line != 0 ? parser.context_mark.line : parser.problem_mark.line;
  if (line != 0) trouble.go_line = line + (parser.error == YAML_SCANNER_ERROR ? 1 : 0);
  trouble_ = std::move(trouble);
  return nullptr;
}

YamlMark YamlStream::mark() const { return mark_of(parser_->event.start_mark); }

bool YamlStream::afford(std::size_t nodes) {
  nodes_ += nodes;
  if (nodes_ <= nodes_max_) return true;
  fail(mark(), "the document has too many nodes (excessive aliasing)");
  return false;
}

// Called when `path_` leads to what stands at the mark.
void YamlStream::note(YamlMark mark) {
  if (!sought_ || path_.size() > sought_->size() || path_.size() < found_steps_) return;
  const auto same = [](const JsonStep& a, const JsonStep& b) {
    return a.element == b.element && a.index == b.index && a.key == b.key;
  };
  if (!std::equal(path_.begin(), path_.end(), sought_->begin(), same)) return;
  found_steps_ = path_.size();
  found_ = mark;
}

std::optional<json::value> YamlStream::next(std::vector<JsonProblem>* duplicates) {
  duplicates_ = duplicates;
  do {
    if (parser_->event.type == YAML_STREAM_END_EVENT || !pull()) return std::nullopt;
  } while (parser_->event.type != YAML_DOCUMENT_START_EVENT);
  anchors_.clear();
  path_.clear();
  found_steps_ = 0;
  if (!pull()) return std::nullopt;
  note(mark());
  json::value tree = node();
  if (trouble_ || !pull()) return std::nullopt;
  return tree;
}

json::value YamlStream::node() {
  if (!afford(1)) return nullptr;
  if (path_.size() > json_depth_max) return fail(mark(), "the document nests too deeply");
  switch (parser_->event.type) {
    case YAML_ALIAS_EVENT: return alias();
    case YAML_SCALAR_EVENT: return scalar();
    case YAML_SEQUENCE_START_EVENT: return sequence();
    case YAML_MAPPING_START_EVENT: return map();
    default: return fail(mark(), "did not find expected node content");
  }
}

json::value YamlStream::alias() {
  const std::string_view name = text_of(parser_->event.data.alias.anchor);
  const auto found = anchors_.find(name);
  if (found == anchors_.end()) {
    return fail(mark(), "unknown anchor '" + std::string(name) + "' referenced");
  }
  if (!afford(found->second.weight)) return nullptr;
  if (path_.size() + found->second.depth > json_depth_max) {
    return fail(mark(), "the document nests too deeply");
  }
  return found->second.value;
}

json::value YamlStream::scalar() {
  const yaml_event_t& event = parser_->event;
  const std::string_view tag = text_of(event.data.scalar.tag);
  const bool typed = tag == YAML_INT_TAG || tag == YAML_FLOAT_TAG || tag == YAML_BOOL_TAG ||
                     tag == YAML_NULL_TAG;
  const std::string_view text = content(event);
  json::value value =
      is_plain(event) || typed ? resolve_yaml_scalar(text) : json::value(as_json(text));
  if (event.data.scalar.anchor) {
    remember(std::string(text_of(event.data.scalar.anchor)), value, std::string(text));
  }
  return value;
}

json::value YamlStream::sequence() {
  const std::string anchor(text_of(parser_->event.data.sequence_start.anchor));
  json::array out;
  while (pull() && parser_->event.type != YAML_SEQUENCE_END_EVENT) {
    path_.push_back({{}, out.size(), true});
    note(mark());
    out.push_back(node());
    path_.pop_back();
  }
  json::value value(std::move(out));
  if (!anchor.empty()) remember(anchor, value, std::nullopt);
  return value;
}

json::value YamlStream::map() {
  const std::string anchor(text_of(parser_->event.data.mapping_start.anchor));
  json::object out;
  std::vector<std::pair<json::value, YamlMark>> merged;
  while (pull() && parser_->event.type != YAML_MAPPING_END_EVENT) {
    const bool merges = parser_->event.type == YAML_SCALAR_EVENT && is_plain(parser_->event) &&
                        content(parser_->event) == "<<";
    std::optional<std::string> name = key();
    if (!name) return nullptr;
    path_.push_back({*std::move(name)});
    note(mark());
    if (!pull()) return nullptr;
    const YamlMark at = mark();
    json::value value = node();
    const std::string& last = path_.back().key;
    if (merges) {
      merged.emplace_back(std::move(value), at);
    } else {
      if (duplicates_ && out.contains(as_json(last))) {
        duplicates_->push_back({path_, "duplicate field \"" + to_string(path_) + "\""});
      }
      out.insert_or_assign(as_json(last), std::move(value));
    }
    path_.pop_back();
  }
  for (const auto& [from, at] : merged) merge(from, at, out);
  json::value value(std::move(out));
  if (!anchor.empty()) remember(anchor, value, std::nullopt);
  return value;
}

// Keys stay as they are written. nullopt: trouble.
std::optional<std::string> YamlStream::key() {
  const yaml_event_t& event = parser_->event;
  std::optional<std::string> text;
  if (event.type == YAML_SCALAR_EVENT) {
    text = std::string(content(event));
    if (is_plain(event) && resolve_yaml_scalar(*text).is_null()) text = "null";
    if (event.data.scalar.anchor) {
      remember(std::string(text_of(event.data.scalar.anchor)), json::value(as_json(*text)), text);
    }
  } else if (event.type == YAML_ALIAS_EVENT) {
    const auto found = anchors_.find(text_of(event.data.alias.anchor));
    if (found != anchors_.end() && afford(found->second.weight)) text = found->second.text;
  }
  if (!text) fail(mark(), "the key of a map must be a scalar");
  return text;
}

// "<<": members of other maps, below those that stand here.
void YamlStream::merge(const json::value& from, YamlMark mark, json::object& into) {
  if (trouble_) return;
  const auto add = [&](const json::value& map) {
    const json::object* members = map.if_object();
    if (!members) return fail(mark, "map merge requires map or sequence of maps as the value");
    for (const auto& member : *members) {
      if (!into.contains(member.key())) into.emplace(member.key(), member.value());
    }
    return json::value();
  };
  if (const json::array* maps = from.if_array()) {
    for (const json::value& map : *maps) add(map);
  } else {
    add(from);
  }
}

void YamlStream::remember(std::string name, const json::value& value,
                          std::optional<std::string> text) {
  if (trouble_) return;
  const Extent extent = extent_of(value);
  // The anchor keeps a copy of its own.
  if (!afford(extent.weight)) return;
  anchors_.insert_or_assign(std::move(name),
                            Anchor{value, std::move(text), extent.weight, extent.depth});
}

}  // namespace keelson::api
