#include "core/controllers/endpoint_slice_mirroring.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/controllers/endpoint_slice.hpp"
#include "tests/controllers/net_builders.hpp"

namespace keelson::controllers {
namespace {

using test::net::Caches;
using testing::ElementsAre;
using testing::IsEmpty;

const api::ObjectKey kDb{api::Kind::endpoints, "default", "db"};

api::Endpoints endpoints(std::vector<std::string> ips, int32_t port = 5432) {
  api::Endpoints out;
  out.mutable_metadata()->set_namespace_("default");
  out.mutable_metadata()->set_name("db");
  out.mutable_metadata()->set_uid("uid-of-endpoints");
  auto& subset = *out.add_subsets();
  for (const std::string& ip : ips) subset.add_addresses()->set_ip(ip);
  auto& added = *subset.add_ports();
  added.set_name("sql");
  added.set_protocol("TCP");
  added.set_port(port);
  return out;
}

class MirroringTest : public testing::Test {
 protected:
  MirroringTest() { caches.put(test::net::service("db", {})); }

  // Reconciles, stores what is written, and says what it was.
  std::vector<std::string> step() {
    const client::View view = caches.view();
    const Plan plan = controller.reconcile(view, kDb);
    std::vector<std::string> told;
    for (const PlannedWrite& write : plan.writes) {
      const api::Request& request = write.request;
      told.push_back(std::string(api::to_string(request.verb)) + " " + request.name);
      if (request.verb == api::Verb::remove) {
        caches.drop(api::Kind::endpoint_slices, request.ns, request.name);
      } else {
        caches.put(static_cast<const api::EndpointSlice&>(*request.body));
      }
    }
    for (const Occurrence& event : plan.events) told.push_back(event.reason);
    return told;
  }
  std::vector<api::Ref<api::EndpointSlice>> slices() {
    api::Labels labels;
    labels[kServiceNameLabel] = "db";
    return caches.view().select<api::EndpointSlice>("default",
                                                    api::LabelSelectorMatcher::from_set(labels));
  }
  std::set<std::string> keys(const api::ObjectPtr& before, const api::ObjectPtr& after) {
    std::set<std::string> names;
    const client::View view = caches.view();
    controller.keys_for(view, before, after,
                        [&](const api::ObjectKey& key) { names.insert(key.ns + "/" + key.name); });
    return names;
  }

  Caches caches;
  EndpointSliceMirroringController controller;
};

TEST_F(MirroringTest, MirrorsWhatPeopleKeepByHand) {
  api::Endpoints kept = endpoints({"10.1.0.1", "10.1.0.2"});
  (*kept.mutable_metadata()->mutable_labels())["tier"] = "data";
  (*kept.mutable_metadata()->mutable_annotations())["note"] = "x";
  (*kept.mutable_metadata()
        ->mutable_annotations())["kubectl.kubernetes.io/last-applied-configuration"] = "{}";
  kept.mutable_subsets(0)->add_not_ready_addresses()->set_ip("10.1.0.3");
  caches.put(kept);
  EXPECT_EQ(step().size(), 1u);
  ASSERT_EQ(slices().size(), 1u);
  const auto slice = slices()[0];
  EXPECT_EQ(slice.name().substr(0, 3), "db-");
  EXPECT_EQ(slice->address_type(), "IPv4");
  EXPECT_EQ(slice->endpoints_size(), 3);
  EXPECT_EQ(slice->endpoints(0).addresses(0), "10.1.0.1");
  EXPECT_TRUE(slice->endpoints(0).conditions().ready());
  EXPECT_FALSE(slice->endpoints(2).conditions().ready());
  EXPECT_EQ(slice->ports(0).name(), "sql");
  EXPECT_EQ(slice->ports(0).port(), 5432);
  const auto& labels = slice->metadata().labels();
  EXPECT_EQ(labels.at("tier"), "data");
  EXPECT_EQ(labels.at("endpointslice.kubernetes.io/managed-by"),
            "endpointslicemirroring-controller.k8s.io");
  EXPECT_EQ(slice->metadata().annotations_size(), 1);
  EXPECT_EQ(slice->metadata().owner_references(0).kind(), "Endpoints");
  EXPECT_EQ(slice->metadata().owner_references(0).uid(), "uid-of-endpoints");
  EXPECT_THAT(step(), IsEmpty());
}

TEST_F(MirroringTest, FollowsChangesInTheSameSlice) {
  caches.put(endpoints({"10.1.0.1"}));
  step();
  const std::string name = slices()[0].name();
  caches.put(endpoints({"10.1.0.1", "10.1.0.9"}));
  EXPECT_THAT(step(), ElementsAre("update " + name));
  EXPECT_EQ(slices()[0]->endpoints_size(), 2);
  caches.put(endpoints({"10.1.0.1"}, 6543));  // other ports: the slice is used again
  EXPECT_THAT(step(), ElementsAre("update " + name));
  EXPECT_EQ(slices()[0]->ports(0).port(), 6543);
}

TEST_F(MirroringTest, OneSliceForEachFamilyAndSetOfPorts) {
  api::Endpoints kept = endpoints({"10.1.0.1", "fd00::1"});
  *kept.add_subsets() = endpoints({"10.1.0.5"}, 99).subsets(0);
  caches.put(kept);
  EXPECT_EQ(step().size(), 3u);
  EXPECT_EQ(slices().size(), 3u);
  caches.put(endpoints({"10.1.0.1"}));
  EXPECT_EQ(step().size(), 2u);
  ASSERT_EQ(slices().size(), 1u);
  EXPECT_EQ(slices()[0]->endpoints_size(), 1);
}

TEST_F(MirroringTest, TellsWhenThereAreTooMany) {
  std::vector<std::string> many;
  for (int i = 0; i < 1001; ++i) {
    many.push_back("10.1." + std::to_string(i / 250) + "." + std::to_string(i % 250));
  }
  caches.put(endpoints(many));
  EXPECT_THAT(step(), ElementsAre(testing::StartsWith("create"), "TooManyAddressesToMirror"));
  EXPECT_EQ(slices()[0]->endpoints_size(), 1000);
  EXPECT_THAT(step(), IsEmpty());
}

TEST_F(MirroringTest, LeavesOthersAloneAndCleansUp) {
  caches.put(endpoints({"10.1.0.1"}));
  step();
  ASSERT_EQ(slices().size(), 1u);
  api::Endpoints skipped = endpoints({"10.1.0.1"});
  (*skipped.mutable_metadata()->mutable_labels())["endpointslice.kubernetes.io/skip-mirror"] =
      "true";
  caches.put(skipped);
  EXPECT_EQ(step().size(), 1u);
  EXPECT_THAT(slices(), IsEmpty());

  api::Endpoints election = endpoints({});
  (*election.mutable_metadata()
        ->mutable_annotations())["control-plane.alpha.kubernetes.io/leader"] = "{}";
  caches.put(election);
  EXPECT_THAT(step(), IsEmpty());

  caches.put(endpoints({"10.1.0.1"}));
  step();
  const auto before = caches.view().get<api::Service>("default", "db").ptr();
  const auto after = caches.put(test::net::service("db", {{"app", "db"}}));
  EXPECT_THAT(keys(before, after), ElementsAre("default/db"));
  EXPECT_EQ(step().size(), 1u);
  EXPECT_THAT(slices(), IsEmpty());
}

TEST_F(MirroringTest, IsNotAskedAboutServicesWithSelectors) {
  const auto service = caches.put(test::net::service("web", {{"app", "web"}}));
  EXPECT_THAT(keys(nullptr, service), IsEmpty());
  api::Endpoints own = endpoints({"10.1.0.1"});
  own.mutable_metadata()->set_name("web");
  EXPECT_THAT(keys(nullptr, caches.put(own)), IsEmpty());
  EXPECT_THAT(keys(nullptr, caches.put(endpoints({"10.1.0.1"}))), ElementsAre("default/db"));
  step();
  EXPECT_THAT(keys(slices()[0].ptr(), nullptr), ElementsAre("default/db"));
}

// What anybody may write must not stop the cluster.
TEST_F(MirroringTest, StrayMirrorsNameNobody) {
  api::EndpointSlice stray;
  stray.mutable_metadata()->set_namespace_("default");
  stray.mutable_metadata()->set_name("stray");
  (*stray.mutable_metadata()->mutable_labels())[kSliceManagedByLabel] = kMirrorManager;
  EXPECT_THAT(keys(nullptr, caches.put(stray)), IsEmpty());
}

TEST_F(MirroringTest, AMirrorThatLosesItsLabelsIsMadeAgain) {
  caches.put(endpoints({"10.1.0.1"}));
  step();
  const api::ObjectPtr mirror = slices()[0].ptr();
  for (const char* label : {kServiceNameLabel, kSliceManagedByLabel}) {
    api::EndpointSlice changed = mirror->as<api::EndpointSlice>();
    changed.mutable_metadata()->mutable_labels()->erase(label);
    EXPECT_THAT(keys(mirror, caches.put(changed)), ElementsAre("default/db")) << label;
  }
}

}  // namespace
}  // namespace keelson::controllers
