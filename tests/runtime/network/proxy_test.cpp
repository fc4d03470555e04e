// The service proxy with real rules between real namespaces.
#include "runtime/network/nft_proxy.hpp"

#include <gmock/gmock.h>

#include <map>
#include <optional>

#include "runtime/network/node_network.hpp"
#include "tests/runtime/network/cluster_fixture.hpp"
#include "tests/runtime/network/service_objects.hpp"

namespace keelson::network {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// A proxy on a node, fed by hand.
class FedProxy {
 public:
  FedProxy(const test::Host& host, const std::string& name) : node_(host) {
    node_.run([&] {
      EXPECT_TRUE(prepare_kernel(true).ok()) << prepare_kernel(true).message();
      rules_.emplace(name);
      proxy_.emplace(node_.loop(), log_, *rules_,
                     NftProxyOptions{.node = name, .pod_cidrs = {"10.244.0.0/16", "fd00:244::/32"}});
      EXPECT_TRUE(proxy_->start().ok());
    });
  }
  ~FedProxy() {
    node_.run([&] {
      proxy_.reset();
      rules_.reset();
    });
  }
  void feed(const std::optional<api::Service>& service, const std::optional<api::EndpointSlice>& slice) {
    node_.run([&] {
      if (service) {
        api::ObjectPtr& known = objects_[service->metadata().name()];
        const api::ObjectPtr before = known;
        known = api::make_object(*service);
        rules_->on_service(before, known);
      }
      if (slice) {
        api::ObjectPtr& known = objects_[slice->metadata().name()];
        const api::ObjectPtr before = known;
        known = api::make_object(*slice);
        rules_->on_slice(before, known);
      }
      rules_->sync();
    });
    settle();
  }
  void remove_service(const std::string& name) {
    node_.run([&] {
      rules_->on_service(objects_[name], nullptr);
      rules_->on_slice(objects_[name + "-1"], nullptr);
      rules_->sync();
    });
    settle();
  }
  // Until the commit that was asked for has run.
  void settle() {
    for (int i = 0; i < 3; ++i) node_.run([] {});
  }
  template <class F>
  auto run(F f) {
    return node_.run([&] { return f(*proxy_); });
  }

 private:
  NullLog log_;
  test::Node node_;
  std::optional<proxy::ServiceRules> rules_;
  std::optional<NftProxy> proxy_;
  std::map<std::string, api::ObjectPtr> objects_;
};

class NftProxyTest : public test::ClusterTest {
 protected:
  void SetUp() override {
    ClusterTest::SetUp();
    if (IsSkipped()) return;
    route_between_nodes();
    near_ = pod(1, 11);
    far_ = pod(2, 21);
    client_ = pod(1, 12);
    near_echo_.emplace(*near_, "near", 8080);
    far_echo_.emplace(*far_, "far", 8080);
    proxy_.emplace(host(1), "n1");
  }
  std::map<std::string, int> answers(const test::Host& from, const std::string& ip, int port, int times) {
    std::map<std::string, int> count;
    for (int i = 0; i < times; ++i) {
      const std::string answer = test::ask(from, ip, port);
      ++count[answer.substr(0, answer.find(' '))];
    }
    return count;
  }
  const std::vector<test::TestEndpoint> both_ = {{"10.244.1.11", "n1"}, {"10.244.2.21", "n2"}};

  std::unique_ptr<test::Host> near_, far_, client_;
  std::optional<test::Echo> near_echo_, far_echo_;
  std::optional<FedProxy> proxy_;
};

TEST_F(NftProxyTest, ClusterIpReachesAllEndpointsAndFollowsChanges) {
  proxy_->feed(test::service("web", "10.96.0.20"), test::slice("web", both_));
  auto seen = answers(*client_, "10.96.0.20", 80, 30);
  EXPECT_GT(seen["near"], 0);
  EXPECT_GT(seen["far"], 0);
  EXPECT_EQ(seen.size(), 2u);
  // Pods see each other's own addresses.
  EXPECT_THAT(test::ask(*client_, "10.96.0.20", 80), HasSubstr(" 10.244.1.12"));
  // From the node itself, too.
  EXPECT_EQ(answers(host(1), "10.96.0.20", 80, 10).count("timeout"), 0u);

  proxy_->feed({}, test::slice("web", {{"10.244.2.21", "n2"}}));
  EXPECT_EQ(answers(*client_, "10.96.0.20", 80, 10)["far"], 10);
  EXPECT_EQ(proxy_->run([](NftProxy& p) { return p.table().rebuilds(); }), 1u);

  // No other port of the address, and nothing at all once nobody serves.
  EXPECT_EQ(test::ask(*client_, "10.96.0.20", 81), "refused");
  proxy_->feed({}, test::slice("web", {}));
  EXPECT_EQ(test::ask(*client_, "10.96.0.20", 80), "refused");
  EXPECT_EQ(test::ask(host(1), "10.96.0.20", 80), "refused");

  proxy_->remove_service("web");
  EXPECT_EQ(proxy_->run([](NftProxy& p) { return p.table().rebuilds(); }), 1u);
  const std::string left = host(1).sh("nft list table inet keelson-services");
  EXPECT_EQ(left.find("web"), std::string::npos) << left;
  EXPECT_EQ(left.find("10.96.0.20"), std::string::npos) << left;
}

TEST_F(NftProxyTest, NodePortsServeOutsideClientsByPolicy) {
  auto web = test::service("web", "10.96.0.20", "NodePort");
  proxy_->feed(web, test::slice("web", both_));
  auto seen = answers(outside(), "192.168.7.1", 30080, 30);
  EXPECT_GT(seen["near"], 0);
  EXPECT_GT(seen["far"], 0);
  // The node itself, at any of its addresses; others' rewriting of other ports goes on beside.
  EXPECT_EQ(answers(host(1), "192.168.7.1", 30080, 10).count("timeout"), 0u);
  EXPECT_EQ(answers(host(1), "10.244.1.1", 30080, 10).count("timeout"), 0u);
  host(1).sh("iptables -t nat -A PREROUTING -p tcp --dport 8888 -j DNAT --to 10.244.1.11:8080");
  EXPECT_EQ(test::ask(outside(), "192.168.7.1", 8888), "near 192.168.7.9");
  EXPECT_EQ(proxy_->run([](NftProxy& p) { return p.table().rebuilds(); }), 1u);
  // The node's own address stands for the client's, or the answers of other nodes would go astray.
  EXPECT_THAT(answers(outside(), "192.168.7.1", 30080, 30)["timeout"], 0);

  web.mutable_spec()->set_external_traffic_policy("Local");
  proxy_->feed(web, {});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(test::ask(outside(), "192.168.7.1", 30080), "near 192.168.7.9");
  seen = answers(*client_, "192.168.7.1", 30080, 30);  // pods are let through to all
  EXPECT_GT(seen["near"], 0);
  EXPECT_GT(seen["far"], 0);

  proxy_->feed({}, test::slice("web", {{"10.244.2.21", "n2"}}));
  EXPECT_EQ(test::ask(outside(), "192.168.7.1", 30080, SOCK_STREAM, 0, 400), "timeout");
  EXPECT_THAT(test::ask(*client_, "192.168.7.1", 30080), StartsWith("far"));
  proxy_->feed({}, test::slice("web", {}));
  EXPECT_EQ(test::ask(outside(), "192.168.7.1", 30080), "refused");
}

TEST_F(NftProxyTest, ExternalAddressesAndLocalPolicyInside) {
  auto web = test::service("web", "10.96.0.20");
  web.mutable_spec()->add_external_ips("203.0.113.5");
  web.mutable_spec()->set_internal_traffic_policy("Local");
  proxy_->feed(web, test::slice("web", both_));
  EXPECT_EQ(answers(*client_, "10.96.0.20", 80, 10)["near"], 10);
  outside().sh("ip route add 203.0.113.5 via 192.168.7.1");
  auto seen = answers(outside(), "203.0.113.5", 80, 30);
  EXPECT_GT(seen["near"], 0);
  EXPECT_GT(seen["far"], 0);
  proxy_->feed({}, test::slice("web", {{"10.244.2.21", "n2"}}));
  EXPECT_EQ(test::ask(*client_, "10.96.0.20", 80, SOCK_STREAM, 0, 400), "timeout");
}

TEST_F(NftProxyTest, LoadBalancersKeepOthersOut) {
  auto web = test::service("web", "10.96.0.20", "LoadBalancer");
  web.mutable_status()->mutable_load_balancer()->add_ingress()->set_ip("203.0.113.6");
  for (const char* range : {"192.168.0.0/16", "192.168.7.9/32"}) {
    web.mutable_spec()->add_load_balancer_source_ranges(range);
  }
  proxy_->feed(web, test::slice("web", both_));
  outside().sh("ip route add 203.0.113.6 via 192.168.7.1");
  EXPECT_EQ(answers(outside(), "203.0.113.6", 80, 5).count("timeout"), 0u);
  EXPECT_EQ(test::ask(*client_, "203.0.113.6", 80, SOCK_STREAM, 0, 400), "timeout");
  web.mutable_spec()->clear_load_balancer_source_ranges();
  web.mutable_spec()->add_load_balancer_source_ranges("10.0.0.0/8");
  proxy_->feed(web, {});
  EXPECT_EQ(test::ask(outside(), "203.0.113.6", 80, SOCK_STREAM, 0, 400), "timeout");
  EXPECT_EQ(answers(*client_, "203.0.113.6", 80, 5).count("timeout"), 0u);
  // The node port is not guarded, as in Kubernetes.
  EXPECT_EQ(answers(outside(), "192.168.7.1", 30080, 5).count("timeout"), 0u);
}

TEST_F(NftProxyTest, APodReachesItselfAndSticksWhereAsked) {
  auto web = test::service("web", "10.96.0.20");
  proxy_->feed(web, test::slice("web", {{"10.244.1.11", "n1"}}));
  EXPECT_THAT(test::ask(*near_, "10.96.0.20", 80), StartsWith("near "));

  web.mutable_spec()->set_session_affinity("ClientIP");
  web.mutable_spec()->mutable_session_affinity_config()->mutable_client_ip()->set_timeout_seconds(60);
  proxy_->feed(web, test::slice("web", both_));
  auto seen = answers(*client_, "10.96.0.20", 80, 12);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen.begin()->second, 12);
  // The one it sticks to goes: the other takes over.
  const bool was_near = seen.begin()->first == "near";
  proxy_->feed({}, test::slice("web", {both_[was_near ? 1 : 0]}));
  EXPECT_EQ(answers(*client_, "10.96.0.20", 80, 3)[was_near ? "far" : "near"], 3);
}

// IPv6 beside IPv4, on one node.
TEST_F(NftProxyTest, BothFamiliesAreServed) {
  host(1).sh("sysctl -q net.ipv6.conf.all.forwarding=1 && ip -6 addr add fd00:7::1/64 dev eth0 nodad"
             " && ip -6 addr add fd00:244:1::1/64 dev keelson0 nodad"
             " && ip -6 route add default via fd00:7::9");
  outside().sh("ip -6 addr add fd00:7::9/64 dev eth0 nodad");
  int number = 11;
  for (const auto* pod : {&near_, &client_}) {
    (*pod)->sh("ip -6 addr add fd00:244:1::" + std::to_string(number++) +
               "/64 dev eth0 nodad && ip -6 route add default via fd00:244:1::1");
  }
  ASSERT_TRUE(test::eventually([&] {
    return test::ask(*client_, "fd00:244:1::11", 8080) == "near fd00:244:1::12";
  }));
  // Until then the node does not ask for neighbours.
  ASSERT_TRUE(test::eventually([&] { return host(1).sh("ip -6 addr show tentative").empty(); }));
  auto web = test::service("web", "10.96.0.20", "NodePort");
  web.mutable_spec()->add_cluster_ips("fd00:96::20");
  auto six = test::slice("web", {{"fd00:244:1::11", "n1"}});
  six.set_address_type("IPv6");
  six.mutable_metadata()->set_name("web-2");
  proxy_->feed(web, six);
  EXPECT_EQ(test::ask(*client_, "fd00:96::20", 80), "near fd00:244:1::12");
  EXPECT_THAT(test::ask(*near_, "fd00:96::20", 80), StartsWith("near "));
  EXPECT_THAT(test::ask(outside(), "fd00:7::1", 30080), StartsWith("near "));
  EXPECT_EQ(test::ask(*client_, "10.96.0.20", 80), "refused");  // no endpoint of that family
  proxy_->feed({}, test::slice("web", both_));
  EXPECT_EQ(answers(*client_, "10.96.0.20", 80, 5).count("refused"), 0u);
  six.clear_endpoints();
  proxy_->feed({}, six);
  EXPECT_EQ(test::ask(*client_, "fd00:96::20", 80), "refused");
  EXPECT_EQ(test::ask(outside(), "fd00:7::1", 30080), "refused");
}

TEST_F(NftProxyTest, RepairsWhatOthersDestroyAndEndsWhenAsked) {
  proxy_->feed(test::service("web", "10.96.0.20"), test::slice("web", both_));
  const auto works = [&] {
    return test::ask(*client_, "10.96.0.20", 80, SOCK_STREAM, 0, 300).find(' ') != std::string::npos;
  };
  ASSERT_TRUE(works());
  for (const char* damage :
       {"nft flush ruleset", "nft delete table inet keelson-services",
        "nft flush map inet keelson-services service4",
        "nft flush chain inet keelson-services nat_prerouting"}) {
    const uint64_t before = proxy_->run([](NftProxy& p) { return p.table().rebuilds(); });
    host(1).sh(damage);
    EXPECT_TRUE(test::eventually([&] {
      return proxy_->run([](NftProxy& p) { return p.table().rebuilds(); }) > before && works();
    })) << damage;
  }
  // Somebody else's table is no concern of ours, nor are our own changes.
  const uint64_t before = proxy_->run([](NftProxy& p) { return p.table().rebuilds(); });
  host(1).sh("nft add table inet other && nft add chain inet other x && nft delete table inet other");
  proxy_->feed({}, test::slice("web", {both_[0]}));
  proxy_->feed({}, test::slice("web", both_));
  EXPECT_EQ(proxy_->run([](NftProxy& p) { return p.table().rebuilds(); }), before);

  EXPECT_TRUE(proxy_->run([](NftProxy& p) { return p.erase().ok(); }));
  EXPECT_EQ(host(1).sh("nft list ruleset"), "");
}

TEST_F(NftProxyTest, DatagramsLeaveBackendsThatAreGone) {
  test::Echo near_udp(*near_, "near", 8080, SOCK_DGRAM), far_udp(*far_, "far", 8080, SOCK_DGRAM);
  proxy_->feed(test::service("dns", "10.96.0.30", "ClusterIP", "UDP"), test::slice("dns", {}, "UDP"));
  EXPECT_EQ(test::ask(*client_, "10.96.0.30", 80, SOCK_DGRAM, 5353), "refused");
  proxy_->feed({}, test::slice("dns", {both_[0]}, "UDP"));
  EXPECT_THAT(test::ask(*client_, "10.96.0.30", 80, SOCK_DGRAM, 5353), StartsWith("near "));
  // The same flow as the kernel sees it, to another backend.
  proxy_->feed({}, test::slice("dns", {both_[1]}, "UDP"));
  EXPECT_THAT(test::ask(*client_, "10.96.0.30", 80, SOCK_DGRAM, 5353), StartsWith("far "));
}

}  // namespace
}  // namespace keelson::network
