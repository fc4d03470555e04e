// Probes and hooks against real containers and against servers that misbehave.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <functional>
#include <map>
#include <thread>

#include "runtime/cri/http_check.hpp"
#include "tests/runtime/cri/cri_fixture.hpp"

namespace keelson::test {
namespace {

using agent::ProbeResult;
using testing::HasSubstr;

// A server on this host that answers each connection with the next of its texts, and then the last.
class Server {
 public:
  explicit Server(std::vector<std::string> answers) : answers_(std::move(answers)) {
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof at;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&at), size), 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    ::listen(fd_, 16);
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  uint16_t port() const { return port_; }
  // After the check has answered.
  const std::string& request() const { return request_; }

 private:
  void serve() {
    for (std::size_t i = 0;; ++i) {
      const int peer = ::accept(fd_, nullptr, nullptr);
      if (peer < 0) return;
      char buffer[4096];
      const ssize_t size = ::read(peer, buffer, sizeof buffer);
      request_.assign(buffer, static_cast<std::size_t>(std::max<ssize_t>(0, size)));
      const std::string& answer = answers_[std::min(i, answers_.size() - 1)];
      if (answer == "silence") {
        (void)!::read(peer, buffer, sizeof buffer);  // until the other side gives up
      } else {
        (void)!::write(peer, answer.data(), answer.size());
      }
      ::close(peer);
    }
  }
  std::vector<std::string> answers_;
  int fd_ = -1;
  uint16_t port_ = 0;
  std::string request_;
  std::thread thread_;
};

std::string answer(const std::string& status, const std::string& more = {}) {
  return "HTTP/1.1 " + status + "\r\n" + more + "Content-Length: 2\r\n\r\nok";
}

class HttpCheckTest : public testing::Test {
 protected:
  agent::ProbeAnswer check(const Server& server, std::function<void(cri::HttpCheck&)> change = {}) {
    cri::HttpCheck what{.host = "127.0.0.1", .port = server.port(), .path = "/ready"};
    what.timeout = 5s;
    if (change) change(what);
    auto said = loop_.wait<agent::ProbeAnswer>(
        [&](auto done) { cri::check_http(loop_.loop, what, std::move(done)); });
    EXPECT_TRUE(said.ok());
    return *said;
  }
  CriLoop loop_;
};

TEST_F(HttpCheckTest, JudgesByTheStatus) {
  for (const auto& [status, good] : std::map<std::string, bool>{{"200 OK", true},
                                                                {"204 No Content", true},
                                                                {"399 Odd", true},
                                                                {"400 Bad", false},
                                                                {"503 Busy", false},
                                                                {"101 Switching Protocols", false}}) {
    Server server({answer(status)});
    const agent::ProbeAnswer said = check(server);
    EXPECT_EQ(said.result == ProbeResult::success, good) << status;
    if (!good) {
      EXPECT_EQ(said.output, "HTTP probe failed with statuscode: " + status.substr(0, 3));
    }
  }
}

TEST_F(HttpCheckTest, WaitsForTheAnswerAfterInterimOnes) {
  const std::string hints = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n";
  Server good({"HTTP/1.1 100 Continue\r\n\r\n" + hints + answer("200 OK")});
  EXPECT_EQ(check(good).result, ProbeResult::success);
  Server bad({hints + answer("503 Busy")});
  EXPECT_EQ(check(bad).output, "HTTP probe failed with statuscode: 503");
  Server cut({hints});
  EXPECT_EQ(check(cut).result, ProbeResult::failure);
  Server endless({hints + hints + hints + hints + hints + hints + answer("200 OK")});
  EXPECT_THAT(check(endless).output, HasSubstr("too many 1xx"));
}

TEST_F(HttpCheckTest, SendsWhatTheProbeSays) {
  Server server({answer("200 OK")});
  check(server, [](cri::HttpCheck& what) {
    what.headers = {
        {"Host", "example.org"}, {"X-One", "1"}, {"User-Agent", "me"}, {"X-Bad", "a\r\nb"}};
  });
  EXPECT_TRUE(server.request().starts_with("GET /ready HTTP/1.1\r\nHost: example.org\r\n"));
  EXPECT_THAT(server.request(), HasSubstr("\r\nX-One: 1\r\n"));
  EXPECT_THAT(server.request(), HasSubstr("\r\nUser-Agent: me\r\n"));
  EXPECT_THAT(server.request(), HasSubstr("\r\nX-Bad: ab\r\n"));
}

TEST_F(HttpCheckTest, FollowsRedirectsToTheSameHostOnly) {
  Server server({answer("302 Found", "Location: /other?q=1\r\n"), answer("500 No")});
  EXPECT_EQ(check(server).output, "HTTP probe failed with statuscode: 500");
  EXPECT_TRUE(server.request().starts_with("GET /other?q=1 HTTP/1.1\r\n"));
  Server away({answer("302 Found", "Location: http://example.invalid/\r\n")});
  EXPECT_EQ(check(away).result, ProbeResult::success);
  Server circle({answer("302 Found", "Location: /ready\r\n")});
  EXPECT_THAT(check(circle).output, HasSubstr("stopped after 10 redirects"));
}

TEST_F(HttpCheckTest, SaysWhatWentWrong) {
  Server silent({"silence"});
  const agent::ProbeAnswer late = check(silent, [](cri::HttpCheck& w) { w.timeout = 200ms; });
  EXPECT_EQ(late.result, ProbeResult::failure);
  EXPECT_THAT(late.output, HasSubstr("context deadline exceeded"));
  Server babble({"SSH-2.0-x\r\n\r\n"});
  EXPECT_THAT(check(babble).output, HasSubstr("malformed HTTP response"));
  Server nothing({""});
  EXPECT_EQ(check(nothing).result, ProbeResult::failure);
  uint16_t closed = 0;
  { closed = Server({""}).port(); }
  auto refused = loop_.wait<agent::ProbeAnswer>(
      [&](auto done) { cri::check_tcp(loop_.loop, "127.0.0.1", closed, 5s, std::move(done)); });
  EXPECT_EQ(refused->output,
            "dial tcp 127.0.0.1:" + std::to_string(closed) + ": connect: connection refused");
}

TEST_F(HttpCheckTest, KnowsWhereRedirectsLead) {
  const cri::HttpCheck from{.host = "h", .port = 80, .path = "/a/b?c"};
  const auto to = [&](std::string_view location) -> std::string {
    cri::HttpCheck out;
    if (!cri::follow_location(from, location, out)) return "bad";
    return (out.tls ? "s " : "") + out.host + " " + std::to_string(out.port) + " " + out.path;
  };
  EXPECT_EQ(to("/x"), "h 80 /x");
  EXPECT_EQ(to("x#y"), "h 80 /a/x");
  EXPECT_EQ(to("?z"), "h 80 /a/b?z");
  EXPECT_EQ(to("https://u@[::1]:8443/p"), "s ::1 8443 /p");
  EXPECT_EQ(to("//other"), "other 80 /");
  EXPECT_EQ(to("https://o?q"), "s o 443 /?q");
  EXPECT_EQ(to("http://o:99999/"), "bad");
  EXPECT_EQ(to("http://[::1/"), "bad");
  EXPECT_EQ(to("http:///x"), "bad");
}

class ProbeTest : public CriTest {
 protected:
  static api::Probe exec(const std::vector<std::string>& words) {
    api::Probe out;
    for (const std::string& word : words) out.mutable_handler()->mutable_exec()->add_command(word);
    out.set_timeout_seconds(5);
    return out;
  }
  Result<Unit> hook(const std::string& id, const api::LifecycleHandler& what) {
    return loop.wait<Unit>([&](auto done) { loop.runtime->run_hook(id, what, std::move(done)); });
  }
};

TEST_F(ProbeTest, RunsCommandsInTheContainer) {
  Running pod = run(shell_pod("exec", "touch /here; sleep 100"));
  EXPECT_EQ(probe(pod.container, exec({"true"}))->result, ProbeResult::success);
  auto failed = probe(pod.container, exec({"sh", "-c", "echo out; echo err >&2; exit 3"}));
  ASSERT_TRUE(failed.ok());
  EXPECT_EQ(failed->result, ProbeResult::failure);
  EXPECT_EQ(failed->output, "out\nerr\n");
  auto flood = probe(pod.container, exec({"sh", "-c", "yes | head -c 100000; exit 1"}));
  ASSERT_TRUE(flood.ok());
  EXPECT_EQ(flood->output.size(), agent::probe_output_max);
  api::Probe slow = exec({"sleep", "30"});
  slow.set_timeout_seconds(1);
  auto late = probe(pod.container, slow);
  ASSERT_TRUE(late.ok()) << late.error().message;
  EXPECT_EQ(late->output, "command timed out after 1s");
  EXPECT_FALSE(probe(pod.container, exec({"/bin/nothere"})).ok());  // says nothing about it

  api::LifecycleHandler writes;
  for (const char* word : {"sh", "-c", "test -e /here"}) writes.mutable_exec()->add_command(word);
  EXPECT_TRUE(hook(pod.container, writes).ok());
  writes.mutable_exec()->set_command(2, "echo no; exit 1");
  EXPECT_FALSE(hook(pod.container, writes).ok());
  api::LifecycleHandler nap;
  nap.mutable_sleep()->set_seconds(1);
  EXPECT_TRUE(hook(pod.container, nap).ok());
}

TEST_F(ProbeTest, AsksThePodOverItsNetwork) {
  Running pod =
      run(shell_pod("web", "mkdir /www; echo hi > /www/index.html; httpd -f -p 8080 -h /www",
                    "    ports: [{name: http, containerPort: 8080}]\n"));
  api::Probe http;
  http.mutable_handler()->mutable_http_get()->mutable_port()->set_type(1);
  http.mutable_handler()->mutable_http_get()->mutable_port()->set_str_val("http");
  http.set_timeout_seconds(5);
  auto said = probe(pod.container, http);
  for (int i = 0; i < 100 && said.ok() && said->result != ProbeResult::success; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    said = probe(pod.container, http);
  }
  ASSERT_TRUE(said.ok()) << said.error().message;
  EXPECT_EQ(said->result, ProbeResult::success) << said->output;
  http.mutable_handler()->mutable_http_get()->set_path("missing");
  EXPECT_EQ(probe(pod.container, http)->output, "HTTP probe failed with statuscode: 404");

  api::Probe tcp;
  tcp.mutable_handler()->mutable_tcp_socket()->mutable_port()->set_int_val(8080);
  EXPECT_EQ(probe(pod.container, tcp)->result, ProbeResult::success);
  tcp.mutable_handler()->mutable_tcp_socket()->mutable_port()->set_int_val(8081);
  EXPECT_EQ(probe(pod.container, tcp)->result, ProbeResult::failure);

  api::Probe grpc;  // which a plain web server does not speak
  grpc.mutable_handler()->mutable_grpc()->set_port(8080);
  auto unknown = probe(pod.container, grpc);
  ASSERT_TRUE(unknown.ok());
  EXPECT_EQ(unknown->result, ProbeResult::failure);

  // After the agent's restart the port's name is still known.
  loop.use(options());
  ASSERT_EQ(info(pod.container).state, agent::ContainerState::running);
  http.mutable_handler()->mutable_http_get()->set_path("/");
  EXPECT_EQ(probe(pod.container, http)->result, ProbeResult::success);
}

}  // namespace
}  // namespace keelson::test
