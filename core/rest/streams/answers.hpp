// Ordinary HTTP answers of the streaming subresources, before anything streams.
#pragma once

#include <string>

#include "core/api/error.hpp"
#include "core/base/result.hpp"
#include "core/rest/http.hpp"

namespace keelson::rest {

// A Status as JSON, with the code of the error's reason.
void answer_error(Exchange& exchange, const api::ApiError& error);
// The same for what failed between the API server and a node: code 500 and no reason, so that clients
// print the message as it is ("Error from server: dial tcp ...").
void answer_unreachable(Exchange& exchange, std::string message);
// What a node agent answers itself is plain text; kubectl prints it after "unable to upgrade
// connection: ".
void answer_text(Exchange& exchange, int status, std::string text);

}  // namespace keelson::rest
