// From a JSON tree to messages, with problems as places in the tree: the text decoders and the YAML
// reader put lines and prefixes to them.
#pragma once

#include <boost/json/value.hpp>
#include <optional>
#include <vector>

#include "core/api/json.hpp"
#include "core/api/json_text.hpp"

namespace keelson::api {

// Fills `into`, which is cleared first. `unknown` collects fields that the message does not have; may
// be null.
std::optional<JsonProblem> decode_tree(const boost::json::value& tree, Message& into,
                                       std::vector<JsonProblem>* unknown);

// A served object. `found` holds what the parser has found already (duplicate keys).
std::optional<JsonProblem> decode_object_tree(const boost::json::value& tree,
                                              const DecodeOptions& options,
                                              std::vector<JsonProblem> found, Decoded& into);

// The one document of a YAML text as a tree, with the scalars that JSON has; JSON is YAML, too.
// `duplicates` as in parse_json().
ParsedJson parse_yaml(std::string_view text, std::vector<JsonProblem>* duplicates);

// A client that sends an empty list for metadata.managedFields wants them forgotten. A message
// cannot say so; it has one empty entry then, which means the same.
void keep_reset_of_managed_fields(const boost::json::value& tree, ObjectMeta& meta);

// What the options make of unknown and duplicate fields: an error, warnings or nothing.
std::optional<JsonProblem> judge_fields(std::vector<JsonProblem> found,
                                        const DecodeOptions& options,
                                        std::vector<std::string>* warnings);

}  // namespace keelson::api
