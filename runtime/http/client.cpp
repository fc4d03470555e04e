#include "runtime/http/client.hpp"

#include <optional>

#include "runtime/http/answer_parser.hpp"
#include "runtime/http/client_websocket.hpp"
#include "runtime/http/dial.hpp"
#include "runtime/http/request_head.hpp"
#include "runtime/http/request_parser.hpp"
#include "runtime/loop/entropy.hpp"

namespace keelson::http {

namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
// What a server may say before it agrees to upgrade.
constexpr uint32_t kReplyHeadBytesMax = 256 * 1024;

bool repeatable(const std::string& method) { return method == "GET" || method == "HEAD"; }

}  // namespace

std::string_view Response::header(std::string_view name) const {
  for (const Header& header : headers) {
    if (same_name(header.name, name)) return header.value;
  }
  return {};
}

class Client::Impl {
 public:
  explicit Impl(ClientOptions options) : options_(std::move(options)) {}

  Result<int> run(const Request& request, const OnHead& on_head, const OnData& on_data) {
    if (Status status = prepare(); !status) return status.error();
    auto text = head_text(request, {});
    if (!text) return text.error();
    *text += request.body;
    // A kept connection may have been closed by the server just now. A request that reached nobody is
    // sent once more on a new one; so is one that may be sent twice.
    bool reused = connection_.open() && !connection_.stale();
    while (true) {
      if (!reused) {
        if (Status status = connect(connection_); !status) return status.error();
      }
      got_bytes_ = false;
      Status sent = connection_.write(*text, request.timeout);
      Result<int> result = Error{Code::unknown, sent.message()};
      if (sent.ok()) result = receive(request, on_head, on_data);
      if (result.ok()) return result;
      connection_.close();
      if (!reused || got_bytes_ || !repeatable(request.method) || result.code() != Code::unknown) {
        return result;
      }
      reused = false;
    }
  }

  Result<WebSocketAnswer> websocket(const Request& request,
                                    const std::vector<std::string>& protocols) {
    if (Status status = prepare(); !status) return status.error();
    const std::string key = websocket_key();
    std::vector<Header> extra = {{"Connection", "Upgrade"},
                                 {"Upgrade", "websocket"},
                                 {"Sec-WebSocket-Version", "13"},
                                 {"Sec-WebSocket-Key", key}};
    std::string offered;
    for (const std::string& protocol : protocols) {
      offered += (offered.empty() ? "" : ", ") + protocol;
    }
    if (!offered.empty()) extra.push_back({"Sec-WebSocket-Protocol", offered});
    auto text = head_text(request, extra);
    if (!text) return text.error();
    Dialed own;
    if (Status status = connect(own); !status) return status.error();
    if (Status status = own.write(*text, request.timeout); !status) return status.error();
    // The answer's head decides; its bytes must not be read beyond.
    std::string received;
    std::size_t head_end = std::string::npos;
    while (head_end == std::string::npos) {
      if (received.size() > kReplyHeadBytesMax) return Error{Code::unknown, "the answer has no end"};
      char buffer[4096];
      auto got = own.read(buffer, sizeof buffer, request.timeout);
      if (!got) return got.error();
      if (*got == 0) return Error{Code::unknown, "the server closed the connection"};
      received.append(buffer, *got);
      head_end = received.find("\r\n\r\n");
    }
    WebSocketAnswer answer;
    if (!received.starts_with("HTTP/1.1 101")) {
      std::swap(connection_, own);  // the refusal is an ordinary answer
      pending_ = std::move(received);
      answer.refusal.status = 0;
      auto status = receive(
          request,
          [&](const Response& head) {
            answer.refusal = head;
            return true;
          },
          [&](std::string_view data) {
            answer.refusal.body += data;
            return true;
          });
      connection_.close();
      if (!status) return status.error();
      return answer;
    }
    auto socket = finish_websocket(std::move(own), received.substr(0, head_end + 2),
                                   received.substr(head_end + 4), key, protocols);
    if (!socket) return socket.error();
    answer.socket = std::move(socket).value();
    return answer;
  }

 private:
  Status prepare() {
    if (url_) return {};
    auto url = parse_server_url(options_.server);
    if (!url) return url.error();
    if (url->tls) {
      auto tls = make_client_context({options_.ca_pem, options_.client_cert_pem,
                                      options_.client_key_pem, options_.insecure_skip_verify});
      if (!tls) return tls.error();
      tls_ = std::move(tls).value();
    }
    url_ = std::move(url).value();
    return {};
  }

  Status connect(Dialed& to) {
    auto dialed =
        Dialed::connect(*url_, tls_, options_.tls_server_name, options_.connect_timeout);
    if (!dialed) return dialed.error();
    to = std::move(dialed).value();
    pending_.clear();
    return {};
  }

  Result<std::string> head_text(const Request& request, const std::vector<Header>& extra) const {
    return request_head(*url_, {options_.user_agent, options_.bearer_token}, request, extra);
  }

  // One answer, from pending_ and the connection.
  Result<int> receive(const Request& request, const OnHead& on_head, const OnData& on_data) {
    AnswerParser parser(request.method == "HEAD");
    std::string buffer(kReadBytes, '\0');
    while (true) {
      const auto state = parser.feed(pending_, on_head, on_data);
      if (!state) return state.error();
      if (*state == AnswerParser::State::done) {
        if (!parser.keep_alive()) connection_.close();
        return parser.status();
      }
      auto got = connection_.read(buffer.data(), buffer.size(), request.timeout);
      if (!got) return got.error();
      if (*got == 0) {
        if (Status status = parser.end(); !status) return status.error();
        connection_.close();
        return parser.status();
      }
      got_bytes_ = true;
      pending_.append(buffer, 0, *got);
    }
  }

  const ClientOptions options_;
  std::optional<ServerUrl> url_;
  TlsContext tls_;
  Dialed connection_;
  std::string pending_;  // received and not yet used
  bool got_bytes_ = false;
};

Client::Client(ClientOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Result<Response> Client::send(const Request& request) {
  Response response;
  const auto status = impl_->run(
      request,
      [&](const Response& head) {
        response = head;
        return true;
      },
      [&](std::string_view data) {
        response.body += data;
        return true;
      });
  if (!status) return status.error();
  return response;
}

Result<int> Client::stream(const Request& request, const OnHead& on_head, const OnData& on_data) {
  return impl_->run(request, on_head, on_data);
}

Result<Client::WebSocketAnswer> Client::websocket(const Request& request,
                                                  const std::vector<std::string>& protocols) {
  return impl_->websocket(request, protocols);
}

}  // namespace keelson::http
