// Many watchers of the same: deliveries are gathered, and nothing is lost or late by it.
#include <deque>

#include "tests/apiserver/fixture.hpp"

namespace keelson::test {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FanoutTest : public ApiServerTest {
 protected:
  void watch_by(std::size_t count, bool bookmarks = false) {
    auto request = watching(Kind::config_maps, now());
    request.bookmarks = bookmarks;
    for (std::size_t i = 0; i < count; ++i) server->watch(request, sinks.emplace_back());
    loop.settle();
  }
  std::deque<Collector> sinks;
};

TEST_F(FanoutTest, AfterAQuietMomentAChangeGoesOutAtOnce) {
  watch_by(1000);
  made(config_named("a"));  // settles, but lets no time pass
  EXPECT_THAT(sinks, Each(Field(&Collector::events, SizeIs(1))));
}

TEST_F(FanoutTest, ChangesThatFollowCloselyAreGathered) {
  watch_by(1000);
  made(config_named("a"));
  made(config_named("b"));
  made(config_named("c"));
  EXPECT_THAT(sinks.front().told(), ElementsAre("ADDED a"));
  loop.run_for(50ms);
  EXPECT_THAT(sinks, Each(Field(&Collector::batches, 2)));
  for (const Collector& sink : sinks) {
    ASSERT_THAT(sink.told(), ElementsAre("ADDED a", "ADDED b", "ADDED c"));
  }
}

TEST_F(FanoutTest, FewWatchersNeverWait) {
  watch_by(10);
  made(config_named("a"));
  made(config_named("b"));
  EXPECT_THAT(sinks, Each(Field(&Collector::events, SizeIs(2))));
}

TEST_F(FanoutTest, WhoComesWhileChangesAreGatheredGetsThemOnce) {
  watch_by(1000);
  made(config_named("a"));
  const Revision seen = now();
  made(config_named("b"));
  Collector late, from_start;
  server->watch(watching(Kind::config_maps, seen), late);
  server->watch(watching(Kind::config_maps), from_start);
  made(config_named("c"));
  loop.run_for(50ms);
  EXPECT_THAT(late.told(), ElementsAre("ADDED b", "ADDED c"));
  EXPECT_THAT(from_start.told(), ElementsAre("ADDED a", "ADDED b", "ADDED c"));
}

TEST_F(FanoutTest, ABookmarkDoesNotOvertakeWhatIsGathered) {
  watch_by(1000, true);
  // Changes all the time, so that some are being gathered whenever the bookmarks are due.
  for (int i = 0; i < 400; ++i) {
    made(config_named("c" + std::to_string(i)));
    loop.run_for(options_.bookmark_period / 200);
  }
  std::size_t bookmarks = 0;
  for (const Collector& sink : sinks) {
    Revision last;
    for (const api::WatchEvent& event : sink.events) {
      bookmarks += event.type == WatchType::bookmark;
      ASSERT_LE(last, event.revision);
      last = event.revision;
    }
  }
  EXPECT_GT(bookmarks, 1000u);
}

TEST_F(FanoutTest, WatchersMayLeaveWhileChangesAreGathered) {
  Collector leaver;
  const api::WatchId id = server->watch(watching(Kind::config_maps, now()), leaver);
  watch_by(1000);
  made(config_named("a"));
  made(config_named("b"));
  server->unwatch(id);
  loop.run_for(50ms);
  EXPECT_THAT(leaver.told(), ElementsAre("ADDED a"));
  EXPECT_THAT(sinks.back().told(), ElementsAre("ADDED a", "ADDED b"));
}

}  // namespace
}  // namespace keelson::test
