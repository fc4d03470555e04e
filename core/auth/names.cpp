#include "core/auth/names.hpp"

#include "core/api/validate/errors.hpp"

namespace keelson::auth {

namespace {

constexpr std::string_view kAccountPrefix = "system:serviceaccount:";
constexpr std::string_view kNodePrefix = "system:node:";

std::string denial(const Attributes& a) {
  std::string text = "User " + quoted(a.user.name) + " cannot " + a.verb;
  if (!a.resource_request) return text + " path " + quoted(a.path);
  std::string resource = a.resource;
  if (!a.subresource.empty()) resource += "/" + a.subresource;
  text += " resource " + quoted(resource) + " in API group " + quoted(a.group);
  if (a.ns.empty()) return text + " at the cluster scope";
  return text + " in the namespace " + quoted(a.ns);
}

}  // namespace

std::string quoted(std::string_view text) {
  return api::go_quoted(text);
}

std::string service_account_user(std::string_view ns, std::string_view name) {
  std::string user(kAccountPrefix);
  user.append(ns).append(":").append(name);
  return user;
}

std::optional<ServiceAccountName> service_account_of(std::string_view user) {
  if (!user.starts_with(kAccountPrefix)) return std::nullopt;
  user.remove_prefix(kAccountPrefix.size());
  const std::size_t colon = user.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view ns = user.substr(0, colon);
  const std::string_view name = user.substr(colon + 1);
  if (ns.empty() || name.empty() || name.find(':') != std::string_view::npos) return std::nullopt;
  return ServiceAccountName{std::string(ns), std::string(name)};
}

std::vector<std::string> service_account_groups(std::string_view ns) {
  std::string own(kServiceAccounts);
  own.append(":").append(ns);
  return {kServiceAccounts, std::move(own)};
}

std::optional<std::string> node_of(const UserInfo& user) {
  if (!user.name.starts_with(kNodePrefix) || !user.in_group(kNodes)) return std::nullopt;
  return user.name.substr(kNodePrefix.size());
}

api::ApiError forbidden(const Attributes& attributes, std::string_view reason) {
  api::ApiError error;
  error.reason = api::Reason::forbidden;
  error.group = attributes.group;
  error.kind = attributes.resource;
  error.name = attributes.name;
  std::string why = denial(attributes);
  if (!reason.empty()) why.append(": ").append(reason);
  std::string what = attributes.resource;
  if (!what.empty() && !attributes.group.empty()) what += "." + attributes.group;
  if (what.empty()) {
    error.message = "forbidden: " + why;
  } else if (attributes.name.empty()) {
    error.message = what + " is forbidden: " + why;
  } else {
    error.message = what + " " + quoted(attributes.name) + " is forbidden: " + why;
  }
  return error;
}

}  // namespace keelson::auth
