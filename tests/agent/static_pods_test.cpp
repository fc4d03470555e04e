// Pods of the node's own manifests, and their mirrors in the API.
#include <gmock/gmock.h>

#include "core/agent/static_pods.hpp"
#include "tests/agent/agent_fixture.hpp"

namespace keelson::test {
namespace {

using agent::Manifest;
using ::testing::HasSubstr;

class FakeManifests final : public agent::ManifestSource {
 public:
  explicit FakeManifests(ManualLoop& loop) : loop_(loop) {}
  void watch(Callback<void(std::vector<Manifest>)> on_change) override {
    on_change_ = std::move(on_change);
    tell();
  }
  void set(std::vector<Manifest> all) {
    all_ = std::move(all);
    tell();
  }

 private:
  void tell() {
    loop_.post([this] {
      if (on_change_) on_change_(all_);
    });
  }
  ManualLoop& loop_;
  Callback<void(std::vector<Manifest>)> on_change_;
  std::vector<Manifest> all_;
};

Manifest manifest(const std::string& image, const std::string& name = "proxy") {
  return {"/manifests/" + name + ".yaml",
          "apiVersion: v1\nkind: Pod\nmetadata: {name: " + name +
              ", namespace: default}\nspec:\n  terminationGracePeriodSeconds: 5\n"
              "  containers: [{name: main, image: \"" + image + "\"}]\n"};
}

class StaticPodsTest : public AgentTest {
 protected:
  StaticPodsTest() { options.manifests = &manifests; }

  api::ObjectPtr mirror() { return object("proxy-n1"); }

  FakeManifests manifests{loop};
};

TEST_F(StaticPodsTest, RunsAndShowsInTheApi) {
  manifests.set({manifest("nginx:1")});
  start();
  loop.run_for(5s);
  EXPECT_EQ(runtime.running("main"), 1);
  ASSERT_NE(mirror(), nullptr);
  const api::Pod& shown = mirror()->as<api::Pod>();
  EXPECT_EQ(shown.status().phase(), "Running");
  EXPECT_EQ(condition("Ready", "proxy-n1"), "True");
  EXPECT_EQ(shown.spec().node_name(), "n1");
  const auto& annotations = shown.metadata().annotations();
  EXPECT_EQ(annotations.at("kubernetes.io/config.source"), "file");
  EXPECT_EQ(annotations.at("kubernetes.io/config.mirror"),
            annotations.at("kubernetes.io/config.hash"));
  ASSERT_EQ(shown.metadata().owner_references_size(), 1);
  EXPECT_EQ(shown.metadata().owner_references(0).uid(), node().metadata().uid());
  const int writes = status_writes();
  loop.run_for(10min);
  EXPECT_LE(status_writes(), writes + 1) << "what is shown is left alone";
}

TEST_F(StaticPodsTest, AMirrorIsNeverAnInput) {
  manifests.set({manifest("nginx:1")});
  start();
  loop.run_for(5s);
  const std::string uid = mirror()->uid();
  change("proxy-n1", [](api::Pod& pod) { pod.mutable_status()->set_phase("Failed"); });
  loop.run_for(5s);
  EXPECT_EQ(status("proxy-n1").phase(), "Running") << "put right";
  remove("proxy-n1", 30);
  loop.run_for(5s);
  ASSERT_NE(mirror(), nullptr);
  EXPECT_NE(mirror()->uid(), uid) << "made anew";
  EXPECT_EQ(status("proxy-n1").phase(), "Running");
  EXPECT_EQ(runtime.count("start"), 1) << "the container knows nothing of all that";
  EXPECT_EQ(runtime.running(), 1);
}

TEST_F(StaticPodsTest, AChangedManifestIsAnotherPodThatWaitsForTheOldOne) {
  runtime.term_time = 3s;
  manifests.set({manifest("nginx:1")});
  start();
  loop.run_for(5s);
  manifests.set({manifest("nginx:2")});
  loop.run_for(2s);
  EXPECT_EQ(runtime.running(), 1);
  EXPECT_EQ(runtime.count("start"), 1) << "the old one still ends";
  loop.run_for(10s);
  EXPECT_EQ(runtime.count("start"), 2);
  EXPECT_EQ(runtime.running(), 1);
  EXPECT_EQ(mirror()->as<api::Pod>().spec().containers(0).image(), "nginx:2");
  manifests.set({});
  loop.run_for(10s);
  EXPECT_EQ(runtime.container_count(), 0U);
  EXPECT_EQ(mirror(), nullptr);
}

TEST_F(StaticPodsTest, ARestartOfTheAgentAdoptsIt) {
  manifests.set({manifest("nginx:1")});
  start();
  loop.run_for(5s);
  runtime.exit("main", 1);
  loop.run_for(5s);
  ASSERT_EQ(container(0, "proxy-n1").restart_count(), 1);
  restart();
  loop.run_for(5s);
  EXPECT_EQ(runtime.running(), 1);
  EXPECT_EQ(container(0, "proxy-n1").restart_count(), 1);
  EXPECT_EQ(runtime.count("start"), 2);
  kill();
  manifests.set({});
  restart();
  loop.run_for(10s);
  EXPECT_EQ(runtime.container_count(), 0U) << "its manifest went while the agent was away";
  EXPECT_EQ(mirror(), nullptr);
}

TEST_F(StaticPodsTest, AServerThatIsAwayIsToldLater) {
  start();
  loop.run_for(2s);
  api.down = true;
  manifests.set({manifest("nginx:1")});
  loop.run_for(5s);
  EXPECT_EQ(runtime.running("main"), 1);
  api.down = false;
  loop.run_for(2min);
  ASSERT_NE(mirror(), nullptr);
  EXPECT_EQ(status("proxy-n1").phase(), "Running");
}

TEST(StaticPodRules, WhatIsNoManifestIsSaid) {
  const auto error = [](const std::string& text) {
    const auto pod = agent::static_pod_of({"/m/x.yaml", text}, "n1");
    return pod.ok() ? "" : pod.error().message;
  };
  EXPECT_THAT(error("kind: Pod\napiVersion: v1\nmetadata: {name: a}\nspec: {}\n"),
              HasSubstr("spec.containers"));
  EXPECT_THAT(error("kind: ConfigMap\napiVersion: v1\nmetadata: {name: a}\n"),
              HasSubstr("/m/x.yaml: a manifest is one Pod"));
  EXPECT_NE(error(": : :"), "");
  EXPECT_NE(error(""), "");
  EXPECT_THAT(error("kind: Pod\napiVersion: v1\nmetadata: {name: a/b}\n"
                    "spec: {containers: [{name: c, image: i}]}\n"),
              HasSubstr("metadata.name"));
}

TEST(StaticPodRules, TheUidIsOfWhereAndWhat) {
  const auto uid = [](const Manifest& m, const std::string& node) {
    return agent::static_pod_of(m, node).value()->uid();
  };
  EXPECT_EQ(uid(manifest("a"), "n1"), uid(manifest("a"), "n1"));
  EXPECT_NE(uid(manifest("a"), "n1"), uid(manifest("b"), "n1"));
  EXPECT_NE(uid(manifest("a"), "n1"), uid(manifest("a"), "n2"));
  Manifest moved = manifest("a");
  moved.source = "/elsewhere";
  EXPECT_NE(uid(manifest("a"), "n1"), uid(moved, "n1"));
}

}  // namespace
}  // namespace keelson::test
