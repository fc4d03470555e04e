#include "core/rest/streams/handshake.hpp"

#include "core/rest/streams/query.hpp"

namespace keelson::rest {

namespace {

// As Go prints a list.
std::string bracketed(const std::vector<std::string>& words) {
  std::string out = "[";
  for (std::size_t i = 0; i < words.size(); ++i) out += (i == 0 ? "" : " ") + words[i];
  return out + "]";
}

}  // namespace

std::vector<std::string> header_list(const HttpRequest& request, std::string_view name) {
  std::vector<std::string> words;
  for (const Header& header : request.headers) {
    if (!same_word(header.name, name)) continue;
    for (std::string& word : split_list(header.value)) words.push_back(std::move(word));
  }
  return words;
}

std::string joined_header(const HttpRequest& request, std::string_view name) {
  std::string out;
  for (const std::string& word : header_list(request, name)) out += (out.empty() ? "" : ",") + word;
  return out;
}

UpgradeKind upgrade_kind(const HttpRequest& request) {
  bool wanted = false;
  for (const std::string& word : header_list(request, "Connection")) {
    wanted = wanted || same_word(word, "upgrade");
  }
  const std::string_view what = request.header("Upgrade");
  if (!wanted || what.empty()) return UpgradeKind::none;
  if (same_word(what, "websocket")) return UpgradeKind::websocket;
  return same_word(what, "SPDY/3.1") ? UpgradeKind::spdy : UpgradeKind::other;
}

std::optional<Upgrade> websocket_upgrade(const HttpRequest& request) {
  if (upgrade_kind(request) != UpgradeKind::websocket) return std::nullopt;
  Upgrade upgrade{.websocket = true, .text = true};
  const std::vector<std::string> offered = header_list(request, "Sec-WebSocket-Protocol");
  if (!offered.empty()) upgrade.protocol = offered.front();
  return upgrade;
}

void answer_no_protocol(Exchange& exchange, const std::vector<std::string>& offered,
                        const std::vector<std::string>& spoken) {
  HttpResponse response;
  response.status = 403;
  response.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
  for (const std::string& protocol : spoken) {
    response.headers.push_back({"X-Accepted-Stream-Protocol-Versions", protocol});
  }
  response.body = "unable to upgrade: unable to negotiate protocol: client supports " +
                  bracketed(offered) + ", server accepts " + bracketed(spoken) + "\n";
  exchange.respond(std::move(response));
}

}  // namespace keelson::rest
