// Extenders behind real sockets: the port's errors, and the example of the README with a whole
// scheduler.
#include "runtime/process/http_extenders.hpp"

#include <gmock/gmock.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "core/scheduler/config/apply.hpp"
#include "core/scheduler/plugins/plugins.hpp"
#include "runtime/pki/files.hpp"
#include "tests/runtime/http_fixture.hpp"
#include "tests/scheduler/scheduler_world.hpp"
#include "tests/support/missing_tool.hpp"

namespace keelson::runtime {
namespace {

using namespace keelson::test;
using scheduler::ExtenderConfig;
using testing::HasSubstr;

ExtenderConfig at_port(uint16_t port, const std::string& path = "") {
  ExtenderConfig config;
  config.url_prefix = "http://127.0.0.1:" + std::to_string(port) + path;
  config.timeout = 5s;
  return config;
}

// The answer to one question.
Result<std::string> ask(const ExtenderConfig& config, const std::string& verb,
                        const std::string& body) {
  AsioLoop loop;
  auto port = HttpExtenders::make(loop, {config});
  if (!port) return port.error();
  std::optional<Result<std::string>> answer;
  (*port)->post(0, verb, body, [&](Result<std::string> result) { answer = std::move(result); });
  EXPECT_FALSE(answer) << "not from inside the call";
  for (int i = 0; i < 1000 && !answer; ++i) loop.run_round(10ms);
  if (!answer) return Error{Code::cancelled, "no answer at all"};
  return *std::move(answer);
}

TEST(HttpExtenders, PostsToTheVerbBelowItsPrefix) {
  http::test::TestServer server;
  server.handler.on("/scheduler/filter", [](rest::HttpRequest request, rest::ExchangePtr exchange) {
    exchange->respond({200, {}, request.method + " " + request.body});
  });
  server.handler.on("/scheduler/broken", [](rest::HttpRequest, rest::ExchangePtr exchange) {
    exchange->respond({500, {}, std::string("oh")});
  });
  for (const char* prefix : {"/scheduler", "/scheduler/"}) {
    const auto answer = ask(at_port(server.port(), prefix), "filter", "{}");
    ASSERT_TRUE(answer.ok()) << answer.error().message;
    EXPECT_EQ(*answer, "POST {}");
  }
  const auto broken = ask(at_port(server.port(), "/scheduler"), "broken", "{}");
  ASSERT_FALSE(broken.ok());
  EXPECT_EQ(broken.code(), Code::unknown);
  EXPECT_THAT(broken.error().message, HasSubstr("status 500"));
}

TEST(HttpExtenders, SilenceHasAnEndAndNobodyThereIsSaid) {
  http::test::TestServer server;
  std::vector<rest::ExchangePtr> kept;
  server.handler.on("/filter", [&](rest::HttpRequest, rest::ExchangePtr exchange) {
    kept.push_back(std::move(exchange));
  });
  ExtenderConfig config = at_port(server.port());
  config.timeout = 50ms;
  const auto silent = ask(config, "filter", "{}");
  ASSERT_FALSE(silent.ok());
  EXPECT_EQ(silent.code(), Code::unknown);
  server.on_core([&] { kept.clear(); });
  const uint16_t port = server.port();
  server.stop_server();
  const auto nobody = ask(at_port(port), "filter", "{}");
  ASSERT_FALSE(nobody.ok());
  EXPECT_EQ(nobody.code(), Code::unavailable);
}

TEST(HttpExtenders, WhatCannotWorkIsRefusedBeforeAnythingStarts) {
  AsioLoop loop;
  ExtenderConfig config = at_port(1);
  config.tls.ca_file = "/nowhere/ca.crt";
  const auto no_file = HttpExtenders::make(loop, {config});
  ASSERT_FALSE(no_file.ok());
  EXPECT_THAT(no_file.error().message, HasSubstr("tlsConfig.caFile"));
  config.tls = {};
  config.url_prefix = "https://[";
  EXPECT_FALSE(HttpExtenders::make(loop, {config}).ok());
}

// The code of this language in the extenders' README.
std::string from_readme(const std::string& language) {
  const auto text = read_file(KEELSON_SOURCE_DIR "/core/scheduler/extender/README.md");
  if (!text) return {};
  const std::string fence = "```" + language + "\n";
  const std::size_t begin = text->find(fence) + fence.size();
  return text->substr(begin, text->find("```", begin) - begin);
}

class PythonExtender {
 public:
  explicit PythonExtender(const std::string& program) {
    int out[2];
    if (::pipe2(out, O_CLOEXEC) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::dup2(out[1], 1);
      ::execlp("python3", "python3", "-c", program.c_str(), "0", nullptr);
      ::_exit(127);
    }
    ::close(out[1]);
    // The whole line: it may come in pieces, and whoever writes must not find the pipe closed.
    std::string line;
    for (char c; line.size() < 16 && ::read(out[0], &c, 1) == 1 && c != '\n';) line += c;
    port_ = std::atoi(line.c_str());
    ::close(out[0]);
  }
  ~PythonExtender() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  PythonExtender(const PythonExtender&) = delete;
  PythonExtender& operator=(const PythonExtender&) = delete;
  int port() const { return port_; }

 private:
  pid_t pid_ = -1;
  int port_ = 0;
};

TEST(HttpExtenders, TheReadmesExampleDecidesWhereAPodGoes) {
  if (::system("command -v python3 >/dev/null 2>&1") != 0) KEELSON_TOOL_IS_MISSING("needs python3");
  const PythonExtender python(from_readme("python"));
  ASSERT_GT(python.port(), 0);
  std::string text = from_readme("yaml");
  const std::size_t at = text.find("8888");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, 4, std::to_string(python.port()));
  const auto config =
      scheduler::parse_configuration(text, "README.md", scheduler::default_plugins());
  ASSERT_TRUE(config.ok()) << config.error().message;

  AsioLoop loop;
  NullLog log;
  SchedulerApi api(loop);
  auto extenders = HttpExtenders::make(loop, config->extenders);
  ASSERT_TRUE(extenders.ok()) << extenders.error().message;
  scheduler::SchedulerOptions options;
  scheduler::apply(*config, scheduler::default_plugins(), extenders->get(), options);
  scheduler::Scheduler scheduler(loop, api, Rng(1), log, std::move(options));
  api.put(big_node("dear").label("price", "8"));
  api.put(big_node("cheap").label("price", "2"));
  api.put(big_node("broken").label("price", "0").label("repair", "yes"));
  api.put(pod("p").with(requests("cpu", "1")));
  scheduler.start({"kube-system/kube-scheduler", 1}, [] { return true; });
  for (int i = 0; i < 1000 && api.node_of("p").empty(); ++i) loop.run_round(10ms);
  EXPECT_EQ(api.node_of("p"), "cheap");
}

}  // namespace
}  // namespace keelson::runtime
