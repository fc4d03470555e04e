// Commands through a streaming server that speaks SPDY/3.1 as the container runtime's does: the API
// server's own end of that protocol plays it.
#include "runtime/node/local_command.hpp"

#include "core/rest/streams/answers.hpp"
#include "core/rest/streams/spdy_command.hpp"
#include "fake_runtime.hpp"
#include "fake_streams.hpp"
#include "node_fixture.hpp"
#include "runtime/http/server.hpp"
#include "runtime/node/local_streams.hpp"

namespace keelson::node::test {
namespace {

// Runs what FakeStreams offers for whoever comes.
class StreamingServer final : private rest::Handler {
 public:
  StreamingServer(CoreThread& core, agent::CommandOptions options)
      : core_(core), streams_(core.loop), options_(std::move(options)) {
    const http::PostToCore post = [&core](http::Work work) {
      core.loop.post_from_any_thread(std::move(work));
    };
    auto started = http::HttpServer::start({}, *this, post, null_);
    server_ = std::move(started).value();
  }
  std::string url() const { return server_->url() + "/exec/token"; }

 private:
  void handle(rest::HttpRequest request, rest::ExchangePtr exchange) override {
    if (request.target != "/exec/token" ||
        request.header("X-Stream-Protocol-Version") != "v4.channel.k8s.io") {
      return rest::answer_text(*exchange, 404, "no such token");
    }
    rest::RemoteCommand::Call call{{make_pod(), "c"}, options_, false};
    std::make_shared<rest::SpdyCommand>(keeper_, std::move(call), 4, core_.loop)
        ->begin(streams_, std::move(exchange));
  }

  CoreThread& core_;
  FakeStreams streams_;
  agent::CommandOptions options_;
  NullLog null_;
  rest::Keeper keeper_;
  std::unique_ptr<http::HttpServer> server_;
};

class LocalCommandTest : public ::testing::Test {
 protected:
  ~LocalCommandTest() override {
    core_.run([&] {
      command_.reset();
      streams_.reset();
      server_.reset();
    });
    core_.stop();
  }
  void serve(const agent::CommandOptions& options) {
    core_.run([&] {
      server_ = std::make_unique<StreamingServer>(core_, options);
      runtime_.url = server_->url();
      runtime_.add_container("u1", "c", 0, agent::ContainerState::running);
      streams_ = std::make_unique<LocalStreams>(core_.loop, runtime_, "/nowhere");
    });
  }
  void begin(const agent::CommandOptions& options, bool attach = false) {
    core_.run([&] {
      ear_.on_opened = [&] { command_->start(); };
      command_ = attach ? streams_->attach({make_pod(), "c"}, options, ear_)
                        : streams_->exec({make_pod(), "c"}, options, ear_);
    });
    ASSERT_TRUE(core_.eventually([&] { return ear_.open || ear_.exit; }));
  }

  CoreThread core_;
  FakeRuntime runtime_{core_.loop};
  std::unique_ptr<StreamingServer> server_;
  std::unique_ptr<LocalStreams> streams_;
  std::unique_ptr<agent::CommandSession> command_;
  CommandEar ear_;
};

agent::CommandOptions shell() {
  agent::CommandOptions options;
  options.command = {"sh"};
  options.input = options.output = options.errors = true;
  return options;
}

TEST_F(LocalCommandTest, HasInputOutputErrorsAndAnExitCode) {
  serve(shell());
  begin(shell());
  core_.run([&] {
    command_->write("typed before the connection is there");
    command_->end_input();
  });
  ASSERT_TRUE(core_.eventually([&] { return ear_.exit.has_value(); }));
  EXPECT_EQ(ear_.output, "typed before the connection is there");
  EXPECT_EQ(ear_.errors, "sh");
  ASSERT_TRUE(ear_.exit->ok()) << ear_.exit->error().message;
  EXPECT_EQ(**ear_.exit, 7);
}

TEST_F(LocalCommandTest, HasATerminalThatChangesItsSize) {
  agent::CommandOptions options = shell();
  options.tty = true;
  options.errors = false;
  serve(options);
  begin(options);
  core_.run([&] {
    command_->resize(80, 24);
    command_->resize(132, 50);
    command_->write("x");
  });
  ASSERT_TRUE(core_.eventually([&] { return ear_.output == "x"; }));
  std::this_thread::sleep_for(20ms);  // sizes and input come on streams of their own
  core_.run([&] { command_->end_input(); });
  ASSERT_TRUE(core_.eventually([&] { return ear_.exit.has_value(); }));
  EXPECT_EQ(ear_.output, "x132x50");
}

TEST_F(LocalCommandTest, CarriesMegabytesAndSlowsTheWriterDown) {
  serve(shell());
  begin(shell());
  const std::size_t total = 16'000'000;
  std::size_t sent = 0;
  ASSERT_TRUE(core_.eventually([&] {
    while (sent < total && !command_->blocked()) {
      command_->write(std::string(100'000, 'x'));
      sent += 100'000;
    }
    if (sent >= total) command_->end_input();
    return ear_.exit.has_value();
  }));
  EXPECT_EQ(ear_.output.size(), total);
  EXPECT_GT(ear_.writable, 0);
}

TEST_F(LocalCommandTest, SaysHowAnAttachedProcessEnded) {
  agent::CommandOptions options = shell();
  options.errors = false;
  serve(options);
  core_.run([&] { runtime_.state.containers[0].exit_code = 3; });
  begin(options, true);
  core_.run([&] {
    command_->write("x");
    command_->end_input();
  });
  ASSERT_TRUE(core_.eventually([&] { return ear_.exit.has_value(); }));
  EXPECT_EQ(ear_.output, "x");
  ASSERT_TRUE(ear_.exit->ok());
  EXPECT_EQ(**ear_.exit, 7);  // the server has said it by itself
}

TEST_F(LocalCommandTest, SaysWhyItCannotBeRun) {
  serve(shell());
  core_.run([&] { runtime_.url += "x"; });
  begin(shell());
  ASSERT_TRUE(core_.eventually([&] { return ear_.exit.has_value(); }));
  EXPECT_EQ(ear_.exit->error().message, "no such token");

  core_.run([&] {
    ear_ = {};
    runtime_.state.containers[0].state = agent::ContainerState::exited;
  });
  begin(shell());
  ASSERT_TRUE(core_.eventually([&] { return ear_.exit.has_value(); }));
  EXPECT_EQ(ear_.exit->code(), Code::not_found);
  EXPECT_EQ(ear_.exit->error().message, "container not found (\"c\")");
}

TEST(CommandStatus, IsReadAsTheRuntimeWritesIt) {
  EXPECT_EQ(*read_command_status(R"({"metadata":{},"status":"Success"})"), 0);
  EXPECT_EQ(*read_command_status(R"({"metadata":{},"status":"Failure","message":"x",
      "reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"137"}]}})"),
            137);
  const auto failed = read_command_status(
      R"({"status":"Failure","message":"Internal error occurred: error executing command in container: boom"})");
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().message, "boom");
  EXPECT_FALSE(read_command_status("").ok());
  EXPECT_FALSE(read_command_status("[]").ok());
  EXPECT_FALSE(
      read_command_status(
          R"({"status":"Failure","details":{"causes":[{"reason":"ExitCode","message":"x"}]}})")
          .ok());
}

}  // namespace
}  // namespace keelson::node::test
