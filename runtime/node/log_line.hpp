// The format of container logs, as container runtimes write it: one line for each piece of output,
//
//   2026-11-25T23:12:50.123456789Z stdout F the message
//
// with P instead of F for a piece of a line that is not its end.
// Source: Kubernetes' CRI logging design (kubelet's pkg/kubelet/kuberuntime/logs).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/agent/container_streams.hpp"
#include "core/base/result.hpp"
#include "core/base/time.hpp"

namespace keelson::node {

struct LogPiece {
  WallTime at;
  bool error = false;    // of standard error
  bool partial = false;  // the line goes on in the next piece
  std::string_view text;
};

// `line` is without its newline. Nothing: it is none.
std::optional<LogPiece> parse_log_piece(std::string_view line);

// Nine digits of a fraction, in UTC, as kubelet prints them.
std::string log_time_text(WallTime at);

bool wanted(agent::LogSource source, const LogPiece& piece);

// Where the last `lines` lines of a file of `size` bytes begin, read from its end. Pieces count by
// the lines that they make, and only those of the source.
Result<uint64_t> find_tail(int fd, uint64_t size, int64_t lines, agent::LogSource source);

}  // namespace keelson::node
