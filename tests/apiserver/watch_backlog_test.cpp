// Watchers that begin with much and read slowly.
#include "tests/apiserver/fixture.hpp"

namespace keelson::test {
namespace {

using ::testing::SizeIs;

// Takes one batch, then is blocked until the test has it drained.
class SlowCollector : public Collector {
 public:
  void on_events(std::span<const api::WatchEvent> batch) override {
    EXPECT_FALSE(is_blocked) << "was sent more than it takes";
    largest = std::max(largest, batch.size());
    Collector::on_events(batch);
    is_blocked = true;
  }
  std::size_t largest = 0;
};

class BacklogTest : public ApiServerTest {
 protected:
  void make(int from, int to) {
    for (int i = from; i < to; ++i) made(config_named("c" + std::to_string(1000 + i)));
  }
  void drain(SlowCollector& sink, api::WatchId id) {
    for (int i = 0; i < 1000 && sink.is_blocked; ++i) {
      sink.is_blocked = false;
      server->resumed(id);
      loop.settle();
    }
  }
  static std::vector<std::string> names(const Collector& sink) {
    std::vector<std::string> names;
    for (const api::WatchEvent& event : sink.events) {
      names.push_back(event.object ? event.object->name() : "-");
    }
    return names;
  }
};

TEST_F(BacklogTest, ASlowReaderGetsTheInitialObjectsInPieces) {
  make(0, 500);
  SlowCollector sink;
  auto request = watching(Kind::config_maps);
  request.send_initial_events = true;
  const api::WatchId id = server->watch(request, static_cast<apiserver::PacedSink&>(sink));
  loop.settle();
  EXPECT_EQ(sink.batches, 1);
  EXPECT_LE(sink.largest, 100u);
  make(500, 510);  // while it is blocked: these come after the initial ones
  drain(sink, id);
  ASSERT_THAT(sink.events, SizeIs(511));
  const std::vector<std::string> got = names(sink);
  for (int i = 0; i < 500; ++i) {
    ASSERT_EQ(got[static_cast<std::size_t>(i)], "c" + std::to_string(1000 + i));
  }
  EXPECT_TRUE(sink.events[500].initial_end);
  for (int i = 500; i < 510; ++i) {
    ASSERT_EQ(got[static_cast<std::size_t>(i) + 1], "c" + std::to_string(1000 + i));
  }
  EXPECT_LE(sink.largest, 100u);
  // And from now on it gets what is new, once.
  make(510, 511);
  drain(sink, id);
  EXPECT_THAT(sink.events, SizeIs(512));
}

TEST_F(BacklogTest, OnlyWhatComesLaterCountsAgainstASlowReader) {
  options_.watch_buffer_max = 10;
  restart();
  loop.settle();
  make(0, 300);
  SlowCollector sink;
  const api::WatchId id =
      server->watch(watching(Kind::config_maps), static_cast<apiserver::PacedSink&>(sink));
  loop.settle();
  make(300, 310);
  EXPECT_FALSE(sink.closed);
  drain(sink, id);
  EXPECT_THAT(sink.events, SizeIs(310));
  sink.is_blocked = true;
  make(310, 321);
  EXPECT_TRUE(sink.closed);
}

TEST_F(BacklogTest, WhoReadsAtOnceGetsAllOfIt) {
  make(0, 300);
  Collector paced, plain;
  server->watch(watching(Kind::config_maps), static_cast<apiserver::PacedSink&>(paced));
  server->watch(watching(Kind::config_maps), static_cast<api::WatchSink&>(plain));
  loop.settle();
  EXPECT_EQ(names(paced), names(plain));
  EXPECT_THAT(plain.events, SizeIs(300));
  EXPECT_EQ(plain.batches, 1);
}

TEST_F(BacklogTest, LeavingInTheMiddleEndsIt) {
  make(0, 300);
  SlowCollector sink;
  const api::WatchId id =
      server->watch(watching(Kind::config_maps), static_cast<apiserver::PacedSink&>(sink));
  loop.settle();
  sink.is_blocked = false;
  server->resumed(id);
  server->unwatch(id);
  loop.settle();
  EXPECT_EQ(sink.batches, 1);
  EXPECT_EQ(server->watches(), 0u);
}

}  // namespace
}  // namespace keelson::test
