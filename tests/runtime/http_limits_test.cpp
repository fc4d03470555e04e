// Slow clients, too many clients, and the orderly end.
#include <fstream>
#include <sstream>

#include "tests/runtime/http_fixture.hpp"
#include "tests/runtime/test_pki.hpp"

namespace keelson::http::test {
namespace {

using std::chrono::milliseconds;

const std::string kEcho = "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n";
const std::string kWatch = "GET /watch HTTP/1.1\r\nHost: x\r\n\r\n";

// Watches that stay open, by the handler's own hand.
struct Watches {
  void serve(TestServer& server) {
    server.handler.on("/watch", [this](rest::HttpRequest, rest::ExchangePtr exchange) {
      exchange->on_gone([this] { ++gone; });
      exchange->on_drained([this] { ++drained; });
      exchange->begin(200, {});
      open.push_back(std::move(exchange));
    });
  }
  std::vector<rest::ExchangePtr> open;  // core thread
  std::atomic<int> gone{0}, drained{0};
};

TEST(HttpLimits, ASlowHeadIsTimedOut) {
  ServerOptions options;
  options.limits.header_read = milliseconds(50);
  TestServer server(options);
  RawSocket socket(server.port());
  socket.send("GET /echo HTTP/1.1\r\nHo");
  EXPECT_NE(socket.read_all().find("HTTP/1.1 408"), std::string::npos);
  EXPECT_TRUE(socket.ended());
  EXPECT_EQ(server->stats().slow_requests, 1u);
}

TEST(HttpLimits, ASlowBodyIsTimedOut) {
  ServerOptions options;
  options.limits.body_read = milliseconds(50);
  TestServer server(options);
  RawSocket socket(server.port());
  socket.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc");
  EXPECT_NE(socket.read_all().find("HTTP/1.1 408"), std::string::npos);
  EXPECT_EQ(server->stats().slow_requests, 1u);
}

TEST(HttpLimits, IdleConnectionsAreClosed) {
  ServerOptions options;
  options.limits.idle = milliseconds(50);
  TestServer server(options);
  RawSocket socket(server.port());
  socket.send(kEcho);
  EXPECT_TRUE(socket.read_all().ends_with("hello"));
  EXPECT_TRUE(socket.ended());
  EXPECT_EQ(server->stats().idle_closed, 1u);
}

TEST(HttpLimits, AReaderThatTakesNothingIsDropped) {
  ServerOptions options;
  options.limits.write_stall = milliseconds(100);
  TestServer server(options);
  Watches watches;
  watches.serve(server);
  RawSocket socket(server.port(), 4096);
  socket.send(kWatch);
  ASSERT_TRUE(eventually([&] { return server->stats().streams == 1; }));
  bool blocked = false;
  server.on_core([&] {
    const auto piece = std::make_shared<const std::string>(std::string(1 << 20, 'e'));
    for (int i = 0; i < 32; ++i) watches.open[0]->write({piece});
    blocked = watches.open[0]->blocked();
  });
  EXPECT_TRUE(blocked);
  EXPECT_TRUE(eventually([&] { return watches.gone == 1; }));
  EXPECT_EQ(server->stats().slow_readers, 1u);
  server.on_core([&] { watches.open.clear(); });
}

TEST(HttpLimits, LargeAnswersThatNobodyReadsAreBounded) {
  constexpr std::size_t kSize = 16 << 20;  // more than sockets hold
  ServerOptions options;
  options.limits.unsent_answers_bytes = 2 * kSize;
  TestServer server(options);
  server.handler.on("/large", [](rest::HttpRequest, rest::ExchangePtr exchange) {
    exchange->respond({200, {}, std::string(kSize, 'x')});
  });
  const std::string ask = "GET /large HTTP/1.1\r\nHost: x\r\n\r\n";
  RawSocket first(server.port(), 4096), second(server.port(), 4096), third(server.port());
  first.send(ask);
  first.read_until("\r\n\r\n");
  second.send(ask);
  second.read_until("\r\n\r\n");
  third.send(ask);
  EXPECT_EQ(third.read_until("\r\n").substr(0, 12), "HTTP/1.1 429");
  EXPECT_EQ(server->stats().refused_answers, 1u);
  // What is small is still answered, and what is large once somebody has read, or gone.
  RawSocket small(server.port());
  small.send(kEcho);
  EXPECT_EQ(small.read_until("hello").substr(0, 12), "HTTP/1.1 200");
  first.read_until([](const std::string& got) { return got.size() > kSize; });
  second.close();
  EXPECT_TRUE(eventually([&] { return server->stats().connections <= 3; }));
  RawSocket fourth(server.port()), fifth(server.port());
  fourth.send(ask);
  EXPECT_EQ(fourth.read_until("\r\n").substr(0, 12), "HTTP/1.1 200");
  fifth.send(ask);
  EXPECT_EQ(fifth.read_until("\r\n").substr(0, 12), "HTTP/1.1 200");
}

TEST(HttpLimits, BodiesThatAreNotHandledYetAreBounded) {
  constexpr std::size_t kSize = 1 << 20;
  ServerOptions options;
  options.limits.bodies_bytes = 2 * kSize;
  TestServer server(options);
  std::vector<rest::ExchangePtr> open;  // core thread
  server.handler.on("/keep", [&](rest::HttpRequest, rest::ExchangePtr exchange) {
    open.push_back(std::move(exchange));
  });
  const auto ask = [](const std::string& path, std::size_t size, std::size_t sent) {
    return "POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(size) +
           "\r\n\r\n" + std::string(sent, 'x');
  };
  const std::string whole = ask("/keep", kSize, kSize);
  // One is with the core, which has not answered; of another a part has come.
  RawSocket first(server.port()), second(server.port()), third(server.port());
  first.send(whole);
  second.send(ask("/keep", kSize, kSize - 10));
  ASSERT_TRUE(eventually([&] { return server->stats().bytes_received >= 2 * kSize - 10; }));
  third.send(whole);
  EXPECT_EQ(third.read_until("\r\n").substr(0, 12), "HTTP/1.1 429");
  EXPECT_EQ(server->stats().waiting_bodies, 1u);
  // Small ones are served all the same.
  RawSocket small(server.port());
  small.send(ask("/echo", 5, 5));
  EXPECT_EQ(small.read_until("\r\n").substr(0, 12), "HTTP/1.1 200");
  // A client that goes does not take the core's copy with it, but its own part of a body.
  second.close();
  RawSocket fourth(server.port());
  ASSERT_TRUE(eventually([&] { return server->stats().connections == 3; }));
  fourth.send(ask("/echo", kSize, kSize));
  EXPECT_EQ(fourth.read_until("\r\n").substr(0, 12), "HTTP/1.1 200");
  server.on_core([&] {
    open.front()->respond({200, {}, std::string("done")});
    open.clear();
  });
  EXPECT_NE(first.read_until("done").find("HTTP/1.1 200"), std::string::npos);
  RawSocket fifth(server.port()), sixth(server.port());
  fifth.send(ask("/keep", kSize, kSize - 10));
  sixth.send(ask("/echo", kSize, kSize));
  EXPECT_EQ(sixth.read_until("\r\n").substr(0, 12), "HTTP/1.1 200");
}

TEST(HttpLimits, ABodyDoesNotCountWhileItsAnswerIsAStream) {
  constexpr std::size_t kSize = 1 << 20;
  ServerOptions options;
  options.limits.bodies_bytes = 3 * kSize / 2;
  TestServer server(options);
  Watches watches;
  watches.serve(server);
  struct Nobody final : rest::PipeUser {
    void on_open(rest::Pipe&) override {}
    void on_data(std::string_view) override {}
    void on_writable() override {}
    void on_closed() override {}
  };
  server.handler.on("/pipe", [&](rest::HttpRequest, rest::ExchangePtr exchange) {
    exchange->upgrade({.protocol = "x"}, std::make_shared<Nobody>());
    watches.open.push_back(std::move(exchange));
  });
  const auto ask = [](const std::string& head) {
    return head + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n" +
           std::string(kSize, 'x');
  };
  const auto status = [](RawSocket& socket) { return socket.read_until("\r\n").substr(0, 12); };
  RawSocket watch(server.port()), pipe(server.port()), second(server.port()), echo(server.port());
  watch.send(ask("GET /watch"));
  EXPECT_EQ(status(watch), "HTTP/1.1 200");
  second.send(ask("GET /watch"));
  EXPECT_EQ(status(second), "HTTP/1.1 200");
  pipe.send(
      "POST /pipe HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\nContent-Length: " +
      std::to_string(kSize) + "\r\n\r\n" + std::string(kSize, 'x'));
  EXPECT_EQ(status(pipe), "HTTP/1.1 101");
  echo.send(ask("POST /echo"));
  EXPECT_EQ(status(echo), "HTTP/1.1 200");
  EXPECT_EQ(server->stats().waiting_bodies, 0u);
  server.on_core([&] { watches.open.clear(); });
}

TEST(HttpLimits, ABlockedStreamIsToldWhenItHasDrained) {
  TestServer server;
  Watches watches;
  watches.serve(server);
  RawSocket socket(server.port(), 4096);
  socket.send(kWatch);
  ASSERT_TRUE(eventually([&] { return server->stats().streams == 1; }));
  constexpr int kPieces = 16;
  server.on_core([&] {
    const auto piece = std::make_shared<const std::string>(std::string(1 << 20, 'e'));
    for (int i = 0; i < kPieces; ++i) watches.open[0]->write({piece});
    EXPECT_TRUE(watches.open[0]->blocked());
  });
  EXPECT_EQ(watches.drained, 0);
  socket.read_until([](const std::string& got) { return got.size() > kPieces << 20; });
  EXPECT_TRUE(eventually([&] { return watches.drained == 1; }));
  server.on_core([&] {
    EXPECT_FALSE(watches.open[0]->blocked());
    watches.open[0]->finish();
    watches.open.clear();
  });
  EXPECT_TRUE(socket.read_until("\r\n0\r\n\r\n").ends_with("\r\n0\r\n\r\n"));
  EXPECT_EQ(watches.gone, 0);
}

TEST(HttpLimits, TooManyConnectionsAreTurnedAway) {
  ServerOptions options;
  options.limits.connections = 2;
  TestServer server(options);
  RawSocket one(server.port()), two(server.port());
  one.send(kEcho);
  one.read_until("hello");
  two.send(kEcho);
  two.read_until("hello");
  RawSocket three(server.port());
  EXPECT_NE(three.read_all().find("HTTP/1.1 503"), std::string::npos);
  EXPECT_TRUE(three.ended());
  EXPECT_EQ(server->stats().refused_connections, 1u);
  one.close();
  EXPECT_TRUE(eventually([&] { return server->stats().connections == 1; }));
  RawSocket four(server.port());
  four.send(kEcho);
  EXPECT_NE(four.read_until("hello").find("200 OK"), std::string::npos);
}

TEST(HttpLimits, TooManyStreamsAreRefused) {
  ServerOptions options;
  options.limits.streams = 1;
  TestServer server(options);
  Watches watches;
  watches.serve(server);
  RawSocket one(server.port());
  one.send(kWatch);
  one.read_until("\r\n\r\n");
  RawSocket two(server.port());
  two.send(kWatch);
  const std::string answer = two.read_all();
  EXPECT_NE(answer.find("HTTP/1.1 429"), std::string::npos);
  EXPECT_NE(answer.find("Retry-After: 1"), std::string::npos);
  EXPECT_TRUE(eventually([&] { return watches.gone == 1; }));
  EXPECT_EQ(server->stats().refused_streams, 1u);
  EXPECT_EQ(server->stats().streams, 1u);
  server.on_core([&] { watches.open.clear(); });
}

TEST(HttpLimits, HundredsOfIdleConnectionsOnTwoThreads) {
  ServerOptions options;
  options.io_threads = 2;
  TestServer server(options);
  std::vector<std::unique_ptr<RawSocket>> sockets;
  for (int i = 0; i < 400; ++i) sockets.push_back(std::make_unique<RawSocket>(server.port()));
  ASSERT_TRUE(eventually([&] { return server->stats().connections == 400; }));
  for (const auto& socket : sockets) ASSERT_TRUE(socket->send(kEcho));
  for (const auto& socket : sockets) {
    ASSERT_NE(socket->read_until("hello").find("hello"), std::string::npos);
  }
  EXPECT_EQ(server->stats().requests, 400u);
}

TEST(HttpDrain, EndsStreamsAndLetsRequestsFinish) {
  TestServer server;
  Watches watches;
  watches.serve(server);
  rest::ExchangePtr running;
  server.handler.on("/slow", [&](rest::HttpRequest, rest::ExchangePtr exchange) {
    running = std::move(exchange);
  });
  RawSocket idle(server.port()), watch(server.port()), slow(server.port());
  idle.send(kEcho);
  idle.read_until("hello");
  watch.send(kWatch);
  watch.read_until("\r\n\r\n");
  slow.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return server->stats().requests == 3; }));
  std::atomic<bool> done{false};
  server.on_core([&] { server->drain(std::chrono::seconds(60), [&] { done = true; }); });

  idle.read_all();
  EXPECT_TRUE(idle.ended());
  EXPECT_TRUE(watch.read_all().ends_with("0\r\n\r\n"));
  EXPECT_TRUE(eventually([&] { return watches.gone == 1; }));
  EXPECT_FALSE(RawSocket(server.port()).connected());
  EXPECT_FALSE(done);
  server.on_core([&] {
    running->respond({200, {}, std::string("finished")});
    running.reset();
    watches.open.clear();
  });
  const std::string answer = slow.read_all();
  EXPECT_TRUE(answer.ends_with("finished"));
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  idle.close();
  watch.close();
  slow.close();
  EXPECT_TRUE(eventually([&] { return done.load(); }));
}

TEST(HttpDrain, DoesNotWaitBeyondItsBound) {
  TestServer server;
  rest::ExchangePtr running;
  std::atomic<int> gone{0};
  server.handler.on("/slow", [&](rest::HttpRequest, rest::ExchangePtr exchange) {
    running = std::move(exchange);
    running->on_gone([&] { ++gone; });
  });
  RawSocket slow(server.port());
  slow.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return server->stats().requests == 1; }));
  std::atomic<bool> done{false};
  server.on_core([&] { server->drain(milliseconds(10), [&] { done = true; }); });
  EXPECT_TRUE(eventually([&] { return done && gone == 1; }));
  server.on_core([&] { running.reset(); });
}

TEST(HttpServerEnd, ExchangesOutliveTheServer) {
  TestServer server;
  Watches watches;
  watches.serve(server);
  RawSocket socket(server.port());
  socket.send(kWatch);
  socket.read_until("\r\n\r\n");
  server.stop_server();
  EXPECT_TRUE(eventually([&] { return watches.gone == 1; }));
  server.on_core([&] {
    watches.open[0]->write({std::make_shared<const std::string>("late")});
    watches.open.clear();
  });
}

TEST(HttpAccessLog, HasOneLinePerRequest) {
  const TempDir files;
  ServerOptions options;
  options.access_log = files.path("access.log");
  {
    TestServer server(options);
    RawSocket socket(server.port());
    socket.send("GET /echo?a=b HTTP/1.1\r\nHost: x\r\nUser-Agent: k\"x\r\nX-Request-Id: i1\r\n\r\n");
    socket.read_until("hello");
    socket.send("nonsense\r\n\r\n");
    socket.read_all();
  }
  std::stringstream text;
  text << std::ifstream(files.path("access.log")).rdbuf();
  const std::string log = text.str();
  EXPECT_NE(log.find(" GET /echo?a=b 200 5B "), std::string::npos) << log;
  EXPECT_NE(log.find("agent=\"k\\x22x\" id=i1 from=127.0.0.1:"), std::string::npos) << log;
  EXPECT_NE(log.find(" - - 400 "), std::string::npos) << log;
}

TEST(HttpAccessLog, NamesWhoeverWasFoundToAsk) {
  const TempDir files;
  ServerOptions options;
  options.access_log = files.path("access.log");
  {
    TestServer server(options);
    server.handler.on("/who", [](rest::HttpRequest, rest::ExchangePtr exchange) {
      exchange->name_user({"jane", "", {}, {}}, nullptr);
      exchange->respond({200, {}, std::string("hello")});
    });
    RawSocket socket(server.port());
    socket.send("GET /who HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_NE(socket.read_until("hello").find("hello"), std::string::npos);
    socket.forget();
    socket.send("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_NE(socket.read_until("hello").find("hello"), std::string::npos);
  }
  std::stringstream text;
  text << std::ifstream(files.path("access.log")).rdbuf();
  EXPECT_NE(text.str().find(" GET /who 200 5B "), std::string::npos) << text.str();
  EXPECT_NE(text.str().find("user=\"jane\""), std::string::npos) << text.str();
  EXPECT_NE(text.str().find("user=\"-\""), std::string::npos) << text.str();
}

}  // namespace
}  // namespace keelson::http::test
