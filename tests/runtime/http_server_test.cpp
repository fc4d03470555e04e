// The HTTP server over real sockets: what clients send, right and wrong, and what they get.
#include "runtime/http/client.hpp"
#include "tests/runtime/http_fixture.hpp"

namespace keelson::http::test {
namespace {

using ::testing::TestWithParam;

std::string get(const std::string& path, const std::string& headers = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n";
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

TEST(HttpServer, AnswersAndKeepsTheConnection) {
  TestServer server;
  RawSocket socket(server.port());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(socket.send(get("/echo")));
    const std::string answer = socket.read_until("hello");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_NE(answer.find("Content-Length: 5\r\n"), std::string::npos);
    EXPECT_NE(answer.find("\r\nDate: "), std::string::npos);
    EXPECT_NE(answer.find("\r\nAudit-Id: "), std::string::npos);
    EXPECT_NE(answer.find("\r\nX-Request-Id: "), std::string::npos);
    EXPECT_EQ(answer.find("Connection:"), std::string::npos);
    socket.forget();
  }
  EXPECT_EQ(server->stats().requests, 3u);
  EXPECT_EQ(server->stats().accepted, 1u);
}

TEST(HttpServer, KeepsTheClientsRequestId) {
  TestServer server;
  RawSocket socket(server.port());
  socket.send(get("/echo", "X-Request-Id: abc-1\r\n"));
  EXPECT_NE(socket.read_until("hello").find("Audit-Id: abc-1\r\n"), std::string::npos);
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  TestServer server;
  RawSocket socket(server.port());
  std::string all;
  for (int i = 0; i < 50; ++i) {
    const std::string body = "<" + std::to_string(i) + ">";
    all += "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }
  ASSERT_TRUE(socket.send(all));
  const std::string answers = socket.read_until("<49>");
  std::size_t last = 0;
  for (int i = 0; i < 50; ++i) {
    const auto at = answers.find("<" + std::to_string(i) + ">");
    ASSERT_NE(at, std::string::npos) << i;
    EXPECT_GT(at, last);
    last = at;
  }
}

TEST(HttpServer, ReadsChunkedBodies) {
  TestServer server;
  RawSocket socket(server.port());
  socket.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n");
  socket.send("5;ext=1\r\npedia\r\n0\r\nX-Trailer: ignored\r\n\r\n");
  EXPECT_NE(socket.read_until("wikipedia").find("wikipedia"), std::string::npos);
}

TEST(HttpServer, ReadsAnEmptyChunkedBodyByteByByte) {
  TestServer server;
  RawSocket socket(server.port());
  socket.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  uint64_t received = 0;
  for (const char c : std::string("0\r\n\r\n")) {
    received = server->stats().bytes_received;
    socket.send({&c, 1});
    EXPECT_TRUE(eventually([&] { return server->stats().bytes_received > received; }));
  }
  EXPECT_NE(socket.read_until("hello").find("200 OK"), std::string::npos);
}

TEST(HttpServer, AsksForTheBodyOfAnExpectingClient) {
  TestServer server;
  RawSocket socket(server.port());
  socket.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(socket.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  socket.send("abc");
  EXPECT_NE(socket.read_until("abc").find("HTTP/1.1 200"), std::string::npos);
}

TEST(HttpServer, SpeaksHttp10) {
  TestServer server;
  {
    RawSocket socket(server.port());
    socket.send("GET /echo HTTP/1.0\r\n\r\n");
    const std::string answer = socket.read_all();
    EXPECT_TRUE(answer.ends_with("\r\n\r\nhello")) << answer;
    EXPECT_NE(answer.find("Connection: close"), std::string::npos);
    EXPECT_TRUE(socket.ended());
  }
  RawSocket socket(server.port());
  socket.send("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_NE(socket.read_until("hello").find("Connection: keep-alive"), std::string::npos);
}

TEST(HttpServer, LeavesTheBodyOutOfAHead) {
  TestServer server;
  RawSocket socket(server.port());
  socket.send("HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\n" + get("/echo"));
  const std::string answer = socket.read_until("hello");
  EXPECT_EQ(count(answer, "Content-Length: 5"), 2u);
  EXPECT_EQ(count(answer, "hello"), 1u);
}

TEST(HttpServer, StillAnswersAClientThatHasEndedItsDirection) {
  TestServer server;
  RawSocket socket(server.port());
  socket.send(get("/echo"));
  socket.end_output();
  EXPECT_TRUE(socket.read_all().ends_with("hello"));
}

TEST(HttpServer, StreamsInChunksAsTheyAreWritten) {
  TestServer server;
  rest::ExchangePtr stream;
  server.handler.on("/watch", [&](rest::HttpRequest, rest::ExchangePtr exchange) {
    stream = exchange;
    stream->begin(200, {{"Content-Type", "application/json"}});
  });
  RawSocket socket(server.port());
  socket.send(get("/watch", "Accept-Encoding: gzip\r\n"));
  EXPECT_NE(socket.read_until("\r\n\r\n").find("Transfer-Encoding: chunked"), std::string::npos);
  EXPECT_EQ(server->stats().streams, 1u);
  server.on_core([&] {
    stream->write({std::make_shared<const std::string>("one"),
                   std::make_shared<const std::string>("two")});
  });
  EXPECT_TRUE(socket.read_until("onetwo").ends_with("6\r\nonetwo\r\n"));
  server.on_core([&] {
    stream->finish();
    stream.reset();
  });
  EXPECT_TRUE(socket.read_until("0\r\n\r\n").ends_with("0\r\n\r\n"));
  socket.forget();
  socket.send(get("/echo"));
  EXPECT_NE(socket.read_until("hello").find("200 OK"), std::string::npos);
  EXPECT_EQ(server->stats().streams, 0u);
}

TEST(HttpServer, TellsThatAClientHasGone) {
  TestServer server;
  std::atomic<int> gone{0};
  rest::ExchangePtr stream;
  server.handler.on("/watch", [&](rest::HttpRequest, rest::ExchangePtr exchange) {
    stream = exchange;
    stream->on_gone([&] { ++gone; });
    stream->begin(200, {});
  });
  {
    RawSocket socket(server.port());
    socket.send(get("/watch"));
    socket.read_until("\r\n\r\n");
  }
  EXPECT_TRUE(eventually([&] { return gone == 1; }));
  server.on_core([&] {
    stream->write({std::make_shared<const std::string>("into the void")});
    stream->finish();
    stream.reset();
  });
  EXPECT_EQ(gone, 1);
  EXPECT_EQ(server->stats().gone, 1u);
}

TEST(HttpServer, AnExchangeThatIsDroppedBecomesA500) {
  TestServer server;
  server.handler.on("/lost", [](rest::HttpRequest, rest::ExchangePtr) {});
  RawSocket socket(server.port());
  socket.send(get("/lost"));
  EXPECT_NE(socket.read_until("}\n").find("HTTP/1.1 500"), std::string::npos);
}

// A body whose making waits until the test lets it go.
class Labour {
 public:
  rest::HttpResponse response(std::string text) {
    rest::HttpResponse response{200, {}, std::function<std::string()>([this, text] {
                                  begun = true;
                                  EXPECT_TRUE(eventually([this] { return released.load(); }));
                                  return text;
                                })};
    response.laborious = true;
    return response;
  }
  std::atomic<bool> begun{false}, released{false};
};

TEST(HttpServer, LaboriousAnswersHoldNobodyUp) {
  TestServer server;
  Labour labour;
  server.handler.on("/list", [&](rest::HttpRequest, rest::ExchangePtr exchange) {
    exchange->respond(labour.response(std::string(300'000, 'a')));
  });
  RawSocket list(server.port()), quick(server.port());
  list.send(get("/list", "Accept-Encoding: gzip\r\n") + get("/echo"));
  ASSERT_TRUE(eventually([&] { return labour.begun.load(); }));
  quick.send(get("/echo"));
  EXPECT_NE(quick.read_until("hello").find("200 OK"), std::string::npos);
  EXPECT_FALSE(labour.released);
  labour.released = true;
  const std::string answers = list.read_until("hello");
  EXPECT_NE(answers.find("Content-Encoding: gzip"), std::string::npos);
  EXPECT_LT(answers.find("gzip"), answers.find("hello"));  // the pipelined one comes second
}

TEST(HttpServer, LaboriousAnswersMayComeTooLate) {
  TestServer server;
  Labour labour;
  server.handler.on("/list", [&](rest::HttpRequest, rest::ExchangePtr exchange) {
    exchange->respond(labour.response("late"));
  });
  {
    RawSocket gone(server.port());
    gone.send(get("/list"));
    ASSERT_TRUE(eventually([&] { return labour.begun.load(); }));
  }
  RawSocket waiting(server.port());
  waiting.send(get("/list"));
  labour.released = true;
  EXPECT_NE(waiting.read_until("late").find("200 OK"), std::string::npos);
  // The end of the server, with one being made and one that waits for its turn.
  labour.begun = labour.released = false;
  RawSocket first(server.port()), second(server.port());
  first.send(get("/list"));
  ASSERT_TRUE(eventually([&] { return labour.begun.load(); }));
  second.send(get("/list"));
  std::thread end([&] { server.stop_server(); });
  labour.released = true;
  end.join();
  first.read_all();
  EXPECT_TRUE(first.ended());
}

TEST(HttpServer, CompressesLargeReadyAnswers) {
  TestServer server;
  const std::string large(300'000, 'a');
  server.handler.on("/large", [&](rest::HttpRequest, rest::ExchangePtr exchange) {
    exchange->respond({200, {}, std::function<std::string()>([large] { return large; })});
  });
  RawSocket socket(server.port());
  socket.send(get("/large", "Accept-Encoding: deflate, gzip;q=0.8\r\n"));
  const std::string answer = socket.read_until("\r\n\r\n");
  EXPECT_NE(answer.find("Content-Encoding: gzip"), std::string::npos);
  EXPECT_LT(answer.size(), 10'000u);
  RawSocket other(server.port());
  other.send(get("/large", "Accept-Encoding: gzip;q=0\r\nConnection: close\r\n"));
  EXPECT_TRUE(other.read_all().ends_with(large));
}

TEST(HttpServer, RefusesWhatIsTooLarge) {
  TestServer server;
  {
    RawSocket socket(server.port());
    socket.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n");
    const std::string answer = socket.read_until("}\n");
    EXPECT_NE(answer.find("HTTP/1.1 413"), std::string::npos) << answer;
    EXPECT_NE(answer.find("Request entity too large: limit is 3145728"), std::string::npos) << answer;
    EXPECT_NE(answer.find("RequestEntityTooLarge"), std::string::npos);
  }
  {
    // A body whose length is not announced; the client sends all of it before it looks.
    RawSocket socket(server.port());
    socket.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "10000\r\n" + std::string(65536, 'x') + "\r\n";
    for (int i = 0; i < 60; ++i) socket.send(chunk);
    EXPECT_NE(socket.read_until("}\n").find("HTTP/1.1 413"), std::string::npos);
  }
  {
    RawSocket socket(server.port());
    socket.send(get("/echo", "X-Long: " + std::string(100'000, 'x') + "\r\n"));
    EXPECT_NE(socket.read_until("}\n").find("HTTP/1.1 431"), std::string::npos);
  }
  {
    RawSocket socket(server.port());
    std::string many;
    for (int i = 0; i < 200; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
    socket.send(get("/echo", many));
    EXPECT_NE(socket.read_until("}\n").find("HTTP/1.1 431"), std::string::npos);
  }
  EXPECT_EQ(server->stats().refused_bodies, 2u);
  EXPECT_EQ(server->stats().refused_headers, 2u);
}

class BadRequest : public TestWithParam<std::string> {};

TEST_P(BadRequest, GetsA400AndTheEnd) {
  TestServer server;
  RawSocket socket(server.port());
  socket.send(GetParam());
  const std::string answer = socket.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 5")) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  EXPECT_NE(answer.find("\"kind\":\"Status\""), std::string::npos);
  EXPECT_TRUE(socket.ended());
  RawSocket next(server.port());
  next.send(get("/echo"));
  EXPECT_NE(next.read_until("hello").find("200 OK"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    All, BadRequest,
    ::testing::Values("garbage\r\n\r\n", std::string("GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 29),
                      "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                      "GET / HTTP/7.3\r\nHost: x\r\n\r\n", "GET x HTTP/1.1\r\nHost: x\r\n\r\n",
                      "GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n",
                      std::string("GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n", 34),
                      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n",
                      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
                      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
                      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
                      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcXY1\r\n"));

}  // namespace
}  // namespace keelson::http::test
