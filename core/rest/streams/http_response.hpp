// Reads an HTTP/1.1 response out of bytes: what the proxy subresource gets from a pod.
// Source: RFC 9112.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/rest/http.hpp"

namespace keelson::rest {

class ResponseReader {
 public:
  static constexpr std::size_t kHeadMax = 64 * 1024;

  // To a HEAD request there comes no body, whatever the headers say.
  explicit ResponseReader(bool head_request) : head_request_(head_request) {}

  // Takes all bytes; body bytes found among them are appended to `body`. An error is final.
  Status feed(std::string_view bytes, std::string& body);
  // The connection has ended: the end of a body without a length, an error for any other.
  Status end();

  bool head_done() const { return state_ != State::head; }
  bool done() const { return state_ == State::done; }
  int status() const { return status_; }
  // Without those that concern the connection alone (RFC 9110, 7.6.1) and the length.
  const std::vector<Header>& headers() const { return headers_; }

 private:
  enum class State : uint8_t { head, sized, until_end, chunk_size, chunk_data, chunk_end, trailer, done };
  Status read_head();
  Status read_chunk_size(std::string_view line);

  bool head_request_;
  State state_ = State::head;
  std::string line_;  // the head, or a line of the chunked coding, being gathered
  int status_ = 0;
  std::vector<Header> headers_;
  uint64_t left_ = 0;
};

}  // namespace keelson::rest
