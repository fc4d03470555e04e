// Writes the recording of a live session, line by line, so that what was written so far is of use
// whatever becomes of the process.
#pragma once

#include <cstdio>
#include <string>

#include "core/base/result.hpp"

namespace keelson::cli {

class SessionRecorder {
 public:
  SessionRecorder() = default;
  ~SessionRecorder();
  SessionRecorder(const SessionRecorder&) = delete;
  SessionRecorder& operator=(const SessionRecorder&) = delete;

  // For its owner alone: clients' Secrets are in it.
  Status open(const std::string& file);
  bool active() const { return file_ != nullptr; }
  // What cannot be written ends the recording, and is said once.
  void write(const std::string& line);
  // Brings what was written to the file, now and then.
  void flush();

 private:
  void fail();

  std::string name_;
  std::FILE* file_ = nullptr;
  bool dirty_ = false;
};

}  // namespace keelson::cli
