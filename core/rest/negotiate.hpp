// Content negotiation: what the client can read, and in what its body is written.
// Source: apiserver/pkg/endpoints/handlers/negotiation.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace keelson::rest {

enum class Encoding : uint8_t { json, yaml, protobuf };
// What an object or list is to be shown as.
enum class Shape : uint8_t { object, table, partial, partial_list };

struct Accepted {
  Encoding encoding = Encoding::json;
  Shape shape = Shape::object;
  std::string version;  // of meta.k8s.io, with another shape than object: "v1" or "v1beta1"
  bool stream = false;  // ;stream=watch
};

// What of the Accept header's alternatives we can serve, in the client's order; empty: nothing.
// `shapes`: whether tables and partial objects are possible here.
std::optional<Accepted> negotiate(std::string_view accept, bool shapes);

// "application/json; charset=utf-8" -> json. An absent header is JSON. Empty: something else.
std::optional<Encoding> body_encoding(std::string_view content_type);
// The media type alone, in lower case: "application/json-patch+json".
std::string media_type(std::string_view content_type);

// Discovery: the version of aggregated documents that the client asks for first; empty: legacy ones.
std::string aggregated_version(std::string_view accept);

// People get indented JSON: ?pretty=true, or the user agents of curl, wget and browsers.
bool wants_pretty(std::string_view pretty_parameter, bool given, std::string_view user_agent);
// The same JSON with newlines and two spaces per level. REQUIRES: `compact` is valid JSON.
std::string pretty_json(std::string_view compact);

}  // namespace keelson::rest
