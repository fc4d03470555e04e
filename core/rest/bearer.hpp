// Bearer tokens of browsers, whose scripts cannot set headers of a WebSocket's request: they offer the
// token as a subprotocol.
// Source: k8s.io/apiserver/pkg/authentication/request/websocket.
#pragma once

#include "core/rest/http.hpp"

namespace keelson::rest {

inline constexpr std::string_view kBearer = "Bearer ";

// Makes an Authorization header of the subprotocol base64url.bearer.authorization.k8s.io.TOKEN, which
// nobody further on gets to see. One that makes no sense becomes a header that nobody accepts.
void unwrap_protocol_token(HttpRequest& request);

}  // namespace keelson::rest
