// A node whose ports another program holds when it starts: not ready, with the reason, until it has them.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "tests/e2e/cluster.hpp"
#include "tests/e2e/hosts.hpp"

namespace keelson::e2e {
namespace {

using namespace std::chrono_literals;

class Holder {
 public:
  Holder(const Hosts& hosts, int host, int type, uint16_t port) {
    const InNetwork there(hosts.network(host));
    EXPECT_TRUE(there.ok());
    fd_ = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(port);
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&any), sizeof any), 0) << port;
    if (type == SOCK_STREAM) {
      EXPECT_EQ(listen(fd_, 1), 0);
    }
  }
  ~Holder() { close(fd_); }

 private:
  int fd_ = -1;
};

class TakenPortsHostsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    KEELSON_NEEDS_HOSTS();
    if (run("command -v kubectl").exit_code != 0) KEELSON_TOOL_IS_MISSING("kubectl is not installed");
    hosts_ = std::make_unique<Hosts>(2);
    ASSERT_TRUE(hosts_->ok()) << hosts_->trouble();
    hosts_->init(1);
    if (HasFatalFailure()) return;
    hosts_->join(2);
  }
  // Until the node's Ready condition is "STATUS MESSAGE" with `part` in it.
  void until_ready_says(const std::string& part) {
    std::string last;
    for (int i = 0; i < 300; ++i) {
      last = hosts_->run(1, "kubectl get node h2 -o jsonpath='{range .status.conditions[?(@.type==\"Ready\")]}"
                            "{.status} {.message}{end}'").output;
      if (last.find(part) != std::string::npos) return;
      std::this_thread::sleep_for(200ms);
    }
    FAIL() << part << ": not within a minute: " << last;
  }
  std::unique_ptr<Hosts> hosts_;
};

TEST_F(TakenPortsHostsTest, ANodeIsReadyWhenItHasItsPorts) {
  until_ready_says("True");
  if (HasFailure()) return;
  // Whoever stands over the service has a pid file of the same beginning.
  ASSERT_EQ(hosts_->run(2, "kill -9 $(cat " + hosts_->root(2) + "/run/keelson/keelson-node*.pid); sleep 0.2")
                .exit_code, 0);
  auto endpoint = std::make_unique<Holder>(*hosts_, 2, SOCK_STREAM, 10250);
  auto names = std::make_unique<Holder>(*hosts_, 2, SOCK_DGRAM, 53);
  ASSERT_EQ(hosts_->run(2, keelson_binary() + " start --root " + hosts_->root(2)).exit_code, 0);
  until_ready_says("the node's endpoint: ");
  if (HasFailure()) return;
  endpoint.reset();
  until_ready_says("DNS: ");
  if (HasFailure()) return;
  names.reset();
  until_ready_says("True");
}

}  // namespace
}  // namespace keelson::e2e
