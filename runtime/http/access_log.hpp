// One line per request:
//
//   2026-11-25T16:00:00.123Z GET /api/v1/pods 200 5120B 3.2ms user=jane agent="kubectl/1.30" id=... from=...
//
// Threading: any thread; a line is one write.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/base/time.hpp"

namespace keelson::http {

struct AccessEntry {
  std::string_view method, target, user, agent, id, peer;
  int status = 0;
  uint64_t bytes = 0;  // of the answer's body
  Duration took{};
};

class AccessLog {
 public:
  AccessLog() = default;
  ~AccessLog();
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;

  // A file to append to, "-" for standard error, "" for none.
  Status open(const std::string& path);
  bool enabled() const { return fd_ >= 0; }
  void write(const AccessEntry& entry) const;

 private:
  int fd_ = -1;
  bool owned_ = false;
};

}  // namespace keelson::http
