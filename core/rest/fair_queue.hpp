// Keeps one user's flood from starving the others: who asks waits in a line of his own, and the lines
// take turns, a request each. Source of the idea: KEP-1040, reduced to one priority level with a queue
// per user.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>

#include "core/base/callback.hpp"
#include "core/base/loop.hpp"

namespace keelson::rest {

class FairQueue {
 public:
  // A line that is longer than `waiting_max` takes nobody more.
  FairQueue(Loop& loop, std::size_t waiting_max)
      : loop_(loop), waiting_max_(waiting_max), turn_(loop, [this] { take_turns(); }) {}

  // Runs `work` when its turn comes, never at once; false: the user's line is full.
  bool enter(const std::string& user, Callback<void()> work);
  std::size_t waiting() const { return waiting_; }

 private:
  void take_turns();

  Loop& loop_;
  std::size_t waiting_max_, waiting_ = 0;
  std::map<std::string, std::deque<Callback<void()>>> lines_;
  std::deque<std::string> turns_;  // users with a line, the next one first
  Timer turn_;
};

}  // namespace keelson::rest
