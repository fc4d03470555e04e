// A store that loses acknowledged bindings while the pods run: none of them may ever run in two places, and
// in the end each of them runs once.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "sim/world/world.hpp"
#include "tests/support/builders.hpp"

namespace keelson::sim {
namespace {

constexpr int kPods = 12;

// Where each pod runs, by its uid: the truth.
struct Truth final : GroundTruthObserver {
  void container_started(const std::string& node, const agent::ContainerInfo& info) override {
    running[info.pod_uid].insert(node);
    ++starts;
    if (running[info.pod_uid].size() > 1) twice.insert(info.pod_uid);
  }
  void container_stopped(const std::string& node, const agent::ContainerInfo& info) override {
    running[info.pod_uid].erase(node);
  }
  std::size_t count() const {
    std::size_t sum = 0;
    for (const auto& [uid, nodes] : running) sum += nodes.size();
    return sum;
  }
  std::map<std::string, std::set<std::string>> running;
  std::set<std::string> twice;  // pods that have run on two nodes at once
  int starts = 0;
};

struct LostHistory : testing::Test {
  LostHistory() {
    WorldOptions options;
    options.seed = 3;
    NodePool pool;
    pool.prefix = "n-";
    pool.count = 5;
    pool.capacity = {{"cpu", "8"}, {"memory", "16Gi"}};
    options.pools = {pool};
    options.schedulers = 1;
    // They end later than a new leader is elected: there is time to start them elsewhere meanwhile.
    options.runtime.fallback.drains_for = 25s;
    Observers observers;
    observers.truth = &truth;
    world = std::make_unique<World>(options, observers);
    world->start();
    pass(10s);
  }
  void pass(Duration time) { world->engine().run_until(world->now() + time); }

  // Pods that exist, and are bound only after the moment to which the store will fall back.
  void bind_after_the_snapshot() {
    world->kill("scheduler-0");
    for (int i = 0; i < kPods; ++i) {
      world->admin().call(
          api::create(keelson::test::pod("p-" + std::to_string(i)).image("nginx").with([](auto& pod) {
            pod.mutable_spec()->set_termination_grace_period_seconds(60);
          })),
          [](api::Response response) { EXPECT_TRUE(response.ok()) << response.error.message; });
    }
    pass(5s);
    kept = world->store().history().current();
    world->restart("scheduler-0");
    pass(30s);
    ASSERT_EQ(truth.count(), static_cast<std::size_t>(kPods));
  }

  Truth truth;
  std::unique_ptr<World> world;
  api::Revision kept;
};

TEST_F(LostHistory, APodWhoseBindingIsLostNeverRunsInTwoPlaces) {
  bind_after_the_snapshot();
  if (HasFatalFailure()) return;
  ASSERT_TRUE(world->store().fail_over(kept).ok());
  pass(38s);
  EXPECT_EQ(truth.twice.size(), 0u);
  EXPECT_EQ(truth.count(), static_cast<std::size_t>(kPods));
  // All were lost, and waited for as long as they took to end: not for the 40 s that a node is given at most.
  EXPECT_EQ(truth.starts, 2 * kPods);
}

// One of the nodes has died with the history: the others' pods are not kept waiting for it.
TEST_F(LostHistory, ANodeThatDoesNotComeBackIsNotWaitedForLong) {
  bind_after_the_snapshot();
  if (HasFatalFailure()) return;
  world->node("n-1")->power_off();
  ASSERT_TRUE(world->store().fail_over(kept).ok());
  pass(150s);
  EXPECT_EQ(truth.twice.size(), 0u);
  EXPECT_EQ(truth.count(), static_cast<std::size_t>(kPods));
}

}  // namespace
}  // namespace keelson::sim
