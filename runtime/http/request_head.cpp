#include "runtime/http/request_head.hpp"

#include <string_view>

#include "runtime/http/request_parser.hpp"

namespace keelson::http {

namespace {

bool one_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

}  // namespace

Result<std::string> request_head(const ServerUrl& server, const HeadDefaults& defaults,
                                 const Request& request, const std::vector<Header>& extra) {
  const std::string target =
      server.prefix + (request.target.starts_with('/') ? "" : "/") + request.target;
  std::string out = request.method + " " + target + " HTTP/1.1\r\n";
  if (target.find_first_of(std::string_view(" \r\n\0", 4)) != std::string::npos ||
      request.method.empty() || request.method.find(' ') != std::string::npos ||
      !one_line(request.method)) {
    return Error{Code::invalid, "the request's method or target is malformed"};
  }
  const auto add = [&out](std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
  };
  add("Host", server.authority);
  bool has_auth = false, has_agent = false, fits = one_line(defaults.bearer_token);
  for (const auto* headers : {&request.headers, &extra}) {
    for (const Header& header : *headers) {
      has_auth = has_auth || same_name(header.name, "Authorization");
      has_agent = has_agent || same_name(header.name, "User-Agent");
      fits = fits && one_line(header.name) && one_line(header.value);
      add(header.name, header.value);
    }
  }
  if (!fits) return Error{Code::invalid, "a request header contains a line break"};
  if (!has_agent) add("User-Agent", defaults.user_agent);
  if (!has_auth && server.tls && !defaults.bearer_token.empty()) {
    add("Authorization", "Bearer " + defaults.bearer_token);
  }
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
      request.method == "PATCH") {
    add("Content-Length", std::to_string(request.body.size()));
  }
  return out + "\r\n";
}

}  // namespace keelson::http
