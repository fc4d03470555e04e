// TLS contexts of both ends, and the identity that a client certificate proves.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/auth/auth.hpp"
#include "core/base/result.hpp"
#include "runtime/http/transport.hpp"

struct ssl_ctx_st;

namespace keelson::http {

using TlsContext = std::shared_ptr<ssl_ctx_st>;

struct ServerTls {
  std::string cert_file;  // PEM: the server's certificate, then its chain
  std::string key_file;   // PEM
  // PEM, may be empty. With it clients are asked for a certificate; they may go without one, and one
  // that this CA has not signed counts as a failed login, not as a failed connection (Kubernetes'
  // --client-ca-file).
  std::string client_ca_file;
};

// TLS 1.2 or newer, ALPN "http/1.1". Sessions are not resumed: each connection shows its certificate
// to the CA that is configured now. `invalid` names the file that is of no use.
Result<TlsContext> make_server_context(const ServerTls& files);

struct ClientTls {
  std::string ca_pem;           // empty: the system's
  std::string client_cert_pem;  // with its key, or neither
  std::string client_key_pem;
  bool insecure_skip_verify = false;
};
Result<TlsContext> make_client_context(const ClientTls& texts);

// One connection of a context.
SslPtr make_server_ssl(const TlsContext& context);
// Verifies the peer against `name`, a host name or an address.
SslPtr make_client_ssl(const TlsContext& context, const std::string& name);

struct PeerCertificate {
  bool rejected = false;               // there was one, and the CA does not vouch for it
  std::string why;                     // of a rejection, for logs
  std::optional<auth::UserInfo> user;  // CN is the name, each O a group
};
// After a server's handshake.
PeerCertificate peer_certificate(ssl_st* ssl);

}  // namespace keelson::http
