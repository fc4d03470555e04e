#include "runtime/node/log_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runtime/node/log_line.hpp"
#include "runtime/node/socket.hpp"

namespace keelson::node {

namespace {
constexpr std::size_t kReadBlock = 64 * 1024;
// Runtimes cut pieces at 16 KiB. What is longer is no log; it is not kept to be looked at.
constexpr std::size_t kPieceMax = 1024 * 1024;

Error unreadable(int error) {
  return {error == ENOENT ? Code::not_found : Code::unavailable,
          "the log cannot be read: " + system_error_text(error)};
}
}  // namespace

LogReader::~LogReader() {
  close();
}

void LogReader::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Status LogReader::open(const std::string& path, const agent::LogOptions& options, WallTime now) {
  close();
  path_ = path;
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info {};
  if (fd_ < 0 || ::fstat(fd_, &info) != 0) return unreadable(errno);
  inode_ = info.st_ino;
  timestamps_ = options.timestamps;
  source_ = options.source;
  left_ = options.limit_bytes;
  if (options.since_ago) since_ = now + -*options.since_ago;
  if (options.since) since_ = std::max(since_, *options.since);
  if (options.tail_lines) {
    const Result<uint64_t> from =
        find_tail(fd_, static_cast<uint64_t>(info.st_size), *options.tail_lines, source_);
    if (!from) return from.error();
    at_ = *from;
  }
  return {};
}

Result<LogReader::State> LogReader::read(std::string& text) {
  if (left_ && *left_ <= 0) return State::full;
  std::string block(kReadBlock, '\0');
  const ssize_t got = ::pread(fd_, block.data(), block.size(), static_cast<off_t>(at_));
  if (got < 0) return unreadable(errno);
  if (got == 0) {
    bool done = true;
    if (Status status = reopen(done); !status) return status.error();
    return done ? State::rest : State::more;
  }
  at_ += static_cast<uint64_t>(got);
  std::string_view rest(block.data(), static_cast<std::size_t>(got));
  const std::size_t begin = text.size();
  for (std::size_t end; (end = rest.find('\n')) != std::string_view::npos;) {
    if (carry_.empty()) {
      put_line(rest.substr(0, end), text);
    } else {
      carry_ += rest.substr(0, end);
      put_line(std::exchange(carry_, {}), text);
    }
    rest.remove_prefix(end + 1);
  }
  if (carry_.size() < kPieceMax) carry_ += rest;
  if (left_) {
    const auto given = static_cast<int64_t>(text.size() - begin);
    if (given >= *left_) {
      text.resize(begin + static_cast<std::size_t>(*left_));
      left_ = 0;
      return State::full;
    }
    *left_ -= given;
  }
  return State::more;
}

// At the end of the file: whether another has taken its place.
Status LogReader::reopen(bool& done) {
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0) return {};  // moved away, and none there yet
  if (info.st_ino == inode_) {
    if (static_cast<uint64_t>(info.st_size) >= at_) return {};
    at_ = 0;  // emptied in place
  } else {
    // Whoever wrote the old one may have gone on until the new one was there.
    struct stat old {};
    if (::fstat(fd_, &old) == 0 && static_cast<uint64_t>(old.st_size) > at_) {
      done = false;
      return {};
    }
    const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? Status() : Status(unreadable(errno));
    close();
    fd_ = fd;
    if (::fstat(fd_, &info) == 0) inode_ = info.st_ino;
    at_ = 0;
  }
  carry_.clear();
  done = false;
  return {};
}

void LogReader::put_line(std::string_view line, std::string& text) {
  const std::optional<LogPiece> piece = parse_log_piece(line);
  // What is no piece (a torn write before a crash) is skipped, as kubelet does.
  if (!piece || !wanted(source_, *piece) || piece->at < since_) return;
  if (timestamps_ && !within_line_) text += log_time_text(piece->at) + " ";
  text += piece->text;
  if (!piece->partial) text += '\n';
  within_line_ = piece->partial;
}

}  // namespace keelson::node
