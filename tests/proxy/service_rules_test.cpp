#include "core/proxy/service_rules.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/proxy/builders.hpp"

namespace keelson::proxy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Outcome = Route::Outcome;

class ServiceRulesTest : public testing::Test {
 protected:
  template <class M>
  api::ObjectPtr commit(M message) {
    return api::make_object(std::move(message), {1, ++revision});
  }
  void set_service(const api::Service& message) {
    const auto after = commit(message);
    rules.on_service(service, after);
    service = after;
  }
  void set_slice(const api::EndpointSlice& message) {
    const auto after = commit(message);
    api::ObjectPtr& current = slices[message.metadata().name()];
    rules.on_slice(current, after);
    current = after;
  }
  Route route(const std::string& client = "10.0.9.9") {
    return rules.route({client, "10.96.0.10", 80}, now, rng);
  }
  // How often each backend is chosen in so many tries.
  std::map<std::string, int> spread(const Flow& flow, int tries = 600) {
    std::map<std::string, int> counts;
    for (int i = 0; i < tries; ++i) {
      const Route r = rules.route(flow, now, rng);
      if (r.outcome == Outcome::routed) ++counts[r.endpoint->ip + ":" + std::to_string(r.port)];
    }
    return counts;
  }

  ServiceRules rules{"n1"};
  Rng rng{5};
  Instant now{std::chrono::seconds(1000)};
  uint64_t revision = 0;
  api::ObjectPtr service;
  std::map<std::string, api::ObjectPtr> slices;
};

TEST_F(ServiceRulesTest, spreads_connections_evenly_over_ready_endpoints) {
  set_service(test::service("web"));
  set_slice(test::slice("web-1", "web",
                        {{"10.0.0.1", "n1"}, {"10.0.0.2", "n2"}, {"10.0.0.3", "n2", false}}));
  set_slice(test::slice("web-2", "web", {{"10.0.0.4", "n3"}}));
  const auto counts = spread({"10.0.9.9", "10.96.0.10", 80});
  ASSERT_EQ(counts.size(), 3u);
  for (const auto& [backend, count] : counts) EXPECT_GT(count, 150) << backend;
  EXPECT_TRUE(counts.contains("10.0.0.4:8080"));
  EXPECT_EQ(rules.route({"c", "10.96.0.10", 81}, now, rng).outcome, Outcome::no_service);
  EXPECT_EQ(rules.route({"c", "10.96.0.11", 80}, now, rng).outcome, Outcome::no_service);
  EXPECT_EQ(rules.route({"c", "10.96.0.10", 80, "UDP"}, now, rng).outcome, Outcome::no_service);
}

TEST_F(ServiceRulesTest, refuses_when_there_is_nothing_behind_the_address) {
  set_service(test::service("web"));
  EXPECT_EQ(route().outcome, Outcome::no_endpoints);
  set_slice(test::slice("web-1", "web", {{"10.0.0.1", "n1"}}));
  EXPECT_EQ(route().outcome, Outcome::routed);
  set_slice(test::slice("web-1", "web", {}));
  EXPECT_EQ(route().outcome, Outcome::no_endpoints);
  rules.on_service(service, nullptr);
  EXPECT_EQ(route().outcome, Outcome::no_service);
}

TEST_F(ServiceRulesTest, the_order_of_services_and_slices_does_not_matter) {
  set_slice(test::slice("web-1", "web", {{"10.0.0.1", "n1"}}));
  EXPECT_EQ(route().outcome, Outcome::no_service);
  set_service(test::service("web"));
  EXPECT_EQ(route().outcome, Outcome::routed);
  rules.on_slice(slices["web-1"], nullptr);
  EXPECT_EQ(route().outcome, Outcome::no_endpoints);
}

TEST_F(ServiceRulesTest, falls_back_to_terminating_endpoints_when_nothing_is_ready) {
  set_service(test::service("web"));
  test::Backend ending{"10.0.0.2", "n1", false};
  ending.serving = ending.terminating = true;
  test::Backend broken{"10.0.0.3", "n1", false};
  broken.terminating = true;
  set_slice(test::slice("web-1", "web", {{"10.0.0.1", "n1"}, ending, broken}));
  EXPECT_THAT(spread({"c", "10.96.0.10", 80}, 50), ElementsAre(testing::Key("10.0.0.1:8080")));
  set_slice(test::slice("web-1", "web", {ending, broken}));
  EXPECT_THAT(spread({"c", "10.96.0.10", 80}, 50), ElementsAre(testing::Key("10.0.0.2:8080")));
  EXPECT_TRUE(route().endpoint->terminating);
}

TEST_F(ServiceRulesTest, keeps_clients_at_their_backend_with_session_affinity) {
  api::Service message = test::service("web");
  message.mutable_spec()->set_session_affinity("ClientIP");
  message.mutable_spec()->mutable_session_affinity_config()->mutable_client_ip()
      ->set_timeout_seconds(60);
  set_service(message);
  std::vector<test::Backend> backends;
  for (int i = 1; i <= 8; ++i) backends.push_back({"10.0.0." + std::to_string(i), "n1"});
  set_slice(test::slice("web-1", "web", backends));
  const std::string first = route("10.0.9.1").endpoint->ip;
  for (int i = 0; i < 30; ++i) {
    now += 50s;  // each connection renews the session
    const Route again = route("10.0.9.1");
    EXPECT_EQ(again.endpoint->ip, first);
    EXPECT_TRUE(again.sticky);
  }
  // Others are spread, and an expired session is too.
  std::map<std::string, int> seen;
  for (int i = 0; i < 100; ++i) ++seen[route("10.0.8." + std::to_string(i)).endpoint->ip];
  EXPECT_EQ(seen.size(), 8u);
  bool moved = false;
  for (int i = 0; i < 20; ++i) {
    now += 60s;
    moved |= route("10.0.9.1").endpoint->ip != first;
  }
  EXPECT_TRUE(moved);

  const std::string current = route("10.0.9.1").endpoint->ip;
  std::erase_if(backends, [&](const test::Backend& b) { return b.ip == current; });
  set_slice(test::slice("web-1", "web", backends));
  const Route rerouted = route("10.0.9.1");
  ASSERT_EQ(rerouted.outcome, Outcome::routed);
  EXPECT_NE(rerouted.endpoint->ip, current);
  EXPECT_FALSE(rerouted.sticky);
}

TEST_F(ServiceRulesTest, internal_traffic_policy_local_stays_on_the_node) {
  api::Service message = test::service("web");
  message.mutable_spec()->set_internal_traffic_policy("Local");
  set_service(message);
  set_slice(test::slice("web-1", "web", {{"10.0.0.1", "n1"}, {"10.0.0.2", "n2"}}));
  EXPECT_THAT(spread({"c", "10.96.0.10", 80}, 50), ElementsAre(testing::Key("10.0.0.1:8080")));
  set_slice(test::slice("web-1", "web", {{"10.0.0.2", "n2"}}));
  EXPECT_EQ(route().outcome, Outcome::no_local);
}

TEST_F(ServiceRulesTest, external_traffic_policy_local_concerns_outsiders_only) {
  api::Service message = test::service("web");
  message.mutable_spec()->set_type("NodePort");
  message.mutable_spec()->mutable_ports(0)->set_node_port(30080);
  message.mutable_spec()->set_external_traffic_policy("Local");
  message.mutable_spec()->add_external_ips("192.0.2.7");
  set_service(message);
  test::Backend ending{"10.0.0.3", "n1", false};
  ending.serving = ending.terminating = true;
  set_slice(test::slice("web-1", "web", {{"10.0.0.1", "n1"}, {"10.0.0.2", "n2"}, ending}));
  Flow outside{"198.51.100.1", "", 30080, "TCP", true};
  EXPECT_THAT(spread(outside, 50), ElementsAre(testing::Key("10.0.0.1:8080")));
  EXPECT_EQ(spread({"10.0.9.9", "", 30080}).size(), 2u) << "pods are let through to all";
  EXPECT_EQ(spread({"10.0.9.9", "10.96.0.10", 80}).size(), 2u);
  Flow by_ip{"198.51.100.1", "192.0.2.7", 80, "TCP", true};
  EXPECT_THAT(spread(by_ip, 50), ElementsAre(testing::Key("10.0.0.1:8080")));
  // The local one ends: its terminating neighbour is better than dropping the connection
  // (KEP-1669).
  set_slice(test::slice("web-1", "web", {{"10.0.0.2", "n2"}, ending}));
  EXPECT_THAT(spread(outside, 50), ElementsAre(testing::Key("10.0.0.3:8080")));
  set_slice(test::slice("web-1", "web", {{"10.0.0.2", "n2"}}));
  EXPECT_EQ(rules.route(outside, now, rng).outcome, Outcome::no_local);
}

TEST_F(ServiceRulesTest, notices_a_client_that_is_its_own_backend) {
  set_service(test::service("web"));
  set_slice(test::slice("web-1", "web", {{"10.0.0.1", "n1"}}));
  EXPECT_TRUE(route("10.0.0.1").hairpin);
  EXPECT_FALSE(route("10.0.0.2").hairpin);
}

TEST_F(ServiceRulesTest, an_address_that_stands_in_two_slices_counts_once) {
  set_service(test::service("web"));
  set_slice(test::slice("web-1", "web", {{"10.0.0.1", "n1"}, {"10.0.0.2", "n1"}}));
  set_slice(test::slice("web-2", "web", {{"10.0.0.2", "n1"}}));
  EXPECT_EQ(route().table->ports.at(0).ready.size(), 2u);
}

TEST_F(ServiceRulesTest, an_address_that_two_services_claim_passes_to_the_other_one) {
  const auto claim = [&](const std::string& name, const std::string& cluster_ip) {
    api::Service message = test::service(name);
    message.mutable_spec()->set_cluster_ip(cluster_ip);
    message.mutable_spec()->add_external_ips("192.0.2.1");
    const auto object = commit(message);
    rules.on_service(nullptr, object);
    set_slice(test::slice(name + "-1", name, {{name == "a" ? "10.0.0.1" : "10.0.0.2", "n1"}}));
    rules.sync();
    return object;
  };
  const auto owner = [&] {
    const Route r = rules.route({"10.0.9.9", "192.0.2.1", 80}, now, rng);
    return r.outcome == Outcome::routed ? r.table->name : std::string();
  };
  const auto a = claim("a", "10.96.0.1");
  const auto b = claim("b", "10.96.0.2");
  EXPECT_EQ(owner(), "a");
  rules.on_service(a, nullptr);
  EXPECT_EQ(owner(), "b");
  rules.on_service(b, nullptr);
  EXPECT_EQ(owner(), "");
}

// Slices of services without a selector are written by people, who leave out what they may.
TEST_F(ServiceRulesTest, endpoints_without_conditions_are_used) {
  set_service(test::service("web"));
  api::EndpointSlice manual = test::slice("web-1", "web", {{"10.0.0.1", "n1"}});
  manual.mutable_endpoints(0)->clear_conditions();
  manual.mutable_endpoints(0)->clear_target_ref();
  set_slice(manual);
  ASSERT_EQ(route().outcome, Outcome::routed);
  EXPECT_EQ(route().endpoint->ip, "10.0.0.1");

  manual.mutable_endpoints(0)->mutable_conditions()->set_ready(false);
  set_slice(manual);
  EXPECT_EQ(route().outcome, Outcome::no_endpoints) << "that was said";
}

TEST_F(ServiceRulesTest, names_and_portless_slices_are_nothing_to_route_to) {
  set_service(test::service("web"));
  api::EndpointSlice names = test::slice("web-1", "web", {{"db.example.com", "n1"}});
  names.set_address_type("FQDN");
  set_slice(names);
  EXPECT_EQ(route().outcome, Outcome::no_endpoints);
  api::EndpointSlice all_ports = test::slice("web-1", "web", {{"10.0.0.1", "n1"}});
  all_ports.mutable_ports(0)->clear_port();
  set_slice(all_ports);
  EXPECT_EQ(route().outcome, Outcome::no_endpoints);
}

TEST_F(ServiceRulesTest, connections_stay_in_their_address_family) {
  api::Service both = test::service("web");
  both.mutable_spec()->add_cluster_ips("10.96.0.10");
  both.mutable_spec()->add_cluster_ips("fd00::10");
  both.mutable_spec()->mutable_ports(0)->set_node_port(30080);
  set_service(both);
  set_slice(test::slice("web-4", "web", {{"10.0.0.1", "n1"}, {"10.0.0.2", "n2"}}));
  api::EndpointSlice six = test::slice("web-6", "web", {{"fd00:1::1", "n1"}, {"fd00:1::2", "n2"}});
  six.set_address_type("IPv6");
  set_slice(six);
  using Counts = std::map<std::string, int>;
  const auto only = [](const Counts& counts, const char* one, const char* other) {
    return counts.size() == 2 && counts.contains(one) && counts.contains(other);
  };
  EXPECT_TRUE(only(spread({"10.0.9.9", "10.96.0.10", 80}), "10.0.0.1:8080", "10.0.0.2:8080"));
  EXPECT_TRUE(only(spread({"fd00:9::9", "fd00::10", 80}), "fd00:1::1:8080", "fd00:1::2:8080"));
  EXPECT_TRUE(only(spread({"fd00:9::9", "", 30080}), "fd00:1::1:8080", "fd00:1::2:8080"));
  for (const Rule& rule : rules_of(*rules.find("default", "web"))) {
    if (rule.front.starts_with(':')) continue;
    EXPECT_EQ(rule.front == "[fd00::10]:80/TCP", rule.backend.starts_with("[fd00:1::"))
        << rule.front << " " << rule.backend;
  }
}

TEST_F(ServiceRulesTest, several_ports_lead_to_their_own_numbers) {
  api::Service message = test::service("web");
  api::ServicePort* metrics = message.mutable_spec()->add_ports();
  metrics->set_name("metrics");
  metrics->set_protocol("TCP");
  metrics->set_port(9100);
  set_service(message);
  api::EndpointSlice slice = test::slice("web-1", "web", {{"10.0.0.1", "n1"}});
  auto* port = slice.add_ports();
  port->set_name("metrics");
  port->set_protocol("TCP");
  port->set_port(9101);
  set_slice(slice);
  EXPECT_EQ(route().port, 8080);
  EXPECT_EQ(rules.route({"c", "10.96.0.10", 9100}, now, rng).port, 9101);
}

TEST_F(ServiceRulesTest, tells_a_backend_what_was_added_and_removed) {
  std::vector<std::string> log;
  rules.on_change([&](const RuleChange& change) {
    for (const Rule& rule : change.removed()) log.push_back("-" + rule.front + " " + rule.backend);
    for (const Rule& rule : change.added()) log.push_back("+" + rule.front + " " + rule.backend);
  });
  set_service(test::service("web"));
  set_slice(test::slice("web-1", "web", {{"10.0.0.1", "n1"}, {"10.0.0.2", "n1"}}));
  rules.sync();
  EXPECT_THAT(log, ElementsAre("+10.96.0.10:80/TCP 10.0.0.1:8080",
                               "+10.96.0.10:80/TCP 10.0.0.2:8080"));
  log.clear();
  set_slice(test::slice("web-1", "web", {{"10.0.0.2", "n1"}, {"10.0.0.3", "n1"}}));
  rules.sync();
  EXPECT_THAT(log, ElementsAre("-10.96.0.10:80/TCP 10.0.0.1:8080",
                               "+10.96.0.10:80/TCP 10.0.0.3:8080"));
  log.clear();
  rules.sync();
  EXPECT_THAT(log, IsEmpty());
  rules.on_service(service, nullptr);
  rules.sync();
  EXPECT_EQ(log.size(), 2u);
}

TEST_F(ServiceRulesTest, an_address_that_changes_hands_in_one_batch_leads_to_its_new_owner) {
  set_service(test::service("web"));
  set_slice(test::slice("web-1", "web", {{"10.0.0.1", "n1"}}));
  ASSERT_EQ(route().outcome, Outcome::routed);
  // "alpha" sorts before "web", and its addition is seen before the removal.
  api::Service alpha = test::service("alpha");
  rules.on_service(nullptr, commit(alpha));
  rules.on_slice(nullptr, commit(test::slice("alpha-1", "alpha", {{"10.0.0.7", "n1"}})));
  rules.on_service(service, nullptr);
  const Route r = route();
  ASSERT_EQ(r.outcome, Outcome::routed);
  EXPECT_EQ(r.endpoint->ip, "10.0.0.7");
}

TEST(TableCache, nodes_with_the_same_view_share_one_table) {
  auto cache = std::make_shared<TableCache>();
  ServiceRules one("n1", cache), two("n2", cache);
  const auto service = api::make_object(test::service("web"), {1, 1});
  const auto slice = api::make_object(test::slice("web-1", "web", {{"10.0.0.1", "n1"}}), {1, 2});
  for (ServiceRules* rules : {&one, &two}) {
    rules->on_service(nullptr, service);
    rules->on_slice(nullptr, slice);
  }
  EXPECT_EQ(one.find("default", "web"), two.find("default", "web"));
  EXPECT_EQ(cache->built(), 1u);
  const auto newer = api::make_object(test::slice("web-1", "web", {}), {1, 3});
  two.on_slice(slice, newer);
  EXPECT_NE(one.find("default", "web"), two.find("default", "web")) << "one has not seen it yet";
}

}  // namespace
}  // namespace keelson::proxy
