// What `sim run --record` writes and `sim replay` reads: all that a run came from, and what became
// of it.
#pragma once

#include "core/base/result.hpp"
#include "sim/report/report.hpp"

namespace keelson::cli {

struct Recording {
  sim::Invocation invocation;
  std::string scenario_text;
  // Those of the command line and of the variant.
  std::map<std::string, std::string> settings;
  uint64_t hash = 0;
  sim::Verdict verdict = sim::Verdict::held;
  Duration virtual_time{};  // an undecided run ended here
};

std::string to_text(const Recording& recording);
Result<Recording> parse_recording(const std::string& text);

}  // namespace keelson::cli
