// A last look at a write, for rules that depend on who writes what: privilege escalation through
// roles, the limits of nodes. Such rules need authorization, which stands above the API server, so
// this is the port that it plugs in through (ApiServer::guard_with).
#pragma once

#include "core/api/request.hpp"

namespace keelson::apiserver {

class WriteGuard {
 public:
  // Asked for requests that say who calls (Request::caller), each time that an attempt has made up
  // its mind, before the new content is validated. `before` null: it is created; `after` null: it
  // is deleted (or evicted). Binding a pod is not asked about. The error is the answer.
  virtual api::ApiError check(const api::Request& request, const api::Object* before,
                              const api::Message* after) const = 0;

 protected:
  ~WriteGuard() = default;
};

}  // namespace keelson::apiserver
