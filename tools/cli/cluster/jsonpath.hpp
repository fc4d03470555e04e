// JSONPath templates as kubectl has them: text with expressions in braces,
//   {.items[*].metadata.name}   {range .items[*]}{.kind}{"\n"}{end}
//   {.items[?(@.status.phase=="Running")]['spec','status']}   {..name}   {.list[-1:]}
// $ and @ are the current object. Source: k8s.io/client-go/util/jsonpath, observed.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "tools/cli/cluster/tree.hpp"

namespace keelson::cli {

class JsonPath {
 public:
  // Error: Code::invalid, what is wrong with the template.
  static Result<JsonPath> parse(std::string_view text);
  // One path without text around it, braces and the first dot optional: what --sort-by,
  // custom-columns and wait take.
  static Result<JsonPath> parse_relaxed(std::string_view text);

  // The template, filled in. Members that are absent give nothing; an index beyond the end of a
  // list is an error.
  Result<std::string> print(const Json& tree) const;
  // The values that all expressions find, in order. They live as long as the tree and this do.
  Result<std::vector<const Json*>> values(const Json& tree) const;

  struct Step;
  struct Segment;

 private:
  std::shared_ptr<const std::vector<Segment>> segments_;
};

}  // namespace keelson::cli
