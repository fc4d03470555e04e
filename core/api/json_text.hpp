// The spelling of JSON: strings escaped as Go's encoder escapes them, base64, numbers, and a parser
// that reports duplicate keys and where the text is wrong.
#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keelson::api {

// Nesting beyond this is refused. Kubernetes' own objects stay below 30 levels, managedFields
// included; Go's decoder allows 10,000, which our recursive walks should not be asked for.
inline constexpr std::size_t json_depth_max = 200;

// A step down a JSON tree: a member or an element.
struct JsonStep {
  std::string key;
  std::size_t index = 0;
  bool element = false;
};
using JsonPath = std::vector<JsonStep>;
std::string to_string(const JsonPath& path);  // "spec.containers[0].image"

// JSON that this server has written, back as a tree. It may nest deeper than what is accepted: what is
// kept as raw text inside (managedFields) has its own depth. Null if it cannot be read after all.
boost::json::value reread_json(std::string_view text);

struct JsonProblem {
  JsonPath path;
  std::string message;
};

void append_json_string(std::string_view text, std::string& out);
std::string encode_base64(std::string_view bytes);
// False: `position` is the first byte that does not fit.
bool decode_base64(std::string_view text, std::string& out, std::size_t& position);
// As short as it can be read back, without an exponent where Go's encoder writes none.
std::string number_text(double value);

struct ParsedJson {
  boost::json::value value;
  std::string error;  // not empty: no JSON
};
// `duplicates`: collects keys that an object has twice (the last one counts); may be null.
ParsedJson parse_json(std::string_view text, std::vector<JsonProblem>* duplicates);
// Whether parse_json() would find a value, without making one.
bool is_json(std::string_view text);

}  // namespace keelson::api
