// A store that loses acknowledged bindings while the pods run: none of them may ever run in two places, and
// in the end each of them runs once.
#include <gtest/gtest.h>

#include <functional>
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
  // Containers take so long to end: longer than the election of a new leader, so that there is time to start
  // them elsewhere meanwhile.
  void begin(Duration drains_for = 25s) {
    WorldOptions options;
    options.seed = 3;
    NodePool pool;
    pool.prefix = "n-";
    pool.count = 5;
    pool.capacity = {{"cpu", "8"}, {"memory", "16Gi"}};
    options.pools = {pool};
    options.schedulers = 1;
    options.runtime.fallback.drains_for = drains_for;
    Observers observers;
    observers.truth = &truth;
    world = std::make_unique<World>(options, observers);
    world->start();
    pass(10s);
  }
  void pass(Duration time) { world->engine().run_until(world->now() + time); }

  // Pods that exist, and are bound only after the moment to which the store will fall back. `meanwhile`
  // happens right after that moment.
  void bind_after_the_snapshot(int64_t grace = 60, const std::function<void()>& meanwhile = {}) {
    world->kill("scheduler-0");
    for (int i = 0; i < kPods; ++i) {
      world->admin().call(
          api::create(keelson::test::pod("p-" + std::to_string(i)).image("nginx").with([&](auto& pod) {
            pod.mutable_spec()->set_termination_grace_period_seconds(grace);
          })),
          [](api::Response response) { EXPECT_TRUE(response.ok()) << response.error.message; });
    }
    pass(5s);
    kept = world->store().history().current();
    if (meanwhile) meanwhile();
    world->restart("scheduler-0");
    pass(30s);
    ASSERT_EQ(truth.count(), static_cast<std::size_t>(kPods));
  }

  Truth truth;
  std::unique_ptr<World> world;
  api::Revision kept;
};

TEST_F(LostHistory, APodWhoseBindingIsLostNeverRunsInTwoPlaces) {
  begin();
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
  begin();
  bind_after_the_snapshot();
  if (HasFatalFailure()) return;
  world->node("n-1")->power_off();
  ASSERT_TRUE(world->store().fail_over(kept).ok());
  pass(150s);
  EXPECT_EQ(truth.twice.size(), 0u);
  EXPECT_EQ(truth.count(), static_cast<std::size_t>(kPods));
}

// Nothing runs but on a node whose Node the store shows as not Ready, or not at all, after it has fallen
// back: what runs there is waited for all the same.
struct ANodeThatWasAway : LostHistory, testing::WithParamInterface<bool> {
  // A change to what the API knows of a node.
  template <class F>
  void change(const std::string& name, F&& how) {
    const api::ObjectPtr node = world->store().history().find({api::Kind::nodes, "", name});
    ASSERT_NE(node, nullptr);
    api::Node changed = node->as<api::Node>();
    how(changed);
    world->admin().call(api::update(api::make_object(std::move(changed), node->revision())),
                        [](api::Response response) { EXPECT_TRUE(response.ok()) << response.error.message; });
  }
};

TEST_P(ANodeThatWasAway, IsWaitedFor) {
  begin();
  const bool absent = GetParam();
  world->node("n-1")->power_off();
  pass(70s);
  if (absent) {
    api::Request request = api::remove(*world->store().history().find({api::Kind::nodes, "", "n-1"}));
    world->admin().call(request, [](api::Response response) { EXPECT_TRUE(response.ok()); });
    pass(5s);
    ASSERT_EQ(world->store().history().find({api::Kind::nodes, "", "n-1"}), nullptr);
  }
  bind_after_the_snapshot(60, [&] {
    world->node("n-1")->power_on();
    for (const char* other : {"n-2", "n-3", "n-4", "n-5"}) {
      change(other, [](api::Node& node) { node.mutable_spec()->set_unschedulable(true); });
    }
    pass(30s);
  });
  if (HasFatalFailure()) return;
  for (const auto& [uid, nodes] : truth.running) EXPECT_EQ(nodes, std::set<std::string>{"n-1"});
  Process& agent = world->node("n-1")->agent_process();
  if (!absent) agent.pause();  // and for a while it cannot even say that it is there
  ASSERT_TRUE(world->store().fail_over(kept).ok());
  pass(30s);
  if (!absent) agent.resume();
  pass(60s);
  EXPECT_EQ(truth.twice.size(), 0u);
  EXPECT_EQ(truth.count(), static_cast<std::size_t>(kPods));
  EXPECT_EQ(truth.starts, 2 * kPods);
}

INSTANTIATE_TEST_SUITE_P(AsTheStoreSaysLater, ANodeThatWasAway, testing::Bool(),
                         [](const auto& info) { return info.param ? "absent" : "not_ready"; });

// Longer than a silent node is waited for: they say that they are at it.
TEST_F(LostHistory, ALongGraceIsWaitedFor) {
  begin(85s);
  bind_after_the_snapshot(90);
  if (HasFatalFailure()) return;
  ASSERT_TRUE(world->store().fail_over(kept).ok());
  pass(80s);
  EXPECT_EQ(truth.starts, kPods);
  pass(20s);
  EXPECT_EQ(truth.twice.size(), 0u);
  EXPECT_EQ(truth.count(), static_cast<std::size_t>(kPods));
  EXPECT_EQ(truth.starts, 2 * kPods);
}

}  // namespace
}  // namespace keelson::sim
