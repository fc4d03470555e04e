// Where a Redis is, as users write it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"

namespace keelson::redis {

struct HostPort {
  std::string host;
  uint16_t port = 0;
  friend bool operator==(const HostPort&, const HostPort&) = default;
};
std::string to_string(const HostPort& at);  // "10.0.0.1:6379", "[::1]:6379"

// By `socket` (a path) if there is one, else by TCP. hiredis of Debian 12 has no TLS: for Redis on
// another host put stunnel in front of both ends (README). A name that is no address is resolved on
// the core thread, which waits for it: prefer addresses.
struct Address {
  std::string socket;
  HostPort tcp{"127.0.0.1", 6379};
  // If there are any: `tcp` is found out by asking them, at every connect.
  std::vector<HostPort> sentinels;
  std::string master;          // the name by which the sentinels know it
  std::string user, password;  // of an ACL user; no password: none is sent. Sentinels get neither

  // "unix:/run/redis.sock", "10.0.0.1:6379": never with the password.
  std::string shown() const;
};

// unix:/path                                          a socket
// [redis://][user[:password]@]host[:port]             TCP
// sentinel://[user:password@]host:port,.../master     the master that these sentinels name; port
// 26379 Code::invalid names the part that is wrong. A password in an address is seen by everybody
// who sees the command line: setting Address::password from a file is better.
Result<Address> parse_address(std::string_view text);

}  // namespace keelson::redis
