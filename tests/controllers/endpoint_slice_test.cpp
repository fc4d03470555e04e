#include "core/controllers/endpoint_slice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "core/base/rng.hpp"
#include "tests/controllers/net_builders.hpp"

namespace keelson::controllers {
namespace {

using test::net::Caches;
using testing::ElementsAre;
using testing::IsEmpty;

const api::ObjectKey kWeb{api::Kind::services, "default", "web"};

class EndpointSliceTest : public testing::Test {
 protected:
  Plan reconcile() {
    const client::View view = caches.view();
    return controller.reconcile(view, kWeb);
  }
  // Reconciles, carries the plan out, and returns the number of writes.
  std::size_t apply() {
    const Plan plan = reconcile();
    for (const PlannedWrite& write : plan.writes) {
      const api::Request& request = write.request;
      if (request.verb == api::Verb::remove) {
        caches.drop(request.kind, request.ns, request.name);
        continue;
      }
      auto slice = static_cast<const api::EndpointSlice&>(*request.body);
      if (request.verb == api::Verb::create) {
        EXPECT_FALSE(caches.view().get<api::EndpointSlice>("default", slice.metadata().name()));
        slice.mutable_metadata()->set_uid("uid-of-" + slice.metadata().name());
      } else {
        const auto current =
            caches.view().get<api::EndpointSlice>("default", slice.metadata().name());
        EXPECT_EQ(request.expected.revision, current.revision());
      }
      caches.put(std::move(slice));
    }
    return plan.writes.size();
  }
  std::vector<api::Ref<api::EndpointSlice>> slices() {
    return caches.view().list<api::EndpointSlice>("default");
  }
  const api::EndpointSlice& only_slice() {
    const auto all = slices();
    EXPECT_EQ(all.size(), 1u);
    return all.at(0).object().as<api::EndpointSlice>();
  }
  std::vector<int> sizes() {
    std::vector<int> result;
    for (const auto& slice : slices()) result.push_back(slice->endpoints_size());
    std::sort(result.begin(), result.end());
    return result;
  }
  std::set<std::string> all_pods() {
    std::set<std::string> names;
    for (const auto& slice : slices()) {
      for (const auto& endpoint : slice->endpoints()) {
        EXPECT_TRUE(names.insert(endpoint.target_ref().name()).second) << "listed twice";
      }
    }
    return names;
  }
  void add_pods(int from, int to) {
    for (int i = from; i < to; ++i) {
      caches.put(test::net::pod("p" + std::to_string(i), "n1", "10.0.0." + std::to_string(i),
                                {{"app", "web"}}));
    }
  }

  Caches caches;
  EndpointSliceController controller;
};

TEST_F(EndpointSliceTest, describes_each_pod) {
  api::Service service = test::net::service("web", {{"app", "web"}});
  (*service.mutable_metadata()->mutable_labels())["team"] = "x";
  caches.put(service);
  caches.put(test::net::node("n1", "zone-a"));
  caches.put(test::net::pod("a", "n1", "10.0.0.1", {{"app", "web"}}));
  EXPECT_EQ(apply(), 1u);
  const api::EndpointSlice& slice = only_slice();
  const auto& labels = slice.metadata().labels();
  EXPECT_EQ(labels.at("kubernetes.io/service-name"), "web");
  EXPECT_EQ(labels.at("endpointslice.kubernetes.io/managed-by"), "endpointslice-controller.k8s.io");
  EXPECT_EQ(labels.at("team"), "x");
  ASSERT_EQ(slice.metadata().owner_references_size(), 1);
  EXPECT_EQ(slice.metadata().owner_references(0).uid(), "uid-of-web");
  EXPECT_TRUE(slice.metadata().owner_references(0).controller());
  EXPECT_TRUE(slice.metadata().name().starts_with("web-"));
  EXPECT_EQ(slice.address_type(), "IPv4");
  ASSERT_EQ(slice.ports_size(), 1);
  EXPECT_EQ(slice.ports(0).port(), 8080);
  ASSERT_EQ(slice.endpoints_size(), 1);
  const auto& endpoint = slice.endpoints(0);
  EXPECT_THAT(endpoint.addresses(), ElementsAre("10.0.0.1"));
  EXPECT_TRUE(endpoint.conditions().ready());
  EXPECT_TRUE(endpoint.conditions().serving());
  EXPECT_FALSE(endpoint.conditions().terminating());
  EXPECT_EQ(endpoint.node_name(), "n1");
  EXPECT_EQ(endpoint.zone(), "zone-a");
  EXPECT_EQ(endpoint.target_ref().uid(), "uid-of-a");
  EXPECT_EQ(apply(), 0u);
}

TEST_F(EndpointSliceTest, tells_serving_from_ready_while_a_pod_ends) {
  caches.put(test::net::service("web", {{"app", "web"}}));
  api::Pod pod = test::net::pod("a", "n1", "10.0.0.1", {{"app", "web"}});
  pod.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(5);
  caches.put(pod);
  apply();
  const auto& conditions = only_slice().endpoints(0).conditions();
  EXPECT_FALSE(conditions.ready());
  EXPECT_TRUE(conditions.serving());
  EXPECT_TRUE(conditions.terminating());
  pod.mutable_status()->set_phase("Succeeded");
  caches.put(pod);
  EXPECT_EQ(apply(), 1u);
  EXPECT_EQ(only_slice().endpoints_size(), 0) << "an ended pod is no endpoint";
}

TEST_F(EndpointSliceTest, a_service_without_pods_has_one_empty_slice) {
  caches.put(test::net::service("web", {{"app", "web"}}));
  EXPECT_EQ(apply(), 1u);
  EXPECT_EQ(only_slice().endpoints_size(), 0);
  EXPECT_EQ(only_slice().ports_size(), 0) << "ports are those of pods";
  EXPECT_EQ(apply(), 0u);
  add_pods(0, 1);
  const auto plan = reconcile();
  ASSERT_EQ(plan.writes.size(), 1u) << "the empty slice is filled, not replaced";
  EXPECT_EQ(plan.writes[0].request.verb, api::Verb::update);
}

TEST_F(EndpointSliceTest, packs_a_hundred_to_a_slice_and_keeps_them_there) {
  caches.put(test::net::service("web", {{"app", "web"}}));
  add_pods(0, 250);
  EXPECT_EQ(apply(), 3u);
  EXPECT_THAT(sizes(), ElementsAre(50, 100, 100));
  EXPECT_EQ(all_pods().size(), 250u);

  add_pods(250, 260);
  EXPECT_EQ(apply(), 1u) << "new ones go where there is room";
  EXPECT_THAT(sizes(), ElementsAre(60, 100, 100));

  caches.drop(api::Kind::pods, "default", "p3");
  EXPECT_EQ(apply(), 1u) << "one pod less, one slice written";
  add_pods(300, 301);
  EXPECT_EQ(apply(), 1u);
  EXPECT_THAT(sizes(), ElementsAre(60, 100, 100)) << "the fullest slice with room is taken";

  api::Pod pod = test::net::pod("p7", "n1", "10.0.0.7", {{"app", "web"}});
  test::net::set_pod_ready(pod, false);
  caches.put(pod);
  EXPECT_EQ(apply(), 1u);
  EXPECT_EQ(all_pods().size(), 260u);
}

TEST_F(EndpointSliceTest, replaces_in_place_when_a_rollout_swaps_pods) {
  caches.put(test::net::service("web", {{"app", "web"}}));
  add_pods(0, 150);
  apply();
  caches.drop(api::Kind::pods, "default", "p3");
  add_pods(200, 201);
  EXPECT_EQ(apply(), 1u) << "the slice that is written anyhow takes the new pod";
  EXPECT_EQ(all_pods().size(), 150u);
}

TEST_F(EndpointSliceTest, random_churn_never_loses_doubles_or_overfills) {
  caches.put(test::net::service("web", {{"app", "web"}}));
  Rng rng(11);
  std::set<std::string> expected;
  for (int round = 0; round < 120; ++round) {
    for (int i = 0; i < 20; ++i) {
      const int n = static_cast<int>(rng.below(400));
      const std::string name = "p" + std::to_string(n);
      if (expected.erase(name)) {
        caches.drop(api::Kind::pods, "default", name);
      } else {
        add_pods(n, n + 1);
        expected.insert(name);
      }
    }
    apply();
    EXPECT_EQ(all_pods(), expected);
    for (const auto& slice : slices()) EXPECT_LE(slice->endpoints_size(), kSliceCapacity);
    EXPECT_EQ(apply(), 0u) << "stable";
  }
}

TEST_F(EndpointSliceTest, removes_slices_that_are_no_longer_needed) {
  caches.put(test::net::service("web", {{"app", "web"}}));
  add_pods(0, 250);
  apply();
  for (int i = 0; i < 250; ++i) {
    caches.drop(api::Kind::pods, "default", "p" + std::to_string(i));
  }
  apply();
  EXPECT_THAT(sizes(), ElementsAre(0));
}

TEST_F(EndpointSliceTest, pods_with_different_port_numbers_do_not_share_slices) {
  api::Service service = test::net::service("web", {{"app", "web"}});
  auto* target = service.mutable_spec()->mutable_ports(0)->mutable_target_port();
  target->set_type(1);
  target->set_str_val("www");
  caches.put(service);
  const auto add = [&](const char* name, const char* ip, int32_t number) {
    api::Pod pod = test::net::pod(name, "n", ip, {{"app", "web"}});
    api::ContainerPort* port = pod.mutable_spec()->add_containers()->add_ports();
    port->set_name("www");
    port->set_container_port(number);
    caches.put(pod);
  };
  add("a", "10.0.0.1", 8080);
  add("b", "10.0.0.2", 9090);
  apply();
  ASSERT_EQ(slices().size(), 2u);
  std::map<std::string, int32_t> ports;
  for (const auto& slice : slices()) {
    ports[slice->endpoints(0).target_ref().name()] = slice->ports(0).port();
  }
  EXPECT_EQ(ports.at("a"), 8080);
  EXPECT_EQ(ports.at("b"), 9090);
}

TEST_F(EndpointSliceTest, dual_stack_services_have_slices_of_both_families) {
  api::Service service = test::net::service("web", {{"app", "web"}});
  service.mutable_spec()->add_ip_families("IPv4");
  service.mutable_spec()->add_ip_families("IPv6");
  caches.put(service);
  api::Pod pod = test::net::pod("a", "n", "10.0.0.1", {{"app", "web"}});
  pod.mutable_status()->add_pod_ips()->set_ip("10.0.0.1");
  pod.mutable_status()->add_pod_ips()->set_ip("fd00::1");
  caches.put(pod);
  apply();
  ASSERT_EQ(slices().size(), 2u);
  std::map<std::string, std::string> addresses;
  for (const auto& slice : slices()) {
    addresses[slice->address_type()] = slice->endpoints(0).addresses(0);
  }
  EXPECT_EQ(addresses.at("IPv4"), "10.0.0.1");
  EXPECT_EQ(addresses.at("IPv6"), "fd00::1");
}

TEST_F(EndpointSliceTest, does_not_touch_slices_of_others) {
  caches.put(test::net::service("web", {{"app", "web"}}));
  api::EndpointSlice manual;
  manual.mutable_metadata()->set_namespace_("default");
  manual.mutable_metadata()->set_name("web-manual");
  (*manual.mutable_metadata()->mutable_labels())["kubernetes.io/service-name"] = "web";
  caches.put(manual);
  api::EndpointSlice earlier = manual;  // of a service of the same name that was deleted
  earlier.mutable_metadata()->set_name("web-earlier");
  (*earlier.mutable_metadata()->mutable_labels())["endpointslice.kubernetes.io/managed-by"] =
      "endpointslice-controller.k8s.io";
  earlier.mutable_metadata()->add_owner_references()->set_uid("uid-of-the-old-web");
  caches.put(earlier);
  const Plan plan = reconcile();
  ASSERT_EQ(plan.writes.size(), 1u);
  EXPECT_EQ(plan.writes[0].request.verb, api::Verb::create);
}

TEST_F(EndpointSliceTest, a_create_that_is_repeated_asks_for_the_same_name) {
  caches.put(test::net::service("web", {{"app", "web"}}));
  const auto name = [&] {
    return static_cast<const api::EndpointSlice&>(*reconcile().writes.at(0).request.body)
        .metadata()
        .name();
  };
  EXPECT_EQ(name(), name());
}

TEST_F(EndpointSliceTest, a_node_that_gets_a_zone_concerns_the_services_of_its_pods) {
  const client::View view = caches.view();
  const auto keys = [&](const api::ObjectPtr& before, const api::ObjectPtr& after) {
    std::set<std::string> names;
    controller.keys_for(view, before, after,
                        [&](const api::ObjectKey& key) { names.insert(key.name); });
    return names;
  };
  keys(nullptr, caches.put(test::net::service("web", {{"app", "web"}})));
  keys(nullptr, caches.put(test::net::pod("a", "n1", "10.0.0.1", {{"app", "web"}})));
  const auto before = caches.put(test::net::node("n1"));
  const auto same = caches.put(test::net::node("n1"));
  EXPECT_THAT(keys(before, same), IsEmpty());
  const auto after = caches.put(test::net::node("n1", "zone-b"));
  EXPECT_THAT(keys(same, after), ElementsAre("web"));
  apply();
  EXPECT_EQ(only_slice().endpoints(0).zone(), "zone-b");
}

}  // namespace
}  // namespace keelson::controllers
