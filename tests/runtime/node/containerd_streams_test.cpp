// The whole way, against a real containerd: API server's end, TLS, the node's endpoint, containers.
#include "node_fixture.hpp"
#include "runtime/node/cri_streaming.hpp"
#include "runtime/node/local_streams.hpp"
#include "runtime/node/remote_usage.hpp"
#include "tests/runtime/cri/cri_fixture.hpp"

namespace keelson::node::test {
namespace {

class ContainerdStreams : public keelson::test::CriTest {
 protected:
  // Before any thread is made: containerd takes this one, and those made from it, into a network of
  // its own.
  static void SetUpTestSuite() { containerd(); }
  void SetUp() override {
    CriTest::SetUp();
    if (IsSkipped()) return;
    loop.on_loop([&] {
      streaming_ = std::make_unique<CriStreaming>(*loop.runtime.owned);
      local_ = std::make_unique<LocalStreams>(loop.loop, *streaming_,
                                              loop.runtime->options().log_directory);
      sampler_ = std::make_unique<StatsSampler>(loop.loop, *streaming_, 500ms);
      NodeFacts facts;
      facts.stats = sampler_.get();
      auto started = NodeEndpoint::start(loop.loop, loop.log, cluster_.endpoint(), *local_, facts);
      ASSERT_TRUE(started.ok()) << started.error().message;
      endpoint_ = std::move(started).value();
      cluster_.add_node("n1", endpoint_->port());
      remote_ = std::make_unique<RemoteStreams>(loop.loop, cluster_.dialer());
    });
  }
  void TearDown() override {
    loop.on_loop([&] {
      log_.reset();
      command_.reset();
      connection_.reset();
      usage_.reset();
      remote_.reset();
      endpoint_.reset();
      sampler_.reset();
      local_.reset();
      streaming_.reset();
    });
    CriTest::TearDown();
  }
  // Within a minute.
  bool eventually(const std::function<bool()>& holds) {
    for (int i = 0; i < 3000; ++i) {
      bool now = false;
      loop.on_loop([&] { now = holds(); });
      if (now) return true;
      std::this_thread::sleep_for(20ms);
    }
    return false;
  }
  static api::Ref<api::Pod> ref(const std::shared_ptr<const api::Pod>& pod) {
    api::Pod copy = *pod;
    copy.mutable_spec()->set_node_name("n1");
    return api::Ref<api::Pod>(api::make_object(std::move(copy)));
  }
  agent::ContainerStreams& node() { return **remote_->of("n1"); }
  // Runs a command to its end, with that input.
  void exec(const std::shared_ptr<const api::Pod>& pod, std::vector<std::string> words,
            const std::string* input = nullptr) {
    ear_ = {};
    agent::CommandOptions options;
    options.command = std::move(words);
    options.output = options.errors = true;
    options.input = input != nullptr;
    loop.on_loop([&] {
      ear_.on_opened = [this, input] {
        command_->start();
        if (input == nullptr) return;
        command_->write(*input);
        command_->end_input();
      };
      command_ = node().exec({ref(pod), "main"}, options, ear_);
    });
    ASSERT_TRUE(eventually([&] { return ear_.exit.has_value(); })) << ear_.output << ear_.errors;
  }

  Cluster cluster_;
  std::unique_ptr<CriStreaming> streaming_;
  std::unique_ptr<LocalStreams> local_;
  std::unique_ptr<StatsSampler> sampler_;
  std::unique_ptr<NodeEndpoint> endpoint_;
  std::unique_ptr<RemoteStreams> remote_;
  std::unique_ptr<RemoteUsage> usage_;
  std::unique_ptr<agent::LogStream> log_;
  std::unique_ptr<agent::CommandSession> command_;
  std::unique_ptr<agent::ByteStream> connection_;
  CommandEar ear_;
  LogEar log_ear_;
};

TEST_F(ContainerdStreams, RunsCommands) {
  const auto pod = keelson::test::shell_pod("exec", "sleep 600");
  run(pod);
  exec(pod, {"sh", "-c", "echo out; echo err >&2; exit 3"});
  EXPECT_EQ(ear_.output, "out\n");
  EXPECT_EQ(ear_.errors, "err\n");
  ASSERT_TRUE(ear_.exit->ok()) << ear_.exit->error().message;
  EXPECT_EQ(**ear_.exit, 3);

  // The end of the input reaches the command.
  const std::string input(3'000'000, 'x');
  exec(pod, {"wc", "-c"}, &input);
  ASSERT_TRUE(ear_.exit->ok()) << ear_.exit->error().message;
  EXPECT_EQ(**ear_.exit, 0);
  EXPECT_EQ(std::stol(ear_.output), 3'000'000);

  exec(pod, {"head", "-c", "5000000", "/dev/zero"});
  EXPECT_EQ(ear_.output.size(), 5'000'000u);

  exec(pod, {"no-such-program"});
  if (ear_.exit->ok()) {
    EXPECT_NE(**ear_.exit, 0);
  } else {
    EXPECT_NE(ear_.exit->error().message.find("no-such-program"), std::string::npos)
        << ear_.exit->error().message;
  }
}

TEST_F(ContainerdStreams, GivesCommandsATerminal) {
  const auto pod = keelson::test::shell_pod("tty", "sleep 600");
  run(pod);
  agent::CommandOptions options;
  options.command = {"sh"};
  options.input = options.output = options.tty = true;
  loop.on_loop([&] {
    ear_.on_opened = [&] {
      command_->start();
      command_->resize(100, 40);
    };
    command_ = node().exec({ref(pod), "main"}, options, ear_);
  });
  // The size and the input come by ways of their own.
  ASSERT_TRUE(eventually([&] {
    if (ear_.open) command_->write("stty size\r");
    std::this_thread::sleep_for(50ms);
    return ear_.output.find("40 100") != std::string::npos;
  })) << ear_.output;
  loop.on_loop([&] { command_->write("exit 5\r"); });
  ASSERT_TRUE(eventually([&] { return ear_.exit.has_value(); }));
  ASSERT_TRUE(ear_.exit->ok()) << ear_.exit->error().message;
  EXPECT_EQ(**ear_.exit, 5);
}

TEST_F(ContainerdStreams, AttachesToTheContainersProcess) {
  const auto pod = keelson::test::shell_pod("attach", "read line; echo got $line; exit 4",
                                            "    stdin: true\n    stdinOnce: true\n");
  const Running running = run(pod);
  agent::CommandOptions options;
  options.input = options.output = options.errors = true;
  loop.on_loop([&] {
    ear_.on_opened = [&] {
      command_->start();
      command_->write("hello\n");
    };
    command_ = node().attach({ref(pod), "main"}, options, ear_);
  });
  ASSERT_TRUE(eventually([&] { return ear_.exit.has_value(); })) << ear_.output;
  EXPECT_EQ(ear_.output, "got hello\n");
  EXPECT_TRUE(ear_.exit->ok()) << ear_.exit->error().message;
  EXPECT_EQ(ended(running.container).exit_code, 4);
}

TEST_F(ContainerdStreams, FollowsALogToItsEnd) {
  const auto pod = keelson::test::shell_pod(
      "logs", "for i in 1 2 3 4 5; do echo line $i; echo error $i >&2; sleep 0.3; done");
  const Running running = run(pod);
  loop.on_loop([&] { log_ = node().logs({ref(pod), "main"}, {.follow = true}, log_ear_); });
  ASSERT_TRUE(eventually([&] { return log_ear_.end.has_value(); }));
  EXPECT_TRUE(log_ear_.end->ok()) << log_ear_.end->message();
  EXPECT_EQ(std::ranges::count(log_ear_.text, '\n'), 10) << log_ear_.text;
  EXPECT_NE(log_ear_.text.find("error 5\n"), std::string::npos) << log_ear_.text;

  LogEar tail;
  loop.on_loop([&] {
    log_ = node().logs(
        {ref(pod), "main"},
        {.timestamps = true, .tail_lines = 1, .source = agent::LogSource::standard_output}, tail);
  });
  ASSERT_TRUE(eventually([&] { return tail.end.has_value(); }));
  EXPECT_TRUE(tail.text.ends_with("Z line 5\n")) << tail.text;
}

TEST_F(ContainerdStreams, ReachesWhatListensInsideThePod) {
  const auto pod = keelson::test::shell_pod("forward", "httpd -f -p 127.0.0.1:8080 -h /bin");
  run(pod);
  ByteEar ear;
  ASSERT_TRUE(eventually([&] {
    // Until it listens.
    if (!connection_ || (ear.end && !ear.open)) {
      ear = {};
      connection_ = node().connect(ref(pod), 8080, ear);
      connection_->send("GET /busybox HTTP/1.0\r\n\r\n");
    }
    return ear.open && ear.end;
  })) << (ear.end ? ear.end->message() : "");
  EXPECT_TRUE(ear.end->ok()) << ear.end->message();
  EXPECT_TRUE(ear.text.starts_with("HTTP/1.1 200 OK\r\n")) << ear.text.substr(0, 200);
  EXPECT_GT(ear.text.size(), 500'000u);  // the whole program
}

TEST_F(ContainerdStreams, MeasuresContainers) {
  const auto pod = keelson::test::shell_pod("busy", "while true; do :; done");
  run(pod);
  loop.on_loop([&] {
    usage_ = std::make_unique<RemoteUsage>(loop.loop, cluster_.dialer(),
                                           RemoteUsageOptions{.every = 500ms});
  });
  const api::Ref<api::Pod> asked = ref(pod);
  rest::Usage used;
  ASSERT_TRUE(eventually([&] {
    const auto usage = usage_->of_container(*asked, "main");
    if (usage) used = *usage;
    return used.cpu_nanocores > 10'000'000;
  }));
  EXPECT_GT(used.memory_bytes, 0);
}

}  // namespace
}  // namespace keelson::node::test
