// The client's end of a connection: connecting, and reading and writing with a patience.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "runtime/http/tls.hpp"
#include "runtime/http/transport.hpp"

namespace keelson::http {

struct ServerUrl {
  bool tls = false;
  std::string host;  // without brackets
  std::string port;
  std::string prefix;     // "" or "/k8s/clusters/c1"
  std::string authority;  // for the Host header
};
// `invalid` unless it is "http[s]://host[:port][/prefix]".
Result<ServerUrl> parse_server_url(std::string_view url);

// A blocking connection. A patience of 0 has no end.
class Dialed {
 public:
  Dialed() = default;
  ~Dialed();
  Dialed(Dialed&& other) noexcept;
  Dialed& operator=(Dialed&& other) noexcept;

  // Tries each address of the host. `unavailable`, or `denied` when the certificate is not trusted.
  static Result<Dialed> connect(const ServerUrl& url, const TlsContext& tls,
                                const std::string& tls_name, Duration patience);

  bool open() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  void close();
  Status write(std::string_view data, Duration patience);
  // At least one byte; 0: the other side has ended.
  Result<std::size_t> read(char* to, std::size_t capacity, Duration patience);
  // The certificates that the server has shown, its own first, as PEM.
  std::vector<std::string> peer_chain() const;
  // Whether bytes lie ready inside TLS, of which the socket shows nothing.
  bool has_buffered() const;
  // Whether the other side has ended, or sent what nobody has asked for: no use for a new request.
  bool stale() const;

 private:
  Status handshake(Duration patience);

  int fd_ = -1;
  Transport transport_;
};

}  // namespace keelson::http
