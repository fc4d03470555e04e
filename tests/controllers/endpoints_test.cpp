#include "core/controllers/endpoints.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/controllers/net_builders.hpp"

namespace keelson::controllers {
namespace {

using test::net::Caches;
using testing::ElementsAre;
using testing::IsEmpty;

const api::ObjectKey kWebEndpoints{api::Kind::services, "default", "web"};

class EndpointsTest : public testing::Test {
 protected:
  template <class M>
  std::set<std::string> put(M message) {
    const auto after = caches.put(std::move(message));
    return keys(caches.last_before, after);
  }
  std::set<std::string> keys(const api::ObjectPtr& before, const api::ObjectPtr& after) {
    std::set<std::string> names;
    const client::View view = caches.view();
    controller.keys_for(view, before, after,
                        [&](const api::ObjectKey& key) { names.insert(key.ns + "/" + key.name); });
    return names;
  }
  Plan reconcile() {
    const client::View view = caches.view();
    return controller.reconcile(view, kWebEndpoints);
  }
  // Reconciles and stores what is written; null if nothing is.
  api::ObjectPtr apply() {
    const Plan plan = reconcile();
    if (plan.writes.empty()) return nullptr;
    EXPECT_EQ(plan.writes.size(), 1u);
    const api::Request& request = plan.writes[0].request;
    if (!request.body) return nullptr;
    return caches.put(static_cast<const api::Endpoints&>(*request.body));
  }
  static std::vector<std::string> ips(
      const google::protobuf::RepeatedPtrField<api::EndpointAddress>& addresses) {
    std::vector<std::string> result;
    for (const auto& address : addresses) result.push_back(address.ip());
    return result;
  }

  Caches caches;
  EndpointsController controller;
};

TEST_F(EndpointsTest, lists_ready_and_other_pods_apart) {
  put(test::net::service("web", {{"app", "web"}}));
  put(test::net::pod("b", "n1", "10.0.0.2", {{"app", "web"}}));
  put(test::net::pod("a", "n2", "10.0.0.1", {{"app", "web"}, {"x", "y"}}));
  put(test::net::pod("other", "n1", "10.0.0.9", {{"app", "db"}}));
  put(test::net::pod("no-address", "n1", "", {{"app", "web"}}));
  api::Pod slow = test::net::pod("slow", "n1", "10.0.0.3", {{"app", "web"}});
  test::net::set_pod_ready(slow, false);
  put(slow);
  api::Pod leaving = test::net::pod("leaving", "n1", "10.0.0.4", {{"app", "web"}});
  leaving.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(5);
  put(leaving);
  api::Pod ended = test::net::pod("ended", "n1", "10.0.0.5", {{"app", "web"}});
  ended.mutable_status()->set_phase("Failed");
  put(ended);

  const auto object = apply();
  ASSERT_TRUE(object);
  const auto& endpoints = object->as<api::Endpoints>();
  EXPECT_EQ(endpoints.metadata().name(), "web");
  ASSERT_EQ(endpoints.subsets_size(), 1);
  const auto& subset = endpoints.subsets(0);
  EXPECT_THAT(ips(subset.addresses()), ElementsAre("10.0.0.1", "10.0.0.2"));
  EXPECT_THAT(ips(subset.not_ready_addresses()), ElementsAre("10.0.0.3"));
  ASSERT_EQ(subset.ports_size(), 1);
  EXPECT_EQ(subset.ports(0).name(), "http");
  EXPECT_EQ(subset.ports(0).port(), 8080);
  EXPECT_EQ(subset.addresses(0).node_name(), "n2");
  EXPECT_EQ(subset.addresses(0).target_ref().kind(), "Pod");
  EXPECT_EQ(subset.addresses(0).target_ref().uid(), "uid-of-a");
  EXPECT_THAT(reconcile().writes, IsEmpty()) << "nothing to do twice";
}

TEST_F(EndpointsTest, a_pod_concerns_only_the_services_that_select_it) {
  put(test::net::service("web", {{"app", "web"}}));
  put(test::net::service("web-v2", {{"version", "2"}, {"app", "web"}}));
  put(test::net::service("all-v2", {{"version", "2"}}));
  put(test::net::service("db", {{"app", "db"}}));
  api::Service elsewhere = test::net::service("elsewhere", {{"app", "web"}});
  elsewhere.mutable_metadata()->set_namespace_("other");
  put(elsewhere);
  api::Pod pod = test::net::pod("p", "n1", "10.0.0.1", {{"app", "web"}, {"version", "2"}});
  EXPECT_THAT(put(pod), ElementsAre("default/all-v2", "default/web", "default/web-v2"));

  pod.mutable_status()->set_message("of no interest");
  EXPECT_THAT(put(pod), IsEmpty());
  (*pod.mutable_metadata()->mutable_labels())["version"] = "3";
  EXPECT_THAT(put(pod), ElementsAre("default/all-v2", "default/web", "default/web-v2"))
      << "those that it leaves count too";
  test::net::set_pod_ready(pod, false);
  EXPECT_THAT(put(pod), ElementsAre("default/web"));
  EXPECT_THAT(put(test::net::pod("new", "", "", {{"app", "web"}})), IsEmpty())
      << "a pod without address is in no service";
  const auto gone = caches.drop(api::Kind::pods, "default", "p");
  EXPECT_THAT(keys(gone, nullptr), ElementsAre("default/web"));
}

TEST_F(EndpointsTest, a_service_that_changes_its_selector_is_found_under_the_new_one) {
  put(test::net::service("web", {{"app", "web"}}));
  put(test::net::service("web", {{"app", "www"}}));
  EXPECT_THAT(put(test::net::pod("a", "n", "10.0.0.1", {{"app", "web"}})), IsEmpty());
  EXPECT_THAT(put(test::net::pod("b", "n", "10.0.0.2", {{"app", "www"}})),
              ElementsAre("default/web"));
  const auto gone = caches.drop(api::Kind::services, "default", "web");
  keys(gone, nullptr);
  EXPECT_THAT(put(test::net::pod("c", "n", "10.0.0.3", {{"app", "www"}})), IsEmpty());
}

TEST_F(EndpointsTest, publishes_unready_pods_if_told_so) {
  api::Service service = test::net::service("web", {{"app", "web"}});
  service.mutable_spec()->set_publish_not_ready_addresses(true);
  put(service);
  api::Pod pod = test::net::pod("a", "n", "10.0.0.1", {{"app", "web"}});
  test::net::set_pod_ready(pod, false);
  pod.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(5);
  put(pod);
  const auto object = apply();
  ASSERT_TRUE(object);
  ASSERT_EQ(object->as<api::Endpoints>().subsets_size(), 1);
  EXPECT_THAT(ips(object->as<api::Endpoints>().subsets(0).addresses()), ElementsAre("10.0.0.1"));
}

TEST_F(EndpointsTest, resolves_named_ports_pod_by_pod) {
  api::Service service = test::net::service("web", {{"app", "web"}});
  auto* target = service.mutable_spec()->mutable_ports(0)->mutable_target_port();
  target->set_type(1);
  target->set_str_val("www");
  put(service);
  const auto add = [&](const char* name, const char* ip, const char* port_name, int32_t number) {
    api::Pod pod = test::net::pod(name, "n", ip, {{"app", "web"}});
    api::ContainerPort* port = pod.mutable_spec()->add_containers()->add_ports();
    port->set_name(port_name);
    port->set_container_port(number);
    put(pod);
  };
  add("a", "10.0.0.1", "www", 8080);
  add("b", "10.0.0.2", "www", 9090);
  add("c", "10.0.0.3", "www", 8080);
  add("d", "10.0.0.4", "metrics", 8080);
  const auto object = apply();
  ASSERT_TRUE(object);
  const auto& endpoints = object->as<api::Endpoints>();
  ASSERT_EQ(endpoints.subsets_size(), 2);
  EXPECT_EQ(endpoints.subsets(0).ports(0).port(), 8080);
  EXPECT_THAT(ips(endpoints.subsets(0).addresses()), ElementsAre("10.0.0.1", "10.0.0.3"));
  EXPECT_EQ(endpoints.subsets(1).ports(0).port(), 9090);
  EXPECT_THAT(ips(endpoints.subsets(1).addresses()), ElementsAre("10.0.0.2"));
}

TEST_F(EndpointsTest, headless_services_keep_hostnames_and_need_no_ports) {
  api::Service service = test::net::service("web", {{"app", "web"}});
  service.mutable_spec()->set_cluster_ip("None");
  service.mutable_spec()->clear_ports();
  put(service);
  api::Pod pod = test::net::pod("a", "n", "10.0.0.1", {{"app", "web"}});
  pod.mutable_spec()->set_hostname("first");
  pod.mutable_spec()->set_subdomain("web");
  put(pod);
  const auto object = apply();
  ASSERT_TRUE(object);
  const auto& endpoints = object->as<api::Endpoints>();
  EXPECT_TRUE(endpoints.metadata().labels().contains("service.kubernetes.io/headless"));
  ASSERT_EQ(endpoints.subsets_size(), 1);
  EXPECT_EQ(endpoints.subsets(0).ports_size(), 0);
  EXPECT_EQ(endpoints.subsets(0).addresses(0).hostname(), "first");
}

TEST_F(EndpointsTest, changes_in_quick_succession_share_a_write) {
  put(test::net::service("web", {{"app", "web"}}));
  put(test::net::pod("a", "n", "10.0.0.1", {{"app", "web"}}));
  EXPECT_EQ(reconcile().rest, 500ms);
  ASSERT_TRUE(apply());
  EXPECT_EQ(reconcile().rest, Duration{}) << "only after a write";
}

TEST_F(EndpointsTest, keeps_to_a_thousand_addresses_ready_ones_first) {
  put(test::net::service("web", {{"app", "web"}}));
  for (int i = 0; i < 1010; ++i) {
    api::Pod pod = test::net::pod("p" + std::to_string(i), "n",
                                  "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250),
                                  {{"app", "web"}});
    if (i < 20) test::net::set_pod_ready(pod, false);
    put(pod);
  }
  auto object = apply();
  ASSERT_TRUE(object);
  EXPECT_EQ(object->as<api::Endpoints>().subsets(0).addresses_size(), 990);
  EXPECT_EQ(object->as<api::Endpoints>().subsets(0).not_ready_addresses_size(), 10);
  EXPECT_EQ(object->meta().annotations().at("endpoints.kubernetes.io/over-capacity"), "truncated");
  for (int i = 0; i < 20; ++i) {
    const auto gone = caches.drop(api::Kind::pods, "default", "p" + std::to_string(i));
    keys(gone, nullptr);
  }
  caches.now += 1s;
  object = apply();
  ASSERT_TRUE(object);
  EXPECT_EQ(object->as<api::Endpoints>().subsets(0).addresses_size(), 990);
  EXPECT_FALSE(object->meta().annotations().contains("endpoints.kubernetes.io/over-capacity"));
}

TEST_F(EndpointsTest, an_address_that_was_handed_on_belongs_to_the_successor) {
  api::Service service = test::net::service("web", {{"app", "web"}});
  service.mutable_spec()->set_publish_not_ready_addresses(true);
  put(service);
  api::Pod old_pod = test::net::pod("old", "n", "10.0.0.1", {{"app", "web"}});
  old_pod.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(5);
  put(old_pod);
  put(test::net::pod("young", "n", "10.0.0.1", {{"app", "web"}}));
  const auto object = apply();
  ASSERT_TRUE(object);
  ASSERT_EQ(object->as<api::Endpoints>().subsets(0).addresses_size(), 1);
  EXPECT_EQ(object->as<api::Endpoints>().subsets(0).addresses(0).target_ref().name(), "young");
}

TEST_F(EndpointsTest, go_with_their_service_but_only_if_they_were_made_for_it) {
  put(test::net::service("web", {{"app", "web"}}));
  ASSERT_TRUE(apply());
  caches.drop(api::Kind::services, "default", "web");
  Plan plan = reconcile();
  ASSERT_EQ(plan.writes.size(), 1u);
  EXPECT_EQ(plan.writes[0].request.verb, api::Verb::remove);

  api::Endpoints manual;
  manual.mutable_metadata()->set_namespace_("default");
  manual.mutable_metadata()->set_name("web");
  caches.put(manual);
  EXPECT_THAT(reconcile().writes, IsEmpty());
}

TEST_F(EndpointsTest, leaves_services_without_selector_alone) {
  put(test::net::service("web", {}));
  EXPECT_THAT(reconcile().writes, IsEmpty());
}

}  // namespace
}  // namespace keelson::controllers
