// Between calls of the API and HTTP, as a client sees them: pure. Bodies are JSON.
#pragma once

#include <string>
#include <string_view>

#include "core/api/request.hpp"
#include "runtime/http/client.hpp"

namespace keelson::runtime {

// REQUIRES: not Verb::list_beats, which there is within one process only.
http::Request to_http(const api::Request& request);
http::Request to_http(const api::WatchRequest& request);

// `request` is what `answer` answers.
api::Response from_http(const api::Request& request, const http::Response& answer);
// Of a status that is no success.
api::ApiError error_of(const http::Response& answer);

// A line of a watch. An event of type error with reason unclassified stands for what cannot be read.
api::WatchEvent read_event(api::Kind kind, std::string_view line);

}  // namespace keelson::runtime
