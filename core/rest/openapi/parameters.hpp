// The parameters of requests, and which request has which.
#pragma once

#include <span>
#include <string_view>

#include "core/rest/openapi/model.hpp"

namespace keelson::rest::openapi {

enum class Action { list, create, remove_collection, read, replace, patch, remove };

// In the query, sorted by name.
std::span<const Parameter* const> query_parameters(Action action);
// Of a subresource that is a connection or a stream: "log", "exec", "proxy", ...; empty: none.
std::span<const Parameter* const> connect_parameters(std::string_view subresource);

// In the path, or of every request.
const Parameter& name_parameter();
const Parameter& namespace_parameter();
const Parameter& path_parameter();  // what follows /proxy/
const Parameter& pretty_parameter();

}  // namespace keelson::rest::openapi
