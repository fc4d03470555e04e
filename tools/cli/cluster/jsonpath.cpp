#include "tools/cli/cluster/jsonpath.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tools/cli/cluster/jsonpath_steps.hpp"

namespace keelson::cli {

namespace {

using Step = JsonPath::Step;
using Segment = JsonPath::Segment;
using Steps = std::vector<Step>;
using Values = std::vector<const Json*>;

Error bad_path(std::string message) {
  return {Code::invalid, std::move(message)};
}

std::vector<const boost::json::key_value_pair*> sorted_members(const JsonObject& object) {
  std::vector<const boost::json::key_value_pair*> members;
  for (const auto& one : object) members.push_back(&one);
  std::sort(members.begin(), members.end(),
            [](const auto* a, const auto* b) { return a->key() < b->key(); });
  return members;
}

Values children(const Json& value) {
  Values out;
  if (const auto* list = value.if_array()) {
    for (const Json& element : *list) out.push_back(&element);
  } else if (const auto* object = value.if_object()) {
    for (const auto* one : sorted_members(*object)) out.push_back(&one->value());
  }
  return out;
}

void descend(const Json& value, Values& out) {
  out.push_back(&value);
  for (const Json* child : children(value)) descend(*child, out);
}

// Throws Error.
Values evaluate(const Steps& steps, Values found);

void slice(const Step& step, const Json& value, Values& out) {
  if (value.is_null()) return;
  const auto* list = value.if_array();
  if (!list) throw bad_path(compact_text(value) + " is not array or slice");
  const auto length = static_cast<int64_t>(list->size());
  int64_t begin = step.begin.value_or(0);
  if (begin < 0) begin += length;
  int64_t end = step.single ? begin + 1 : step.end.value_or(length);
  if (end < 0) end += length;
  if (begin == end) return;
  if (begin >= length || begin < 0) {
    throw bad_path(fmt::format("array index out of bounds: index {}, length {}", begin, length));
  }
  if (end > length || end < 0) {
    throw bad_path(fmt::format("array index out of bounds: index {}, length {}", end - 1, length));
  }
  if (begin > end) {
    throw bad_path(fmt::format("starting index {} is greater than ending index {}", begin, end));
  }
  if (step.step <= 0) throw bad_path("step must be > 0");
  for (int64_t i = begin; i < end; i += step.step) out.push_back(&(*list)[std::size_t(i)]);
}

// Values of different types are neither less nor equal.
bool holds(const Json& left, const std::string& op, const Json& right) {
  int order = 0;
  if (left.is_number() && right.is_number()) {
    const double a = left.to_number<double>(), b = right.to_number<double>();
    order = a < b ? -1 : a > b;
  } else if (left.is_string() && right.is_string()) {
    order = left.get_string().compare(right.get_string());
  } else if (left.is_bool() && right.is_bool()) {
    order = int(left.get_bool()) - int(right.get_bool());
  } else {
    return op == "!=" && left != right;
  }
  if (op == "==") return order == 0;
  if (op == "!=") return order != 0;
  if (op == "<") return order < 0;
  if (op == ">") return order > 0;
  return op == "<=" ? order <= 0 : order >= 0;
}

bool matches(const Step& step, const Json& element) {
  const Values left = evaluate(step.sides[0], {&element});
  if (step.op.empty()) return !left.empty();
  if (left.size() > 1) throw bad_path("can only compare one element at a time");
  const Values right = evaluate(step.sides[1], {&element});
  if (right.size() > 1) throw bad_path("can only compare one element at a time");
  if (left.empty() || right.empty()) return false;
  return holds(*left[0], step.op, *right[0]);
}

void apply(const Step& step, const Json& value, Values& out) {
  switch (step.kind) {
    case Step::Kind::field:
      if (const Json* at = member(value, step.name)) out.push_back(at);
      break;
    case Step::Kind::slice: slice(step, value, out); break;
    case Step::Kind::wildcard:
      for (const Json* child : children(value)) out.push_back(child);
      break;
    case Step::Kind::recursive: descend(value, out); break;
    case Step::Kind::filter:
      for (const Json* child : children(value)) {
        if (matches(step, *child)) out.push_back(child);
      }
      break;
    case Step::Kind::unite: break;  // of all values at once: see evaluate()
    case Step::Kind::literal: out.push_back(&step.value); break;
  }
}

Values evaluate(const Steps& steps, Values found) {
  for (const Step& step : steps) {
    Values next;
    if (step.kind == Step::Kind::unite) {
      for (const Steps& side : step.sides) {
        const Values more = evaluate(side, found);
        next.insert(next.end(), more.begin(), more.end());
      }
    }
    for (const Json* value : found) apply(step, *value, next);
    found = std::move(next);
  }
  return found;
}

void print_segments(const std::vector<Segment>& segments, const Json& tree, std::string& out) {
  for (const Segment& segment : segments) {
    if (segment.kind == Segment::Kind::text) {
      out += segment.text;
      continue;
    }
    const Values found = evaluate(segment.steps, {&tree});
    const char* between = "";
    for (const Json* value : found) {
      if (segment.kind == Segment::Kind::range) {
        print_segments(segment.body, *value, out);
      } else {
        out += between;
        if (!value->is_null()) out += scalar_text(*value);
        between = " ";
      }
    }
  }
}

void collect(const std::vector<Segment>& segments, const Json& tree, Values& out) {
  for (const Segment& segment : segments) {
    if (segment.kind == Segment::Kind::text) continue;
    for (const Json* value : evaluate(segment.steps, {&tree})) {
      segment.kind == Segment::Kind::range ? collect(segment.body, *value, out)
                                           : out.push_back(value);
    }
  }
}

}  // namespace

Result<JsonPath> JsonPath::parse(std::string_view text) {
  JsonPath path;
  try {
    path.segments_ = std::make_shared<const std::vector<Segment>>(parse_jsonpath(text));
  } catch (const Error& error) {
    return error;
  }
  return path;
}

Result<JsonPath> JsonPath::parse_relaxed(std::string_view text) {
  if (text.empty()) return parse("");
  if (text.starts_with('{') && text.ends_with('}')) {
    text.remove_prefix(1);
    text.remove_suffix(1);
  }
  if (text.find_first_of("{}") != std::string_view::npos) {
    return bad_path(
        "unexpected path string, expected a 'name1.name2' or '.name1.name2' or "
        "'{name1.name2}' or '{.name1.name2}'");
  }
  const bool rooted = text.starts_with('.') || text.starts_with('[') || text.starts_with('$');
  return parse("{" + std::string(rooted ? "" : ".") + std::string(text) + "}");
}

Result<std::string> JsonPath::print(const Json& tree) const {
  std::string out;
  try {
    print_segments(*segments_, tree, out);
  } catch (const Error& error) {
    return error;
  }
  return out;
}

Result<std::vector<const Json*>> JsonPath::values(const Json& tree) const {
  Values out;
  try {
    collect(*segments_, tree, out);
  } catch (const Error& error) {
    return error;
  }
  return out;
}

}  // namespace keelson::cli
