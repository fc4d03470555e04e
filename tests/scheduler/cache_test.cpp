#include <gtest/gtest.h>

#include "tests/scheduler/cluster.hpp"

namespace keelson {
namespace {

using namespace test;
using scheduler::Cache;

scheduler::NameId id(Cache& cache, const char* name) {
  return cache.words().id(name);
}

int64_t cpu_on(Cache& cache, const char* node) {
  const auto row = cache.snapshot().find(id(cache, node));
  return row == scheduler::kNoNode ? 0 : cache.snapshot().resource(scheduler::kCpu).requested[row];
}

PodBuilder one_cpu(const char* name) {
  return pod(name).with(requests("cpu", "1"));
}

TEST(Cache, ResourcesKeepTheirNumbers) {
  scheduler::Vocabulary words;
  EXPECT_EQ(words.resource("memory"), scheduler::kMemory);
  for (int round = 0; round < 2; ++round) {
    for (scheduler::ResourceId i = 0; i < 100; ++i) {
      const std::string name = "example.com/r" + std::to_string(i);
      EXPECT_EQ(words.resource(name), scheduler::kFirstExtended + i);
      EXPECT_EQ(words.resource_name(scheduler::kFirstExtended + i), name);
    }
  }
  EXPECT_EQ(words.resource_count(), scheduler::kFirstExtended + 100u);
}

TEST(Cache, AssumeConfirmForget) {
  Cache cache;
  cache.set_node(big_node("n"));
  cache.assume(cache.info(one_cpu("a").object()), id(cache, "n"));
  EXPECT_EQ(cpu_on(cache, "n"), 1000);
  EXPECT_TRUE(cache.assumed("uid-a"));
  ASSERT_EQ(cache.assumptions().size(), 1u);
  EXPECT_FALSE(cache.assumptions()[0].answered);
  cache.bind_succeeded("uid-a");
  EXPECT_TRUE(cache.assumptions()[0].answered);
  EXPECT_TRUE(cache.see(one_cpu("a").on("n").object()).confirmed);
  EXPECT_FALSE(cache.assumed("uid-a"));
  EXPECT_EQ(cpu_on(cache, "n"), 1000);
  EXPECT_EQ(cache.forget("uid-a"), 0u) << "what was seen is not forgotten";
  EXPECT_EQ(cpu_on(cache, "n"), 1000);

  cache.assume(cache.info(one_cpu("b").object()), id(cache, "n"));
  EXPECT_EQ(cache.forget("uid-b"), id(cache, "n"));
  EXPECT_EQ(cpu_on(cache, "n"), 1000);
  EXPECT_EQ(cache.check(), "");
}

TEST(Cache, BoundElsewhereThanAssumed) {
  Cache cache;
  cache.set_node(big_node("n"));
  cache.set_node(big_node("m"));
  cache.assume(cache.info(one_cpu("a").object()), id(cache, "n"));
  const auto seen = cache.see(one_cpu("a").on("m").object());
  EXPECT_EQ(seen.left, id(cache, "n"));
  EXPECT_EQ(cpu_on(cache, "n"), 0);
  EXPECT_EQ(cpu_on(cache, "m"), 1000);
  EXPECT_EQ(cache.check(), "");
}

TEST(Cache, PodsOfUnknownNodesAreKeptForWhenItAppears) {
  Cache cache;
  cache.see(one_cpu("a").on("n").object());
  EXPECT_EQ(cache.snapshot().node_count(), 0u);
  cache.set_node(big_node("n"));
  EXPECT_EQ(cpu_on(cache, "n"), 1000);
  cache.remove_node("n");
  EXPECT_EQ(cache.snapshot().node_count(), 0u);
  EXPECT_EQ(cache.check(), "");
  EXPECT_EQ(cache.remove("uid-a"), id(cache, "n"));
  EXPECT_EQ(cache.check(), "");
  cache.set_node(big_node("n"));
  EXPECT_EQ(cpu_on(cache, "n"), 0);
}

TEST(Cache, ChangesOfANodeAreTold) {
  namespace events = scheduler::events;
  Cache cache;
  EXPECT_TRUE(cache.set_node(big_node("n")).intersects(events::node_added));
  EXPECT_TRUE(cache.set_node(big_node("n")).empty());
  EXPECT_EQ(cache.set_node(big_node("n", "8")), events::node_allocatable);
  EXPECT_EQ(cache.set_node(big_node("n", "8").label("a", "b")), events::node_labels);
  EXPECT_EQ(cache.set_node(big_node("n", "8").label("a", "b").with(taint("k", "", "NoSchedule"))),
            events::node_taints);
  EXPECT_EQ(cache.set_node(big_node("n", "8").label("a", "b").with(cordon)),
            events::node_taints | events::node_unschedulable);
}

// Random histories, with reordering in between: the totals always equal what the pods add up to.
TEST(Cache, TotalsStayTrueInAnyHistory) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Rng rng(seed);
    Cache cache;
    std::map<std::string, std::string> where;
    for (int step = 0; step < 600; ++step) {
      const std::string node = "n" + std::to_string(rng.below(20));
      const std::string name = "p" + std::to_string(rng.below(60));
      auto builder = pod(name).label("app", "a" + std::to_string(rng.below(3)));
      builder.with(requests("cpu", std::to_string(1 + rng.below(3))));
      if (rng.chance(1, 3)) builder.with(requests("nvidia.com/gpu", "1"));
      if (rng.chance(1, 3)) builder.with(host_port(static_cast<int32_t>(80 + rng.below(3))));
      const std::string uid = "uid-" + name;
      switch (rng.below(7)) {
        case 0:
          cache.set_node(big_node(node).zone(std::to_string(rng.below(3))).with(image("i", 1)));
          break;
        case 1: cache.remove_node(node); break;
        case 2:
          if (!cache.knows(uid)) cache.assume(cache.info(builder.object()), cache.words().id(node));
          break;
        case 3: cache.forget(uid); break;
        case 4: cache.see(builder.on(node).object()); break;
        case 5:
          rng.chance(1, 2) ? void(cache.remove(uid)) : void(cache.see(builder.on(node).deleting()));
          break;
        case 6: cache.snapshot().reorder_if_needed(); break;
      }
      ASSERT_EQ(cache.check(), "") << "seed " << seed << " step " << step;
    }
  }
}

TEST(LabelClasses, ClassesAndGroupsKnowEachOther) {
  scheduler::LabelClasses classes;
  api::Labels web, db;
  web["app"] = "web";
  db["app"] = "db";
  const auto w = classes.intern("default", web);
  EXPECT_EQ(w, classes.intern("default", web));
  const auto other = classes.intern("other", web);
  EXPECT_NE(w, other);
  const auto both =
      classes.group("default", {api::LabelSelectorMatcher::parse("app in (web,db)").value()});
  const auto d = classes.intern("default", db);
  EXPECT_EQ(both->classes, (std::vector<scheduler::LabelClass*>{w.get(), d.get()}));
  EXPECT_TRUE(d->in(both.get()));
  EXPECT_FALSE(other->in(both.get()));
  classes.add_pod(*d, 7, false);
  classes.add_pod(*d, 9, false);
  classes.add_pod(*d, 9, true);
  EXPECT_EQ(d->on_nodes, (scheduler::PodsOnNodes{{7, 1}, {9, 1}}));
  EXPECT_EQ(d->leaving, (scheduler::PodsOnNodes{{9, 1}}));
  classes.remove_pod(*d, 9, true);
  EXPECT_TRUE(d->leaving.empty());
}

TEST(LabelClasses, NamespacesAreSelectedByTheirLabels) {
  scheduler::LabelClasses classes;
  api::Labels web, prod;
  web["app"] = "web";
  prod["env"] = "prod";
  const auto a = classes.intern("a", web), b = classes.intern("b", web);
  scheduler::PodTerm term;
  term.namespaces.selector = api::LabelSelectorMatcher::parse("env=prod").value();
  term.labels = api::LabelSelectorMatcher::parse("app=web").value();
  const auto group = classes.group({term});
  EXPECT_TRUE(group->classes.empty());
  EXPECT_TRUE(classes.set_namespace("b", &prod));
  EXPECT_FALSE(classes.set_namespace("b", &prod));
  EXPECT_FALSE(a->in(group.get()));
  EXPECT_TRUE(b->in(group.get()));
  EXPECT_TRUE(classes.set_namespace("b", nullptr));
  EXPECT_FALSE(b->in(group.get()));
  EXPECT_TRUE(group->classes.empty());
}

// What nobody refers to is swept out, what somebody does is not.
TEST(LabelClasses, DoNotGrowWithoutEnd) {
  scheduler::LabelClasses classes;
  const auto group = classes.group("default", {api::LabelSelectorMatcher{}});
  scheduler::LabelClassPtr kept;
  for (int i = 0; i < 5000; ++i) {
    api::Labels labels;
    labels["job"] = std::to_string(i);
    auto c = classes.intern("default", labels);
    if (i == 17) kept = std::move(c);
  }
  EXPECT_LT(classes.class_count(), 1100u);
  EXPECT_LT(group->classes.size(), 1100u);
  EXPECT_TRUE(kept->in(group.get()));
  EXPECT_EQ(group->classes.front(), kept.get());
}

}  // namespace
}  // namespace keelson
