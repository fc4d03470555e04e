// Log lines: one per entry, and nothing in a value can look like another.
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "runtime/log/stream_log.hpp"

namespace keelson::runtime {
namespace {

// What a log writes, without the timestamps.
std::string written(bool json, const std::function<void(Log&)>& use) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  StreamLog log({.level = Level::info, .json = json, .fd = ends[1]});
  use(log);
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  return text;
}

TEST(StreamLog, WritesTextLines) {
  const std::string text = written(false, [](Log& log) {
    log.debug("unseen");
    log.info("bound", {{"pod", "default/web-0"}, {"count", 3}});
    log.warning("odd", {{"why", "a \"quoted\"\nline"}, {"empty", ""}});
  });
  EXPECT_NE(text.find("Z I bound pod=default/web-0 count=3\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Z W odd why=\"a \\\"quoted\\\"\\nline\" empty=\"\"\n"), std::string::npos)
      << text;
  EXPECT_EQ(text.find("unseen"), std::string::npos);
}

TEST(StreamLog, WritesJsonLines) {
  const std::string text = written(
      true, [](Log& log) { log.error("failed", {{"why", "tab\there\x01"}, {"code", -7}}); });
  EXPECT_TRUE(text.starts_with("{\"ts\":\"2")) << text;
  EXPECT_NE(text.find("\"level\":\"error\",\"event\":\"failed\",\"why\":\"tab\\there\\u0001\","
                      "\"code\":-7}\n"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace keelson::runtime
