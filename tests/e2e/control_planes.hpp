// Several control planes on hosts, for tests.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "tests/e2e/cluster.hpp"
#include "tests/e2e/hosts.hpp"

namespace keelson::e2e {

using namespace std::chrono_literals;

// Hosts 1 and 2 are control planes, host 1 has the store, host 3 is a node that joined when there was only
// one API server.
class ControlPlanes : public ::testing::Test {
 protected:
  void SetUp() override {
    make_hosts();
    if (HasFatalFailure() || IsSkipped()) return;
    hosts_->init(1, "--store-bind " + Hosts::address(1) + ":6379");
    if (HasFatalFailure()) return;
    hosts_->join(3);
    if (HasFatalFailure()) return;
    const Outcome joined = join_control_plane(2, command());
    ASSERT_EQ(joined.exit_code, 0) << joined.output;
    until(1, endpoints_are("10.111.0.1 10.111.0.2"));
  }

  void make_hosts() {
    KEELSON_NEEDS_HOSTS();
    for (const char* program : {"kubectl", "redis-cli"}) {
      if (run(std::string("command -v ") + program).exit_code != 0) {
        KEELSON_TOOL_IS_MISSING(program + std::string(" is not installed"));
      }
    }
    hosts_ = std::make_unique<Hosts>(3);
    ASSERT_TRUE(hosts_->ok()) << hosts_->trouble();
  }

  // What makes a host a control plane, without the program: " join 10.111.0.1:6443 --token ...".
  std::string command() {
    const Outcome printed =
        hosts_->run(1, keelson_binary() + " token create --print-join-command --control-plane --root " +
                           hosts_->root(1));
    EXPECT_EQ(printed.exit_code, 0) << printed.output;
    EXPECT_TRUE(printed.output.starts_with("keelson join ")) << printed.output;
    return printed.output.substr(7, printed.output.find('\n') - 7);
  }
  Outcome join_control_plane(int host, const std::string& command) {
    return hosts_->run(host, keelson_binary() + command + " --root " + hosts_->root(host) + " --name h" +
                                 std::to_string(host));
  }

  // By that host's API server.
  Outcome user(int host, const std::string& command, std::chrono::seconds limit = 60s) {
    return hosts_->run(host, "export KUBECONFIG=" + hosts_->root(host) + "/etc/keelson/admin.conf; " +
                                 command, limit);
  }
  void until(int host, const std::string& command, std::chrono::seconds limit = 30s) {
    const auto end = std::chrono::steady_clock::now() + limit;
    Outcome last;
    do {
      last = user(host, command);
      if (last.exit_code == 0) return;
      std::this_thread::sleep_for(100ms);
    } while (std::chrono::steady_clock::now() < end);
    FAIL() << command << ": not within " << limit.count() << " s: " << last.output;
  }
  static std::string endpoints_are(const std::string& addresses) {
    return "[ \"$(kubectl get endpoints kubernetes -o jsonpath='{.subsets[*].addresses[*].ip}')\" = '" +
           addresses + "' ]";
  }
  static std::string running(int count) {
    return "[ $(kubectl get pods -l app=web --no-headers | grep -w Running | grep -cw 1/1) = " +
           std::to_string(count) + " ]";
  }

  std::unique_ptr<Hosts> hosts_;
};

}  // namespace keelson::e2e
