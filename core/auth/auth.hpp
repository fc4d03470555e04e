// Who calls, and whether they may: the ports between the HTTP front and what decides.
// Source: Kubernetes' authentication and authorization; names are those of SubjectAccessReview.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace keelson::auth {

struct UserInfo {
  std::string name;  // "system:node:n1", "jane"
  std::string uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;

  bool in_group(std::string_view group) const {
    for (const std::string& g : groups) {
      if (g == group) return true;
    }
    return false;
  }
};

inline constexpr const char* kAnonymous = "system:anonymous";
inline constexpr const char* kUnauthenticated = "system:unauthenticated";
inline constexpr const char* kAuthenticated = "system:authenticated";
inline constexpr const char* kMasters = "system:masters";

// What somebody wants to do. Resource requests name a resource, others a path.
struct Attributes {
  UserInfo user;
  std::string verb;  // "get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"; of paths: the method in lower case
  bool resource_request = false;
  std::string group, version, resource, subresource, ns, name;
  std::string path;  // "/healthz"
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
