#include "bench/load/response_reader.hpp"

#include <algorithm>
#include <charconv>

#include "runtime/http/request_parser.hpp"

namespace keelson::bench {

namespace {

constexpr std::size_t kHeadBytesMax = 64 * 1024;

bool parse(std::string_view text, int base, uint64_t* to) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *to, base);
  return error == std::errc{} && end != text.data();
}

}  // namespace

bool ResponseReader::put(std::string_view data) {
  std::string_view line;
  while (!data.empty()) {
    switch (state_) {
      case State::head:
        if (!take_head(data)) return false;
        break;
      case State::length:
        take_body(data);
        if (left_ == 0) end();
        break;
      case State::chunk_head:
        if (!take_line(data, line)) return kept_.size() < kHeadBytesMax;
        if (!parse(line, 16, &left_)) return false;
        state_ = left_ == 0 ? State::trailer : State::chunk;
        kept_.clear();
        break;
      case State::chunk:
        take_body(data);
        if (left_ == 0) state_ = State::chunk_end;
        break;
      case State::chunk_end:
        if (!take_line(data, line)) return true;
        state_ = State::chunk_head;
        kept_.clear();
        break;
      case State::trailer:
        if (!take_line(data, line)) return kept_.size() < kHeadBytesMax;
        if (line.empty()) end();
        kept_.clear();
        break;
    }
  }
  return true;
}

// `line` is without its end, and stands in `data` or in what was kept.
bool ResponseReader::take_line(std::string_view& data, std::string_view& line) {
  const std::size_t newline = data.find('\n');
  if (newline == data.npos) {
    kept_.append(data);
    data = {};
    return false;
  }
  line = data.substr(0, newline);
  data.remove_prefix(newline + 1);
  if (!kept_.empty()) {
    kept_.append(line);
    line = kept_;
  }
  if (line.ends_with('\r')) line.remove_suffix(1);
  return true;
}

bool ResponseReader::take_head(std::string_view& data) {
  if (kept_.empty()) {
    // Nearly always a head comes in one piece.
    if (const std::size_t end = data.find("\r\n\r\n"); end != data.npos) {
      const std::string_view head = data.substr(0, end + 2);
      data.remove_prefix(end + 4);
      return read_head(head);
    }
  }
  const std::size_t before = kept_.size();
  kept_.append(data);
  const std::size_t end = kept_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
  if (end == kept_.npos) {
    data = {};
    return kept_.size() < kHeadBytesMax;
  }
  data.remove_prefix(end + 4 - before);
  const std::string head = std::exchange(kept_, {}).substr(0, end + 2);
  return read_head(head);
}

bool ResponseReader::read_head(std::string_view head) {
  uint64_t status = 0;
  if (!head.starts_with("HTTP/1.") || head.size() < 12 || !parse(head.substr(9, 3), 10, &status)) {
    return false;
  }
  if (status == 100) return true;
  status_ = static_cast<int>(status);
  body_bytes_ = 0;
  left_ = 0;
  state_ = State::length;
  while (!head.empty()) {
    const std::size_t end = head.find("\r\n");
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 2, head.size()));
    const std::size_t colon = line.find(':');
    if (colon == line.npos) continue;
    const std::string_view name = line.substr(0, colon);
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    if (http::same_name(name, "Content-Length")) {
      if (!parse(value, 10, &left_)) return false;
    } else if (http::same_name(name, "Transfer-Encoding")) {
      state_ = State::chunk_head;
    }
  }
  if (events_.on_head) events_.on_head(status_);
  if (state_ == State::length && left_ == 0) end();
  return true;
}

void ResponseReader::take_body(std::string_view& data) {
  const std::size_t size = static_cast<std::size_t>(std::min<uint64_t>(left_, data.size()));
  const std::string_view piece = data.substr(0, size);
  data.remove_prefix(size);
  left_ -= size;
  body_bytes_ += size;
  if (events_.on_body) events_.on_body(piece);
}

void ResponseReader::end() {
  state_ = State::head;
  events_.on_end(status_);
}

}  // namespace keelson::bench
