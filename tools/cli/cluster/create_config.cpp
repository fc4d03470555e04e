// create configmap, create secret: what pods read, from literals and files.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "core/api/json_text.hpp"
#include "tools/cli/cluster/create.hpp"
#include "tools/cli/cluster/make.hpp"
#include "tools/cli/cluster/targets.hpp"

namespace keelson::cli {

namespace {

namespace fs = std::filesystem;

struct Entry {
  std::string key, value;
};

Status add(std::vector<Entry>& entries, std::string key, std::string value) {
  for (const Entry& entry : entries) {
    if (entry.key == key) {
      return usage_error(
          fmt::format("cannot add key {}, another key by that name already exists", key));
    }
  }
  entries.push_back({std::move(key), std::move(value)});
  return {};
}

Status add_file(std::vector<Entry>& entries, const std::string& given) {
  const auto equals = given.find('=');
  const std::string file = equals == std::string::npos ? given : given.substr(equals + 1);
  std::error_code problem;
  if (equals == std::string::npos && fs::is_directory(file, problem)) {
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(file, problem)) {
      if (entry.is_regular_file(problem)) files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const std::string& one : files) {
      if (auto ok = add_file(entries, one); !ok) return ok;
    }
    return {};
  }
  const auto text = real_surroundings().read(file);
  if (!text || fs::is_directory(file, problem)) {
    return usage_error(fmt::format("error reading {}: no such file or directory", file));
  }
  return add(
      entries,
      equals == std::string::npos ? fs::path(file).filename().string() : given.substr(0, equals),
      *text);
}

// NAME=VALUE lines; empty ones and those that begin with # do not count.
Status add_env_file(std::vector<Entry>& entries, const std::string& file) {
  const auto text = real_surroundings().read(file);
  if (!text) return usage_error(fmt::format("error reading {}: no such file or directory", file));
  for (std::string line : split_list(*text, '\n')) {
    while (line.ends_with('\r')) line.pop_back();
    line.erase(0, std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.empty() || line[0] == '#') continue;
    const auto equals = line.find('=');
    const std::string value = equals == std::string::npos ? "" : line.substr(equals + 1);
    if (auto ok = add(entries, line.substr(0, equals), value); !ok) return ok;
  }
  return {};
}

Result<std::vector<Entry>> gather(const Flags& flags) {
  std::vector<Entry> entries;
  for (const std::string& literal : flags.all("from-literal")) {
    const auto equals = literal.find('=');
    if (equals == std::string::npos || equals == 0) {
      return usage_error(fmt::format("invalid literal source {}, expected key=value", literal));
    }
    std::string value = literal.substr(equals + 1);
    if (value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0]) {
      value = value.substr(1, value.size() - 2);
    }
    if (auto ok = add(entries, literal.substr(0, equals), value); !ok) return ok.error();
  }
  for (const std::string& file : flags.all("from-file")) {
    if (auto ok = add_file(entries, file); !ok) return ok.error();
  }
  for (const std::string& file : flags.all("from-env-file")) {
    if (auto ok = add_env_file(entries, file); !ok) return ok.error();
  }
  return entries;
}

bool is_text(std::string_view bytes) {
  // Valid UTF-8, so that JSON can carry it as it is.
  for (std::size_t i = 0; i < bytes.size();) {
    const auto c = static_cast<unsigned char>(bytes[i]);
    const std::size_t more = c < 0x80                ? 0
                             : c >= 0xC2 && c < 0xE0 ? 1
                             : (c & 0xF0) == 0xE0    ? 2
                             : c >= 0xF0 && c < 0xF5 ? 3
                                                     : 9;
    if (i + more >= bytes.size()) return false;
    for (std::size_t k = 1; k <= more; ++k) {
      if ((bytes[i + k] & 0xC0) != 0x80) return false;
    }
    i += more + 1;
  }
  return true;
}

Status create_configmap(Session& session) {
  auto name = one_name(session);
  if (!name) return name.error();
  auto entries = gather(session.flags);
  if (!entries) return entries.error();
  Json object = new_object("v1", "ConfigMap", *name);
  for (const Entry& entry : *entries) {
    const bool text = is_text(entry.value);
    Json& data = at_path(object, text ? "data" : "binaryData");
    if (data.is_null()) data.emplace_object();
    data.get_object()[entry.key] = text ? entry.value : api::encode_base64(entry.value);
  }
  return create_object(session, "", "configmaps", std::move(object));
}

Status create_secret(Session& session, const std::string& type, const std::vector<Entry>& entries) {
  auto name = one_name(session);
  if (!name) return name.error();
  Json object = new_object("v1", "Secret", *name);
  if (!type.empty()) at_path(object, "type") = type;
  for (const Entry& entry : entries) {
    Json& data = at_path(object, "data");
    if (data.is_null()) data.emplace_object();
    data.get_object()[entry.key] = api::encode_base64(entry.value);
  }
  return create_object(session, "", "secrets", std::move(object));
}

Status create_generic(Session& session) {
  auto entries = gather(session.flags);
  if (!entries) return entries.error();
  return create_secret(session, session.flags.get("type"), *entries);
}

Status create_tls(Session& session) {
  std::vector<Entry> entries;
  for (const auto& [flag, key] : {std::pair{"cert", "tls.crt"}, std::pair{"key", "tls.key"}}) {
    if (!session.flags.has(flag))
      return usage_error(fmt::format("required flag(s) \"{}\" not set", flag));
    const auto text = real_surroundings().read(session.flags.get(flag));
    if (!text)
      return usage_error(
          fmt::format("open {}: no such file or directory", session.flags.get(flag)));
    entries.push_back({key, *text});
  }
  return create_secret(session, "kubernetes.io/tls", entries);
}

Status create_docker(Session& session) {
  const Flags& flags = session.flags;
  for (const char* needed : {"docker-username", "docker-password"}) {
    if (!flags.has(needed))
      return usage_error(fmt::format("required flag(s) \"{}\" not set", needed));
  }
  const std::string user = flags.get("docker-username"), password = flags.get("docker-password");
  JsonObject login{{"username", user},
                   {"password", password},
                   {"auth", api::encode_base64(user + ":" + password)}};
  if (flags.has("docker-email")) login["email"] = flags.get("docker-email");
  const Json config{
      {"auths", JsonObject{{flags.get("docker-server", "https://index.docker.io/v1/"), login}}}};
  return create_secret(session, "kubernetes.io/dockerconfigjson",
                       {{".dockerconfigjson", compact_text(config)}});
}

}  // namespace

std::vector<Verb> create_config_verbs() {
  const std::vector<FlagSpec> sources = {
      {"from-literal", "KEY=VALUE", "one entry (repeatable)"},
      {"from-file", "[KEY=]FILE", "a file, or all files of a folder (repeatable)"},
      {"from-env-file", "FILE", "lines NAME=VALUE (repeatable)"}};
  auto generic = sources;
  generic.push_back({"type", "TYPE", "of the secret (Opaque)"});
  return {
      {"create configmap", "NAME --from-literal=KEY=VALUE", "create a ConfigMap",
       with_report(sources), create_configmap},
      {"create cm", "NAME --from-literal=KEY=VALUE", "create a ConfigMap", with_report(sources),
       create_configmap},
      {"create secret generic", "NAME --from-literal=KEY=VALUE", "create a Secret",
       with_report(generic), create_generic},
      {"create secret tls", "NAME --cert=FILE --key=FILE",
       "create a Secret of a certificate and its key",
       with_report({{"cert", "FILE", "PEM certificate"}, {"key", "FILE", "PEM key"}}), create_tls},
      {"create secret docker-registry", "NAME --docker-username=U --docker-password=P",
       "create a Secret for an image registry",
       with_report({{"docker-server", "URL", "the registry"},
                    {"docker-username", "NAME", "the user"},
                    {"docker-password", "TEXT", "the password"},
                    {"docker-email", "ADDRESS", "the user's mail address"}}),
       create_docker}};
}

}  // namespace keelson::cli
