// Notices that a container's process has ended, within milliseconds and without polling: the kernel
// makes a pidfd readable then. containerd 1.6 has no stream of events for its CRI clients.
//
// Only a hint: what counts is what the runtime says. But a process that is known to be gone while
// the runtime goes on claiming that it runs shows that the runtime has lost its end
// (containerd#6771).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "core/base/callback.hpp"
#include "core/base/loop.hpp"

namespace keelson::runtime {
class AsioLoop;
}

namespace keelson::cri {

class ExitWatch {
 public:
  // `hint` is called when a process ends, and a few times more until forget() shows that it was
  // heard.
  ExitWatch(runtime::AsioLoop& loop, Callback<void()> hint);
  ~ExitWatch();

  // `pid`: as the runtime says, in the same pid namespace as ours. It is watched only if it is in a
  // cgroup of the container: numbers are used again.
  void watch(const std::string& container, int pid);
  bool watches(const std::string& container) const { return watched_.contains(container); }
  // These run; of others nothing more is to be known.
  void keep_only(const std::set<std::string>& running);
  // Since when the process is gone.
  std::optional<Instant> gone_since(const std::string& container) const;

 private:
  struct Watched;
  bool open(const std::string& container, int pid);
  void on_exit(const std::string& container);
  void on_timer();

  runtime::AsioLoop& loop_;
  Callback<void()> hint_;
  Timer timer_;
  int hints_left_ = 0;
  std::map<std::string, std::unique_ptr<Watched>> watched_;
  std::map<std::string, int> unseen_;  // how often watching it was tried in vain
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace keelson::cri
