// What the users of scenarios do.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/run/run.hpp"

namespace keelson::sim {
namespace {

constexpr const char* kUsedCluster = R"(
name: t
duration: 3m
quiet: 10s
cluster: {pools: [{prefix: n-, count: 3}]}
timeline:
  - {at: 10s, do: run, name: web, image: "web:v1", replicas: 2}
  - {at: 30s, do: set-image, name: web, image: "web:v2"}
)";

struct Played {
  std::unique_ptr<Scenario> scenario;
  std::unique_ptr<sim::Run> run;

  explicit Played(const std::string& timeline) {
    auto parsed = parse_scenario(kUsedCluster + timeline, "t.yaml", {});
    EXPECT_TRUE(parsed.ok()) << parsed.error().message;
    scenario = std::make_unique<Scenario>(std::move(*parsed));
    run = std::make_unique<sim::Run>(*scenario,
                                     RunOptions{.seed = 1, .max_events = 0, .progress = {}});
    EXPECT_EQ(run->execute(), Verdict::held);
  }
  std::string image() const {
    const auto d = run->checks().state().get<api::Deployment>("default", "web");
    return d ? d->spec().template_().spec().containers(0).image() : "";
  }
  bool told(const std::string& text) const {
    const auto& notes = run->world().notes();
    return std::any_of(notes.begin(), notes.end(), [&](const Note& note) {
      return note.source == "user" && note.text.find(text) != std::string::npos;
    });
  }
};

TEST(User, AppliesAManifestFromTopToBottom) {
  const Played played(R"(
  - at: 60s
    do: apply
    manifest: |
      apiVersion: v1
      kind: Namespace
      metadata: {name: team}
      ---
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: settings, namespace: team}
)");
  EXPECT_TRUE(played.run->checks().state().get<api::ConfigMap>("team", "settings"));
}

TEST(User, UndoBringsBackTheRevisionBefore) {
  EXPECT_EQ(Played("  - {at: 60s, do: undo, name: web}\n").image(), "web:v1");
}

TEST(User, UndoTakesARevisionByNumber) {
  const Played played(
      "  - {at: 60s, do: set-image, name: web, image: \"web:v3\"}\n"
      "  - {at: 90s, do: undo, name: web, revision: 1}\n");
  EXPECT_EQ(played.image(), "web:v1");
  EXPECT_EQ(Played("  - {at: 60s, do: undo, name: web, revision: 9}\n").image(), "web:v2");
}

TEST(User, UndoOfAPausedRolloutIsRefused) {
  const Played played(
      "  - {at: 60s, do: pause, name: web}\n"
      "  - {at: 70s, do: undo, name: web}\n"
      "  - {at: 80s, do: resume, name: web}\n");
  EXPECT_EQ(played.image(), "web:v2");
  EXPECT_TRUE(played.told("you cannot rollback a paused deployment"));
}

// The ReplicaSets that an earlier Deployment of the name left behind are not its history.
TEST(User, UndoLooksAtTheHistoryOfThisDeploymentOnly) {
  const Played played(
      "  - {at: 60s, do: delete, name: web}\n"
      "  - {at: 60500ms, do: run, name: web, image: \"web:v4\", replicas: 1}\n"
      "  - {at: 61s, do: undo, name: web}\n");
  EXPECT_EQ(played.image(), "web:v4");
  EXPECT_TRUE(played.told("no rollout history found"));
}

}  // namespace
}  // namespace keelson::sim
