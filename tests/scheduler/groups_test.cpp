// Pods that run all or not at all, and namespaces that share fairly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/scheduler/cache/pod_groups.hpp"
#include "core/scheduler/queue/scheduling_queue.hpp"
#include "tests/scheduler/scheduler_world.hpp"

namespace keelson {
namespace {

using namespace test;
using testing::Contains;
using testing::HasSubstr;

auto member(std::string group, std::string least) {
  return [=](api::Pod& pod) {
    auto& labels = *pod.mutable_metadata()->mutable_labels();
    labels[scheduler::kPodGroupLabel] = group;
    labels[scheduler::kMinAvailableLabel] = least;
  };
}
PodBuilder worker(const std::string& name, const std::string& group, const std::string& least) {
  return pod(name).with(requests("cpu", "1")).with(member(group, least));
}

scheduler::SchedulerOptions gangs() {
  auto profile = scheduler::ProfileOptions::defaults();
  profile.enable("Coscheduling");
  scheduler::SchedulerOptions options;
  options.profiles = scheduler::Profile::make(profile, scheduler::default_plugins()).value();
  return options;
}

struct Gangs : testing::Test {
  SchedulerWorld w{gangs()};
  std::size_t bound() const {
    std::size_t count = 0;
    for (const char* name : {"a1", "a2", "a3", "b1", "b2", "b3"}) {
      const std::string node = w.api.node_of(name);
      count += !node.empty() && node != "(gone)" ? 1 : 0;
    }
    return count;
  }
};

TEST_F(Gangs, AllAreBoundOnceAllHaveAPlace) {
  w.put(big_node("n1", "4"));
  for (const char* name : {"a1", "a2", "a3"}) w.put(worker(name, "a", "3"));
  w.start();
  EXPECT_EQ(bound(), 3u);
  EXPECT_EQ(w.api.binds.size(), 3u);
}

TEST_F(Gangs, WithoutRoomForAllNoneTakesAny) {
  w.put(big_node("n1", "2"));
  for (const char* name : {"a1", "a2", "a3"}) w.put(worker(name, "a", "3"));
  w.start();
  EXPECT_TRUE(w.api.binds.empty());
  EXPECT_EQ(w.cpu_on("n1"), 0);
  // Room for the third: all run, long before the group's timeout.
  w.put(big_node("n2", "1"));
  w.loop.run_for(15s);
  EXPECT_EQ(bound(), 3u);
}

TEST_F(Gangs, TwoGroupsDoNotHoldEachOthersHalf) {
  w.put(big_node("n1", "4"));
  for (const char* name : {"a1", "b1", "a2", "b2", "a3", "b3"}) {
    w.put(worker(name, std::string(1, name[0]), "3"));
  }
  w.start();
  w.loop.run_for(30s);
  EXPECT_EQ(bound(), 3u);
  // Nor does the group that does not fit keep others out while it tries.
  w.put(pod("other").with(requests("cpu", "1")));
  w.loop.run_for(15s);
  EXPECT_EQ(w.api.node_of("other"), "n1");
}

TEST_F(Gangs, AGroupWaitsForPodsThatDoNotExistYet) {
  w.put(big_node("n1", "4"));
  w.put(worker("a1", "a", "3")).put(worker("a2", "a", "3"));
  w.start();
  EXPECT_EQ(w.cpu_on("n1"), 0);
  EXPECT_THAT(w.api.events, Contains(HasSubstr("pod group \"default/a\" has 2 of the 3 pods that "
                                               "it needs")));
  w.put(worker("a3", "a", "3"));
  w.loop.run_for(2s);
  EXPECT_EQ(bound(), 3u);
}

TEST_F(Gangs, AReplacementNeedsNobodysCompany) {
  w.put(big_node("n1", "8"));
  for (const char* name : {"a1", "a2", "a3"}) w.put(worker(name, "a", "3"));
  w.start();
  w.put(worker("b1", "a", "3"));
  w.loop.settle();
  EXPECT_EQ(w.api.node_of("b1"), "n1");
}

TEST_F(Gangs, TheWaitEndsForAllTogether) {
  // The third is held back by its gate: it exists, and has no place.
  w.put(big_node("n1", "4"));
  w.put(worker("a1", "a", "3")).put(worker("a2", "a", "3"));
  w.put(worker("a3", "a", "3").with([](api::Pod& p) {
    p.mutable_spec()->add_scheduling_gates()->set_name("example.com/wait");
  }));
  w.start();
  EXPECT_EQ(w.cpu_on("n1"), 2000);
  w.loop.run_for(60s);
  EXPECT_EQ(w.cpu_on("n1"), 0);
  EXPECT_TRUE(w.api.binds.empty());
}

TEST_F(Gangs, OthersAreNotConcernedAndAWrongLabelIsNamed) {
  w.put(big_node("n1", "4")).put(pod("b1")).put(worker("a1", "a", "many"));
  w.start();
  EXPECT_EQ(w.api.node_of("b1"), "n1");
  EXPECT_EQ(w.api.node_of("a1"), "");
  EXPECT_THAT(w.api.events, Contains(HasSubstr("min-available with a positive number")));
}

// --- Fairness

struct Fair : testing::Test {
  static scheduler::ProfileOptions options() {
    auto profile = scheduler::ProfileOptions::defaults();
    profile.disable("PrioritySort");
    profile.enable("DominantResourceFairness");
    return profile;
  }
  Cluster cluster{options()};
  scheduler::SchedulingQueue queue{cluster.profile, {}};
  Instant now{1000s};

  void put(const std::string& ns, const PodBuilder& builder) {
    PodBuilder p = builder;
    p.with([&](api::Pod& m) { m.mutable_metadata()->set_namespace_(ns); });
    queue.put(cluster.cache.info(p.object()), true, now += 1s);
  }
  // The next pod, placed on n1; its namespace.
  std::string next() {
    scheduler::QueuedPod* pod = queue.pop(&cluster.cache.snapshot());
    if (pod == nullptr) return "";
    const scheduler::PodInfoPtr info = pod->info;
    cluster.cache.assume(info, cluster.cache.words().id("n1"));
    cluster.cache.bind_succeeded(info->uid());
    queue.remove(info->uid());
    return info->ns();
  }
};

// The example of the paper: 9 CPUs and 18 GB; A's tasks need 1 CPU and 4 GB, B's 3 CPUs and 1 GB. A
// comes to three tasks and B to two.
TEST_F(Fair, DominantSharesAreKeptEqual) {
  cluster.add(big_node("n1", "9", "18Gi"));
  for (int i = 0; i < 8; ++i) {
    const std::string n = std::to_string(i);
    put("a", pod("a" + n).with(requests("cpu", "1")).with(requests("memory", "4Gi")));
  }
  for (int i = 0; i < 8; ++i) {
    const std::string n = std::to_string(i);
    put("b", pod("b" + n).with(requests("cpu", "3")).with(requests("memory", "1Gi")));
  }
  std::map<std::string, int> tasks;
  for (int i = 0; i < 5; ++i) ++tasks[next()];
  EXPECT_EQ(tasks["a"], 3);
  EXPECT_EQ(tasks["b"], 2);
}

TEST_F(Fair, PriorityComesFirstAndWhoLeavesGivesBack) {
  cluster.add(big_node("n1", "10"));
  put("a", pod("a1").with(requests("cpu", "4")));
  put("b", pod("b1").with(requests("cpu", "1")));
  EXPECT_EQ(next(), "a");
  put("a", pod("a2").with(requests("cpu", "1")));
  put("a", pod("a3").with(requests("cpu", "1")).with(priority(5)));
  EXPECT_EQ(next(), "a");  // urgent
  EXPECT_EQ(next(), "b");
  put("b", pod("b2").with(requests("cpu", "1")));
  cluster.cache.remove(pod("a1").object()->uid());
  cluster.cache.remove(pod("a3").object()->uid());
  EXPECT_EQ(next(), "a");  // has nothing any more; b has one
  EXPECT_EQ(next(), "b");
  EXPECT_EQ(next(), "");
}

}  // namespace
}  // namespace keelson
