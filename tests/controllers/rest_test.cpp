// Rests: many changes of what a controller counts share a reconcile; few things change at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/controllers/garbage_collector.hpp"
#include "core/controllers/manager.hpp"
#include "core/controllers/replica_set.hpp"
#include "tests/controllers/mini_api.hpp"
#include "tests/controllers/world.hpp"
#include "tests/support/manual_loop.hpp"

namespace keelson::controllers {
namespace {

using namespace test;

// Every pod concerns the ReplicaSet "web".
class Counter final : public Controller {
 public:
  using Script = std::function<Plan(const View&)>;
  explicit Counter(Script script) : script_(std::move(script)) {}
  std::string_view name() const override { return "counter"; }
  std::span<const api::Kind> reads() const override { return kinds_; }
  void keys_for(const View&, const api::ObjectPtr&, const api::ObjectPtr&,
                const KeySink& sink) const override {
    sink({api::Kind::replica_sets, "default", "web"});
  }
  Plan reconcile(const View& view, const api::ObjectKey&) override { return script_(view); }

 private:
  Script script_;
  std::vector<api::Kind> kinds_{api::Kind::replica_sets, api::Kind::pods};
};

class RestTest : public ::testing::Test {
 protected:
  void SetUp() override {
    web = api::Ref<api::ReplicaSet>(api.create(replica_set("web").replicas(1).selects("a", "b")));
    manager.add(std::make_unique<Counter>([this](const View& view) {
      ++reconciles;
      seen = view.list<api::Pod>("default").size();
      return next(view);
    }));
    manager.start({}, nullptr);
    loop.settle();
    EXPECT_EQ(std::exchange(reconciles, 0), 1);
  }
  void make_pods(int count) {
    for (int i = 0; i < count; ++i) api.create(pod("p" + std::to_string(made++)));
    loop.settle();
  }
  static Plan resting(Duration rest) {
    Plan plan;
    plan.rest = rest;
    return plan;
  }

  ManualLoop loop;
  MiniApi api{loop};
  NullLog log;
  Manager manager{loop, api, Rng(7), log, {"cm", "cm-0", 64}};
  std::function<Plan(const View&)> next = [](const View&) { return resting(200ms); };
  api::Ref<api::ReplicaSet> web;
  int reconciles = 0, made = 0;
  std::size_t seen = 0;
};

TEST_F(RestTest, ChangesDuringARestShareAReconcileAtItsEnd) {
  loop.run_for(50ms);
  for (int i = 0; i < 10; ++i) {
    make_pods(1);
    loop.run_for(10ms);
  }
  EXPECT_EQ(reconciles, 0);
  EXPECT_FALSE(manager.idle()) << "there is something to do, though not yet";
  loop.run_for(50ms);
  EXPECT_EQ(reconciles, 1);
  EXPECT_EQ(seen, 10u);
  EXPECT_TRUE(manager.idle());
  loop.run_for(10s);
  EXPECT_EQ(reconciles, 1);
}

TEST_F(RestTest, TheFirstChangeAfterARestIsNotDelayed) {
  loop.run_for(200ms);
  make_pods(1);
  EXPECT_EQ(reconciles, 1);
  make_pods(1);
  EXPECT_EQ(reconciles, 1);
}

TEST_F(RestTest, WithoutARestEveryChangeCounts) {
  next = [](const View&) { return Plan{}; };
  loop.run_for(1s);
  make_pods(1);
  make_pods(1);
  make_pods(1);
  EXPECT_EQ(reconciles, 3);
}

TEST_F(RestTest, WhatIsAskedForOfTheObjectItselfDoesNotWait) {
  api.change(web, [](api::ReplicaSet& rs) { rs.mutable_spec()->set_replicas(7); });
  loop.settle();
  EXPECT_EQ(reconciles, 1);
  // Its status is of no such urgency.
  api.change(web, [](api::ReplicaSet& rs) { rs.mutable_status()->set_replicas(7); }, true);
  loop.settle();
  EXPECT_EQ(reconciles, 1);
  api.erase(web.object().key());
  loop.settle();
  EXPECT_EQ(reconciles, 2);
  loop.run_for(1s);
  EXPECT_LE(reconciles, 3);
}

TEST_F(RestTest, TheRestBeginsWhenThePlanIsThrough) {
  next = [&](const View&) {
    Plan plan = resting(200ms);
    if (reconciles == 1) plan.then(api::create(config_map("made")));
    return plan;
  };
  loop.run_for(1s);
  api.hold_replies = true;
  make_pods(1);
  EXPECT_EQ(reconciles, 1);
  loop.run_for(1s);
  make_pods(5);  // while the key is being worked on
  api.release_replies();
  loop.settle();
  EXPECT_EQ(reconciles, 1);
  loop.run_for(199ms);
  EXPECT_EQ(reconciles, 1);
  loop.run_for(1ms);
  EXPECT_EQ(reconciles, 2);
  EXPECT_EQ(seen, 6u);
}

TEST_F(RestTest, APlanThatFailedHasNoRest) {
  api.refuse = [](const api::Request& request) {
    return request.verb == api::Verb::create && request.kind == api::Kind::config_maps
               ? api::forbidden(request.kind, request.name, "quota")
               : api::ApiError{};
  };
  next = [&](const View&) {
    Plan plan = resting(200ms);
    plan.then(api::create(config_map("made")));
    return plan;
  };
  loop.run_for(1s);
  make_pods(1);
  EXPECT_EQ(reconciles, 1);
  make_pods(1);
  EXPECT_EQ(reconciles, 2);
}

TEST_F(RestTest, WhatFallsDueOneByOneIsGatheredToo) {
  next = [&](const View&) {
    Plan plan = resting(200ms);
    if (reconciles < 3) plan.requeue_after = 1ms;
    return plan;
  };
  loop.run_for(1s);
  make_pods(1);
  EXPECT_EQ(reconciles, 1);
  loop.run_for(199ms);
  EXPECT_EQ(reconciles, 1);
  loop.run_for(1ms);
  EXPECT_EQ(reconciles, 2);
}

TEST(RestAfter, GrowsWithWhatIsLookedAtAndEnds) {
  EXPECT_EQ(rest_after(0), Duration{});
  EXPECT_EQ(rest_after(49), Duration{});
  EXPECT_EQ(rest_after(100), 2ms);
  EXPECT_EQ(rest_after(10'000), 200ms);
  EXPECT_EQ(rest_after(1'000'000), 250ms);
}

TEST(RestAfter, AReplicaSetRestsOnlyWhenNothingIsMissing) {
  World world;
  ReplicaSetController controller;
  const auto rs = world.put(replica_set("web").replicas(100).selects("app", "web"));
  for (int i = 0; i < 99; ++i) {
    world.put(pod("web-" + std::to_string(i)).label("app", "web").owner(rs).ready());
  }
  EXPECT_EQ(world.reconcile(controller, rs).rest, Duration{});
  const auto last = world.put(pod("web-99").label("app", "web").owner(rs));
  EXPECT_EQ(world.reconcile(controller, rs).rest, 2ms);
  world.erase(last);
  EXPECT_EQ(world.reconcile(controller, rs).rest, Duration{});
}

TEST(RestAfter, AForegroundDeletionRestsWhileItsDependentsEnd) {
  World world;
  GarbageCollector collector;
  const auto rs = world.put(replica_set("web").finalizer("foregroundDeletion").deleting());
  const auto first = world.put(pod("web-0").owner(rs));
  for (int i = 1; i < 100; ++i) {
    world.put(pod("web-" + std::to_string(i)).owner(rs).deleting());
  }
  Plan plan = world.reconcile(collector, rs);
  EXPECT_EQ(plan.writes.size(), 1u);
  EXPECT_EQ(plan.rest, Duration{});
  world.put(pod("web-0").uid(first->uid()).owner(rs).deleting());
  plan = world.reconcile(collector, rs);
  EXPECT_TRUE(plan.writes.empty());
  EXPECT_EQ(plan.rest, 2ms);
}

// Ten times as many pods that start one after the other cost about ten times as many looks at pods,
// not a hundred times.
TEST(RestAfter, AReplicaSetCountsManyPodsInFewLooks) {
  const auto reconciles_of = [](int pods) {
    ManualLoop loop;
    MiniApi api(loop);
    NullLog log;
    Manager manager(loop, api, Rng(7), log, {"cm", "cm-0", 64});
    manager.add(std::make_unique<ReplicaSetController>());
    const auto rs =
        api.create(replica_set("web").replicas(pods).selects("app", "web").image("nginx"));
    manager.start({}, nullptr);
    loop.run_for(1s);
    const auto all = api.all<api::Pod>("default");
    EXPECT_EQ(all.size(), static_cast<std::size_t>(pods));
    const uint64_t before = manager.metrics()[0].reconciles;
    for (const auto& one : all) {
      api.change(one, [](api::Pod& p) {
        auto* condition = p.mutable_status()->add_conditions();
        condition->set_type("Ready");
        condition->set_status("True");
      }, true);
      loop.run_for(1ms);
    }
    loop.run_for(1s);
    const api::Ref<api::ReplicaSet> end(api.find(api::Kind::replica_sets, "web"));
    EXPECT_EQ(end->status().ready_replicas(), pods);
    EXPECT_TRUE(manager.idle());
    return manager.metrics()[0].reconciles - before;
  };
  EXPECT_GE(reconciles_of(40), 40u) << "a small set is looked at for each";
  EXPECT_LE(reconciles_of(400), 110u);
}

}  // namespace
}  // namespace keelson::controllers
