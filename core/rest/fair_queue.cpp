#include "core/rest/fair_queue.hpp"

#include "core/base/assert.hpp"

namespace keelson::rest {

bool FairQueue::enter(const std::string& user, Callback<void()> work) {
  if (at_work_ < at_work_max_) {
    ++at_work_;
    work();
    return true;
  }
  auto [line, fresh] = lines_.try_emplace(user);
  if (line->second.size() >= waiting_max_) return false;
  if (fresh) turns_.push_back(user);
  line->second.push_back(std::move(work));
  ++waiting_;
  return true;
}

void FairQueue::done() {
  KEELSON_ASSERT(at_work_ > 0);
  if (turns_.empty()) {
    --at_work_;
    return;
  }
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
  work();  // in the place of the one that has ended
}

}  // namespace keelson::rest
