// The DNS server on real sockets of this host, and at the cluster's address in a namespace.
#include "runtime/network/dns_server.hpp"

#include <gmock/gmock.h>

#include <optional>

#include "runtime/network/dns_forwarder.hpp"
#include "runtime/network/dns_message.hpp"
#include "runtime/network/links.hpp"
#include "tests/runtime/network/cluster_fixture.hpp"
#include "tests/runtime/network/service_objects.hpp"

namespace keelson::network {
namespace {

using proxy::DnsRecord;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Answer {
  int code = -1;  // -1: none came
  bool truncated = false;
  bool soa = false;
  std::vector<std::string> values;
};

std::string exchange_tcp(const sockaddr_in6& to, const std::string& question) {
  const int fd = test::open_socket(SOCK_STREAM, 0);
  const timeval patience{3, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::string answer;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) {
    std::string framed{static_cast<char>(question.size() >> 8), static_cast<char>(question.size())};
    framed += question;
    // In two pieces, as a network may deliver it.
    if (write(fd, framed.data(), 5) == 5 && write(fd, framed.data() + 5, framed.size() - 5) > 0) {
      char buffer[65537];
      std::size_t size = 0;
      for (;;) {
        const auto n = read(fd, buffer + size, sizeof buffer - size);
        if (n <= 0) break;
        size += static_cast<std::size_t>(n);
        const std::size_t wanted = size < 2 ? 3
                                            : 2 + (static_cast<std::size_t>(static_cast<uint8_t>(buffer[0])) << 8 |
                                                   static_cast<uint8_t>(buffer[1]));
        if (size >= wanted) {
          answer.assign(buffer + 2, wanted - 2);
          break;
        }
      }
    }
  }
  close(fd);
  return answer;
}

std::string exchange_udp(const sockaddr_in6& to, const std::string& question, int patience_ms) {
  const int fd = test::open_socket(SOCK_DGRAM, 0);
  std::string answer;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 &&
      send(fd, question.data(), question.size(), 0) > 0) {
    pollfd wait{fd, POLLIN, 0};
    char buffer[65536];
    if (poll(&wait, 1, patience_ms) > 0) {
      const auto n = read(fd, buffer, sizeof buffer);
      if (n > 0) answer.assign(buffer, static_cast<std::size_t>(n));
    }
  }
  close(fd);
  return answer;
}

Answer read_answer(const std::string& bytes) {
  Answer answer;
  answer.code = response_code(bytes);
  if (answer.code < 0) return answer;
  answer.truncated = is_truncated(bytes);
  answer.soa = bytes[9] == 1;
  for (const DnsRecord& record : parse_answer(bytes)) answer.values.push_back(record.value);
  return answer;
}

Answer resolve(int port, const std::string& name, uint16_t type = dns_type::a, bool tcp = false,
               const std::string& ip = "127.0.0.1") {
  const std::string question = write_question(0x4711, name, type);
  const sockaddr_in6 to = test::address_of(ip, port);
  return read_answer(tcp ? exchange_tcp(to, question) : exchange_udp(to, question, 3000));
}

// What an upstream has that the server under test asks: a second server, of the domain "example".
class DnsServerTest : public testing::Test {
 protected:
  void SetUp() override {
    core_.emplace();
    core_->run([&] {
      upstream_rules_.emplace("up");
      auto there = test::service("www", "192.0.2.80");
      upstream_rules_->on_service(nullptr, api::make_object(there));
      upstream_.emplace(core_->loop(), log_, *upstream_rules_, Rng(1),
                        DnsServerOptions{.address = "127.0.0.1", .port = 0, .domain = "example",
                                         .resolv_conf = "/nowhere"});
      EXPECT_TRUE(upstream_->start().ok());
      rules_.emplace("n1");
      rules_->on_service(nullptr, api::make_object(test::service("web", "10.96.0.20")));
      auto headless = test::service("db", "None");
      headless.mutable_spec()->clear_cluster_ips();
      rules_->on_service(nullptr, api::make_object(headless));
      std::vector<test::TestEndpoint> many;
      for (int i = 1; i <= 100; ++i) many.push_back({"10.244.1." + std::to_string(i), "n1"});
      rules_->on_slice(nullptr, api::make_object(test::slice("db", many)));
      auto alias = test::service("alias", "");
      alias.mutable_spec()->set_type("ExternalName");
      alias.mutable_spec()->clear_cluster_ips();
      alias.mutable_spec()->set_external_name("www.default.svc.example");
      rules_->on_service(nullptr, api::make_object(alias));
      alias = test::service("inner", "");
      alias.mutable_spec()->set_type("ExternalName");
      alias.mutable_spec()->clear_cluster_ips();
      alias.mutable_spec()->set_external_name("web.default.svc.cluster.local");
      rules_->on_service(nullptr, api::make_object(alias));
      server_.emplace(core_->loop(), log_, *rules_, Rng(2),
                      DnsServerOptions{.address = "127.0.0.1",
                                       .port = 0,
                                       // The first does not answer: nothing listens at port 1.
                                       .upstreams = {"127.0.0.1#1", "127.0.0.1#" + std::to_string(
                                                                                      upstream_->port())}});
      server_->set_synced([this] { return synced_.load(); });
      const Status started = server_->start();
      EXPECT_TRUE(started.ok()) << started.message();
      port_ = server_->port();
    });
  }
  void TearDown() override {
    core_->run([&] {
      server_.reset();
      upstream_.reset();
      rules_.reset();
      upstream_rules_.reset();
    });
  }
  NullLog log_;
  std::atomic<bool> synced_ = true;
  std::optional<test::Node> core_;
  std::optional<proxy::ServiceRules> rules_, upstream_rules_;
  std::optional<DnsServer> server_, upstream_;
  int port_ = 0;
};

TEST_F(DnsServerTest, AnswersForTheCluster) {
  for (const bool tcp : {false, true}) {
    const Answer web = resolve(port_, "Web.default.svc.CLUSTER.local", dns_type::a, tcp);
    EXPECT_EQ(web.code, 0);
    EXPECT_THAT(web.values, ElementsAre("10.96.0.20"));
    const Answer six = resolve(port_, "web.default.svc.cluster.local", dns_type::aaaa, tcp);
    EXPECT_EQ(six.code, 0);
    EXPECT_THAT(six.values, IsEmpty());
    EXPECT_TRUE(six.soa);
    // What search domains and ndots:5 make of a name: the wrong ones must be denied.
    const Answer none = resolve(port_, "web.default.svc.cluster.local.default.svc.cluster.local", dns_type::a, tcp);
    EXPECT_EQ(none.code, 3);
    EXPECT_TRUE(none.soa);
  }
  EXPECT_EQ(resolve(port_, "svc.cluster.local").code, 0);
  EXPECT_EQ(resolve(port_, "web.default.svc.cluster.local", 16 /* TXT */).code, 0);
  EXPECT_EQ(resolve(port_, "web.default.svc.cluster.local", 252 /* AXFR */).code, 5);
  EXPECT_EQ(resolve(port_, "20.0.96.10.in-addr.arpa", dns_type::ptr).code, 0);
  synced_ = false;
  EXPECT_EQ(resolve(port_, "web.default.svc.cluster.local").code, 2);
}

TEST_F(DnsServerTest, LargeAnswersGoByTcp) {
  const Answer udp = resolve(port_, "db.default.svc.cluster.local");
  EXPECT_TRUE(udp.truncated);
  EXPECT_LT(udp.values.size(), 100u);
  const Answer tcp = resolve(port_, "db.default.svc.cluster.local", dns_type::a, true);
  EXPECT_FALSE(tcp.truncated);
  EXPECT_EQ(tcp.values.size(), 100u);
}

TEST_F(DnsServerTest, AsksUpstreamsAboutTheRestAndFollowsAliases) {
  for (const bool tcp : {false, true}) {
    EXPECT_THAT(resolve(port_, "www.default.svc.example", dns_type::a, tcp).values,
                ElementsAre("192.0.2.80"));
    EXPECT_EQ(resolve(port_, "none.default.svc.example", dns_type::a, tcp).code, 3);
  }
  EXPECT_THAT(resolve(port_, "alias.default.svc.cluster.local").values,
              ElementsAre("www.default.svc.example.", "192.0.2.80"));
  EXPECT_THAT(resolve(port_, "inner.default.svc.cluster.local").values,
              ElementsAre("web.default.svc.cluster.local.", "10.96.0.20"));
  // The upstream has none of its own.
  EXPECT_EQ(resolve(port_, "example.com").code, 2);
}

TEST_F(DnsServerTest, RubbishIsDroppedOrRefused) {
  const sockaddr_in6 to = test::address_of("127.0.0.1", port_);
  EXPECT_EQ(exchange_udp(to, "x", 100), "");
  std::string answer = write_question(1, "web.default.svc.cluster.local", dns_type::a);
  answer[2] = static_cast<char>(0x81);  // answers are not answered
  EXPECT_EQ(exchange_udp(to, answer, 100), "");
  std::string update = write_question(1, "cluster.local", dns_type::soa);
  update[2] = 0x28;
  EXPECT_EQ(read_answer(exchange_udp(to, update, 3000)).code, 4);
  std::string cut = write_question(1, "web.default.svc.cluster.local", dns_type::a);
  EXPECT_EQ(read_answer(exchange_udp(to, cut.substr(0, 20), 3000)).code, 1);
  EXPECT_EQ(resolve(port_, "web.default.svc.cluster.local").code, 0);
}

TEST_F(DnsServerTest, AnAddressThatIsTakenIsAnError) {
  core_->run([&] {
    DnsServer second(core_->loop(), log_, *rules_, Rng(3),
                     DnsServerOptions{.address = "127.0.0.1", .port = static_cast<uint16_t>(port_)});
    EXPECT_EQ(second.start().code(), Code::unavailable);
    DnsServer wrong(core_->loop(), log_, *rules_, Rng(3), DnsServerOptions{.address = "dns"});
    EXPECT_EQ(wrong.start().code(), Code::invalid);
  });
}

TEST(Upstreams, AreReadFromResolvConf) {
  char path[] = "/tmp/keelson-resolv-XXXXXX";
  const int fd = mkstemp(path);
  const std::string text =
      "# comment\nsearch a b\nnameserver 10.96.0.10\nnameserver 192.0.2.1\nnameserver fd00::1\n"
      "nameserver fe80::1%eth0\nnameserver nonsense\n";
  EXPECT_EQ(write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  close(fd);
  std::vector<std::string> found;
  for (const Upstream& one : read_resolv_conf(path, "10.96.0.10")) found.push_back(one.ip);
  unlink(path);
  EXPECT_THAT(found, ElementsAre("192.0.2.1", "fd00::1"));
  EXPECT_EQ(parse_upstream("10.0.0.1#5353")->port, 5353);
  for (const char* wrong : {"", "x", "10.0.0.1#", "10.0.0.1#0", "10.0.0.1#65536", "10.0.0.1#5x"}) {
    EXPECT_FALSE(parse_upstream(wrong).ok()) << wrong;
  }
}

// Port 0 is any that both UDP and TCP have: here one of two is taken for TCP.
TEST_F(DnsServerTest, AnyPortIsFreeForBoth) {
  if (geteuid() != 0) GTEST_SKIP() << "network namespaces need root";
  const test::Host host;
  if (!host.usable()) GTEST_SKIP() << "this root may not make network namespaces";
  host.sh("echo 40000 40001 > /proc/sys/net/ipv4/ip_local_port_range");
  const test::Echo taken(host, "taken", 40000);
  test::Node core(host);
  for (int i = 0; i < 10; ++i) {
    core.run([&] {
      proxy::ServiceRules rules("n1");
      DnsServer server(core.loop(), log_, rules, Rng(1),
                       {.address = "127.0.0.1", .port = 0, .upstreams = {"127.0.0.1#1"}});
      const Status started = server.start();
      EXPECT_TRUE(started.ok()) << started.message();
      EXPECT_EQ(server.port(), 40001);
    });
  }
}

class ClusterDnsTest : public test::ClusterTest {};

TEST_F(ClusterDnsTest, PodsReachTheirOwnNodesServer) {
  NullLog log;
  test::Node core(host(1));
  std::optional<proxy::ServiceRules> rules;
  std::optional<DnsServer> server;
  core.run([&] {
    rules.emplace("n1");
    rules->on_service(nullptr, api::make_object(test::service("web", "10.96.0.20")));
    server.emplace(core.loop(), log, *rules, Rng(1),
                   DnsServerOptions{.own_address = true, .upstreams = {"192.168.7.9"}});
    const Status started = server->start();
    EXPECT_TRUE(started.ok()) << started.message();
  });
  const auto client = pod(1, 11);
  for (const bool tcp : {false, true}) {
    const Answer web = client->inside([&] {
      return resolve(53, "web.default.svc.cluster.local", dns_type::a, tcp, "10.96.0.10");
    });
    EXPECT_THAT(web.values, ElementsAre("10.96.0.20"));
  }
  EXPECT_THAT(client->sh("busybox nslookup web.default.svc.cluster.local 10.96.0.10"),
              HasSubstr("10.96.0.20"));
  EXPECT_TRUE(core.run([&] { return server->erase().ok(); }));
  EXPECT_EQ(host(1).sh("ip addr show dev lo").find("10.96.0.10"), std::string::npos);
  core.run([&] {
    server.reset();
    rules.reset();
  });
}

}  // namespace
}  // namespace keelson::network
