// Decisions with and without memory are the same, bit for bit, whatever happens in between.
#include <gtest/gtest.h>

#include <map>

#include "tests/scheduler/cluster.hpp"
#include "tests/scheduler/wishes.hpp"

namespace keelson {
namespace {

using namespace test;
using scheduler::Cycle;
using scheduler::Decision;
using scheduler::NodeIndex;
using scheduler::PodInfoPtr;

template <class T>
const T& pick_one(Rng& rng, const std::vector<T>& list) {
  return list[rng.below(list.size())];
}

api::ObjectPtr random_node(Rng& rng, uint64_t number) {
  auto builder = big_node("n" + std::to_string(number), pick_one<std::string>(rng, {"2", "4"}),
                          pick_one<std::string>(rng, {"4Gi", "8Gi"}),
                          pick_one<std::string>(rng, {"4", "110"}));
  if (rng.chance(7, 8)) builder.zone(pick_one<std::string>(rng, {"a", "b", "c"}));
  builder.label("kubernetes.io/hostname", "n" + std::to_string(number));
  if (rng.chance(1, 2)) builder.label("disk", pick_one<std::string>(rng, {"ssd", "hdd"}));
  if (rng.chance(1, 6)) {
    builder.with(taint("k", pick_one<std::string>(rng, {"v", "w"}),
                       pick_one<std::string>(rng, {"NoSchedule", "PreferNoSchedule"})));
  }
  if (rng.chance(1, 20)) builder.with(cordon);
  if (rng.chance(1, 4)) builder.allocatable("nvidia.com/gpu", "2");
  if (rng.chance(1, 4)) builder.with(image("web:1", 500 << 20));
  return builder.object();
}

// One of a dozen forms, so that they come again and again; labels vary on top.
api::ObjectPtr random_pod(Rng& rng, uint64_t number) {
  PodBuilder builder = pod("p" + std::to_string(number));
  const uint64_t form = rng.below(12);
  builder.image(form < 6 ? "web:1" : "other:1");
  builder.with(requests("cpu", form % 3 == 0 ? "1" : "300m"));
  builder.with(requests("memory", form % 2 == 0 ? "1Gi" : "200Mi"));
  if (rng.chance(1, 2)) builder.label("app", pick_one<std::string>(rng, {"web", "db"}));
  switch (form) {
    case 1: builder.with(requests("nvidia.com/gpu", "1")); break;
    case 2: builder.with(host_port(8000)); break;
    case 3: builder.with(tolerates("k", "Exists", "", "")); break;
    case 4: builder.with(selects("disk", "ssd")); break;
    case 5: builder.with(requires_node("disk", "NotIn", {"hdd"})); break;
    case 6: builder.with(prefers_node(20, "disk", "ssd")).with(prefers_node(7, "tier", "x")); break;
    case 7: builder.with(priority(5)); break;
    case 8: builder.with(priority(9)).with(requests("cpu", "2")); break;
    case 9: builder.with(priority(9)).with(requests("cpu", "16")); break;
    default: break;
  }
  // What pods say about other pods is not remembered, and stands beside what is.
  switch (rng.below(12)) {
    case 0: builder.with(must_spread(kZone, 2, "app=web")); break;
    case 1: builder.with(should_spread(kHost, 1, "app=web")); break;
    case 2: builder.with(must_be_away(term(kHost, "app=db"))); break;
    case 3: builder.with(must_be_near(term(kZone, "app=web"))); break;
    case 4: builder.with(should_be_near(-5, term(kHost, "app=web"))); break;
    default: break;
  }
  return builder.object();
}

std::string text(const Cluster& cluster, const Decision& d) {
  std::string line = std::to_string(static_cast<int>(d.kind)) + " node ";
  line += d.node == scheduler::kNoNode ? "-" : cluster.cache.snapshot().name_text(d.node);
  line += " score " + std::to_string(d.score) + " of " + std::to_string(d.feasible) + '/' +
          std::to_string(d.evaluated) + (d.clear_nomination ? " clear " : " ") + d.error;
  for (const auto& victim : d.victims) line += ' ' + victim->name();
  if (d.kind != Decision::Kind::node) {
    line += d.diagnosis.message() + std::to_string(d.diagnosis.rejectors());
  }
  return line;
}

struct Story {
  Cluster cluster;
  Rng rng;
  Cycle remembering, forgetful;
  Rng remembering_rng{3}, forgetful_rng{3};
  std::vector<std::string> placed;
  std::map<std::string, PodInfoPtr> infos;  // of the placed, as they were then
  std::vector<PodInfoPtr> waiting;  // nominated
  uint64_t pods = 0, nodes = 0;
  int decided = 0, refused = 0, preempted = 0;

  // Percentage of nodes to score; 0: as the cluster's size has it.
  Story(uint64_t seed, int nodes, int32_t percentage) : rng(seed) {
    forgetful.remember = false;
    for (Cycle* cycle : {&remembering, &forgetful}) {
      cycle->percentage_of_nodes_to_score = percentage;
    }
    for (int i = 0; i < nodes; ++i) cluster.add(random_node(rng, this->nodes++));
  }

  void step() {
    auto& cache = cluster.cache;
    switch (rng.below(24)) {
      case 0:
        if (placed.empty()) break;
        cache.remove(placed.back());
        placed.pop_back();
        break;
      case 1:
      case 2:  // a node changes, or comes
        cluster.add(random_node(rng, rng.chance(1, 4) ? nodes++ : rng.below(nodes)));
        break;
      case 3:
        if (rng.chance(1, 4)) cache.remove_node("n" + std::to_string(rng.below(nodes)));
        break;
      case 4: cache.snapshot().reorder_if_needed(); break;
      case 7:
      case 8:
        if (!placed.empty()) change_pod(infos.at(pick_one(rng, placed))->pod());
        break;
      case 5:
        cluster.add(budget("b")
                        .selects("app", "web")
                        .with([&](api::PodDisruptionBudget& b) {
                          b.mutable_status()->set_disruptions_allowed(
                              static_cast<int32_t>(rng.below(2)));
                        })
                        .object());
        break;
      case 6:
        if (waiting.empty()) break;
        if (rng.chance(1, 2)) cache.snapshot().unnominate(waiting.back()->uid());
        decide(waiting.back());
        waiting.pop_back();
        break;
      default: decide(cache.info(random_pod(rng, pods++)));
    }
  }

  // It is seen on its node: started, or with another label.
  void change_pod(api::Pod pod) {
    auto& cache = cluster.cache;
    pod.mutable_spec()->set_node_name(cache.words().text(cache.node_of(pod.metadata().uid())));
    pod.mutable_status()->mutable_start_time()->set_seconds(static_cast<int64_t>(rng.below(50)));
    if (rng.chance(1, 3)) {
      (*pod.mutable_metadata()->mutable_labels())["app"] = rng.chance(1, 2) ? "web" : "db";
    }
    cache.see(api::make_object(std::move(pod)));
  }

  // The decision, made both ways.
  Decision compare(const PodInfoPtr& info) {
    scheduler::Snapshot& snapshot = cluster.cache.snapshot();
    const Decision expected =
        scheduler::decide(*cluster.profile, snapshot, *info, forgetful_rng, forgetful);
    Decision d = scheduler::decide(*cluster.profile, snapshot, *info, remembering_rng, remembering);
    EXPECT_EQ(text(cluster, d), text(cluster, expected));
    EXPECT_EQ(remembering.next_start, forgetful.next_start);
    return d;
  }

  void decide(const PodInfoPtr& info) {
    auto& cache = cluster.cache;
    const Decision d = compare(info);
    ++decided;
    switch (d.kind) {
      case Decision::Kind::node:
        cache.snapshot().unnominate(info->uid());
        cache.assume(info, cache.snapshot().name(d.node));
        cache.bind_succeeded(info->uid());
        infos[info->uid()] = info;
        placed.insert(placed.begin() + static_cast<std::ptrdiff_t>(rng.below(placed.size() + 1)),
                      info->uid());
        break;
      case Decision::Kind::preempt:
        ++preempted;
        cache.snapshot().nominate(info, cache.snapshot().name(d.node));
        if (rng.chance(3, 4)) {  // else they stay for a while
          for (const auto& victim : d.victims) {
            std::erase(placed, victim->uid());
            cache.remove(victim->uid());
          }
        }
        waiting.push_back(info);
        break;
      default: ++refused;
    }
  }
};

TEST(ShapeMemory, DecisionsAreThoseWithoutMemory) {
  int decided = 0, refused = 0, preempted = 0;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    // From small clusters, all of whose nodes are looked at, to some with more than one block.
    const int nodes = seed % 3 == 0 ? 12 : seed % 3 == 1 ? 130 : 700;
    SCOPED_TRACE("seed " + std::to_string(seed));
    Story story(seed, nodes, seed % 2 == 0 ? 0 : 100);
    for (int i = 0; i < 900; ++i) {
      story.step();
      if (HasFailure()) return;
    }
    ASSERT_EQ(story.cluster.cache.check(), "");
    decided += story.decided;
    refused += story.refused;
    preempted += story.preempted;
  }
  EXPECT_GT(decided, 5000);
  EXPECT_GT(refused, 100);
  EXPECT_GT(preempted, 20);
}

// Victims that are alike but for their start: the one that started last is chosen, also when it is
// another than last time.
TEST(ShapeMemory, VictimsAreComparedAsTheyAreNow) {
  Story story(5, 0, 100);
  constexpr int kNodes = 30;
  const auto victim = [](int number, int64_t start) {
    return pod("v" + std::to_string(number))
        .with(requests("cpu", "2"))
        .with(started(start))
        .on("n" + std::to_string(number))
        .object();
  };
  for (int i = 0; i < kNodes; ++i) {
    story.cluster.add(big_node("n" + std::to_string(i), "2"));
    story.cluster.add(victim(i, i));
  }
  for (int i = 0; i < 200 && !HasFailure(); ++i) {
    const int latest = static_cast<int>(story.rng.below(kNodes));
    story.cluster.add(victim(latest, 1000 + i));
    const auto preemptor = story.cluster.cache.info(
        pod("p" + std::to_string(i)).with(requests("cpu", "1")).with(priority(5)).object());
    const Decision d = story.compare(preemptor);
    ASSERT_EQ(d.kind, Decision::Kind::preempt);
    EXPECT_EQ(story.cluster.node_of(d), "n" + std::to_string(latest));
  }
}

}  // namespace
}  // namespace keelson
