#include "runtime/http/request_parser.hpp"

#include <algorithm>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

namespace keelson::http {
namespace beast_http = boost::beast::http;

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// "http://host/path" and "http://host" in the request line are meant for proxies, and must be
// understood by every server (RFC 9112, 3.2.2).
std::string path_of(std::string target) {
  const bool absolute = target.starts_with("http://") || target.starts_with("https://");
  if (!absolute) return target;
  const auto slash = target.find('/', target.find("//") + 2);
  return slash == std::string::npos ? "/" : target.substr(slash);
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

bool has_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    std::string_view item = list.substr(0, comma);
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
    if (same_name(item, token)) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
  return false;
}

std::string_view RequestHead::header(std::string_view name) const {
  for (const rest::Header& header : headers) {
    if (same_name(header.name, name)) return header.value;
  }
  return {};
}

struct RequestParser::Impl {
  beast_http::request_parser<beast_http::string_body> parser;
};

RequestParser::RequestParser(RequestLimits limits)
    : limits_(limits), impl_(std::make_unique<Impl>()) {
  impl_->parser.header_limit(limits.header_bytes);
  impl_->parser.body_limit(limits.body_bytes);
  impl_->parser.eager(false);  // the head is looked at before any of the body (or trailers) is
}

RequestParser::~RequestParser() = default;

void RequestParser::fail(int status, std::string why) {
  state_ = State::bad;
  status_ = status;
  why_ = std::move(why);
}

std::size_t RequestParser::put(std::string_view data) {
  std::size_t used = 0;
  if (!started_) {
    // Empty lines before a request are to be ignored (RFC 9112, 2.2).
    while (used < data.size() && (data[used] == '\r' || data[used] == '\n')) ++used;
    started_ = used < data.size();
  }
  int stuck = 0;
  while (used < data.size() && (state_ == State::head || state_ == State::body)) {
    if (state_ == State::body && chunked_ && data.size() - used < kChunkedBytesMin) break;
    boost::beast::error_code error;
    const std::size_t part =
        impl_->parser.put(boost::asio::buffer(data.data() + used, data.size() - used), error);
    used += part;
    if (error == beast_http::error::need_more) {
      // What is left is a piece of a head, or of a chunk's: neither may grow without end.
      if (data.size() - used > limits_.header_bytes) fail(431, "request header fields too large");
      break;
    }
    if (error == beast_http::error::header_limit) {
      fail(431, "request header fields too large");
    } else if (error == beast_http::error::body_limit) {
      fail(413, "Request entity too large: limit is " + std::to_string(limits_.body_bytes));
    } else if (error == beast_http::error::bad_version) {
      fail(505, "unsupported HTTP version");
    } else if (error) {
      fail(400, error.message());
    } else {
      if (state_ == State::head && impl_->parser.is_header_done()) finish_head();
      if (state_ != State::bad && impl_->parser.is_done()) state_ = State::done;
      stuck = part == 0 ? stuck + 1 : 0;
      if (stuck > 4) fail(400, "malformed request");  // a parser that makes no headway
    }
  }
  return used;
}

void RequestParser::finish_head() {
  const auto& message = impl_->parser.get();
  const auto text = [](boost::beast::string_view s) { return std::string(s.data(), s.size()); };
  head_.method = text(message.method_string());
  head_.target = path_of(text(message.target()));
  head_.http_1_0 = message.version() == 10;
  head_.keep_alive = message.keep_alive();
  int hosts = 0, lengths = 0, encodings = 0;
  for (const auto& field : message) {
    hosts += field.name() == beast_http::field::host;
    lengths += field.name() == beast_http::field::content_length;
    encodings += field.name() == beast_http::field::transfer_encoding;
    head_.headers.push_back({text(field.name_string()), text(field.value())});
    if (head_.headers.size() > limits_.headers) return fail(431, "too many request headers");
  }
  // Anything that two parsers could read differently is refused: it is how requests are smuggled.
  if (lengths + encodings > 1) return fail(400, "ambiguous length of the request's body");
  if (encodings == 1 && !same_name(head_.header("Transfer-Encoding"), "chunked")) {
    return fail(501, "unsupported transfer encoding");
  }
  if (encodings == 1 && head_.http_1_0) return fail(400, "chunked body in HTTP/1.0");
  if (hosts > 1 || (hosts == 0 && !head_.http_1_0)) {
    return fail(400, "missing or repeated Host header");
  }
  if (!head_.target.starts_with('/') && head_.target != "*") {
    return fail(400, "the request's target is not a path");
  }
  chunked_ = encodings == 1;
  head_.has_body = lengths + encodings > 0;
  head_.expect_continue = !head_.http_1_0 && same_name(head_.header("Expect"), "100-continue");
  state_ = State::body;
}

uint64_t RequestParser::body_bytes() const { return impl_->parser.get().body().size(); }

std::string RequestParser::take_body() { return std::move(impl_->parser.get().body()); }

}  // namespace keelson::http
