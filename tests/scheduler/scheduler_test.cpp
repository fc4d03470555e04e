// The scheduler machine against a small API server: what it binds, says, deletes, and what it makes
// of lost answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/seeded_bug.hpp"
#include "tests/scheduler/scheduler_world.hpp"

namespace keelson {
namespace {

using namespace test;
using ::testing::Contains;
using ::testing::HasSubstr;

PodBuilder one_cpu(const std::string& name) {
  return pod(name).with(requests("cpu", "1"));
}

const api::PodCondition* scheduled_condition(const api::Pod& pod) {
  for (const auto& c : pod.status().conditions()) {
    if (c.type() == "PodScheduled") return &c;
  }
  return nullptr;
}

TEST(Scheduler, BindsAndSaysSo) {
  SchedulerWorld w;
  w.put(big_node("n1")).put(one_cpu("web"));
  w.start();
  EXPECT_EQ(w.api.node_of("web"), "n1");
  EXPECT_THAT(w.api.events, Contains("Scheduled: Successfully assigned default/web to n1"));
  ASSERT_EQ(w.api.binds.size(), 1u);
  const api::Request& bind = w.api.binds[0];
  EXPECT_EQ(bind.expected.uid, "uid-web");
  EXPECT_EQ(bind.fence.token, 42u);
  EXPECT_EQ(bind.actor, "scheduler-0");
  ASSERT_TRUE(bind.basis);
  EXPECT_TRUE(bind.basis->of(api::Kind::nodes));
  EXPECT_TRUE(bind.basis->of(api::Kind::pods));
  const auto stats = w.scheduler.stats();
  EXPECT_EQ(stats.scheduled, 1u);
  EXPECT_EQ(stats.binds_in_flight, 0u);
  EXPECT_TRUE(w.scheduler.cache().assumptions().empty());
  EXPECT_EQ(stats.queue.in_flight, 0u);
}

TEST(Scheduler, LeavesPodsOfOtherSchedulersAlone) {
  SchedulerWorld w;
  w.put(big_node("n1"));
  w.put(pod("other").with([](api::Pod& p) { p.mutable_spec()->set_scheduler_name("mine"); }));
  w.put(pod("ours").with(
      [](api::Pod& p) { p.mutable_spec()->set_scheduler_name("default-scheduler"); }));
  w.put(pod("leaving").deleting());
  w.start();
  EXPECT_EQ(w.api.node_of("other"), "");
  EXPECT_EQ(w.api.node_of("ours"), "n1");
  EXPECT_EQ(w.api.node_of("leaving"), "");
}

TEST(Scheduler, ManyPodsFillTheNodesAndNoMore) {
  SchedulerWorld w;
  for (int i = 0; i < 5; ++i) w.put(big_node("n" + std::to_string(i), "4"));
  for (int i = 0; i < 30; ++i) w.put(one_cpu("p" + std::to_string(i)));
  w.start();
  EXPECT_EQ(w.scheduler.stats().scheduled, 20u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(w.cpu_on("n" + std::to_string(i)), 4000);
  EXPECT_EQ(w.scheduler.stats().queue.unschedulable, 10u);
  EXPECT_EQ(w.scheduler.cache().check(), "");
}

TEST(Scheduler, SaysWhyAPodIsPendingAndTriesAgainWhenThatChanges) {
  SchedulerWorld w;
  w.put(big_node("n1", "500m")).put(one_cpu("web"));
  w.start();
  const char* why =
      "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 "
      "Preemption is not helpful for scheduling.";
  EXPECT_THAT(w.api.events, Contains("FailedScheduling: " + std::string(why)));
  const auto* condition = scheduled_condition(*w.api.pod("web"));
  ASSERT_NE(condition, nullptr);
  EXPECT_EQ(condition->status(), "False");
  EXPECT_EQ(condition->reason(), "Unschedulable");
  EXPECT_EQ(condition->message(), why);
  // Its own status update is no reason to try again.
  w.loop.run_for(5s);
  EXPECT_EQ(w.scheduler.stats().attempts, 1u);
  w.put(big_node("n2", "2"));
  w.loop.settle();
  EXPECT_EQ(w.api.node_of("web"), "n2");
}

TEST(Scheduler, AStatusThatCouldNotBeWrittenIsWrittenLater) {
  SchedulerWorld w;
  w.api.refuse_status = 2;
  w.put(big_node("n1", "500m")).put(one_cpu("web"));
  w.start();
  EXPECT_EQ(scheduled_condition(*w.api.pod("web")), nullptr);
  w.loop.run_for(3s);
  EXPECT_NE(scheduled_condition(*w.api.pod("web")), nullptr);
}

TEST(Scheduler, APodThatFreesItsPlaceLetsAnotherIn) {
  SchedulerWorld w;
  w.put(big_node("n1", "1")).put(one_cpu("first").on("n1"));
  w.put(one_cpu("second"));
  w.start();
  EXPECT_EQ(w.api.node_of("second"), "");
  w.loop.run_for(2s);
  w.api.erase(w.api.find(api::Kind::pods, "first")->key());
  w.loop.settle();
  EXPECT_EQ(w.api.node_of("second"), "n1");
}

TEST(Scheduler, DecidesOnWhileBindsAreInFlight) {
  SchedulerWorld w;
  w.put(big_node("n1", "2"));
  w.api.hold_binds = true;
  for (int i = 0; i < 4; ++i) w.put(one_cpu("p" + std::to_string(i)));
  w.start();
  EXPECT_EQ(w.scheduler.stats().binds_in_flight, 2u);
  EXPECT_EQ(w.scheduler.stats().queue.unschedulable, 2u);
  EXPECT_EQ(w.scheduler.cache().assumptions().size(), 2u);
  // However long the calls take, the places stay taken.
  w.loop.run_for(120s);
  EXPECT_EQ(w.cpu_on("n1"), 2000);
  w.api.release_binds();
  w.loop.settle();
  EXPECT_EQ(w.scheduler.stats().scheduled, 2u);
  EXPECT_TRUE(w.scheduler.cache().assumptions().empty());
}

TEST(Scheduler, PausesWhenTooManyBindsAreInFlight) {
  scheduler::SchedulerOptions options;
  options.binds_in_flight_max = 3;
  SchedulerWorld w(options);
  w.put(big_node("n1", "64"));
  w.api.hold_binds = true;
  for (int i = 0; i < 8; ++i) w.put(one_cpu("p" + std::to_string(i)));
  w.start();
  EXPECT_EQ(w.scheduler.stats().binds_in_flight, 3u);
  EXPECT_EQ(w.scheduler.stats().attempts, 3u);
  w.api.release_binds();
  w.loop.settle();
  EXPECT_EQ(w.scheduler.stats().scheduled, 8u);
}

TEST(Scheduler, ARefusedBindGivesThePlaceBackAndIsTriedAgain) {
  SchedulerWorld w;
  w.api.refuse_binds = 1;
  w.put(big_node("n1", "1")).put(one_cpu("web"));
  w.start();
  EXPECT_EQ(w.api.node_of("web"), "");
  EXPECT_EQ(w.cpu_on("n1"), 0);
  EXPECT_EQ(w.scheduler.stats().queue.backoff, 1u);
  // Whoever waits for the pod hears why.
  ASSERT_EQ(w.api.events.size(), 1u);
  EXPECT_EQ(w.api.events[0].rfind("FailedScheduling: binding rejected: running Bind plugin "
                                  "\"DefaultBinder\": ",
                                  0),
            0u)
      << w.api.events[0];
  EXPECT_THAT(w.api.events[0], HasSubstr("node is full"));
  ASSERT_EQ(w.api.pod("web")->status().conditions_size(), 1);
  EXPECT_EQ(w.api.pod("web")->status().conditions(0).reason(), "SchedulerError");
  w.loop.run_for(1s);
  EXPECT_EQ(w.api.node_of("web"), "n1");
  EXPECT_EQ(w.scheduler.stats().binds_refused, 1u);
}

TEST(Scheduler, ALostReplyIsReadBack) {
  SchedulerWorld w;
  w.api.hold_binds = true;
  w.put(big_node("n1", "1")).put(one_cpu("other")).put(one_cpu("web"));
  w.start();
  w.api.stalled = true;  // no watch tells that the bind took effect
  w.api.lose_bind_replies = 1;
  w.api.refuse_reads = 2;
  w.api.release_binds();
  w.loop.run_for(5s);
  EXPECT_EQ(w.api.binds.size(), 1u) << "the place was never given away";
  EXPECT_EQ(w.scheduler.stats().binds_unknown, 1u);
  EXPECT_EQ(w.scheduler.stats().scheduled, 1u);
  EXPECT_EQ(w.cpu_on("n1"), 1000);
  ASSERT_EQ(w.scheduler.cache().assumptions().size(), 1u);
  EXPECT_TRUE(w.scheduler.cache().assumptions()[0].answered);
  w.api.resume();
  w.loop.settle();
  EXPECT_TRUE(w.scheduler.cache().assumptions().empty());
  EXPECT_EQ(w.scheduler.cache().check(), "");
}

TEST(Scheduler, ThePlaceIsHeldUntilTheReadBackAnswers) {
  SchedulerWorld w;
  w.api.lose_bind_requests = 1;
  w.api.refuse_reads = 3;
  w.put(big_node("n1", "1")).put(one_cpu("web"));
  w.start();
  w.loop.run_for(2500ms);
  EXPECT_EQ(w.cpu_on("n1"), 1000);
  ASSERT_EQ(w.scheduler.cache().assumptions().size(), 1u);
  w.loop.run_for(10s);
  EXPECT_EQ(w.api.node_of("web"), "n1");
  EXPECT_EQ(w.api.binds.size(), 2u);
}

TEST(Scheduler, NeverBindsASuccessorOfTheSameName) {
  SchedulerWorld w;
  w.api.hold_binds = true;
  w.put(big_node("n1", "1")).put(one_cpu("web"));
  w.start();
  const auto key = w.api.find(api::Kind::pods, "web")->key();
  w.api.erase(key);
  w.put(one_cpu("web").uid("uid-second").with([](api::Pod& p) {
    p.mutable_spec()->add_scheduling_gates()->set_name("wait");
  }));
  w.loop.settle();
  w.api.release_binds();
  w.loop.run_for(30s);
  EXPECT_EQ(w.api.node_of("web"), "");
  EXPECT_EQ(w.cpu_on("n1"), 0);
  EXPECT_EQ(w.scheduler.cache().check(), "");
}

TEST(Scheduler, StopsWhenDeposedAndGoesOnWhenElectedAgain) {
  SchedulerWorld w;
  w.put(big_node("n1", "4"));
  w.start();
  w.scheduler.stop();
  w.put(one_cpu("web"));
  w.loop.run_for(10s);
  EXPECT_EQ(w.api.node_of("web"), "");
  w.start();
  EXPECT_EQ(w.api.node_of("web"), "n1");
}

TEST(Scheduler, DoesNotWriteWhileTheLeaseIsInDoubt) {
  SchedulerWorld w;
  w.leading = false;
  w.put(big_node("n1", "4")).put(one_cpu("web"));
  w.start();
  w.loop.run_for(5s);
  EXPECT_TRUE(w.api.binds.empty());
  w.leading = true;
  w.loop.run_for(1s);
  EXPECT_EQ(w.api.node_of("web"), "n1");
}

TEST(Scheduler, PacingSpreadsDecisionsOverTime) {
  scheduler::SchedulerOptions options;
  options.cycles_per_turn = 1;
  options.pacing = 10ms;
  SchedulerWorld w(options);
  w.put(big_node("n1", "64"));
  for (int i = 0; i < 10; ++i) w.put(one_cpu("p" + std::to_string(i)));
  w.start();
  w.loop.run_for(45ms);
  EXPECT_EQ(w.scheduler.stats().attempts, 4u);
  w.loop.run_for(60ms);
  EXPECT_EQ(w.scheduler.stats().scheduled, 10u);
}

TEST(Scheduler, PreemptsNominatesAndThenTakesThePlace) {
  SchedulerWorld w;
  w.put(big_node("n1", "1")).put(one_cpu("low").on("n1"));
  w.put(one_cpu("high").with(priority(100)));
  w.start();
  ASSERT_EQ(w.api.removals.size(), 1u);
  EXPECT_EQ(w.api.removals[0].name, "low");
  EXPECT_EQ(w.api.removals[0].expected.uid, "uid-low");
  EXPECT_EQ(w.api.removals[0].fence.token, 42u);
  EXPECT_EQ(w.api.pod("high")->status().nominated_node_name(), "n1");
  EXPECT_THAT(w.api.events, Contains("Preempted: Preempted by pod uid-high on node n1"));
  EXPECT_THAT(w.api.events,
              Contains("FailedScheduling: 0/1 nodes are available: 1 Insufficient cpu."));
  // While the victim leaves, nobody of lower priority gets the place, and no more victims fall.
  w.put(one_cpu("sneaky").with(priority(50)));
  w.loop.run_for(5s);
  EXPECT_EQ(w.api.removals.size(), 1u);
  w.api.erase(w.api.find(api::Kind::pods, "low")->key());
  w.loop.run_for(15s);
  EXPECT_EQ(w.api.node_of("high"), "n1");
  EXPECT_EQ(w.api.node_of("sneaky"), "");
  EXPECT_EQ(w.scheduler.stats().preemptions, 1u);
  EXPECT_EQ(w.scheduler.stats().victims, 1u);
}

TEST(Scheduler, AVictimThatCouldNotBeDeletedIsDeletedLater) {
  SchedulerWorld w;
  w.api.refuse_removals = 1;
  w.put(big_node("n1", "1")).put(one_cpu("low").on("n1"));
  w.put(one_cpu("high").with(priority(100)));
  w.start();
  w.loop.run_for(3s);
  EXPECT_EQ(w.api.removals.size(), 2u);
  EXPECT_TRUE(w.api.find(api::Kind::pods, "low")->deleting());
}

TEST(Scheduler, ANominationThatMovesLetsOthersIn) {
  SchedulerWorld w;
  w.put(big_node("a", "1")).put(big_node("b", "1"));
  w.put(one_cpu("va").on("a").with(priority(1))).put(one_cpu("vb").on("b").with(priority(7)));
  w.start();
  const auto high = one_cpu("high").with(priority(10));
  w.put(high);
  w.loop.settle();
  ASSERT_EQ(w.api.pod("high")->status().nominated_node_name(), "a");
  w.loop.run_for(5s);
  w.put(one_cpu("low").with(priority(5)).with(tolerates("k", "Exists", "", "")));
  w.loop.run_for(200ms);
  w.put(one_cpu("high").with(priority(10)).label("tried", "again").with([](api::Pod& pod) {
    pod.mutable_status()->set_nominated_node_name("a");
  }));
  w.loop.run_for(300ms);
  // "low" is tried before "high", whose back-off is longer by now, and finds the place held.
  w.put(big_node("a", "1").with(taint("k", "", "NoSchedule")));
  w.api.erase({api::Kind::pods, "default", "va"});
  w.loop.run_for(1s);
  ASSERT_EQ(w.api.node_of("low"), "");
  w.loop.run_for(4s);
  EXPECT_EQ(w.api.pod("high")->status().nominated_node_name(), "b");
  EXPECT_EQ(w.api.node_of("low"), "a");
}

TEST(Scheduler, ANominationOutlivesTheScheduler) {
  SchedulerWorld w;
  w.put(big_node("n1", "1"));
  w.put(one_cpu("high").with(priority(100)).with([](api::Pod& p) {
    p.mutable_status()->set_nominated_node_name("n1");
    p.mutable_spec()->add_scheduling_gates()->set_name("wait");
  }));
  w.put(one_cpu("low"));
  w.start();
  EXPECT_EQ(w.api.node_of("low"), "");
}

TEST(Scheduler, DeletionsThatOnlyARelistRevealsFreeThePlace) {
  SchedulerWorld w;
  w.put(big_node("n1", "1")).put(one_cpu("old").on("n1"));
  w.start();
  w.api.erase_silently({api::Kind::pods, "default", "old"});
  w.api.relist();
  w.loop.run_for(10s);
  EXPECT_EQ(w.cpu_on("n1"), 0);
  w.put(one_cpu("new"));
  w.loop.settle();
  EXPECT_EQ(w.api.node_of("new"), "n1");
}

#ifdef KEELSON_SEEDED_BUGS
TEST(Scheduler, SeededBugTombstoneDropLeavesAPhantom) {
  active_seeded_bug = SeededBug::tombstone_drop;
  {
    SchedulerWorld w;
    w.put(big_node("n1", "1")).put(one_cpu("old").on("n1"));
    w.start();
    w.api.erase_silently({api::Kind::pods, "default", "old"});
    w.api.relist();
    w.loop.run_for(10s);
    EXPECT_EQ(w.cpu_on("n1"), 1000);
  }
  active_seeded_bug = SeededBug::none;
}
#endif

// A plugin of every binding point: waits for a partner, reserves, can fail.
class Gang final : public scheduler::Plugin {
 public:
  std::string_view name() const override { return "Gang"; }
  scheduler::Points points() const override {
    using scheduler::Point;
    return Point::reserve | Point::permit | Point::pre_bind | Point::post_bind;
  }
  void attach(scheduler::PluginHost& host) override { host_ = &host; }
  scheduler::EventMask wakes_on() const override { return wakes; }
  scheduler::Verdict reserve(const scheduler::BindTarget& t) override {
    reserved.insert(t.pod->name());
    return scheduler::Verdict::success();
  }
  void unreserve(const scheduler::BindTarget& t) override { reserved.erase(t.pod->name()); }
  scheduler::PermitResult permit(const scheduler::BindTarget& t) override {
    waiting.push_back(t.pod->uid());
    if (waiting.size() < 2) {
      return {scheduler::PermitResult::Kind::wait, "", 5s};
    }
    host_->allow(*this, waiting[0]);
    return {};
  }
  void post_bind(const scheduler::BindTarget& t) override { bound.push_back(t.pod->name()); }
  scheduler::EventMask wakes = scheduler::EventMask::all();
  std::set<std::string> reserved;
  std::vector<std::string> waiting, bound;

 private:
  scheduler::PluginHost* host_ = nullptr;
};

struct GangWorld {
  Gang* gang = nullptr;
  scheduler::SchedulerOptions options() {
    scheduler::PluginRegistry registry = scheduler::default_plugins();
    registry["Gang"] = [this](const scheduler::PluginArgs&) {
      auto plugin = std::make_unique<Gang>();
      gang = plugin.get();
      return plugin;
    };
    auto profile = scheduler::ProfileOptions::defaults();
    profile.enable("Gang");
    scheduler::SchedulerOptions made;
    made.profiles = scheduler::Profile::make(profile, registry).value();
    return made;
  }
};

TEST(BindingPoints, PermitHoldsTheFirstUntilTheSecondComes) {
  GangWorld g;
  SchedulerWorld w(g.options());
  w.put(big_node("n1", "4")).put(one_cpu("a"));
  w.start();
  EXPECT_EQ(w.api.node_of("a"), "");
  EXPECT_EQ(w.cpu_on("n1"), 1000);
  w.put(one_cpu("b"));
  w.loop.settle();
  EXPECT_EQ(w.api.node_of("a"), "n1");
  EXPECT_EQ(w.api.node_of("b"), "n1");
  EXPECT_EQ(g.gang->bound.size(), 2u);
}

TEST(BindingPoints, AWaitThatEndsWithoutConsentReleasesEverything) {
  GangWorld g;
  SchedulerWorld w(g.options());
  w.put(big_node("n1", "4")).put(one_cpu("a"));
  w.start();
  EXPECT_EQ(g.gang->reserved.size(), 1u);
  w.loop.run_for(5s);
  EXPECT_EQ(w.cpu_on("n1"), 0);
  EXPECT_TRUE(g.gang->reserved.empty());
  EXPECT_THAT(w.api.events,
              Contains("FailedScheduling: rejected due to timeout after waiting at plugin Gang"));
}

// Reserves a device and writes that down before the bind; the test answers.
class Device final : public scheduler::Plugin {
 public:
  std::string_view name() const override { return "Device"; }
  scheduler::Points points() const override {
    return scheduler::Point::reserve | scheduler::Point::pre_bind;
  }
  scheduler::EventMask wakes_on() const override { return scheduler::events::node_labels; }
  scheduler::Verdict reserve(const scheduler::BindTarget&) override {
    ++held;
    return std::exchange(next, scheduler::Verdict::success());
  }
  void unreserve(const scheduler::BindTarget&) override { --held; }
  void pre_bind(const scheduler::BindTarget&, Callback<void(scheduler::Verdict)> done) override {
    answers.push_back(std::move(done));
  }
  int held = 0;
  scheduler::Verdict next = scheduler::Verdict::success();
  std::vector<Callback<void(scheduler::Verdict)>> answers;
};

TEST(BindingPoints, AFailureIsRetriedAndARejectionWaitsForAnEvent) {
  Device* device = nullptr;
  scheduler::PluginRegistry registry = scheduler::default_plugins();
  registry["Device"] = [&](const scheduler::PluginArgs&) {
    auto plugin = std::make_unique<Device>();
    device = plugin.get();
    return plugin;
  };
  scheduler::SchedulerOptions options;
  options.profiles =
      scheduler::Profile::make(scheduler::ProfileOptions::defaults().enable("Device"), registry)
          .value();
  SchedulerWorld w(std::move(options));
  device->next = scheduler::Verdict::error("the device's books are away");
  w.put(big_node("n1", "4")).put(one_cpu("a"));
  w.start();
  EXPECT_EQ(device->held, 0);
  EXPECT_EQ(w.cpu_on("n1"), 0);
  EXPECT_THAT(
      w.api.events,
      Contains("FailedScheduling: running Reserve plugin \"Device\": the device's books are away"));
  w.loop.run_for(1s);  // the back-off
  ASSERT_EQ(device->answers.size(), 1u);
  EXPECT_EQ(device->held, 1);
  EXPECT_EQ(w.cpu_on("n1"), 1000);
  device->answers[0](scheduler::Verdict::error("not written"));
  EXPECT_EQ(device->held, 0);
  EXPECT_EQ(w.cpu_on("n1"), 0);
  w.loop.settle();
  EXPECT_THAT(w.api.events,
              Contains("FailedScheduling: running PreBind plugin \"Device\": not written"));
  w.loop.run_for(2s);
  ASSERT_EQ(device->answers.size(), 2u);
  device->answers[1](scheduler::Verdict::unschedulable("no such device"));
  w.loop.run_for(30s);
  EXPECT_EQ(device->answers.size(), 2u);
  EXPECT_THAT(w.api.events, Contains("FailedScheduling: no such device"));
  w.put(big_node("n1", "4").label("devices", "2"));
  w.loop.run_for(1s);
  ASSERT_EQ(device->answers.size(), 3u);
  EXPECT_EQ(w.api.node_of("a"), "");
  device->answers[2](scheduler::Verdict::success());
  w.loop.settle();
  EXPECT_EQ(w.api.node_of("a"), "n1");
  EXPECT_EQ(device->held, 1);
}

TEST(BindingPoints, ARejectedPodIsNotWokenByThePlaceThatItGaveBack) {
  GangWorld g;
  SchedulerWorld w(g.options());
  w.put(big_node("n1", "4")).put(one_cpu("a"));
  w.start();
  w.loop.run_for(5s);
  EXPECT_EQ(w.scheduler.stats().queue.unschedulable, 1u);
  w.loop.run_for(30s);
  EXPECT_EQ(w.scheduler.stats().attempts, 1u);
}

TEST(BindingPoints, WhatHappensDuringAWaitCountsForTheFlush) {
  GangWorld g;
  SchedulerWorld w(g.options());
  w.put(big_node("n1", "4")).put(one_cpu("a"));
  g.gang->wakes = scheduler::events::node_added;
  w.start();
  w.loop.run_for(1s);
  w.put(big_node("n2", "4"));  // might have helped, but the pod was in flight
  w.loop.run_for(4s);
  EXPECT_EQ(w.scheduler.stats().queue.unschedulable, 1u);
  w.loop.run_for(61s);
  EXPECT_EQ(w.scheduler.stats().attempts, 2u);
}

TEST(BindingPoints, ADeletedPodDoesNotWaitOn) {
  GangWorld g;
  SchedulerWorld w(g.options());
  w.put(big_node("n1", "4")).put(one_cpu("a"));
  w.start();
  EXPECT_EQ(g.gang->reserved.size(), 1u);
  w.api.erase({api::Kind::pods, "default", "a"});
  w.loop.settle();
  EXPECT_TRUE(g.gang->reserved.empty());
  EXPECT_EQ(w.cpu_on("n1"), 0);
  EXPECT_EQ(w.scheduler.stats().binds_in_flight, 0u);
}

}  // namespace
}  // namespace keelson
