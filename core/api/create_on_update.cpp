#include "core/api/create_on_update.hpp"

namespace keelson::api {

// Source: AllowCreateOnUpdate of the strategies in pkg/registry.
bool creates_on_update(Kind kind) {
  switch (kind) {
    case Kind::leases:
    case Kind::events:
    case Kind::endpoints:
    case Kind::services:
    case Kind::roles:
    case Kind::cluster_roles:
    case Kind::role_bindings:
    case Kind::cluster_role_bindings: return true;
    default: return false;
  }
}

}  // namespace keelson::api
