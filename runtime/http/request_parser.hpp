// One HTTP/1 request from bytes. Knows nothing of sockets: bytes go in as they come, and the state
// says how far the request is. Source: RFC 9112, with its optional leniencies off.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/rest/http.hpp"

namespace keelson::http {

struct RequestLimits {
  uint32_t header_bytes = 64 * 1024;
  uint32_t headers = 128;
  uint64_t body_bytes = 3 * 1024 * 1024;
};

struct RequestHead {
  std::string method;
  std::string target;  // always a path (or "*"): an absolute URL has lost its scheme and host
  std::vector<rest::Header> headers;
  bool http_1_0 = false;
  bool keep_alive = false;
  bool expect_continue = false;
  bool has_body = false;  // one is to follow, of a length that may be 0

  std::string_view header(std::string_view name) const;
};

// Whether a list header ("Connection: keep-alive, Upgrade") has this token, in any case.
bool has_token(std::string_view list, std::string_view token);

// In any case.
bool same_name(std::string_view a, std::string_view b);

// A chunked body that is not complete lacks its "0\r\n\r\n" at least in part, so fewer bytes than these
// never complete it; Beast 1.81 asserts when it is offered fewer after the last chunk's size.
inline constexpr std::size_t kChunkedBytesMin = 5;

class RequestParser {
 public:
  enum class State { head, body, done, bad };

  explicit RequestParser(RequestLimits limits);
  ~RequestParser();

  // Takes what it can use from the front of `data` and returns how much that was. The rest must be
  // offered again with more behind it, or, when the state is `done`, belongs to the next request.
  std::size_t put(std::string_view data);

  State state() const { return state_; }
  bool started() const { return started_; }  // anything of it has come
  // From `body` on.
  const RequestHead& head() const { return head_; }
  RequestHead take_head() { return std::move(head_); }
  uint64_t body_bytes() const;
  // When `done`.
  std::string take_body();
  // When `bad`: what to answer, after which the connection is of no use.
  int status() const { return status_; }
  const std::string& why() const { return why_; }

 private:
  struct Impl;
  void fail(int status, std::string why);
  void finish_head();

  RequestLimits limits_;
  State state_ = State::head;
  bool started_ = false;
  bool chunked_ = false;
  RequestHead head_;
  int status_ = 0;
  std::string why_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keelson::http
