// ConfigMaps and Secrets: which keys they may have, how much they may hold, and what stays.
#include <algorithm>

#include "core/api/validate/names.hpp"
#include "core/api/validate/validators.hpp"

namespace keelson::api {
namespace {

// What the store takes as one object without strain: the limit of etcd, kept for compatibility.
constexpr int64_t data_bytes_max = 1024 * 1024;

constexpr std::string_view set_for_good = "field is immutable when `immutable` is set";

int64_t total_bytes(const StringMap& map) {
  int64_t bytes = 0;
  for (const auto& [key, value] : map) bytes += static_cast<int64_t>(value.size());
  return bytes;
}

bool equal(const StringMap& a, const StringMap& b) {
  if (a.size() != b.size()) return false;
  return std::all_of(a.begin(), a.end(), [&](const auto& entry) {
    auto found = b.find(entry.first);
    return found != b.end() && found->second == entry.second;
  });
}

// The keys that a type of Secret must have, per Kubernetes pkg/apis/core/validation.
void validate_secret_type(Errors& errors, const Secret& secret) {
  const Path data("data");
  auto has = [&](const char* key) { return secret.data().contains(key); };
  auto need = [&](const char* key) {
    if (!has(key)) errors.required(data.key(key));
  };
  auto need_json = [&](const char* key) {
    auto found = secret.data().find(key);
    if (found == secret.data().end()) return errors.required(data.key(key));
    std::string_view text = found->second;
    size_t first = text.find_first_not_of(" \t\r\n");
    size_t last = text.find_last_not_of(" \t\r\n");
    if (first == text.npos || text[first] != '{' || text[last] != '}') {
      errors.invalid(data.key(key), "<secret contents redacted>", "must be a JSON object");
    }
  };
  const std::string& type = secret.type();
  if (type == "kubernetes.io/service-account-token") {
    constexpr const char* account = "kubernetes.io/service-account.name";
    const auto& annotations = secret.metadata().annotations();
    auto found = annotations.find(account);
    if (found == annotations.end() || found->second.empty()) {
      errors.required(Path("metadata.annotations").key(account));
    }
  } else if (type == "kubernetes.io/dockercfg") {
    need_json(".dockercfg");
  } else if (type == "kubernetes.io/dockerconfigjson") {
    need_json(".dockerconfigjson");
  } else if (type == "kubernetes.io/basic-auth") {
    if (!has("username") && !has("password")) {
      errors.required(data.key("username"));
      errors.required(data.key("password"));
    }
  } else if (type == "kubernetes.io/ssh-auth") {
    auto found = secret.data().find("ssh-privatekey");
    if (found == secret.data().end() || found->second.empty()) {
      errors.required(data.key("ssh-privatekey"));
    }
  } else if (type == "kubernetes.io/tls") {
    need("tls.crt");
    need("tls.key");
  }
}

void validate_keys(Errors& errors, const Path& path, const StringMap& map) {
  for (std::string_view key : sorted_keys(map)) {
    errors.invalid(path.key(key), key, check_config_key(key));
  }
}

}  // namespace

void validate(Errors& errors, const ConfigMap& map) {
  const Path data("data");
  for (std::string_view key : sorted_keys(map.data())) {
    errors.invalid(data.key(key), key, check_config_key(key));
    if (map.binary_data().contains(std::string(key))) {
      errors.invalid(data.key(key), key, "duplicate of key present in binaryData");
    }
  }
  validate_keys(errors, Path("binaryData"), map.binary_data());
  if (total_bytes(map.data()) + total_bytes(map.binary_data()) > data_bytes_max) {
    errors.too_long(Path("[]"), data_bytes_max);
  }
}

void validate_change(Errors& errors, const ConfigMap& now, const ConfigMap& before) {
  if (before.immutable()) {
    if (!now.immutable()) errors.forbidden(Path("immutable"), set_for_good);
    if (!equal(now.data(), before.data())) errors.forbidden(Path("data"), set_for_good);
    if (!equal(now.binary_data(), before.binary_data())) {
      errors.forbidden(Path("binaryData"), set_for_good);
    }
  }
  validate(errors, now);
}

void validate(Errors& errors, const Secret& secret) {
  validate_keys(errors, Path("data"), secret.data());
  if (total_bytes(secret.data()) > data_bytes_max) {
    errors.too_long(Path("data"), data_bytes_max);
  }
  validate_secret_type(errors, secret);
}

void validate_change(Errors& errors, const Secret& now, const Secret& before) {
  check_immutable_fields(errors, Path(""), now, before);
  if (before.immutable()) {
    if (!now.immutable()) errors.forbidden(Path("immutable"), set_for_good);
    if (!equal(now.data(), before.data())) errors.forbidden(Path("data"), set_for_good);
  }
  validate(errors, now);
}

void validate(Errors&, const ServiceAccount&) {}
void validate_change(Errors&, const ServiceAccount&, const ServiceAccount&) {}

}  // namespace keelson::api
