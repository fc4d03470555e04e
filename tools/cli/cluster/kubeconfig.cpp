#include "tools/cli/cluster/kubeconfig.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "core/api/json_text.hpp"
#include "core/api/yaml.hpp"

namespace keelson::cli {

namespace {

constexpr std::string_view kLists[] = {"clusters", "contexts", "users"};

Error bad_config(std::string message) {
  return {Code::invalid, "error: " + message};
}

// Names of files in a kubeconfig are relative to it.
void make_absolute(Json& tree, const std::string& file) {
  constexpr std::string_view kFiles[] = {"cluster.certificate-authority", "user.client-certificate",
                                         "user.client-key", "user.tokenFile"};
  const auto slash = file.rfind('/');
  if (slash == std::string::npos) return;
  for (const std::string_view list : {"clusters", "users"}) {
    if (list_at(tree, list).empty()) continue;
    for (Json& entry : at_path(tree, list).get_array()) {
      for (const std::string_view path : kFiles) {
        const std::string name = text_at(entry, path);
        if (!name.empty() && name[0] != '/')
          at_path(entry, path) = file.substr(0, slash + 1) + name;
      }
    }
  }
}

const Json* named(const Json& config, std::string_view list, std::string_view name) {
  for (const Json& entry : list_at(config, list)) {
    if (text_at(entry, "name") == name) return &entry;
  }
  return nullptr;
}

void merge(Json& into, const Json& from) {
  for (const std::string_view list : kLists) {
    for (const Json& entry : list_at(from, list)) {
      if (!named(into, list, text_at(entry, "name"))) {
        at_path(into, list).get_array().push_back(entry);
      }
    }
  }
  if (text_at(into, "current-context").empty()) {
    at_path(into, "current-context") = text_at(from, "current-context");
  }
}

// PEM text, from the inline member ("...-data", base64) or from the file.
Result<std::string> pem(const Json& entry, const std::string& path, const Surroundings& around) {
  const std::string data = text_at(entry, path + "-data");
  if (!data.empty()) {
    std::string text;
    std::size_t position = 0;
    if (!api::decode_base64(data, text, position)) return bad_config(path + "-data: illegal base64 data");
    return text;
  }
  const std::string file = text_at(entry, path);
  if (file.empty()) return std::string();
  const auto text = around.read(file);
  if (!text) return bad_config(fmt::format("unable to read {} {}", path, file));
  return *text;
}

Status read_cluster(const Json& cluster, Connection& out, const Surroundings& around) {
  if (const auto server = text_at(cluster, "cluster.server"); !server.empty()) out.server = server;
  out.tls_server_name = text_at(cluster, "cluster.tls-server-name");
  out.insecure_skip_verify = true_at(cluster, "cluster.insecure-skip-tls-verify");
  auto ca = pem(cluster, "cluster.certificate-authority", around);
  if (!ca) return ca.error();
  out.ca_pem = std::move(*ca);
  return {};
}

Status read_user(const Json& user, Connection& out, const Surroundings& around) {
  if (find(user, "user.exec") || find(user, "user.auth-provider")) {
    return bad_config(
        "credential plugins (users[].user.exec, auth-provider) are not supported: use a client "
        "certificate or a token");
  }
  auto certificate = pem(user, "user.client-certificate", around);
  if (!certificate) return certificate.error();
  auto key = pem(user, "user.client-key", around);
  if (!key) return key.error();
  out.client_cert_pem = std::move(*certificate);
  out.client_key_pem = std::move(*key);
  out.token = text_at(user, "user.token");
  if (const auto file = text_at(user, "user.tokenFile"); !file.empty()) {
    const auto text = around.read(file);
    if (!text) return bad_config("unable to read the token file " + file);
    out.token = trimmed_end(*text);
  }
  out.username = text_at(user, "user.username");
  out.password = text_at(user, "user.password");
  out.as = text_at(user, "user.as");
  for (const Json& group : list_at(user, "user.as-groups"))
    out.as_groups.push_back(scalar_text(group));
  return {};
}

Status apply_flags(const ConnectionFlags& flags, Connection& out, const Surroundings& around) {
  const auto file = [&](const std::string& name, std::string& into) -> Status {
    if (name.empty()) return {};
    auto text = around.read(name);
    if (!text) return bad_config("unable to read " + name);
    into = std::move(*text);
    return {};
  };
  if (!flags.server.empty()) out.server = flags.server;
  if (!flags.name_space.empty()) out.name_space = flags.name_space;
  if (!flags.token.empty()) out.token = flags.token;
  if (!flags.username.empty()) out.username = flags.username;
  if (!flags.password.empty()) out.password = flags.password;
  if (!flags.tls_server_name.empty()) out.tls_server_name = flags.tls_server_name;
  if (!flags.as.empty()) out.as = flags.as;
  if (!flags.as_groups.empty()) out.as_groups = flags.as_groups;
  if (flags.insecure_skip_verify) out.insecure_skip_verify = true;
  if (auto ok = file(flags.certificate_authority, out.ca_pem); !ok) return ok;
  if (auto ok = file(flags.client_certificate, out.client_cert_pem); !ok) return ok;
  if (auto ok = file(flags.client_key, out.client_key_pem); !ok) return ok;
  if (out.server.find("://") == std::string::npos) out.server = "http://" + out.server;
  while (out.server.ends_with('/')) out.server.pop_back();
  return {};
}

}  // namespace

Surroundings real_surroundings() {
  return {[](const std::string& file) -> std::optional<std::string> {
            std::ifstream in(file, std::ios::binary);
            std::ostringstream text;
            if (!in || !(text << in.rdbuf())) return std::nullopt;
            return text.str();
          },
          [](const std::string& name) -> std::optional<std::string> {
            const char* value = std::getenv(name.c_str());
            if (!value) return std::nullopt;
            return std::string(value);
          }};
}

Result<Json> load_kubeconfig(const ConnectionFlags& flags, const Surroundings& around) {
  std::vector<std::string> files;
  if (!flags.kubeconfig.empty()) {
    files.push_back(flags.kubeconfig);
  } else if (const auto list = around.env("KUBECONFIG"); list && !list->empty()) {
    std::istringstream names(*list);
    for (std::string name; std::getline(names, name, ':');) {
      if (!name.empty()) files.push_back(name);
    }
  } else if (const auto home = around.env("HOME")) {
    files.push_back(*home + "/.kube/config");
  }
  Json config{{"apiVersion", "v1"},      {"kind", "Config"},        {"preferences", JsonObject()},
              {"clusters", JsonArray()}, {"contexts", JsonArray()}, {"users", JsonArray()},
              {"current-context", ""}};
  for (const std::string& file : files) {
    const auto text = around.read(file);
    if (!text) {
      if (flags.kubeconfig.empty()) continue;
      return bad_config(fmt::format("stat {}: no such file or directory", file));
    }
    auto documents = api::yaml_documents(*text, file);
    if (!documents)
      return bad_config("error loading config file \"" + file + "\": " + documents.error().message);
    if (documents->empty() || documents->front().is_null()) continue;
    if (!documents->front().is_object()) {
      return bad_config("error loading config file \"" + file + "\": it is no kubeconfig");
    }
    make_absolute(documents->front(), file);
    merge(config, documents->front());
  }
  return config;
}

Result<Connection> connection_of(const Json& config, const ConnectionFlags& flags,
                                 const Surroundings& around) {
  Connection out;
  const std::string context_name =
      flags.context.empty() ? text_at(config, "current-context") : flags.context;
  const Json* context = named(config, "contexts", context_name);
  if (!context && !flags.context.empty()) {
    return bad_config(fmt::format("context \"{}\" does not exist", flags.context));
  }
  std::string cluster_name = flags.cluster, user_name = flags.user;
  if (context) {
    if (cluster_name.empty()) cluster_name = text_at(*context, "context.cluster");
    if (user_name.empty()) user_name = text_at(*context, "context.user");
    if (const auto ns = text_at(*context, "context.namespace"); !ns.empty()) out.name_space = ns;
  }
  const Json* cluster = named(config, "clusters", cluster_name);
  if (!cluster && !cluster_name.empty() && flags.server.empty()) {
    return bad_config(fmt::format("cluster \"{}\" does not exist", cluster_name));
  }
  if (cluster) {
    if (auto ok = read_cluster(*cluster, out, around); !ok) return ok.error();
  }
  const Json* user = named(config, "users", user_name);
  if (!user && !flags.user.empty()) {
    return bad_config(fmt::format("auth info \"{}\" does not exist", flags.user));
  }
  if (user) {
    if (auto ok = read_user(*user, out, around); !ok) return ok.error();
  }
  if (auto ok = apply_flags(flags, out, around); !ok) return ok.error();
  return out;
}

}  // namespace keelson::cli
