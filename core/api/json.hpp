// The JSON codec: exactly the bytes that a Kubernetes API server reads and writes, driven by the
// descriptors and their options. int64 are numbers, Quantities canonical, times RFC 3339, IntOrString
// keeps its type, bytes are base64, null means absent. YAML in goes through the same codec.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/object.hpp"
#include "core/base/time.hpp"
#include "core/base/result.hpp"

namespace boost::json {
class value;
}

namespace keelson::api {

struct DecodeOptions {
  // Unknown and duplicate fields: an error (strict), or collected as warnings, or ignored.
  enum class Unknown : uint8_t { ignore, warn, strict } unknown = Unknown::ignore;
};

struct Decoded {
  ObjectPtr object;  // its revision has metadata.resourceVersion's value, epoch 0
  std::vector<std::string> warnings;
};

// One object of a served kind, by its apiVersion and kind. Errors (Code::invalid) carry the path of
// the offending field and, where it is known, line and column.
keelson::Result<Decoded> decode_object(std::string_view json, const DecodeOptions& options = {});
// All documents of a YAML stream ("---"), `kind: List` flattened. `source` names the file in errors.
keelson::Result<std::vector<Decoded>> decode_yaml(std::string_view yaml, std::string_view source,
                                                  const DecodeOptions& options = {});

// Any message of our .proto files.
keelson::Status decode_message(std::string_view json, Message& into,
                               const DecodeOptions& options = {},
                               std::vector<std::string>* warnings = nullptr);

// {"kind":...,"apiVersion":...,"metadata":{...}, ...} in Kubernetes' field order, maps sorted.
std::string encode_object(const Object& object);
std::string encode_message(const Message& message);
std::string encode_yaml(const Object& object);

// REQUIRES: the JSON of an object.
std::string json_to_yaml(std::string_view json);
// Appends the same, and the metadata alone with its resourceVersion: for those who write an object
// into something larger.
void append_object(const Object& object, std::string& out);
void append_metadata(const Object& object, std::string& out);

// The same with a parsed tree, for patches, tables and OpenAPI. Include <boost/json.hpp> to use them.
boost::json::value to_json(const Object& object);
boost::json::value to_json(const Message& message);
keelson::Status from_json(const boost::json::value& json, Message& into,
                          const DecodeOptions& options = {},
                          std::vector<std::string>* warnings = nullptr);

// RFC 3339 in UTC, whole seconds ("2026-11-23T02:38:23Z"); micro: six digits.
std::string format_time(WallTime time);
std::string format_micro_time(WallTime time);
Time to_time(WallTime time);       // truncated to seconds
MicroTime to_micro_time(WallTime time);
WallTime to_wall(const Time& time);

}  // namespace keelson::api
