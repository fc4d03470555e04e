// The client's half of a WebSocket, after the server has said 101.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/http/client.hpp"
#include "runtime/http/dial.hpp"

namespace keelson::http {

// A new Sec-WebSocket-Key.
std::string websocket_key();

// Checks the server's head (the lines, without the blank one) against the key and what was offered.
// `early` is what has been read beyond the head.
Result<std::unique_ptr<WebSocket>> finish_websocket(Dialed connection, const std::string& head,
                                                    std::string early, const std::string& key,
                                                    const std::vector<std::string>& protocols);

}  // namespace keelson::http
