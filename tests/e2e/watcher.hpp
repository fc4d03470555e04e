// A client that watches over a plain socket and checks what it is told as strictly as the protocol
// allows: events once and in order, and none that does not fit what it knows. It lists where it
// must, and resumes where it can.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/wire.hpp"

namespace keelson::e2e {

// What is watched, and in which form.
struct WatchScope {
  std::string path;   // "/api/v1/configmaps"
  std::string query;  // selectors: "labelSelector=color%3Dred"; may be empty
  bool table = false;

  std::string target(const std::string& more = {}) const;
  std::string headers() const;
};

// How a watcher learns what there is.
enum class Begin { list, zero, initial_events };

struct KnownObject {
  uint64_t revision = 0;
  std::size_t content = 0;  // a hash of its text
  bool operator==(const KnownObject&) const = default;
};
using KnownObjects = std::map<std::string, KnownObject, std::less<>>;  // by "namespace/name"

struct Listed {
  bool ok = false;
  uint64_t revision = 0;
  KnownObjects objects;
};
Listed list_of(Requester& requester, const WatchScope& scope);

class Watcher {
 public:
  Watcher(uint16_t port, WatchScope scope, Begin begin, int receive_buffer)
      : port_(port), scope_(std::move(scope)), begin_(begin), receive_buffer_(receive_buffer) {}

  // Connects, after a list if it has to begin with one, which `requester` makes.
  void open(Requester& requester);
  bool is_open() const { return wire_.connected(); }
  int fd() const { return wire_.fd(); }
  // Takes what has come. When the connection has ended the watcher is no longer open.
  void read_some();
  // Ends the connection, whatever is on its way.
  void cut(bool with_reset);

  const WatchScope& scope() const { return scope_; }
  const KnownObjects& known() const { return known_; }
  // All changes up to here have been seen.
  uint64_t revision() const { return synced_ ? revision_ : 0; }

  uint64_t events = 0, bookmarks = 0;
  uint64_t expired = 0;            // 410: had to begin anew
  uint64_t ended = 0;              // by the server, properly
  std::vector<std::string> wrong;  // the first few things that must not happen

 private:
  void begin_anew();
  void take(std::string_view bytes);
  void take_line(std::string_view line);
  void take_object(std::string_view type, std::string_view line);
  void take_bookmark(std::string_view line);
  void blame(const std::string& what, std::string_view line);

  const uint16_t port_;
  const WatchScope scope_;
  const Begin begin_;
  const int receive_buffer_;
  Wire wire_;

  KnownObjects known_;
  uint64_t revision_ = 0;     // the highest seen
  bool synced_ = false;       // everything up to revision_ is known, so that it can resume
  std::string last_initial_;  // key of the last object of the initial state
  // The connection at hand.
  bool in_body_ = false;
  bool over_ = false;  // the last chunk, or an error, has come
  std::size_t chunk_left_ = 0;
  std::string input_;  // a part of a head, or of a chunk's
  std::string line_;   // a part of an event
};

}  // namespace keelson::e2e
