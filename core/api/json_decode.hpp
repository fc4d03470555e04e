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

// What the options make of unknown and duplicate fields: an error, warnings or nothing.
std::optional<JsonProblem> judge_fields(std::vector<JsonProblem> found,
                                        const DecodeOptions& options,
                                        std::vector<std::string>* warnings);

}  // namespace keelson::api
