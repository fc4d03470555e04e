// Real clusters: three hosts, real containers, a real Redis, real traffic.
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "tests/e2e/cluster.hpp"
#include "tests/e2e/hosts.hpp"
#include "tests/e2e/load.hpp"
#include "tests/e2e/transcript.hpp"

namespace keelson::e2e {
namespace {

using namespace std::chrono_literals;

class HostsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = why_no_hosts(); !why.empty()) GTEST_SKIP() << why;
    if (run("command -v kubectl").exit_code != 0) GTEST_SKIP() << "kubectl is not installed";
    hosts_ = std::make_unique<Hosts>(3);
    ASSERT_TRUE(hosts_->ok()) << hosts_->trouble();
    hosts_->init(1);
    if (HasFatalFailure()) return;
    hosts_->join(2);
    hosts_->join(3);
  }

  Outcome user(const std::string& command, std::chrono::seconds limit = 60s) {
    return hosts_->run(1, command, limit);
  }
  // Prints what the command printed last if it never holds.
  void until(const std::string& command, std::chrono::seconds limit = 60s) {
    const auto end = std::chrono::steady_clock::now() + limit;
    Outcome last;
    do {
      last = user(command);
      if (last.exit_code == 0) return;
      std::this_thread::sleep_for(200ms);
    } while (std::chrono::steady_clock::now() < end);
    FAIL() << command << ": not within " << limit.count() << " s: " << last.output;
  }

  std::unique_ptr<Hosts> hosts_;
};

TEST_F(HostsTest, Tutorial) {
  {
    const InNetwork there(hosts_->network(1));
    play(std::string(KEELSON_SOURCE_DIR) + "/tests/e2e/hosts/tutorial.txt", hosts_->environment(), 0);
  }
  if (HasFailure()) return;

  // Rolling to a new version and back while clients come all the time, through both nodes: not one
  // request fails, and each gets one of the two pages.
  Load load(hosts_->network(0), {"http://10.111.0.2:30080", "http://10.111.0.3:30080"});
  std::this_thread::sleep_for(1s);
  EXPECT_EQ(user("kubectl set image deployments/kel nginx=nginx:1.8").exit_code, 0);
  const Outcome rolled = user("kubectl rollout status deployment/kel --timeout=90s", 100s);
  EXPECT_EQ(rolled.exit_code, 0) << rolled.output;
  until("curl -s 10.111.0.2:30080 | grep -q nginx/1.8");
  EXPECT_EQ(user("kubectl rollout undo deployments/kel").exit_code, 0);
  const Outcome back = user("kubectl rollout status deployment/kel --timeout=90s", 100s);
  EXPECT_EQ(back.exit_code, 0) << back.output;
  until("curl -s 10.111.0.3:30080 | grep -q nginx/1.7.9");
  const Load::Tally tally = load.stop();
  EXPECT_GT(tally.good, 100u);
  EXPECT_EQ(tally.failed, 0u) << tally.first_failure;
}

}  // namespace
}  // namespace keelson::e2e
