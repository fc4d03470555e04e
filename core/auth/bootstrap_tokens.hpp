// Tokens with which a machine joins: Secrets bootstrap-token-ID in kube-system, of type
// bootstrap.kubernetes.io/token. The token is ID.SECRET.
// Source: Kubernetes plugin/pkg/auth/authenticator/token/bootstrap.
#pragma once

#include "core/apiserver/watch_cache.hpp"
#include "core/auth/auth.hpp"
#include "core/base/loop.hpp"

namespace keelson::auth {

class BootstrapTokens final : public Authenticator {
 public:
  // Both must outlive this.
  BootstrapTokens(const apiserver::WatchCache& cache, const Clock& clock)
      : cache_(cache), clock_(clock) {}

  // system:bootstrap:ID in system:bootstrappers and the groups that the Secret adds.
  std::optional<UserInfo> authenticate(std::string_view token) const override;

 private:
  const apiserver::WatchCache& cache_;
  const Clock& clock_;
};

}  // namespace keelson::auth
