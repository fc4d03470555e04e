// The rules about who may write what into an object, as the API server asks for them: no escalation
// through roles, the limits of nodes, and who may approve and sign requests for certificates.
#pragma once

#include "core/apiserver/guard.hpp"
#include "core/auth/rbac.hpp"

namespace keelson::auth {

class WriteGuard final : public apiserver::WriteGuard {
 public:
  // All must outlive the guard.
  WriteGuard(const apiserver::WatchCache& cache, const Authorizer& authorizer,
             const RbacAuthorizer& rbac)
      : cache_(cache), authorizer_(authorizer), rbac_(rbac) {}

  api::ApiError check(const api::Request& request, const api::Object* before,
                      const api::Message* after) const override;

 private:
  api::ApiError signing(const api::Request& request, const api::Object* before,
                        const api::Message& after) const;

  const apiserver::WatchCache& cache_;
  const Authorizer& authorizer_;
  const RbacAuthorizer& rbac_;
};

}  // namespace keelson::auth
