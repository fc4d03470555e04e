#include "core/auth/impersonation.hpp"

#include <algorithm>

#include "core/auth/names.hpp"

namespace keelson::auth {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) { return lower(c); });
  return out;
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Keys may have characters that a header name may not: they come percent-encoded. What is not well
// encoded stays as it is.
std::string unescape(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size() || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0) return text;
    out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
    i += 2;
  }
  return out;
}

constexpr std::string_view kExtraPrefix = "impersonate-extra-";

UserInfo wanted(std::span<const HeaderField> headers, bool& asked) {
  UserInfo user;
  asked = false;
  for (const HeaderField& header : headers) {
    const std::string name = lower(header.name);
    if (!name.starts_with("impersonate-")) continue;
    if (name == "impersonate-user") {
      if (user.name.empty()) user.name = header.value;
    } else if (name == "impersonate-group") {
      user.groups.emplace_back(header.value);
    } else if (name == "impersonate-uid") {
      if (user.uid.empty()) user.uid = header.value;
    } else if (name.starts_with(kExtraPrefix)) {
      user.extra[unescape(name.substr(kExtraPrefix.size()))].emplace_back(header.value);
    } else {
      continue;
    }
    asked = true;
  }
  return user;
}

class ImpersonationCheck {
 public:
  ImpersonationCheck(const UserInfo& caller, const Authorizer& authorizer) : authorizer_(authorizer) {
    attributes_.user = caller;
    attributes_.verb = "impersonate";
    attributes_.resource_request = true;
    attributes_.version = "v1";
  }

  // The error of the first refusal, or none.
  api::ApiError may(std::string group, std::string resource, std::string subresource,
                    std::string ns, std::string name) {
    attributes_.group = std::move(group);
    attributes_.resource = std::move(resource);
    attributes_.subresource = std::move(subresource);
    attributes_.ns = std::move(ns);
    attributes_.name = std::move(name);
    const Verdict verdict = authorizer_.authorize(attributes_);
    if (verdict.decision == Decision::allow) return {};
    return forbidden(attributes_, verdict.reason);
  }

 private:
  const Authorizer& authorizer_;
  Attributes attributes_;
};

api::ApiError check(const UserInfo& caller, const UserInfo& user, const Authorizer& authorizer) {
  ImpersonationCheck check(caller, authorizer);
  const auto account = service_account_of(user.name);
  if (api::ApiError error = account
                                ? check.may("", "serviceaccounts", "", account->ns, account->name)
                                : check.may("", "users", "", "", user.name)) {
    return error;
  }
  if (!user.uid.empty()) {
    if (api::ApiError error = check.may("authentication.k8s.io", "uids", "", "", user.uid)) {
      return error;
    }
  }
  for (const std::string& group : user.groups) {
    if (api::ApiError error = check.may("", "groups", "", "", group)) return error;
  }
  for (const auto& [key, values] : user.extra) {
    for (const std::string& value : values) {
      if (api::ApiError error = check.may("authentication.k8s.io", "userextras", key, "", value)) {
        return error;
      }
    }
  }
  return {};
}

// What authentication would have added.
void add_implied_groups(UserInfo& user) {
  if (user.groups.empty()) {
    if (const auto account = service_account_of(user.name)) {
      user.groups = service_account_groups(account->ns);
    }
  }
  if (user.in_group(kAuthenticated) || user.in_group(kUnauthenticated)) return;
  user.groups.emplace_back(user.name == kAnonymous ? kUnauthenticated : kAuthenticated);
}

}  // namespace

Impersonation impersonate(const UserInfo& caller, std::span<const HeaderField> headers,
                          const Authorizer& authorizer) {
  Impersonation result;
  result.user = wanted(headers, result.asked);
  if (!result.asked) {
    result.user = caller;
    return result;
  }
  if (result.user.name.empty()) {
    result.error = api::bad_request("requested impersonation without impersonating a user");
    return result;
  }
  result.error = check(caller, result.user, authorizer);
  if (result.error.ok()) add_implied_groups(result.user);
  return result;
}

}  // namespace keelson::auth
