// Network policies with real rules between real namespaces.
#include "runtime/network/policies.hpp"

#include <gmock/gmock.h>

#include <optional>

#include "runtime/network/nft_proxy.hpp"
#include "runtime/network/node_network.hpp"
#include "tests/runtime/network/cluster_fixture.hpp"
#include "tests/runtime/network/service_objects.hpp"
#include "tests/support/fake_api.hpp"
#include "tests/support/policy_objects.hpp"

namespace keelson::network {
namespace {

using test::label;
using testing::StartsWith;

class PolicyEnforcerTest : public test::ClusterTest {
 protected:
  void SetUp() override {
    ClusterTest::SetUp();
    if (IsSkipped()) return;
    route_between_nodes();
    db_ = pod(1, 11);
    web_ = pod(1, 12);
    far_ = pod(2, 21);
    for (const int port : {8080, 8081}) {
      echoes_.push_back(std::make_unique<test::Echo>(*db_, "db", port));
      echoes_.push_back(std::make_unique<test::Echo>(*far_, "far", port));
    }
    node_.emplace(host(1));
    node_->run([&] {
      EXPECT_TRUE(prepare_kernel(false).ok());
      api_.emplace(node_->loop());
      api_->put(test::policy_namespace("default", {{"team", "red"}}));
      api_->put(test::policy_pod("default", "db", "10.244.1.11", "n1", {{"app", "db"}}));
      api_->put(test::policy_pod("default", "web", "10.244.1.12", "n1", {{"app", "web"}}));
      api_->put(test::policy_pod("default", "far", "10.244.2.21", "n2", {{"app", "far"}}));
      enforcer_.emplace(node_->loop(), log_, *api_, Rng(1), PolicyEnforcerOptions{.node = "n1"});
      EXPECT_TRUE(enforcer_->start().ok());
    });
    await_commit(0);
  }
  void TearDown() override {
    if (!node_) return;
    node_->run([&] {
      enforcer_.reset();
      api_.reset();
    });
  }
  void await_commit(uint64_t beyond) {
    EXPECT_TRUE(test::eventually([&] { return commits() > beyond; }));
  }
  uint64_t commits() {
    return node_->run([&] { return enforcer_->table().commits(); });
  }
  void put(const api::ObjectPtr& object) {
    const uint64_t before = commits();
    node_->run([&] { api_->put(object); });
    await_commit(before);
  }
  void remove(const api::ObjectKey& key) {
    const uint64_t before = commits();
    node_->run([&] { api_->erase(key); });
    await_commit(before);
  }
  static bool reaches(const test::Host& from, const std::string& ip, int port = 8080) {
    return test::ask(from, ip, port, SOCK_STREAM, 0, 300).find(' ') != std::string::npos;
  }
  const std::string select_db = "pod_selector { " + label("app", "db") + " } ";

  NullLog log_;
  std::unique_ptr<test::Host> db_, web_, far_;
  std::vector<std::unique_ptr<test::Echo>> echoes_;
  std::optional<test::Node> node_;
  std::optional<test::FakeApi> api_;
  std::optional<PolicyEnforcer> enforcer_;
};

TEST_F(PolicyEnforcerTest, IngressIsWhatPoliciesAllow) {
  EXPECT_TRUE(reaches(*web_, "10.244.1.11"));
  EXPECT_TRUE(reaches(*far_, "10.244.1.11"));
  put(test::network_policy("default", "deny", R"(pod_selector {} policy_types: "Ingress")"));
  EXPECT_FALSE(reaches(*web_, "10.244.1.11"));  // on the same bridge
  EXPECT_FALSE(reaches(*far_, "10.244.1.11"));
  EXPECT_TRUE(reaches(host(1), "10.244.1.11"));  // probes
  EXPECT_TRUE(reaches(*db_, "10.244.2.21"));     // its own connections, with the answers

  put(test::network_policy("default", "web-to-db",
                           select_db + R"(policy_types: "Ingress" ingress { from { pod_selector { )" +
                               label("app", "web") + R"( } } ports { port { int_val: 8080 } } })"));
  EXPECT_TRUE(reaches(*web_, "10.244.1.11"));
  EXPECT_FALSE(reaches(*web_, "10.244.1.11", 8081));
  EXPECT_FALSE(reaches(*far_, "10.244.1.11"));

  // A peer comes by its labels; no rule is written for that.
  put(test::policy_pod("default", "far", "10.244.2.21", "n2", {{"app", "web"}}));
  EXPECT_TRUE(reaches(*far_, "10.244.1.11"));

  put(test::network_policy("default", "web-to-db", select_db +
      R"(policy_types: "Ingress" ingress { from { ip_block { cidr: "10.244.0.0/16" except: "10.244.1.0/24" } } ports { port { type: 1 str_val: "http" } } })"));
  EXPECT_FALSE(reaches(*web_, "10.244.1.11"));
  EXPECT_TRUE(reaches(*far_, "10.244.1.11"));
  EXPECT_FALSE(reaches(*far_, "10.244.1.11", 8081));
  EXPECT_EQ(node_->run([&] { return enforcer_->table().rebuilds(); }), 1u);

  remove({api::Kind::network_policies, "default", "web-to-db"});
  EXPECT_FALSE(reaches(*far_, "10.244.1.11"));
  remove({api::Kind::network_policies, "default", "deny"});
  EXPECT_TRUE(reaches(*far_, "10.244.1.11"));
  EXPECT_TRUE(reaches(*web_, "10.244.1.11", 8081));
  EXPECT_EQ(node_->run([&] { return enforcer_->table().rebuilds(); }), 1u);
}

TEST_F(PolicyEnforcerTest, EgressIsJudgedBehindServices) {
  NullLog log;
  std::optional<proxy::ServiceRules> rules;
  std::optional<NftProxy> services;
  node_->run([&] {
    rules.emplace("n1");
    services.emplace(node_->loop(), log, *rules,
                     NftProxyOptions{.node = "n1", .pod_cidrs = {"10.244.0.0/16"}});
    EXPECT_TRUE(services->start().ok());
    rules->on_service(nullptr, api::make_object(test::service("far", "10.96.0.20")));
    rules->on_slice(nullptr, api::make_object(test::slice("far", {{"10.244.2.21", "n2"}})));
    rules->sync();
  });
  EXPECT_TRUE(test::eventually([&] { return reaches(*db_, "10.96.0.20", 80); }));
  put(test::network_policy("default", "out", select_db + R"(policy_types: "Egress")"));
  EXPECT_FALSE(reaches(*db_, "10.244.2.21"));
  EXPECT_FALSE(reaches(*db_, "10.96.0.20", 80));
  EXPECT_TRUE(reaches(*web_, "10.96.0.20", 80));
  EXPECT_TRUE(reaches(*web_, "10.244.1.11"));
  put(test::network_policy("default", "out", select_db +
      R"(policy_types: "Egress" egress { to { pod_selector { )" + label("app", "far") +
      R"( } } ports { port { int_val: 8000 } end_port: 8080 } })"));
  EXPECT_TRUE(reaches(*db_, "10.244.2.21"));
  EXPECT_TRUE(reaches(*db_, "10.96.0.20", 80));
  EXPECT_FALSE(reaches(*db_, "10.244.2.21", 8081));
  // Somebody wipes everything: closed again soon.
  host(1).sh("nft flush ruleset");
  EXPECT_TRUE(test::eventually([&] { return !reaches(*db_, "10.244.2.21", 8081); }));
  EXPECT_TRUE(node_->run([&] { return enforcer_->erase().ok() && services->erase().ok(); }));
  EXPECT_EQ(host(1).sh("nft list ruleset"), "");
  node_->run([&] {
    services.reset();
    rules.reset();
  });
}

}  // namespace
}  // namespace keelson::network
