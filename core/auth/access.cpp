#include "core/auth/access.hpp"

namespace keelson::auth {

AccessControl::AccessControl(apiserver::ApiServer& server, const Clock& clock, Rng rng,
                             JwtKeys keys, TokenOptions options)
    : server_(server),
      nodes_(server.cache()),
      rbac_(server.cache()),
      authorizers_({&masters_, &nodes_, &rbac_}),
      tokens_(server.cache(), clock, rng, std::move(keys), std::move(options)),
      bootstrap_tokens_(server.cache(), clock),
      authenticators_({&tokens_, &bootstrap_tokens_}),
      guard_(server.cache(), authorizers_, rbac_) {
  server_.guard_with(&guard_);
}

AccessControl::~AccessControl() {
  server_.guard_with(nullptr);
}

}  // namespace keelson::auth
