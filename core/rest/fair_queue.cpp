#include "core/rest/fair_queue.hpp"

namespace keelson::rest {

namespace {
// Between so many requests the loop gets to do other things: answers, watches, timers.
constexpr int kAtOnce = 16;
}  // namespace

bool FairQueue::enter(const std::string& user, Callback<void()> work) {
  auto [line, fresh] = lines_.try_emplace(user);
  if (line->second.size() >= waiting_max_) return false;
  if (fresh) turns_.push_back(user);
  line->second.push_back(std::move(work));
  ++waiting_;
  turn_.arm_by(Duration::zero());
  return true;
}

void FairQueue::take_turns() {
  for (int i = 0; i < kAtOnce && !turns_.empty(); ++i) {
    const std::string user = std::move(turns_.front());
    turns_.pop_front();
    const auto line = lines_.find(user);
    Callback<void()> work = std::move(line->second.front());
    line->second.pop_front();
    --waiting_;
    if (line->second.empty()) {
      lines_.erase(line);
    } else {
      turns_.push_back(user);
    }
    work();
  }
  if (!turns_.empty()) turn_.arm(Duration::zero());
}

}  // namespace keelson::rest
