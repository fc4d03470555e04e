// A transport may deliver a call twice (a retry under the caller's feet). Both copies carry the same
// request_id; the server acts on the first and gives the second the same answer. Without this a
// duplicated POST with generateName would make two objects (GUARANTEES ST-4).
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "core/api/request.hpp"
#include "core/base/callback.hpp"
#include "core/base/loop.hpp"

namespace keelson::apiserver {

class Repeats {
 public:
  using Answer = Callback<void(api::Response)>;

  explicit Repeats(const Clock& clock) : clock_(clock) {}

  // True: the call is new, carry it out and call finish(). False: it is a repetition, and `done` has
  // been taken: it is called when the first copy is done, at the same time as that one's.
  bool begin(uint64_t id, Answer& done) {
    forget_old();
    const auto [it, inserted] = calls_.try_emplace(id);
    if (inserted) {
      order_.emplace_back(clock_.now(), id);
      return true;
    }
    it->second.waiting.push_back(std::move(done));
    return false;
  }

  // Answers the copies that wait.
  void finish(uint64_t id, const api::Response& response) {
    const auto it = calls_.find(id);
    if (it == calls_.end()) return;
    std::vector<Answer> waiting = std::move(it->second.waiting);
    it->second.waiting.clear();
    it->second.finished = true;
    for (Answer& answer : waiting) answer(response);
  }

  // A copy that comes after the answer was given: the caller has that answer, or it was lost.
  bool finished(uint64_t id) const {
    const auto it = calls_.find(id);
    return it != calls_.end() && it->second.finished;
  }

 private:
  // No transport delivers a copy later than its own time-out.
  static constexpr Duration kMemory = 30s;
  static constexpr std::size_t kMemoryMax = 100'000;

  struct Call {
    bool finished = false;
    std::vector<Answer> waiting;
  };
  void forget_old() {
    while (!order_.empty() &&
           (order_.front().first + kMemory < clock_.now() || order_.size() > kMemoryMax)) {
      const auto it = calls_.find(order_.front().second);
      if (it != calls_.end() && !it->second.finished) return;  // it is still being carried out
      if (it != calls_.end()) calls_.erase(it);
      order_.pop_front();
    }
  }

  const Clock& clock_;
  boost::unordered_flat_map<uint64_t, Call> calls_;  // for lookup only
  std::deque<std::pair<Instant, uint64_t>> order_;
};

}  // namespace keelson::apiserver
