#include "tools/cli/host/cluster_objects.hpp"

#include <algorithm>
#include <chrono>

#include "core/api/json.hpp"
#include "runtime/loop/entropy.hpp"

namespace keelson::cli {

namespace json = boost::json;

namespace {

constexpr const char* kSystem = "/api/v1/namespaces/kube-system";
constexpr const char* kFacts = "keelson-config";

WallTime now() {
  return {std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch())
              .count()};
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ",") + word;
  return out;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

std::string random_word(std::size_t length) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string out;
  while (out.size() < length) {
    for (const char c : runtime::random_bytes(length)) {
      // What does not fill the alphabet evenly is thrown away.
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 252 && out.size() < length) out += kLetters[byte % kLetters.size()];
    }
  }
  return out;
}

bool is_word(const std::string& text, std::size_t length) {
  return text.size() == length && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
         });
}

// Secrets carry base64; the codec makes it from stringData on the server's side.
std::string decoded(const json::value& secret, const char* key) {
  api::Secret message;
  if (!api::from_json(secret, message)) return {};
  const auto it = message.data().find(key);
  return it == message.data().end() ? std::string() : it->second;
}

}  // namespace

Status publish_facts(AdminApi& api, const ClusterFacts& facts) {
  const json::value map{{"apiVersion", "v1"},
                        {"kind", "ConfigMap"},
                        {"metadata", {{"name", kFacts}, {"namespace", "kube-system"}}},
                        {"data",
                         {{"podCIDR", facts.pod_cidr},
                          {"serviceCIDR", facts.service_cidr},
                          {"clusterDNS", facts.cluster_dns},
                          {"clusterDomain", facts.cluster_domain},
                          {"timing", facts.timing},
                          {"servers", joined(facts.servers)}}}};
  const std::string maps = std::string(kSystem) + "/configmaps";
  const auto made = api.post(maps, map);
  if (!made && made.code() == Code::exists) {
    if (const auto put = api.put(maps + "/" + kFacts, map); !put) return put.error();
  } else if (!made) {
    return made.error();
  }
  return let_read(api, "keelson:read-config", "configmaps", kFacts, {"get", "list", "watch"},
                  {kJoinersGroup, "system:nodes"});
}

Status let_read(AdminApi& api, const std::string& role, const std::string& resource,
                const std::string& name, const std::vector<std::string>& verbs,
                const std::vector<std::string>& groups) {
  const std::string rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system";
  const json::value metadata{{"name", role}, {"namespace", "kube-system"}};
  if (Status status = api.ensure(rbac + "/roles",
                                 {{"apiVersion", "rbac.authorization.k8s.io/v1"},
                                  {"kind", "Role"},
                                  {"metadata", metadata},
                                  {"rules",
                                   json::array{{{"apiGroups", json::array{""}},
                                                {"resources", json::array{resource}},
                                                {"resourceNames", json::array{name}},
                                                {"verbs", json::array(verbs.begin(), verbs.end())}}}}});
      !status) {
    return status;
  }
  json::array subjects;
  for (const std::string& group : groups) {
    subjects.push_back(
        {{"kind", "Group"}, {"apiGroup", "rbac.authorization.k8s.io"}, {"name", group}});
  }
  return api.ensure(rbac + "/rolebindings",
                    {{"apiVersion", "rbac.authorization.k8s.io/v1"},
                     {"kind", "RoleBinding"},
                     {"metadata", metadata},
                     {"roleRef",
                      {{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Role"}, {"name", role}}},
                     {"subjects", std::move(subjects)}});
}

Result<ClusterFacts> read_facts(AdminApi& api) {
  const auto map = api.get(std::string(kSystem) + "/configmaps/" + kFacts);
  if (!map) return map.error();
  ClusterFacts facts;
  facts.pod_cidr = text_at(*map, {"data", "podCIDR"});
  facts.service_cidr = text_at(*map, {"data", "serviceCIDR"});
  facts.cluster_dns = text_at(*map, {"data", "clusterDNS"});
  facts.cluster_domain = text_at(*map, {"data", "clusterDomain"});
  facts.timing = text_at(*map, {"data", "timing"});
  facts.servers = split(text_at(*map, {"data", "servers"}));
  return facts;
}

namespace {

// Reads the facts, changes the list of servers, and writes it unless somebody else has in between.
template <class Change>
Status change_servers(AdminApi& api, Change change) {
  const std::string path = std::string(kSystem) + "/configmaps/" + kFacts;
  Status last;
  for (int attempt = 0; attempt < 10; ++attempt) {
    auto map = api.get(path);
    if (!map) return map.error();
    std::vector<std::string> servers = split(text_at(*map, {"data", "servers"}));
    if (!change(servers)) return {};
    map->as_object()["data"].as_object()["servers"] = joined(servers);
    const auto put = api.put(path, *map);
    if (put) return {};
    last = put.error();
    if (last.code() != Code::exists) break;  // 409
  }
  return last;
}

}  // namespace

Status list_server(AdminApi& api, const std::string& url) {
  return change_servers(api, [&](std::vector<std::string>& servers) {
    if (std::find(servers.begin(), servers.end(), url) != servers.end()) return false;
    servers.push_back(url);
    return true;
  });
}

Status unlist_server(AdminApi& api, const std::string& url) {
  return change_servers(api, [&](std::vector<std::string>& servers) {
    return std::erase(servers, url) > 0;
  });
}

Status publish_dns(AdminApi& api, const std::string& address) {
  const auto port = [](const char* name, const char* protocol) {
    return json::value{{"name", name}, {"port", 53}, {"protocol", protocol}, {"targetPort", 53}};
  };
  return api.ensure(std::string(kSystem) + "/services",
                    {{"apiVersion", "v1"},
                     {"kind", "Service"},
                     {"metadata",
                      {{"name", "kube-dns"},
                       {"namespace", "kube-system"},
                       {"labels",
                        {{"k8s-app", "kube-dns"},
                         {"kubernetes.io/cluster-service", "true"},
                         {"kubernetes.io/name", "KeelsonDNS"}}}}},
                     {"spec",
                      {{"clusterIP", address},
                       {"ports", json::array{port("dns", "UDP"), port("dns-tcp", "TCP")}}}}});
}

BootstrapToken make_token() { return {random_word(6), random_word(16)}; }

Result<BootstrapToken> parse_token(const std::string& text) {
  BootstrapToken token;
  const std::size_t dot = text.find('.');
  if (dot != text.npos) token = {text.substr(0, dot), text.substr(dot + 1)};
  if (!is_word(token.id, 6) || !is_word(token.secret, 16)) {
    return Error{Code::invalid,
                 "a token looks like abcdef.0123456789abcdef: six and sixteen small letters and digits"};
  }
  return token;
}

Status publish_token(AdminApi& api, const BootstrapToken& token, Duration valid_for,
                     const std::string& description) {
  json::object data{{"token-id", token.id},
                    {"token-secret", token.secret},
                    {"usage-bootstrap-authentication", "true"},
                    {"usage-bootstrap-signing", "true"},
                    {"auth-extra-groups", kJoinersGroup}};
  if (!description.empty()) data["description"] = description;
  if (valid_for > Duration::zero()) {
    data["expiration"] = api::format_time({now().unix_ns + valid_for.count()});
  }
  const auto made = api.post(std::string(kSystem) + "/secrets",
                             {{"apiVersion", "v1"},
                              {"kind", "Secret"},
                              {"type", "bootstrap.kubernetes.io/token"},
                              {"metadata",
                               {{"name", "bootstrap-token-" + token.id},
                                {"namespace", "kube-system"}}},
                              {"stringData", std::move(data)}});
  if (!made) return made.error();
  return {};
}

Result<std::vector<ListedToken>> list_tokens(AdminApi& api) {
  const auto secrets =
      api.get(std::string(kSystem) + "/secrets?fieldSelector=type%3Dbootstrap.kubernetes.io%2Ftoken");
  if (!secrets) return secrets.error();
  std::vector<ListedToken> out;
  const std::string date = api::format_time(now());
  for (const json::value& secret : secrets->at("items").as_array()) {
    ListedToken token{decoded(secret, "token-id"), decoded(secret, "expiration"),
                      decoded(secret, "description")};
    token.expired = !token.expiration.empty() && token.expiration < date;
    out.push_back(std::move(token));
  }
  return out;
}

}  // namespace keelson::cli
