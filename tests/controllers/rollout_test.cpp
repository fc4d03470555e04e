// The workload controllers together, in the real driver, against a small API server and imaginary
// nodes: rollouts, scaling, deletion, under lost messages and late watches. The promises of a
// rollout are checked after every write.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/seeded_bug.hpp"
#include "core/controllers/manager.hpp"
#include "core/controllers/owners.hpp"
#include "core/controllers/pod_state.hpp"
#include "core/controllers/rollout.hpp"
#include "core/controllers/workload.hpp"
#include "tests/controllers/mini_api.hpp"
#include "tests/support/builders.hpp"
#include "tests/support/manual_loop.hpp"

namespace keelson::controllers {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Fate = MiniApi::Fate;

class RolloutTest : public ::testing::Test {
 protected:
  RolloutTest() {
    for (auto& controller : make_workload_controllers()) manager.add(std::move(controller));
    api.create(name_space("default"));
    api.on_commit = [this](const api::ObjectPtr& before, const api::ObjectPtr& after) {
      check(before, after);
    };
  }
  ~RolloutTest() override {
#ifdef KEELSON_SEEDED_BUGS
    active_seeded_bug = SeededBug::none;
#endif
  }
  void start() {
    manager.start({}, nullptr);
  }
  void run(Duration time) {
    for (Duration t{}; t < time; t += 1s) {
      loop.run_for(1s);
      agents();
      if (++ticks_ % 10 == 0) api.send_bookmarks();
    }
    loop.settle();
  }
  // What nodes do: a pod is bound and starts, is ready after `start_time` unless its image is
  // broken, and ends `stop_time` after it was asked to.
  void agents() {
    for (const auto& pod : api.all<api::Pod>()) {
      const int64_t age = ++ages_[pod.uid()];
      if (pod.object().deleting()) {
        if (++endings_[pod.uid()] > stop_time) api.erase(pod.object().key());
        continue;
      }
      if (pod->spec().node_name().empty()) {
        api.change(pod, [&](api::Pod& p) {
          p.mutable_spec()->set_node_name("n" + std::to_string(age % 3));
        });
        ages_[pod.uid()] = 0;
        continue;
      }
      const bool works = pod->spec().containers(0).image() != "broken";
      const bool up = works && age >= start_time;
      if (pod->status().phase() == "Running" && ready(*pod) == up) continue;
      api.change(
          pod,
          [&](api::Pod& p) {
            PodBuilder state("");
            up ? state.ready(loop.wall_now().unix_ns / 1'000'000'000) : state.not_ready();
            *p.mutable_status() = state.message().status();
          },
          true);
    }
  }

  // DP-1, DP-3 and RS-2 in the state, after each write.
  void check(const api::ObjectPtr& before, const api::ObjectPtr& after) {
    if (after && after->kind() == api::Kind::replica_sets) {
      const auto& rs = after->as<api::ReplicaSet>();
      sizes_[after->uid()][rs.metadata().generation()] = replicas_of(rs);
    }
    if (!after || after->kind() != api::Kind::pods) return;
    std::map<std::string, int> active_of;
    int active_total = 0, available = 0;
    for (const auto& pod : api.all<api::Pod>("default")) {
      if (!active(*pod)) continue;
      ++active_total;
      if (ready(*pod)) ++available;
      if (const auto* owner = controller_of(pod->metadata())) ++active_of[owner->uid()];
    }
    most_active = std::max(most_active, active_total);
    if (watching) least_available = std::min(least_available, available);
    const auto* owner = controller_of(after->meta());
    if (before || !owner) return;
    // A creation may rest on any size since the one that the ReplicaSet's controller has reported
    // on.
    const api::ObjectPtr rs = api.find(api::Kind::replica_sets, owner->name(), after->ns());
    if (!rs || rs->uid() != owner->uid()) return;
    int allowed = 0;
    for (const auto& [generation, size] : sizes_[owner->uid()]) {
      const auto reported = rs->as<api::ReplicaSet>().status().observed_generation();
      if (generation >= reported) allowed = std::max(allowed, size);
    }
    most_over = std::max(most_over, active_of[owner->uid()] - allowed);
  }
  void watch_promises() {
    most_active = 0;
    least_available = INT32_MAX;
    watching = true;
  }

  DeploymentBuilder web(int32_t replicas, const std::string& image = "nginx:1") {
    auto builder = deployment("web");
    builder.replicas(replicas).selects("app", "web").image(image);
    builder.label("app", "web");
    return builder;
  }
  api::Ref<api::Deployment> current() {
    return api::Ref<api::Deployment>(api.find(api::Kind::deployments, "web"));
  }
  void set_image(const std::string& image) {
    api.change(current(), [&](api::Deployment& d) {
      d.mutable_spec()->mutable_template_()->mutable_spec()->mutable_containers(0)->set_image(
          image);
    });
  }
  void scale(int32_t replicas) {
    api.change(current(), [&](api::Deployment& d) { d.mutable_spec()->set_replicas(replicas); });
  }
  std::string progressing() {
    for (const auto& c : current()->status().conditions()) {
      if (c.type() == "Progressing") return c.reason();
    }
    return "";
  }
  std::map<std::string, int> pods_by_image() {
    std::map<std::string, int> counts;
    for (const auto& pod : api.all<api::Pod>("default")) {
      if (active(*pod)) ++counts[pod->spec().containers(0).image()];
    }
    return counts;
  }
  void expect_complete(int32_t replicas, const std::string& image) {
    EXPECT_THAT(pods_by_image(), ElementsAre(std::pair(image, replicas)));
    const auto& status = current()->status();
    EXPECT_EQ(status.updated_replicas(), replicas);
    EXPECT_EQ(status.replicas(), replicas);
    EXPECT_EQ(status.available_replicas(), replicas);
    EXPECT_EQ(status.unavailable_replicas(), 0);
    EXPECT_EQ(status.observed_generation(), current()->metadata().generation());
    EXPECT_EQ(progressing(), "NewReplicaSetAvailable");
  }
  std::string revision() {
    return current()->metadata().annotations().at("deployment.kubernetes.io/revision");
  }

  ManualLoop loop;
  MiniApi api{loop};
  NullLog log;
  Manager manager{loop, api, Rng(3), log, {}};
  int start_time = 2, stop_time = 5;
  bool watching = false;
  int most_active = 0, least_available = INT32_MAX, most_over = 0;

 private:
  std::map<std::string, int> ages_, endings_;
  std::map<std::string, std::map<int64_t, int>> sizes_;  // of ReplicaSets by uid and generation
  int ticks_ = 0;
};

TEST_F(RolloutTest, ANewDeploymentGetsItsPods) {
  start();
  api.create(web(5));
  run(20s);
  expect_complete(5, "nginx:1");
  EXPECT_EQ(most_active, 5);
  EXPECT_EQ(revision(), "1");
  std::set<std::string> reasons;
  for (const auto& event : api.all<api::Event>()) reasons.insert(event->reason());
  EXPECT_THAT(reasons, ElementsAre("ScalingReplicaSet", "SuccessfulCreate"));
  EXPECT_TRUE(api.find(api::Kind::service_accounts, "default"));
}

TEST_F(RolloutTest, ARollingUpdateKeepsItsPromises) {
  start();
  api.create(web(10).surge(3).unavailable(2));
  run(20s);
  watch_promises();
  set_image("nginx:2");
  run(60s);
  expect_complete(10, "nginx:2");
  EXPECT_LE(most_active, 13) << "DP-1";
  EXPECT_GE(least_available, 8) << "DP-3";
  EXPECT_LE(most_over, 0) << "RS-2";
  EXPECT_EQ(revision(), "2");
  EXPECT_EQ(api.all<api::ReplicaSet>().size(), 2u);
}

TEST_F(RolloutTest, WithSurgeOnlyNoPodIsMissingEver) {
  start();
  api.create(web(4).surge(1).unavailable(0));
  run(20s);
  watch_promises();
  set_image("nginx:2");
  run(2min);
  expect_complete(4, "nginx:2");
  EXPECT_LE(most_active, 5);
  EXPECT_GE(least_available, 4);
}

TEST_F(RolloutTest, ABrokenImageIsReportedAndUndone) {
  start();
  api.create(web(4).surge(1).unavailable(1));
  run(20s);
  watch_promises();
  set_image("broken");
  run(60s);
  EXPECT_EQ(progressing(), "ReplicaSetUpdated");
  run(600s);
  EXPECT_EQ(progressing(), "ProgressDeadlineExceeded");
  EXPECT_GE(least_available, 3);
  set_image("nginx:1");
  run(60s);
  expect_complete(4, "nginx:1");
  EXPECT_GE(least_available, 3);
  EXPECT_EQ(revision(), "3");
  EXPECT_EQ(api.all<api::ReplicaSet>().size(), 2u) << "the old ReplicaSet is used again";
}

TEST_F(RolloutTest, ARolloutOnTopOfARollout) {
  start();
  api.create(web(6).surge(2).unavailable(1));
  run(20s);
  watch_promises();
  set_image("nginx:2");
  run(3s);
  set_image("nginx:3");
  run(2s);
  set_image("nginx:4");
  run(2min);
  expect_complete(6, "nginx:4");
  EXPECT_LE(most_active, 8);
  EXPECT_GE(least_available, 5);
}

TEST_F(RolloutTest, ScalingInTheMiddleOfARollout) {
  start();
  api.create(web(10));
  run(20s);
  set_image("nginx:2");
  run(3s);
  scale(20);
  run(2s);
  scale(6);
  run(2min);
  expect_complete(6, "nginx:2");
}

TEST_F(RolloutTest, PauseHoldsTheRolloutAndResumeContinuesIt) {
  start();
  api.create(web(3));
  run(20s);
  api.change(current(), [](api::Deployment& d) { d.mutable_spec()->set_paused(true); });
  set_image("nginx:2");
  run(30s);
  EXPECT_THAT(pods_by_image(), ElementsAre(std::pair("nginx:1", 3)));
  EXPECT_EQ(progressing(), "DeploymentPaused");
  api.change(current(), [](api::Deployment& d) { d.mutable_spec()->set_paused(false); });
  run(60s);
  expect_complete(3, "nginx:2");
}

TEST_F(RolloutTest, RecreateNeverMixesVersions) {
  start();
  api.create(web(4).strategy("Recreate"));
  run(20s);
  bool mixed = false;
  api.on_commit = [&](const api::ObjectPtr&, const api::ObjectPtr&) {
    std::set<std::string> images;
    for (const auto& pod : api.all<api::Pod>()) images.insert(pod->spec().containers(0).image());
    mixed = mixed || images.size() > 1;
  };
  set_image("nginx:2");
  run(60s);
  EXPECT_FALSE(mixed);
  expect_complete(4, "nginx:2");
}

TEST_F(RolloutTest, MinReadySecondsSlowItDown) {
  start();
  api.create(web(2).surge(1).unavailable(0).min_ready(20));
  run(60s);
  set_image("nginx:2");
  run(20s);
  EXPECT_EQ(pods_by_image()["nginx:1"], 2) << "the first new pod is ready but not yet available";
  run(90s);
  expect_complete(2, "nginx:2");
}

TEST_F(RolloutTest, HistoryIsLimited) {
  start();
  auto builder = web(1);
  builder.with([](api::Deployment& d) { d.mutable_spec()->set_revision_history_limit(2); });
  api.create(builder);
  run(10s);
  for (int i = 2; i <= 6; ++i) {
    set_image("nginx:" + std::to_string(i));
    run(30s);
  }
  expect_complete(1, "nginx:6");
  EXPECT_EQ(api.all<api::ReplicaSet>().size(), 3u);
  EXPECT_EQ(revision(), "6");
}

TEST_F(RolloutTest, MessagesAreLostAndNothingIsDoneTwice) {
  Rng rng(11);
  api.fate = [&](uint64_t, const api::Request&) {
    switch (rng.below(12)) {
      case 0: return Fate::lose_request;
      case 1: return Fate::lose_reply;
      case 2: return Fate::duplicate;
      case 3: return Fate::unavailable;
      default: return Fate::normal;
    }
  };
  start();
  api.create(web(10).surge(3).unavailable(2));
  run(2min);
  expect_complete(10, "nginx:1");
  watch_promises();
  for (int i = 2; i <= 5; ++i) {
    set_image("nginx:" + std::to_string(i));
    run(3min);
    expect_complete(10, "nginx:" + std::to_string(i));
  }
  EXPECT_LE(most_active, 13);
  EXPECT_GE(least_available, 8);
  EXPECT_LE(most_over, 0);
}

TEST_F(RolloutTest, LateWatchesDelayButDoNotConfuse) {
  start();
  api.create(web(10).surge(3).unavailable(2));
  run(20s);
  watch_promises();
  set_image("nginx:2");
  const std::vector<api::Kind> kinds{api::Kind::pods, api::Kind::replica_sets,
                                     api::Kind::deployments};
  for (int i = 0; i < 30; ++i) {
    api.held_kinds = {kinds[static_cast<std::size_t>(i) % 3],
                      kinds[static_cast<std::size_t>(i / 3) % 3]};
    run(3s);
    api.release();
    run(1s);
  }
  run(60s);
  expect_complete(10, "nginx:2");
  EXPECT_LE(most_active, 13);
  EXPECT_GE(least_available, 8);
  EXPECT_LE(most_over, 0);
}

#ifdef KEELSON_SEEDED_BUGS
TEST_F(RolloutTest, WithoutReadingItsOwnWritesItCreatesTooMany) {
  active_seeded_bug = SeededBug::no_read_own_writes;
  start();
  run(2s);
  api.held_kinds = {api::Kind::pods};
  api.create(web(5));
  run(10s);
  EXPECT_GT(most_over, 0) << "RS-2 must notice";
}
#endif

TEST_F(RolloutTest, AFailoverInTheMiddleChangesNothing) {
  start();
  api.create(web(10).surge(3).unavailable(2));
  run(20s);
  watch_promises();
  set_image("nginx:2");
  for (int i = 0; i < 10; ++i) {
    run(2s);
    manager.stop();
    run(1s);
    start();
  }
  run(60s);
  expect_complete(10, "nginx:2");
  EXPECT_LE(most_active, 13);
  EXPECT_GE(least_available, 8);
  EXPECT_LE(most_over, 0);
}

TEST_F(RolloutTest, LostPodsAreReplaced) {
  start();
  api.create(web(4));
  run(20s);
  const auto pods = api.all<api::Pod>();
  api.erase(pods[0].object().key());
  api.change(
      pods[1], [](api::Pod& p) { p.mutable_status()->set_phase("Failed"); }, true);
  run(20s);
  expect_complete(4, "nginx:1");
}

// Anything at any time: rollouts on rollouts, failovers, lost and doubled messages, late watches.
// The promises hold throughout, and when the trouble ends the last wish is fulfilled.
class RolloutSwarm : public RolloutTest, public ::testing::WithParamInterface<int> {
 protected:
  void trouble(Rng& rng) {
    api.fate = [&rng](uint64_t, const api::Request&) {
      switch (rng.below(15)) {
        case 0: return Fate::lose_request;
        case 1: return Fate::lose_reply;
        case 2: return Fate::duplicate;
        case 3: return Fate::unavailable;
        default: return Fate::normal;
      }
    };
    switch (rng.below(5)) {
      case 0: api.held_kinds = {api::Kind::pods}; break;
      case 1: api.held_kinds = {api::Kind::replica_sets}; break;
      case 2: api.held_kinds = {api::Kind::deployments}; break;
      case 3:
        manager.stop();
        start();
        break;
      default: break;
    }
    run(std::chrono::seconds(rng.between(0, 8)));
    api.release();
    run(std::chrono::seconds(rng.between(0, 3)));
  }
};

TEST_P(RolloutSwarm, KeepsItsPromises) {
  Rng rng(static_cast<uint64_t>(GetParam()));
  start();
  const auto surge = static_cast<int32_t>(rng.between(0, 3));
  const auto unavailable = static_cast<int32_t>(rng.between(surge == 0 ? 1 : 0, 3));
  api.create(web(8).surge(surge).unavailable(unavailable));
  run(20s);
  watch_promises();
  int image = 1;
  for (int i = 0; i < 25; ++i) {
    if (rng.chance(1, 3)) set_image("nginx:" + std::to_string(image = int(rng.between(1, 6))));
    trouble(rng);
  }
  api.fate = nullptr;
  run(4min);
  expect_complete(8, "nginx:" + std::to_string(image));
  EXPECT_LE(most_active, 8 + surge) << "DP-1";
  EXPECT_GE(least_available, 8 - unavailable) << "DP-3";
  EXPECT_LE(most_over, 0) << "RS-2";
}

TEST_P(RolloutSwarm, ConvergesWhateverTheUserDoes) {
  Rng rng(static_cast<uint64_t>(GetParam()) + 1000);
  start();
  api.create(web(5).strategy(rng.chance(1, 4) ? "Recreate" : "RollingUpdate"));
  int image = 1, replicas = 5;
  for (int i = 0; i < 25; ++i) {
    switch (rng.below(5)) {
      case 0: set_image("nginx:" + std::to_string(image = int(rng.between(1, 6)))); break;
      case 1: scale(replicas = static_cast<int32_t>(rng.between(0, 12))); break;
      case 2:
        api.change(current(),
                   [&](api::Deployment& d) { d.mutable_spec()->set_paused(!d.spec().paused()); });
        break;
      case 3: {
        const auto pods = api.all<api::Pod>();
        if (!pods.empty()) api.erase(pods[rng.below(pods.size())].object().key());
        break;
      }
      default: break;
    }
    trouble(rng);
  }
  api.fate = nullptr;
  if (replicas == 0) scale(replicas = 1);
  api.change(current(), [](api::Deployment& d) { d.mutable_spec()->set_paused(false); });
  run(4min);
  expect_complete(replicas, "nginx:" + std::to_string(image));
  EXPECT_LE(most_over, 0) << "RS-2";
}

INSTANTIATE_TEST_SUITE_P(Seeds, RolloutSwarm, ::testing::Range(1, 13));

// GL-1: when nothing happens, nothing is written.
TEST_F(RolloutTest, IsQuietWhenAllIsWell) {
  start();
  api.create(web(4));
  run(30s);
  const std::size_t before = api.calls.size();
  run(10min);
  EXPECT_EQ(api.calls.size(), before);
}

TEST_F(RolloutTest, DeletionTakesTheDependentsAlong) {
  for (const api::Propagation policy :
       {api::Propagation::background, api::Propagation::foreground}) {
    start();
    api.create(web(3));
    run(20s);
    api::Request request = api::remove(current().object());
    request.propagation = policy;
    std::vector<std::string> order;
    api.on_commit = [&](const api::ObjectPtr&, const api::ObjectPtr&) {
      if (!api.find(api::Kind::deployments, "web") && !api.all<api::Pod>().empty()) {
        order.push_back("owner before pods");
      }
    };
    ASSERT_TRUE(api.apply(request).ok());
    run(60s);
    EXPECT_EQ(order.empty(), policy == api::Propagation::foreground);
    EXPECT_THAT(api.all<api::Deployment>(), IsEmpty());
    EXPECT_THAT(api.all<api::ReplicaSet>(), IsEmpty());
    EXPECT_THAT(api.all<api::Pod>(), IsEmpty());
    api.on_commit = nullptr;
  }
}

TEST_F(RolloutTest, OrphansStayAndAreAdoptedByASuccessor) {
  start();
  api.create(web(3));
  run(20s);
  std::set<std::string> before;
  for (const auto& pod : api.all<api::Pod>()) before.insert(pod.uid());
  api::Request request = api::remove(current().object());
  request.propagation = api::Propagation::orphan;
  ASSERT_TRUE(api.apply(request).ok());
  run(30s);
  EXPECT_THAT(api.all<api::Deployment>(), IsEmpty());
  ASSERT_EQ(api.all<api::ReplicaSet>().size(), 1u);
  EXPECT_EQ(api.all<api::ReplicaSet>()[0]->metadata().owner_references_size(), 0);
  api.create(web(3));
  run(30s);
  expect_complete(3, "nginx:1");
  std::set<std::string> after;
  for (const auto& pod : api.all<api::Pod>()) after.insert(pod.uid());
  EXPECT_EQ(before, after) << "not one pod was restarted";
}

TEST_F(RolloutTest, ANamespaceGoesWithAllThatIsInIt) {
  start();
  api.create(name_space("team"));
  auto builder = web(3);
  builder.ns("team");
  api.create(builder);
  auto map = config_map("c");
  map.ns("team");
  api.create(map);
  run(20s);
  EXPECT_EQ(api.all<api::Pod>("team").size(), 3u);
  EXPECT_FALSE(api.all<api::Event>("team").empty());
  ASSERT_TRUE(api.apply(api::remove(*api.find(api::Kind::namespaces, "team"))).ok());
  run(60s);
  EXPECT_FALSE(api.find(api::Kind::namespaces, "team"));
  EXPECT_THAT(api.all<api::Pod>("team"), IsEmpty());
  EXPECT_THAT(api.all<api::ReplicaSet>("team"), IsEmpty());
  EXPECT_THAT(api.all<api::ConfigMap>("team"), IsEmpty());
  EXPECT_THAT(api.all<api::ServiceAccount>("team"), IsEmpty());
  EXPECT_THAT(api.all<api::Event>("team"), IsEmpty());
}

TEST_F(RolloutTest, ADisruptionBudgetFollowsThePods) {
  start();
  api.create(web(4));
  auto limit = budget("web");
  limit.selects("app", "web").max_unavailable(1);
  api.create(limit);
  run(20s);
  const auto allowed = [&] {
    return api.all<api::PodDisruptionBudget>()[0]->status().disruptions_allowed();
  };
  EXPECT_EQ(allowed(), 1);
  api.erase(api.all<api::Pod>()[0].object().key());
  loop.run_for(500ms);
  EXPECT_EQ(allowed(), 0);
  run(20s);
  EXPECT_EQ(allowed(), 1);
}

}  // namespace
}  // namespace keelson::controllers
