// The three spellings of a model.
#pragma once

#include <string>
#include <string_view>

#include "core/rest/openapi/model.hpp"

namespace keelson::rest::openapi {

inline constexpr std::string_view title = "Keelson";

// OpenAPI 2 as JSON.
std::string write_v2_json(const Model& model);
// The same as an openapi.v2.Document.
std::string write_v2_protobuf(const Model& model);
// OpenAPI 3 as JSON: the paths of one group version, and the definitions that they need.
std::string write_v3_json(const Model& model, std::string_view group_version);

}  // namespace keelson::rest::openapi
