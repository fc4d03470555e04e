// The whole model: paths and operations from the list of what is served, definitions from what
// those operations mention.
#pragma once

#include <string>
#include <vector>

#include "core/rest/openapi/model.hpp"
#include "core/rest/openapi/openapi.hpp"

namespace keelson::rest::openapi {

Model build_model(const std::vector<ServedResource>& resources, const std::string& version);

}  // namespace keelson::rest::openapi
