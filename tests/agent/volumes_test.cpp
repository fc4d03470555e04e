// The agent and its pods' volumes: what they hold, when they are made, refreshed and removed. The disk
// is a fake that remembers what it was told; runtime/volumes has the tests of the real one.
#include <gmock/gmock.h>

#include "tests/agent/agent_fixture.hpp"

namespace keelson::test {
namespace {

using agent::PodVolumeSetup;
using agent::VolumeFile;
using ::testing::Contains;
using ::testing::HasSubstr;

class FakeVolumes final : public agent::PodVolumes {
 public:
  explicit FakeVolumes(ManualLoop& loop, FakeRuntime& runtime) : loop_(loop), runtime_(runtime) {}

  std::map<std::string, PodVolumeSetup> there;  // by uid
  std::vector<std::string> removed;
  std::vector<std::string> violations;
  int set_ups = 0;
  int fail_set_ups = 0, fail_removals = 0;
  bool locate_fails = false;

  // The files of a pod's only volume, or of the one at `index`.
  std::map<std::string, std::string> files(const std::string& uid, std::size_t index = 0) const {
    std::map<std::string, std::string> out;
    for (const VolumeFile& file : there.at(uid).volumes.at(index).files) {
      out[file.path] = file.content;
    }
    return out;
  }

  void set_up(PodVolumeSetup setup, Done<Unit> done) override {
    ++set_ups;
    Result<Unit> answer = Unit{};
    if (fail_set_ups > 0 && fail_set_ups-- > 0) {
      answer = Result<Unit>(Code::unavailable, "disk is full");
    } else {
      there[setup.uid] = std::move(setup);
    }
    reply<Unit>(std::move(answer), std::move(done));
  }
  void locate(std::string uid, std::string container, std::vector<agent::VolumePart> parts,
              Done<std::vector<std::string>> done) override {
    std::vector<std::string> out;
    if (!there.contains(uid)) violations.push_back("located before it was set up");
    for (const agent::VolumePart& part : parts) {
      out.push_back("/" + container + "/" + part.place.plugin + "/" + part.place.name +
                    (part.sub_path.empty() ? "" : "/" + part.sub_path));
    }
    reply<std::vector<std::string>>(
        locate_fails ? Result<std::vector<std::string>>(Code::invalid, "leads out") : out,
        std::move(done));
  }
  void tear_down(std::string uid, bool all, Done<Unit> done) override {
    if (runtime_.running() > 0 && uid == "uid-web") violations.push_back("removed under a container");
    if (fail_removals > 0 && fail_removals-- > 0) {
      reply<Unit>(Result<Unit>(Code::unavailable, "busy"), std::move(done));
      return;
    }
    there.erase(uid);
    removed.push_back(uid + (all ? "" : ", not all"));
    reply<Unit>(Unit{}, std::move(done));
  }
  void list(Done<std::vector<std::string>> done) override {
    std::vector<std::string> uids;
    for (const auto& [uid, setup] : there) uids.push_back(uid);
    reply<std::vector<std::string>>(std::move(uids), std::move(done));
  }
  void usage(Done<agent::VolumeUsages> done) override {
    reply<agent::VolumeUsages>(agent::VolumeUsages{}, std::move(done));
  }

 private:
  template <class T>
  void reply(Result<T> answer, Done<T> done) {
    loop_.post([answer = std::move(answer), done = std::move(done)]() mutable {
      done(std::move(answer));
    });
  }

  ManualLoop& loop_;
  FakeRuntime& runtime_;
};

class VolumesTest : public AgentTest {
 protected:
  VolumesTest() {
    options.volumes = &disk;
    options.record_events = agent::RecordEvents::warnings;
  }
  ~VolumesTest() override {
    agent.reset();
    EXPECT_TRUE(disk.violations.empty()) << disk.violations.front();
  }

  void config(const std::string& name, std::map<std::string, std::string> data,
              bool immutable = false) {
    api::ConfigMap map;
    map.mutable_metadata()->set_name(name);
    map.mutable_metadata()->set_namespace_("default");
    for (const auto& [key, value] : data) (*map.mutable_data())[key] = value;
    if (immutable) map.set_immutable(true);
    api.put(api::make_object(std::move(map)));
  }
  static api::Volume& volume(api::Pod& pod, const std::string& name, const std::string& mount) {
    api::Volume& out = *pod.mutable_spec()->add_volumes();
    out.set_name(name);
    auto& mounted = *pod.mutable_spec()->mutable_containers(0)->add_volume_mounts();
    mounted.set_name(name);
    mounted.set_mount_path(mount);
    return out;
  }
  static PodBuilder with_config(const std::string& map) {
    return std::move(web().with([&](api::Pod& pod) {
      volume(pod, "conf", "/etc/app")
          .mutable_volume_source()
          ->mutable_config_map()
          ->mutable_local_object_reference()
          ->set_name(map);
    }));
  }
  static PodBuilder with_token(int64_t seconds) {
    return std::move(web().with([&](api::Pod& pod) {
      auto& source = *volume(pod, "token", "/var/run/secrets")
                          .mutable_volume_source()
                          ->mutable_projected()
                          ->add_sources()
                          ->mutable_service_account_token();
      source.set_path("token");
      source.set_expiration_seconds(seconds);
      pod.mutable_spec()->set_service_account_name("robot");
    }));
  }
  bool warned(const std::string& text) const {
    for (const std::string& event : events()) {
      if (event.find(text) != std::string::npos) return true;
    }
    return false;
  }

  FakeVolumes disk{loop, runtime};
};

TEST_F(VolumesTest, AConfigMapIsThereBeforeTheContainerAndChangesUnderIt) {
  config("settings", {{"a", "1"}});
  api.put(with_config("settings"));
  start();
  loop.run_for(3s);
  ASSERT_EQ(status().phase(), "Running");
  EXPECT_EQ(disk.files("uid-web"), (std::map<std::string, std::string>{{"a", "1"}}));
  const agent::Mount& mount = runtime.mounts["main"].at(0);
  EXPECT_EQ(mount.host_path, "/main/configmap/conf");
  EXPECT_EQ(mount.container_path, "/etc/app");
  EXPECT_TRUE(mount.read_only) << "nobody but the agent writes there";

  config("settings", {{"a", "2"}, {"b", "new"}});
  loop.run_for(1s);
  EXPECT_EQ(disk.files("uid-web"), (std::map<std::string, std::string>{{"a", "2"}, {"b", "new"}}));

  remove("web", 0);
  loop.run_for(5s);
  EXPECT_EQ(object("web"), nullptr);
  EXPECT_EQ(disk.removed, std::vector<std::string>{"uid-web"});
  EXPECT_EQ(api.open_watches(), 2U) << "pods and the node: the ConfigMap is nobody's business now";
}

TEST_F(VolumesTest, AMissingObjectIsToldAndWaitedFor) {
  api.put(with_config("settings"));
  start();
  loop.run_for(3s);
  EXPECT_EQ(container().state().waiting().reason(), "ContainerCreating");
  EXPECT_EQ(runtime.sandbox_count(), 0U);
  EXPECT_TRUE(warned("FailedMount: MountVolume.SetUp failed for volume \"conf\" : configmap "
                     "\"settings\" not found"));
  loop.run_for(std::chrono::minutes(3));  // by now it is tried every two minutes
  config("settings", {{"a", "1"}});
  loop.run_for(3s);
  EXPECT_EQ(status().phase(), "Running") << "what it waited for starts it at once";
}

TEST_F(VolumesTest, ADiskThatRefusesIsTriedAgain) {
  config("settings", {{"a", "1"}});
  disk.fail_set_ups = 2;
  api.put(with_config("settings"));
  start();
  loop.run_for(10s);
  EXPECT_EQ(status().phase(), "Running");
  EXPECT_TRUE(warned("FailedMount: disk is full"));
  disk.fail_set_ups = 1;
  config("settings", {{"a", "2"}});
  loop.run_for(1s);
  EXPECT_EQ(disk.files("uid-web")["a"], "1");
  loop.run_for(10s);
  EXPECT_EQ(disk.files("uid-web")["a"], "2");
}

TEST_F(VolumesTest, ADeletedConfigMapLeavesItsFilesAndTheOthersGoOn) {
  config("one", {{"a", "1"}});
  config("two", {{"a", "1"}});
  api.put(with_config("one").with([&](api::Pod& pod) {
    volume(pod, "more", "/more")
        .mutable_volume_source()
        ->mutable_config_map()
        ->mutable_local_object_reference()
        ->set_name("two");
  }));
  start();
  loop.run_for(3s);
  ASSERT_EQ(status().phase(), "Running");
  api.erase({api::Kind::config_maps, "default", "one"});
  loop.run_for(1s);
  config("two", {{"a", "2"}});
  loop.run_for(1s);
  ASSERT_EQ(disk.there.at("uid-web").volumes.size(), 1U) << "of the other nothing is said";
  EXPECT_EQ(disk.files("uid-web")["a"], "2");
  config("one", {{"a", "3"}});
  loop.run_for(1s);
  EXPECT_EQ(disk.files("uid-web")["a"], "3");
}

TEST_F(VolumesTest, AnImmutableObjectIsNotWatchedOn) {
  config("settings", {{"a", "1"}}, true);
  api.put(with_config("settings"));
  start();
  loop.run_for(3s);
  ASSERT_EQ(status().phase(), "Running");
  EXPECT_EQ(api.open_watches(), 2U);
}

TEST_F(VolumesTest, LabelsAreFilesThatFollow) {
  api.put(web().label("app", "web").with([](api::Pod& pod) {
    auto& file = *volume(pod, "info", "/info")
                      .mutable_volume_source()
                      ->mutable_downward_api()
                      ->add_items();
    file.set_path("labels");
    file.mutable_field_ref()->set_field_path("metadata.labels");
  }));
  start();
  loop.run_for(3s);
  EXPECT_EQ(disk.files("uid-web")["labels"], "app=\"web\"");
  const int before = disk.set_ups;
  change("web", [](api::Pod& pod) { (*pod.mutable_metadata()->mutable_labels())["say"] = "\"hi\"\n"; });
  loop.run_for(1s);
  EXPECT_EQ(disk.files("uid-web")["labels"], "app=\"web\"\nsay=\"\\\"hi\\\"\\n\"");
  EXPECT_EQ(disk.set_ups, before + 1);
}

TEST_F(VolumesTest, ATokenIsBoundToThePodAndRenewedAtFourFifthsOfItsLife) {
  api.put(with_token(1000));
  start();
  loop.run_for(3s);
  ASSERT_EQ(status().phase(), "Running");
  EXPECT_EQ(disk.files("uid-web")["token"], "token-1");
  const api::Request* asked = nullptr;
  for (const api::Request& r : api.requests()) {
    if (r.subresource == api::Subresource::token) asked = &r;
  }
  ASSERT_NE(asked, nullptr);
  EXPECT_EQ(asked->ns + "/" + asked->name, "default/robot");
  const auto& spec = static_cast<const api::TokenRequest&>(*asked->body).spec();
  EXPECT_EQ(spec.expiration_seconds(), 1000);
  EXPECT_EQ(spec.bound_object_ref().kind(), "Pod");
  EXPECT_EQ(spec.bound_object_ref().name(), "web");
  EXPECT_EQ(spec.bound_object_ref().uid(), "uid-web");
  loop.run_for(750s);
  EXPECT_EQ(disk.files("uid-web")["token"], "token-1");
  loop.run_for(60s);
  EXPECT_EQ(disk.files("uid-web")["token"], "token-2");
  api.refuse = 1'000'000;  // the server is away when the next renewal is due
  loop.run_for(900s);
  EXPECT_EQ(disk.files("uid-web")["token"], "token-2") << "better an old one than none";
}

TEST_F(VolumesTest, AfterARestartVolumesAreKeptUpToDateAndOrphansGo) {
  config("settings", {{"a", "1"}});
  api.put(with_config("settings"));
  start();
  loop.run_for(3s);
  ASSERT_EQ(status().phase(), "Running");
  kill();
  disk.there["uid-gone"].uid = "uid-gone";
  config("settings", {{"a", "2"}});
  restart();
  loop.run_for(2s);
  EXPECT_EQ(disk.files("uid-web")["a"], "2");
  EXPECT_EQ(disk.removed, std::vector<std::string>{"uid-gone"});
  EXPECT_EQ(runtime.count("create"), 1) << "the container runs on";
  config("settings", {{"a", "3"}});
  loop.run_for(1s);
  EXPECT_EQ(disk.files("uid-web")["a"], "3");
}

TEST_F(VolumesTest, ThePodGoesFromTheApiWhenItsVolumesHaveGone) {
  config("settings", {{"a", "1"}});
  api.put(with_config("settings"));
  start();
  loop.run_for(3s);
  disk.fail_removals = 3;
  remove("web", 0);
  loop.run_for(2s);
  EXPECT_NE(object("web"), nullptr) << "the disk is busy";
  EXPECT_EQ(runtime.container_count(), 0U);
  loop.run_for(10s);
  EXPECT_EQ(object("web"), nullptr);
}

TEST_F(VolumesTest, APodThatEndsKeepsWhatItsContainersLeft) {
  api.put(job("web", "Never"));
  start();
  loop.run_for(3s);
  runtime.exit("main", 0);
  loop.run_for(3s);
  EXPECT_EQ(status().phase(), "Succeeded");
  EXPECT_EQ(disk.removed, std::vector<std::string>{"uid-web, not all"});
}

TEST_F(VolumesTest, ABadSubPathKeepsTheContainerFromStarting) {
  config("settings", {{"a", "1"}});
  api.put(with_config("settings").with([](api::Pod& pod) {
    pod.mutable_spec()->mutable_containers(0)->mutable_volume_mounts(0)->set_sub_path("../up");
  }));
  start();
  loop.run_for(3s);
  EXPECT_EQ(container().state().waiting().reason(), "CreateContainerConfigError");
  EXPECT_THAT(container().state().waiting().message(), HasSubstr("leads out of the volume"));
  EXPECT_EQ(runtime.count("create"), 0);
}

TEST_F(VolumesTest, ASubPathMayNameAVariable) {
  api.put(web().with([](api::Pod& pod) {
    volume(pod, "data", "/data").mutable_volume_source()->mutable_empty_dir();
    auto& container = *pod.mutable_spec()->mutable_containers(0);
    container.mutable_volume_mounts(0)->set_sub_path_expr("logs/$(NAME)/$$x");
    auto& name = *container.add_env();
    name.set_name("NAME");
    name.mutable_value_from()->mutable_field_ref()->set_field_path("metadata.name");
  }));
  start();
  loop.run_for(3s);
  ASSERT_FALSE(runtime.mounts["main"].empty());
  EXPECT_EQ(runtime.mounts["main"][0].host_path, "/main/empty-dir/data/logs/web/$x");
  EXPECT_FALSE(runtime.mounts["main"][0].read_only);
}

}  // namespace
}  // namespace keelson::test
