#include <gtest/gtest.h>

#include "core/scheduler/queue/scheduling_queue.hpp"
#include "tests/scheduler/cluster.hpp"

namespace keelson {
namespace {

using namespace test;
using scheduler::QueuedPod;
using scheduler::SchedulingQueue;
namespace events = scheduler::events;

class Queue : public ::testing::Test {
 protected:
  Cluster cluster;
  SchedulingQueue queue{cluster.profile, {}};
  Instant now{1000s};

  void put(const PodBuilder& p) { queue.put(cluster.cache.info(p.object()), true, now); }
  std::string pop() {
    QueuedPod* pod = queue.pop();
    return pod == nullptr ? "" : pod->info->name();
  }
  uint64_t rejected_by(const char* plugin) const {
    return uint64_t{1} << cluster.profile->find(plugin)->slot();
  }
  // Pops the pod and says that the plugin rejected it.
  void reject(const char* plugin) {
    QueuedPod* pod = queue.pop();
    ASSERT_NE(pod, nullptr);
    queue.unschedulable(*pod, rejected_by(plugin), now);
  }
  void wake(scheduler::EventMask event, const char* node = nullptr) {
    const auto at = node == nullptr ? scheduler::kNoNode
                                    : cluster.cache.snapshot().find(cluster.cache.words().id(node));
    queue.wake(event, cluster.cache.snapshot(), at, now);
  }
  void pass(Duration d) {
    now += d;
    queue.advance(now);
  }
};

TEST_F(Queue, PriorityThenTime) {
  put(pod("first"));
  now += 1s;
  put(pod("second"));
  put(pod("urgent").with(priority(10)));
  EXPECT_EQ(pop(), "urgent");
  EXPECT_EQ(pop(), "first");
  EXPECT_EQ(pop(), "second");
  EXPECT_EQ(pop(), "");
  EXPECT_EQ(queue.depths().in_flight, 3u);
}

TEST_F(Queue, BackoffDoublesFromOneToTenSeconds) {
  put(pod("p"));
  for (const int seconds : {1, 2, 4, 8, 10, 10}) {
    QueuedPod* pod = queue.pop();
    ASSERT_NE(pod, nullptr);
    queue.retry(*pod, now);
    EXPECT_EQ(queue.next_due(), now + std::chrono::seconds(seconds));
    pass(std::chrono::seconds(seconds) - 1ns);
    EXPECT_FALSE(queue.has_active());
    pass(1ns);
    EXPECT_TRUE(queue.has_active());
  }
}

TEST_F(Queue, OnlyEventsThatCanHelpWake) {
  cluster.add(big_node("n"));
  put(pod("p").with(requests("cpu", "1")));
  reject("NodeResourcesFit");
  now += 5s;  // its back-off is over
  wake(events::node_labels, "n");
  wake(events::node_taints, "n");
  wake(events::pod_added, "n");
  EXPECT_EQ(queue.depths().unschedulable, 1u);
  wake(events::pod_removed, "n");
  EXPECT_EQ(queue.depths().active, 1u);
}

TEST_F(Queue, APodThatStillDoesNotFitSleepsOn) {
  cluster.add(big_node("small", "1")).add(big_node("large", "8"));
  put(pod("p").with(requests("cpu", "2")));
  reject("NodeResourcesFit");
  now += 5s;
  wake(events::pod_removed, "small");
  EXPECT_EQ(queue.depths().unschedulable, 1u);
  wake(events::node_allocatable, "large");
  EXPECT_EQ(pop(), "p");
}

TEST_F(Queue, RoomThatPreemptionCouldMakeWakes) {
  const auto holds = [](const char* name, int32_t p) {
    return pod(name).on("n").with(priority(p)).with(requests("cpu", "1"));
  };
  cluster.add(big_node("n", "3"));
  cluster.add(holds("low", 1)).add(holds("equal", 9));
  put(pod("p").with(priority(9)).with(requests("cpu", "2")));
  put(pod("peaceful").with(priority(9)).with(requests("cpu", "2")).with([](api::Pod& p) {
    p.mutable_spec()->set_preemption_policy("Never");
  }));
  put(pod("lowly").with(priority(1)).with(requests("cpu", "2")));
  for (int i = 0; i < 3; ++i) reject("NodeResourcesFit");
  now += 5s;
  cluster.add(holds("higher", 10));
  wake(events::pod_removed, "n");
  EXPECT_FALSE(queue.has_active()) << "1 of 3 CPUs could be had";
  cluster.cache.remove("uid-higher");
  cluster.cache.see(holds("low", 1).deleting().object());
  cluster.add(holds("low-too", 1));
  wake(events::pod_removed, "n");
  EXPECT_FALSE(queue.has_active()) << "what is leaving is waited for";
  cluster.cache.see(holds("equal", 9).phase("Failed").object());
  wake(events::pod_removed, "n");
  EXPECT_EQ(pop(), "p");
  EXPECT_EQ(pop(), "");
}

TEST_F(Queue, TaintsAndLabelsAreJudgedForTheNodeThatChanged) {
  cluster.add(big_node("t").with(taint("k", "", "NoSchedule"))).add(big_node("u"));
  put(pod("p"));
  reject("TaintToleration");
  now += 5s;
  wake(events::node_taints, "t");
  EXPECT_FALSE(queue.has_active());
  wake(events::node_taints, "u");
  EXPECT_TRUE(queue.has_active());
  pop();
  put(pod("q").with(selects("disk", "ssd")));
  reject("NodeAffinity");
  now += 5s;
  wake(events::node_labels, "u");
  EXPECT_FALSE(queue.has_active());
  cluster.add(big_node("u").label("disk", "ssd"));
  wake(events::node_labels, "u");
  EXPECT_EQ(pop(), "q");
}

TEST_F(Queue, WokenDuringBackoffWaitsItsEnd) {
  cluster.add(big_node("n"));
  put(pod("p"));
  reject("NodeResourcesFit");
  wake(events::node_added, "n");
  EXPECT_EQ(queue.depths().backoff, 1u);
  pass(1s);
  EXPECT_EQ(pop(), "p");
}

TEST_F(Queue, FlushAfterSixtySecondsIfAnythingRelevantHappened) {
  cluster.add(big_node("small", "1"));
  put(pod("p").with(requests("cpu", "2")));
  reject("NodeResourcesFit");
  pass(60s);
  EXPECT_EQ(queue.depths().unschedulable, 1u) << "nothing happened that could change the outcome";
  wake(events::node_labels, "small");
  pass(60s);
  EXPECT_EQ(queue.depths().unschedulable, 1u);
  // Judged to be no help; the flush is there in case the judgement was wrong.
  wake(events::pod_removed, "small");
  EXPECT_EQ(queue.depths().unschedulable, 1u);
  pass(60s);
  EXPECT_EQ(pop(), "p");
}

TEST_F(Queue, GatedPodsWaitForTheirGates) {
  const auto gated = [](api::Pod& p) {
    p.mutable_spec()->add_scheduling_gates()->set_name("example.com/quota");
  };
  put(pod("p").with(gated));
  EXPECT_EQ(queue.depths().gated, 1u);
  wake(events::node_added);
  EXPECT_EQ(pop(), "");
  put(pod("p"));
  EXPECT_EQ(pop(), "p");
}

TEST_F(Queue, AChangeOfThePodIsAReasonToTryAgain) {
  put(pod("p"));
  reject("NodeAffinity");
  now += 5s;
  queue.put(cluster.cache.info(pod("p").object()), false, now);
  EXPECT_FALSE(queue.has_active());
  queue.put(cluster.cache.info(pod("p").object()), true, now);
  EXPECT_TRUE(queue.has_active());
}

TEST_F(Queue, APriorityThatChangesMovesThePod) {
  put(pod("a").with(priority(1)));
  put(pod("b").with(priority(2)));
  put(pod("a").with(priority(3)));
  EXPECT_EQ(pop(), "a");
}

TEST_F(Queue, RemovalWorksInEveryState) {
  for (const char* name : {"1", "2", "3", "4", "5"}) put(pod(name));
  QueuedPod* one = queue.pop();
  queue.unschedulable(*one, rejected_by("NodeResourcesFit"), now);
  QueuedPod* two = queue.pop();
  queue.retry(*two, now);
  queue.pop();
  put(pod("6").with([](api::Pod& p) { p.mutable_spec()->add_scheduling_gates()->set_name("g"); }));
  for (const char* name : {"1", "2", "3", "4", "5", "6"}) {
    queue.remove(std::string("uid-") + name);
  }
  const auto d = queue.depths();
  EXPECT_EQ(d.active + d.backoff + d.unschedulable + d.gated + d.in_flight, 0u);
  EXPECT_EQ(queue.next_due(), Instant::max());
}

}  // namespace
}  // namespace keelson
