// Several authorizers or authenticators as one.
#pragma once

#include <vector>

#include "core/auth/auth.hpp"

namespace keelson::auth {

// Members of system:masters may do anything, whatever the roles say: the way back into a cluster
// whose roles are broken.
class MastersAuthorizer final : public Authorizer {
 public:
  Verdict authorize(const Attributes& attributes) const override {
    if (attributes.user.in_group(kMasters)) return {Decision::allow, ""};
    return {};
  }
};

// Asks one after the other until somebody allows or denies. Otherwise nobody has an opinion, which
// means no, and the reasons of all stand below each other. What is asked must outlive this.
class AuthorizerChain final : public Authorizer {
 public:
  explicit AuthorizerChain(std::vector<const Authorizer*> links) : links_(std::move(links)) {}
  Verdict authorize(const Attributes& attributes) const override {
    Verdict all;
    for (const Authorizer* link : links_) {
      Verdict verdict = link->authorize(attributes);
      if (verdict.decision != Decision::no_opinion) return verdict;
      if (verdict.reason.empty()) continue;
      if (!all.reason.empty()) all.reason += '\n';
      all.reason += verdict.reason;
    }
    return all;
  }

 private:
  std::vector<const Authorizer*> links_;
};

// The first that knows the token tells whose it is; everybody it names is in system:authenticated.
class AuthenticatorChain final : public Authenticator {
 public:
  explicit AuthenticatorChain(std::vector<const Authenticator*> links) : links_(std::move(links)) {}
  std::optional<UserInfo> authenticate(std::string_view token) const override {
    for (const Authenticator* link : links_) {
      std::optional<UserInfo> user = link->authenticate(token);
      if (!user) continue;
      if (!user->in_group(kAuthenticated)) user->groups.emplace_back(kAuthenticated);
      return user;
    }
    return std::nullopt;
  }

 private:
  std::vector<const Authenticator*> links_;
};

}  // namespace keelson::auth
