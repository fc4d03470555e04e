// PUT and PATCH: revisions, generations, what belongs to whom, no-ops, the status and scale
// subresources.
#include "tests/apiserver/fixture.hpp"

namespace keelson::test {
namespace {

using ::testing::HasSubstr;

class UpdateTest : public ApiServerTest {};

TEST_F(UpdateTest, ConditionalUpdate) {
  const auto first = made(config_named("c", "1"));
  const Response second = put(config_named("c", "2"), first.revision());
  ASSERT_TRUE(second.ok()) << second.error.message;
  EXPECT_GT(second.revision, first.revision());
  EXPECT_EQ(second.object->uid(), first.uid());
  EXPECT_EQ(second.object->meta().creation_timestamp().seconds(),
            first->metadata().creation_timestamp().seconds());
  const Response stale = put(config_named("c", "3"), first.revision());
  EXPECT_EQ(stale.error.reason, Reason::conflict);
  EXPECT_EQ(
      stale.error.message,
      "Operation cannot be fulfilled on configmaps \"c\": the object has been modified; please "
      "apply your changes to the latest version and try again");
  EXPECT_EQ(read<api::ConfigMap>("c")->data().at("k"), "2");
}

TEST_F(UpdateTest, UnconditionalUpdateAndMissing) {
  made(config_named("c", "1"));
  EXPECT_TRUE(put(config_named("c", "2")).ok());
  const Response missing = put(config_named("nope"));
  EXPECT_EQ(missing.error.reason, Reason::not_found);
  EXPECT_FALSE(read<api::ConfigMap>("nope"));
}

TEST_F(UpdateTest, NothingChangedCommitsNothing) {
  const auto first = made(config_named("c", "1"));
  const Revision before = now();
  const Response same = put(config_named("c", "1"));
  ASSERT_TRUE(same.ok());
  EXPECT_EQ(same.object->revision(), first.revision());
  EXPECT_EQ(now(), before);
}

TEST_F(UpdateTest, UidInTheBodyMustBeTrue) {
  made(config_named("c", "1"));
  api::ConfigMap other = config_named("c", "2");
  other.mutable_metadata()->set_uid("someone-else");
  const Response response = put(other);
  EXPECT_EQ(response.error.reason, Reason::conflict);
  EXPECT_THAT(response.error.message, HasSubstr("Precondition failed: UID in precondition"));
}

TEST_F(UpdateTest, GenerationCountsSpecChangesOnly) {
  const auto first = made(deployment_named("d", 2));
  EXPECT_EQ(first->metadata().generation(), 1);
  api::Deployment labelled = *first;
  (*labelled.mutable_metadata()->mutable_labels())["x"] = "y";
  labelled.mutable_metadata()->set_generation(77);
  EXPECT_EQ(put(labelled).object->meta().generation(), 1);
  labelled.mutable_spec()->set_replicas(3);
  EXPECT_EQ(put(labelled).object->meta().generation(), 2);
  labelled.mutable_status()->set_replicas(3);
  EXPECT_EQ(put_status(labelled).object->meta().generation(), 2);
}

TEST_F(UpdateTest, StatusAndSpecAreWrittenApart) {
  api::Deployment d = *made(deployment_named("d", 2));
  d.mutable_status()->set_replicas(9);
  d.mutable_spec()->set_replicas(5);
  const Response main = put(d);
  ASSERT_TRUE(main.ok()) << main.error.message;
  EXPECT_EQ(main.object->as<api::Deployment>().status().replicas(), 0);
  EXPECT_EQ(main.object->as<api::Deployment>().spec().replicas(), 5);
  d.mutable_spec()->set_replicas(1);
  (*d.mutable_metadata()->mutable_labels())["x"] = "y";
  const Response status = put_status(d);
  ASSERT_TRUE(status.ok()) << status.error.message;
  EXPECT_EQ(status.object->as<api::Deployment>().status().replicas(), 9);
  EXPECT_EQ(status.object->as<api::Deployment>().spec().replicas(), 5);
  EXPECT_TRUE(status.object->meta().labels().empty());
}

TEST_F(UpdateTest, StatusWithoutChangeCommitsNothing) {
  api::Pod pod = *running("p", "n1");
  const Revision before = now();
  EXPECT_TRUE(put_status(pod).ok());
  EXPECT_EQ(now(), before);
}

TEST_F(UpdateTest, StatusKeepsQosClass) {
  api::Pod pod = *made(pod_named("p"));
  pod.mutable_status()->clear_qos_class();
  pod.mutable_status()->set_message("hello");
  EXPECT_EQ(put_status(pod).object->as<api::Pod>().status().qos_class(), "BestEffort");
}

TEST_F(UpdateTest, ManagedFieldsAreKept) {
  api::Deployment d = deployment_named("d");
  auto* entry = d.mutable_metadata()->add_managed_fields();
  entry->set_manager("kubectl");
  entry->set_operation("Update");
  made(d);
  d.mutable_metadata()->clear_managed_fields();
  d.mutable_spec()->set_replicas(3);
  ASSERT_TRUE(put(d).ok());
  d.mutable_status()->set_replicas(3);
  ASSERT_TRUE(put_status(d).ok());
  ASSERT_EQ(read<api::Deployment>("d")->metadata().managed_fields_size(), 1);
  EXPECT_EQ(read<api::Deployment>("d")->metadata().managed_fields(0).manager(), "kubectl");
  // But they can be said anew.
  d.mutable_metadata()->add_managed_fields()->CopyFrom(
      read<api::Deployment>("d")->metadata().managed_fields(0));
  d.mutable_metadata()->mutable_managed_fields(0)->set_manager("helm");
  ASSERT_TRUE(put(d).ok());
  EXPECT_EQ(read<api::Deployment>("d")->metadata().managed_fields(0).manager(), "helm");
}

TEST_F(UpdateTest, KindsWithoutStatusHaveNoSuchResource) {
  made(config_named("c"));
  const Response response = put_status(config_named("c", "2"));
  EXPECT_EQ(response.error.reason, Reason::not_found);
}

TEST_F(UpdateTest, PatchTypes) {
  made(config_named("c", "1"));
  Response response = call(
      patching(Kind::config_maps, "c", api::PatchType::merge, R"({"data":{"k":null,"m":"2"}})"));
  ASSERT_TRUE(response.ok()) << response.error.message;
  EXPECT_EQ(response.object->as<api::ConfigMap>().data().size(), 1u);
  response = call(patching(Kind::config_maps, "c", api::PatchType::json,
                           R"([{"op":"replace","path":"/data/m","value":"3"}])"));
  ASSERT_TRUE(response.ok()) << response.error.message;
  EXPECT_EQ(response.object->as<api::ConfigMap>().data().at("m"), "3");
  made(deployment_named("d"));
  response = call(patching(
      Kind::deployments, "d", api::PatchType::strategic,
      R"({"spec":{"template":{"spec":{"containers":[{"name":"c","image":"nginx:1.8"}]}}}})"));
  ASSERT_TRUE(response.ok()) << response.error.message;
  const auto& spec = response.object->as<api::Deployment>().spec();
  ASSERT_EQ(spec.template_().spec().containers_size(), 1);
  EXPECT_EQ(spec.template_().spec().containers(0).image(), "nginx:1.8");
  EXPECT_EQ(response.object->meta().generation(), 2);
}

TEST_F(UpdateTest, PatchWithoutChangeKeepsTheRevision) {
  const auto first = made(config_named("c", "1"));
  const Response response =
      call(patching(Kind::config_maps, "c", api::PatchType::merge, R"({"data":{"k":"1"}})"));
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response.object->revision(), first.revision());
}

TEST_F(UpdateTest, PatchMayCarryAPrecondition) {
  const auto first = made(config_named("c", "1"));
  put(config_named("c", "2"));
  const std::string rv = api::to_string(first.revision());
  EXPECT_EQ(call(patching(Kind::config_maps, "c", api::PatchType::merge,
                          R"({"metadata":{"resourceVersion":")" + rv + R"("},"data":{"k":"3"}})"))
                .error.reason,
            Reason::conflict);
}

TEST_F(UpdateTest, PatchCannotRename) {
  made(config_named("c", "1"));
  EXPECT_EQ(
      call(patching(Kind::config_maps, "c", api::PatchType::merge, R"({"metadata":{"name":"d"}})"))
          .error.message,
      "the name of the object (d) does not match the name on the URL (c)");
}

TEST_F(UpdateTest, StatusPatchTouchesStatusOnly) {
  made(deployment_named("d", 2));
  const Response response = call(patching(Kind::deployments, "d", api::PatchType::merge,
                                          R"({"spec":{"replicas":7},"status":{"replicas":2}})",
                                          api::Subresource::status));
  ASSERT_TRUE(response.ok()) << response.error.message;
  EXPECT_EQ(response.object->as<api::Deployment>().spec().replicas(), 2);
  EXPECT_EQ(response.object->as<api::Deployment>().status().replicas(), 2);
}

TEST_F(UpdateTest, ObjectsDoNotGrowWithoutBoundInSmallSteps) {
  api::Pod pod = pod_named("p");
  pod.mutable_metadata()->add_finalizers("example.com/f");
  made(pod);
  const auto grow = [&](std::size_t bytes) {
    return call(patching(Kind::pods, "p", api::PatchType::merge,
                         R"({"status":{"message":")" + std::string(bytes, 'm') + R"("}})",
                         api::Subresource::status));
  };
  EXPECT_TRUE(grow(1'000'000).ok());
  const Response refused = grow(1'600'000);
  EXPECT_EQ(refused.error.reason, Reason::request_entity_too_large);
  EXPECT_EQ(refused.error.message, "Request entity too large: limit is 1572864");
  EXPECT_EQ(read<api::Pod>("p")->status().message().size(), 1'000'000U);
  // One that is at the bound can still be deleted, though that adds to it.
  std::size_t low = 1'000'000, high = 1'600'000;
  while (high - low > 1) {
    const std::size_t middle = (low + high) / 2;
    (grow(middle).ok() ? low : high) = middle;
  }
  EXPECT_TRUE(call(removal(Kind::pods, "p")).ok());
  EXPECT_TRUE(read<api::Pod>("p")->metadata().has_deletion_timestamp());
}

TEST_F(UpdateTest, WhatIsTooLargeIsNotCreated) {
  api::Pod pod = pod_named("p");
  for (int i = 0; i < 30'000; ++i) {
    api::Container copy = pod.spec().containers(0);
    copy.set_name("c" + std::to_string(i));
    *pod.mutable_spec()->add_containers() = std::move(copy);
  }
  EXPECT_EQ(create(pod).error.reason, Reason::request_entity_too_large);
}

TEST_F(UpdateTest, ImmutableFieldsAre422) {
  api::Deployment d = *made(deployment_named("d"));
  (*d.mutable_spec()->mutable_selector()->mutable_match_labels())["x"] = "y";
  (*d.mutable_spec()->mutable_template_()->mutable_metadata()->mutable_labels())["x"] = "y";
  const Response response = put(d);
  EXPECT_EQ(response.error.reason, Reason::invalid);
  EXPECT_THAT(response.error.message, HasSubstr("spec.selector"));
  EXPECT_THAT(response.error.message, HasSubstr("field is immutable"));
}

TEST_F(UpdateTest, DryRunChangesNothing) {
  const auto before = made(config_named("c", "1"));
  Request request = api::update(api::make_object(config_named("c", "2")));
  request.dry_run = true;
  const Response response = call(request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response.object->as<api::ConfigMap>().data().at("k"), "2");
  EXPECT_EQ(response.object->revision(), before.revision());
  EXPECT_EQ(read<api::ConfigMap>("c")->data().at("k"), "1");
}

TEST_F(UpdateTest, ScaleIsAViewOfReplicas) {
  made(deployment_named("kel", 2));
  Request get = api::get(Kind::deployments, "default", "kel");
  get.subresource = api::Subresource::scale;
  const Response shown = call(get);
  ASSERT_TRUE(shown.ok());
  const auto& scale = static_cast<const api::Scale&>(*shown.message);
  EXPECT_EQ(scale.spec().replicas(), 2);
  EXPECT_EQ(scale.status().selector(), "run=kel");
  EXPECT_EQ(scale.metadata().resource_version(), api::to_string(shown.revision));

  Response response = call(patching(Kind::deployments, "kel", api::PatchType::merge,
                                    R"({"spec":{"replicas":3}})", api::Subresource::scale));
  ASSERT_TRUE(response.ok()) << response.error.message;
  EXPECT_EQ(static_cast<const api::Scale&>(*response.message).spec().replicas(), 3);
  EXPECT_EQ(read<api::Deployment>("kel")->spec().replicas(), 3);
  EXPECT_EQ(read<api::Deployment>("kel")->metadata().generation(), 2);

  response = call(patching(Kind::deployments, "kel", api::PatchType::json,
                           R"([{"op":"test","path":"/spec/replicas","value":3},
                               {"op":"replace","path":"/spec/replicas","value":4}])",
                           api::Subresource::scale));
  ASSERT_TRUE(response.ok()) << response.error.message;
  EXPECT_EQ(read<api::Deployment>("kel")->spec().replicas(), 4);
  response = call(patching(Kind::deployments, "kel", api::PatchType::merge,
                           R"({"spec":{"replicas":-1}})", api::Subresource::scale));
  EXPECT_EQ(
      response.error.message,
      "Scale.autoscaling \"kel\" is invalid: spec.replicas: Invalid value: -1: must be greater "
      "than or equal to 0");
}

TEST_F(UpdateTest, ScaleWithOldResourceVersionConflicts) {
  const auto first = made(deployment_named("kel", 2));
  put_status([&] {
    api::Deployment d = *first;
    d.mutable_status()->set_replicas(1);
    return d;
  }());
  auto scale = std::make_shared<api::Scale>();
  scale->mutable_metadata()->set_name("kel");
  scale->mutable_metadata()->set_resource_version(api::to_string(first.revision()));
  scale->mutable_spec()->set_replicas(5);
  Request request;
  request.verb = api::Verb::update;
  request.kind = Kind::deployments;
  request.subresource = api::Subresource::scale;
  request.ns = "default";
  request.name = "kel";
  request.body = scale;
  EXPECT_EQ(call(request).error.reason, Reason::conflict);
  std::const_pointer_cast<api::Scale>(scale)->mutable_metadata()->set_resource_version("abc");
  EXPECT_EQ(call(request).error.reason, Reason::conflict);
  std::const_pointer_cast<api::Scale>(scale)->mutable_metadata()->clear_resource_version();
  EXPECT_TRUE(call(request).ok());
}

TEST_F(UpdateTest, MethodsThatDoNotExist) {
  made(config_named("c"));
  Request request = api::get(Kind::config_maps, "default", "c");
  request.subresource = api::Subresource::scale;
  EXPECT_EQ(call(request).error.reason, Reason::method_not_allowed);
  request.subresource = api::Subresource::binding;
  EXPECT_EQ(call(request).error.reason, Reason::method_not_allowed);
}

}  // namespace
}  // namespace keelson::test
