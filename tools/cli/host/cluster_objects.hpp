// The objects that make a cluster one which hosts can join.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "tools/cli/host/admin_api.hpp"

namespace keelson::cli {

// What all hosts of a cluster agree on: ConfigMap kube-system/keelson-config.
struct ClusterFacts {
  std::string pod_cidr, service_cidr, cluster_dns, cluster_domain, timing;  // timing: keelson or kubernetes
  std::vector<std::string> servers;  // URLs
};
Status publish_facts(AdminApi& api, const ClusterFacts& facts);
Result<ClusterFacts> read_facts(AdminApi& api);
// Adds an API server's URL to the facts, or takes it out: nodes follow. Nothing to do is a success.
Status list_server(AdminApi& api, const std::string& url);
Status unlist_server(AdminApi& api, const std::string& url);

// Those who show a token with which nodes join.
inline constexpr const char* kJoinersGroup = "system:bootstrappers:kubeadm:default-node-token";
// Lets a group of users read one object of kube-system: "configmaps", "keelson-config".
Status let_read(AdminApi& api, const std::string& role, const std::string& resource,
                const std::string& name, const std::vector<std::string>& verbs,
                const std::vector<std::string>& groups);

// The Service by whose address pods reach the cluster's DNS. It has no endpoints: each node answers its
// own pods.
Status publish_dns(AdminApi& api, const std::string& address);

// --- Tokens with which machines join: Secrets kube-system/bootstrap-token-ID -------------------------
struct BootstrapToken {
  std::string id, secret;
  std::string text() const { return id + "." + secret; }
};
BootstrapToken make_token();
// "abcdef.0123456789abcdef"; Code::invalid says what is wrong.
Result<BootstrapToken> parse_token(const std::string& text);
// `valid_for` zero: for ever.
Status publish_token(AdminApi& api, const BootstrapToken& token, Duration valid_for,
                     const std::string& description);

struct ListedToken {
  std::string id, expiration, description;  // no secret: who lost it makes a new token
  bool expired = false;
};
Result<std::vector<ListedToken>> list_tokens(AdminApi& api);

}  // namespace keelson::cli
