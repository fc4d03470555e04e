#include "core/controllers/node_health.hpp"

#include <gtest/gtest.h>

#include <set>

#include "core/base/seeded_bug.hpp"
#include "core/controllers/observed_clock.hpp"
#include "core/controllers/suspicion.hpp"
#include "tests/controllers/net_builders.hpp"

namespace keelson::controllers {
namespace {

constexpr WallTime kWall{1'700'000'000'000'000'000};
const Instant kStart{std::chrono::seconds(1000)};

api::Beat beat(uint64_t seq, WallTime renewed = kWall) { return {"n", seq, renewed, {}}; }

LifeSigns seen(Duration at) {
  LifeSigns signs;
  signs.first_seen = at;
  signs.beat(beat(1), at);
  signs.has_status = true;
  return signs;
}

// --- Silence -------------------------------------------------------------------------------------

TEST(ObservedClock, runs_with_the_looks_and_ignores_gaps) {
  ObservedClock clock(2s, 10s);
  EXPECT_FALSE(clock.look(kStart));
  EXPECT_EQ(clock.now(), 0s);
  EXPECT_FALSE(clock.look(kStart + 1s));
  EXPECT_EQ(clock.now(), 1s);
  EXPECT_FALSE(clock.look(kStart + 6s)) << "a gap, but no blackout";
  EXPECT_EQ(clock.now(), 3s) << "of the five seconds only two count";
  EXPECT_FALSE(clock.look(kStart + 5s)) << "an answer out of order changes nothing";
  EXPECT_EQ(clock.now(), 3s);
  EXPECT_TRUE(clock.look(kStart + 16s)) << "after ten seconds what was known is worthless";
  EXPECT_EQ(clock.now(), 5s);
}

TEST(LifeSigns, only_changes_count) {
  LifeSigns signs = seen(10s);
  EXPECT_FALSE(signs.beat(beat(1, kWall + 1h), 20s)) << "the same beat again, with another clock";
  EXPECT_EQ(signs.changed_at, 10s);
  EXPECT_TRUE(signs.beat(beat(2), 20s));
  EXPECT_EQ(signs.changed_at, 20s);
  EXPECT_TRUE(signs.beat(beat(1), 30s)) << "an agent that restarted counts from the beginning";
  EXPECT_EQ(signs.changed_at, 30s);
}

TEST(LifeSigns, a_posted_status_is_one_but_the_controllers_own_is_not) {
  LifeSigns signs = seen(0s);
  api::Node node = test::net::node("n");
  EXPECT_TRUE(signs.status(node, 5s));
  EXPECT_FALSE(signs.status(node, 6s));
  test::net::set_condition(node, "Ready", "True", 77);
  EXPECT_TRUE(signs.status(node, 7s));
  test::net::set_condition(node, "Ready", "Unknown", 78);
  EXPECT_FALSE(signs.status(node, 8s));
  EXPECT_EQ(signs.changed_at, 7s);
}

TEST(Judge, goes_from_alive_to_suspect_to_unknown_by_silence) {
  const NodeTiming timing = keelson_timing();
  const LifeSigns signs = seen(100s);
  EXPECT_EQ(judge(signs, false, timing, 106s, kWall), NodeVerdict::alive);
  EXPECT_EQ(judge(signs, false, timing, 107s, kWall), NodeVerdict::suspect);
  EXPECT_EQ(judge(signs, false, timing, 139s, kWall), NodeVerdict::suspect);
  EXPECT_EQ(judge(signs, false, timing, 140s, kWall), NodeVerdict::unknown);
  EXPECT_EQ(judge(signs, true, timing, 110s, kWall), NodeVerdict::dead);
}

TEST(Judge, has_no_suspicion_in_the_kubernetes_profile) {
  const NodeTiming timing = kubernetes_timing();
  EXPECT_EQ(judge(seen(0s), false, timing, 39s, kWall), NodeVerdict::alive);
  EXPECT_EQ(judge(seen(0s), false, timing, 40s, kWall), NodeVerdict::unknown);
}

TEST(Judge, gives_a_node_without_status_its_start_up_time) {
  LifeSigns signs = seen(0s);
  signs.has_status = false;
  EXPECT_EQ(judge(signs, false, keelson_timing(), 59s, kWall), NodeVerdict::alive);
  EXPECT_EQ(judge(signs, false, keelson_timing(), 60s, kWall), NodeVerdict::unknown);
}

TEST(Judge, never_looks_at_the_clock_of_the_node) {
  LifeSigns signs;
  signs.has_status = true;
  signs.beat(beat(1, WallTime{kWall.unix_ns - 3'600'000'000'000}), 0s);
  EXPECT_EQ(judge(signs, false, kubernetes_timing(), 1s, kWall), NodeVerdict::alive);
#ifdef KEELSON_SEEDED_BUGS
  active_seeded_bug = SeededBug::lease_wallclock;
  EXPECT_EQ(judge(signs, false, kubernetes_timing(), 1s, kWall), NodeVerdict::unknown);
  active_seeded_bug = SeededBug::none;
#endif
}

// --- Conditions ----------------------------------------------------------------------------------

TEST(Conditions, all_become_unknown_and_stay_so) {
  const auto changed = with_conditions_unknown(test::net::node("n"), kWall,
                                               std::string(kStoppedPosting));
  ASSERT_TRUE(changed);
  for (const char* type : {"Ready", "MemoryPressure", "DiskPressure", "PIDPressure"}) {
    const api::NodeCondition* condition = find_condition(*changed, type);
    ASSERT_TRUE(condition) << type;
    EXPECT_EQ(condition->status(), "Unknown") << type;
    EXPECT_EQ(condition->reason(), "NodeStatusUnknown") << type;
    EXPECT_EQ(condition->message(), "Kubelet stopped posting node status.") << type;
    EXPECT_EQ(condition->last_transition_time().seconds(), 1'700'000'000) << type;
    EXPECT_EQ(condition->last_heartbeat_time().seconds(), 1) << type;
  }
  EXPECT_FALSE(with_conditions_unknown(*changed, kWall, "again"));
}

TEST(Conditions, of_a_node_that_never_posted_say_so) {
  const auto changed = with_conditions_unknown(test::net::node("n", "", ""), kWall, "unused");
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->status().conditions_size(), 4);
  EXPECT_EQ(find_condition(*changed, "Ready")->reason(), "NodeStatusNeverUpdated");
  EXPECT_EQ(find_condition(*changed, "Ready")->message(), "Kubelet never posted node status.");
}

TEST(PodReady, is_taken_back_once) {
  const auto changed = with_pod_not_ready(test::net::pod("p", "n"), kWall);
  ASSERT_TRUE(changed);
  EXPECT_FALSE(pod_ready(*changed));
  EXPECT_FALSE(with_pod_not_ready(*changed, kWall));
}

// --- Taints --------------------------------------------------------------------------------------

using Execute = TaintGoal::Execute;
using OutOfService = TaintGoal::OutOfService;

TEST(Taints, no_schedule_follows_the_conditions) {
  EXPECT_FALSE(with_taints(test::net::node("n"), {}, kWall));

  api::Node node = test::net::node("n", "", "Unknown");
  node.mutable_spec()->set_unschedulable(true);
  test::net::set_condition(node, "MemoryPressure", "True");
  auto changed = with_taints(node, {}, kWall);
  ASSERT_TRUE(changed);
  EXPECT_TRUE(has_taint(*changed, kTaintUnreachable, "NoSchedule"));
  EXPECT_TRUE(has_taint(*changed, "node.kubernetes.io/memory-pressure", "NoSchedule"));
  EXPECT_TRUE(has_taint(*changed, "node.kubernetes.io/unschedulable", "NoSchedule"));
  EXPECT_EQ(changed->spec().taints_size(), 3) << "NoExecute only when it is asked for";
  EXPECT_FALSE(with_taints(*changed, {}, kWall));

  test::net::set_condition(*changed, "Ready", "False");
  changed = with_taints(*changed, {}, kWall);
  ASSERT_TRUE(changed);
  EXPECT_TRUE(has_taint(*changed, kTaintNotReady, "NoSchedule"));
  EXPECT_FALSE(has_taint(*changed, kTaintUnreachable, "NoSchedule"));
}

TEST(Taints, no_execute_swaps_with_readiness_and_is_cleared) {
  auto node = with_taints(test::net::node("n", "", "False"), {Execute::set}, kWall);
  ASSERT_TRUE(node);
  EXPECT_TRUE(has_taint(*node, kTaintNotReady, "NoExecute"));
  EXPECT_EQ(node->spec().taints(1).time_added().seconds(), 1'700'000'000);
  test::net::set_condition(*node, "Ready", "Unknown");
  node = with_taints(*node, {Execute::set}, kWall);
  ASSERT_TRUE(node);
  EXPECT_FALSE(has_taint(*node, kTaintNotReady, "NoExecute"));
  EXPECT_TRUE(has_taint(*node, kTaintUnreachable, "NoExecute"));
  test::net::set_condition(*node, "Ready", "True");
  node = with_taints(*node, {Execute::clear}, kWall);
  ASSERT_TRUE(node);
  EXPECT_EQ(node->spec().taints_size(), 0);
}

TEST(Taints, others_are_left_alone) {
  api::Node node = test::net::node("n", "", "False");
  api::Taint* taint = node.mutable_spec()->add_taints();
  taint->set_key("dedicated");
  taint->set_effect("NoExecute");
  auto changed = with_taints(node, {Execute::set}, kWall);
  ASSERT_TRUE(changed);
  test::net::set_condition(*changed, "Ready", "True");
  changed = with_taints(*changed, {Execute::clear, OutOfService::clear}, kWall);
  ASSERT_TRUE(changed);
  ASSERT_EQ(changed->spec().taints_size(), 1);
  EXPECT_EQ(changed->spec().taints(0).key(), "dedicated");
}

TEST(Taints, out_of_service_is_recognised_as_own) {
  auto dead = with_taints(test::net::node("n", "", "Unknown"),
                          {Execute::keep, OutOfService::set, "7 a b c"}, kWall);
  ASSERT_TRUE(dead);
  EXPECT_TRUE(has_taint(*dead, kTaintOutOfService, "NoExecute"));
  EXPECT_TRUE(declared_dead(*dead));
  const auto back = with_taints(*dead, {Execute::keep, OutOfService::clear}, kWall);
  ASSERT_TRUE(back);
  EXPECT_FALSE(has_taint(*back, kTaintOutOfService, "NoExecute"));
  EXPECT_FALSE(back->metadata().annotations().contains(std::string(kDeclaredDead)));

  api::Node by_hand = test::net::node("n");
  api::Taint* taint = by_hand.mutable_spec()->add_taints();
  taint->set_key(std::string(kTaintOutOfService));
  taint->set_value("nodeshutdown");
  taint->set_effect("NoExecute");
  EXPECT_FALSE(declared_dead(by_hand));
}

// --- Witnesses -----------------------------------------------------------------------------------

WitnessPool three_zones() {
  WitnessPool pool;
  for (const char* zone : {"a", "b", "c"}) {
    for (int i = 0; i < 4; ++i) pool.add(zone, std::string(zone) + std::to_string(i));
  }
  return pool;
}

TEST(WitnessPool, spreads_over_zones_others_first) {
  const auto chosen = three_zones().choose("x", "a", 1, 3, false);
  ASSERT_EQ(chosen.size(), 3u);
  EXPECT_TRUE(chosen[0].foreign);
  EXPECT_TRUE(chosen[1].foreign);
  EXPECT_NE(chosen[0].node[0], chosen[1].node[0]);
  EXPECT_EQ(chosen[2].node[0], 'a');
  EXPECT_FALSE(chosen[2].foreign);
}

TEST(WitnessPool, can_be_confined_to_other_zones) {
  const auto chosen = three_zones().choose("x", "a", 1, 3, true);
  ASSERT_EQ(chosen.size(), 3u);
  for (const Witness& witness : chosen) EXPECT_NE(witness.node[0], 'a');
  WitnessPool single;
  single.add("", "n1");
  EXPECT_TRUE(single.choose("x", "", 1, 3, true).empty());
}

TEST(WitnessPool, repeats_its_choice_and_varies_it_by_round_and_suspect) {
  const WitnessPool pool = three_zones();
  const auto names = [&](const char* suspect, uint64_t round) {
    std::string text;
    for (const Witness& w : pool.choose(suspect, "a", round, 3, false)) text += w.node + " ";
    return text;
  };
  EXPECT_EQ(names("x", 1), names("x", 1));
  std::set<std::string> different;
  for (uint64_t round = 1; round <= 20; ++round) different.insert(names("x", round));
  EXPECT_GT(different.size(), 5u);
}

TEST(WitnessPool, gives_what_there_is_without_repeating) {
  WitnessPool pool;
  pool.add("a", "a0");
  pool.add("b", "b0");
  const auto chosen = pool.choose("x", "a", 1, 3, false);
  ASSERT_EQ(chosen.size(), 2u);
  EXPECT_NE(chosen[0].node, chosen[1].node);
}

class Weighing : public testing::Test {
 protected:
  Weighing() {
    inquiry.phase = Inquiry::Phase::asking;
    inquiry.round = 9;
    inquiry.asked_at = 100s;
    inquiry.witnesses = {{"w1", true}, {"w2", true}, {"w3", false}};
  }
  bool answer(const char* witness, bool reachable, uint64_t round = 9) {
    return inquiry.answer(witness, {"x", round, reachable});
  }
  Finding at(Duration now, bool storm = false) {
    return weigh(inquiry, storm, keelson_timing(), now);
  }
  Inquiry inquiry;
};

TEST_F(Weighing, all_against_it_is_death_at_once) {
  answer("w1", false);
  answer("w2", false);
  EXPECT_EQ(at(101s), Finding::wait) << "the third may still reach it";
  answer("w3", false);
  EXPECT_EQ(at(101s), Finding::dead);
}

TEST_F(Weighing, one_who_reaches_it_outweighs_the_others) {
  answer("w1", false);
  answer("w2", false);
  answer("w3", true);
  EXPECT_EQ(at(101s), Finding::reached);
}

TEST_F(Weighing, two_of_three_are_enough_when_the_third_keeps_silent) {
  answer("w1", false);
  answer("w3", false);
  EXPECT_EQ(at(103s), Finding::wait);
  EXPECT_EQ(at(104s), Finding::dead);
}

TEST_F(Weighing, nobody_waits_for_a_witness_that_fell_silent_itself) {
  answer("w1", false);
  answer("w3", false);
  inquiry.witnesses[1].lost = true;
  EXPECT_EQ(at(101s), Finding::dead);
}

TEST_F(Weighing, a_single_answer_or_none_decides_nothing) {
  EXPECT_EQ(at(104s), Finding::ask_again);
  answer("w1", false);
  EXPECT_EQ(at(104s), Finding::ask_again);
}

TEST_F(Weighing, in_a_storm_only_other_zones_are_believed) {
  answer("w1", false);
  answer("w3", false);
  EXPECT_EQ(at(104s, true), Finding::ask_again);
  answer("w2", false);
  EXPECT_EQ(at(104s, true), Finding::dead);
}

TEST_F(Weighing, answers_of_other_rounds_and_strangers_are_ignored) {
  EXPECT_FALSE(answer("w1", false, 8));
  EXPECT_FALSE(answer("w7", false));
  EXPECT_TRUE(answer("w1", false));
  EXPECT_FALSE(answer("w1", true)) << "the first answer counts";
  EXPECT_EQ(inquiry.question(), "9 w1 w2 w3");
  EXPECT_EQ(inquiry.unreached(), 1u);
}

TEST_F(Weighing, rounds_without_result_become_rarer) {
  const NodeTiming timing = keelson_timing();
  inquiry.fruitless = 1;
  EXPECT_EQ(rest_after(inquiry, timing), 0s);
  inquiry.fruitless = 4;
  EXPECT_EQ(rest_after(inquiry, timing), 20s);
  inquiry.fruitless = 50;
  EXPECT_EQ(rest_after(inquiry, timing), 80s);
  inquiry.fruitless = 0;
  inquiry.reached = 1;
  EXPECT_EQ(rest_after(inquiry, timing), 10s);
}

}  // namespace
}  // namespace keelson::controllers
