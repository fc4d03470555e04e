// Tokens of service accounts: issued on request, valid for a time and only as long as the account
// and what they are bound to exist.
// Source: Kubernetes pkg/serviceaccount and pkg/registry/core/serviceaccount/storage/token.go.
#pragma once

#include <string>
#include <vector>

#include "core/apiserver/watch_cache.hpp"
#include "core/auth/answer.hpp"
#include "core/auth/auth.hpp"
#include "core/auth/jwt.hpp"
#include "core/base/loop.hpp"
#include "core/base/rng.hpp"

namespace keelson::auth {

struct TokenOptions {
  std::string issuer = "https://kubernetes.default.svc.cluster.local";
  // Whom tokens are meant for if nobody else is named; empty: the issuer.
  std::vector<std::string> audiences;
  // Where the public keys are found; empty: below the issuer.
  std::string jwks_uri;
  // Kubernetes gives tokens that nodes project into pods (3607 s) a year, so that programs that
  // read their token only once go on working, and marks when they should have read it again.
  bool extend_expiration = true;
};

class ServiceAccountTokens final : public Authenticator {
 public:
  // The memory and the clock must outlive this. `rng` names the tokens.
  ServiceAccountTokens(const apiserver::WatchCache& cache, const Clock& clock, Rng rng,
                       JwtKeys keys, TokenOptions options);

  // POST .../serviceaccounts/NAME/token. Whether the caller may is not asked here, except for what
  // nodes may not (node_restriction.hpp).
  Answer<api::TokenRequest> issue(const UserInfo& caller, const std::string& ns,
                                  const std::string& name, api::TokenRequest request);

  struct Verified {
    std::optional<UserInfo> user;        // nobody: `error` says why, if the token is one of ours
    std::vector<std::string> audiences;  // those wanted for whom the token is meant
    std::string error;
  };
  // `audiences` empty: the API server's own.
  Verified verify(std::string_view token, std::vector<std::string> audiences = {}) const;
  std::optional<UserInfo> authenticate(std::string_view token) const override {
    return verify(token).user;
  }

  const std::vector<std::string>& audiences() const { return options_.audiences; }

  std::string openid_configuration() const;                 // /.well-known/openid-configuration
  std::string jwks() const { return keys_.public_keys(); }  // /openid/v1/jwks

 private:
  const apiserver::WatchCache& cache_;
  const Clock& clock_;
  Rng rng_;
  JwtKeys keys_;
  TokenOptions options_;
};

}  // namespace keelson::auth
