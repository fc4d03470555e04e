// GPUs by the device: the books, the filter, the choice, and that what was chosen outlives the
// scheduler. And the policies' scores that are easily worked out by hand.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "core/api/device_claims.hpp"
#include "core/scheduler/config/configuration.hpp"
#include "core/scheduler/policies/fragmentation.hpp"
#include "core/scheduler/policies/sigmoid.hpp"
#include "tests/scheduler/cluster.hpp"
#include "tests/scheduler/scheduler_world.hpp"

namespace keelson {
namespace {

using namespace test;

PodBuilder gpu_pod(const char* name, const char* count, const char* milli = nullptr) {
  PodBuilder built = pod(name).with(requests(api::kGpuResource, count));
  if (milli != nullptr) built.annotation(api::kGpuMilliAnnotation, milli);
  return built;
}
NodeBuilder gpu_node(const char* name, const char* count) {
  return big_node(name).allocatable(api::kGpuResource, count);
}
scheduler::ProfileOptions sharing() {
  return scheduler::ProfileOptions::defaults().enable("GpuShare");
}

struct GpuCluster : Cluster {
  explicit GpuCluster(const scheduler::ProfileOptions& options = sharing()) : Cluster(options) {}
  // Places the pod; answers its node and devices, "n1: 0,2", or why there is none.
  std::string run(const api::ObjectPtr& object) {
    const scheduler::PodInfoPtr info = cache.info(object);
    const auto decision = scheduler::decide(*profile, cache.snapshot(), *info, rng);
    if (decision.kind != scheduler::Decision::Kind::node) return decision.diagnosis.message();
    cache.assume(info, cache.snapshot().name(decision.node), decision.devices);
    return node_of(decision) + ": " + api::to_string(decision.devices);
  }
  std::vector<int32_t> left(const char* node) {
    const auto row = cache.snapshot().find(cache.words().id(node));
    const auto left = cache.snapshot().devices().left(row);
    return {left.begin(), left.end()};
  }
};

using Left = std::vector<int32_t>;

TEST(Devices, AreWrittenAsAList) {
  EXPECT_EQ(api::to_string(api::DeviceSet(0b1001)), "0,3");
  EXPECT_EQ(api::parse_devices("63,0"), api::DeviceSet(1 | uint64_t{1} << 63));
  for (const char* bad : {"", "64", "-1", "1,1", "1,", ",", "a", "1 ", "00001"}) {
    EXPECT_FALSE(api::parse_devices(bad)) << bad;
  }
}

TEST(GpuShare, TheTightestDeviceThatSufficesIsTaken) {
  GpuCluster cluster;
  cluster.add(gpu_node("n", "3"));
  EXPECT_EQ(cluster.run(gpu_pod("a", "1", "600")), "n: 0");
  EXPECT_EQ(cluster.run(gpu_pod("b", "1", "500")), "n: 1");
  EXPECT_EQ(cluster.run(gpu_pod("c", "1", "400")), "n: 0");
  EXPECT_EQ(cluster.run(gpu_pod("d", "1")), "n: 2");
  EXPECT_EQ(cluster.left("n"), (Left{0, 500, 0}));
  EXPECT_EQ(cluster.run(gpu_pod("e", "1", "501")),
            "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are "
            "available: 1 No preemption victims found for incoming pod.");
  EXPECT_EQ(cluster.run(gpu_pod("f", "1", "500")), "n: 1");
}

TEST(GpuShare, WholeDevicesAreThoseWithTheLowestNumbers) {
  GpuCluster cluster;
  cluster.add(gpu_node("n", "4"));
  EXPECT_EQ(cluster.run(gpu_pod("a", "1", "1")), "n: 0");
  EXPECT_EQ(cluster.run(gpu_pod("b", "2")), "n: 1,2");
  EXPECT_EQ(cluster.run(gpu_pod("c", "2", "900")), "n: 0,3");  // parts of several
  EXPECT_EQ(cluster.left("n"), (Left{99, 0, 0, 100}));
}

TEST(GpuShare, APlaceThatIsGivenBackFreesTheDevices) {
  GpuCluster cluster;
  cluster.add(gpu_node("n", "2"));
  cluster.run(gpu_pod("a", "1", "700"));
  cluster.run(gpu_pod("b", "1", "700"));
  cluster.cache.forget("uid-a");
  EXPECT_EQ(cluster.left("n"), (Left{1000, 300}));
  EXPECT_EQ(cluster.run(gpu_pod("a", "1", "700")), "n: 0");
  cluster.cache.remove("uid-b");
  EXPECT_EQ(cluster.left("n"), (Left{300, 1000}));
}

TEST(GpuShare, BoundPodsHoldTheDevicesThatAreWrittenDown) {
  GpuCluster cluster;
  cluster.add(gpu_node("n", "3"));
  cluster.add(gpu_pod("a", "1", "250").on("n").annotation(api::kGpuDevicesAnnotation, "2"));
  EXPECT_EQ(cluster.left("n"), (Left{1000, 1000, 750}));
  // Another scheduler's: whole devices, the first that are free; and one that makes no sense.
  cluster.add(gpu_pod("b", "1").on("n"));
  cluster.add(gpu_pod("c", "1", "100").on("n").annotation(api::kGpuDevicesAnnotation, "1,2"));
  EXPECT_EQ(cluster.left("n"), (Left{0, 1000, 650}));
  // What is written down later counts, and more than there is does not break the books.
  cluster.add(gpu_pod("b", "1").on("n").annotation(api::kGpuDevicesAnnotation, "2"));
  EXPECT_EQ(cluster.left("n"), (Left{1000, 1000, -350}));
  cluster.add(gpu_pod("d", "3").on("n"));
  EXPECT_EQ(cluster.left("n"), (Left{0, 0, -1350}));
  for (const char* uid : {"uid-a", "uid-b", "uid-c", "uid-d"}) cluster.cache.remove(uid);
  EXPECT_EQ(cluster.left("n"), (Left{1000, 1000, 1000}));
}

TEST(GpuShare, DevicesThatTheNodeHasNotAreGivenToNobody) {
  GpuCluster cluster;
  cluster.add(gpu_node("n", "1"));
  cluster.add(gpu_pod("a", "1").on("n").annotation(api::kGpuDevicesAnnotation, "5"));
  EXPECT_EQ(cluster.left("n"), (Left{1000}));
  EXPECT_EQ(cluster.run(gpu_pod("b", "1")), "n: 0");
  cluster.add(gpu_node("n", "6"));
  EXPECT_EQ(cluster.left("n"), (Left{0, 1000, 1000, 1000, 1000, 0}));
}

TEST(GpuShare, AnAnnotationThatMakesNoSenseIsSaidToTheUser) {
  GpuCluster cluster;
  cluster.add(gpu_node("n", "1"));
  for (const char* bad : {"0", "1001", "half", "-5", "99999999999999999999"}) {
    EXPECT_NE(cluster.run(gpu_pod("a", "1", bad)).find("must be a number from 1 to 1000"),
              std::string::npos)
        << bad;
  }
  // Without a GPU there is nothing that it could be about.
  EXPECT_EQ(cluster.run(pod("cpu").annotation(api::kGpuMilliAnnotation, "half")), "n: ");
}

TEST(GpuShare, WithoutItAShareCountsAsAWholeDevice) {
  GpuCluster cluster(scheduler::ProfileOptions::defaults());
  cluster.add(gpu_node("n", "1"));
  EXPECT_EQ(cluster.run(gpu_pod("a", "1", "100")), "n: ");
  EXPECT_NE(cluster.run(gpu_pod("b", "1", "100")).find("Insufficient nvidia.com/gpu"),
            std::string::npos);
}

TEST(GpuShare, PreemptionFreesTheDeviceThatIsNeeded) {
  GpuCluster cluster;
  cluster.add(gpu_node("n", "2"));
  const auto bound = [&](const char* name, int32_t p, const char* milli, const char* device) {
    cluster.add(gpu_pod(name, "1", milli).on("n").with(priority(p)).annotation(
        api::kGpuDevicesAnnotation, device));
  };
  bound("low", 1, "600", "0");
  bound("mid", 5, "300", "0");
  bound("high", 9, "600", "1");
  EXPECT_EQ(cluster.preempt(gpu_pod("x", "1", "500").with(priority(7))), "n: low");
  EXPECT_EQ(cluster.preempt(gpu_pod("x", "1").with(priority(7))), "n: mid low");
  EXPECT_EQ(cluster.preempt(gpu_pod("x", "2").with(priority(7))), "no preemption");
  EXPECT_EQ(cluster.left("n"), (Left{100, 400}));  // the trials are undone
  EXPECT_EQ(cluster.cache.check(), "");
}

TEST(GpuShare, DevicesAreWrittenWithTheBindingAndReadBackByASuccessor) {
  SchedulerWorld world([] {
    scheduler::SchedulerOptions options;
    options.profiles = scheduler::Profiles(
        scheduler::Profile::make(sharing(), scheduler::default_plugins()).value());
    return options;
  }());
  world.put(gpu_node("n", "2"));
  world.put(gpu_pod("a", "1", "600")).put(gpu_pod("b", "1", "600"));
  world.start();
  EXPECT_EQ(world.api.node_of("a"), "n");
  EXPECT_EQ(world.api.node_of("b"), "n");
  const auto& snapshot = world.scheduler.cache().snapshot();
  EXPECT_EQ(snapshot.devices().total_left(0), 800);
  std::string devices;
  Cluster successor(sharing());
  successor.add(gpu_node("n", "2"));
  for (const char* name : {"a", "b"}) {
    devices += world.api.pod(name)->metadata().annotations().at(api::kGpuDevicesAnnotation);
    successor.add(world.api.find(api::Kind::pods, name));
  }
  EXPECT_EQ(devices, "01");
  EXPECT_EQ(successor.cache.snapshot().devices().whole_left(0), 0);
  EXPECT_EQ(successor.cache.snapshot().devices().total_left(0), 800);
}

TEST(DeviceClaims, WholeDevicesAndSharesAreCountedTogether) {
  using Sums = std::vector<std::pair<std::string, int64_t>>;
  EXPECT_EQ(api::overdrawn_device(Sums{{"nvidia.com/gpu", 2}, {"cpu", 9}}, 2), "");
  EXPECT_EQ(api::overdrawn_device(Sums{{"nvidia.com/gpu", 3}}, 2), "nvidia.com/gpu");
  EXPECT_EQ(api::overdrawn_device(Sums{{"nvidia.com/gpu[0]", 1000}, {"nvidia.com/gpu[1]", 1}}, 2), "");
  EXPECT_EQ(api::overdrawn_device(Sums{{"nvidia.com/gpu[1]", 1001}}, 2), "nvidia.com/gpu[1]");
  EXPECT_EQ(api::overdrawn_device(Sums{{"nvidia.com/gpu[2]", 1}}, 2), "nvidia.com/gpu[2]");
  EXPECT_EQ(api::overdrawn_device(Sums{{"nvidia.com/gpu", 1}, {"nvidia.com/gpu[0]", 1}}, 2), "");
  EXPECT_EQ(api::overdrawn_device(Sums{{"nvidia.com/gpu", 2}, {"nvidia.com/gpu[0]", 1}}, 2),
            "nvidia.com/gpu");
  EXPECT_EQ(api::overdrawn_device(Sums{{"nvidia.com/gpu", INT64_MAX}, {"nvidia.com/gpu[0]", 1}}, 2),
            "nvidia.com/gpu");
  EXPECT_EQ(api::claimed_device("nvidia.com/gpu[12]"), 12);
  for (const char* other : {"nvidia.com/gpu", "nvidia.com/gpu[]", "nvidia.com/gpu[-1]", "cpu"}) {
    EXPECT_EQ(api::claimed_device(other), -1) << other;
  }
}

// --- Policies -----------------------------------------------------------------------------------

TEST(Fragmentation, IsWhatARandomTypicalPodCannotUse) {
  using scheduler::Fragmentation;
  // Half of the pods are CPU only, a quarter wants 600 of a device, a quarter two whole ones of an A.
  const Fragmentation f({{{1000, 0, 0, {}}, 0.5},
                         {{1000, 600, 1, {}}, 0.25},
                         {{1000, 1000, 2, {"A"}}, 0.25}});
  const int32_t a = f.model("A"), other = f.model("B");
  const Left free{1000, 1000}, used{1000, 500};
  // All idle GPU is lost on CPU-only pods; the others can use it if they fit.
  EXPECT_EQ(f.of({4000, a, free}), 0.5 * 2000);
  EXPECT_EQ(f.of({4000, other, free}), 0.75 * 2000);
  EXPECT_EQ(f.of({4000, a, used}), 0.5 * 1500 + 0.25 * 500 + 0.25 * 1500);
  EXPECT_EQ(f.of({999, a, free}), 2000);
  EXPECT_EQ(f.of({999, a, Left{}}), 0);
  EXPECT_EQ(f.of({4000, a, Left{-500, 1000}}), 0.5 * 1000 + 0.25 * 1000);
}

TEST(Fragmentation, TheSigmoidCountsStepsWithoutExp) {
  using scheduler::percent_sigmoid;
  EXPECT_EQ(percent_sigmoid(0), 50);
  EXPECT_EQ(percent_sigmoid(-1e-16), 50);
  EXPECT_EQ(percent_sigmoid(-1e-15), 49);
  EXPECT_EQ(percent_sigmoid(9), 99);
  EXPECT_EQ(percent_sigmoid(-9), 0);
  for (int i = -8000; i <= 8000; ++i) {
    const double x = i / 1000.0 + 0.0001;
    EXPECT_EQ(percent_sigmoid(x), static_cast<int>(100.0 / (1.0 + std::exp(-x)))) << x;
  }
}

// A profile whose only score is the policy's.
scheduler::ProfileOptions scored_by(const char* policy) {
  scheduler::ProfileOptions options;
  options.plugins = {{"PrioritySort"}, {"NodeResourcesFit"}, {policy}, {"GpuShare"}, {"DefaultBinder"}};
  options.points[scheduler::Point::score] = {{{policy}}, {"*"}};
  return options;
}

// Where a share of 300 with one CPU goes: "full" has one GPU of two in use and little CPU, "half" has
// 500 of one in use, "empty" is untouched.
std::string choice(const char* policy) {
  GpuCluster cluster(scored_by(policy));
  for (const char* name : {"empty", "full", "half"}) cluster.add(gpu_node(name, "2"));
  cluster.add(gpu_pod("f", "1").on("full").with(requests("cpu", "3")).annotation(
      api::kGpuDevicesAnnotation, "0"));
  cluster.add(gpu_pod("h", "1", "500").on("half").with(requests("cpu", "1")).annotation(
      api::kGpuDevicesAnnotation, "0"));
  return cluster.run(gpu_pod("x", "1", "300").with(requests("cpu", "1")));
}

TEST(Policies, ChooseAsTheirPapersSay) {
  EXPECT_EQ(choice("FirstFit"), "empty: 0");
  EXPECT_EQ(choice("BestFit"), "full: 1");
  EXPECT_EQ(choice("WorstFit"), "empty: 0");
  EXPECT_EQ(choice("Tetris"), "empty: 0");
  EXPECT_EQ(choice("DominantShare"), "empty: 0");
  EXPECT_EQ(choice("GpuClustering"), "half: 0");
  EXPECT_EQ(choice("GpuPacking"), "half: 0");
}

TEST(Policies, RandomDependsOnSeedAndPodAlone) {
  std::map<std::string, int> seen;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    scheduler::ProfileOptions options = scored_by("Random");
    options.args.policies.seed = seed;
    std::string first;
    for (int again = 0; again < 2; ++again) {
      GpuCluster cluster(options);
      for (const char* name : {"a", "b", "c"}) cluster.add(gpu_node(name, "2"));
      const std::string place = cluster.run(gpu_pod("x", "1", "300"));
      if (again == 0) ++seen[first = place];
      EXPECT_EQ(place, first);
    }
  }
  EXPECT_EQ(seen.size(), 6u);  // every device of every node
}

TEST(Policies, FgdKeepsWholeDevicesForThoseWhoNeedThem) {
  scheduler::ProfileOptions options = scored_by("FGD");
  options.args.policies.typical_pods = {{{1000, 1000, 2, {}}, 0.5}, {{1000, 300, 1, {}}, 0.5}};
  GpuCluster cluster(options);
  cluster.add(gpu_node("pair", "2")).add(gpu_node("odd", "2"));
  cluster.add(gpu_pod("o", "1", "400").on("odd").annotation(api::kGpuDevicesAnnotation, "1"));
  EXPECT_EQ(cluster.run(gpu_pod("x", "1", "300").with(requests("cpu", "1"))), "odd: 0");
  EXPECT_EQ(cluster.run(gpu_pod("y", "1", "300").with(requests("cpu", "1"))), "odd: 0");
  // 400 and 600 are left: of the first, 100 would remain that nobody can use.
  EXPECT_EQ(cluster.run(gpu_pod("z", "1", "300").with(requests("cpu", "1"))), "odd: 1");
}

TEST(Policies, TakeTheirArgumentsFromTheConfiguration) {
  const auto parse = [](const std::string& args) {
    return scheduler::parse_configuration(
        "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
        "profiles:\n- plugins: {multiPoint: {enabled: [{name: FGD}, {name: GpuShare}]}}\n"
        "  pluginConfig:\n  - name: FGD\n    args: " + args + "\n",
        "config.yaml", scheduler::default_plugins());
  };
  const auto good = parse("{typicalPods: [{cpuMilli: 1500, gpus: 1, gpuMilli: 250, models: [T4], weight: 3},"
                          " {cpuMilli: 2000, gpus: 8}]}");
  ASSERT_TRUE(good.ok()) << good.error().message;
  const auto profiles = good->make_profiles(scheduler::default_plugins());
  const auto& typical = profiles.entries().front().profile->args().policies.typical_pods;
  ASSERT_EQ(typical.size(), 2u);
  EXPECT_EQ(typical[0].pod, (scheduler::PodClass{1500, 250, 1, {"T4"}}));
  EXPECT_EQ(typical[0].share, 0.75);
  EXPECT_EQ(typical[1].pod, (scheduler::PodClass{2000, 1000, 8, {}}));
  for (const char* bad : {"{typicalPods: [{cpuMilli: -1}]}", "{typicalPods: [{gpuMilli: 5}]}",
                          "{typicalPods: [{gpus: 1, gpuMilli: 1001}]}", "{typical: []}"}) {
    EXPECT_FALSE(parse(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace keelson
