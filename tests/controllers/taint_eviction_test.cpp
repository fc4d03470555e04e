#include "core/controllers/taint_eviction.hpp"

#include <gtest/gtest.h>

#include "tests/controllers/net_builders.hpp"

namespace keelson::controllers {
namespace {

const Instant kEvictionStart{std::chrono::seconds(1000)};

api::Taint taint(const std::string& key, int64_t added = 1, const std::string& value = {}) {
  api::Taint taint;
  taint.set_key(key);
  taint.set_value(value);
  taint.set_effect("NoExecute");
  taint.mutable_time_added()->set_seconds(added);
  return taint;
}

api::ObjectPtr pod(const std::string& uid, std::initializer_list<api::Toleration> tolerations,
                   const std::string& name = "p") {
  api::Pod pod = test::net::pod(name, "n");
  pod.mutable_metadata()->set_uid(uid);
  pod.mutable_spec()->clear_tolerations();
  for (const auto& t : tolerations) *pod.mutable_spec()->add_tolerations() = t;
  return api::make_object(std::move(pod), {1, 1});
}

std::vector<std::string> uids(const std::vector<EvictionSchedule::Due>& due) {
  std::vector<std::string> result;
  for (const auto& d : due) result.push_back(d.uid);
  return result;
}
using Uids = std::vector<std::string>;

TEST(ToleratedFor, none_some_and_for_ever) {
  EXPECT_EQ(tolerated_for(pod("u", {})->as<api::Pod>().spec().tolerations(), taint("k")), 0s);
  EXPECT_EQ(tolerated_for(
                pod("u", {test::net::toleration("k", 30)})->as<api::Pod>().spec().tolerations(),
                taint("k")),
            30s);
  EXPECT_EQ(tolerated_for(
                pod("u", {test::net::toleration("k")})->as<api::Pod>().spec().tolerations(),
                taint("k")),
            std::nullopt);
}

TEST(EvictionSchedule, evicts_after_the_toleration_and_not_before) {
  EvictionSchedule schedule;
  const auto stays = pod("a", {test::net::toleration("k")});
  const auto leaves = pod("b", {test::net::toleration("k", 300)});
  const auto goes = pod("c", {});
  schedule.set_taints("n", {taint("k")}, {stays, leaves, goes}, kEvictionStart);
  EXPECT_EQ(uids(schedule.take_due(kEvictionStart)), Uids{"c"});
  EXPECT_EQ(schedule.next_due(), kEvictionStart + 300s);
  EXPECT_TRUE(schedule.take_due(kEvictionStart + 299s).empty());
  EXPECT_EQ(uids(schedule.take_due(kEvictionStart + 300s)), Uids{"b"});
  EXPECT_EQ(schedule.next_due(), Instant::max());
}

TEST(EvictionSchedule, forgets_when_the_taint_goes_and_starts_anew_when_it_returns) {
  EvictionSchedule schedule;
  const auto p = pod("a", {test::net::toleration("k", 300)});
  schedule.set_taints("n", {taint("k")}, {p}, kEvictionStart);
  const auto cancelled = schedule.set_taints("n", {}, {p}, kEvictionStart + 200s);
  ASSERT_EQ(cancelled.size(), 1u);
  EXPECT_EQ(schedule.next_due(), Instant::max());
  EXPECT_EQ(schedule.size(), 0u);
  schedule.set_taints("n", {taint("k", 2)}, {p}, kEvictionStart + 250s);
  EXPECT_EQ(schedule.next_due(), kEvictionStart + 550s);
}

TEST(EvictionSchedule, a_taint_that_was_set_anew_between_two_looks_counts_from_now) {
  EvictionSchedule schedule;
  const auto p = pod("a", {test::net::toleration("k", 300)});
  schedule.set_taints("n", {taint("k", 1)}, {p}, kEvictionStart);
  schedule.set_taints("n", {taint("k", 1)}, {p}, kEvictionStart + 100s);
  EXPECT_EQ(schedule.next_due(), kEvictionStart + 300s) << "the same taint runs on";
  schedule.set_taints("n", {taint("k", 2)}, {p}, kEvictionStart + 200s);
  EXPECT_EQ(schedule.next_due(), kEvictionStart + 500s);
}

// kubernetes#90794: of two taints the one that limited the stay is removed.
TEST(EvictionSchedule, removing_the_taint_that_limits_the_stay_cancels_the_eviction) {
  EvictionSchedule schedule;
  const auto p = pod("a", {test::net::toleration("short", 60), test::net::toleration("long", 600)});
  schedule.set_taints("n", {taint("short"), taint("long")}, {p}, kEvictionStart);
  EXPECT_EQ(schedule.next_due(), kEvictionStart + 60s);
  schedule.set_taints("n", {taint("long")}, {p}, kEvictionStart + 30s);
  EXPECT_EQ(schedule.next_due(), kEvictionStart + 600s);
  EXPECT_TRUE(schedule.take_due(kEvictionStart + 60s).empty());
}

// kubernetes#107543: a pod of the same name must not inherit its predecessor's deadline.
TEST(EvictionSchedule, deadlines_belong_to_the_uid) {
  EvictionSchedule schedule;
  const auto first = pod("a", {test::net::toleration("k", 60)});
  const auto second = pod("b", {test::net::toleration("k", 60)});
  schedule.set_taints("n", {taint("k")}, {first}, kEvictionStart);
  schedule.remove_pod("a");
  schedule.set_pod("n", second, kEvictionStart + 50s);
  EXPECT_TRUE(schedule.take_due(kEvictionStart + 60s).empty());
  EXPECT_EQ(uids(schedule.take_due(kEvictionStart + 110s)), Uids{"b"});
}

TEST(EvictionSchedule, a_pod_that_arrives_later_gets_its_full_time) {
  EvictionSchedule schedule;
  schedule.set_taints("n", {taint("k")}, {}, kEvictionStart);
  schedule.set_pod("n", pod("a", {test::net::toleration("k", 60)}), kEvictionStart + 100s);
  EXPECT_EQ(schedule.next_due(), kEvictionStart + 160s);
  schedule.set_pod("elsewhere", pod("b", {}), kEvictionStart + 100s);
  EXPECT_EQ(schedule.size(), 1u) << "pods on untainted nodes cost nothing";
}

TEST(EvictionSchedule, a_toleration_added_later_is_honoured) {
  EvictionSchedule schedule;
  schedule.set_taints("n", {taint("k")}, {pod("a", {test::net::toleration("other", 5)})}, kEvictionStart);
  const auto more = {test::net::toleration("other", 5), test::net::toleration("k", 90)};
  schedule.set_pod("n", pod("a", more), kEvictionStart);
  EXPECT_EQ(schedule.next_due(), kEvictionStart + 90s);
}

TEST(EvictionSchedule, confirms_only_what_the_live_node_still_shows) {
  EvictionSchedule schedule;
  schedule.set_taints("n", {taint("k")}, {pod("a", {})}, kEvictionStart);
  EXPECT_TRUE(schedule.confirmed("a", {taint("k")}, kEvictionStart));
  EXPECT_FALSE(schedule.confirmed("a", {}, kEvictionStart)) << "the taint has gone";
  EXPECT_FALSE(schedule.confirmed("a", {taint("k", 2)}, kEvictionStart)) << "it was set anew";
  EXPECT_FALSE(schedule.confirmed("unknown", {taint("k")}, kEvictionStart));
}

TEST(EvictionSchedule, a_failed_eviction_can_be_retried) {
  EvictionSchedule schedule;
  schedule.set_taints("n", {taint("k")}, {pod("a", {})}, kEvictionStart);
  EXPECT_EQ(schedule.take_due(kEvictionStart).size(), 1u);
  EXPECT_TRUE(schedule.take_due(kEvictionStart + 1h).empty()) << "taken is taken";
  schedule.retry("a", kEvictionStart + 1h + 1s);
  EXPECT_EQ(schedule.next_due(), kEvictionStart + 1h + 1s);
  schedule.set_taints("n", {}, {pod("a", {})}, kEvictionStart + 1h);
  schedule.retry("a", kEvictionStart + 2h);
  EXPECT_EQ(schedule.next_due(), Instant::max());
}

}  // namespace
}  // namespace keelson::controllers
