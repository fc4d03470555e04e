#include "core/auth/bootstrap_tokens.hpp"

#include "core/api/time_text.hpp"
#include "core/auth/names.hpp"

namespace keelson::auth {

namespace {

constexpr std::size_t kIdSize = 6, kSecretSize = 16;

bool token_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool token_text(std::string_view text) {
  for (const char c : text) {
    if (!token_character(c)) return false;
  }
  return true;
}

// Takes as long for a wrong secret whichever character is wrong.
bool same_secret(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  }
  return difference == 0;
}

std::string value_of(const api::Secret& secret, const char* key) {
  const auto found = secret.data().find(key);
  return found == secret.data().end() ? std::string() : found->second;
}

// system:bootstrappers:... of lower case letters, digits, colons and dashes.
bool valid_group(std::string_view group) {
  constexpr std::string_view prefix = "system:bootstrappers:";
  if (!group.starts_with(prefix)) return false;
  group.remove_prefix(prefix.size());
  if (group.empty() || group.size() > 256 || !token_character(group.back())) return false;
  for (const char c : group) {
    if (!token_character(c) && c != ':' && c != '-') return false;
  }
  return true;
}

// False: one of them is not allowed, and so the whole token is not.
bool add_groups(std::string_view list, std::vector<std::string>& groups) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view group = list.substr(0, comma);
    if (!valid_group(group)) return false;
    groups.emplace_back(group);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return true;
}

// What cannot be read is over.
bool expired(const std::string& text, WallTime now) {
  if (text.empty()) return false;
  int64_t seconds = 0;
  int32_t nanos = 0;
  return !api::parse_time(text, seconds, nanos) || now.unix_ns / 1'000'000'000 >= seconds;
}

}  // namespace

std::optional<UserInfo> BootstrapTokens::authenticate(std::string_view token) const {
  if (token.size() != kIdSize + 1 + kSecretSize || token[kIdSize] != '.') return std::nullopt;
  const std::string id(token.substr(0, kIdSize));
  const std::string_view wanted = token.substr(kIdSize + 1);
  if (!token_text(id) || !token_text(wanted)) return std::nullopt;
  const api::ObjectPtr object =
      cache_.find(api::Kind::secrets, "kube-system", "bootstrap-token-" + id);
  if (!object || object->deleting()) return std::nullopt;
  const api::Secret& secret = object->as<api::Secret>();
  if (secret.type() != "bootstrap.kubernetes.io/token" || value_of(secret, "token-id") != id ||
      !same_secret(value_of(secret, "token-secret"), wanted) ||
      expired(value_of(secret, "expiration"), clock_.wall_now()) ||
      value_of(secret, "usage-bootstrap-authentication") != "true") {
    return std::nullopt;
  }
  UserInfo user;
  user.name = "system:bootstrap:" + id;
  user.groups.emplace_back(kBootstrappers);
  if (!add_groups(value_of(secret, "auth-extra-groups"), user.groups)) return std::nullopt;
  return user;
}

}  // namespace keelson::auth
