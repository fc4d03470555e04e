#include "tests/e2e/watcher.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <functional>

namespace keelson::e2e {

namespace {

constexpr std::string_view kMetadata = "\"metadata\":";
constexpr std::size_t kWrongMax = 3;

// The text of a string member that follows `from`; empty: there is none.
std::string_view text_of(std::string_view json, std::string_view member, std::size_t from) {
  const std::size_t at = json.find(member, from);
  if (at == std::string_view::npos) return {};
  const std::size_t begin = at + member.size();
  return json.substr(begin, json.find('"', begin) - begin);
}

uint64_t number_of(std::string_view digits) {
  uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

// The JSON object that begins at `from`, with its braces.
std::string_view braced(std::string_view json, std::size_t from) {
  int depth = 0;
  bool in_text = false;
  for (std::size_t i = from; i < json.size(); ++i) {
    const char c = json[i];
    if (in_text) {
      if (c == '\\') ++i;
      if (c == '"') in_text = false;
    } else if (c == '"') {
      in_text = true;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && --depth == 0) {
      return json.substr(from, i + 1 - from);
    }
  }
  return {};
}

struct Parsed {
  std::string key;
  KnownObject object;
};

// Of an object, or of a row of a table, whose age and other cells change with time: only metadata
// counts there.
Parsed parse(std::string_view object, bool table) {
  Parsed parsed;
  const std::size_t metadata = object.find(kMetadata);
  if (metadata == std::string_view::npos) return parsed;
  parsed.key = text_of(object, "\"namespace\":\"", metadata);
  parsed.key.append("/").append(text_of(object, "\"name\":\"", metadata));
  parsed.object.revision = number_of(text_of(object, "\"resourceVersion\":\"", metadata));
  const std::string_view content =
      table ? braced(object, metadata + kMetadata.size()) : object.substr(metadata);
  parsed.object.content = std::hash<std::string_view>()(content);
  return parsed;
}

}  // namespace

std::string WatchScope::target(const std::string& more) const {
  std::string text = path;
  for (const std::string* part : {&query, &more}) {
    if (!part->empty()) text += (text.size() == path.size() ? "?" : "&") + *part;
  }
  return text;
}

std::string WatchScope::headers() const {
  return table ? "Accept: application/json;as=Table;v=v1;g=meta.k8s.io\r\n"
               : "Accept: application/json\r\n";
}

Listed list_of(Requester& requester, const WatchScope& scope) {
  Listed listed;
  const Answer answer = requester.ask("GET", scope.target(), {}, scope.headers());
  if (answer.status != 200) return listed;
  const std::string_view body = answer.body;
  listed.revision = number_of(text_of(body, "\"resourceVersion\":\"", 0));
  const std::string_view member = scope.table ? "\"rows\":[" : "\"items\":[";
  std::size_t at = body.find(member);
  if (at == std::string_view::npos) return listed;
  at += member.size();
  while (at < body.size() && body[at] == '{') {
    const std::string_view item = braced(body, at);
    if (item.empty()) return listed;
    Parsed parsed = parse(item, scope.table);
    listed.objects.emplace(std::move(parsed.key), parsed.object);
    at += item.size();
    if (at < body.size() && body[at] == ',') ++at;
  }
  listed.ok = listed.revision > 0;
  return listed;
}

void Watcher::begin_anew() {
  known_.clear();
  last_initial_.clear();
  synced_ = false;
}

void Watcher::open(Requester& requester) {
  std::string how = "watch=true&allowWatchBookmarks=true&timeoutSeconds=86000";
  if (!synced_) {
    const uint64_t before = revision_;
    begin_anew();
    if (begin_ == Begin::list) {
      Listed listed = list_of(requester, scope_);
      if (!listed.ok) return blame("no list", {});
      if (listed.revision < before) blame("the list is older than what was seen", {});
      known_ = std::move(listed.objects);
      revision_ = listed.revision;
      synced_ = true;
    }
  }
  if (synced_) {
    how += "&resourceVersion=" + std::to_string(revision_);
  } else if (begin_ == Begin::zero) {
    how += "&resourceVersion=0";
  } else {
    how += "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
  }
  in_body_ = over_ = false;
  chunk_left_ = 0;
  input_.clear();
  line_.clear();
  wire_ = Wire(port_, receive_buffer_);
  wire_.send(request("GET", scope_.target(how), {}, scope_.headers()));
}

void Watcher::cut(bool with_reset) {
  with_reset ? wire_.reset() : wire_.close();
}

void Watcher::read_some() {
  char buffer[65536];
  for (int reads = 0; reads < 4 && is_open(); ++reads) {
    const ssize_t got = ::recv(wire_.fd(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return wire_.close();
    take({buffer, static_cast<std::size_t>(got)});
    if (over_) return wire_.close();
    if (got < static_cast<ssize_t>(sizeof buffer)) return;
  }
}

void Watcher::take(std::string_view bytes) {
  while (!bytes.empty() && !over_) {
    if (chunk_left_ > 0) {
      std::string_view part = bytes.substr(0, chunk_left_);
      bytes.remove_prefix(part.size());
      chunk_left_ -= part.size();
      for (std::size_t end; (end = part.find('\n')) != std::string_view::npos && !over_;) {
        line_.append(part.substr(0, end));
        part.remove_prefix(end + 1);
        take_line(line_);
        line_.clear();
      }
      line_.append(part);
      continue;
    }
    // The head, or the line before a chunk; the end of the one before stands in front of it.
    input_ += bytes.front();
    bytes.remove_prefix(1);
    if (!in_body_) {
      if (!input_.ends_with("\r\n\r\n")) continue;
      if (!input_.starts_with("HTTP/1.1 200")) blame("refused", input_);
      in_body_ = true;
      input_.clear();
    } else if (input_.size() > 2 && input_.ends_with("\r\n")) {
      const char* digits = input_.c_str() + (input_.starts_with("\r\n") ? 2 : 0);
      chunk_left_ = std::strtoul(digits, nullptr, 16);
      input_.clear();
      if (chunk_left_ > 0) continue;
      over_ = true;
      ++ended;
      if (!line_.empty()) blame("ended within an event", line_);
    }
  }
}

void Watcher::take_line(std::string_view line) {
  const std::string_view type = text_of(line, "{\"type\":\"", 0);
  if (type == "BOOKMARK") return take_bookmark(line);
  if (type != "ERROR") return take_object(type, line);
  over_ = true;
  if (line.find("\"code\":410") == std::string_view::npos) return blame("error", line);
  ++expired;
  begin_anew();
}

void Watcher::take_bookmark(std::string_view line) {
  ++bookmarks;
  const std::size_t object = line.find(scope_.table ? "\"rows\":" : "\"object\":");
  const uint64_t revision = number_of(text_of(line, "\"resourceVersion\":\"", object));
  const bool initial_end =
      line.find("\"k8s.io/initial-events-end\":\"true\"") != std::string_view::npos;
  if (initial_end != (!synced_ && begin_ == Begin::initial_events)) {
    blame("bookmark of the wrong sort", line);
  }
  if (revision < revision_) blame("bookmark before " + std::to_string(revision_), line);
  revision_ = std::max(revision_, revision);
  synced_ = true;
}

void Watcher::take_object(std::string_view type, std::string_view line) {
  ++events;
  const std::size_t from = scope_.table ? line.find("\"rows\":") : line.find("\"object\":");
  if (from == std::string_view::npos) return blame("no object", line);
  // Without the brace that ends the event.
  auto [key, object] = parse(line.substr(from, line.size() - 1 - from), scope_.table);
  const auto found = known_.find(key);
  const bool added = type == "ADDED";
  if (added != (found == known_.end())) blame(added ? "known already" : "not known", line);
  if (found != known_.end() && object.revision <= found->second.revision) {
    blame("not newer than what was known", line);
  }
  // The state at the beginning comes in order of names, and is over with the first event that does
  // not go on so; revisions rise from then on.
  if (!synced_ && added && key > last_initial_) {
    last_initial_ = key;
    revision_ = std::max(revision_, object.revision);
  } else {
    if (!synced_ && begin_ == Begin::initial_events) blame("before the end of what there is", line);
    if (object.revision <= revision_) blame("not after " + std::to_string(revision_), line);
    revision_ = std::max(revision_, object.revision);
    synced_ = true;
  }
  if (type == "DELETED") {
    known_.erase(key);
  } else {
    known_.insert_or_assign(std::move(key), object);
    if (!added && type != "MODIFIED") blame("unknown type", line);
  }
}

void Watcher::blame(const std::string& what, std::string_view line) {
  if (wrong.size() < kWrongMax) {
    wrong.push_back(scope_.target() + ": " + what + ": " + std::string(line.substr(0, 400)));
  }
}

}  // namespace keelson::e2e
