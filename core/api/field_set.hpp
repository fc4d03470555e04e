// Sets of fields, as metadata.managedFields lists them: which parts of an object someone has set.
// A field is reached by steps: members by name, elements of a list by the members that identify
// them (or by their value, in a list that is a set). A set contains whole fields
// ("f:labels":{".":{}}) and parts of them ("f:labels":{"f:app":{}}) independently of each other.
// Source: sigs.k8s.io/structured-merge-diff, fieldpath.
#pragma once

#include <boost/container/map.hpp>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/result.hpp"

namespace keelson::api {

struct FieldStep {
  // The order of the types is that in which Kubernetes sorts them.
  enum class Type : uint8_t { field, key, value, index };
  using Scalar = std::variant<std::monostate, int64_t, std::string, bool>;  // monostate: null

  Type type{};
  std::string name;                                   // field
  std::vector<std::pair<std::string, Scalar>> key{};  // key: by name, sorted
  Scalar value{};                                     // value
  int64_t index = 0;                                  // index

  static FieldStep field(std::string_view name) { return {Type::field, std::string(name)}; }
  friend auto operator<=>(const FieldStep&, const FieldStep&) = default;
};
using FieldPath = std::vector<FieldStep>;
// As messages show it: .spec.containers[name="web"].image
std::string to_string(const FieldPath& path);

class FieldSet {
 public:
  struct Node;
  using Nodes = boost::container::map<FieldStep, Node>;

  FieldSet();
  FieldSet(const FieldSet&);
  FieldSet(FieldSet&&) noexcept;
  FieldSet& operator=(const FieldSet&);
  FieldSet& operator=(FieldSet&&) noexcept;
  ~FieldSet();

  bool empty() const { return nodes_.empty(); }
  bool has(const FieldPath& path) const;
  bool has(const FieldStep& step) const;
  // What the set says below a step; null: nothing.
  const FieldSet* below(const FieldStep& step) const;
  // The whole object (an empty path) is never tracked.
  void insert(const FieldPath& path);
  void insert(const FieldStep& step);
  FieldSet& under(const FieldStep& step);  // REQUIRES: something is inserted below it

  FieldSet operator|(const FieldSet& other) const;
  FieldSet operator&(const FieldSet& other) const;
  FieldSet operator-(const FieldSet& other) const;
  // Leaves out what `other` contains, and all that is below it.
  FieldSet without_trees(const FieldSet& other) const;
  friend bool operator==(const FieldSet& a, const FieldSet& b);

  const Nodes& nodes() const { return nodes_; }
  // Whole fields of each level first, then the levels below.
  void each(const std::function<void(const FieldPath&)>& visit) const;

 private:
  void each(FieldPath& at, const std::function<void(const FieldPath&)>& visit) const;
  Nodes nodes_;
};

struct FieldSet::Node {
  bool member = false;  // the whole field
  FieldSet below;
};

// {"f:metadata":{"f:labels":{".":{},"f:app":{}}}}
std::string encode_fields(const FieldSet& set);
// What it does not understand in a well-formed tree (steps of newer kinds) is left out.
Result<FieldSet> decode_fields(std::string_view json);

}  // namespace keelson::api
