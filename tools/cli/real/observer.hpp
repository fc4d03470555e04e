// Watches a real cluster through its API: every change of the kinds that milestones are made of, with the
// moment at which it arrived on this machine's monotonic clock. A watch that breaks goes on from where it
// was, and lists again when the server has forgotten that.
//
// Threads: one for each kind, in the network namespace that it is given; `hear` is called by one of them at
// a time.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "runtime/http/client.hpp"
#include "tools/cli/real/history.hpp"

namespace keelson::real {

class Observer {
 public:
  using Clock = std::chrono::steady_clock;
  using Hear = std::function<void(Clock::time_point at, const api::ObjectPtr& object,
                                  const api::ObjectPtr& previous)>;

  Observer(http::ClientOptions server, const std::string& network, Hear hear);
  // Within some five seconds.
  ~Observer();
  // Every kind has been listed once.
  bool listed() const { return listed_ >= kinds_; }
  // All objects of a kind as they are known now.
  std::vector<api::ObjectPtr> all(api::Kind kind) const;

 private:
  using Objects = std::map<std::string, api::ObjectPtr>;  // by "ns/name"
  void follow(const std::string& network, api::Kind kind);
  bool list(http::Client& client, api::Kind kind, std::string& revision);
  void watch(http::Client& client, api::Kind kind, std::string& revision);
  // One line of a watch; false: the watch is of no use any more.
  bool line(const std::string& text, api::Kind kind, std::string& revision);
  void changed(api::Kind kind, const api::ObjectPtr& object, bool removed);

  const http::ClientOptions server_;
  const Hear hear_;
  std::atomic<bool> over_ = false;
  std::atomic<int> listed_ = 0;
  int kinds_ = 0;
  mutable std::mutex mutex_;
  std::map<api::Kind, Objects> objects_;
  std::vector<std::thread> threads_;
};

}  // namespace keelson::real
