// What network policies allow, without any network.
#include "core/proxy/network_policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/policy_objects.hpp"

namespace keelson::proxy {
namespace {

using api::IpRange;
using test::label;
using test::network_policy;
using test::policy_namespace;
using test::policy_pod;
using testing::ElementsAre;

std::vector<std::string> texts(const std::vector<IpRange>& ranges) {
  std::vector<std::string> result;
  for (const IpRange& range : ranges) result.push_back(range.to_string());
  return result;
}

std::vector<std::string> cut(const std::string& range, const std::vector<std::string>& holes) {
  std::vector<IpRange> parsed;
  for (const std::string& hole : holes) parsed.push_back(*IpRange::parse(hole));
  return texts(without(*IpRange::parse(range), parsed));
}

TEST(RangesWithout, SplitAroundHoles) {
  EXPECT_THAT(cut("10.0.0.0/8", {}), ElementsAre("10.0.0.0/8"));
  EXPECT_THAT(cut("10.0.0.0/8", {"11.0.0.0/8", "fd00::/8"}), ElementsAre("10.0.0.0/8"));
  EXPECT_THAT(cut("10.0.0.0/8", {"10.0.0.0/8"}), ElementsAre());
  EXPECT_THAT(cut("10.0.0.0/30", {"10.0.0.1/32"}), ElementsAre("10.0.0.0/32", "10.0.0.2/31"));
  EXPECT_THAT(cut("10.0.0.0/30", {"10.0.0.0/31", "10.0.0.3"}), ElementsAre("10.0.0.2/32"));
  EXPECT_THAT(cut("fd00::/126", {"fd00::2/127"}), ElementsAre("fd00::/127"));
  EXPECT_EQ(cut("0.0.0.0/0", {"1.2.3.4/32"}).size(), 32u);
}

// Two namespaces; db and web on this node, a client elsewhere and one in the other namespace.
class PoliciesTest : public testing::Test {
 protected:
  PoliciesTest() {
    policies_.on_policy_change = [this](const PolicyName&, const PolicyTable*) { ++policy_changes_; };
    policies_.on_pod_change = [this](const PolicyName&, const PodIsolation*) { ++pod_changes_; };
    policies_.on_namespace(nullptr, policy_namespace("a", {{"team", "red"}}));
    policies_.on_namespace(nullptr, policy_namespace("b", {{"team", "blue"}}));
    put(db_ = policy_pod("a", "db", "10.0.1.1", "n1", {{"app", "db"}}));
    put(policy_pod("a", "web", "10.0.1.2", "n1", {{"app", "web"}}, 9090));
    put(policy_pod("a", "client", "10.0.2.1", "n2", {{"app", "client"}}));
    put(policy_pod("b", "other", "10.0.2.2", "n2", {{"app", "client"}}));
    policies_.sync();
  }
  void put(const api::ObjectPtr& pod) { policies_.on_pod(nullptr, pod); }
  void policy(const std::string& name, const std::string& spec) {
    api::ObjectPtr& known = objects_[name];
    const api::ObjectPtr now = network_policy("a", name, spec);
    policies_.on_policy(known, now);
    known = now;
    policies_.sync();
  }
  void remove(const std::string& name) {
    policies_.on_policy(objects_[name], nullptr);
    objects_.erase(name);
    policies_.sync();
  }
  bool allows(const std::string& from, const std::string& to, int port = 8080,
              const std::string& protocol = "TCP") {
    return policies_.allows({from, to, protocol, static_cast<uint16_t>(port)});
  }
  const std::string db = "10.0.1.1", web = "10.0.1.2", client = "10.0.2.1", other = "10.0.2.2",
                    outside = "192.0.2.7";
  const std::string select_db = "pod_selector { " + label("app", "db") + " } ";
  NetworkPolicies policies_{"n1"};
  std::map<std::string, api::ObjectPtr> objects_;
  api::ObjectPtr db_;
  int policy_changes_ = 0, pod_changes_ = 0;
};

TEST_F(PoliciesTest, IsolationIsPerPodAndDirection) {
  EXPECT_TRUE(allows(client, db));
  policy("deny", select_db + R"(policy_types: "Ingress")");
  EXPECT_FALSE(allows(client, db));
  EXPECT_FALSE(allows(outside, db));
  EXPECT_TRUE(allows(client, web));
  EXPECT_TRUE(allows(db, client));
  policy("deny", R"(pod_selector {} policy_types: "Egress")");
  EXPECT_TRUE(allows(client, db));
  EXPECT_FALSE(allows(db, client));
  EXPECT_FALSE(allows(web, outside));
  remove("deny");
  EXPECT_TRUE(allows(db, client));
  EXPECT_TRUE(policies_.pods().empty());
  EXPECT_TRUE(policies_.policies().empty());
}

TEST_F(PoliciesTest, PeersAreOfTheNamespaceUnlessItIsSelected) {
  policy("p", select_db + R"(policy_types: "Ingress" ingress { from { pod_selector { )" +
                  label("app", "client") + " } } }");
  EXPECT_TRUE(allows(client, db));
  EXPECT_FALSE(allows(other, db));
  EXPECT_FALSE(allows(web, db));
  policy("p", select_db + R"(policy_types: "Ingress" ingress { from { namespace_selector { )" +
                  label("team", "blue") + " } } }");
  EXPECT_FALSE(allows(client, db));
  EXPECT_TRUE(allows(other, db));
  // Both in one peer: pods of those namespaces.
  policy("p", select_db + R"(policy_types: "Ingress" ingress { from { namespace_selector {} pod_selector { )" +
                  label("app", "web") + " } } }");
  EXPECT_TRUE(allows(web, db));
  EXPECT_FALSE(allows(other, db));
  // No peer at all: everyone.
  policy("p", select_db + R"(policy_types: "Ingress" ingress { ports { port { int_val: 8080 } } })");
  EXPECT_TRUE(allows(outside, db));
  EXPECT_FALSE(allows(outside, db, 8081));
  EXPECT_FALSE(allows(outside, db, 8080, "UDP"));
}

TEST_F(PoliciesTest, PoliciesAddUp) {
  policy("deny", R"(pod_selector {} policy_types: "Ingress")");
  policy("one", select_db + R"(policy_types: "Ingress" ingress { from { ip_block { cidr: "192.0.2.0/24" except: "192.0.2.128/25" } } })");
  policy("two", select_db + R"(policy_types: "Ingress" ingress { from { pod_selector {} } ports { port { int_val: 9000 } end_port: 9010 } })");
  EXPECT_TRUE(allows(outside, db));
  EXPECT_FALSE(allows("192.0.2.200", db));
  EXPECT_FALSE(allows(client, db));
  EXPECT_TRUE(allows(client, db, 9000));
  EXPECT_TRUE(allows(client, db, 9010));
  EXPECT_FALSE(allows(client, db, 9011));
  remove("two");
  EXPECT_FALSE(allows(client, db, 9000));
}

TEST_F(PoliciesTest, NamedPortsAreThoseOfTheReceiver) {
  policy("in", R"(pod_selector {} policy_types: "Ingress" ingress { ports { port { type: 1 str_val: "http" } } })");
  EXPECT_TRUE(allows(client, db, 8080));
  EXPECT_FALSE(allows(client, db, 9090));
  EXPECT_TRUE(allows(client, web, 9090));
  EXPECT_FALSE(allows(client, web, 8080));
  remove("in");
  policy("out", select_db + R"(policy_types: "Egress" egress { to { pod_selector {} } ports { port { type: 1 str_val: "http" } } })");
  EXPECT_TRUE(allows(db, web, 9090));
  EXPECT_FALSE(allows(db, web, 8080));
  EXPECT_TRUE(allows(db, client, 8080));
  EXPECT_FALSE(allows(db, other, 8080));
}

TEST_F(PoliciesTest, FollowsPodsAndNamespaces) {
  policy("p", select_db + R"(policy_types: "Ingress" ingress { from { namespace_selector { )" +
                  label("team", "blue") + " } } }");
  EXPECT_FALSE(allows(client, db));
  policies_.on_namespace(policy_namespace("a", {{"team", "red"}}),
                         policy_namespace("a", {{"team", "blue"}}));
  policies_.sync();
  EXPECT_TRUE(allows(client, db));

  const auto fresh = policy_pod("b", "fresh", "10.0.2.9", "n2", {});
  EXPECT_FALSE(allows("10.0.2.9", db));
  put(fresh);
  policies_.sync();
  EXPECT_TRUE(allows("10.0.2.9", db));
  policies_.on_pod(fresh, nullptr);
  policies_.sync();
  EXPECT_FALSE(allows("10.0.2.9", db));

  // It no longer matches, then has ended: its address is nobody's.
  const auto relabelled = policy_pod("a", "db", db, "n1", {{"app", "x"}});
  policies_.on_pod(db_, relabelled);
  policies_.sync();
  EXPECT_TRUE(allows(outside, db));
  policies_.on_pod(relabelled, db_);
  policies_.sync();
  EXPECT_FALSE(allows(outside, db));
  api::Pod ended = db_->as<api::Pod>();
  ended.mutable_status()->set_phase("Succeeded");
  policies_.on_pod(db_, api::make_object(ended));
  policies_.sync();
  EXPECT_TRUE(allows(outside, db));
}

TEST_F(PoliciesTest, TellsOnlyWhatChanges) {
  policy("p", select_db + R"(policy_types: "Ingress" ingress { from { pod_selector { )" +
                  label("app", "client") + " } } }");
  EXPECT_EQ(policy_changes_, 1);
  EXPECT_EQ(pod_changes_, 1);
  // Nothing that a policy sees.
  api::Pod busy = db_->as<api::Pod>();
  busy.mutable_status()->set_message("busy");
  policies_.on_pod(db_, api::make_object(busy));
  put(policy_pod("b", "unrelated", "10.0.2.30", "n2", {{"app", "client"}}));
  policies_.sync();
  EXPECT_EQ(policy_changes_, 1);
  EXPECT_EQ(pod_changes_, 1);
  // Another peer: the policy's sets, not the pod's rules.
  put(policy_pod("a", "client2", "10.0.2.31", "n2", {{"app", "client"}}));
  policies_.sync();
  EXPECT_EQ(policy_changes_, 2);
  EXPECT_EQ(pod_changes_, 1);
  // Changed and changed back within a batch, by two policies.
  policies_.on_policy(nullptr, network_policy("a", "a-first", select_db + R"(policy_types: "Ingress")"));
  policies_.on_policy(objects_["p"], network_policy("a", "p", R"(pod_selector { match_labels { key: "app" value: "none" } } policy_types: "Ingress")"));
  policies_.sync();
  EXPECT_EQ(pod_changes_, 2);
  EXPECT_FALSE(allows(client, db));
  // A policy that selects no pod of this node costs nothing here.
  policy("elsewhere", "pod_selector { " + label("app", "client") + R"( } policy_types: "Ingress")");
  EXPECT_EQ(policies_.policies().size(), 1u);
}

}  // namespace
}  // namespace keelson::proxy
