// One asker that wants everything of a DNS server, and the others.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/network/dns_forwarder.hpp"
#include "runtime/network/dns_message.hpp"
#include "runtime/network/dns_server.hpp"
#include "runtime/network/fair_table.hpp"
#include "tests/runtime/network/namespaces.hpp"
#include "tests/runtime/network/service_objects.hpp"

namespace keelson::network {
namespace {

TEST(FairTable, SharesAndOrder) {
  FairTable<std::string, int> table({.size = 5, .share = 3});
  for (int i = 1; i <= 3; ++i) table.add("greedy", i);
  EXPECT_FALSE(table.may_add("greedy"));
  EXPECT_TRUE(table.may_add("modest"));
  const auto place = table.add("modest", 10);
  table.add("third", 20);
  EXPECT_TRUE(table.full());
  EXPECT_EQ(table.greediest(), 1);
  EXPECT_EQ(table.oldest_of("greedy"), 1);
  table.remove(place);
  EXPECT_EQ(table.size(), 4u);
  EXPECT_FALSE(table.full());
}

TEST(FairTable, AmongEqualsTheOldestGoes) {
  FairTable<std::string, int> table({.size = 2, .share = 1});
  const auto first = table.add("z", 1);
  table.add("a", 2);
  EXPECT_EQ(table.greediest(), 1);
  table.remove(first);
  EXPECT_EQ(table.greediest(), 2);
}

int udp_from(const std::string& ip) {
  const int fd = test::open_socket(SOCK_DGRAM, 0);
  const sockaddr_in6 own = test::address_of(ip, 0);
  EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
  return fd;
}

// The response code of what comes within three seconds; -1: nothing.
int answer_of(int fd) {
  pollfd wait{fd, POLLIN, 0};
  char buffer[4096];
  if (poll(&wait, 1, 3000) <= 0) return -1;
  const auto n = recv(fd, buffer, sizeof buffer, 0);
  return n > 0 ? response_code(std::string_view(buffer, static_cast<std::size_t>(n))) : -1;
}

// A server whose upstream hears everything and says something only when told to.
class DnsGreedTest : public testing::Test {
 protected:
  void SetUp() override {
    silent_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(bind(silent_, reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
    socklen_t size = sizeof own;
    ASSERT_EQ(getsockname(silent_, reinterpret_cast<sockaddr*>(&own), &size), 0);
    upstream_ = "127.0.0.1#" + std::to_string(ntohs(own.sin_port));
    core_.emplace();
    core_->run([&] {
      rules_.emplace("n1");
      rules_->on_service(nullptr, api::make_object(test::service("web", "10.96.0.20")));
      make_server();
    });
  }
  void TearDown() override {
    core_->run([&] {
      server_.reset();
      rules_.reset();
    });
    core_.reset();
    close(silent_);
  }
  void make_server() {
    server_.emplace(core_->loop(), log_, *rules_, Rng(2),
                    DnsServerOptions{.address = "127.0.0.1",
                                     .port = 0,
                                     .upstreams = {upstream_},
                                     .upstream_timeout = std::chrono::seconds(20)});
    const Status started = server_->start();
    EXPECT_TRUE(started.ok()) << started.message();
    port_ = server_->port();
  }
  void ask(int fd, const std::string& name) {
    const std::string question = write_question(7, name, dns_type::a);
    const sockaddr_in6 to = test::address_of("127.0.0.1", port_);
    EXPECT_GT(sendto(fd, question.data(), question.size(), 0, reinterpret_cast<const sockaddr*>(&to),
                     sizeof to), 0);
  }
  // `count` questions, none of which is lost on the way.
  void flood(int fd, std::size_t count) {
    for (std::size_t i = 1; i <= count; ++i) {
      ask(fd, "flood.example");
      ++sent_;
      if (i % 50 == 0 || i == count) {
        EXPECT_TRUE(test::eventually([&] { return queries() == sent_; }));
        char heard[512];  // or the upstream's queue is full
        while (recv(silent_, heard, sizeof heard, MSG_DONTWAIT) > 0) continue;
      }
    }
  }
  uint64_t queries() {
    return core_->run([&] { return server_->counters().queries; });
  }
  uint64_t failed() {
    return core_->run([&] { return server_->counters().failed; });
  }
  // Reads what the upstream is asked until `name` comes, and answers that.
  bool upstream_answers(const std::string& name) {
    for (;;) {
      pollfd wait{silent_, POLLIN, 0};
      if (poll(&wait, 1, 3000) <= 0) return false;
      char buffer[4096];
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      const auto n = recvfrom(silent_, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (n <= 0) return false;
      std::string question(buffer, static_cast<std::size_t>(n));
      const auto parsed = parse_question(question);
      if (!parsed || parsed->question.name != name) continue;
      question[2] = static_cast<char>(question[2] | 0x80);
      return sendto(silent_, question.data(), question.size(), 0,
                    reinterpret_cast<const sockaddr*>(&from), size) > 0;
    }
  }

  NullLog log_;
  int silent_ = -1, port_ = 0;
  std::string upstream_;
  uint64_t sent_ = 0;
  std::optional<test::Node> core_;
  std::optional<proxy::ServiceRules> rules_;
  std::optional<DnsServer> server_;
};

TEST_F(DnsGreedTest, OneAskersFloodLeavesOthersTheirAnswers) {
  const int greedy = udp_from("127.0.0.2"), modest = udp_from("127.0.0.3");
  flood(greedy, 1500);
  EXPECT_TRUE(test::eventually([&] { return failed() == 1500 - DnsForwarder::kShare; })) << failed();
  ask(modest, "modest.example");
  EXPECT_TRUE(upstream_answers("modest.example"));
  EXPECT_EQ(answer_of(modest), 0);
  close(greedy);
  close(modest);
}

TEST_F(DnsGreedTest, ManyGreedyOnesGiveWayToTheNext) {
  const std::size_t askers = DnsForwarder::kPendingMax / DnsForwarder::kShare;
  for (std::size_t i = 0; i < askers; ++i) {
    const int greedy = udp_from("127.0.0." + std::to_string(10 + i));
    flood(greedy, DnsForwarder::kShare);
    close(greedy);
  }
  EXPECT_EQ(failed(), 0u);
  const int modest = udp_from("127.0.0.3");
  ask(modest, "modest.example");
  EXPECT_TRUE(upstream_answers("modest.example"));
  EXPECT_EQ(answer_of(modest), 0);
  EXPECT_EQ(failed(), 1u);  // the oldest of one of them
  close(modest);
}

// A connection from `ip`; -1: refused.
int tcp_from(const std::string& ip, int port) {
  const int fd = test::open_socket(SOCK_STREAM, 0);
  const sockaddr_in6 own = test::address_of(ip, 0), to = test::address_of("127.0.0.1", port);
  EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
  EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  return fd;
}

std::string framed_question() {
  const std::string question = write_question(9, "web.default.svc.cluster.local", dns_type::a);
  return std::string{static_cast<char>(question.size() >> 8), static_cast<char>(question.size())} + question;
}

bool answered(int fd) {
  const std::string question = framed_question();
  if (send(fd, question.data(), question.size(), MSG_NOSIGNAL) <= 0) return false;
  pollfd wait{fd, POLLIN, 0};
  char buffer[4096];
  return poll(&wait, 1, 3000) > 0 && recv(fd, buffer, sizeof buffer, 0) > 2;
}

TEST_F(DnsGreedTest, IdleConnectionsOfOneLeaveOthersTheirs) {
  std::vector<int> idle;
  // More than a table of 256 takes, from one address; and then from ten more.
  for (int i = 0; i < 300; ++i) idle.push_back(tcp_from("127.0.0.2", port_));
  const int early = tcp_from("127.0.0.3", port_);
  EXPECT_TRUE(answered(early));
  for (int i = 0; i < 300; ++i) {
    idle.push_back(tcp_from("127.0.0." + std::to_string(10 + i % 10), port_));
  }
  const int late = tcp_from("127.0.0.4", port_);
  EXPECT_TRUE(answered(late));
  EXPECT_TRUE(answered(early));         // who has one only keeps it
  EXPECT_TRUE(answered(idle[299]));     // the newest of the greedy one, too
  EXPECT_FALSE(answered(idle.front()));  // its oldest made place
  for (const int fd : idle) close(fd);
  close(early);
  close(late);
}

// Questions that have been read when the server is closed, at each point between the reading and the
// answer: the rules may be gone then.
TEST_F(DnsGreedTest, WhatWasReadBeforeTheEndIsNotAnswered) {
  for (int hops = 0; hops < 12; ++hops) {
    const int fd = tcp_from("127.0.0.1", port_);
    // The connection has been accepted, and waits.
    EXPECT_TRUE(answered(fd));
    const std::string question = framed_question();
    uint64_t at_end = 0;
    std::promise<void> over;
    std::function<void(int)> hop = [&](int left) {
      if (left > 0) return boost::asio::post(core_->loop().context(), [&hop, left] { hop(left - 1); });
      EXPECT_TRUE(server_->erase().ok());
      at_end = server_->counters().queries;
      over.set_value();
    };
    core_->run([&] {
      EXPECT_GT(send(fd, question.data(), question.size(), MSG_NOSIGNAL), 0);
      hop(hops);
    });
    over.get_future().wait();
    for (int i = 0; i < 10; ++i) core_->run([] {});
    EXPECT_EQ(queries(), at_end) << hops;
    close(fd);
    core_->run([&] {
      server_.reset();
      make_server();
    });
  }
}

}  // namespace
}  // namespace keelson::network
