#include "core/apiserver/freshness.hpp"

#include <algorithm>

namespace keelson::apiserver {

namespace {
// A store answers within milliseconds; who has not heard of it for this long asks again.
constexpr Duration kAskAgain = 300ms;
}  // namespace

Freshness::Freshness(Loop& loop, store::Store& store, const WatchCache& cache,
                     const ApiServerOptions& options, std::function<void()> on_stalled)
    : loop_(loop),
      store_(store),
      cache_(cache),
      options_(options),
      on_stalled_(std::move(on_stalled)),
      timer_(loop, [this] { expire(); }),
      ask_timer_(loop, [this] { ask_again(); }) {}

void Freshness::barrier(Callback<void(ApiError)> done) {
  // A question already on its way may have been answered before this caller's request came in, so
  // the caller waits for the next one.
  next_.push_back(std::move(done));
  if (!asking_) begin();
}

void Freshness::begin() {
  asking_ = true;
  asked_ = std::exchange(next_, {});
  ++round_;
  ask();
}

void Freshness::ask() {
  asked_at_ = loop_.now();
  // Left armed from one question to the next: arming it for each would cost every read.
  ask_timer_.arm_by(kAskAgain);
  store_.current_revision(life_.tie([this, round = round_](Result<Revision> current) {
    if (asking_ && round == round_) answered(std::move(current));
  }));
}

// All linearizable reads wait for the answer, and the store's client gives a lost one up only after
// seconds. The question may be asked any number of times: every answer is later than the callers.
void Freshness::ask_again() {
  if (!asking_) return;
  const Duration waited = loop_.now() - asked_at_;
  if (waited < kAskAgain) {
    ask_timer_.arm(kAskAgain - waited);
  } else {
    ask();
  }
}

void Freshness::answered(Result<Revision> current) {
  asking_ = false;
  auto callers = std::make_shared<std::vector<Callback<void(ApiError)>>>(std::exchange(asked_, {}));
  if (!next_.empty()) begin();
  if (!current) {
    for (auto& done : *callers) {
      done(api::service_unavailable("the store is unavailable: " + current.error().message));
    }
    return;
  }
  at_least(*current, options_.read_wait, [this, callers](bool reached) {
    for (auto& done : *callers) {
      done(reached ? ApiError{}
                   : api::service_unavailable("this API server lags behind the store; try again"));
    }
    if (!reached) on_stalled_();
  });
}

void Freshness::at_least(Revision revision, Duration patience, Callback<void(bool)> done) {
  if (cache_.revision() >= revision) {
    done(true);
    return;
  }
  waiters_.emplace(revision, Waiter{loop_.now() + patience, std::move(done)});
  timer_.arm_by(patience);
}

void Freshness::advanced() {
  // One at a time: a callback may add waiters or move the cache's owner on.
  while (!waiters_.empty() && waiters_.begin()->first <= cache_.revision()) {
    Callback<void(bool)> done = std::move(waiters_.begin()->second.done);
    waiters_.erase(waiters_.begin());
    done(true);
  }
}

void Freshness::interrupted() {
  auto waiters = std::exchange(waiters_, {});
  for (auto& [revision, waiter] : waiters) waiter.done(false);
}

void Freshness::expire() {
  std::vector<Callback<void(bool)>> late;
  Instant next = Instant::max();
  for (auto at = waiters_.begin(); at != waiters_.end();) {
    if (at->second.deadline <= loop_.now()) {
      late.push_back(std::move(at->second.done));
      at = waiters_.erase(at);
    } else {
      next = std::min(next, at->second.deadline);
      ++at;
    }
  }
  if (next != Instant::max()) timer_.arm(next - loop_.now());
  for (auto& done : late) done(false);
}

}  // namespace keelson::apiserver
