// One HTTP or TCP check on the loop, without a thread: what httpGet and tcpSocket probes and hooks
// do. Source: pkg/probe/http and pkg/probe/tcp (what counts as success, and how failures are
// worded).
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/agent/container_runtime.hpp"

namespace keelson::runtime {
class AsioLoop;
}

namespace keelson::cri {

struct HttpCheck {
  bool tls = false;  // whatever certificate the other side has
  std::string host;  // an address or a name
  uint16_t port = 0;
  std::string path = "/";
  std::vector<std::pair<std::string, std::string>> headers;  // a Host among them is the request's
  Duration timeout = 1s;
};

// Success: an answer of 200 to 399. Redirects to the same host are followed, those to another count
// as success. Always answers in time, and never from inside the call.
void check_http(runtime::AsioLoop& loop, HttpCheck check, Done<agent::ProbeAnswer> done);

// Success: the connection opens.
void check_tcp(runtime::AsioLoop& loop, const std::string& host, uint16_t port, Duration timeout,
               Done<agent::ProbeAnswer> done);

// Where a redirect leads. False: `location` is no http URL with a usable port.
bool follow_location(const HttpCheck& from, std::string_view location, HttpCheck& to);

}  // namespace keelson::cri
