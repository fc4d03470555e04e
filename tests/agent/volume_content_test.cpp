// What volumes hold, as a pure function of the pod and what it refers to.
#include "core/agent/volume_content.hpp"

#include <gmock/gmock.h>

namespace keelson::test {
namespace {

using agent::PodVolumeSetup;
using agent::VolumeFile;
using agent::VolumeSetup;
using ::testing::HasSubstr;

class VolumeContent : public ::testing::Test {
 protected:
  VolumeContent() {
    api::Secret secret;
    secret.mutable_metadata()->set_name("s");
    (*secret.mutable_data())["user"] = "me";
    (*secret.mutable_data())["password"] = "hush";
    objects.push_back(api::make_object(std::move(secret)));
    api::ConfigMap map;
    map.mutable_metadata()->set_name("c");
    (*map.mutable_data())["text"] = "plain";
    (*map.mutable_binary_data())["bytes"] = std::string("\0\xff", 2);
    objects.push_back(api::make_object(std::move(map)));
    pod.mutable_metadata()->set_uid("u");
    pod.mutable_metadata()->set_name("p");
    pod.mutable_spec()->add_containers()->set_name("main");
  }
  api::VolumeSource& add(const std::string& name) {
    api::Volume& volume = *pod.mutable_spec()->add_volumes();
    volume.set_name(name);
    return *volume.mutable_volume_source();
  }
  Result<PodVolumeSetup> get() {
    agent::VolumePlan plan = agent::volumes_of(
        pod, {.object = [&](api::Kind kind, const std::string& name) -> api::ObjectPtr {
                for (const auto& o : objects) {
                  if (o->kind() == kind && o->name() == name) return o;
                }
                return nullptr;
              },
              .token = [](const agent::TokenWish& wish) { return "for " + wish.audience; },
              .here = {}});
    if (!plan.problem.ok()) return plan.problem.error();
    return std::move(plan.setup);
  }
  std::string error() {
    const auto got = get();
    return got.ok() ? "" : got.error().message;
  }

  std::vector<api::ObjectPtr> objects;
  api::Pod pod;
};

TEST_F(VolumeContent, ItemsChooseAndPlaceKeys) {
  auto& secret = *add("v").mutable_secret();
  secret.set_secret_name("s");
  secret.set_default_mode(0400);
  auto& item = *secret.add_items();
  item.set_key("user");
  item.set_path("deep/name");
  item.set_mode(0640);
  auto& other = *secret.add_items();
  other.set_key("password");
  other.set_path("pw");
  const VolumeSetup volume = get().value().volumes.at(0);
  EXPECT_EQ(volume.files, (std::vector<VolumeFile>{{"deep/name", "me", 0640}, {"pw", "hush", 0400}}));
  EXPECT_TRUE(volume.in_memory);
  other.set_key("none");
  EXPECT_EQ(error(), "MountVolume.SetUp failed for volume \"v\" : references non-existent secret key: none");
  secret.set_optional(true);
  EXPECT_EQ(get().value().volumes.at(0).files.size(), 1U);
  other.set_key("user");
  for (const char* path : {"../../etc/passwd", "..data", "./..data/x", ".", "/", "a/.."}) {
    other.set_path(path);
    EXPECT_THAT(error(), HasSubstr("invalid path")) << path;
  }
  other.set_path("./pw//of/");
  EXPECT_EQ(get().value().volumes.at(0).files.at(1).path, "pw/of");
  other.set_path("deep");
  EXPECT_THAT(error(), HasSubstr("path \"deep\" cannot be a file and the folder of \"deep/name\""));
}

TEST_F(VolumeContent, WhatIsOptionalMayBeMissing) {
  auto& map = *add("v").mutable_config_map();
  map.mutable_local_object_reference()->set_name("none");
  EXPECT_THAT(error(), HasSubstr("configmap \"none\" not found"));
  map.set_optional(true);
  EXPECT_TRUE(get().value().volumes.at(0).files.empty());
  map.mutable_local_object_reference()->set_name("c");
  EXPECT_EQ(get().value().volumes.at(0).files,
            (std::vector<VolumeFile>{{"bytes", std::string("\0\xff", 2), 0644},
                                     {"text", "plain", 0644}}));
}

TEST_F(VolumeContent, ProjectedSourcesShareAFolder) {
  auto& all = *add("v").mutable_projected();
  all.add_sources()->mutable_secret()->mutable_local_object_reference()->set_name("s");
  all.add_sources()->mutable_config_map()->mutable_local_object_reference()->set_name("c");
  auto& token = *all.add_sources()->mutable_service_account_token();
  token.set_path("token");
  token.set_audience("vault");
  auto& file = *all.add_sources()->mutable_downward_api()->add_items();
  file.set_path("namespace");
  file.mutable_field_ref()->set_field_path("metadata.name");
  std::vector<std::string> paths;
  const PodVolumeSetup setup = get().value();
  for (const VolumeFile& f : setup.volumes.at(0).files) paths.push_back(f.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"bytes", "namespace", "password", "text", "token", "user"}));
  EXPECT_EQ(agent::token_wishes(pod.spec()), (std::vector<agent::TokenWish>{{"vault", 3600}}));
  EXPECT_EQ(get().value().volumes.at(0).files[4].mode, 0644U);
  // A token is for the one who runs there, if that is known.
  pod.mutable_spec()->mutable_security_context()->set_run_as_user(1000);
  EXPECT_EQ(get().value().volumes.at(0).files[4], (VolumeFile{"token", "for vault", 0600, 1000}));
  pod.mutable_spec()->mutable_containers(0)->mutable_security_context()->set_run_as_user(7);
  pod.mutable_spec()->add_containers()->set_name("other");
  EXPECT_EQ(get().value().volumes.at(0).files[4].owner, std::nullopt) << "they do not agree";
}

TEST_F(VolumeContent, ScratchAndHostPath) {
  auto& memory = *add("m").mutable_empty_dir();
  memory.set_medium("Memory");
  memory.mutable_size_limit()->set_string("64Mi");
  add("h").mutable_host_path()->set_path("/data");
  const auto volumes = get().value().volumes;
  EXPECT_EQ(volumes[0].size_max, 64 << 20);
  EXPECT_TRUE(volumes[0].in_memory);
  EXPECT_EQ(volumes[1].place.host_path, "/data");
  memory.set_medium("HugePages");
  EXPECT_THAT(error(), HasSubstr("unknown storage medium"));
}

TEST_F(VolumeContent, AKindThatNobodyServesIsSaid) {
  add("v").mutable_nfs()->set_server("here");
  EXPECT_THAT(error(), HasSubstr("no volume plugin matched"));
}

TEST_F(VolumeContent, PathsThatStayInside) {
  for (const char* inside : {"a", "a/b", "..a", "a..", "./a", "a/./b", "...", "a//b"}) {
    EXPECT_TRUE(agent::stays_inside(inside)) << inside;
  }
  for (const char* outside : {"", "/", "/a", "..", "../a", "a/..", "a/../b"}) {
    EXPECT_FALSE(agent::stays_inside(outside)) << outside;
  }
}

}  // namespace
}  // namespace keelson::test
