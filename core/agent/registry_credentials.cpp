#include "core/agent/registry_credentials.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "core/api/json_text.hpp"

namespace keelson::agent {

namespace {

// A pull tries one after the other, each at the price of a way to the registry.
constexpr std::size_t kCredentialsMax = 32;

// "https://index.docker.io/v1/" -> "index.docker.io"; "quay.io/team" stays.
std::string_view without_decoration(std::string_view key) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (key.starts_with(scheme)) key.remove_prefix(scheme.size());
  }
  while (key.ends_with('/')) key.remove_suffix(1);
  for (const std::string_view version : {"/v1", "/v2"}) {
    if (key.ends_with(version)) key.remove_suffix(version.size());
  }
  return key;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  for (;;) {
    const std::size_t end = text.find(at);
    out.push_back(text.substr(0, end));
    if (end == text.npos) return out;
    text.remove_prefix(end + 1);
  }
}

// One label of a host name against a pattern with '*' in it.
bool label_matches(std::string_view pattern, std::string_view label) {
  const std::size_t star = pattern.find('*');
  if (star == pattern.npos) return pattern == label;
  if (!label.starts_with(pattern.substr(0, star))) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (std::size_t from = star; from <= label.size(); ++from) {
    if (label_matches(rest, label.substr(from))) return true;
  }
  return false;
}

bool host_matches(std::string_view pattern, std::string_view host) {
  const auto is_docker = [](std::string_view h) {
    return h == "docker.io" || h == "index.docker.io" || h == "registry-1.docker.io";
  };
  if (is_docker(pattern) && is_docker(host)) return true;
  const std::vector<std::string_view> wanted = split(pattern, '.');
  const std::vector<std::string_view> have = split(host, '.');
  return std::equal(wanted.begin(), wanted.end(), have.begin(), have.end(),
                    [](std::string_view p, std::string_view l) {
                      // Wildcards of many stars would cost time that grows with each.
                      return std::count(p.begin(), p.end(), '*') <= 4 && label_matches(p, l);
                    });
}

bool matches(std::string_view key, std::string_view image) {
  key = without_decoration(key);
  const std::size_t key_slash = key.find('/');
  const std::size_t image_slash = image.find('/');
  if (!host_matches(key.substr(0, key_slash), image.substr(0, image_slash))) return false;
  if (key_slash == key.npos) return true;
  return image.substr(image_slash).starts_with(key.substr(key_slash));
}

std::string text_of(const boost::json::object& entry, std::string_view name) {
  const boost::json::value* value = entry.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

RegistryCredentials read_entry(std::string_view key, const boost::json::object& entry) {
  RegistryCredentials out{.username = text_of(entry, "username"),
                          .password = text_of(entry, "password"),
                          .identity_token = text_of(entry, "identitytoken"),
                          .registry_token = text_of(entry, "registrytoken"),
                          .server = std::string(key)};
  std::string both;
  std::size_t wrong = 0;
  if (!api::decode_base64(text_of(entry, "auth"), both, wrong)) return out;
  const std::size_t colon = both.find(':');
  if (colon == both.npos) return out;
  out.username = both.substr(0, colon);
  out.password = both.substr(colon + 1);
  return out;
}

void read_secret(const api::Secret& secret, std::string_view image,
                 std::vector<RegistryCredentials>& out) {
  const bool old = secret.type() == "kubernetes.io/dockercfg";
  const auto data = secret.data().find(old ? ".dockercfg" : ".dockerconfigjson");
  if (data == secret.data().end()) return;
  boost::system::error_code failed;
  const boost::json::value parsed = boost::json::parse(data->second, failed);
  if (failed || !parsed.is_object()) return;
  const boost::json::object* auths = &parsed.get_object();
  if (!old) {
    const boost::json::value* inner = auths->if_contains("auths");
    if (!inner || !inner->is_object()) return;
    auths = &inner->get_object();
  }
  for (const auto& [key, entry] : *auths) {
    if (entry.is_object() && matches(std::string_view(key.data(), key.size()), image)) {
      out.push_back(read_entry(std::string_view(key.data(), key.size()), entry.get_object()));
    }
  }
}

}  // namespace

std::vector<Reference> pull_secret_references(const api::PodSpec& spec) {
  std::vector<Reference> out;
  for (const api::LocalObjectReference& secret : spec.image_pull_secrets()) {
    if (secret.name().empty()) continue;
    out.push_back({.kind = api::Kind::secrets, .name = secret.name(), .optional = true});
  }
  return out;
}

std::vector<RegistryCredentials> credentials_for(std::string_view image,
                                                 const std::vector<api::ObjectPtr>& secrets) {
  std::vector<RegistryCredentials> out;
  for (const api::ObjectPtr& secret : secrets) {
    if (secret) read_secret(secret->as<api::Secret>(), image, out);
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return without_decoration(a.server).size() > without_decoration(b.server).size();
  });
  if (out.size() > kCredentialsMax) out.resize(kCredentialsMax);
  return out;
}

}  // namespace keelson::agent
