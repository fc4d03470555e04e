// Services: cluster IPs and node ports, unique and kept.
#include "tests/apiserver/fixture.hpp"

#include <set>

namespace keelson::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ServiceTest : public ApiServerTest {};

TEST_F(ServiceTest, AddressesAreAllocated) {
  const auto plain = made(service_named("a"));
  EXPECT_THAT(plain->spec().cluster_ip(), StartsWith("10.96."));
  ASSERT_EQ(plain->spec().cluster_ips_size(), 1);
  EXPECT_EQ(plain->spec().cluster_ips(0), plain->spec().cluster_ip());
  EXPECT_EQ(plain->spec().ports(0).node_port(), 0);
  const auto port = made(service_named("b", "NodePort"));
  EXPECT_GE(port->spec().ports(0).node_port(), 30000);
  EXPECT_LE(port->spec().ports(0).node_port(), 32767);
  EXPECT_NE(port->spec().cluster_ip(), plain->spec().cluster_ip());
}

TEST_F(ServiceTest, HeadlessGetsNone) {
  api::Service service = service_named("a");
  service.mutable_spec()->set_cluster_ip("None");
  const auto stored = made(service);
  EXPECT_EQ(stored->spec().cluster_ip(), "None");
  EXPECT_EQ(stored->spec().cluster_ips(0), "None");
}

TEST_F(ServiceTest, ChosenAddressesAreChecked) {
  api::Service service = service_named("a", "NodePort");
  service.mutable_spec()->set_cluster_ip("10.96.0.77");
  service.mutable_spec()->mutable_ports(0)->set_node_port(30080);
  made(service);
  service.mutable_metadata()->set_name("b");
  const Response taken = create(service);
  EXPECT_EQ(taken.error.reason, Reason::invalid);
  EXPECT_THAT(taken.error.message,
              HasSubstr("failed to allocate IP 10.96.0.77: provided IP is already allocated"));
  EXPECT_THAT(taken.error.message,
              HasSubstr("spec.ports[0].nodePort: Invalid value: 30080: provided port is already "
                        "allocated"));
  service.mutable_spec()->set_cluster_ip("192.168.0.1");
  service.mutable_spec()->mutable_ports(0)->set_node_port(80);
  const Response outside = create(service);
  EXPECT_THAT(outside.error.message, HasSubstr("is not in the valid range"));
  EXPECT_THAT(outside.error.message, HasSubstr("The range of valid ports is 30000-32767"));
}

// Whatever the range has to say about it.
TEST_F(ServiceTest, AnAddressDoesNotChange) {
  const std::pair<std::string, std::string> services[] = {{"none", "None"}, {"one", "10.96.0.77"}};
  for (const auto& [name, first] : services) {
    api::Service service = service_named(name);
    service.mutable_spec()->set_cluster_ip(first);
    made(service);
    const Response changed = call(patching(Kind::services, name, api::PatchType::merge,
                                           R"({"spec":{"clusterIP":"192.168.0.1"}})"));
    EXPECT_EQ(changed.error.message, "Service \"" + name +
                                         "\" is invalid: spec.clusterIPs[0]: Invalid value: "
                                         "[]string{\"192.168.0.1\"}: may not change once set");
  }
}

TEST_F(ServiceTest, UpdatesKeepWhatWasAllocated) {
  const auto first = made(service_named("a", "NodePort"));
  api::Service changed = service_named("a", "NodePort");  // as a client that never saw the answer
  (*changed.mutable_spec()->mutable_selector())["app"] = "other";
  const Response response = put(changed);
  ASSERT_TRUE(response.ok()) << response.error.message;
  const auto& spec = response.object->as<api::Service>().spec();
  EXPECT_EQ(spec.cluster_ip(), first->spec().cluster_ip());
  EXPECT_EQ(spec.ports(0).node_port(), first->spec().ports(0).node_port());
}

TEST_F(ServiceTest, ChangingTheTypeAllocatesAndReleases) {
  api::Service service = *made(service_named("a"));
  service.mutable_spec()->set_type("NodePort");
  const Response opened = put(service);
  ASSERT_TRUE(opened.ok()) << opened.error.message;
  service = opened.object->as<api::Service>();
  const int32_t port = service.spec().ports(0).node_port();
  EXPECT_GE(port, 30000);
  // As "kubectl patch" does it: nothing but the type is named.
  const Response closed = call(
      patching(Kind::services, "a", api::PatchType::strategic, R"({"spec":{"type":"ClusterIP"}})"));
  ASSERT_TRUE(closed.ok()) << closed.error.message;
  EXPECT_EQ(closed.object->as<api::Service>().spec().ports(0).node_port(), 0);
  EXPECT_EQ(closed.object->as<api::Service>().spec().external_traffic_policy(), "");
}

TEST_F(ServiceTest, ABalancerThatBecomesSomethingElseDropsWhatIsABalancersOwn) {
  api::Service service = service_named("a", "LoadBalancer");
  service.mutable_spec()->set_load_balancer_class("example.com/lb");
  service.mutable_spec()->set_external_traffic_policy("Local");
  service.mutable_spec()->set_health_check_node_port(30111);
  service = *made(service);
  service.mutable_status()->mutable_load_balancer()->add_ingress()->set_ip("192.0.2.1");
  ASSERT_TRUE(put_status(service).ok());

  const auto become = [&](const std::string& type) {
    return call(patching(Kind::services, "a", api::PatchType::merge,
                         R"({"spec":{"type":")" + type + R"(","externalName":"example.com"}})"));
  };
  Response response = become("NodePort");
  ASSERT_TRUE(response.ok()) << response.error.message;
  api::Service now = response.object->as<api::Service>();
  EXPECT_EQ(now.spec().ports(0).node_port(), service.spec().ports(0).node_port());
  EXPECT_EQ(now.spec().external_traffic_policy(), "Local");
  EXPECT_EQ(now.spec().health_check_node_port(), 0);
  EXPECT_FALSE(now.spec().has_load_balancer_class());
  EXPECT_FALSE(now.spec().has_allocate_load_balancer_node_ports());
  EXPECT_EQ(now.status().load_balancer().ingress_size(), 0);

  response = become("ExternalName");
  ASSERT_TRUE(response.ok()) << response.error.message;
  now = response.object->as<api::Service>();
  EXPECT_EQ(now.spec().cluster_ip(), "");
  EXPECT_EQ(now.spec().cluster_ips_size(), 0);
  EXPECT_EQ(now.spec().ip_families_size(), 0);
  EXPECT_EQ(now.spec().external_traffic_policy(), "");
  EXPECT_EQ(now.spec().ports(0).node_port(), 0);
}

TEST_F(ServiceTest, WhatTheWriterChoseIsJudgedNotDropped) {
  made(service_named("a", "NodePort"));
  const Response response =
      call(patching(Kind::services, "a", api::PatchType::merge,
                    R"({"spec":{"type":"ClusterIP","externalTrafficPolicy":"Local",
                        "ports":[{"port":80,"nodePort":30080}]}})"));
  EXPECT_EQ(response.error.reason, Reason::invalid);
  EXPECT_THAT(response.error.message, HasSubstr("spec.ports[0].nodePort: Forbidden"));
  EXPECT_THAT(response.error.message, HasSubstr("spec.externalTrafficPolicy"));
}

TEST_F(ServiceTest, APortKeepsItsNodePortByItsName) {
  api::Service service = service_named("a", "NodePort");
  service.mutable_spec()->mutable_ports(0)->set_name("web");
  const int32_t had = made(service)->spec().ports(0).node_port();
  service.mutable_spec()->mutable_ports(0)->set_port(8080);
  auto* second = service.mutable_spec()->add_ports();
  second->set_name("more");
  second->set_port(80);
  const Response response = put(service);
  ASSERT_TRUE(response.ok()) << response.error.message;
  const auto& ports = response.object->as<api::Service>().spec().ports();
  EXPECT_EQ(ports[0].node_port(), had);
  EXPECT_NE(ports[1].node_port(), had);
  EXPECT_GE(ports[1].node_port(), 30000);
}

TEST_F(ServiceTest, ABalancerWithoutNodePortsMayStillChooseOne) {
  api::Service service = service_named("a", "LoadBalancer");
  service.mutable_spec()->set_allocate_load_balancer_node_ports(false);
  EXPECT_EQ(made(service)->spec().ports(0).node_port(), 0);
  service.mutable_metadata()->set_name("b");
  service.mutable_spec()->mutable_ports(0)->set_node_port(30080);
  made(service);
  service.mutable_metadata()->set_name("c");
  EXPECT_THAT(create(service).error.message, HasSubstr("provided port is already allocated"));
}

// Whatever runs at the same time, also through two servers, no address is given twice (EP-5).
TEST_F(ServiceTest, ManyAtOnceThroughTwoServersStayUnique) {
  options_.service_prefix = 27;  // few addresses, so that careless choices would collide
  restart();
  apiserver::ApiServer other(loop, memory, Rng(7), log, options_);
  other.start();
  loop.settle();
  std::set<std::string> addresses;
  std::set<int32_t> ports;
  int made_count = 0;
  for (int i = 0; i < 24; ++i) {
    auto request =
        api::create(api::make_object(service_named("s" + std::to_string(i), "NodePort")));
    (i % 2 ? *server : other).handle(std::move(request), [&](Response response) {
      if (!response.ok()) return;
      ++made_count;
      const auto& spec = response.object->as<api::Service>().spec();
      EXPECT_TRUE(addresses.insert(spec.cluster_ip()).second);
      EXPECT_TRUE(ports.insert(spec.ports(0).node_port()).second);
    });
  }
  loop.run_for(10s);
  EXPECT_EQ(made_count, 24);
}

TEST_F(ServiceTest, FullRangeSaysSo) {
  options_.service_prefix = 29;  // six usable addresses, one of them default/kubernetes'
  restart();
  loop.settle();
  for (int i = 0; i < 5; ++i) made(service_named("s" + std::to_string(i)));
  EXPECT_THAT(create(service_named("x")).error.message, HasSubstr("range is full"));
  ASSERT_TRUE(call(removal(Kind::services, "s3")).ok());
  EXPECT_TRUE(create(service_named("x")).ok());
}

}  // namespace
}  // namespace keelson::test
