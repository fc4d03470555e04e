// Logs of containers, from real files.
#include <filesystem>

#include "fake_runtime.hpp"
#include "node_fixture.hpp"
#include "runtime/node/local_streams.hpp"
#include "runtime/node/log_line.hpp"

namespace keelson::node::test {
namespace {

constexpr char kDir[] = "default_web_u1/c/";

std::string entry(int second, const std::string& text, const char* stream = "stdout",
                  const char* tag = "F") {
  char time[64];
  std::snprintf(time, sizeof time, "2026-11-25T10:00:%02d.5Z", second);
  return std::string(time) + " " + stream + " " + tag + " " + text + "\n";
}

class LocalLogs : public ::testing::Test {
 protected:
  LocalLogs() {
    core_.run(
        [&] { streams_ = std::make_unique<LocalStreams>(core_.loop, runtime_, dir_.path()); });
  }
  ~LocalLogs() override {
    core_.run([&] {
      log_.reset();
      streams_.reset();
    });
    core_.stop();
  }
  void append(const std::string& text, uint32_t attempt = 0) {
    std::ofstream(dir_.path() + "/" + kDir + std::to_string(attempt) + ".log", std::ios::app)
        << text;
  }
  void write(const std::string& text, uint32_t attempt = 0) {
    dir_.write(kDir + std::to_string(attempt) + ".log", text);
  }
  void open(const agent::LogOptions& options, api::Ref<api::Pod> pod = make_pod()) {
    core_.run([&] {
      ear_ = LogEar();
      log_ = streams_->logs({std::move(pod), "c"}, options, ear_);
    });
  }
  // All of a log that ends by itself.
  std::string read(const agent::LogOptions& options, api::Ref<api::Pod> pod = make_pod()) {
    open(options, std::move(pod));
    EXPECT_TRUE(core_.eventually([&] { return ear_.end.has_value(); }));
    return ear_.end && !ear_.end->ok() ? "error: " + ear_.end->message() : ear_.text;
  }

  TempDir dir_;
  CoreThread core_;
  FakeRuntime runtime_{core_.loop};
  std::unique_ptr<LocalStreams> streams_;
  std::unique_ptr<agent::LogStream> log_;
  LogEar ear_;
};

TEST(LogPieces, AreReadAsRuntimesWriteThem) {
  const auto piece = parse_log_piece("2026-11-25T10:00:00.123456789+01:00 stderr P some text ");
  ASSERT_TRUE(piece);
  EXPECT_TRUE(piece->error);
  EXPECT_TRUE(piece->partial);
  EXPECT_EQ(piece->text, "some text ");
  EXPECT_EQ(log_time_text(piece->at), "2026-11-25T09:00:00.123456789Z");
  EXPECT_TRUE(parse_log_piece("2026-11-25T10:00:00Z stdout F:x "));
  EXPECT_EQ(parse_log_piece("2026-11-25T10:00:00Z stdout F ")->text, "");
  EXPECT_FALSE(parse_log_piece(""));
  EXPECT_FALSE(parse_log_piece("2026-11-25T10:00:00Z stdlog F x"));
  EXPECT_FALSE(parse_log_piece("2026-11-25T10:00:00Z stdout X x"));
  EXPECT_FALSE(parse_log_piece("yesterday stdout F x"));
}

TEST_F(LocalLogs, ReadsWhatWasSaid) {
  write(entry(1, "one") + entry(2, "two ", "stdout", "P") + entry(2, "halves") + "torn" + "\n" +
        entry(3, "bad", "stderr"));
  EXPECT_EQ(read({}), "one\ntwo halves\nbad\n");
  EXPECT_TRUE(ear_.open);
  EXPECT_EQ(read({.source = agent::LogSource::standard_error}), "bad\n");
  EXPECT_EQ(read({.source = agent::LogSource::standard_output}), "one\ntwo halves\n");
  EXPECT_EQ(read({.timestamps = true}),
            "2026-11-25T10:00:01.500000000Z one\n2026-11-25T10:00:02.500000000Z two halves\n"
            "2026-11-25T10:00:03.500000000Z bad\n");
  EXPECT_EQ(read({.limit_bytes = 6}), "one\ntw");
  EXPECT_EQ(read({.limit_bytes = 0}), "");
  WallTime second{1795600802'000'000'000};
  ASSERT_EQ(log_time_text(second), "2026-11-25T10:00:02.000000000Z");
  EXPECT_EQ(read({.since = second}), "two halves\nbad\n");
}

TEST_F(LocalLogs, ReadsTheLastLinesFromTheEnd) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) {
    text += entry(i % 60, "first part of ", "stdout", "P") + entry(i % 60, std::to_string(i));
    if (i % 4 == 0) text += entry(i % 60, "error " + std::to_string(i), "stderr");
  }
  write(text);
  EXPECT_EQ(read({.tail_lines = 0}), "");
  EXPECT_EQ(read({.tail_lines = 1}), "first part of 19999\n");
  EXPECT_EQ(read({.tail_lines = 5}),
            "first part of 19996\nerror 19996\nfirst part of 19997\nfirst part of 19998\n"
            "first part of 19999\n");
  EXPECT_EQ(read({.tail_lines = 2, .source = agent::LogSource::standard_error}),
            "error 19992\nerror 19996\n");
  const std::string many = read({.tail_lines = 12'000});
  EXPECT_EQ(std::ranges::count(many, '\n'), 12'000);
  EXPECT_TRUE(many.ends_with("first part of 19999\n"));
  const std::string all = read({.tail_lines = 1'000'000});
  EXPECT_EQ(std::ranges::count(all, '\n'), 25'000);
}

TEST_F(LocalLogs, FollowsUntilTheContainerEnds) {
  core_.run([&] { runtime_.add_container("u1", "c", 0, agent::ContainerState::running); });
  write(entry(1, "one"));
  open({.follow = true});
  ASSERT_TRUE(core_.eventually([&] { return ear_.text == "one\n"; }));
  append(entry(2, "two"));
  ASSERT_TRUE(core_.eventually([&] { return ear_.text == "one\ntwo\n"; }));
  append("2026-11-25T10:00:03Z std");  // half a line
  append("out F three\n");
  ASSERT_TRUE(core_.eventually([&] { return ear_.text == "one\ntwo\nthree\n"; }));
  EXPECT_FALSE(ear_.end);
  append(entry(4, "last words"));
  core_.run([&] { runtime_.state.containers[0].state = agent::ContainerState::exited; });
  ASSERT_TRUE(core_.eventually([&] { return ear_.end.has_value(); }));
  EXPECT_TRUE(ear_.end->ok());
  EXPECT_EQ(ear_.text, "one\ntwo\nthree\nlast words\n");
}

TEST_F(LocalLogs, LosesNothingWhenTheLogIsRotated) {
  core_.run([&] { runtime_.add_container("u1", "c", 0, agent::ContainerState::running); });
  write(entry(1, "0"));
  open({.follow = true});
  ASSERT_TRUE(core_.eventually([&] { return ear_.text == "0\n"; }));
  const std::string path = dir_.path() + "/" + kDir + "0.log";
  std::string expected = "0\n";
  for (int round = 1; round <= 5; ++round) {
    std::ofstream old(path, std::ios::app);
    std::filesystem::rename(path, path + ".2026112510000" + std::to_string(round));
    // The runtime writes on until it is told to open its file anew.
    old << entry(round, "old " + std::to_string(round)) << std::flush;
    if (round % 2 == 0) std::this_thread::sleep_for(20ms);
    append(entry(round, "new " + std::to_string(round)));
    expected += "old " + std::to_string(round) + "\nnew " + std::to_string(round) + "\n";
    ASSERT_TRUE(core_.eventually([&] { return ear_.text.size() >= expected.size(); }));
  }
  EXPECT_EQ(ear_.text, expected);
}

TEST_F(LocalLogs, PausesAndEndsWithItsReader) {
  core_.run([&] { runtime_.add_container("u1", "c", 0, agent::ContainerState::running); });
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += entry(i % 60, std::string(100, 'x'));
  write(text);
  open({.follow = true});
  core_.run([&] { log_->pause(true); });
  std::this_thread::sleep_for(50ms);
  std::size_t held = 0;
  core_.run([&] { held = ear_.text.size(); });
  EXPECT_LT(held, 5'050'000u);
  core_.run([&] { log_->pause(false); });
  ASSERT_TRUE(core_.eventually([&] { return ear_.text.size() == 5'050'000u; }));
  int lists = 0;
  core_.run([&] {
    log_.reset();
    lists = runtime_.lists;
  });
  std::this_thread::sleep_for(1500ms);
  core_.run([&] { EXPECT_EQ(runtime_.lists, lists); });  // nobody asks any more
}

TEST_F(LocalLogs, ChoosesTheAttemptThatIsMeant) {
  write(entry(1, "first"), 0);
  write(entry(2, "second"), 1);
  write(entry(3, "third"), 2);
  dir_.write(std::string(kDir) + "2.log.20261125-100000", entry(1, "put aside"));
  EXPECT_EQ(read({}), "third\n");  // the runtime has forgotten the pod
  EXPECT_EQ(read({.previous = true}), "second\n");
  core_.run([&] { runtime_.add_container("u1", "c", 2, agent::ContainerState::running); });
  EXPECT_EQ(read({}), "third\n");
  EXPECT_EQ(read({.previous = true}), "second\n");
  // One more has been made but has not started: it has no words yet.
  core_.run([&] {
    runtime_.state.containers[0].state = agent::ContainerState::exited;
    runtime_.add_container("u1", "c", 3, agent::ContainerState::created);
  });
  EXPECT_EQ(read({}), "third\n");
  // Waiting for its next start, the one that has ended is also the previous one.
  api::Pod pod = *make_pod();
  auto* const status = pod.mutable_status()->add_container_statuses();
  status->set_name("c");
  status->mutable_state()->mutable_waiting()->set_reason("CrashLoopBackOff");
  EXPECT_EQ(read({.previous = true}, api::Ref<api::Pod>(api::make_object(std::move(pod)))),
            "third\n");
}

TEST_F(LocalLogs, SaysWhatIsNotThere) {
  EXPECT_EQ(read({}), "error: container \"c\" in pod \"web\" is not available");
  EXPECT_EQ(ear_.end->code(), Code::not_found);
  write(entry(1, "first"));
  EXPECT_EQ(read({.previous = true}),
            "error: previous terminated container \"c\" in pod \"web\" not found");
  EXPECT_EQ(read({}, make_pod("../../etc", "u1")),
            "error: container \"c\" in pod \"../../etc\" is not available");
}

}  // namespace
}  // namespace keelson::node::test
