// Keeps one user's flood from starving the others: so many requests are at work at once, and who has to
// wait waits in a line of his own; the lines take turns. Source of the idea: KEP-1040, reduced to one
// priority level with a queue per user.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>

#include "core/base/callback.hpp"

namespace keelson::rest {

class FairQueue {
 public:
  FairQueue(std::size_t at_work_max, std::size_t waiting_max)
      : at_work_max_(at_work_max), waiting_max_(waiting_max) {}

  // Runs `work` now or when its turn comes; false: the user's line is full. Each work that has run
  // must be followed by one done().
  bool enter(const std::string& user, Callback<void()> work);
  void done();
  std::size_t waiting() const { return waiting_; }

 private:
  std::size_t at_work_max_, waiting_max_;
  std::size_t at_work_ = 0, waiting_ = 0;
  std::map<std::string, std::deque<Callback<void()>>> lines_;
  std::deque<std::string> turns_;  // users with a line, the next one first
};

}  // namespace keelson::rest
