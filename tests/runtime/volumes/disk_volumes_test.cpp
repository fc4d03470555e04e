// Pods' volumes from their making to their removal, on a real file system.
#include <filesystem>

#include "tests/runtime/volumes/disk.hpp"

namespace keelson::test {
namespace {

namespace fs = std::filesystem;
using agent::PodVolumeSetup;
using agent::VolumePart;
using agent::VolumeSetup;
using Kind = VolumeSetup::Kind;

class DiskVolumesTest : public DiskTest {
 protected:
  void SetUp() override {
    DiskTest::SetUp();
    if (!IsSkipped()) disk.emplace(loop, volumes::DiskOptions{.root = root});
  }
  void TearDown() override {
    end_loop();
    disk.reset();
    DiskTest::TearDown();
  }

  Result<Unit> set_up(const PodVolumeSetup& setup) {
    return wait<Unit>([&](auto done) { disk->set_up(setup, std::move(done)); });
  }
  Result<Unit> tear_down(const std::string& uid, bool all = true) {
    return wait<Unit>([&](auto done) { disk->tear_down(uid, all, std::move(done)); });
  }
  Result<std::vector<std::string>> locate(const std::vector<VolumePart>& parts) {
    return wait<std::vector<std::string>>(
        [&](auto done) { disk->locate("u1", "main", parts, std::move(done)); });
  }
  std::vector<std::string> pods() {
    return wait<std::vector<std::string>>([&](auto done) { disk->list(std::move(done)); }).value();
  }

  static VolumeSetup files(const std::string& plugin, std::vector<agent::VolumeFile> content,
                           bool in_memory = false) {
    return {.kind = Kind::files,
            .place = {plugin + "-volume", plugin, ""},
            .in_memory = in_memory,
            .files = std::move(content)};
  }
  static VolumeSetup scratch(const std::string& name, bool in_memory = false, int64_t size = 0) {
    return {.kind = Kind::scratch,
            .place = {name, "empty-dir", ""},
            .in_memory = in_memory,
            .size_max = size};
  }
  std::string path(const VolumeSetup& volume, const std::string& below = "") const {
    return root + "/pods/u1/volumes/kubernetes.io~" + volume.place.plugin + "/" +
           volume.place.name + (below.empty() ? "" : "/" + below);
  }
  std::size_t mounts() const { return volumes::mounts_below(root).value().size(); }

  std::optional<volumes::DiskVolumes> disk;
};

TEST_F(DiskVolumesTest, APodsVolumesComeAndGo) {
  const VolumeSetup config = files("configmap", {{"key", "value", 0644}});
  const VolumeSetup secret = files("secret", {{"password", "s3cret", 0400}}, true);
  const VolumeSetup plain = scratch("plain"), memory = scratch("memory", true, 1 << 20);
  VolumeSetup host{.kind = Kind::host_path, .place = {"host", "host-path", root + "/of/the/host"}};
  host.host_type = "DirectoryOrCreate";
  const PodVolumeSetup setup{.uid = "u1", .volumes = {config, secret, plain, memory, host}};
  ASSERT_TRUE(set_up(setup).ok());

  EXPECT_EQ(read(path(config, "key")), "value");
  EXPECT_EQ(read(path(secret, "password")), "s3cret");
  EXPECT_EQ(mode(path(secret, "password")), 0400U);
  EXPECT_EQ(mode(path(plain)), 0777U);
  EXPECT_EQ(mode(path(memory)), 0777U);
  EXPECT_EQ(mounts(), 2U) << "the secret, and the memory";
  EXPECT_TRUE(exists(root + "/of/the/host"));
  EXPECT_EQ(pods(), std::vector<std::string>{"u1"});

  write(path(memory, "small"), "fits");
  write(path(memory, "large"), std::string(2 << 20, 'x'));
  EXPECT_LE(look(path(memory, "large")).st_size, 1 << 20) << "no more than its size";

  ASSERT_TRUE(tear_down("u1").ok());
  EXPECT_FALSE(exists(root + "/pods/u1"));
  EXPECT_EQ(mounts(), 0U);
  EXPECT_TRUE(exists(root + "/of/the/host")) << "the host's own stays";
  EXPECT_TRUE(pods().empty());
  EXPECT_TRUE(tear_down("u1").ok()) << "once more does no harm";
}

TEST_F(DiskVolumesTest, SettingUpAgainKeepsWhatContainersWrote) {
  const VolumeSetup plain = scratch("plain"), memory = scratch("memory", true);
  VolumeSetup config = files("configmap", {{"key", "old", 0644}});
  ASSERT_TRUE(set_up({.uid = "u1", .volumes = {plain, memory, config}}).ok());
  write(path(plain, "note"), "mine");
  write(path(memory, "note"), "mine too");
  fs::permissions(path(plain), fs::perms::owner_all);

  disk.emplace(loop, volumes::DiskOptions{.root = root});  // the agent has been restarted
  config.files = {{"key", "new", 0644}};
  ASSERT_TRUE(set_up({.uid = "u1", .volumes = {plain, memory, config}}).ok());
  EXPECT_EQ(read(path(plain, "note")), "mine");
  EXPECT_EQ(read(path(memory, "note")), "mine too");
  EXPECT_EQ(mode(path(plain)), 0700U) << "a container has changed it";
  EXPECT_EQ(read(path(config, "key")), "new");
  EXPECT_EQ(mounts(), 1U);
}

TEST_F(DiskVolumesTest, AGroupOwnsItsPodsVolumes) {
  const VolumeSetup plain = scratch("plain"), memory = scratch("memory", true);
  const VolumeSetup config = files("configmap", {{"key", "value", 0600}});
  const VolumeSetup secret = files("secret", {{"key", "value", 0400}}, true);
  ASSERT_TRUE(set_up({.uid = "u1", .group = 2000, .volumes = {plain, memory, config, secret}}).ok());
  for (const VolumeSetup* volume : {&plain, &memory}) {
    EXPECT_EQ(look(path(*volume)).st_gid, 2000U);
    EXPECT_EQ(mode(path(*volume)), 02777U);
  }
  for (const VolumeSetup* volume : {&config, &secret}) {
    EXPECT_EQ(look(path(*volume, "key")).st_gid, 2000U);
    EXPECT_EQ(mode(path(*volume, "key")) & 0040U, 0040U);
  }
}

TEST_F(DiskVolumesTest, ASubPathIsMountedAndStaysAsItWas) {
  VolumeSetup config = files("configmap", {{"app.conf", "old", 0644}, {"dir/x", "y", 0644}});
  const VolumeSetup plain = scratch("plain");
  ASSERT_TRUE(set_up({.uid = "u1", .volumes = {config, plain}}).ok());
  const auto found = locate({{config.place, "app.conf"},
                             {plain.place, "made/on/demand"},
                             {config.place, ""},
                             {config.place, "dir"}});
  ASSERT_TRUE(found.ok()) << found.error().message;
  EXPECT_EQ(read((*found)[0]), "old");
  EXPECT_EQ((*found)[2], path(config));
  EXPECT_EQ(read((*found)[3] + "/x"), "y");
  write((*found)[1] + "/file", "through the mount");
  EXPECT_EQ(read(path(plain, "made/on/demand/file")), "through the mount");
  EXPECT_EQ(mode(path(plain, "made/on/demand")), 0777U);

  config.files = {{"app.conf", "new", 0644}, {"dir/x", "y", 0644}};
  ASSERT_TRUE(set_up({.uid = "u1", .volumes = {config, plain}}).ok());
  EXPECT_EQ(read(path(config, "app.conf")), "new");
  EXPECT_EQ(read((*found)[0]), "old") << "sub-paths are not refreshed, as in Kubernetes";
  const auto again = locate({{config.place, "app.conf"}});
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(read((*again)[0]), "new") << "but the next instance of the container gets it";

  ASSERT_TRUE(tear_down("u1").ok());
  EXPECT_EQ(mounts(), 0U);
  EXPECT_FALSE(exists(root + "/pods/u1"));
}

TEST_F(DiskVolumesTest, NoLinkLeadsOutOfAVolume) {
  const VolumeSetup plain = scratch("plain");
  ASSERT_TRUE(set_up({.uid = "u1", .volumes = {plain}}).ok());
  fs::create_directories(root + "/outside");
  write(root + "/outside/precious", "kept");
  fs::create_directories(path(plain, "real"));
  write(path(plain, "real/file"), "inside");
  fs::create_directory_symlink("real", path(plain, "inner"));
  fs::create_directory_symlink(root + "/outside", path(plain, "absolute"));
  fs::create_directory_symlink("../../../../..", path(plain, "relative"));

  const auto inner = locate({{plain.place, "inner/file"}});
  ASSERT_TRUE(inner.ok());
  EXPECT_EQ(read(inner->front()), "inside") << "a link that stays inside is followed";
  for (const char* out : {"absolute", "absolute/precious", "relative", "absolute/made"}) {
    EXPECT_FALSE(locate({{plain.place, out}}).ok()) << out;
  }
  EXPECT_EQ(locate({{plain.place, "absolute"}}).code(), Code::invalid);
  EXPECT_FALSE(exists(root + "/outside/made"));
  ASSERT_TRUE(tear_down("u1").ok());
  EXPECT_EQ(read(root + "/outside/precious"), "kept");
}

TEST_F(DiskVolumesTest, ASubPathOfTheHostIsUnmountedBeforeAnythingIsDeleted) {
  fs::create_directories(root + "/host/sub");
  write(root + "/host/sub/precious", "kept");
  const VolumeSetup host{.kind = Kind::host_path, .place = {"h", "host-path", root + "/host"}};
  ASSERT_TRUE(set_up({.uid = "u1", .volumes = {host}}).ok());
  const auto found = locate({{host.place, "sub"}});
  ASSERT_TRUE(found.ok());
  EXPECT_EQ(read(found->front() + "/precious"), "kept");
  ASSERT_TRUE(tear_down("u1").ok());
  EXPECT_EQ(read(root + "/host/sub/precious"), "kept");
  EXPECT_EQ(mounts(), 0U);
}

TEST_F(DiskVolumesTest, WhatAPodThatEndedLeftBehindStaysUntilItGoes) {
  ASSERT_TRUE(set_up({.uid = "u1", .volumes = {scratch("plain")}}).ok());
  fs::create_directories(root + "/pods/u1/containers/main");
  ASSERT_TRUE(tear_down("u1", false).ok());
  EXPECT_FALSE(exists(root + "/pods/u1/volumes"));
  EXPECT_TRUE(exists(root + "/pods/u1/containers/main"));
  ASSERT_TRUE(tear_down("u1", true).ok());
  EXPECT_FALSE(exists(root + "/pods/u1"));
}

TEST_F(DiskVolumesTest, NamesThatAreNoneAreRefused) {
  EXPECT_EQ(tear_down("../pods").code(), Code::invalid);
  EXPECT_EQ(tear_down("").code(), Code::invalid);
  EXPECT_EQ(set_up({.uid = "a/b"}).code(), Code::invalid);
  VolumeSetup odd = scratch("..");
  EXPECT_EQ(set_up({.uid = "u1", .volumes = {odd}}).code(), Code::invalid);
  EXPECT_EQ(locate({{odd.place, "x"}}).code(), Code::invalid);
  odd.place = {"v", "x/../../..", ""};
  EXPECT_EQ(set_up({.uid = "u1", .volumes = {odd}}).code(), Code::invalid);
}

TEST_F(DiskVolumesTest, UsageIsOfScratchVolumesOnly) {
  const VolumeSetup plain = scratch("plain"), memory = scratch("memory", true);
  const VolumeSetup config = files("configmap", {{"key", "value", 0644}});
  ASSERT_TRUE(set_up({.uid = "u1", .volumes = {plain, memory, config}}).ok());
  write(path(plain, "a"), std::string(100'000, 'x'));
  write(path(memory, "b"), std::string(50'000, 'x'));
  const auto usage =
      wait<agent::VolumeUsages>([&](auto done) { disk->usage(std::move(done)); }).value();
  ASSERT_EQ(usage.size(), 1U);
  const auto& volumes = usage.at("u1");
  ASSERT_EQ(volumes.size(), 2U);
  EXPECT_EQ(volumes[0].name, "memory");
  EXPECT_TRUE(volumes[0].in_memory);
  EXPECT_GE(volumes[0].used_bytes, 50'000U);
  EXPECT_EQ(volumes[1].name, "plain");
  EXPECT_GE(volumes[1].used_bytes, 100'000U);
  EXPECT_LT(volumes[1].used_bytes, 200'000U);
  EXPECT_EQ(volumes[1].used_inodes, 2U);
}

TEST_F(DiskVolumesTest, MeasuringDoesNotDelayRemoving) {
  const VolumeSetup plain = scratch("plain");
  ASSERT_TRUE(set_up({.uid = "u1", .volumes = {plain}}).ok());
  write(path(plain, "0"), "");
  for (int i = 1; i <= 60'000; ++i) {
    ASSERT_EQ(link(path(plain, "0").c_str(), path(plain, std::to_string(i)).c_str()), 0);
  }
  // On one thread the answers would never come in this order. On two they may come in the other one
  // on a busy machine, hence a few tries.
  bool overtaken = false;
  for (int i = 0; i < 5 && !overtaken; ++i) {
    ASSERT_TRUE(set_up({.uid = "u2", .volumes = {plain}}).ok());
    const auto removed = std::make_shared<bool>(false);
    overtaken = wait<bool>([&, removed](auto done) {
                  disk->usage([removed, done](auto) mutable { done(*removed); });
                  disk->tear_down("u2", true, [removed](Result<Unit> answer) {
                    *removed = answer.ok();
                  });
                }).value();
  }
  EXPECT_TRUE(overtaken);
}

}  // namespace
}  // namespace keelson::test
