// Who calls, and whether they may: the ports between the HTTP front and what decides.
// Source: Kubernetes' authentication and authorization; names are those of SubjectAccessReview.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/api/user.hpp"

namespace keelson::auth {

using api::UserInfo;

inline constexpr const char* kAnonymous = "system:anonymous";
inline constexpr const char* kUnauthenticated = "system:unauthenticated";
inline constexpr const char* kAuthenticated = "system:authenticated";
inline constexpr const char* kMasters = "system:masters";

// What somebody wants to do. Resource requests name a resource, others a path.
struct Attributes {
  UserInfo user;
  // "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"; of paths:
  // the method in lower case
  std::string verb;
  bool resource_request = false;
  std::string group, version, resource, subresource, ns, name;
  std::string path;            // "/healthz"
  std::string field_selector;  // of list, watch and deletecollection, as it stands in the query
};

enum class Decision { allow, deny, no_opinion };

struct Verdict {
  Decision decision = Decision::no_opinion;
  std::string reason;
};

class Authorizer {
 public:
  virtual ~Authorizer() = default;
  virtual Verdict authorize(const Attributes& attributes) const = 0;
};

// Turns a bearer token into a user. Empty: not a token of ours, or not valid any more.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  virtual std::optional<UserInfo> authenticate(std::string_view token) const = 0;
};

}  // namespace keelson::auth
