// Why a pod is pending, word for word as Kubernetes says it: one row per case.
#include <gtest/gtest.h>

#include "tests/scheduler/cluster.hpp"

namespace keelson {
namespace {

using namespace test;

std::string without_preemption(const std::string& text) {
  return text.substr(0, text.find(" preemption:"));
}

TEST(Message, EmptyCluster) {
  Cluster cluster;
  EXPECT_EQ(cluster.place(pod("p")), "no nodes available to schedule pods");
}

TEST(Message, ReasonsAreCountedAndSortedAsStrings) {
  Cluster cluster;
  for (const char* name : {"a", "b", "c"}) cluster.add(big_node(name, "1"));
  for (const char* name : {"d", "e"}) {
    cluster.add(big_node(name).with(taint("key", "value", "NoSchedule")));
  }
  EXPECT_EQ(
      cluster.place(pod("p").with(requests("cpu", "2"))),
      "0/5 nodes are available: 2 node(s) had untolerated taint {key: value}, 3 Insufficient "
      "cpu. preemption: 0/5 nodes are available: 5 Preemption is not helpful for scheduling.");
}

TEST(Message, FullNodesWithoutVictims) {
  Cluster cluster;
  for (const char* name : {"a", "b"}) {
    cluster.add(big_node(name, "2"));
    cluster.add(pod(std::string("on-") + name).on(name).with(requests("cpu", "1500m")));
  }
  EXPECT_EQ(
      cluster.place(pod("p").with(requests("cpu", "1"))),
      "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No "
      "preemption victims found for incoming pod.");
}

TEST(Message, ANodeWithSeveralShortagesCountsForEach) {
  Cluster cluster;
  cluster.add(big_node("a", "1", "1Gi", "1"));
  cluster.add(pod("on-a").on("a"));
  EXPECT_EQ(without_preemption(cluster.place(pod("p")
                                                 .with(requests("cpu", "2"))
                                                 .with(requests("memory", "2Gi"))
                                                 .with(requests("nvidia.com/gpu", "1")))),
            "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory, 1 Insufficient "
            "nvidia.com/gpu, 1 Too many pods.");
}

TEST(Message, EachFilterHasItsWords) {
  struct Row {
    const char* name;
    NodeBuilder node;
    PodBuilder pod;
    const char* reason;
  };
  const Row rows[] = {
      {"cordoned", big_node("n").with(cordon), pod("p"), "node(s) were unschedulable"},
      {"not ready", big_node("n").ready("False"), pod("p"),
       "node(s) had untolerated taint {node.kubernetes.io/not-ready: }"},
      {"unreachable", big_node("n").ready("Unknown"), pod("p"),
       "node(s) had untolerated taint {node.kubernetes.io/unreachable: }"},
      {"selector", big_node("n").label("disk", "hdd"), pod("p").with(selects("disk", "ssd")),
       "node(s) didn't match Pod's node affinity/selector"},
      {"affinity", big_node("n"), pod("p").with(requires_node("disk", "Exists", {})),
       "node(s) didn't match Pod's node affinity/selector"},
      {"execute taint", big_node("n").with(taint("gone", "", "NoExecute")), pod("p"),
       "node(s) had untolerated taint {gone: }"},
      {"ephemeral", big_node("n"), pod("p").with(requests("ephemeral-storage", "1Gi")),
       "Insufficient ephemeral-storage"},
      {"named", big_node("n"), pod("p").on("other"),
       "node(s) didn't match the requested node name"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    Cluster cluster;
    cluster.add(row.node);
    EXPECT_EQ(without_preemption(cluster.place(row.pod)),
              "0/1 nodes are available: 1 " + std::string(row.reason) + ".");
  }
}

// Pods of a daemon name their node; the others are not counted as failing its terms.
TEST(Message, NodesThatThePodDoesNotName) {
  const auto named = [](std::vector<std::vector<std::string>> lists) {
    return [=](api::Pod& p) {
      auto* term = p.mutable_spec()
                       ->mutable_affinity()
                       ->mutable_node_affinity()
                       ->mutable_required_during_scheduling_ignored_during_execution()
                       ->add_node_selector_terms();
      for (const auto& names : lists) {
        auto* field = term->add_match_fields();
        field->set_key("metadata.name");
        field->set_operator_("In");
        for (const auto& name : names) field->add_values(name);
      }
    };
  };
  Cluster cluster;
  cluster.add(big_node("a", "1")).add(big_node("b", "8")).add(big_node("c", "8"));
  const auto p = [&](auto lists) {
    return cluster.place(pod("p").with(requests("cpu", "2")).with(named(lists)));
  };
  EXPECT_EQ(p(std::vector<std::vector<std::string>>{{"a"}}),
            "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) "
            "[NodeAffinity]. preemption: 0/3 nodes are available: 3 Preemption is not helpful for "
            "scheduling.");
  EXPECT_EQ(without_preemption(p(std::vector<std::vector<std::string>>{{"gone"}})),
            "0/3 nodes are available: 3 node(s) didn't satisfy plugin(s) [NodeAffinity].");
  EXPECT_EQ(p(std::vector<std::vector<std::string>>{{"a", "b"}, {"b", "c"}}), "b");
  EXPECT_EQ(without_preemption(p(std::vector<std::vector<std::string>>{{"a"}, {"b"}})),
            "0/3 nodes are available: pod affinity terms conflict.");
}

TEST(Message, Ports) {
  Cluster cluster;
  cluster.add(big_node("n"));
  cluster.add(pod("web").on("n").with(host_port(80)));
  EXPECT_EQ(
      without_preemption(cluster.place(pod("p").with(host_port(80)))),
      "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.");
}

TEST(Message, PreemptionNever) {
  Cluster cluster;
  cluster.add(big_node("n", "1"));
  cluster.add(pod("low").on("n").with(requests("cpu", "1")));
  EXPECT_EQ(cluster.place(pod("p").with(priority(10)).with(requests("cpu", "1")).with([](auto& p) {
    p.mutable_spec()->set_preemption_policy("Never");
  })),
            "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to "
            "preemptionPolicy=Never.");
}

}  // namespace
}  // namespace keelson
