// Warning headers: what a request got away with, for whoever sent it.
#pragma once

#include <span>
#include <string>

#include "core/rest/http.hpp"

namespace keelson::rest {

// Each warning once. Many or long ones are cut, so that the head of the answer stays one that
// clients read. Source: Kubernetes apiserver/pkg/endpoints/filters/warning.go.
void add_warnings(HttpResponse& response, std::span<const std::string> warnings);

}  // namespace keelson::rest
