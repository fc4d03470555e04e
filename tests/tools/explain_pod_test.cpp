// keelson explain pod NAME, on dumps: what a user reads, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/tools/fake_cluster.hpp"

namespace keelson::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kDump = R"(apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Node, metadata: {name: small}, status: {allocatable: {cpu: "1", memory: 8Gi, pods: "10"}, conditions: [{type: Ready, status: "True"}]}}
- {apiVersion: v1, kind: Node, metadata: {name: tainted}, spec: {taints: [{key: team, value: a, effect: NoSchedule}]}, status: {allocatable: {cpu: "8", memory: 8Gi, pods: "10"}, conditions: [{type: Ready, status: "True"}]}}
- {apiVersion: v1, kind: Pod, metadata: {name: big, namespace: default, uid: u1}, spec: {containers: [{name: c, image: i, resources: {requests: {cpu: "2"}}}]}}
- {apiVersion: v1, kind: Pod, metadata: {name: fits, namespace: default, uid: u2}, spec: {nodeName: small, containers: [{name: c, image: i, resources: {requests: {cpu: "1"}}}]}}
- {apiVersion: v1, kind: Pod, metadata: {name: theirs, namespace: default, uid: u3}, spec: {schedulerName: theirs, containers: [{name: c, image: i}]}}
)";

struct ExplainPodTest : testing::Test {
  FakeApi api;
  FakeConsole io;
  int run(std::vector<std::string> words) {
    words.insert(words.begin(), "explain");
    words.insert(words.end(), {"-f", "-"});
    if (io.input.empty()) io.input = kDump;
    const Verb* verb = find_verb(words);
    const auto flags = Flags::parse({verb->flags, global_flags()}, words);
    if (!flags) {
      ADD_FAILURE() << flags.error().message;
      return -1;
    }
    return run_verb(*verb, *flags, {}, nullptr, "default", api, io);
  }
};

TEST_F(ExplainPodTest, APendingPodAndWhatCouldHelpIt) {
  EXPECT_EQ(run({"pod", "big"}), 0) << io.errors;
  EXPECT_THAT(io.output, HasSubstr("Pod default/big has no node. It can go nowhere now."));
  EXPECT_THAT(io.output, HasSubstr("0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had "
                                   "untolerated taint {team: a}."));
  EXPECT_THAT(io.output, HasSubstr("Insufficient cpu (NodeResourcesFit)"));
  EXPECT_THAT(io.output, HasSubstr("What could help:"));
  EXPECT_THAT(io.output, HasSubstr("a node is added"));
  EXPECT_TRUE(api.requests.empty());  // a dump needs no cluster
}

TEST_F(ExplainPodTest, APodOnANodeIsJudgedWithoutItsOwnPlace) {
  EXPECT_EQ(run({"pod/fits"}), 0) << io.errors;
  EXPECT_THAT(io.output, HasSubstr("Pod default/fits is on small. Without its place there it would "
                                   "go to small now."));
  EXPECT_THAT(io.output, HasSubstr("NodeResourcesFit"));
}

TEST_F(ExplainPodTest, AsJson) {
  EXPECT_EQ(run({"po", "big", "-o", "json"}), 0) << io.errors;
  const Json all = parse_tree(io.output);
  EXPECT_EQ(text_at(all, "pod"), "big");
  EXPECT_EQ(text_at(all, "wouldGoTo"), "");
  EXPECT_EQ(list_at(all, "nodes").size(), 2u);
  EXPECT_EQ(text_at(list_at(all, "nodes")[0], "feasible"), "false");
}

TEST_F(ExplainPodTest, AnotherSchedulersPodIsAnAnswer) {
  EXPECT_EQ(run({"pod", "theirs"}), 0) << io.errors;
  EXPECT_THAT(io.output, HasSubstr("Pod default/theirs has no node. It can go nowhere now."));
  EXPECT_THAT(io.output, HasSubstr("Why: no scheduler of this configuration is responsible for "
                                   "schedulerName \"theirs\""));
}

// A group of two, of which one has no node: the group is complete, one pod alone is not.
TEST_F(ExplainPodTest, PodsWithoutANodeCountForTheirGroup) {
  const std::string config = testing::TempDir() + "/explain-gang-" + std::to_string(::getpid());
  std::ofstream(config) << "apiVersion: kubescheduler.config.k8s.io/v1\n"
                           "kind: KubeSchedulerConfiguration\n"
                           "profiles: [{plugins: {multiPoint: {enabled: [{name: Coscheduling}]}}}]\n";
  const auto member = [](const std::string& name) {
    return "- {apiVersion: v1, kind: Pod, metadata: {name: " + name + ", namespace: default, uid: u-" +
           name + ", labels: {pod-group.scheduling.sigs.k8s.io/name: g, "
           "pod-group.scheduling.sigs.k8s.io/min-available: \"2\"}}, spec: {containers: [{name: c, "
           "image: i, resources: {requests: {cpu: 500m}}}]}}\n";
  };
  io.input = kDump + member("g1");
  EXPECT_EQ(run({"pod", "g1", "--scheduler-config", config}), 0) << io.errors;
  EXPECT_THAT(io.output, HasSubstr("It can go nowhere now."));
  // The reason stands where a node's stands, and no node has a score.
  EXPECT_THAT(io.output, testing::ContainsRegex(
                             "small +- +pod group \"default/g\" has 1 of the 2 pods that it needs"));
  io.output.clear();
  io.input = kDump + member("g1") + member("g2");
  EXPECT_EQ(run({"pod", "g1", "--scheduler-config", config}), 0) << io.errors;
  EXPECT_THAT(io.output, HasSubstr("It can go nowhere now."));  // small is full
  EXPECT_THAT(io.output, Not(HasSubstr("pods that it needs")));
  std::filesystem::remove(config);
}

TEST_F(ExplainPodTest, PodsWrittenByHandAreSeveral) {
  io.input = kDump;
  for (const char* name : {"a", "b"}) {
    io.input += std::string("- {apiVersion: v1, kind: Pod, metadata: {name: ") + name +
                "}, spec: {nodeName: tainted, containers: [{name: c, image: i, resources: {requests: "
                "{cpu: \"3500m\"}}}]}}\n";
  }
  io.input += "- {apiVersion: v1, kind: Pod, metadata: {name: third}, spec: {tolerations: [{operator: "
              "Exists}], containers: [{name: c, image: i, resources: {requests: {cpu: \"2\"}}}]}}\n";
  EXPECT_EQ(run({"pod", "third"}), 0) << io.errors;
  EXPECT_THAT(io.output, HasSubstr("0/2 nodes are available: 2 Insufficient cpu"));
}

TEST_F(ExplainPodTest, WhatIsRefused) {
  EXPECT_EQ(run({"pod", "nobody"}), 1);
  EXPECT_THAT(io.errors, HasSubstr("there is no pod \"nobody\" in namespace \"default\""));
  io.errors.clear();
  io.input = "apiVersion: v1\nkind: Pod\nmetadata: {name: 7}\n";
  EXPECT_EQ(run({"pod", "big"}), 1);
  EXPECT_THAT(io.errors, HasSubstr("metadata.name"));
}

}  // namespace
}  // namespace keelson::cli
