#include "core/client/event_recorder.hpp"

#include <gtest/gtest.h>

#include "core/api/json.hpp"
#include "tests/support/fake_api.hpp"
#include "tests/support/manual_loop.hpp"

namespace keelson::client {
namespace {

class EventRecorderTest : public testing::Test {
 protected:
  EventRecorderTest() { make({.component = "replicaset-controller", .host = "h"}); }
  void make(EventRecorderOptions options) {
    recorder_ = std::make_unique<EventRecorder>(loop_, api_, Rng(1), std::move(options));
  }
  api::ObjectPtr pod(const std::string& name) {
    api::Pod made;
    made.mutable_metadata()->set_namespace_("n");
    made.mutable_metadata()->set_name(name);
    made.mutable_metadata()->set_uid("uid-" + name);
    return api::make_object(std::move(made), {1, 42});
  }
  std::vector<api::Event> events() {
    std::vector<api::Event> found;
    const auto page = api_.history().list({api::Kind::events});
    for (const auto& object : page->objects) {
      found.push_back(object->as<api::Event>());
    }
    return found;
  }
  test::ManualLoop loop_;
  test::FakeApi api_{loop_};
  std::unique_ptr<EventRecorder> recorder_;
};

TEST_F(EventRecorderTest, NamesSortByTime) {
  for (int i = 0; i < 20; ++i) {
    recorder_->record(*pod("web"), false, "Reason" + std::to_string(i), "m");
    if (i % 3 == 0) loop_.run_for(5ms);
  }
  loop_.run_for(1s);
  std::vector<std::string> names, reasons, expected;
  for (const api::Event& event : events()) {  // in the order of their names
    names.push_back(event.metadata().name());
    reasons.push_back(event.reason());
    expected.push_back("Reason" + std::to_string(expected.size()));
  }
  ASSERT_EQ(names.size(), 20u);
  EXPECT_EQ(reasons, expected);
  char time[17];
  std::snprintf(time, sizeof time, "%016llx",
                static_cast<unsigned long long>(loop_.wall_now().unix_ns));
  EXPECT_EQ(names[0].substr(4, 6), std::string(time).substr(0, 6));
}

TEST_F(EventRecorderTest, WritesWhatKubernetesWrites) {
  recorder_->record(*pod("web"), false, "SuccessfulCreate", "Created pod: web");
  loop_.settle();
  ASSERT_EQ(events().size(), 1u);
  const api::Event event = events()[0];
  EXPECT_EQ(event.metadata().namespace_(), "n");
  EXPECT_EQ(event.metadata().name().rfind("web.", 0), 0u);
  EXPECT_EQ(event.metadata().name().size(), 4u + 16u);
  EXPECT_EQ(event.metadata().name().find_first_not_of("0123456789abcdef", 4), std::string::npos);
  EXPECT_EQ(event.involved_object().kind(), "Pod");
  EXPECT_EQ(event.involved_object().api_version(), "v1");
  EXPECT_EQ(event.involved_object().namespace_(), "n");
  EXPECT_EQ(event.involved_object().name(), "web");
  EXPECT_EQ(event.involved_object().uid(), "uid-web");
  EXPECT_EQ(event.involved_object().resource_version(), "42");
  EXPECT_EQ(event.type(), "Normal");
  EXPECT_EQ(event.reason(), "SuccessfulCreate");
  EXPECT_EQ(event.message(), "Created pod: web");
  EXPECT_EQ(event.source().component(), "replicaset-controller");
  EXPECT_EQ(event.source().host(), "h");
  EXPECT_EQ(event.count(), 1);
  EXPECT_EQ(event.first_timestamp().seconds(), loop_.wall_now().unix_ns / 1'000'000'000);
  EXPECT_FALSE(event.has_event_time());
}

TEST_F(EventRecorderTest, EventsAboutClusterScopedObjectsStandInDefault) {
  api::Node node;
  node.mutable_metadata()->set_name("n1");
  recorder_->record(*api::make_object(std::move(node)), true, "NodeNotReady", "gone");
  loop_.settle();
  ASSERT_EQ(events().size(), 1u);
  EXPECT_EQ(events()[0].metadata().namespace_(), "default");
  EXPECT_EQ(events()[0].involved_object().namespace_(), "");
  EXPECT_EQ(events()[0].type(), "Warning");
}

TEST_F(EventRecorderTest, PartsOfAnObjectAreToldApart) {
  const auto web = pod("web");
  for (const char* part : {"spec.containers{a}", "spec.containers{b}", "spec.containers{a}", ""}) {
    recorder_->record(*web, true, "Failed", "Error: the same", part);
  }
  loop_.settle();
  std::map<std::string, int> counts;
  for (const api::Event& event : events()) {
    counts[event.involved_object().field_path()] += event.count();
  }
  EXPECT_EQ(counts, (std::map<std::string, int>{
                        {"", 1}, {"spec.containers{a}", 2}, {"spec.containers{b}", 1}}));
  // Nor does what many of one part say hide what another says.
  for (int i = 0; i < 12; ++i) {
    recorder_->record(*web, true, "BackOff", std::to_string(i), "spec.containers{a}");
  }
  recorder_->record(*web, true, "BackOff", "once", "spec.containers{b}");
  loop_.settle();
  const auto all = events();
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const api::Event& event) {
    return event.message() == "once" &&
           event.involved_object().field_path() == "spec.containers{b}";
  }));
}

TEST_F(EventRecorderTest, EqualEventsAreCounted) {
  for (int i = 0; i < 5; ++i) {
    recorder_->record(*pod("web"), true, "BackOff", "Back-off restarting failed container");
    loop_.run_for(60s);
  }
  ASSERT_EQ(events().size(), 1u);
  EXPECT_EQ(events()[0].count(), 5);
  EXPECT_EQ(events()[0].last_timestamp().seconds() - events()[0].first_timestamp().seconds(), 240);
  recorder_->record(*pod("other"), true, "BackOff", "Back-off restarting failed container");
  recorder_->record(*pod("web"), false, "BackOff", "Back-off restarting failed container");
  loop_.settle();
  EXPECT_EQ(events().size(), 3u);
}

TEST_F(EventRecorderTest, SimilarEventsAreCombinedFromTheTenthOn) {
  for (int i = 0; i < 15; ++i) {
    recorder_->record(*pod("rs"), false, "Created", "Created pod: " + std::to_string(i));
    loop_.run_for(1s);
  }
  const auto all = events();
  ASSERT_EQ(all.size(), 10u);
  int combined = 0;
  for (const auto& event : all) {
    if (event.message().rfind("(combined from similar events): Created pod: ", 0) != 0) continue;
    ++combined;
    EXPECT_EQ(event.count(), 6);
    EXPECT_EQ(event.message(), "(combined from similar events): Created pod: 14");
  }
  EXPECT_EQ(combined, 1);
  // After ten quiet minutes they are single events again.
  loop_.run_for(10min + 1s);
  recorder_->record(*pod("rs"), false, "Created", "Created pod: later");
  loop_.settle();
  EXPECT_EQ(events().size(), 11u);
}

TEST_F(EventRecorderTest, OneObjectHasABudgetAndOthersAreNotCharged) {
  for (int i = 0; i < 40; ++i) recorder_->record(*pod("noisy"), true, "Failed", "again");
  recorder_->record(*pod("quiet"), true, "Failed", "once");
  loop_.settle();
  EXPECT_EQ(recorder_->dropped(), 15u);
  auto all = events();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].count(), 25);
  EXPECT_EQ(all[1].involved_object().name(), "quiet");
  loop_.run_for(5min);
  recorder_->record(*pod("noisy"), true, "Failed", "again");
  recorder_->record(*pod("noisy"), true, "Failed", "again");
  loop_.settle();
  EXPECT_EQ(recorder_->dropped(), 16u);
  EXPECT_EQ(events()[0].count(), 41) << "those not sent were counted";
}

TEST_F(EventRecorderTest, ALostReplyDoesNotDuplicate) {
  api_.lose_replies = 1;
  recorder_->record(*pod("web"), false, "Started", "Started container");
  loop_.run_for(10s);
  EXPECT_EQ(events().size(), 1u);
  EXPECT_EQ(recorder_->queued(), 0u);
  EXPECT_EQ(recorder_->dropped(), 0u);
}

TEST_F(EventRecorderTest, AnEventThatExpiredIsCreatedAgain) {
  recorder_->record(*pod("web"), false, "Started", "Started container");
  loop_.settle();
  api_.erase({api::Kind::events, "n", events()[0].metadata().name()});
  recorder_->record(*pod("web"), false, "Started", "Started container");
  loop_.settle();
  ASSERT_EQ(events().size(), 1u);
  EXPECT_EQ(events()[0].count(), 2);
}

TEST_F(EventRecorderTest, TheQueueIsBoundedAndNothingIsTriedForLong) {
  make({.component = "c", .queue_max = 5});
  api_.down = true;
  for (int i = 0; i < 20; ++i) {
    recorder_->record(*pod("p" + std::to_string(i)), false, "Started", "x");
  }
  EXPECT_EQ(recorder_->queued(), 5u);
  EXPECT_EQ(recorder_->dropped(), 15u);
  loop_.run_for(5 * 2 * 3s);
  EXPECT_EQ(recorder_->queued(), 0u);
  EXPECT_EQ(recorder_->dropped(), 20u);
  EXPECT_EQ(api_.count(api::Verb::create), 15);
}

TEST_F(EventRecorderTest, LongNamesAndMessagesAreCut) {
  const std::string message = std::string(1023, 'm') + "\u00e9 and more";
  recorder_->record(*pod(std::string(236, 'p') + ".tail-of-a-long-name"), false, "R", message);
  loop_.settle();
  ASSERT_EQ(events().size(), 1u);
  EXPECT_LE(events()[0].metadata().name().size(), 253u);
  EXPECT_EQ(events()[0].message(), std::string(1023, 'm')) << "a character is not cut in half";
}

TEST_F(EventRecorderTest, MemoryIsBounded) {
  make({.component = "c", .remembered_max = 3});
  for (int i = 0; i < 10; ++i) {
    recorder_->record(*pod("p" + std::to_string(i)), false, "Started", "x");
    loop_.settle();
  }
  recorder_->record(*pod("p9"), false, "Started", "x");  // remembered
  recorder_->record(*pod("p0"), false, "Started", "x");  // forgotten: a new Event
  loop_.settle();
  EXPECT_EQ(events().size(), 11u);
}

TEST_F(EventRecorderTest, MayBeDestroyedWhileCallsAreOutstanding) {
  recorder_->record(*pod("web"), false, "Started", "x");
  recorder_->record(*pod("web"), false, "Started", "y");
  recorder_.reset();
  loop_.run_for(10s);
  EXPECT_EQ(events().size(), 1u);
}

}  // namespace
}  // namespace keelson::client
