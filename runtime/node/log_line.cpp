#include "runtime/node/log_line.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "core/api/time_text.hpp"
#include "runtime/node/socket.hpp"

namespace keelson::node {

namespace {
constexpr std::size_t kBlock = 64 * 1024;

// The next word and the blank behind it leave `rest`.
std::string_view word(std::string_view& rest) {
  const std::size_t end = rest.find(' ');
  const std::string_view found = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return found;
}
}  // namespace

std::optional<LogPiece> parse_log_piece(std::string_view line) {
  std::string_view rest = line;
  LogPiece piece;
  int64_t seconds = 0;
  int32_t nanos = 0;
  if (!api::parse_time(word(rest), seconds, nanos)) return std::nullopt;
  piece.at = {seconds * 1'000'000'000 + nanos};
  const std::string_view stream = word(rest);
  if (stream != "stdout" && stream != "stderr") return std::nullopt;
  piece.error = stream == "stderr";
  // Tags are separated by colons; the first one says whether the line is complete.
  const std::string_view tags = word(rest);
  const std::string_view first = tags.substr(0, tags.find(':'));
  if (first != "F" && first != "P") return std::nullopt;
  piece.partial = first == "P";
  piece.text = rest;
  return piece;
}

std::string log_time_text(WallTime at) {
  const std::string whole = api::format_seconds(at.unix_ns / 1'000'000'000, 0, false);
  const std::string digits = std::to_string(at.unix_ns % 1'000'000'000);
  return whole.substr(0, whole.size() - 1) + "." +
         std::string(9 - std::min<std::size_t>(9, digits.size()), '0') + digits + "Z";
}

bool wanted(agent::LogSource source, const LogPiece& piece) {
  return source == agent::LogSource::all ||
         piece.error == (source == agent::LogSource::standard_error);
}

Result<uint64_t> find_tail(int fd, uint64_t size, int64_t lines, agent::LogSource source) {
  if (lines <= 0) return size;
  std::string carry;     // the front of what was read, of a line whose begin was not
  uint64_t from = size;  // where `carry` begins in the file
  int64_t found = 0;     // ends of lines
  bool last = true;      // the piece at hand is the last one of the file
  while (from > 0) {
    const std::size_t take = std::min<uint64_t>(kBlock, from);
    std::string block(take, '\0');
    const ssize_t got = ::pread(fd, block.data(), take, static_cast<off_t>(from - take));
    if (got != static_cast<ssize_t>(take)) {
      return Error{Code::unavailable, "the log cannot be read: " + system_error_text(errno)};
    }
    from -= take;
    block += carry;
    // Pieces from the last to the first; the first may begin in the block before.
    std::size_t end = block.size();
    while (end > 0) {
      const std::size_t newline = end >= 2 ? block.rfind('\n', end - 2) : std::string::npos;
      if (newline == std::string::npos && from > 0) break;
      const std::size_t begin = newline == std::string::npos ? 0 : newline + 1;
      std::string_view line(block.data() + begin, end - begin);
      const bool complete = line.ends_with('\n');
      if (complete) line.remove_suffix(1);
      const std::optional<LogPiece> piece = parse_log_piece(line);
      if (piece && wanted(source, *piece)) {
        // A piece that ends a line, or the last one, which ends it for now.
        if (!piece->partial || last) ++found;
        last = false;
        if (found > lines) return from + end;
      }
      end = begin;
    }
    carry = block.substr(0, end);
  }
  return uint64_t{0};
}

}  // namespace keelson::node
