// Names with a meaning: groups of the system, users that stand for service accounts and nodes.
// Source: k8s.io/apiserver/pkg/authentication/{user,serviceaccount}, pkg/auth/nodeidentifier.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/error.hpp"
#include "core/auth/auth.hpp"

namespace keelson::auth {

inline constexpr const char* kNodes = "system:nodes";
inline constexpr const char* kServiceAccounts = "system:serviceaccounts";
inline constexpr const char* kBootstrappers = "system:bootstrappers";

inline constexpr const char* kRbacGroup = "rbac.authorization.k8s.io";

struct ServiceAccountName {
  std::string ns, name;
};

std::string service_account_user(std::string_view ns, std::string_view name);
// Nothing: the user is no service account.
std::optional<ServiceAccountName> service_account_of(std::string_view user);
// The groups that every service account of the namespace is in.
std::vector<std::string> service_account_groups(std::string_view ns);

// Nothing: the user is no node. Empty: it is in the group of the nodes, but its name says no node.
std::optional<std::string> node_of(const UserInfo& user);

// What RBAC and others deny, as an answer to the client: "pods is forbidden: User "u" cannot list
// resource "pods" in API group "" in the namespace "default": REASON".
api::ApiError forbidden(const Attributes& attributes, std::string_view reason);

// "a": in quotes, as Go prints a text.
std::string quoted(std::string_view text);
// ["a" "b"], as Go prints a list of texts.
template <class List>
std::string quoted_list(const List& list) {
  std::string out = "[";
  for (const auto& text : list) {
    if (out.size() > 1) out += ' ';
    out += quoted(text);
  }
  return out + "]";
}

}  // namespace keelson::auth
