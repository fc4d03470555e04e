#include "core/rest/streams/http_response.hpp"

#include <algorithm>
#include <charconv>

#include "core/rest/streams/query.hpp"

namespace keelson::rest {

namespace {

Status broken(std::string why) { return {Code::invalid, "malformed HTTP response: " + std::move(why)}; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

bool of_connection(std::string_view name) {
  for (const char* other : {"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "TE",
                            "Trailer", "Upgrade", "Content-Length"}) {
    if (same_word(name, other)) return true;
  }
  return false;
}

}  // namespace

Status ResponseReader::feed(std::string_view bytes, std::string& body) {
  while (!bytes.empty()) {
    switch (state_) {
      case State::done:
        return {};  // nothing was asked for that would be answered after it
      case State::sized:
      case State::chunk_data: {
        const auto part = bytes.substr(0, static_cast<std::size_t>(std::min<uint64_t>(left_, bytes.size())));
        body += part;
        bytes.remove_prefix(part.size());
        left_ -= part.size();
        if (left_ == 0) state_ = state_ == State::sized ? State::done : State::chunk_end;
        break;
      }
      case State::until_end:
        body += bytes;
        return {};
      case State::head:
      case State::chunk_size:
      case State::chunk_end:
      case State::trailer: {
        const std::size_t end = bytes.find('\n');
        const auto part = bytes.substr(0, end == std::string_view::npos ? end : end + 1);
        line_ += part;
        bytes.remove_prefix(part.size());
        if (line_.size() > kHeadMax) return broken("the head is too large");
        if (end == std::string_view::npos) break;
        if (state_ == State::head) {
          if (!line_.ends_with("\r\n\r\n") && !line_.ends_with("\n\n")) break;
          if (Status read = read_head(); !read.ok()) return read;
          line_.clear();
          break;
        }
        const std::string line = std::exchange(line_, {});
        const std::string_view text = trimmed(std::string_view(line).substr(0, line.size() - 1));
        if (state_ == State::chunk_size) {
          if (Status read = read_chunk_size(text); !read.ok()) return read;
        } else if (state_ == State::chunk_end) {
          if (!text.empty()) return broken("a chunk is longer than its size");
          state_ = State::chunk_size;
        } else if (text.empty()) {
          state_ = State::done;
        }
        break;
      }
    }
  }
  return {};
}

Status ResponseReader::read_head() {
  std::string_view rest = line_;
  const auto next_line = [&] {
    const std::size_t end = rest.find('\n');
    const std::string_view line = trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return line;
  };
  const std::string_view first = next_line();
  if (!first.starts_with("HTTP/1.") || first.size() < 12) {
    return broken("it begins with \"" + std::string(first.substr(0, 40)) + "\"");
  }
  const auto [end, trouble] = std::from_chars(first.data() + 9, first.data() + 12, status_);
  if (trouble != std::errc() || end != first.data() + 12 || status_ < 100) return broken("no status code");
  if (status_ < 200) {
    if (status_ == 101) return broken("it upgrades what was not to be upgraded");
    return {};  // an interim answer; the final one follows
  }
  bool chunked = false;
  std::optional<uint64_t> length;
  while (!rest.empty()) {
    const std::string_view line = next_line();
    if (line.empty()) break;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) return broken("a header without a colon");
    const std::string_view name = line.substr(0, colon), value = trimmed(line.substr(colon + 1));
    if (same_word(name, "Transfer-Encoding")) chunked = same_word(value, "chunked");
    if (same_word(name, "Content-Length")) {
      uint64_t number = 0;
      const auto [stop, why] = std::from_chars(value.data(), value.data() + value.size(), number);
      if (why != std::errc() || stop != value.data() + value.size()) return broken("bad Content-Length");
      length = number;
    }
    if (!of_connection(name)) headers_.push_back({std::string(name), std::string(value)});
  }
  if (head_request_ || status_ == 204 || status_ == 304) {
    state_ = State::done;
  } else if (chunked) {
    state_ = State::chunk_size;
  } else if (length) {
    left_ = *length;
    state_ = left_ == 0 ? State::done : State::sized;
  } else {
    state_ = State::until_end;
  }
  return {};
}

Status ResponseReader::read_chunk_size(std::string_view line) {
  line = trimmed(line.substr(0, line.find(';')));
  uint64_t size = 0;
  const auto [end, trouble] = std::from_chars(line.data(), line.data() + line.size(), size, 16);
  if (trouble != std::errc() || end != line.data() + line.size()) return broken("bad chunk size");
  left_ = size;
  state_ = size == 0 ? State::trailer : State::chunk_data;
  return {};
}

Status ResponseReader::end() {
  if (state_ == State::until_end) state_ = State::done;
  if (state_ == State::done) return {};
  return {Code::invalid, "unexpected EOF"};
}

}  // namespace keelson::rest
