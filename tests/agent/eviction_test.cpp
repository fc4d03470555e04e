// A node that runs short: its conditions, who is evicted and with what words, and which images go.
#include <gmock/gmock.h>

#include "core/agent/eviction_rules.hpp"
#include "core/agent/garbage.hpp"
#include "tests/agent/agent_fixture.hpp"

namespace keelson::test {
namespace {

using agent::NodeMeasurement;
using agent::Scarce;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using std::chrono::minutes;

constexpr uint64_t kMi = 1 << 20, kGi = 1 << 30;

NodeMeasurement plenty() {
  NodeMeasurement out;
  out.memory_capacity_bytes = 8 * kGi;
  out.memory_available_bytes = 4 * kGi;
  out.node_fs = out.image_fs = {100 * kGi, 50 * kGi, 1'000'000, 900'000};
  out.pids_max = 32'768;
  out.pids_used = 500;
  return out;
}

// --- The rules ---------------------------------------------------------------------------------------

class EvictionRules : public ::testing::Test {
 protected:
  // A pod whose container "main" asks for `request` and uses `used` of memory and disk.
  void add(const std::string& name, const std::string& request, uint64_t used, int32_t priority = 0) {
    pods.push_back(pod(name).image("i").with([&](api::Pod& p) {
      p.mutable_spec()->set_priority(priority);
      if (request.empty()) return;
      auto& requests =
          *p.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_requests();
      requests["memory"].set_string(request);
      requests["ephemeral-storage"].set_string(request);
    }));
    usages["uid-" + name]["main"] = {.memory_bytes = used, .disk_bytes = used};
  }
  std::vector<agent::EvictionCandidate> candidates() const {
    std::vector<agent::EvictionCandidate> out;
    for (const auto& each : pods) out.push_back({each->uid(), &each->as<api::Pod>()});
    return out;
  }
  std::string chosen(Scarce of = Scarce::memory) {
    const auto eviction = agent::choose({of, 100 * kMi, 50 * kMi}, candidates(), {usages, volumes});
    return eviction ? eviction->uid.substr(4) : "(nobody)";
  }

  std::vector<api::ObjectPtr> pods;
  agent::PodUsages usages;
  agent::VolumeUsages volumes;
};

TEST_F(EvictionRules, ThresholdsAreKubelets) {
  const auto short_of = [](auto change) {
    NodeMeasurement measured = plenty();
    change(measured);
    std::vector<Scarce> out;
    for (const auto& each : agent::shortages(measured, {.pids_available = 100})) out.push_back(each.of);
    return out;
  };
  EXPECT_TRUE(short_of([](auto&) {}).empty());
  EXPECT_TRUE(short_of([](auto& m) { m.memory_available_bytes = 100 * kMi; }).empty());
  EXPECT_THAT(short_of([](auto& m) { m.memory_available_bytes = 100 * kMi - 1; }),
              ElementsAre(Scarce::memory));
  EXPECT_THAT(short_of([](auto& m) { m.node_fs.available_bytes = 9 * kGi; }),
              ElementsAre(Scarce::node_disk));
  EXPECT_THAT(short_of([](auto& m) { m.image_fs.available_bytes = 14 * kGi; }),
              ElementsAre(Scarce::image_disk));
  EXPECT_THAT(short_of([](auto& m) { m.node_fs.inodes_free = 49'999; }), ElementsAre(Scarce::inodes));
  EXPECT_THAT(short_of([](auto& m) { m.pids_used = 32'700; }), ElementsAre(Scarce::pids));
  EXPECT_TRUE(short_of([](auto& m) { m = {}; }).empty()) << "nothing is known";
}

TEST_F(EvictionRules, ThoseBeyondTheirRequestGoFirstThenByPriorityThenByExcess) {
  add("modest", "500Mi", 400 * kMi);
  EXPECT_EQ(chosen(), "modest") << "somebody has to go";
  add("important", "10Mi", 900 * kMi, 1000);
  EXPECT_EQ(chosen(), "important") << "it uses more than it asked for";
  add("little", "10Mi", 20 * kMi);
  EXPECT_EQ(chosen(), "little") << "of lower priority";
  add("greedy", "10Mi", 300 * kMi);
  EXPECT_EQ(chosen(), "greedy");
  EXPECT_EQ(chosen(Scarce::node_disk), "greedy");
  volumes["uid-little"] = {{.name = "v", .used_bytes = kGi}};
  EXPECT_EQ(chosen(Scarce::node_disk), "little") << "what is in its volumes counts";
  EXPECT_EQ(chosen(Scarce::image_disk), "greedy") << "but not where they are not";
}

TEST_F(EvictionRules, CriticalPodsStay) {
  add("system", "", kGi, 2'000'000'000);
  EXPECT_EQ(chosen(), "(nobody)");
}

TEST_F(EvictionRules, TheMessageIsKubelets) {
  add("greedy", "10Mi", 300 * kMi);
  const auto eviction =
      agent::choose({Scarce::memory, 100 * kMi, 50 * kMi}, candidates(), {usages, volumes});
  ASSERT_TRUE(eviction);
  EXPECT_EQ(eviction->verdict.phase, "Failed");
  EXPECT_EQ(eviction->verdict.reason, "Evicted");
  EXPECT_EQ(eviction->verdict.message,
            "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. "
            "Container main was using 300Mi, request is 10Mi, has larger consumption of memory. ");
}

TEST_F(EvictionRules, LimitsOfTheDiskAreKept) {
  pods.push_back(pod("a").image("i").with([](api::Pod& p) {
    auto& volume = *p.mutable_spec()->add_volumes();
    volume.set_name("cache");
    volume.mutable_volume_source()->mutable_empty_dir()->mutable_size_limit()->set_string("10Mi");
    (*p.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_limits())
        ["ephemeral-storage"]
            .set_string("50Mi");
  }));
  const auto words = [&] {
    const auto out = agent::over_their_limits(candidates(), {usages, volumes});
    return out.empty() ? std::string() : out.front().verdict.message;
  };
  EXPECT_EQ(words(), "");
  volumes["uid-a"] = {{.name = "cache", .used_bytes = 10 * kMi}};
  EXPECT_EQ(words(), "");
  volumes["uid-a"] = {{.name = "cache", .used_bytes = 11 * kMi}};
  EXPECT_EQ(words(), "Usage of EmptyDir volume \"cache\" exceeds the limit \"10Mi\". ");
  volumes["uid-a"] = {{.name = "other", .used_bytes = 30 * kMi}};
  usages["uid-a"]["main"].disk_bytes = 30 * kMi;
  EXPECT_EQ(words(), "Pod ephemeral local storage usage exceeds the total limit of containers 50Mi. ");
  usages["uid-a"]["main"].disk_bytes = 51 * kMi;
  EXPECT_EQ(words(), "Container main exceeded its local ephemeral storage limit \"50Mi\". ");
}

TEST_F(EvictionRules, WhoMayStartUnderPressure) {
  add("best-effort", "", 0);
  add("asking", "10Mi", 0);
  const auto refused = [&](std::size_t i, agent::NodePressure pressure) {
    return agent::refuse_under(pressure, pods[i]->as<api::Pod>()).has_value();
  };
  EXPECT_FALSE(refused(0, {}));
  EXPECT_TRUE(refused(0, {.memory = true}));
  EXPECT_FALSE(refused(1, {.memory = true}));
  EXPECT_TRUE(refused(1, {.disk = true}));
  EXPECT_TRUE(refused(1, {.pids = true}));
  EXPECT_EQ(agent::refuse_under({.memory = true}, pods[0]->as<api::Pod>())->message,
            "The node had condition: [MemoryPressure]. ");
}

TEST(ImageRules, TheLongestUnusedGoUntilThereIsRoom) {
  const auto image = [](const std::string& name, int detected, int used) {
    return agent::ImageRecord{
        {name}, 100, Instant(std::chrono::seconds(detected)), Instant(std::chrono::seconds(used))};
  };
  const auto names = [&](uint64_t wanted) {
    std::string out;
    for (const auto& each : agent::images_to_remove(
             {image("a:1", 1, 500), image("b:1", 2, 0), image("c:1", 1, 400), image("d:1", 990, 0)},
             {"docker.io/library/c:1"}, Instant(1000s), 2min, wanted)) {
      out += each.names[0] + " ";
    }
    return out;
  };
  EXPECT_EQ(names(0), "");
  EXPECT_EQ(names(100), "b:1 ");
  EXPECT_EQ(names(101), "b:1 a:1 ");
  EXPECT_EQ(names(1 << 20), "b:1 a:1 ") << "neither what is in use nor what is new";
}

// --- The agent ---------------------------------------------------------------------------------------

class FakeStats final : public agent::NodeStats {
 public:
  explicit FakeStats(ManualLoop& loop) : loop_(loop) {}
  NodeMeasurement now = plenty();
  std::string asked_for;
  bool down = false;

  void measure(std::string image_path, Done<NodeMeasurement> done) override {
    asked_for = image_path;
    loop_.post([this, done = std::move(done)]() mutable {
      if (down) {
        done(Error{Code::unavailable, "no /proc"});
      } else {
        done(now);
      }
    });
  }

 private:
  ManualLoop& loop_;
};

// A disk that takes its time to be measured.
class SlowDisk final : public agent::PodVolumes {
 public:
  Done<agent::VolumeUsages> pending;
  int asked = 0;

  void set_up(agent::PodVolumeSetup, Done<Unit> done) override { done(Unit{}); }
  void locate(std::string, std::string, std::vector<agent::VolumePart>,
              Done<std::vector<std::string>> done) override {
    done(std::vector<std::string>{});
  }
  void tear_down(std::string, bool, Done<Unit> done) override { done(Unit{}); }
  void list(Done<std::vector<std::string>> done) override { done(std::vector<std::string>{}); }
  void usage(Done<agent::VolumeUsages> done) override {
    ++asked;
    pending = std::move(done);
  }
};

class EvictionTest : public AgentTest {
 protected:
  EvictionTest() {
    options.stats = &stats;
    options.record_events = agent::RecordEvents::warnings;
    options.sandbox_image = "registry.k8s.io/pause:3.6";
  }
  FakeStats stats{loop};
};

TEST_F(EvictionTest, ShortOfMemoryOnePodGoesAndTheNodeSaysSoForFiveMinutes) {
  api.put(web("greedy"));
  api.put(web("other").with([](api::Pod& p) { request(p, "memory", "1Gi"); }));
  stats.now.pods["uid-greedy"]["main"].memory_bytes = 2 * kGi;
  start();
  loop.run_for(15s);
  ASSERT_EQ(status("greedy").phase(), "Running");
  EXPECT_EQ(node_condition("MemoryPressure"), "False");

  stats.now.memory_available_bytes = 10 * kMi;
  loop.run_for(10s);  // one look at it
  EXPECT_EQ(node_condition("MemoryPressure"), "True");
  EXPECT_EQ(status("greedy").phase(), "Failed");
  EXPECT_EQ(status("greedy").reason(), "Evicted");
  EXPECT_THAT(status("greedy").message(), HasSubstr("The node was low on resource: memory."));
  EXPECT_EQ(condition("DisruptionTarget", "greedy"), "True");
  EXPECT_EQ(condition("DisruptionTarget", "other"), "");
  EXPECT_EQ(status("other").phase(), "Running");
  EXPECT_EQ(runtime.running(), 1);

  stats.now = plenty();
  api.put(web("late"));
  loop.run_for(15s);
  EXPECT_EQ(status("late").phase(), "Failed") << "best effort, under memory pressure";
  EXPECT_EQ(status("late").reason(), "Evicted");
  loop.run_for(4min);
  EXPECT_EQ(node_condition("MemoryPressure"), "True");
  EXPECT_EQ(status("other").phase(), "Running");
  loop.run_for(1min);
  EXPECT_EQ(node_condition("MemoryPressure"), "False");
  api.put(web("later"));
  loop.run_for(15s);
  EXPECT_EQ(status("later").phase(), "Running");
}

TEST_F(EvictionTest, TheNextPodGoesOnlyWhenTheFirstHasGone) {
  runtime.term_time = 30s;  // killed after two seconds
  for (const char* name : {"a", "b", "c"}) api.put(web(name));
  start();
  loop.run_for(5s);
  ASSERT_EQ(runtime.running(), 3);
  stats.now.memory_available_bytes = 10 * kMi;
  loop.run_for(6s);
  EXPECT_EQ(runtime.running(), 3) << "asked to stop";
  loop.run_for(7s);
  EXPECT_EQ(runtime.running(), 2);
  loop.run_for(30s);
  EXPECT_EQ(runtime.running(), 0);
}

TEST_F(EvictionTest, AFullDiskCostsImagesBeforePods) {
  runtime.present = {"docker.io/library/old:1", "registry.k8s.io/pause:3.6"};
  api.put(web());
  start();
  loop.run_for(3min);
  ASSERT_EQ(status().phase(), "Running");
  EXPECT_EQ(stats.asked_for, "/images");
  stats.now.image_fs.available_bytes = 10 * kGi;
  loop.run_for(10s);
  stats.now.image_fs.available_bytes = 20 * kGi;  // the image was large
  loop.run_for(2s);
  EXPECT_THAT(runtime.order("remove_image"), ElementsAre("docker.io/library/old:1"));
  loop.run_for(30s);
  EXPECT_EQ(node_condition("DiskPressure"), "True");
  EXPECT_EQ(status().phase(), "Running") << "that was enough";
  stats.now.image_fs.available_bytes = 10 * kGi;
  loop.run_for(30s);
  EXPECT_EQ(status().phase(), "Failed") << "nothing else is left to give";
}

TEST_F(EvictionTest, ImagesAreCollectedAboveEightyFivePercent) {
  runtime.present = {"docker.io/library/old:1", "docker.io/library/older:1"};
  api.put(web());
  start();
  stats.now.image_fs.available_bytes = 16 * kGi;
  loop.run_for(11min);
  EXPECT_EQ(runtime.count("remove_image"), 0) << "84 %";
  stats.now.image_fs.available_bytes = 15 * kGi;
  loop.run_for(5min);
  EXPECT_EQ(runtime.count("remove_image"), 2);
  EXPECT_EQ(status().phase(), "Running");
}

TEST_F(EvictionTest, WithoutMeasurementsNothingIsDone) {
  stats.now.memory_available_bytes = 0;
  stats.down = true;
  api.put(web());
  start();
  loop.run_for(2min);
  EXPECT_EQ(status().phase(), "Running");
  EXPECT_EQ(node_condition("MemoryPressure"), "False");
}

TEST_F(EvictionTest, ADiskThatIsBeingMeasuredIsNotAskedAgain) {
  SlowDisk disk;
  options.volumes = &disk;
  start();
  loop.run_for(10min);
  EXPECT_EQ(disk.asked, 1);
  std::exchange(disk.pending, {})(agent::VolumeUsages{});
  loop.run_for(30s);
  EXPECT_EQ(disk.asked, 2);
  agent.reset();
}

}  // namespace
}  // namespace keelson::test
