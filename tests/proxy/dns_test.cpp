#include "core/proxy/dns.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/proxy/builders.hpp"

namespace keelson::proxy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Type = DnsRecord::Type;

class DnsTest : public testing::Test {
 protected:
  void add(const api::Service& service) {
    rules.on_service(nullptr, api::make_object(service, {1, ++revision}));
  }
  void add(const api::EndpointSlice& slice) {
    rules.on_slice(nullptr, api::make_object(slice, {1, ++revision}));
  }
  std::vector<std::string> values(std::string_view name, Type type) {
    std::vector<std::string> result;
    for (const DnsRecord& record : dns.resolve(name, type).records) result.push_back(record.value);
    return result;
  }
  void add_headless() {
    api::Service headless = test::service("db");
    headless.mutable_spec()->set_cluster_ip("None");
    add(headless);
    test::Backend named{"10.0.0.1", "n1"};
    named.hostname = "db-0";
    test::Backend unready{"10.0.0.3", "n1", false};
    add(test::slice("db-1", "db", {named, {"10.0.0.2", "n2"}, unready}));
  }

  ServiceRules rules{"n1"};
  ClusterDns dns{rules};
  uint64_t revision = 0;
};

TEST_F(DnsTest, a_service_is_its_cluster_ip) {
  add(test::service("web"));
  const DnsAnswer answer = dns.resolve("Web.Default.svc.cluster.local.", Type::a);
  ASSERT_EQ(answer.records.size(), 1u);
  EXPECT_EQ(answer.records[0].name, "web.default.svc.cluster.local.");
  EXPECT_EQ(answer.records[0].value, "10.96.0.10");
  EXPECT_EQ(answer.records[0].ttl, 5u);
  const DnsAnswer six = dns.resolve("web.default.svc.cluster.local", Type::aaaa);
  EXPECT_TRUE(six.exists) << "the name is there, an address of that kind is not";
  EXPECT_THAT(six.records, IsEmpty());
}

TEST_F(DnsTest, unknown_names_do_not_exist) {
  add(test::service("web"));
  for (const char* name : {"nope.default.svc.cluster.local", "web.other.svc.cluster.local",
                           "default.svc.cluster.local", "web.default.svc.example.com", "web", "",
                           "a.b.c.web.default.svc.cluster.local",
                           "host.web.default.svc.cluster.local"}) {
    EXPECT_FALSE(dns.resolve(name, Type::a).exists) << name;
  }
}

TEST_F(DnsTest, a_headless_service_is_its_ready_endpoints) {
  add_headless();
  EXPECT_THAT(values("db.default.svc.cluster.local", Type::a),
              ElementsAre("10.0.0.1", "10.0.0.2"));
  EXPECT_THAT(values("db-0.db.default.svc.cluster.local", Type::a), ElementsAre("10.0.0.1"));
  EXPECT_THAT(values("10-0-0-2.db.default.svc.cluster.local", Type::a), ElementsAre("10.0.0.2"));
  EXPECT_FALSE(dns.resolve("db-7.db.default.svc.cluster.local", Type::a).exists);
}

TEST_F(DnsTest, ports_are_srv_records) {
  add(test::service("web"));
  add_headless();
  const auto plain = dns.resolve("_http._tcp.web.default.svc.cluster.local", Type::srv);
  ASSERT_EQ(plain.records.size(), 1u);
  EXPECT_EQ(plain.records[0].port, 80);
  EXPECT_EQ(plain.records[0].value, "web.default.svc.cluster.local.");
  const auto headless = dns.resolve("_http._tcp.db.default.svc.cluster.local", Type::srv);
  ASSERT_EQ(headless.records.size(), 2u);
  EXPECT_EQ(headless.records[0].value, "10-0-0-2.db.default.svc.cluster.local.");
  EXPECT_EQ(headless.records[1].value, "db-0.db.default.svc.cluster.local.");
  EXPECT_EQ(headless.records[1].port, 8080);
  EXPECT_FALSE(dns.resolve("_http._udp.web.default.svc.cluster.local", Type::srv).exists);
}

TEST_F(DnsTest, an_external_name_is_an_alias) {
  api::Service alias = test::service("outside");
  alias.mutable_spec()->set_type("ExternalName");
  alias.mutable_spec()->set_external_name("db.example.com");
  alias.mutable_spec()->clear_cluster_ip();
  add(alias);
  const auto answer = dns.resolve("outside.default.svc.cluster.local", Type::a);
  ASSERT_EQ(answer.records.size(), 1u);
  EXPECT_EQ(answer.records[0].type, Type::cname);
  EXPECT_EQ(answer.records[0].value, "db.example.com.");
}

TEST_F(DnsTest, addresses_have_names) {
  add(test::service("web"));
  EXPECT_THAT(values("10.0.96.10.in-addr.arpa.", Type::ptr),
              ElementsAre("web.default.svc.cluster.local."));
  EXPECT_FALSE(dns.resolve("11.0.96.10.in-addr.arpa.", Type::ptr).exists);
}

TEST_F(DnsTest, endpoints_of_headless_services_have_names_too) {
  add_headless();
  EXPECT_THAT(values("1.0.0.10.in-addr.arpa", Type::ptr),
              ElementsAre("db-0.db.default.svc.cluster.local."));
  EXPECT_THAT(values("2.0.0.10.in-addr.arpa", Type::ptr),
              ElementsAre("10-0-0-2.db.default.svc.cluster.local."));
  EXPECT_FALSE(dns.resolve("3.0.0.10.in-addr.arpa", Type::ptr).exists) << "not ready";
}

TEST_F(DnsTest, the_weights_of_many_targets_do_not_vanish) {
  api::Service headless = test::service("db");
  headless.mutable_spec()->set_cluster_ip("None");
  add(headless);
  std::vector<test::Backend> many;
  for (int i = 1; i <= 150; ++i) many.push_back({"10.0.1." + std::to_string(i), "n1"});
  add(test::slice("db-1", "db", many));
  const auto answer = dns.resolve("_http._tcp.db.default.svc.cluster.local", Type::srv);
  ASSERT_EQ(answer.records.size(), 150u);
  EXPECT_EQ(answer.records[0].weight, 1);
}

}  // namespace
}  // namespace keelson::proxy
