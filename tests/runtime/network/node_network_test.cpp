// CNI configuration, routes, and a node's network from Node objects.
#include "runtime/network/node_network.hpp"

#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <optional>

#include "tests/runtime/network/cluster_fixture.hpp"
#include "tests/support/fake_api.hpp"
#include "tests/support/missing_tool.hpp"

namespace keelson::network {
namespace {

using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

class Directory {
 public:
  Directory() {
    char name[] = "/tmp/keelson-network-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~Directory() { fs::remove_all(path_); }
  const std::string& path() const { return path_; }
  std::string read(const std::string& name) const {
    std::ifstream file(path_ + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string path_;
};

TEST(CniConfig, IsWhatThePluginsExpect) {
  CniOptions options;
  options.mtu = 1400;
  options.ipam_dir = "/var/lib/x";
  const boost::json::value config =
      boost::json::parse(cni_conflist({"10.244.3.0/24", "fd00:3::/64"}, options));
  const auto& bridge = config.at("plugins").at(0);
  EXPECT_EQ(config.at("cniVersion"), "0.4.0");
  EXPECT_EQ(config.at("name"), "keelson");
  EXPECT_EQ(bridge.at("type"), "bridge");
  EXPECT_EQ(bridge.at("hairpinMode"), true);
  EXPECT_EQ(bridge.at("isGateway"), true);
  EXPECT_EQ(bridge.at("mtu"), 1400);
  EXPECT_EQ(boost::json::serialize(bridge.at("ipam").at("ranges")),
            R"([[{"subnet":"10.244.3.0/24"}],[{"subnet":"fd00:3::/64"}]])");
  EXPECT_EQ(bridge.at("ipam").at("dataDir"), "/var/lib/x");
  EXPECT_EQ(config.at("plugins").at(1).at("capabilities").at("portMappings"), true);
}

TEST(CniConfig, IsReplacedAsAWhole) {
  Directory dir;
  const std::string sub = dir.path() + "/net.d";
  EXPECT_TRUE(write_cni_config(sub, "keelson", "one").ok());
  EXPECT_EQ(dir.read("net.d/10-keelson.conflist"), "one");
  EXPECT_TRUE(write_cni_config(sub, "keelson", "two").ok());
  EXPECT_EQ(dir.read("net.d/10-keelson.conflist"), "two");
  EXPECT_EQ(std::distance(fs::directory_iterator(sub), {}), 1);
  EXPECT_TRUE(remove_cni_config(sub, "keelson").ok());
  EXPECT_TRUE(remove_cni_config(sub, "keelson").ok());
  EXPECT_TRUE(fs::is_empty(sub));
  EXPECT_FALSE(write_cni_config("/proc/nowhere", "keelson", "x").ok());
}

api::ObjectPtr node(const std::string& name, const std::string& cidr, const std::string& ip) {
  api::Node node;
  node.mutable_metadata()->set_name(name);
  node.mutable_metadata()->set_uid("uid-of-" + name);
  if (!cidr.empty()) {
    node.mutable_spec()->set_pod_cidr(cidr);
    node.mutable_spec()->add_pod_cidrs(cidr);
  }
  auto* address = node.mutable_status()->add_addresses();
  address->set_type("InternalIP");
  address->set_address(ip);
  return api::make_object(node);
}

TEST(Routes, LeadToTheOtherNodes) {
  const auto routes = routes_for("n1", {"10.244.0.0/16", "fd00::/16"}, {node("n1", "10.244.1.0/24", "192.168.7.1"),
                                        node("n2", "10.244.2.0/24", "192.168.7.2"),
                                        node("n3", "", "192.168.7.3"), node("n4", "10.244.4.0/24", ""),
                                        node("n5", "fd00:5::/64", "192.168.7.5"),
                                        node("n6", "10.244.2.0/24", "192.168.7.6"),
                                        // Not the cluster's: nobody's word makes a route to these.
                                        node("n7", "10.96.0.1/32", "192.168.7.7"),
                                        node("n8", "10.0.0.0/8", "192.168.7.8")});
  ASSERT_EQ(routes.size(), 1u);
  EXPECT_EQ(routes[0].destination.to_string(), "10.244.2.0/24");
  EXPECT_EQ(api::ip_text(routes[0].gateway, false), "192.168.7.2");
}

class NodeNetworkTest : public test::ClusterTest {};

TEST_F(NodeNetworkTest, FollowsTheNodesAndLeavesNothing) {
  Directory dir;
  NullLog log;
  test::Node core(host(1));
  std::optional<test::FakeApi> api;
  std::optional<NodeNetwork> network;
  core.run([&] {
    api.emplace(core.loop());
    api->put(node("n1", "", "192.168.7.1"));
    network.emplace(core.loop(), log, *api, Rng(1),
                    NodeNetworkOptions{.node = "n1", .cluster_cidrs = {"10.244.0.0/16"},
                                       .cni_dir = dir.path()});
    const Status started = network->start();
    EXPECT_TRUE(started.ok()) << started.message();
  });
  const auto ready = [&] { return core.run([&] { return network->ready(); }); };
  EXPECT_FALSE(ready());
  // Somebody's own route stays, whatever happens.
  host(1).sh("ip route add 10.250.0.0/16 via 192.168.7.2");
  core.run([&] {
    api->put(node("n1", "10.244.1.0/24", "192.168.7.1"));
    api->put(node("n2", "10.244.2.0/24", "192.168.7.2"));
    api->put(node("n3", "10.244.3.0/24", "192.168.99.3"));  // cannot be reached
  });
  const auto routes = [&] { return host(1).sh("ip route"); };
  EXPECT_TRUE(test::eventually([&] { return ready(); }));
  EXPECT_THAT(dir.read("10-keelson.conflist"), HasSubstr("10.244.1.0/24"));
  EXPECT_TRUE(test::eventually(
      [&] { return routes().find("10.244.2.0/24 via 192.168.7.2") != std::string::npos; }));
  host(2).sh("ip route add 10.244.1.0/24 via 192.168.7.1");

  // Pods of two nodes see each other's addresses, others this node's.
  const auto near = pod(1, 11), far = pod(2, 21);
  test::Echo echo(*far, "far", 8080), beyond(outside(), "outside", 8080);
  EXPECT_EQ(test::ask(*near, "10.244.2.21", 8080), "far 10.244.1.11");
  EXPECT_EQ(test::ask(*near, "192.168.7.9", 8080), "outside 192.168.7.1");

  core.run([&] { api->put(node("n2", "10.244.9.0/24", "192.168.7.2")); });
  EXPECT_TRUE(test::eventually(
      [&] { return routes().find("10.244.9.0/24 via 192.168.7.2") != std::string::npos; }));
  EXPECT_THAT(routes(), Not(HasSubstr("10.244.2.0/24")));
  core.run([&] { api->erase({api::Kind::nodes, "", "n2"}); });
  EXPECT_TRUE(test::eventually([&] { return routes().find("10.244.9.0/24") == std::string::npos; }));

  const Status erased = core.run([&] { return network->erase(); });
  EXPECT_TRUE(erased.ok()) << erased.message();
  EXPECT_THAT(routes(), HasSubstr("10.250.0.0/16"));
  EXPECT_EQ(host(1).sh("nft list ruleset"), "");
  EXPECT_THAT(host(1).sh("ip link"), Not(HasSubstr("keelson0")));
  EXPECT_TRUE(fs::is_empty(dir.path()));
  EXPECT_TRUE(core.run([&] { return network->erase().ok(); }));
  core.run([&] {
    network.reset();
    api.reset();
  });
}

// The real plugins take the configuration, and pods that they connect reach each other.
TEST_F(NodeNetworkTest, TheBridgePluginTakesTheConfiguration) {
  const std::string plugins = "/usr/lib/cni";
  if (!fs::exists(plugins + "/bridge")) KEELSON_TOOL_IS_MISSING("no CNI plugins in " + plugins);
  Directory dir;
  CniOptions options;
  options.ipam_dir = dir.path() + "/ipam";
  options.bridge = "keel1";
  boost::json::value config = boost::json::parse(cni_conflist({"10.244.7.0/24"}, options));
  auto& bridge = config.at("plugins").at(0).as_object();
  bridge["cniVersion"] = config.at("cniVersion");
  bridge["name"] = config.at("name");
  std::ofstream(dir.path() + "/conf") << boost::json::serialize(bridge);
  test::Host one, two;
  const auto call = [&](const std::string& command, const test::Host& pod) {
    return host(1).sh("CNI_COMMAND=" + command + " CNI_CONTAINERID=c" + std::to_string(pod.pid()) +
                      " CNI_NETNS=/proc/" + std::to_string(pod.pid()) +
                      "/ns/net CNI_IFNAME=eth0 CNI_PATH=" + plugins + " " + plugins + "/bridge <" +
                      dir.path() + "/conf");
  };
  EXPECT_THAT(call("ADD", one), HasSubstr("10.244.7.2/24"));
  EXPECT_THAT(call("ADD", two), HasSubstr("10.244.7.3/24"));
  test::Echo echo(two, "two", 8080);
  EXPECT_EQ(test::ask(one, "10.244.7.3", 8080), "two 10.244.7.2");
  EXPECT_THAT(one.sh("ip route"), HasSubstr("default via 10.244.7.1"));
  call("DEL", one);
  call("DEL", two);
}

}  // namespace
}  // namespace keelson::network
