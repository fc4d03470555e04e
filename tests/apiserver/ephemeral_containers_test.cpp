// The ephemeralcontainers subresource of pods: adds, and does nothing else.
#include "tests/apiserver/fixture.hpp"

namespace keelson::test {
namespace {

using ::testing::HasSubstr;

class EphemeralContainersTest : public ApiServerTest {
 protected:
  EphemeralContainersTest() { made(pod_named("web")); }

  static api::EphemeralContainer debugger(const std::string& name) {
    api::EphemeralContainer one;
    one.mutable_ephemeral_container_common()->set_name(name);
    one.mutable_ephemeral_container_common()->set_image("busybox");
    return one;
  }
  Response patch(const std::string& containers) {
    return call(patching(Kind::pods, "web", api::PatchType::strategic,
                         R"({"spec":{"ephemeralContainers":)" + containers + "}}",
                         api::Subresource::ephemeral_containers));
  }
  Response replace(api::Pod pod) {
    Request request = api::update(api::make_object(std::move(pod)));
    request.subresource = api::Subresource::ephemeral_containers;
    return call(std::move(request));
  }
  std::string refusal(const std::string& containers) {
    const Response response = patch(containers);
    EXPECT_EQ(response.error.reason, Reason::invalid);
    return response.error.message;
  }
};

TEST_F(EphemeralContainersTest, AreAddedByPatchAndByPut) {
  const Response patched =
      patch(R"([{"name":"one","image":"busybox","targetContainerName":"c","stdin":true}])");
  ASSERT_TRUE(patched.ok()) << patched.error.message;
  api::Pod pod = *read<api::Pod>("web");
  ASSERT_EQ(pod.spec().ephemeral_containers_size(), 1);
  const auto& one = pod.spec().ephemeral_containers(0).ephemeral_container_common();
  EXPECT_EQ(one.image_pull_policy(), "Always");
  EXPECT_EQ(one.termination_message_policy(), "File");

  *pod.mutable_spec()->add_ephemeral_containers() = debugger("two");
  ASSERT_TRUE(replace(pod).ok());
  EXPECT_EQ(read<api::Pod>("web")->spec().ephemeral_containers_size(), 2);
}

TEST_F(EphemeralContainersTest, NothingElseChangesThroughThem) {
  api::Pod pod = *read<api::Pod>("web");
  *pod.mutable_spec()->add_ephemeral_containers() = debugger("one");
  pod.mutable_spec()->mutable_containers(0)->set_image("other");
  (*pod.mutable_metadata()->mutable_labels())["x"] = "y";
  pod.mutable_status()->set_phase("Failed");
  ASSERT_TRUE(replace(pod).ok());
  const auto now = read<api::Pod>("web");
  EXPECT_EQ(now->spec().ephemeral_containers_size(), 1);
  EXPECT_NE(now->spec().containers(0).image(), "other");
  EXPECT_FALSE(now->metadata().labels().contains("x"));
  EXPECT_EQ(now->status().phase(), "Pending");
}

TEST_F(EphemeralContainersTest, AreNeitherChangedNorRemoved) {
  ASSERT_TRUE(patch(R"([{"name":"one","image":"busybox"}])").ok());
  EXPECT_THAT(refusal(R"([{"name":"one","image":"other"}])"),
              HasSubstr("spec.ephemeralContainers: Forbidden: existing ephemeral containers "
                        "\"one\" may not be changed"));
  api::Pod without = *read<api::Pod>("web");
  without.mutable_spec()->clear_ephemeral_containers();
  EXPECT_THAT(replace(without).error.message,
              HasSubstr("spec.ephemeralContainers: Forbidden: existing ephemeral containers "
                        "\"one\" may not be removed"));
  // Nor through the pod itself.
  Response plain = put(without);
  EXPECT_THAT(plain.error.message, HasSubstr("pod updates may not change fields other than"));
}

TEST_F(EphemeralContainersTest, AreCheckedAsContainersThatOnlyLook) {
  EXPECT_THAT(refusal(R"([{"name":"c","image":"busybox"}])"),
              HasSubstr("spec.ephemeralContainers[0].name: Duplicate value: \"c\""));
  EXPECT_THAT(refusal(R"([{"name":"x","image":"busybox","targetContainerName":"nope"}])"),
              HasSubstr("spec.ephemeralContainers[0].targetContainerName: Not found: \"nope\""));
  EXPECT_THAT(refusal(R"([{"name":"x","image":"busybox","ports":[{"containerPort":80}]}])"),
              HasSubstr("ports: Forbidden: cannot be set for an Ephemeral Container"));
  EXPECT_THAT(refusal(R"([{"name":"x","image":"busybox","resources":{"limits":{"cpu":"1"}}}])"),
              HasSubstr("resources: Forbidden: cannot be set for an Ephemeral Container"));
}

TEST_F(EphemeralContainersTest, AreOfPodsThatThereAre) {
  Request request = patching(Kind::pods, "nope", api::PatchType::strategic, "{}",
                             api::Subresource::ephemeral_containers);
  EXPECT_EQ(call(request).error.reason, Reason::not_found);
  request.kind = Kind::config_maps;
  EXPECT_EQ(call(request).error.reason, Reason::method_not_allowed);
}

}  // namespace
}  // namespace keelson::test
