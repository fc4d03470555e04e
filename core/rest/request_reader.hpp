// From a call to what the API server is asked: verb, parameters and body.
#pragma once

#include "core/api/json.hpp"
#include "core/rest/call.hpp"

namespace keelson::auth {
class Authorizer;
}

namespace keelson::rest {

// Takes the body out of the call, and leaves warnings there. `authorizer` says whether a write that may turn
// out to be a creation may be one; null: everybody may do everything.
// REQUIRES: call.resource, of a stored kind.
api::ApiError read_request(Call& call, const auth::Authorizer* authorizer, api::Request& request);

// What the query says of fields that there are not.
api::DecodeOptions field_validation(const Call& call);

}  // namespace keelson::rest
