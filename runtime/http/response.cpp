#include "runtime/http/response.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <ctime>
#include <iterator>

#include "core/base/assert.hpp"
#include "runtime/http/request_parser.hpp"

namespace keelson::http {
namespace {

std::string_view phrase(int status) {
  switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 413: return "Request Entity Too Large";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Entity";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Unknown";
  }
}

// Kubernetes' machine-readable reasons for the codes that the server itself gives.
std::string_view reason(int code) {
  switch (code) {
    case 400: return "BadRequest";
    case 401: return "Unauthorized";
    case 408: return "Timeout";
    case 413: return "RequestEntityTooLarge";
    case 429: return "TooManyRequests";
    case 500: return "InternalError";
    case 503: return "ServiceUnavailable";
    default: return "";
  }
}

bool servers_own(std::string_view name) {
  for (const std::string_view own : {"content-length", "transfer-encoding", "connection", "date",
                                     "audit-id", "x-request-id", "keep-alive"}) {
    if (same_name(name, own)) return true;
  }
  return false;
}

bool fits_a_line(std::string_view text) {
  for (const char c : text) {
    if (c == '\r' || c == '\n' || c == '\0') return false;
  }
  return true;
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  if (name.empty() || !fits_a_line(name) || !fits_a_line(value)) return;
  out.append(name).append(": ").append(value).append("\r\n");
}

void append_status_line(std::string& out, int status) {
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", status, phrase(status));
}

}  // namespace

std::string response_head(const ResponseHead& head) {
  std::string out;
  out.reserve(384);
  append_status_line(out, head.status);
  if (!head.id.empty()) {
    append_header(out, "Audit-Id", head.id);
    append_header(out, "X-Request-Id", head.id);
  }
  if (head.headers) {
    for (const rest::Header& header : *head.headers) {
      if (!servers_own(header.name)) append_header(out, header.name, header.value);
    }
  }
  append_header(out, "Date", head.date);
  if (head.gzip) out += "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n";
  if (head.content_length) {
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", *head.content_length);
  }
  if (head.chunked) out += "Transfer-Encoding: chunked\r\n";
  if (head.close) {
    out += "Connection: close\r\n";
  } else if (head.keep_alive_1_0) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
  return out;
}

std::string switching_head(const rest::Upgrade& upgrade, std::string_view accept,
                           std::string_view id) {
  std::string out;
  append_status_line(out, 101);
  out += "Connection: Upgrade\r\n";
  if (upgrade.websocket) {
    append_header(out, "Upgrade", "websocket");
    append_header(out, "Sec-WebSocket-Accept", accept);
    if (!upgrade.protocol.empty()) append_header(out, "Sec-WebSocket-Protocol", upgrade.protocol);
  } else {
    append_header(out, "Upgrade", upgrade.protocol);
  }
  append_header(out, "Audit-Id", id);
  for (const rest::Header& header : upgrade.headers) {
    if (!servers_own(header.name)) append_header(out, header.name, header.value);
  }
  out += "\r\n";
  return out;
}

std::string chunk_head(uint64_t bytes) { return fmt::format("{:x}\r\n", bytes); }

std::string http_date(int64_t unix_seconds) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = unix_seconds;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[utc.tm_wday], utc.tm_mday,
                     kMonths[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

std::string gzip(std::string_view text) {
  z_stream stream{};
  constexpr int kGzipFormat = 15 + 16;  // the largest window, with gzip's header
  const int ready = deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipFormat, 8,
                                 Z_DEFAULT_STRATEGY);
  KEELSON_ASSERT(ready == Z_OK);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int ended = deflate(&stream, Z_FINISH);
  KEELSON_ASSERT(ended == Z_STREAM_END);  // the bound holds for one call
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string_view body_text(const rest::HttpResponse& response) {
  const auto* shared = std::get_if<rest::Bytes>(&response.body);
  return shared ? std::string_view(**shared) : std::get<std::string>(response.body);
}

bool finish_body(rest::HttpResponse& response, std::optional<std::size_t> gzip_above) {
  if (auto* make = std::get_if<std::function<std::string()>>(&response.body)) {
    try {
      std::string made = (*make)();
      response.body = std::move(made);
    } catch (const std::exception&) {
      // Nothing that makes a body should throw; if something does, one answer is lost and no more.
      response.status = 500;
      response.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
      response.body = std::string("the answer could not be encoded\n");
    }
  }
  if (!gzip_above || body_text(response).size() <= *gzip_above) return false;
  for (const rest::Header& header : response.headers) {
    if (same_name(header.name, "Content-Encoding")) return false;
  }
  std::string compressed = gzip(body_text(response));
  response.body = std::move(compressed);
  return true;
}

bool accepts_gzip(std::string_view accept_encoding) {
  while (!accept_encoding.empty()) {
    const auto comma = accept_encoding.find(',');
    std::string_view item = accept_encoding.substr(0, comma);
    const auto semicolon = item.find(';');
    std::string_view quality = semicolon == std::string_view::npos ? "" : item.substr(semicolon + 1);
    if (has_token(item.substr(0, semicolon), "gzip")) {
      while (!quality.empty() && quality.front() == ' ') quality.remove_prefix(1);
      return !(quality == "q=0" || quality == "q=0.0" || quality == "q=0.00" ||
               quality == "q=0.000");
    }
    if (comma == std::string_view::npos) break;
    accept_encoding.remove_prefix(comma + 1);
  }
  return false;
}

std::string failure_status(int code, std::string_view message) {
  std::string text;
  for (const char c : message) {
    if (c == '"' || c == '\\') text += '\\';
    text += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  std::string why(reason(code));
  if (!why.empty()) why = fmt::format(R"("reason":"{}",)", why);
  return fmt::format(
      R"({{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":"{}",{}"code":{}}})",
      text, why, code) + "\n";
}

}  // namespace keelson::http
