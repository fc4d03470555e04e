// What would happen to a cluster of three nodes in two zones.
#include "sim/lab/whatif.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/lab/policies.hpp"
#include "sim/lab/readers/dump.hpp"

namespace keelson::lab {
namespace {

using ::testing::HasSubstr;

std::string node(const std::string& name, const std::string& zone, const std::string& cpu = "4") {
  return "- apiVersion: v1\n  kind: Node\n  metadata: {name: " + name +
         ", labels: {kubernetes.io/hostname: " + name + ", topology.kubernetes.io/zone: " + zone +
         "}}\n  status:\n    allocatable: {cpu: \"" + cpu + "\", memory: 8Gi, pods: \"110\"}\n" +
         "    conditions: [{type: Ready, status: \"True\"}]\n";
}
std::string pod(const std::string& name, const std::string& node, const std::string& cpu,
                const std::string& owner) {
  std::string owners;
  if (!owner.empty()) {
    owners = ", ownerReferences: [{apiVersion: apps/v1, kind: " + owner.substr(0, owner.find('/')) +
             ", name: " + owner.substr(owner.find('/') + 1) + ", uid: u, controller: true}]";
  }
  return "- apiVersion: v1\n  kind: Pod\n  metadata: {name: " + name +
         ", namespace: default, labels: {app: web}" + owners + "}\n  spec:\n" +
         (node.empty() ? "" : "    nodeName: " + node + "\n") +
         "    containers: [{name: c, image: \"web:v1\", resources: {requests: {cpu: \"" + cpu +
         "\", memory: 1Gi}}}]\n  status: {phase: Running}\n";
}
const std::string kReplicaSet =
    "- apiVersion: apps/v1\n  kind: ReplicaSet\n  metadata: {name: web-1, namespace: default, "
    "ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: u, controller: true}]}\n"
    "  spec: {selector: {matchLabels: {app: web}}}\n";
std::string budget(int min_available) {
  return "- apiVersion: policy/v1\n  kind: PodDisruptionBudget\n  metadata: {name: web, namespace: "
         "default}\n  spec: {minAvailable: " +
         std::to_string(min_available) + ", selector: {matchLabels: {app: web}}}\n";
}

class WhatIfTest : public testing::Test {
 protected:
  // Three nodes of four CPUs; web has two pods of 2 CPUs on n1 and one on n2.
  std::string dump_ = "apiVersion: v1\nkind: List\nitems:\n" + node("n1", "a") + node("n2", "a") +
                      node("n3", "b") + kReplicaSet + pod("w1", "n1", "2", "ReplicaSet/web-1") +
                      pod("w2", "n1", "2", "ReplicaSet/web-1") + pod("w3", "n2", "2", "ReplicaSet/web-1");

  Result<WhatIf> ask(std::vector<Change> changes) {
    auto workload = parse_dump(dump_, "dump.yaml");
    if (!workload) return workload.error();
    return what_if(*workload, options_, changes);
  }
  WhatIfOptions options_ = [] {
    WhatIfOptions options;
    options.schedulers.push_back({.policy = *find_policy("default")});
    return options;
  }();
  static Change drain(const std::string& node) { return {.kind = Change::Kind::drain, .target = node}; }
};

// "w1 n1>n3" for each, sorted.
std::vector<std::string> shown(const std::vector<Moved>& all) {
  std::vector<std::string> lines;
  for (const Moved& one : all) lines.push_back(one.pod + " " + one.from + ">" + one.to);
  std::sort(lines.begin(), lines.end());
  return lines;
}
using Lines = std::vector<std::string>;

TEST_F(WhatIfTest, DrainingMovesPodsAndLeavesDaemons) {
  dump_ += pod("agent", "n1", "100m", "DaemonSet/agent") + pod("bare", "n1", "100m", "");
  dump_.replace(dump_.find("cpu: \"2\""), 8, "cpu: \"1\"");  // w1
  auto result = ask({drain("n1")});
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_EQ(result->refused.size(), 1u);
  EXPECT_EQ(result->refused[0].pod, "bare");
  EXPECT_THAT(result->refused[0].why, HasSubstr("--force"));
  EXPECT_FALSE(result->fits());
  EXPECT_TRUE(result->moved.empty());  // as kubectl: nothing is evicted
  EXPECT_TRUE(result->undrained.empty());
  options_.force = true;
  result = ask({drain("n1")});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->fits());
  ASSERT_EQ(result->moved.size(), 2u);
  for (const Moved& one : result->moved) {
    EXPECT_EQ(one.from, "n1");
    EXPECT_NE(one.to, "n1");
    EXPECT_EQ(one.why, "drained");
  }
  EXPECT_EQ(shown(result->gone), Lines{"bare n1>"});  // nobody makes it again
  EXPECT_EQ(result->before.pods, 5u);
  EXPECT_EQ(result->after.pods, 4u);
  ASSERT_EQ(result->after.fill.size(), 3u);
  EXPECT_NEAR(result->after.fill[0].cpu, 0.1 / 4, 1e-9);
}

TEST_F(WhatIfTest, EmptyDirsAreNotLostUnasked) {
  std::string scratch = pod("scratch", "n3", "100m", "StatefulSet/s");
  scratch.insert(scratch.find("    containers:"), "    volumes: [{name: tmp, emptyDir: {}}]\n");
  dump_ += scratch;
  auto result = ask({drain("n3")});
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_EQ(result->refused.size(), 1u);
  EXPECT_THAT(result->refused[0].why, HasSubstr("--delete-emptydir-data"));
  options_.delete_emptydir_data = true;
  result = ask({drain("n3")});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->fits());
  EXPECT_EQ(shown(result->moved), Lines{"scratch n3>n2"});
}

TEST_F(WhatIfTest, LostNodesBreakBudgets) {
  dump_ += budget(2);
  auto result = ask({{.kind = Change::Kind::remove_node, .target = "n1"}});
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_EQ(result->broken.size(), 1u);
  EXPECT_EQ(result->broken[0].name, "web");
  EXPECT_EQ(result->broken[0].lost, 2);
  EXPECT_EQ(result->broken[0].healthy, 1);
  EXPECT_EQ(result->broken[0].desired, 2);
  EXPECT_THAT(to_json(*result), HasSubstr("\"lost\":2,\"healthy\":1,\"desired\":2}"));
  result = ask({{.kind = Change::Kind::remove_node, .target = "n2"}});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->broken.empty());  // two are left, and two are wanted
}

TEST_F(WhatIfTest, TheSchedulersNameSaysWhoDecides) {
  const std::string kContainers = "    containers:";
  std::string theirs = pod("theirs", "", "1", ""), nobodys = pod("nobodys", "", "1", "");
  theirs.insert(theirs.find(kContainers), "    schedulerName: blind\n");
  nobodys.insert(nobodys.find(kContainers), "    schedulerName: other\n");
  dump_ += theirs + nobodys + pod("plain", "", "1", "");
  // All nodes are cordoned, which one of the schedulers does not look at.
  for (auto at = dump_.find("  status:\n    alloc"); at != std::string::npos; at = dump_.find("  status:\n    alloc", at + 40)) {
    dump_.insert(at, "  spec: {unschedulable: true}\n");
  }
  Policy blind{"blind", "", scheduler::ProfileOptions::defaults()};
  blind.profile.disable("NodeUnschedulable").disable("TaintToleration");
  options_.schedulers.push_back({"blind", blind});
  const auto result = ask({*parse_scale("deployment/web=3")});
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_EQ(result->moved.size(), 1u);
  EXPECT_EQ(result->moved[0].pod, "theirs");
  ASSERT_EQ(result->pending.size(), 2u);
  for (const Moved& one : result->pending) {
    EXPECT_THAT(one.message, HasSubstr(one.pod == "plain" ? "unschedulable" : "schedulerName \"other\""));
  }
}

// n2 has two CPUs left and n3 four: three pods of 1.5 fit, though four would in sum.
TEST_F(WhatIfTest, AGroupHasAllItsPlacesOrNone) {
  const auto member = [](const std::string& name, const std::string& least) {
    std::string text = pod(name, "", "1500m", "");
    return text.replace(text.find("app: web"), 8,
                        "pod-group.scheduling.sigs.k8s.io/name: g, "
                        "pod-group.scheduling.sigs.k8s.io/min-available: \"" + least + "\"");
  };
  options_.schedulers[0].policy.profile.enable("Coscheduling");
  const std::string before = dump_;
  const Change same = *parse_scale("deployment/web=3");
  dump_ += member("g1", "3") + member("g2", "3") + member("g3", "3") + pod("late", "", "4", "");
  auto result = ask({same});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->moved.size(), 3u);
  ASSERT_EQ(result->pending.size(), 1u);
  EXPECT_EQ(result->pending[0].pod, "late");

  dump_ = before + member("g1", "4") + member("g2", "4") + member("g3", "4") + member("g4", "4") +
          pod("late", "", "4", "");
  result = ask({same});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(shown(result->moved), Lines{"late >n3"});  // has what the group gave back
  ASSERT_EQ(result->pending.size(), 4u);
  EXPECT_THAT(result->pending[0].message, HasSubstr("pod group \"default/g\""));
}

TEST_F(WhatIfTest, BudgetsMakeEvictionsWaitOrForbidThem) {
  dump_ += budget(2);  // one at a time
  auto result = ask({drain("n1")});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->fits());
  ASSERT_EQ(result->budgets.size(), 1u);
  EXPECT_EQ(result->budgets[0].allowed, 1);
  EXPECT_EQ(result->budgets[0].evicted, 2);
  EXPECT_EQ(result->budgets[0].waited, 1);
  EXPECT_TRUE(result->budgets[0].blocks.empty());

  // Nowhere to go for the first: the second is never evicted.
  result = ask({drain("n1"), {.kind = Change::Kind::remove_node, .target = "n3"}, drain("n2")});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_FALSE(result->fits());
  EXPECT_EQ(result->undrained, (Lines{"n1", "n2"}));
  EXPECT_EQ(result->pending.size(), 1u);
  EXPECT_EQ(result->budgets[0].blocks.size(), 2u);
  EXPECT_THAT(result->pending[0].message, HasSubstr("0/2 nodes are available: 2 node(s) were unschedulable"));

  // A pod of two budgets: the API evicts none.
  std::string second = budget(1);
  dump_ += second.replace(second.find("name: web"), 9, "name: also");
  result = ask({drain("n2")});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->undrained, Lines{"n2"});
  EXPECT_EQ(result->budgets.size(), 2u);
}

TEST_F(WhatIfTest, LosingAZoneLeavesPendingWhatDoesNotFit) {
  auto result = ask({{.kind = Change::Kind::fail, .target = "a"}});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->after.nodes, 1u);
  EXPECT_EQ(result->moved.size(), 2u);
  ASSERT_EQ(result->pending.size(), 1u);
  EXPECT_EQ(result->pending[0].why, "its node is gone");
  EXPECT_THAT(result->pending[0].message, HasSubstr("0/1 nodes are available: 1 Insufficient cpu"));
  EXPECT_FALSE(result->fits());
  // Two more nodes like the one that is left are enough.
  result = ask({{.kind = Change::Kind::fail, .target = "a"},
                {.kind = Change::Kind::add_nodes, .target = "n3", .count = 2}});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->fits());
  EXPECT_EQ(result->after.nodes, 3u);
  result = ask({{.kind = Change::Kind::fail, .target = "c"}});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "no node is in zone \"c\"; zones: a, b");
}

TEST_F(WhatIfTest, ScalingAndImages) {
  auto result = ask({*parse_scale("deployment/web=7")});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->moved.size(), 3u);  // six fit
  EXPECT_EQ(result->pending.size(), 1u);
  EXPECT_EQ(result->after.cpu, 100);

  result = ask({*parse_scale("default/deployment/web=1")});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(shown(result->gone), (Lines{"w2 n1>", "w3 n2>"}));  // the youngest first
  EXPECT_TRUE(result->fits());

  // Three pods, one more at a time: never fewer than three.
  result = ask({*parse_image("deployment/web=web:v2")});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->moved.size(), 3u);
  EXPECT_EQ(result->gone.size(), 3u);
  EXPECT_TRUE(result->fits());
  EXPECT_EQ(result->after.pods, 3u);

  result = ask({*parse_scale("deployment/api=3")});
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, HasSubstr("there are no pods of deployment/api"));
  EXPECT_FALSE(parse_scale("web=3").ok());
  EXPECT_FALSE(parse_scale("deployment/web=many").ok());
  EXPECT_EQ(parse_image("ns1/deployment/web/c=web:v2")->container, "c");
  EXPECT_EQ(parse_image("deployment/web/c=web:v2")->target, "deployment/web");
}

TEST_F(WhatIfTest, SaysItAsJson) {
  const auto result = ask({drain("n2")});
  ASSERT_TRUE(result) << result.error().message;
  const std::string json = to_json(*result);
  EXPECT_THAT(json, HasSubstr("{\"fits\":true,\"moved\":[\n{\"namespace\":\"default\",\"pod\":\"w3\","
                              "\"from\":\"n2\",\"to\":\"n3\",\"why\":\"drained\"}]"));
  EXPECT_THAT(json, HasSubstr("\"before\":{\"nodes\":3,\"pods\":3,\"cpuPercent\":50,"));
  EXPECT_EQ(ask({drain("n9")}).error().message, "there is no node \"n9\"; there are 3: n1, n2, n3");
}

}  // namespace
}  // namespace keelson::lab
