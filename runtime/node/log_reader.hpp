// A container's log file as text: reads forwards from where the options say, follows what is
// appended, and goes on with the next file when the log is rotated (the file is moved aside and a
// new one made). No loop and no waiting: whoever uses it asks again. Reads are of local files and
// of 64 KiB at most.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/agent/container_streams.hpp"
#include "core/base/result.hpp"

namespace keelson::node {

class LogReader {
 public:
  LogReader() = default;
  ~LogReader();
  LogReader(const LogReader&) = delete;
  LogReader& operator=(const LogReader&) = delete;

  // Code::not_found: there is no such file. `now` is what since_ago counts from.
  Status open(const std::string& path, const agent::LogOptions& options, WallTime now);

  enum class State : uint8_t {
    more,  // ask again at once
    rest,  // all that is there has been read
    full,  // limit_bytes have been given: the end
  };
  // Appends what comes next to `text`.
  Result<State> read(std::string& text);

 private:
  Status reopen(bool& done);
  void put_line(std::string_view line, std::string& text);
  void close();

  std::string path_;
  int fd_ = -1;
  uint64_t inode_ = 0, at_ = 0;
  std::string carry_;         // of a line whose end has not come
  bool within_line_ = false;  // what was put last was partial
  bool timestamps_ = false;
  agent::LogSource source_{};
  WallTime since_{};
  std::optional<int64_t> left_;  // of limit_bytes
};

}  // namespace keelson::node
