// Label and field selectors, parsed once and matched often.
// Source: k8s.io/apimachinery/pkg/labels and fields; error wording as a real server answers.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/error.hpp"
#include "core/api/object.hpp"
#include "core/base/result.hpp"

namespace keelson::api {

using Labels = google::protobuf::Map<std::string, std::string>;

class LabelSelectorMatcher {
 public:
  enum class Op : uint8_t { in, not_in, exists, not_exists, greater, less };
  struct Requirement {
    std::string key;
    Op op{};
    std::vector<std::string> values;  // sorted
  };

  LabelSelectorMatcher() = default;  // matches everything

  // "a=b,c in (d,e),!f". Error: Code::invalid with Kubernetes' message.
  static keelson::Result<LabelSelectorMatcher> parse(std::string_view text);
  // A null LabelSelector matches nothing; an empty one everything.
  static keelson::Result<LabelSelectorMatcher> from(const LabelSelector& selector);
  static LabelSelectorMatcher from_set(const Labels& labels);  // Service selectors: all equal
  static LabelSelectorMatcher nothing();

  bool matches(const Labels& labels) const;
  bool empty() const { return !nothing_ && requirements_.empty(); }
  bool matches_nothing() const { return nothing_; }
  const std::vector<Requirement>& requirements() const { return requirements_; }
  std::string to_string() const;  // canonical: "app=web,tier in (a,b)"

 private:
  bool nothing_ = false;
  std::vector<Requirement> requirements_;  // sorted by key
};

class FieldSelector {
 public:
  struct Term {
    std::string field;
    std::string value;
    bool equal = true;
  };
  FieldSelector() = default;  // matches everything

  // "spec.nodeName=n1,status.phase!=Failed". Unknown fields of the kind are refused by name.
  static keelson::Result<FieldSelector> parse(Kind kind, std::string_view text);

  bool matches(const Object& object) const;
  bool empty() const { return terms_.empty(); }
  const std::vector<Term>& terms() const { return terms_; }
  // The value that `field` must equal, or nullptr: lets a watch hub index by it.
  const std::string* required(std::string_view field) const;

 private:
  std::vector<Term> terms_;
};

// The value of a selectable field, as a string; false if the kind has no such field.
bool field_value(const Object& object, std::string_view field, std::string* value);

}  // namespace keelson::api
