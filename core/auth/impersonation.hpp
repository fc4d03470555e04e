// Acting as somebody else: Impersonate-User, -Group, -Uid and -Extra-KEY.
// Source: k8s.io/apiserver/pkg/endpoints/filters/impersonation.
#pragma once

#include <span>
#include <string_view>

#include "core/api/error.hpp"
#include "core/auth/auth.hpp"

namespace keelson::auth {

struct HeaderField {
  std::string_view name, value;
};

struct Impersonation {
  bool asked = false;  // the headers ask for it; otherwise `user` is the caller
  UserInfo user;
  api::ApiError error;  // the answer, if it is not allowed or the headers make no sense
};

// Each part (user, groups, uid, extra values) must be allowed to the caller by the verb
// impersonate.
Impersonation impersonate(const UserInfo& caller, std::span<const HeaderField> headers,
                          const Authorizer& authorizer);

}  // namespace keelson::auth
