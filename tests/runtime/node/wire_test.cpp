// The frames between an API server and a node, right and wrong ones.
#include "runtime/node/wire.hpp"

#include "fake_streams.hpp"
#include "node_fixture.hpp"
#include "runtime/node/upgrade.hpp"

namespace keelson::node::test {
namespace {

std::vector<Frame> read_all(std::string_view bytes, std::size_t step, Status& trouble) {
  FrameReader reader;
  std::vector<Frame> frames;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    reader.put(bytes.substr(at, step));
    while (true) {
      Result<std::optional<Frame>> next = reader.next();
      if (!next) {
        trouble = next.error();
        return frames;
      }
      if (!*next) break;
      frames.push_back(std::move(**next));
    }
  }
  return frames;
}

TEST(Wire, ReadsFramesHoweverTheyCome) {
  const std::string long_data(150'000, 'x');
  const std::string bytes = frame(FrameType::opened) + data_frames(FrameType::data, long_data) +
                            frame(FrameType::resize, encode_size(65535, 1)) +
                            frame(FrameType::over, "{}");
  for (const std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{4096}, bytes.size()}) {
    Status trouble;
    const std::vector<Frame> frames = read_all(bytes, step, trouble);
    ASSERT_TRUE(trouble.ok());
    ASSERT_EQ(frames.size(), 6u);
    EXPECT_EQ(frames[0].type, FrameType::opened);
    EXPECT_EQ(frames[1].payload + frames[2].payload + frames[3].payload, long_data);
    uint16_t columns = 0, rows = 0;
    ASSERT_TRUE(decode_size(frames[4].payload, columns, rows));
    EXPECT_EQ(columns, 65535);
    EXPECT_EQ(rows, 1);
    EXPECT_FALSE(decode_size("abc", columns, rows));
  }
  EXPECT_EQ(data_frames(FrameType::data, ""), "");
}

TEST(Wire, RefusesWhatIsNoFrame) {
  for (const std::string& bytes :
       {std::string("\0\0\0\0", 4), std::string("\x09\0\0\0", 4),
        std::string("\x04\xff\xff\xff", 4), std::string("HTTP/1.1 200")}) {
    Status trouble;
    EXPECT_TRUE(read_all(bytes, 1, trouble).empty());
    EXPECT_EQ(trouble.code(), Code::invalid);
  }
}

TEST(Wire, CarriesAllThatACallSays) {
  api::Pod pod = *make_pod();
  for (const char* name : {"c", "other"}) {
    auto* const status = pod.mutable_status()->add_container_statuses();
    status->set_name(name);
    status->mutable_state()->mutable_waiting()->set_reason("CrashLoopBackOff");
  }
  OpenRequest request;
  request.container = {api::Ref<api::Pod>(api::make_object(std::move(pod))), "c"};
  request.log = {.follow = true,
                 .previous = true,
                 .timestamps = true,
                 .tail_lines = 5,
                 .limit_bytes = 6,
                 .since_ago = 7s,
                 .since = WallTime{8},
                 .source = agent::LogSource::standard_output};
  request.command = {{"sh", "-c", "echo \"quoted\"\n"}, true, true, true, false};
  request.port = 65535;
  const Result<OpenRequest> read = decode_open(encode_open(request));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read->container.pod.ns(), "default");
  EXPECT_EQ(read->container.pod.name(), "web");
  EXPECT_EQ(read->container.pod.uid(), "u1");
  EXPECT_EQ(read->container.container, "c");
  // Of the status what concerns the container; of the spec nothing.
  ASSERT_EQ(read->container.pod->status().container_statuses_size(), 1);
  EXPECT_TRUE(read->container.pod->status().container_statuses(0).state().has_waiting());
  EXPECT_EQ(read->container.pod->spec().node_name(), "");
  EXPECT_TRUE(read->log.follow && read->log.previous && read->log.timestamps);
  EXPECT_EQ(read->log.tail_lines, 5);
  EXPECT_EQ(read->log.limit_bytes, 6);
  EXPECT_EQ(read->log.since_ago, Duration(7s));
  EXPECT_EQ(read->log.since, WallTime{8});
  EXPECT_EQ(read->log.source, agent::LogSource::standard_output);
  EXPECT_EQ(read->command.command, request.command.command);
  EXPECT_TRUE(read->command.input && read->command.output && read->command.errors);
  EXPECT_FALSE(read->command.tty);
  EXPECT_EQ(read->port, 65535);

  for (const char* bad : {"", "[]", "{}", R"({"pod":[]})", R"({"pod":{"metadata":7}})",
                          R"({"pod":{},"port":65536})"}) {
    EXPECT_FALSE(decode_open(bad).ok()) << bad;
  }
  // What has another type than it should counts as absent.
  EXPECT_TRUE(decode_open(R"({"pod":{},"container":1,"log":[],"command":{"command":[1]}})").ok());
}

TEST(Wire, CarriesEndings) {
  const Ending failed = decode_ending(encode_ending({{Code::invalid, "no \"port\""}, 0}));
  EXPECT_EQ(failed.why.code(), Code::invalid);
  EXPECT_EQ(failed.why.message(), "no \"port\"");
  const Ending ended = decode_ending(encode_ending({{}, 137}));
  EXPECT_TRUE(ended.why.ok());
  EXPECT_EQ(ended.exit_code, 137);
  EXPECT_EQ(decode_ending("gibberish").why.code(), Code::unavailable);
  EXPECT_EQ(decode_ending(R"({"code":"who knows"})").why.code(), Code::unknown);
}

struct SocketEar final : SocketUser {
  void on_connected() override { connected = true; }
  void on_bytes(std::string_view bytes) override { text += bytes; }
  void on_writable() override {}
  void on_end(Status why) override { end = std::move(why); }
  bool connected = false;
  std::string text;
  std::optional<Status> end;
};

// Whatever a client with the right certificate sends, the node answers or hangs up.
TEST(Wire, SurvivesAClientThatSpeaksOutOfTurn) {
  CoreThread core;
  NullLog log;
  Cluster cluster;
  FakeStreams streams(core.loop);
  std::unique_ptr<NodeEndpoint> endpoint;
  std::unique_ptr<NodeDialer> dialer;
  core.run([&] {
    auto started = NodeEndpoint::start(core.loop, log, cluster.endpoint(), streams);
    endpoint = std::move(started).value();
    cluster.add_node("n1", endpoint->port());
    dialer = std::make_unique<NodeDialer>(cluster.dialer());
  });
  OpenRequest request;
  request.container = {make_pod(), "c"};
  request.command.command = {"cat"};
  const std::string open = frame(FrameType::open, encode_open(request));
  const std::vector<std::string> cases = {
      "no frames at all",
      frame(FrameType::start),  // before the open frame
      frame(FrameType::open, "no JSON"),
      frame(FrameType::open, "{}"),
      open + open,
      open + frame(FrameType::start) +
          std::string("\x09"
                      "\0\0\0",
                      4),  // before it is opened
      open + std::string("\xff\xff\xff\xff", 4),
  };
  for (const StreamKind kind : {StreamKind::logs, StreamKind::exec, StreamKind::attach,
                                StreamKind::find, StreamKind::connect}) {
    for (const std::string& bytes : cases) {
      SocketEar ear;
      std::unique_ptr<UpgradedSocket> socket;
      core.run([&] {
        UpgradeRequest upgrade;
        upgrade.target = std::string(kStreamPath) + std::string(to_string(kind));
        upgrade.host = "n1";
        upgrade.protocol = kStreamProtocol;
        socket = std::make_unique<UpgradedSocket>(core.loop, *dialer->dial("n1"), upgrade, ear);
      });
      ASSERT_TRUE(core.eventually([&] { return ear.connected; })) << ear.end->message();
      core.run([&] { socket->send(bytes); });
      EXPECT_TRUE(core.eventually([&] { return ear.end.has_value(); })) << to_string(kind) << bytes;
      core.run([&] { socket.reset(); });
    }
  }
  // Frames that mean nothing to a kind change nothing.
  SocketEar ear;
  std::unique_ptr<UpgradedSocket> socket;
  core.run([&] {
    UpgradeRequest upgrade;
    upgrade.target = std::string(kStreamPath) + "exec";
    upgrade.host = "n1";
    upgrade.protocol = kStreamProtocol;
    socket = std::make_unique<UpgradedSocket>(core.loop, *dialer->dial("n1"), upgrade, ear);
  });
  ASSERT_TRUE(core.eventually([&] { return ear.connected; }));
  core.run([&] { socket->send(open + frame(FrameType::data, "too early")); });
  ASSERT_TRUE(core.eventually([&] { return ear.text == frame(FrameType::opened); })) << ear.text;
  core.run([&] {
    socket->send(frame(FrameType::over, "?") + frame(FrameType::resize, "?") +
                 frame(FrameType::start) + frame(FrameType::start) + frame(FrameType::ended) +
                 frame(FrameType::data, "too late"));
  });
  EXPECT_TRUE(core.eventually([&] { return ear.end.has_value(); }));
  EXPECT_NE(ear.text.find("\"exitCode\":7"), std::string::npos) << ear.text;
  core.run([&] {
    socket.reset();
    endpoint.reset();
  });
  core.stop();
}

}  // namespace
}  // namespace keelson::node::test
