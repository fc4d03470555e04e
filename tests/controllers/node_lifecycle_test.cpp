#include "core/controllers/node_lifecycle.hpp"

#include <gtest/gtest.h>

#include "core/base/seeded_bug.hpp"
#include "tests/controllers/node_world.hpp"

namespace keelson::controllers {
namespace {

using test::net::NodeWorld;
using test::net::toleration;

constexpr Duration kNever = Duration::max();

bool web_ready(NodeWorld& world) {
  const api::ObjectPtr pod = world.find_pod("web");
  return pod && pod_ready(pod->as<api::Pod>());
}

// --- A node that dies ----------------------------------------------------------------------------

TEST(NodeLifecycle, replaces_the_pods_of_a_dead_node_quickly) {
  NodeWorld world;
  world.add_nodes(6);
  world.add_pod("web", "n1");
  world.start_controller();
  world.run(30s);
  EXPECT_EQ(world.writes(), 0) << "a healthy cluster costs no write";
  world.crash("n1");
  const Duration took = world.until([&] { return !world.find_pod("web"); }, 60s);
  EXPECT_LE(took, 11s);
  EXPECT_GE(took, 4s);
  const api::Node& node = world.node_state("n1");
  EXPECT_EQ(readiness_of(node), Readiness::unknown);
  EXPECT_EQ(find_condition(node, "Ready")->reason(), "NodeStatusUnknown");
  EXPECT_NE(find_condition(node, "Ready")->message().find("3 of 3 witnesses"), std::string::npos);
  EXPECT_TRUE(has_taint(node, kTaintOutOfService, "NoExecute"));
  EXPECT_TRUE(has_taint(node, kTaintUnreachable, "NoSchedule"));
  EXPECT_EQ(world.controller->verdict("n1"), NodeVerdict::dead);
  EXPECT_EQ(world.controller->stats().declared_dead, 1u);
  EXPECT_EQ(world.controller->stats().pods_evicted, 1u);
  for (const api::Request& request : world.api.requests()) {
    if (request.verb != api::Verb::remove) continue;
    EXPECT_EQ(request.expected.uid, "uid-of-web");
    EXPECT_FALSE(request.grace_period_seconds) << "never forced while the Node exists";
  }
  world.run(60s);
  const int settled = world.writes();
  world.run(600s);
  EXPECT_EQ(world.writes(), settled) << "nothing is left to say about a dead node";
  EXPECT_TRUE(world.api.history()
                  .find({api::Kind::config_maps, "kube-system", "keelson-witnesses"})
                  ->as<api::ConfigMap>()
                  .data()
                  .empty());
}

TEST(NodeLifecycle, respects_pods_that_tolerate_everything) {
  NodeWorld world;
  world.add_nodes(5);
  api::Pod daemon = test::net::pod("daemon", "n1");
  daemon.mutable_spec()->clear_tolerations();
  *daemon.mutable_spec()->add_tolerations() = toleration("");
  world.api.put(api::make_object(std::move(daemon)));
  world.start_controller();
  world.run(10s);
  world.crash("n1");
  world.run(600s);
  ASSERT_TRUE(world.find_pod("daemon"));
  EXPECT_FALSE(pod_ready(world.find_pod("daemon")->as<api::Pod>())) << "but it is not ready";
}

TEST(NodeLifecycle, takes_everything_back_when_the_node_returns) {
  NodeWorld world;
  world.add_nodes(5);
  world.start_controller();
  world.run(10s);
  world.crash("n1");
  ASSERT_NE(world.until([&] { return world.tainted("n1", kTaintOutOfService, "NoExecute"); }, 30s),
            kNever);
  world.run(60s);
  EXPECT_TRUE(world.tainted("n1", kTaintUnreachable, "NoExecute")) << "after the usual 40 s";
  world.hosts.at("n1").kernel_up = true;
  ASSERT_NE(world.until([&] { return world.node_state("n1").spec().taints_size() == 0; }, 10s),
            kNever);
  const auto& annotations = world.node_state("n1").metadata().annotations();
  EXPECT_FALSE(annotations.contains(std::string(kDeclaredDead)));
  EXPECT_EQ(world.controller->verdict("n1"), NodeVerdict::alive);
}

TEST(NodeLifecycle, leaves_an_operators_out_of_service_taint_alone) {
  NodeWorld world;
  world.add_nodes(3);
  api::Node node = world.node_state("n1");
  api::Taint* taint = node.mutable_spec()->add_taints();
  taint->set_key(std::string(kTaintOutOfService));
  taint->set_value("nodeshutdown");
  taint->set_effect("NoExecute");
  world.api.put(api::make_object(std::move(node)));
  world.add_pod("web", "n1");
  world.start_controller();
  world.run(30s);
  EXPECT_TRUE(world.tainted("n1", kTaintOutOfService, "NoExecute"));
  EXPECT_FALSE(world.find_pod("web")) << "it does what an operator means it to do";
}

// --- A node that only hiccups --------------------------------------------------------------------

TEST(NodeLifecycle, evicts_nothing_when_an_agent_pauses) {
  NodeWorld world;
  world.add_nodes(6);
  world.add_pod("web", "n1");
  world.start_controller();
  world.run(10s);
  world.hosts.at("n1").agent_up = false;
  world.run(25s);
  EXPECT_EQ(world.controller->verdict("n1"), NodeVerdict::suspect);
  EXPECT_EQ(readiness_of(world.node_state("n1")), Readiness::yes);
  EXPECT_EQ(world.node_state("n1").spec().taints_size(), 0);
  world.hosts.at("n1").agent_up = true;
  world.run(400s);
  EXPECT_TRUE(world.find_pod("web"));
  EXPECT_EQ(world.pods_deleted(), 0);
  EXPECT_EQ(world.controller->stats().declared_dead, 0u);
  EXPECT_EQ(world.controller->stats().hiccups, 1u);
}

TEST(NodeLifecycle, treats_a_cut_from_the_api_as_kubernetes_does) {
  NodeWorld world;
  world.add_nodes(6);
  world.add_pod("web", "n1");
  world.start_controller();
  world.run(10s);
  world.hosts.at("n1").api_reachable = false;
  const Duration unknown =
      world.until([&] { return readiness_of(world.node_state("n1")) == Readiness::unknown; }, 90s);
  EXPECT_GE(unknown, 36s);
  EXPECT_LE(unknown, 43s);
  EXPECT_EQ(find_condition(world.node_state("n1"), "Ready")->message(), kStoppedPosting);
  world.run(2s);
  EXPECT_TRUE(world.tainted("n1", kTaintUnreachable, "NoExecute"));
  EXPECT_FALSE(world.tainted("n1", kTaintOutOfService, "NoExecute"));
  EXPECT_FALSE(web_ready(world));
  world.run(290s);
  EXPECT_TRUE(world.find_pod("web"));
  world.run(15s);
  EXPECT_FALSE(world.find_pod("web"));
}

TEST(NodeLifecycle, notices_when_a_hiccup_turns_into_death) {
  NodeWorld world;
  world.add_nodes(6);
  world.add_pod("web", "n1");
  world.start_controller();
  world.run(10s);
  world.hosts.at("n1").agent_up = false;
  world.run(15s);
  EXPECT_TRUE(world.find_pod("web"));
  world.crash("n1");
  EXPECT_LE(world.until([&] { return !world.find_pod("web"); }, 60s), 25s);
}

TEST(NodeLifecycle, waits_when_witnesses_do_not_answer) {
  NodeWorld world;
  world.add_nodes(2);
  world.add_pod("web", "n1");
  world.start_controller();
  world.run(10s);
  world.crash("n1");
  world.run(60s);
  EXPECT_TRUE(world.find_pod("web")) << "one witness is not enough";
  EXPECT_EQ(world.controller->stats().declared_dead, 0u);
  EXPECT_TRUE(world.tainted("n1", kTaintUnreachable, "NoExecute"));
}

// --- Trouble of the controller's own -------------------------------------------------------------

TEST(NodeLifecycle, survives_an_api_outage_without_blaming_nodes) {
  for (const NodeTiming& timing : {keelson_timing(), kubernetes_timing()}) {
    NodeWorld world(timing);
    world.add_nodes(6);
    world.add_pod("web", "n1");
    world.start_controller();
    world.run(30s);
    world.api.down = true;
    world.run(360s);
    world.api.down = false;
    world.run(600s);
    EXPECT_EQ(world.no_execute_taints(), 0) << timing.name;
    EXPECT_EQ(world.controller->stats().marked_unknown, 0u) << timing.name;
    EXPECT_GE(world.controller->stats().blackouts, 1u) << timing.name;
    EXPECT_TRUE(world.find_pod("web")) << timing.name;
  }
}

TEST(NodeLifecycle, is_not_misled_by_a_stalled_watch_or_wrong_clocks) {
  NodeWorld world;
  world.node_clock_offset = -1h;
  world.add_nodes(5);
  world.start_controller();
  world.run(30s);
  world.api.stalled = true;
  world.loop.wall_offset = 24h;
  world.run(200s);
  EXPECT_EQ(world.controller->stats().suspicions, 0u);
  EXPECT_EQ(world.writes(), 0);
}

TEST(NodeLifecycle, sees_through_lost_polls) {
  NodeWorld world;
  world.add_nodes(6);
  world.add_pod("web", "n1");
  world.start_controller();
  world.run(10s);
  world.crash("n1");
  for (int i = 0; i < 40; ++i) {
    world.api.refuse = i % 2;
    world.run(500ms);
  }
  EXPECT_FALSE(world.find_pod("web"));
  EXPECT_EQ(world.controller->stats().declared_dead, 1u);
}

// NL-7, kubernetes#50067: a controller that crashes between its writes leaves the rest to the next.
TEST(NodeLifecycle, finishes_what_a_predecessor_began) {
  NodeWorld world;
  world.add_nodes(5);
  world.add_pod("web", "n1");
  world.crash("n1");
  api::Node node = world.node_state("n1");
  world.api.put(api::make_object(
      *with_conditions_unknown(node, world.loop.wall_now(), std::string(kStoppedPosting))));
  world.start_controller();
  world.run(2s);
  EXPECT_FALSE(web_ready(world));
  EXPECT_TRUE(world.tainted("n1", kTaintUnreachable, "NoSchedule"));
}

TEST(NodeLifecycle, repeats_a_write_whose_answer_was_lost) {
  NodeWorld world;
  world.add_nodes(5);
  world.add_pod("web", "n1");
  world.start_controller();
  world.run(10s);
  world.crash("n1");
  for (int i = 0; i < 60; ++i) {
    (i % 2 ? world.api.lose_replies : world.api.lose_requests) = 1;
    world.run(500ms);
  }
  world.run(30s);
  EXPECT_FALSE(world.find_pod("web"));
  EXPECT_TRUE(world.tainted("n1", kTaintOutOfService, "NoExecute"));
}

TEST(NodeLifecycle, stops_when_it_is_fenced_or_no_longer_leads) {
  NodeWorld world;
  world.add_nodes(5);
  world.add_pod("web", "n1");
  world.start_controller({"kube-system/controller-manager", 0});
  world.run(10s);
  world.crash("n1");
  world.run(60s);
  EXPECT_FALSE(world.controller->running());
  EXPECT_TRUE(world.find_pod("web"));
  EXPECT_EQ(world.no_execute_taints(), 0);

  bool leading = true;
  world.start_controller({}, [&] { return leading; });
  world.run(10s);
  EXPECT_TRUE(world.controller->running());
  leading = false;
  const auto before = world.api.requests().size();
  world.controller->stop();
  world.run(60s);
  int own = 0;
  for (std::size_t i = before; i < world.api.requests().size(); ++i) {
    own += world.api.requests()[i].verb != api::Verb::renew;
  }
  EXPECT_EQ(own, 0);
}

// --- Many nodes at once --------------------------------------------------------------------------

TEST(NodeLifecycle, evacuates_a_zone_that_dies) {
  NodeWorld world;
  for (const char* zone : {"a", "b", "c"}) world.add_nodes(10, zone, zone);
  for (int i = 0; i < 10; ++i) world.add_pod("p" + std::to_string(i), "a" + std::to_string(i));
  world.start_controller();
  world.run(20s);
  for (int i = 0; i < 10; ++i) world.crash("a" + std::to_string(i));
  EXPECT_LE(world.until([&] { return world.pods_deleted() == 10; }, 120s), 16s);
  EXPECT_FALSE(world.controller->full_disruption());
}

TEST(NodeLifecycle, believes_only_other_zones_when_most_of_a_zone_is_silent) {
  NodeWorld world;  // a single zone: there are no others
  world.add_nodes(10);
  for (int i = 0; i < 7; ++i) world.add_pod("p" + std::to_string(i), "n" + std::to_string(i));
  world.start_controller();
  world.run(20s);
  for (int i = 0; i < 7; ++i) world.crash("n" + std::to_string(i));
  world.run(200s);
  EXPECT_EQ(world.pods_deleted(), 0);
  EXPECT_EQ(world.no_execute_taints(), 0) << "a small zone with 55 % gone is left alone";
}

TEST(NodeLifecycle, does_nothing_when_all_zones_are_silent) {
  for (const NodeTiming& timing : {keelson_timing(), kubernetes_timing()}) {
    NodeWorld world(timing);
    for (const char* zone : {"a", "b"}) world.add_nodes(4, zone, zone);
    world.add_pod("web", "a1");
    world.start_controller();
    world.run(20s);
    for (auto& [name, host] : world.hosts) host.api_reachable = false;
    world.run(100s);
    EXPECT_TRUE(world.controller->full_disruption()) << timing.name;
    EXPECT_EQ(world.no_execute_taints(), 0) << timing.name;
    world.run(400s);
    EXPECT_TRUE(world.find_pod("web")) << timing.name;
    for (auto& [name, host] : world.hosts) host.api_reachable = true;
    world.run(60s);
    EXPECT_FALSE(world.controller->full_disruption()) << timing.name;
    EXPECT_EQ(world.no_execute_taints(), 0) << timing.name;
    EXPECT_EQ(world.pods_deleted(), 0) << timing.name;
  }
}

TEST(NodeLifecycle, takes_taints_away_when_the_last_zone_goes_silent) {
  NodeWorld world(kubernetes_timing());
  world.add_nodes(3, "a", "a");
  world.add_nodes(3, "b", "b");
  world.start_controller();
  world.run(30s);
  for (const char* name : {"a0", "a1", "a2"}) world.hosts.at(name).api_reachable = false;
  world.run(70s);
  EXPECT_GE(world.no_execute_taints(), 2) << "one whole zone is evicted from at the normal pace";
  for (const char* name : {"b0", "b1", "b2"}) world.hosts.at(name).api_reachable = false;
  world.run(70s);
  EXPECT_EQ(world.no_execute_taints(), 0);
}

#ifdef KEELSON_SEEDED_BUGS
TEST(NodeLifecycle, evicts_everything_with_the_seeded_bug_mass_evict) {
  active_seeded_bug = SeededBug::mass_evict;
  NodeWorld world(kubernetes_timing());
  for (const char* zone : {"a", "b"}) world.add_nodes(2, zone, zone);
  world.add_pod("web", "a1");
  world.start_controller();
  world.run(20s);
  for (auto& [name, host] : world.hosts) host.api_reachable = false;
  world.run(400s);
  EXPECT_FALSE(world.find_pod("web"));
  active_seeded_bug = SeededBug::none;
}
#endif

// --- The kubernetes profile ----------------------------------------------------------------------

TEST(NodeLifecycle, keeps_kubernetes_times_in_its_profile) {
  NodeWorld world(kubernetes_timing());
  world.add_nodes(5);
  world.add_pod("web", "n1");
  world.start_controller();
  world.run(30s);
  world.crash("n1");
  const Duration unknown =
      world.until([&] { return readiness_of(world.node_state("n1")) == Readiness::unknown; }, 90s);
  EXPECT_GE(unknown, 30s);
  EXPECT_LE(unknown, 45s);
  const Duration evicted = world.until([&] { return !world.find_pod("web"); }, 400s);
  EXPECT_GE(evicted, 300s);
  EXPECT_LE(evicted, 302s);
  EXPECT_FALSE(world.api.history().find(
      {api::Kind::config_maps, "kube-system", "keelson-witnesses"}))
      << "nobody is asked";
}

TEST(NodeLifecycle, taints_one_node_per_ten_seconds_and_zone) {
  NodeWorld world(kubernetes_timing());
  world.add_nodes(20);
  world.start_controller();
  world.run(30s);
  for (int i = 0; i < 4; ++i) world.crash("n" + std::to_string(i));
  ASSERT_NE(world.until([&] { return world.no_execute_taints() == 1; }, 60s), kNever);
  int before = 1;
  for (int i = 0; i < 3; ++i) {
    const Duration took =
        world.until([&] { return world.no_execute_taints() == before + 1; }, 30s);
    EXPECT_GE(took, 9s);
    EXPECT_LE(took, 11s);
    ++before;
  }
}

TEST(NodeLifecycle, cancels_evictions_when_the_node_returns_in_time) {
  NodeWorld world(kubernetes_timing());
  world.add_nodes(5);
  world.add_pod("web", "n1");
  world.start_controller();
  world.run(30s);
  world.hosts.at("n1").agent_up = false;
  world.run(200s);
  EXPECT_TRUE(world.tainted("n1", kTaintUnreachable, "NoExecute"));
  world.hosts.at("n1").agent_up = true;
  world.run(400s);
  EXPECT_TRUE(world.find_pod("web"));
  EXPECT_EQ(world.pods_deleted(), 0);
  EXPECT_TRUE(world.recorded("TaintManagerEviction", "Cancelling deletion of Pod default/web"));
}

TEST(NodeLifecycle, tells_which_nodes_come_and_go) {
  NodeWorld world;
  world.add_nodes(3);
  world.start_controller();
  world.run(30s);
  EXPECT_FALSE(world.recorded("RegisteredNode", "Node n0 event: Registered Node n0 in Controller"))
      << "it was there before";
  world.add_node("late");
  world.run(5s);
  EXPECT_TRUE(
      world.recorded("RegisteredNode", "Node late event: Registered Node late in Controller"));
  world.hosts.erase("late");
  world.api.erase({api::Kind::nodes, {}, "late"});
  world.run(5s);
  EXPECT_TRUE(
      world.recorded("RemovingNode", "Node late event: Removing Node late from Controller"));
}

// kubernetes#119862: the cache still shows a taint that is gone; the live read does not.
TEST(NodeLifecycle, rereads_the_node_before_it_evicts) {
  NodeWorld world;
  world.add_nodes(3);
  api::Node node = world.node_state("n1");
  api::Taint* taint = node.mutable_spec()->add_taints();
  taint->set_key("maintenance");
  taint->set_effect("NoExecute");
  world.api.put(api::make_object(node));
  api::Pod pod = test::net::pod("web", "n1");
  *pod.mutable_spec()->add_tolerations() = toleration("maintenance", 20);
  world.api.put(api::make_object(std::move(pod)));
  world.start_controller();
  world.run(5s);
  world.api.stalled = true;
  node.mutable_spec()->clear_taints();
  world.api.put(api::make_object(node));
  world.run(30s);
  EXPECT_TRUE(world.find_pod("web"));
  EXPECT_EQ(world.pods_deleted(), 0);
}

}  // namespace
}  // namespace keelson::controllers
