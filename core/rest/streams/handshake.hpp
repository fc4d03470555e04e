// Which protocol a client asks for when it wants to leave HTTP.
// Source: Kubernetes' httpstream and wsstream packages, RFC 6455.
#pragma once

#include <string>
#include <vector>

#include "core/rest/http.hpp"

namespace keelson::rest {

enum class UpgradeKind : uint8_t { none, websocket, spdy, other };
UpgradeKind upgrade_kind(const HttpRequest& request);

// For streams of text that are the same under any subprotocol: what to upgrade to, if it is asked for.
std::optional<Upgrade> websocket_upgrade(const HttpRequest& request);

// All values of a header, whether repeated or separated by commas.
std::vector<std::string> header_list(const HttpRequest& request, std::string_view name);
// The same, as one value.
std::string joined_header(const HttpRequest& request, std::string_view name);

// Refuses a SPDY client none of whose protocols is spoken; names those that are.
void answer_no_protocol(Exchange& exchange, const std::vector<std::string>& offered,
                        const std::vector<std::string>& spoken);

}  // namespace keelson::rest
