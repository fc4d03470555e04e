// All of access control for one API server, put together: what a process makes besides the server,
// and hands to the HTTP front.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/apiserver/api_server.hpp"
#include "core/auth/bootstrap_tokens.hpp"
#include "core/auth/chain.hpp"
#include "core/auth/node_authorizer.hpp"
#include "core/auth/rbac.hpp"
#include "core/auth/service_account_tokens.hpp"
#include "core/auth/write_guard.hpp"

namespace keelson::auth {

// In Kubernetes' order: system:masters, nodes, roles; service-account and bootstrap tokens.
class AccessControl {
 public:
  // The server and the clock must outlive this, and this what asks it: it has the server's writes
  // guarded until it goes. The server should have been made with ApiServerOptions::bootstrap_rbac.
  AccessControl(apiserver::ApiServer& server, const Clock& clock, Rng rng, JwtKeys keys,
                TokenOptions options = {});
  ~AccessControl();
  AccessControl(const AccessControl&) = delete;
  AccessControl& operator=(const AccessControl&) = delete;

  const Authorizer& authorizer() const { return authorizers_; }
  const Authenticator& authenticator() const { return authenticators_; }
  const RbacAuthorizer& rbac() const { return rbac_; }
  ServiceAccountTokens& tokens() { return tokens_; }
  const ServiceAccountTokens& tokens() const { return tokens_; }

 private:
  apiserver::ApiServer& server_;
  MastersAuthorizer masters_;
  NodeAuthorizer nodes_;
  RbacAuthorizer rbac_;
  AuthorizerChain authorizers_;
  ServiceAccountTokens tokens_;
  BootstrapTokens bootstrap_tokens_;
  AuthenticatorChain authenticators_;
  WriteGuard guard_;
};

}  // namespace keelson::auth
