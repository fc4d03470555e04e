#include "tools/cli/host/shared_secrets.hpp"

#include <chrono>
#include <utility>
#include <vector>

#include "core/api/json.hpp"
#include "runtime/pki/files.hpp"
#include "runtime/pki/sealed.hpp"
#include "runtime/redis/address.hpp"
#include "tools/cli/host/cluster_objects.hpp"

namespace keelson::cli {

namespace json = boost::json;

namespace {

constexpr const char* kSecrets = "/api/v1/namespaces/kube-system/secrets";
constexpr const char* kName = "keelson-certs";
constexpr const char* kReaders = "keelson:read-certs";
constexpr const char* kConfigEntry = "control-plane.yaml";
constexpr const char* kPasswordEntry = "store.password";
constexpr const char* kSchedulerEntry = "scheduler.yaml";
constexpr auto kValidFor = std::chrono::hours(2);

bool loopback(const std::string& host) {
  return host.starts_with("127.") || host == "localhost" || host == "::1";
}

// Names and contents. A file that is missing is an error.
Result<std::vector<std::pair<std::string, std::string>>> contents(const Layout& layout) {
  const auto text = runtime::read_file(layout.control_plane_config());
  if (!text) return text.error();
  const auto config = runtime::parse_control_plane_config(*text, layout.control_plane_config());
  if (!config) return config.error();
  if (Status status = can_share(*config); !status) return status.error();
  std::vector<std::pair<std::string, std::string>> out{{kConfigEntry, *text}};
  for (const char* name : {"ca.crt", "ca.key", "sa.key"}) {
    auto content = runtime::read_file(config->pki_dir + "/" + name);
    if (!content) return content.error();
    out.emplace_back(name, std::move(*content));
  }
  if (!config->store_password_file.empty()) {
    auto password = runtime::read_file(config->store_password_file);
    if (!password) return password.error();
    out.emplace_back(kPasswordEntry, std::move(*password));
  }
  if (!config->scheduler_config.empty()) {
    auto scheduler = runtime::read_file(config->scheduler_config);
    if (!scheduler) return scheduler.error();
    out.emplace_back(kSchedulerEntry, std::move(*scheduler));
  }
  return out;
}

// A token that lets nobody in. When its time is over it is cleaned away, and what it owns goes with it.
Result<json::value> make_owner(AdminApi& api) {
  const BootstrapToken token = make_token();
  const auto end = std::chrono::system_clock::now() + kValidFor;
  const std::string expiration = api::format_time(
      {std::chrono::duration_cast<Duration>(end.time_since_epoch()).count()});
  const std::string name = "bootstrap-token-" + token.id;
  const auto made = api.post(kSecrets, {{"apiVersion", "v1"},
                                        {"kind", "Secret"},
                                        {"type", "bootstrap.kubernetes.io/token"},
                                        {"metadata", {{"name", name}, {"namespace", "kube-system"}}},
                                        {"stringData",
                                         {{"token-id", token.id},
                                          {"token-secret", token.secret},
                                          {"expiration", expiration},
                                          {"description", "how long keelson-certs is kept"}}}});
  if (!made) return made.error();
  return json::value{{"apiVersion", "v1"},
                     {"kind", "Secret"},
                     {"name", name},
                     {"uid", text_at(*made, {"metadata", "uid"})}};
}

}  // namespace

Status can_share(const runtime::ControlPlaneConfig& config) {
  const std::string what_to_do =
      ": other hosts cannot reach it. A cluster of several control planes is made with `keelson init "
      "--store-bind ADDRESS:PORT`, or with --store and a Redis that all of them reach";
  if (config.store == "memory") return {Code::invalid, "the store is in memory" + what_to_do};
  const auto address = redis::parse_address(config.store);
  if (!address) return address.error();
  bool here = !address->socket.empty();
  if (address->sentinels.empty()) here = here || loopback(address->tcp.host);
  for (const auto& sentinel : address->sentinels) here = here || loopback(sentinel.host);
  return here ? Status(Code::invalid, "the store is " + config.store + what_to_do) : Status();
}

Result<std::string> share_secrets(AdminApi& api, const Layout& layout) {
  const auto entries = contents(layout);
  if (!entries) return entries.error();
  const std::string key = runtime::make_sealing_key();
  api::Secret secret;
  for (const auto& [name, content] : *entries) {
    auto sealed = runtime::seal(content, name, key);
    if (!sealed) return sealed.error();
    (*secret.mutable_data())[name] = std::move(*sealed);
  }
  auto owner = make_owner(api);
  if (!owner) return owner.error();
  json::value tree = api::to_json(secret);
  json::object& object = tree.as_object();
  object["apiVersion"] = "v1";
  object["kind"] = "Secret";
  object["type"] = "Opaque";
  object["metadata"] = {{"name", kName},
                        {"namespace", "kube-system"},
                        {"ownerReferences", json::array{std::move(*owner)}}};
  auto done = api.post(kSecrets, tree);
  if (!done && done.code() == Code::exists) done = api.put(std::string(kSecrets) + "/" + kName, tree);
  if (!done) return done.error();
  if (Status status = let_read(api, kReaders, "secrets", kName, {"get"}, {kJoinersGroup}); !status) {
    return status.error();
  }
  return key;
}

Result<SharedSecrets> fetch_secrets(AdminApi& api, const std::string& key) {
  const auto found = api.get(std::string(kSecrets) + "/" + kName);
  if (!found) {
    // Who has never been granted it is not told whether it exists.
    if (found.code() != Code::not_found && found.code() != Code::denied) return found.error();
    return Error{Code::not_found,
                 "the cluster's secrets are not there for this token (" + found.error().message +
                     "): they are kept for two hours; `keelson token create --print-join-command "
                     "--control-plane` on a control plane uploads them anew"};
  }
  api::Secret secret;
  if (!api::from_json(*found, secret)) return Error{Code::invalid, "keelson-certs is not a Secret"};
  const auto entry = [&](const char* name) -> Result<std::string> {
    const auto it = secret.data().find(name);
    if (it == secret.data().end()) {
      return Error{Code::not_found, std::string("keelson-certs lacks ") + name};
    }
    return runtime::open_sealed(it->second, name, key);
  };
  SharedSecrets out;
  for (const auto& [name, to] : {std::pair("ca.crt", &out.ca_certificate),
                                 std::pair("ca.key", &out.ca_key),
                                 std::pair("sa.key", &out.service_account_key)}) {
    auto content = entry(name);
    if (!content) return content.error();
    *to = std::move(*content);
  }
  const auto text = entry(kConfigEntry);
  if (!text) return text.error();
  auto config = runtime::parse_control_plane_config(*text, "the other control plane's configuration");
  if (!config) return config.error();
  out.config = std::move(*config);
  if (!out.config.store_password_file.empty()) {
    auto password = entry(kPasswordEntry);
    if (!password) return password.error();
    out.store_password = std::move(*password);
  }
  if (!out.config.scheduler_config.empty()) {
    auto scheduler = entry(kSchedulerEntry);
    if (!scheduler) return scheduler.error();
    out.scheduler_config = std::move(*scheduler);
  }
  return out;
}

}  // namespace keelson::cli
