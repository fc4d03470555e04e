// A table of parts in a real kernel, and the texts of services and policies that it takes.
#include "runtime/network/nft_table.hpp"

#include <gmock/gmock.h>

#include <optional>

#include "core/proxy/service_rules.hpp"
#include "runtime/network/policy_part.hpp"
#include "runtime/network/service_part.hpp"
#include "tests/runtime/network/namespaces.hpp"
#include "tests/runtime/network/service_objects.hpp"

namespace keelson::network {
namespace {

using testing::HasSubstr;
using testing::Not;

class NftTableTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
    host_.emplace();
    if (!host_->usable()) GTEST_SKIP() << "this root may not make network namespaces";
    node_.emplace(*host_);
  }
  void TearDown() override {
    if (node_) node_->run([&] { table_.reset(); });
  }
  void make(const std::string& skeleton) {
    node_->run([&] {
      table_.emplace(node_->loop(), log_, "keelson-test", skeleton);
      EXPECT_TRUE(table_->start().ok());
    });
  }
  Status put(const std::string& owner, const NftPart& part) {
    return node_->run([&] {
      table_->put(owner, part);
      return table_->commit();
    });
  }
  std::string listing() { return host_->sh("nft list table inet keelson-test"); }
  uint64_t rebuilds() {
    return node_->run([&] { return table_->rebuilds(); });
  }

  NullLog log_;
  std::optional<test::Host> host_;
  std::optional<test::Node> node_;
  std::optional<NftTable> table_;
};

const char* const kSkeleton =
    "map where { type ipv4_addr : verdict; }\n"
    "chain entry { type filter hook input priority 0; policy accept; ip saddr vmap @where; }\n";

NftPart part_of(const std::string& chain, const std::string& rule, const std::string& address) {
  NftPart part;
  part.chains[chain] = {rule};
  part.elements["where"][address] = "goto " + chain;
  return part;
}

TEST_F(NftTableTest, PartsComeChangeAndGo) {
  make(kSkeleton);
  EXPECT_TRUE(put("a", part_of("ca", "counter accept", "10.0.0.1")).ok());
  EXPECT_TRUE(put("b", part_of("cb", "drop", "10.0.0.2")).ok());
  EXPECT_THAT(listing(), HasSubstr("10.0.0.1 : goto ca, 10.0.0.2 : goto cb"));
  // An element that two want stays with the first, and goes to the other when that gives it up.
  EXPECT_TRUE(put("b", part_of("cb", "drop", "10.0.0.1")).ok());
  EXPECT_THAT(listing(), HasSubstr("{ 10.0.0.1 : goto ca }"));
  EXPECT_TRUE(put("a", part_of("ca", "counter drop", "10.0.0.3")).ok());
  EXPECT_THAT(listing(), HasSubstr("10.0.0.1 : goto cb"));
  EXPECT_TRUE(put("a", {}).ok());
  EXPECT_THAT(listing(), Not(HasSubstr("ca")));
  EXPECT_EQ(rebuilds(), 1u);
  EXPECT_FALSE(node_->run([&] { return table_->changed(); }));
}

TEST_F(NftTableTest, WhatIsRefusedChangesNothing) {
  make(kSkeleton);
  EXPECT_TRUE(put("a", part_of("ca", "accept", "10.0.0.1")).ok());
  const Status wrong = put("b", part_of("cb", "no such rule", "10.0.0.2"));
  EXPECT_EQ(wrong.code(), Code::invalid);
  EXPECT_THAT(wrong.message(), HasSubstr("nftables"));
  EXPECT_THAT(listing(), HasSubstr("{ 10.0.0.1 : goto ca }"));
  EXPECT_TRUE(put("b", part_of("cb", "accept", "10.0.0.2")).ok());
  EXPECT_THAT(listing(), HasSubstr("10.0.0.2 : goto cb"));
}

TEST_F(NftTableTest, TakesOverWhatAnEarlierProcessLeft) {
  make(kSkeleton);
  EXPECT_TRUE(put("old", part_of("old", "accept", "10.0.0.1")).ok());
  node_->run([&] { table_.reset(); });
  EXPECT_THAT(listing(), HasSubstr("goto old"));  // until the next one is ready
  make(kSkeleton);
  EXPECT_TRUE(put("new", part_of("new", "accept", "10.0.0.2")).ok());
  EXPECT_THAT(listing(), Not(HasSubstr("old")));
}

TEST_F(NftTableTest, TakesServicesOfBothFamilies) {
  make(service_skeleton({"10.244.0.0/16", "fd00:244::/48"}));
  auto service = test::service("web", "10.96.0.20", "NodePort");
  service.mutable_spec()->add_cluster_ips("fd00:96::20");
  service.mutable_spec()->add_external_ips("203.0.113.5");
  service.mutable_spec()->add_external_ips("2001:db8::5");
  for (const char* protocol : {"UDP", "SCTP"}) {
    auto* port = service.mutable_spec()->add_ports();
    port->set_protocol(protocol);
    port->set_port(80);
  }
  auto four = test::slice("web", {{"10.244.1.1", "n1"}, {"10.244.2.1", "n2"}});
  auto six = test::slice("web", {{"fd00:244:1::1", "n1"}, {"fd00:244:2::1", "n2"}});
  six.set_address_type("IPv6");
  six.mutable_metadata()->set_name("web-2");
  for (const bool local : {false, true}) {
    for (const bool sticky : {false, true}) {
      service.mutable_spec()->set_external_traffic_policy(local ? "Local" : "Cluster");
      service.mutable_spec()->set_internal_traffic_policy(local ? "Local" : "Cluster");
      service.mutable_spec()->set_session_affinity(sticky ? "ClientIP" : "None");
      const auto table = proxy::build_table(api::make_object(service),
                                            {api::make_object(four), api::make_object(six)});
      const Status done = put("web", service_part(*table, {"n1", true, {}}));
      EXPECT_TRUE(done.ok()) << done.message();
      const std::string now = listing();
      EXPECT_THAT(now, HasSubstr("fd00:96::20 . tcp . 80 : goto svc/default/web/80/tcp/6"));
      EXPECT_THAT(now, HasSubstr("203.0.113.5 . tcp . 80 : goto ext/default/web/80/tcp/4"));
      EXPECT_THAT(now, HasSubstr("fd00:244:1::1"));
    }
  }
  // The address that this node answers itself has no rules.
  const auto table = proxy::build_table(api::make_object(service), {});
  EXPECT_TRUE(put("web", service_part(*table, {"n1", true, {"10.96.0.20", "fd00:96::20"}})).ok());
  EXPECT_THAT(listing(), Not(HasSubstr("10.96.0.20")));
}

// No API server lets these in; if one did, all other services would still have to work.
TEST_F(NftTableTest, StrangeObjectsDoNoHarm) {
  make(service_skeleton({"10.244.0.0/16", "nonsense"}));
  auto service = test::service("we b; flush ruleset", "10.96.0.20; drop", "NodePort");
  service.mutable_spec()->add_cluster_ips("10.96.0.21");
  service.mutable_spec()->add_external_ips(":::");
  service.mutable_spec()->add_external_ips("10.0.0.0/8");
  service.mutable_spec()->add_ports()->set_protocol("ICMP }");
  const auto table = proxy::build_table(
      api::make_object(service),
      {api::make_object(test::slice("web", {{"10.0.0.0/8", "n1"}, {"10.244.1.1", "n1"}}))});
  const Status done = put("web", service_part(*table, {"n1", true, {}}));
  EXPECT_TRUE(done.ok()) << done.message();
  EXPECT_THAT(listing(), HasSubstr("10.96.0.21 . tcp . 80"));
  EXPECT_THAT(listing(), HasSubstr("10.244.1.1:8080"));
  EXPECT_EQ(nft_name("default", "web-1.x"), "default/web-1.x");
  EXPECT_EQ(nft_name("default", "a b").find(' '), std::string::npos);
  EXPECT_NE(nft_name("default", "a b"), nft_name("default", "a c"));
}

TEST_F(NftTableTest, TakesPoliciesOfLongNamesAndBothFamilies) {
  make(policy_skeleton());
  proxy::PolicyTable table;
  table.isolates_in = table.isolates_out = true;
  proxy::Allowance rule;
  for (const char* range : {"10.0.0.0/8", "10.1.0.0/16", "10.2.3.4", "fd00::/8", "0.0.0.0/1"}) {
    rule.peers.insert(*api::IpRange::parse(range));
  }
  rule.ports = {{"TCP", 80, 90}, {"UDP", 0, 65535}, {"SCTP", 7, 7}};
  rule.sockets.insert({*api::IpRange::parse("10.0.0.1"), "TCP", 8080});
  rule.sockets.insert({*api::IpRange::parse("fd00::1"), "TCP", 8080});
  table.in = table.out = {rule, rule};
  const proxy::PolicyName policy{std::string(63, 'n'), std::string(253, 'p')};
  const proxy::PolicyName other{std::string(63, 'n'), std::string(252, 'p') + "q"};
  const proxy::PolicyName pod{"1st", "pod.with.dots"};
  for (const auto& name : {policy, other}) {
    const Status done = put("policy " + name.second, policy_part(name, table));
    EXPECT_TRUE(done.ok()) << done.message();
  }
  proxy::PodIsolation isolation;
  isolation.addresses = {*api::IpRange::parse("10.244.0.5"), *api::IpRange::parse("fd00:244::5")};
  isolation.in = isolation.out = {policy, other};
  const Status done = put("pod", isolation_part(pod, isolation));
  EXPECT_TRUE(done.ok()) << done.message();
  // A range becomes another that overlaps it.
  table.in[0].peers = {*api::IpRange::parse("10.0.0.0/9"), *api::IpRange::parse("0.0.0.0/0")};
  EXPECT_TRUE(put("policy " + policy.second, policy_part(policy, table)).ok());
  EXPECT_EQ(rebuilds(), 1u);
  for (const std::string& owner :
       {std::string("pod"), "policy " + policy.second, "policy " + other.second}) {
    EXPECT_TRUE(put(owner, {}).ok());
  }
  EXPECT_THAT(listing(), Not(HasSubstr("peers")));
  EXPECT_EQ(rebuilds(), 1u);
}

}  // namespace
}  // namespace keelson::network
