// Objects as JSON trees. The verbs do not know the kinds they handle (any served kind works), so
// they read members by path and get a default where there is none: servers leave out what is empty.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <string>
#include <string_view>

namespace keelson::cli {

using Json = boost::json::value;
using JsonObject = boost::json::object;
using JsonArray = boost::json::array;

inline std::string_view view(boost::json::string_view s) {
  return {s.data(), s.size()};
}

// "spec.template.metadata": the value at a path of members, or null. A path is split at its dots:
// reach members whose names have dots (labels, annotations) by member().
const Json* find(const Json& tree, std::string_view path);
const Json* member(const Json& tree, std::string_view name);

// The scalar at a path as text ("3", "true"), or `absent`.
std::string text_at(const Json& tree, std::string_view path, std::string_view absent = {});
int64_t number_at(const Json& tree, std::string_view path, int64_t absent = 0);
bool true_at(const Json& tree, std::string_view path);
// The list or map at a path; empty where there is none.
const JsonArray& list_at(const Json& tree, std::string_view path);
const JsonObject& map_at(const Json& tree, std::string_view path);

// Makes the objects on the way; what is there and no object gives way.
Json& at_path(Json& tree, std::string_view path);

std::string scalar_text(const Json& value);   // strings bare, everything else as compact JSON
std::string compact_text(const Json& value);  // members sorted, spelt as Go's encoder does
std::string pretty_text(const Json& value, int indent);  // members sorted, as kubectl -o json
// Without white space at its end.
std::string trimmed_end(std::string text);
// null where the text is no JSON.
Json parse_tree(std::string_view text);

// "app=web,tier=front" with the keys sorted; "<none>" if there are none.
std::string label_text(const JsonObject& labels);

}  // namespace keelson::cli
