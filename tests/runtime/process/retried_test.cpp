// What is missing when a process starts and comes later.
#include "runtime/process/retried.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <vector>

#include "core/proxy/service_rules.hpp"
#include "runtime/loop/asio_loop.hpp"
#include "runtime/network/dns_server.hpp"
#include "runtime/pki/files.hpp"
#include "runtime/process/store_mark.hpp"

namespace keelson::runtime {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct ListLog final : Log {
  bool enabled(Level) const override { return true; }
  void write(Level level, std::string_view event, std::span<const LogField>) override {
    lines.push_back(std::string(level == Level::error ? "E " : "I ") + std::string(event));
  }
  std::vector<std::string> lines;
};

TEST(Retried, IsLoggedOncePerReasonAndNotTriedWhenDone) {
  ListLog log;
  int calls = 0;
  Status next(Code::unavailable, "taken");
  Retried part(log, "DNS", [&] { return ++calls, next; });
  EXPECT_EQ(part.attempt().message(), "DNS: taken");
  EXPECT_EQ(part.attempt().code(), Code::unavailable);
  next = Status(Code::denied, "not allowed");
  EXPECT_EQ(part.attempt().message(), "DNS: not allowed");
  EXPECT_THAT(log.lines, ElementsAre("E cannot begin, will try again", "E cannot begin, will try again"));
  next = Status();
  EXPECT_TRUE(part.attempt().ok());
  EXPECT_TRUE(part.done());
  next = Status(Code::unavailable, "taken");
  EXPECT_TRUE(part.attempt().ok());
  EXPECT_EQ(calls, 4);
  EXPECT_THAT(log.lines, testing::Contains("I has begun after all").Times(1));
  EXPECT_EQ(log.lines.size(), 3u);
}

TEST(Retried, WhatWorksAtOnceSaysNothing) {
  ListLog log;
  Retried part(log, "DNS", [] { return Status(); });
  EXPECT_TRUE(part.attempt().ok());
  EXPECT_TRUE(log.lines.empty());
}

// A real server whose port somebody else holds at first.
TEST(Retried, ADnsServerGetsItsPortWhenItIsFree) {
  AsioLoop loop;
  ListLog log;
  proxy::ServiceRules rules("n1");
  const network::DnsServerOptions any{
      .address = "127.0.0.1", .port = 0, .upstreams = {"127.0.0.1#1"}};
  std::optional<network::DnsServer> other;
  other.emplace(loop, log, rules, Rng(1), any);
  ASSERT_TRUE(other->start().ok());
  network::DnsServerOptions same = any;
  same.port = other->port();
  network::DnsServer server(loop, log, rules, Rng(2), same);
  Retried part(log, "DNS", [&] { return server.start(); });
  EXPECT_EQ(part.attempt().code(), Code::unavailable);
  EXPECT_THAT(part.attempt().message(), HasSubstr("DNS: "));
  other.reset();
  EXPECT_TRUE(part.attempt().ok());
  EXPECT_EQ(server.port(), same.port);
  EXPECT_TRUE(part.attempt().ok());  // is not started twice
}

TEST(StoreMark, IsWrittenWhenTheStoreServesAndTheDiskTakesIt) {
  char made[] = "/tmp/keelson-mark-XXXXXX";
  ASSERT_NE(mkdtemp(made), nullptr);
  const std::string directory = made, path = directory + "/pki/store-made";
  AsioLoop loop;
  ListLog log;
  bool serving = false;
  const auto run = [&](Duration time) {
    bool over = false;
    Timer end(loop, [&] { over = true; });
    end.arm(time);
    while (!over) loop.run_round(100ms);
  };
  {
    StoreMark mark(loop, log, path, "mine", [&] { return serving; });
    run(1500ms);
    EXPECT_TRUE(log.lines.empty());  // nothing was tried
    serving = true;
    run(2500ms);  // two attempts: there is no such directory
    EXPECT_EQ(log.lines.size(), 1u);
    EXPECT_FALSE(StoreMark::there(path));
    ASSERT_EQ(mkdir((directory + "/pki").c_str(), 0700), 0);
    for (int i = 0; i < 20 && !StoreMark::there(path); ++i) run(500ms);
  }
  const auto text = read_file(path);
  EXPECT_TRUE(text.ok() && *text == "mine\n");
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace keelson::runtime
