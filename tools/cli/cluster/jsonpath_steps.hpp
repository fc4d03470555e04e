// A parsed JSONPath template: what the parser hands to the evaluation.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/cluster/jsonpath.hpp"

namespace keelson::cli {

struct JsonPath::Step {
  enum class Kind : uint8_t { field, slice, wildcard, recursive, filter, unite, literal } kind;
  std::string name;                      // field
  std::optional<int64_t> begin, end;     // slice
  int64_t step = 1;                      // slice
  bool single = false;                   // slice: [3], not [3:4]
  std::vector<std::vector<Step>> sides;  // filter: left and right; unite: all alternatives
  std::string op;                        // filter; empty: exists
  Json value;                            // literal
};

struct JsonPath::Segment {
  enum class Kind : uint8_t { text, expression, range } kind;
  std::string text;
  std::vector<Step> steps;
  std::vector<Segment> body;
};

// Throws Error (Code::invalid). JsonPath::parse() catches it.
std::vector<JsonPath::Segment> parse_jsonpath(std::string_view text);

}  // namespace keelson::cli
