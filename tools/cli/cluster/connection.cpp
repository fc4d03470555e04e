#include "tools/cli/cluster/connection.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "core/api/json_text.hpp"
#include "runtime/http/client.hpp"

namespace keelson::cli {

namespace {

// Before a silent server is given up where nothing else was asked for: a dead one must not hang a
// script for ever.
constexpr auto kPatience = std::chrono::seconds(60);

// The text of `Warning: 299 - "text"`, a quoted string.
std::string warning_text(std::string_view header) {
  const auto begin = header.find('"');
  if (begin == std::string_view::npos) return std::string(header);
  std::string out;
  for (std::size_t i = begin + 1; i < header.size() && header[i] != '"'; ++i) {
    if (header[i] == '\\' && i + 1 < header.size()) ++i;
    out += header[i];
  }
  return out;
}

std::string lower_name(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
  return text;
}

ApiReply reply_of(const http::Response& response) {
  ApiReply out;
  out.status = response.status;
  out.content_type = response.header("Content-Type");
  out.body = response.body;
  for (const http::Header& header : response.headers) {
    if (lower_name(header.name) == "warning") out.warnings.push_back(warning_text(header.value));
  }
  return out;
}

class HttpSocket final : public Socket {
 public:
  explicit HttpSocket(std::unique_ptr<http::WebSocket> socket) : socket_(std::move(socket)) {}
  Status send(std::string_view message) override { return socket_->send(message); }
  Result<std::optional<std::string>> receive() override { return socket_->receive(); }
  Wake wait(int other_fd, Duration timeout) override {
    switch (socket_->wait(other_fd, timeout)) {
      case http::WebSocket::Wake::message: return Wake::message;
      case http::WebSocket::Wake::other: return Wake::other;
      case http::WebSocket::Wake::timeout: break;
    }
    return Wake::timeout;
  }
  void close() override { (void)socket_->close(); }

 private:
  std::unique_ptr<http::WebSocket> socket_;
};

}  // namespace

HttpApi::HttpApi(const Connection& connection, const Options& options)
    : connection_(connection),
      options_(options),
      client_options_(std::make_unique<http::ClientOptions>()) {
  http::ClientOptions& out = *client_options_;
  out.server = connection.server;
  out.ca_pem = connection.ca_pem;
  out.client_cert_pem = connection.client_cert_pem;
  out.client_key_pem = connection.client_key_pem;
  out.tls_server_name = connection.tls_server_name;
  out.insecure_skip_verify = connection.insecure_skip_verify;
  out.bearer_token = connection.token;
  out.user_agent = "keelson/" KEELSON_VERSION;
  client_ = std::make_unique<http::Client>(out);
}

HttpApi::~HttpApi() = default;

std::string HttpApi::server() const {
  return connection_.server;
}

http::Request HttpApi::request_of(const ApiRequest& request) const {
  http::Request out;
  out.method = request.method;
  out.target = request.path;
  out.body = request.body;
  out.timeout = options_.timeout;
  out.headers.push_back({"Accept", request.accept});
  if (!request.content_type.empty() && !request.body.empty())
    out.headers.push_back({"Content-Type", request.content_type});
  if (connection_.token.empty() && !connection_.username.empty() &&
      connection_.server.starts_with("https:")) {
    out.headers.push_back(
        {"Authorization",
         "Basic " + api::encode_base64(connection_.username + ":" + connection_.password)});
  }
  if (!connection_.as.empty()) out.headers.push_back({"Impersonate-User", connection_.as});
  for (const std::string& group : connection_.as_groups)
    out.headers.push_back({"Impersonate-Group", group});
  return out;
}

Error HttpApi::told(const Error& error) const {
  const std::string host = connection_.server.substr(connection_.server.find("://") + 3);
  if (error.code == Code::invalid) return {error.code, "error: " + error.message};
  if (error.message.find("refused") != std::string::npos) {
    return {
        error.code,
        fmt::format(
            "The connection to the server {} was refused - did you specify the right host or port?",
            host)};
  }
  return {error.code, "Unable to connect to the server: " + error.message};
}

Result<ApiReply> HttpApi::call(const ApiRequest& request) {
  http::Request sent = request_of(request);
  if (sent.timeout.count() == 0) sent.timeout = kPatience;
  const auto answer = client_->send(sent);
  if (!answer) return told(answer.error());
  if (options_.trace)
    std::fprintf(stderr, "%s %s %d\n", request.method.c_str(), request.path.c_str(),
                 answer->status);
  return reply_of(*answer);
}

Result<ApiReply> HttpApi::stream(const ApiRequest& request,
                                 const std::function<bool(std::string_view)>& take) {
  http::Response head;
  std::string refusal;
  bool stopped = false;
  const auto status = client_->stream(
      request_of(request),
      [&](const http::Response& given) {
        head = given;
        return true;
      },
      [&](std::string_view data) {
        if (head.status >= 400) {
          refusal += data;
          return true;
        }
        stopped = !take(data);
        return !stopped;
      });
  if (options_.trace)
    std::fprintf(stderr, "%s %s %d\n", request.method.c_str(), request.path.c_str(), head.status);
  // Whether a stream has ended well is in what it said: a connection that breaks ends it, too.
  if (!status && !stopped && head.status == 0) return told(status.error());
  if (!status && !stopped)
    std::fprintf(stderr, "the stream has ended: %s\n", status.error().message.c_str());
  head.body = std::move(refusal);
  return reply_of(head);
}

Result<std::unique_ptr<Socket>> HttpApi::connect(const std::string& path,
                                                 const std::string& protocol) {
  http::Client client(*client_options_);
  ApiRequest request;
  request.path = path;
  request.accept = "*/*";
  auto answer = client.websocket(request_of(request), {protocol});
  if (!answer) return told(answer.error());
  if (!answer->socket) return failure_of(reply_of(answer->refusal));
  return std::unique_ptr<Socket>(std::make_unique<HttpSocket>(std::move(answer->socket)));
}

}  // namespace keelson::cli
