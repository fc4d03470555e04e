// Role-based access control over the state in the API server's memory.
// Source: Kubernetes plugin/pkg/auth/authorizer/rbac and pkg/registry/rbac/validation.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/api/error.hpp"
#include "core/apiserver/watch_cache.hpp"
#include "core/auth/auth.hpp"
#include "core/auth/rules.hpp"

namespace keelson::auth {

// Single-threaded, as the memory that it reads. Roles and bindings are worked into an index by
// subject, which is made anew when memory has seen a change of one of them: a request costs a look
// at the bindings of its user and groups, not at all that there are.
class RbacAuthorizer final : public Authorizer {
 public:
  // The memory must outlive the authorizer.
  explicit RbacAuthorizer(const apiserver::WatchCache& cache);
  ~RbacAuthorizer() override;

  // Allows or has no opinion. The reasons are Kubernetes' ("RBAC: allowed by ClusterRoleBinding
  // "cluster-admin" of ClusterRole "cluster-admin" to Group "system:masters"").
  Verdict authorize(const Attributes& attributes) const override;

  // What the user may do in the namespace (empty: outside of all), cluster-wide bindings first.
  struct Granted {
    std::vector<const PolicyRule*> rules;  // valid until memory changes
    std::vector<std::string> errors;       // bindings whose role does not exist
  };
  Granted rules_for(const UserInfo& user, std::string_view ns) const;

  // What the role allows, which a binding in `ns` names. False: `error` says that it does not
  // exist.
  bool rules_of(const api::rbac::v1::RoleRef& role, std::string_view ns, PolicyRules& rules,
                api::ApiError& error) const;

 private:
  struct Index;
  const Index& index() const;

  const apiserver::WatchCache& cache_;
  mutable std::unique_ptr<Index> index_;
};

}  // namespace keelson::auth
