#include "runtime/http/client.hpp"

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "runtime/http/client_websocket.hpp"
#include "runtime/http/dial.hpp"
#include "runtime/http/request_parser.hpp"
#include "runtime/loop/entropy.hpp"

namespace keelson::http {
namespace beast_http = boost::beast::http;

namespace {

using Parser = beast_http::response_parser<beast_http::string_body>;

constexpr std::size_t kReadBytes = 64 * 1024;
// What a server may say before the body.
constexpr uint32_t kHeadBytesMax = 256 * 1024;

bool idempotent(const std::string& method) { return method == "GET" || method == "HEAD"; }

bool fits_a_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

Response head_of(const Parser& parser) {
  Response head;
  head.status = static_cast<int>(parser.get().result_int());
  for (const auto& field : parser.get()) {
    head.headers.push_back({std::string(field.name_string().data(), field.name_string().size()),
                            std::string(field.value().data(), field.value().size())});
  }
  return head;
}

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
      if (!reused || got_bytes_ || !idempotent(request.method) || result.code() != Code::unknown) {
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
      if (received.size() > kHeadBytesMax) return Error{Code::unknown, "the answer has no end"};
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
    std::string target = url_->prefix + (request.target.starts_with('/') ? "" : "/") + request.target;
    std::string out = request.method + " " + target + " HTTP/1.1\r\n";
    if (target.find_first_of(std::string_view(" \r\n\0", 4)) != std::string::npos ||
        request.method.empty() || request.method.find(' ') != std::string::npos ||
        !fits_a_line(request.method)) {
      return Error{Code::invalid, "the request's method or target is malformed"};
    }
    const auto add = [&out](std::string_view name, std::string_view value) {
      out.append(name).append(": ").append(value).append("\r\n");
    };
    add("Host", url_->authority);
    bool has_auth = false, has_agent = false, fits = fits_a_line(options_.bearer_token);
    for (const auto* headers : {&request.headers, &extra}) {
      for (const Header& header : *headers) {
        has_auth = has_auth || same_name(header.name, "Authorization");
        has_agent = has_agent || same_name(header.name, "User-Agent");
        fits = fits && fits_a_line(header.name) && fits_a_line(header.value);
        add(header.name, header.value);
      }
    }
    if (!fits) return Error{Code::invalid, "a request header contains a line break"};
    if (!has_agent) add("User-Agent", options_.user_agent);
    if (!has_auth && url_->tls && !options_.bearer_token.empty()) {
      add("Authorization", "Bearer " + options_.bearer_token);
    }
    if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
        request.method == "PATCH") {
      add("Content-Length", std::to_string(request.body.size()));
    }
    return out + "\r\n";
  }

  // One answer, from pending_ and the connection.
  Result<int> receive(const Request& request, const OnHead& on_head, const OnData& on_data) {
    std::optional<Parser> parser;
    bool head_told = false;
    std::string buffer(kReadBytes, '\0');
    const auto start = [&] {
      parser.emplace();
      parser->header_limit(kHeadBytesMax);
      parser->body_limit(boost::none);
      parser->eager(false);
      if (request.method == "HEAD") parser->skip(true);
    };
    start();
    while (true) {
      boost::beast::error_code error;
      std::size_t used = 0;
      while (!error && !parser->is_done() && used < pending_.size()) {
        if (parser->is_header_done() && parser->chunked() &&
            pending_.size() - used < kChunkedBytesMin) {
          break;
        }
        used += parser->put(
            boost::asio::buffer(pending_.data() + used, pending_.size() - used), error);
        if (error || !parser->is_header_done()) continue;
        if (parser->get().result_int() / 100 == 1) {  // an interim answer; the real one follows
          start();
          continue;
        }
        if (!std::exchange(head_told, true) && on_head && !on_head(head_of(*parser))) {
          return Error{Code::cancelled, "stopped by the caller"};
        }
        std::string& body = parser->get().body();
        if (!body.empty() && on_data && !on_data(body)) {
          return Error{Code::cancelled, "stopped by the caller"};
        }
        body.clear();
      }
      pending_.erase(0, used);
      if (error && error != beast_http::error::need_more) {
        return Error{Code::unknown, "malformed answer: " + error.message()};
      }
      if (parser->is_done()) return end_of(*parser);
      auto got = connection_.read(buffer.data(), buffer.size(), request.timeout);
      if (!got) return got.error();
      if (*got == 0) {
        if (parser->got_some()) parser->put_eof(error);
        if (!parser->got_some() || error) {
          return Error{Code::unknown, "the server closed the connection before its answer's end"};
        }
        connection_.close();
        return static_cast<int>(parser->get().result_int());
      }
      got_bytes_ = true;
      pending_.append(buffer, 0, *got);
    }
  }

  Result<int> end_of(const Parser& parser) {
    if (!parser.keep_alive()) connection_.close();
    return static_cast<int>(parser.get().result_int());
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
