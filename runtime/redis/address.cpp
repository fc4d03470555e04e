#include "runtime/redis/address.hpp"

#include <charconv>

namespace keelson::redis {

std::string to_string(const HostPort& at) {
  const bool v6 = at.host.find(':') != std::string::npos;
  return (v6 ? '[' + at.host + ']' : at.host) + ':' + std::to_string(at.port);
}

std::string Address::shown() const {
  if (!socket.empty()) return "unix:" + socket;
  if (sentinels.empty()) return to_string(tcp);
  std::string text = "sentinel://";
  for (const HostPort& one : sentinels)
    text += (&one == sentinels.data() ? "" : ",") + to_string(one);
  return text + '/' + master;
}

namespace {

Error wrong(const std::string& why) {
  return {Code::invalid, "store address: " + why +
                             "; expected unix:/path, redis://[user:password@]host[:port] or "
                             "sentinel://host:port,host:port/master-name"};
}

Result<HostPort> parse_host(std::string_view text, uint16_t default_port) {
  std::string_view host = text, port;
  bool has_port = false;
  if (text.starts_with('[')) {  // IPv6
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return wrong("\"[\" without \"]\"");
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    has_port = !port.empty();
    if (has_port && port[0] != ':') return wrong("what follows \"]\" is no port");
    if (has_port) port.remove_prefix(1);
  } else if (const std::size_t colon = text.rfind(':'); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    has_port = true;
  }
  if (host.empty()) return wrong("no host");
  HostPort at{std::string(host), default_port};
  if (!has_port) return at;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), at.port);
  if (error != std::errc() || end != port.data() + port.size() || at.port == 0) {
    return wrong("\"" + std::string(port) + "\" is no port");
  }
  return at;
}

// Takes "user:password@" off the front.
Status take_user(std::string_view& text, Address& into) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos) return {};
  const std::string_view who = text.substr(0, at);
  const std::size_t colon = who.find(':');
  if (colon == std::string_view::npos) return wrong("a user without a password");
  into.user = who.substr(0, colon);
  into.password = who.substr(colon + 1);
  if (into.password.empty()) return wrong("an empty password");
  text.remove_prefix(at + 1);
  return {};
}

Result<Address> parse_sentinels(std::string_view text) {
  Address address;
  if (Status status = take_user(text, address); !status) return status.error();
  const std::size_t slash = text.rfind('/');
  if (slash == std::string_view::npos || slash + 1 == text.size()) {
    return wrong("the name of the master is missing");
  }
  address.master = text.substr(slash + 1);
  text = text.substr(0, slash);
  while (true) {
    const std::size_t comma = text.find(',');
    Result<HostPort> one = parse_host(text.substr(0, comma), 26379);
    if (!one) return one.error();
    address.sentinels.push_back(std::move(*one));
    if (comma == std::string_view::npos) return address;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  if (text.starts_with("unix:")) {
    text.remove_prefix(5);
    if (text.starts_with("//")) text.remove_prefix(2);
    if (!text.starts_with('/')) return wrong("the path of the socket is not absolute");
    Address address;
    address.socket = text;
    return address;
  }
  if (text.starts_with("rediss://")) {
    return wrong("TLS is not spoken to Redis itself; put a tunnel in front of it");
  }
  if (text.starts_with("sentinel://")) return parse_sentinels(text.substr(11));
  if (text.starts_with("redis://")) text.remove_prefix(8);
  Address address;
  if (Status status = take_user(text, address); !status) return status.error();
  if (text.ends_with('/')) text.remove_suffix(1);
  Result<HostPort> at = parse_host(text, 6379);
  if (!at) return at.error();
  address.tcp = std::move(*at);
  return address;
}

}  // namespace keelson::redis
