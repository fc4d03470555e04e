// The members that Kubernetes adds to OpenAPI: "x-kubernetes-...".
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/rest/openapi/model.hpp"

namespace keelson::rest::openapi {

// Name and JSON text, sorted by name.
using Extensions = std::vector<std::pair<std::string_view, std::string>>;

Extensions extensions_of(const Schema& schema);
Extensions extensions_of(const Operation& operation);

}  // namespace keelson::rest::openapi
