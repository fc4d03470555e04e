// What OpenAPI 2 and 3 have in common as JSON: schemas.
#pragma once

#include <string_view>

#include "core/rest/openapi/json_out.hpp"
#include "core/rest/openapi/model.hpp"

namespace keelson::rest::openapi {

enum class Dialect { v2, v3 };

void write_schema(JsonOut& out, const Schema& schema, Dialect dialect);
// A schema that is nothing but a definition.
void write_reference(JsonOut& out, std::string_view definition, Dialect dialect);

}  // namespace keelson::rest::openapi
