// From an API server to a node and back: RemoteStreams and NodeEndpoint over real TLS.
#include "runtime/node/remote_streams.hpp"

#include "fake_streams.hpp"
#include "node_fixture.hpp"

namespace keelson::node::test {
namespace {

class RemoteStreamsTest : public ::testing::Test {
 protected:
  ~RemoteStreamsTest() override {
    core_.run([&] {
      log_.reset();
      command_.reset();
      connection_.reset();
      remote_.reset();
      endpoint_.reset();
    });
    core_.stop();
  }

  void serve(NodeEndpointOptions options, NodeFacts facts = {}) {
    core_.run([&] {
      auto started =
          NodeEndpoint::start(core_.loop, null_, std::move(options), fake_, std::move(facts));
      ASSERT_TRUE(started.ok()) << started.error().message;
      endpoint_ = std::move(*started);
      cluster_.add_node("n1", endpoint_->port());
    });
  }
  void reach(const std::string& user = "kube-apiserver") {
    core_.run(
        [&] { remote_ = std::make_unique<RemoteStreams>(core_.loop, cluster_.dialer(user)); });
  }
  agent::ContainerStreams& node() { return **remote_->of("n1"); }
  // An HTTP request to the node's endpoint, and its whole answer.
  std::string get(const std::string& path) {
    ByteEar ear;
    core_.run([&] {
      connection_ = node().connect_agent(ear);
      connection_->send("GET " + path + " HTTP/1.1\r\nHost: n1\r\nConnection: close\r\n\r\n");
    });
    EXPECT_TRUE(core_.eventually([&] { return ear.end.has_value(); }));
    core_.run([&] { connection_.reset(); });
    return ear.end && ear.end->ok() ? ear.text : ear.end->message();
  }

  CoreThread core_;
  NullLog null_;
  Cluster cluster_;
  FakeStreams fake_{core_.loop};
  std::unique_ptr<NodeEndpoint> endpoint_;
  std::unique_ptr<RemoteStreams> remote_;
  std::unique_ptr<agent::LogStream> log_;
  std::unique_ptr<agent::CommandSession> command_;
  std::unique_ptr<agent::ByteStream> connection_;
};

agent::CommandOptions cat() {
  agent::CommandOptions options;
  options.command = {"cat", "-n"};
  options.input = options.output = options.errors = true;
  return options;
}

TEST_F(RemoteStreamsTest, CarriesACommand) {
  serve(cluster_.endpoint());
  reach();
  CommandEar ear;
  core_.run([&] { command_ = node().exec({make_pod(), "c"}, cat(), ear); });
  ASSERT_TRUE(core_.eventually([&] { return ear.open; }));
  core_.run([&] {
    EXPECT_EQ(fake_.asked.pod.name(), "web");
    EXPECT_EQ(fake_.asked.pod.uid(), "u1");
    EXPECT_EQ(fake_.asked.container, "c");
    command_->start();
    command_->resize(120, 40);
    command_->write("hello");
    command_->end_input();
  });
  ASSERT_TRUE(core_.eventually([&] { return ear.exit.has_value(); }));
  EXPECT_EQ(ear.output, "hello120x40");
  EXPECT_EQ(ear.errors, "cat");
  ASSERT_TRUE(ear.exit->ok());
  EXPECT_EQ(**ear.exit, 7);
}

TEST_F(RemoteStreamsTest, CarriesMegabytesBothWays) {
  serve(cluster_.endpoint());
  reach();
  CommandEar ear;
  const std::size_t total = 20 * 1024 * 1024;
  std::size_t sent = 0;
  bool was_blocked = false;
  core_.run([&] {
    ear.on_opened = [&] { command_->start(); };
    command_ = node().exec({make_pod(), "c"}, cat(), ear);
  });
  ASSERT_TRUE(core_.eventually([&] { return ear.open; }));
  ASSERT_TRUE(core_.eventually([&] {
    while (sent < total && !command_->blocked()) {
      command_->write(std::string(100'000, static_cast<char>('a' + sent / 100'000 % 26)));
      sent += 100'000;
    }
    was_blocked |= command_->blocked();
    if (sent >= total) command_->end_input();
    return ear.exit.has_value();
  }));
  EXPECT_TRUE(was_blocked);
  EXPECT_GT(ear.writable, 0);
  ASSERT_EQ(ear.output.size(), sent);
  for (std::size_t at = 0; at < sent; at += 50'000) {
    ASSERT_EQ(ear.output[at], static_cast<char>('a' + at / 100'000 % 26)) << at;
  }
}

TEST_F(RemoteStreamsTest, SaysWhyACommandCannotRun) {
  serve(cluster_.endpoint());
  reach();
  CommandEar ear;
  agent::CommandOptions options = cat();
  options.command = {"missing"};
  core_.run([&] { command_ = node().exec({make_pod(), "c"}, options, ear); });
  ASSERT_TRUE(core_.eventually([&] { return ear.exit.has_value(); }));
  EXPECT_FALSE(ear.open);
  ASSERT_FALSE(ear.exit->ok());
  EXPECT_EQ(ear.exit->code(), Code::not_found);
  EXPECT_EQ(ear.exit->error().message, "container not found (\"c\")");
}

TEST_F(RemoteStreamsTest, PausesTheSourceOfALogThatNobodyReads) {
  serve(cluster_.endpoint());
  reach();
  LogEar ear;
  agent::LogOptions options;
  options.follow = true;
  options.tail_lines = 12;
  options.since_ago = 3s;
  options.source = agent::LogSource::standard_error;
  core_.run([&] { log_ = node().logs({make_pod(), "c"}, options, ear); });
  ASSERT_TRUE(core_.eventually([&] { return ear.text.size() > 100'000; }));
  EXPECT_EQ(fake_.log.tail_lines, 12);
  EXPECT_EQ(fake_.log.since_ago, Duration(3s));
  EXPECT_EQ(fake_.log.source, agent::LogSource::standard_error);
  EXPECT_FALSE(fake_.log.previous);
  core_.run([&] { log_->pause(true); });
  // The kernel's buffers fill, then the writer stops.
  uint64_t before = 0;
  ASSERT_TRUE(core_.eventually([&] {
    const bool still = fake_.written == before;
    before = fake_.written;
    std::this_thread::sleep_for(50ms);
    return still;
  }));
  const std::size_t held = ear.text.size();
  EXPECT_LT(fake_.written - held, 64u * 1024 * 1024);
  core_.run([&] { log_->pause(false); });
  EXPECT_TRUE(core_.eventually([&] { return ear.text.size() > before + 100'000; }));
  core_.run([&] { log_.reset(); });
  // The node lets go of its source.
  EXPECT_TRUE(core_.eventually([&] {
    const bool still = fake_.written == before;
    before = fake_.written;
    std::this_thread::sleep_for(20ms);
    return still;
  }));
}

TEST_F(RemoteStreamsTest, CarriesConnectionsThatEndInEachDirection) {
  serve(cluster_.endpoint());
  reach();
  ByteEar ear;
  core_.run([&] {
    connection_ = node().connect(make_pod(), 8080, ear);
    connection_->send("ping");
  });
  ASSERT_TRUE(core_.eventually([&] { return ear.text == "ping"; }));
  EXPECT_TRUE(ear.open);
  EXPECT_FALSE(ear.end);
  core_.run([&] {
    connection_->send("pong");
    connection_->end();
  });
  ASSERT_TRUE(core_.eventually([&] { return ear.end.has_value(); }));
  EXPECT_TRUE(ear.end->ok()) << ear.end->message();
  EXPECT_EQ(ear.text, "pingpong");

  ByteEar refused;
  core_.run([&] { connection_ = node().connect(make_pod(), 1, refused); });
  ASSERT_TRUE(core_.eventually([&] { return refused.end.has_value(); }));
  EXPECT_EQ(refused.end->code(), Code::invalid);
  EXPECT_EQ(refused.end->message(), "connection refused");
}

TEST_F(RemoteStreamsTest, FindsPods) {
  serve(cluster_.endpoint());
  reach();
  std::optional<Result<Unit>> web, other;
  core_.run([&] {
    node().find_pod(make_pod(), [&](Result<Unit> found) { web = std::move(found); });
    node().find_pod(make_pod("gone"), [&](Result<Unit> found) { other = std::move(found); });
  });
  ASSERT_TRUE(core_.eventually([&] { return web && other; }));
  EXPECT_TRUE(web->ok());
  EXPECT_EQ(other->code(), Code::not_found);
}

TEST_F(RemoteStreamsTest, SaysThatANodeDoesNotListen) {
  serve(cluster_.endpoint());
  reach();
  const std::string where = "127.0.0.1:" + std::to_string(endpoint_->port());
  core_.run([&] { endpoint_.reset(); });
  CommandEar command;
  LogEar log;
  core_.run([&] {
    command_ = node().exec({make_pod(), "c"}, cat(), command);
    log_ = node().logs({make_pod(), "c"}, {}, log);
  });
  ASSERT_TRUE(core_.eventually([&] { return command.exit && log.end; }));
  EXPECT_EQ(command.exit->code(), Code::unavailable);
  EXPECT_EQ(command.exit->error().message, "dial tcp " + where + ": connect: connection refused");
  EXPECT_EQ(log.end->message(), "Get \"https://" + where +
                                    "/containerLogs/default/web/c\": dial tcp " + where +
                                    ": connect: connection refused");
  core_.run([&] {
    const auto unknown = remote_->of("n2");
    ASSERT_FALSE(unknown.ok());
    EXPECT_EQ(unknown.error().message, "dial tcp: lookup n2: no such host");
  });
}

TEST_F(RemoteStreamsTest, GivesUpOnANodeThatSaysNothing) {
  const SilentListener silent;
  CommandEar command;
  ByteEar bytes;
  core_.run([&] {
    cluster_.add_node("n1", silent.port());
    remote_ = std::make_unique<RemoteStreams>(core_.loop, cluster_.dialer("kube-apiserver", 100ms));
    command_ = node().exec({make_pod(), "c"}, cat(), command);
    connection_ = node().connect_agent(bytes);
  });
  ASSERT_TRUE(core_.eventually([&] { return command.exit && bytes.end; }));
  const std::string why = "dial tcp 127.0.0.1:" + std::to_string(silent.port()) + ": i/o timeout";
  EXPECT_EQ(command.exit->code(), Code::unavailable);
  EXPECT_EQ(command.exit->error().message, why);
  EXPECT_EQ(bytes.end->message(), why);
}

TEST_F(RemoteStreamsTest, TrustsNoOtherNodesCertificate) {
  serve(cluster_.endpoint("system:node:n2"));
  reach();
  CommandEar ear;
  core_.run([&] { command_ = node().exec({make_pod(), "c"}, cat(), ear); });
  ASSERT_TRUE(core_.eventually([&] { return ear.exit.has_value(); }));
  EXPECT_NE(ear.exit->error().message.find("the certificate is of \"system:node:n2\""),
            std::string::npos)
      << ear.exit->error().message;
  EXPECT_FALSE(ear.open);
}

TEST_F(RemoteStreamsTest, ServesTheApiServerAlone) {
  serve(cluster_.endpoint());
  reach("system:node:n2");
  CommandEar ear;
  core_.run([&] { command_ = node().exec({make_pod(), "c"}, cat(), ear); });
  ASSERT_TRUE(core_.eventually([&] { return ear.exit.has_value(); }));
  EXPECT_EQ(ear.exit->code(), Code::denied);
  EXPECT_EQ(ear.exit->error().message, "Forbidden (user=system:node:n2)");
  EXPECT_NE(get("/pods").find("403 Forbidden"), std::string::npos);
  EXPECT_NE(get("/metrics").find("403 Forbidden"), std::string::npos);
  EXPECT_NE(get("/healthz").find("200 OK"), std::string::npos);
}

TEST_F(RemoteStreamsTest, ShowsACertificateThatWasRenewed) {
  serve(cluster_.endpoint());
  NodeDialer dialer = cluster_.dialer("somebody");
  core_.run([&] { remote_ = std::make_unique<RemoteStreams>(core_.loop, dialer); });
  EXPECT_NE(get("/metrics").find("403 Forbidden"), std::string::npos);
  const runtime::KeyPair pair = cluster_.certificate("kube-apiserver");
  core_.run([&] {
    // One that is of no use changes nothing.
    EXPECT_FALSE(dialer.use_certificate("junk", "junk").ok());
    EXPECT_TRUE(dialer.use_certificate(pair.certificate, pair.key).ok());
  });
  EXPECT_NE(get("/metrics").find("200 OK"), std::string::npos);
}

TEST_F(RemoteStreamsTest, ShowsWhatTheNodeSaysOfItself) {
  Status health;
  NodeFacts facts;
  facts.health = [&] { return health; };
  facts.pods = [] { return std::vector{make_pod()}; };
  facts.metrics = [] { return std::string("keelson_extra 3\n"); };
  serve(cluster_.endpoint(), std::move(facts));
  reach();
  EXPECT_TRUE(get("/healthz").ends_with("\r\n\r\nok"));
  core_.run([&] { health = {Code::unavailable, "the runtime is down"}; });
  const std::string ill = get("/healthz");
  EXPECT_NE(ill.find("500 Internal"), std::string::npos) << ill;
  EXPECT_TRUE(ill.ends_with("the runtime is down\n")) << ill;
  const std::string pods = get("/pods");
  EXPECT_NE(pods.find(R"("kind":"PodList")"), std::string::npos);
  EXPECT_NE(pods.find(R"("uid":"u1")"), std::string::npos);
  const std::string metrics = get("/metrics");
  EXPECT_NE(metrics.find("kubelet_node_name{node=\"n1\"} 1\n"), std::string::npos) << metrics;
  EXPECT_NE(metrics.find("keelson_extra 3\n"), std::string::npos);
  EXPECT_NE(metrics.find("\nkubelet_http_requests_total{path=\"healthz\"} 2\n"), std::string::npos)
      << metrics;
  EXPECT_NE(metrics.find("\nprocess_resident_memory_bytes "), std::string::npos);
  EXPECT_NE(metrics.find("\nprocess_cpu_seconds_total "), std::string::npos);
  EXPECT_NE(get("/stats/summary").find("404"), std::string::npos);
  EXPECT_NE(get("/keelson/v1/streams/exec").find("400"), std::string::npos);
  EXPECT_NE(get("/keelson/v1/streams/nothing").find("404"), std::string::npos);
}

// A user that lets go of its stream at the n-th thing it hears.
struct Quitter final : agent::LogUser, agent::CommandUser, agent::ByteStreamUser {
  void on_open() override { count(); }
  void on_log(std::string_view) override { count(); }
  void on_log_end(Status) override { count(); }
  void on_output(agent::Output, std::string_view) override { count(); }
  void on_writable() override {}
  void on_exit(Result<int32_t>) override { count(); }
  void on_bytes(std::string_view) override { count(); }
  void on_end(Status) override { count(); }
  void count() {
    EXPECT_FALSE(gone);
    if (++heard < quits_at) {
      if (!command || heard > 1) return;
      command->start();
      command->write("x");
      return command->end_input();
    }
    gone = true;
    log.reset();
    command.reset();
    connection.reset();
  }
  int heard = 0, quits_at = 1;
  bool gone = false;
  std::unique_ptr<agent::LogStream> log;
  std::unique_ptr<agent::CommandSession> command;
  std::unique_ptr<agent::ByteStream> connection;
};

TEST_F(RemoteStreamsTest, MayBeLeftInAnyCallback) {
  serve(cluster_.endpoint());
  reach();
  for (int quits_at = 1; quits_at <= 3; ++quits_at) {
    Quitter log, command, connection;
    log.quits_at = command.quits_at = connection.quits_at = quits_at;
    core_.run([&] {
      log.log = node().logs({make_pod(), "c"}, {}, log);
      command.command = node().exec({make_pod(), "c"}, cat(), command);
      connection.connection = node().connect(make_pod(), 80, connection);
      connection.connection->send("x");
      connection.connection->end();
    });
    EXPECT_TRUE(core_.eventually([&] { return log.gone && connection.gone; }));
    EXPECT_TRUE(core_.eventually([&] { return command.gone; })) << quits_at << command.heard;
  }
}

TEST_F(RemoteStreamsTest, EndsStreamsWithTheEndpoint) {
  serve(cluster_.endpoint());
  reach();
  CommandEar ear;
  core_.run([&] { command_ = node().exec({make_pod(), "c"}, cat(), ear); });
  ASSERT_TRUE(core_.eventually([&] { return ear.open; }));
  core_.run([&] { endpoint_.reset(); });
  ASSERT_TRUE(core_.eventually([&] { return ear.exit.has_value(); }));
  EXPECT_EQ(ear.exit->code(), Code::unavailable);
}

}  // namespace
}  // namespace keelson::node::test
