// The roles that every cluster with access control has from its first moment, and who gets them.
// Source: Kubernetes plugin/pkg/auth/authorizer/rbac/bootstrappolicy; what it says of resources that
// are not served yet is kept, so that later kinds find it.
#pragma once

#include <vector>

#include "core/apiserver/common.hpp"

namespace keelson::apiserver {

// ClusterRoles first, then their bindings, then Roles and RoleBindings of the system's namespaces.
// Collected rules (admin, edit, view) are filled in.
std::vector<ObjectPtr> default_rbac_objects();

}  // namespace keelson::apiserver
