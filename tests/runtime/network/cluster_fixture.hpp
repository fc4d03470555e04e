// A small cluster of namespaces on one switch: nodes n1 (192.168.7.1) and n2 (.2) with a bridge for
// pods each, and a host outside (.9) that knows nothing of pods. Pods are 10.244.NODE.X.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "tests/runtime/network/namespaces.hpp"

namespace keelson::test {

class ClusterTest : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
    switch_ = std::make_unique<Host>();
    if (!switch_->usable()) GTEST_SKIP() << "this root may not make network namespaces";
    switch_->sh("ip link add br0 type bridge && ip link set br0 up");
    for (int i = 0; i < 3; ++i) {
      hosts_[static_cast<std::size_t>(i)] = std::make_unique<Host>();
      plug(*hosts_[static_cast<std::size_t>(i)], *switch_, "br0", "port" + std::to_string(i),
           "192.168.7." + std::to_string(i == 0 ? 9 : i) + "/24");
    }
    for (int i = 1; i < 3; ++i) {
      // Everything unknown goes outside, as on any host.
      host(i).sh("ip route add default via 192.168.7.9");
      host(i).sh("ip link add keelson0 type bridge && ip link set keelson0 up && ip addr add 10.244." +
                 std::to_string(i) + ".1/24 dev keelson0");
      host(i).sh("echo 1 > /proc/sys/net/ipv4/ip_forward");
    }
  }

  const Host& outside() { return *hosts_[0]; }
  const Host& host(int node) { return *hosts_[static_cast<std::size_t>(node)]; }

  static std::string pod_ip(int node, int number) {
    return "10.244." + std::to_string(node) + "." + std::to_string(number);
  }
  // A host of its own on the node's bridge, as the CNI plugin would make it.
  std::unique_ptr<Host> pod(int node, int number) {
    auto made = std::make_unique<Host>();
    const std::string port = "pod" + std::to_string(number);
    plug(*made, host(node), "keelson0", port, pod_ip(node, number) + "/24");
    made->sh("ip route add default via " + pod_ip(node, 1));
    host(node).sh("bridge link set dev " + port + " hairpin on");
    return made;
  }
  void route_between_nodes() {
    host(1).sh("ip route add 10.244.2.0/24 via 192.168.7.2");
    host(2).sh("ip route add 10.244.1.0/24 via 192.168.7.1");
  }

 private:
  static void plug(const Host& end, const Host& bridge_host, const std::string& bridge,
                   const std::string& port, const std::string& address) {
    bridge_host.sh("ip link add " + port + " type veth peer name eth0 netns " +
                   std::to_string(end.pid()) + " && ip link set " + port + " master " + bridge +
                   " up");
    end.sh("ip link set eth0 up && ip addr add " + address + " dev eth0");
  }

  std::unique_ptr<Host> switch_;
  std::array<std::unique_ptr<Host>, 3> hosts_;
};

}  // namespace keelson::test
