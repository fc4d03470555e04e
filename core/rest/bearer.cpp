#include "core/rest/bearer.hpp"

#include <algorithm>

#include "core/auth/jwt.hpp"
#include "core/rest/streams/handshake.hpp"
#include "core/rest/streams/query.hpp"

namespace keelson::rest {

namespace {

constexpr std::string_view kPrefix = "base64url.bearer.authorization.k8s.io.";
constexpr const char* kProtocols = "Sec-WebSocket-Protocol";

bool carries_token(const std::string& protocol) { return protocol.starts_with(kPrefix); }

std::string decoded(const std::string& protocol) {
  return auth::decode_base64url(std::string_view(protocol).substr(kPrefix.size())).value_or("");
}

}  // namespace

void unwrap_protocol_token(HttpRequest& request) {
  // Nearly all requests have no such header at all.
  if (request.header(kProtocols).empty() || upgrade_kind(request) != UpgradeKind::websocket) return;
  std::vector<std::string> protocols = header_list(request, kProtocols);
  const auto tokens = std::stable_partition(protocols.begin(), protocols.end(),
                                            [](const auto& each) { return !carries_token(each); });
  if (tokens == protocols.end()) return;
  // The token must come once, and beside a protocol that can be chosen instead of it.
  const bool sound = protocols.end() - tokens == 1 && tokens != protocols.begin();
  const std::string token = sound ? decoded(*tokens) : "";
  protocols.erase(tokens, protocols.end());
  std::erase_if(request.headers, [](const Header& h) { return same_word(h.name, kProtocols); });
  for (std::string& protocol : protocols) {
    request.headers.push_back({kProtocols, std::move(protocol)});
  }
  if (request.header("Authorization").empty()) {
    request.headers.push_back(
        {"Authorization", std::string(kBearer) + (token.empty() ? "invalid" : token)});
  }
}

}  // namespace keelson::rest
