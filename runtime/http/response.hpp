// Answers as bytes: heads, chunks, compression, and the few answers that the server gives by itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/rest/http.hpp"

namespace keelson::http {

struct ResponseHead {
  int status = 200;
  const std::vector<rest::Header>* headers = nullptr;  // those that are the server's are skipped
  std::optional<uint64_t> content_length;
  bool chunked = false;
  bool gzip = false;
  bool close = false;         // Connection: close
  bool keep_alive_1_0 = false;  // an HTTP/1.0 client has asked to stay connected
  std::string_view date;      // IMF-fixdate
  std::string_view id;        // X-Request-Id and Audit-Id
};

// Status line and headers, with the blank line. A header that could break out of its line is left out.
std::string response_head(const ResponseHead& head);

// The 101 of an upgrade. `accept` is WebSocket's, or empty.
std::string switching_head(const rest::Upgrade& upgrade, std::string_view accept,
                           std::string_view id);

// What stands before a chunk's bytes; "\r\n" stands behind them.
std::string chunk_head(uint64_t bytes);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// "Wed, 25 Nov 2026 16:00:00 GMT"
std::string http_date(int64_t unix_seconds);

// The fastest level: it is what kube-apiserver uses, and lists still shrink tenfold.
std::string gzip(std::string_view text);
// Makes the body if it is still to be made, and compresses it if it is larger than `gzip_above` (empty:
// never) and not encoded yet; true: it is compressed now.
bool finish_body(rest::HttpResponse& response, std::optional<std::size_t> gzip_above);
std::string_view body_text(const rest::HttpResponse& response);  // REQUIRES: finished
// Whether an Accept-Encoding allows it.
bool accepts_gzip(std::string_view accept_encoding);

// A Kubernetes Status of failure, as JSON.
std::string failure_status(int code, std::string_view message);

}  // namespace keelson::http
