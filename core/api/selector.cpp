#include "core/api/selector.hpp"

#include <algorithm>
#include <charconv>

#include "core/api/label_parser.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

using Op = LabelSelectorMatcher::Op;
using Requirement = LabelSelectorMatcher::Requirement;

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += separator;
    text += parts[i];
  }
  return text;
}

bool parse_integer(std::string_view text, int64_t& value) {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

bool matches_one(const Requirement& r, const Labels& labels) {
  const auto found = labels.find(r.key);
  const bool has = found != labels.end();
  switch (r.op) {
    case Op::in: return has && std::binary_search(r.values.begin(), r.values.end(), found->second);
    case Op::not_in:
      return !has || !std::binary_search(r.values.begin(), r.values.end(), found->second);
    case Op::exists: return has;
    case Op::not_exists: return !has;
    case Op::greater:
    case Op::less: {
      int64_t value = 0, bound = 0;
      if (!has || !parse_integer(found->second, value) ||
          !parse_integer(r.values.front(), bound)) {
        return false;
      }
      return r.op == Op::greater ? value > bound : value < bound;
    }
  }
  return false;
}

std::string text_of(const Requirement& r) {
  switch (r.op) {
    case Op::in:
      if (r.values.size() == 1) return r.key + "=" + r.values.front();
      return r.key + " in (" + joined(r.values, ",") + ")";
    case Op::not_in:
      if (r.values.size() == 1) return r.key + "!=" + r.values.front();
      return r.key + " notin (" + joined(r.values, ",") + ")";
    case Op::exists: return r.key;
    case Op::not_exists: return "!" + r.key;
    case Op::greater: return r.key + ">" + r.values.front();
    case Op::less: return r.key + "<" + r.values.front();
  }
  return {};
}

constexpr std::size_t many_terms = 32;  // a scan of fewer is faster

// Fails for objects that do not have the label.
bool needs_label(const Requirement& r) { return r.op != Op::not_in && r.op != Op::not_exists; }

// For selectors of many terms: what the object has no label for is decided without looking for it.
bool matches_by_label(const std::vector<Requirement>& requirements, const Labels& labels) {
  std::ptrdiff_t met = 0;
  for (const auto& [key, value] : labels) {
    auto at = std::lower_bound(requirements.begin(), requirements.end(), key,
                               [](const Requirement& r, const auto& k) { return r.key < k; });
    for (; at != requirements.end() && at->key == key; ++at) {
      if (!matches_one(*at, labels)) return false;
      met += needs_label(*at);
    }
  }
  return std::all_of(requirements.begin(), requirements.end(),
                     [&met](const Requirement& r) { return !needs_label(r) || --met >= 0; });
}

void sort_by_key(std::vector<Requirement>& requirements) {
  std::stable_sort(requirements.begin(), requirements.end(),
                   [](const Requirement& a, const Requirement& b) { return a.key < b.key; });
}

}  // namespace

std::string check_requirement(const Requirement& r) {
  if (const auto wrong = check_qualified_name(r.key); !wrong.empty()) {
    return "key: Invalid value: " + quoted(r.key) + ": " + joined(wrong, "; ");
  }
  const bool set = r.op == Op::in || r.op == Op::not_in;
  const bool order = r.op == Op::greater || r.op == Op::less;
  if (set && r.values.empty()) {
    return "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty";
  }
  if (!set && !order && !r.values.empty()) {
    return "values: Invalid value: [" + joined(r.values, " ") +
           "]: values set must be empty for exists and does not exist";
  }
  if (order && r.values.size() != 1) {
    return "values: Invalid value: [" + joined(r.values, " ") +
           "]: for 'Gt', 'Lt' operators, exactly one value is required";
  }
  for (std::size_t i = 0; i < r.values.size(); ++i) {
    const std::string place = "values[" + std::to_string(i) + "]";
    int64_t ignored = 0;
    if (order && !parse_integer(r.values[i], ignored)) {
      return place + ": Invalid value: " + quoted(r.values[i]) +
             ": for 'Gt', 'Lt' operators, the value must be an integer";
    }
    if (const auto wrong = check_label_value(r.values[i]); !wrong.empty()) {
      return place + "[" + r.key + "]: Invalid value: " + quoted(r.values[i]) + ": " +
             joined(wrong, "; ");
    }
  }
  return {};
}

keelson::Result<LabelSelectorMatcher> LabelSelectorMatcher::parse(std::string_view text) {
  LabelSelectorMatcher out;
  std::string wrong = parse_label_requirements(text, out.requirements_);
  if (!wrong.empty()) return {Code::invalid, std::move(wrong)};
  sort_by_key(out.requirements_);
  return out;
}

keelson::Result<LabelSelectorMatcher> LabelSelectorMatcher::from(const LabelSelector& selector) {
  LabelSelectorMatcher out = from_set(selector.match_labels());
  for (const LabelSelectorRequirement& expression : selector.match_expressions()) {
    Requirement r;
    r.key = expression.key();
    r.values.assign(expression.values().begin(), expression.values().end());
    std::sort(r.values.begin(), r.values.end());
    if (expression.operator_() == "In") {
      r.op = Op::in;
    } else if (expression.operator_() == "NotIn") {
      r.op = Op::not_in;
    } else if (expression.operator_() == "Exists") {
      r.op = Op::exists;
    } else if (expression.operator_() == "DoesNotExist") {
      r.op = Op::not_exists;
    } else {
      return {Code::invalid,
              quoted(expression.operator_()) + " is not a valid label selector operator"};
    }
    out.requirements_.push_back(std::move(r));
  }
  for (const Requirement& r : out.requirements_) {
    if (std::string wrong = check_requirement(r); !wrong.empty()) {
      return {Code::invalid, std::move(wrong)};
    }
  }
  sort_by_key(out.requirements_);
  return out;
}

LabelSelectorMatcher LabelSelectorMatcher::from_set(const Labels& labels) {
  LabelSelectorMatcher out;
  out.requirements_.reserve(static_cast<std::size_t>(labels.size()));
  for (const auto& [key, value] : labels) {
    Requirement r;
    r.key = key;
    r.op = Op::in;
    r.values.push_back(value);
    out.requirements_.push_back(std::move(r));
  }
  // The map's own order changes from run to run.
  sort_by_key(out.requirements_);
  return out;
}

LabelSelectorMatcher LabelSelectorMatcher::nothing() {
  LabelSelectorMatcher out;
  out.nothing_ = true;
  return out;
}

bool LabelSelectorMatcher::matches(const Labels& labels) const {
  if (nothing_) return false;
  if (requirements_.size() > many_terms) return matches_by_label(requirements_, labels);
  for (const Requirement& r : requirements_) {
    if (!matches_one(r, labels)) return false;
  }
  return true;
}

std::string LabelSelectorMatcher::to_string() const {
  std::string text;
  for (const Requirement& r : requirements_) {
    if (!text.empty()) text += ',';
    text += text_of(r);
  }
  return text;
}

}  // namespace keelson::api
