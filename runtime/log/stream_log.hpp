// The Log port on a file descriptor (standard error, or a file opened by the caller): one line per
// entry, written with one system call, so that lines of several threads and processes do not mix.
//
//   2026-11-25T16:00:00.123Z I bound pod=default/web-0 node=n1            (text)
//   {"ts":"2026-11-25T16:00:00.123Z","level":"info","event":"bound",...}  (JSON lines)
//
// Threading: any thread. A line that cannot be written (disk full, broken pipe) is lost.
#pragma once

#include "core/base/log.hpp"

namespace keelson::runtime {

struct LogOptions {
  Level level = Level::info;  // entries below it are dropped
  bool json = false;
  int fd = 2;  // not closed
};

class StreamLog final : public Log {
 public:
  explicit StreamLog(LogOptions options = {}) : options_(options) {}

  bool enabled(Level level) const override { return level >= options_.level; }
  void write(Level level, std::string_view event, std::span<const LogField> fields) override;

 private:
  const LogOptions options_;
};

}  // namespace keelson::runtime
