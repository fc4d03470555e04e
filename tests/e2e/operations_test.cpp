// What an operator has of a real cluster: its status, its figures, its certificates.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "tests/e2e/cluster.hpp"
#include "tests/e2e/hosts.hpp"

namespace keelson::e2e {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class OperationsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    KEELSON_NEEDS_HOSTS();
    hosts_ = std::make_unique<Hosts>(2);
    ASSERT_TRUE(hosts_->ok()) << hosts_->trouble();
    hosts_->init(1);
    if (HasFatalFailure()) return;
    hosts_->join(2);
  }
  void TearDown() override {
    if (stopped_ > 0) ::kill(stopped_, SIGCONT);
  }

  Outcome keelson(const std::string& words, int host = 1) {
    return hosts_->run(host, keelson_binary() + " " + words);
  }
  Outcome status() { return keelson("status --root " + hosts_->root(1)); }
  std::string raw(const std::string& path) { return keelson("get --raw '" + path + "'").output; }
  // Asks until the verdict begins so.
  void until(const std::string& verdict) {
    Outcome last;
    for (int i = 0; i < 150; ++i) {
      last = status();
      if (last.output.starts_with(verdict)) return;
      std::this_thread::sleep_for(200ms);
    }
    ADD_FAILURE() << "not within 30 s: " << verdict << "; but: " << last.output;
  }

  void figures();
  void certificates();
  void troubles();
  void leaving();

  std::unique_ptr<Hosts> hosts_;
  pid_t stopped_ = 0;
};

// What is wrong with a text of figures; empty: Prometheus can read it.
std::string fault_of(const std::string& text) {
  std::istringstream in(text);
  std::set<std::string> families, samples;
  std::string family;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      if (!families.insert(family).second) return family + " is described twice";
      continue;
    }
    if (line.starts_with("# TYPE ")) {
      if (!line.starts_with("# TYPE " + family + " ")) return "a type apart from its help: " + line;
      continue;
    }
    const std::string name = line.substr(0, line.find_first_of("{ "));
    if (name != family) return "a sample apart from its family: " + line;
    const std::size_t blank = line.rfind(' ');
    if (blank == line.npos || !samples.insert(line.substr(0, blank)).second)
      return "twice, or no value: " + line;
    const std::string value = line.substr(blank + 1);
    if (value.empty() || value.find_first_not_of("0123456789.") != value.npos)
      return "no number: " + line;
  }
  return families.empty() ? "there are none: " + text.substr(0, 200) : "";
}

void OperationsTest::figures() {
  const std::string plane = raw("/metrics");
  EXPECT_EQ(fault_of(plane), "");
  for (const char* sample :
       {"\nkeelson_store_serving 1\n", "\nkeelson_store_history_lost_total 0\n",
        "\nkeelson_store_info{version=\"7",
        "\nleader_election_master_status{name=\"controller-manager\"} 1\n",
        "\nleader_election_master_status{name=\"scheduler\"} 1\n",
        "\nworkqueue_depth{name=\"deployment\"} 0\n",
        "\nworkqueue_retries_total{name=\"deployment\"} ",
        "\nscheduler_pending_pods{queue=\"active\"} 0\n",
        "\nscheduler_schedule_attempts_total{result=\"scheduled\"} ",
        "\nscheduler_preemption_attempts_total 0\n", "\nkeelson_http_requests_total ",
        "\nprocess_resident_memory_bytes ", "\nprocess_cpu_seconds_total "}) {
    EXPECT_THAT(plane, HasSubstr(sample));
  }
  EXPECT_THAT(plane, Not(HasSubstr("workqueue_adds_total{name=\"certificate-approving\"} 0\n")));
  // A node is Ready a little before its endpoint has its certificate.
  const std::string path = "/api/v1/nodes/h2/proxy/metrics";
  for (int i = 0; i < 100 && keelson("get --raw " + path).exit_code != 0; ++i)
    std::this_thread::sleep_for(100ms);
  const std::string node = raw(path);
  EXPECT_EQ(fault_of(node), "");
  for (const char* sample : {"\nkeelson_node_pods{phase=\"Running\"} 0\n",
                             "\nkeelson_nftables_commits_total{table=\"keelson-services\"} ",
                             "\nkeelson_dns_queries_total ", "\nprocess_resident_memory_bytes "}) {
    EXPECT_THAT(node, HasSubstr(sample));
  }
}

// A store that hangs, and services that have ended.
void OperationsTest::troubles() {
  EXPECT_THAT(raw("/readyz?verbose"), HasSubstr("[+]store ok\n"));
  stopped_ = hosts_->main_process(1, "keelson-redis");
  ASSERT_GT(stopped_, 0);
  ::kill(stopped_, SIGSTOP);
  until("NOT OK: the API is not ready; the store does not serve\n");
  const Outcome hangs = status();
  EXPECT_EQ(hangs.exit_code, 1);
  EXPECT_THAT(hangs.output, HasSubstr("redis.sock: no answer"));
  EXPECT_EQ(raw("/livez"), "ok");
  ::kill(stopped_, SIGCONT);
  stopped_ = 0;
  until("OK");
  EXPECT_THAT(status().output, HasSubstr("last trouble "));

  EXPECT_EQ(keelson("stop --root " + hosts_->root(1)).exit_code, 0);
  const Outcome off = status();
  EXPECT_EQ(off.exit_code, 1);
  EXPECT_THAT(
      off.output,
      StartsWith("NOT OK: keelson-redis does not run here; keelson-control-plane does not run "
                 "here; the API does not answer\n"));
  EXPECT_EQ(keelson("start --root " + hosts_->root(1)).exit_code, 0);
  until("OK");
}

void OperationsTest::certificates() {
  const std::string root = " --root " + hosts_->root(1);
  const Outcome before = keelson("certs check" + root);
  EXPECT_EQ(before.exit_code, 0) << before.output;
  for (const char* name : {"ca ", "apiserver ", "admin "})
    EXPECT_THAT(before.output, HasSubstr(name));
  EXPECT_THAT(keelson("certs check --root " + hosts_->root(2), 2).output,
              HasSubstr("node server "));

  const std::string pki = hosts_->root(1) + "/etc/keelson/pki/";
  const std::string old_ca = hosts::read_file(pki + "ca.crt"),
                    old = hosts::read_file(pki + "apiserver.crt");
  const std::string old_kubeconfig = hosts::read_file(hosts_->kubeconfig());
  std::ofstream(hosts_->root(1) + "/old.conf") << old_kubeconfig;
  const Outcome renewed = keelson("certs renew" + root);
  EXPECT_EQ(renewed.exit_code, 0) << renewed.output;
  EXPECT_EQ(hosts::read_file(pki + "ca.crt"), old_ca);
  EXPECT_NE(hosts::read_file(pki + "apiserver.crt"), old);
  EXPECT_NE(hosts::read_file(hosts_->kubeconfig()), old_kubeconfig);
  // The new administrator and the old one, whose certificate has not ended.
  EXPECT_EQ(keelson("get nodes").exit_code, 0);
  EXPECT_EQ(keelson("get nodes --kubeconfig " + hosts_->root(1) + "/old.conf").exit_code, 0);
  const Outcome refused = keelson("certs renew --root " + hosts_->root(2), 2);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.output, HasSubstr("a node renews its certificates by itself"));
  until("OK");
}

// A host that was a node is as it was before: its files, and the cgroups of its containers.
void OperationsTest::leaving() {
  const std::string pod =
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c",)"
      R"("image":"busybox:1.35","command":["sleep","1000"]}]}})";
  EXPECT_EQ(keelson("apply -f - <<< '" + pod + "'").exit_code, 0);
  const Outcome waited = keelson("wait --for=condition=Ready pod/p --timeout=30s");
  EXPECT_EQ(waited.exit_code, 0) << waited.output;
  std::string name = hosts_->root(2);
  std::replace(name.begin(), name.end(), '/', '-');
  const std::string cgroups = "find /sys/fs/cgroup -type d -name 'keelson" + name + "' | wc -l";
  EXPECT_NE(hosts::run(cgroups).output, "0\n");
  const Outcome gone = keelson("reset --force --root " + hosts_->root(2), 2);
  EXPECT_EQ(gone.exit_code, 0) << gone.output;
  EXPECT_EQ(hosts::run(cgroups).output, "0\n");
  EXPECT_EQ(hosts::run("ls -A " + hosts_->root(2) + "/etc").output, "");
}

// One cluster for all of it: to make one takes ten seconds.
TEST_F(OperationsTest, FiguresCertificatesAndStatus) {
  until("OK: nothing is wrong");
  EXPECT_EQ(status().exit_code, 0);
  figures();
  certificates();
  troubles();
  leaving();
}

}  // namespace
}  // namespace keelson::e2e
