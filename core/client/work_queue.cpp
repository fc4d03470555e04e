#include "core/client/work_queue.hpp"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <utility>

namespace keelson::client {

struct WorkQueue::Impl {
  // When a delayed key is due; the sequence number keeps keys of the same instant in order.
  using Due = std::pair<Instant, uint64_t>;
  struct State {
    bool queued = false;   // in `ready`
    bool working = false;  // taken, not done
    bool again = false;    // was added while it was being worked on
    bool again_rested = false;  // the same, with time to wait for the end of its rest
    bool waits = false;         // in `delayed`, at `due`
    bool owed = false;          // waits, and was added: counted in `resting`
    Due due;
    Instant rested;  // when its rest is over; none if zero
    uint32_t failures = 0;
    // Whoever has been given a rest is remembered until it is taken back: only keys of big objects.
    bool idle() const {
      return !queued && !working && !again && !again_rested && !waits && failures == 0 &&
             rested == Instant{};
    }
  };
  struct Hash {
    std::size_t operator()(const api::ObjectKey& key) const {
      return hash_u64(api::ObjectKeyHash{}(key));
    }
  };
  using States = boost::unordered_flat_map<api::ObjectKey, State, Hash>;

  Impl(Loop& l, WorkQueueOptions o, std::function<void()> r)
      : loop(l),
        options(o),
        on_ready(std::move(r)),
        timer(l, [this] { on_timer(); }),
        alive(std::make_shared<bool>(true)) {
    KEELSON_ASSERT(options.backoff_min > Duration{} && options.backoff_max >= options.backoff_min);
  }
  ~Impl() { *alive = false; }

  void enqueue(const api::ObjectKey& key, State& state) {
    if (state.queued) return;
    if (state.working) {
      state.again = true;
      return;
    }
    state.queued = true;
    settle_debt(state);
    ready.push_back(key);
    ++added;
    announce();
  }

  void enqueue_rested(const api::ObjectKey& key, State& state) {
    if (state.queued) return;
    if (state.working) {
      state.again_rested = true;
      return;
    }
    const Duration left = state.rested - loop.now();
    if (left <= Duration{}) {
      enqueue(key, state);
      return;
    }
    if (!std::exchange(state.owed, true)) ++resting;
    delay(key, left);
  }

  void settle_debt(State& state) {
    if (std::exchange(state.owed, false)) --resting;
  }

  void announce() {
    if (announced || ready.empty()) return;
    announced = true;
    loop.post([this, alive_now = alive] {
      if (!*alive_now) return;
      announced = false;
      if (!ready.empty()) on_ready();
    });
  }

  void delay(const api::ObjectKey& key, Duration after) {
    State& state = states[key];
    const Instant at = loop.now() + after;
    if (state.waits) {
      if (state.due.first <= at) return;
      delayed.erase(state.due);
    }
    state.waits = true;
    state.due = {at, ++sequence};
    delayed.emplace(state.due, key);
    if (delayed.begin()->first == state.due) timer.arm(after);
  }

  void on_timer() {
    const Instant now = loop.now();
    while (!delayed.empty() && delayed.begin()->first.first <= now) {
      const api::ObjectKey key = std::move(delayed.begin()->second);
      delayed.erase(delayed.begin());
      State& state = states[key];
      state.waits = false;
      enqueue(key, state);
    }
    if (!delayed.empty()) timer.arm(delayed.begin()->first.first - now);
  }

  void drop_if_idle(States::iterator at) {
    if (at->second.idle()) states.erase(at);
  }

  Duration next_backoff(State& state) {
    Duration backoff = options.backoff_min;
    for (uint32_t i = 0; i < state.failures && backoff < options.backoff_max; ++i) backoff *= 2;
    ++state.failures;
    return std::min(backoff, options.backoff_max);
  }

  Loop& loop;
  WorkQueueOptions options;
  std::function<void()> on_ready;
  States states;  // only of keys that wait, are worked on, or failed
  std::deque<api::ObjectKey> ready;
  uint64_t added = 0;
  std::map<Due, api::ObjectKey> delayed;
  uint64_t sequence = 0;
  std::size_t resting = 0;
  bool announced = false;
  Timer timer;
  std::shared_ptr<bool> alive;
};

WorkQueue::WorkQueue(Loop& loop, WorkQueueOptions options, std::function<void()> on_ready)
    : impl_(std::make_unique<Impl>(loop, options, std::move(on_ready))) {}
WorkQueue::~WorkQueue() = default;

void WorkQueue::add(const api::ObjectKey& key) {
  impl_->enqueue(key, impl_->states[key]);
}

void WorkQueue::add_rested(const api::ObjectKey& key) {
  impl_->enqueue_rested(key, impl_->states[key]);
}

void WorkQueue::rest(const api::ObjectKey& key, Duration how_long) {
  const auto at = impl_->states.find(key);
  KEELSON_ASSERT(at != impl_->states.end() && at->second.working);
  at->second.rested = how_long > Duration{} ? impl_->loop.now() + how_long : Instant{};
}

void WorkQueue::add_after(const api::ObjectKey& key, Duration after) {
  if (after <= Duration{}) {
    add(key);
  } else {
    impl_->delay(key, after);
  }
}

void WorkQueue::retry(const api::ObjectKey& key) {
  impl_->delay(key, impl_->next_backoff(impl_->states[key]));
}

void WorkQueue::forget(const api::ObjectKey& key) {
  const auto at = impl_->states.find(key);
  if (at == impl_->states.end()) return;
  at->second.failures = 0;
  impl_->drop_if_idle(at);
}

bool WorkQueue::take(api::ObjectKey* key) {
  if (impl_->ready.empty()) return false;
  *key = std::move(impl_->ready.front());
  impl_->ready.pop_front();
  Impl::State& state = impl_->states[*key];
  KEELSON_ASSERT(state.queued && !state.working);
  state.queued = false;
  state.working = true;
  return true;
}

void WorkQueue::done(const api::ObjectKey& key) {
  const auto at = impl_->states.find(key);
  KEELSON_ASSERT(at != impl_->states.end() && at->second.working);
  at->second.working = false;
  const bool rested = std::exchange(at->second.again_rested, false);
  if (std::exchange(at->second.again, false)) {
    impl_->enqueue(key, at->second);
  } else if (rested) {
    impl_->enqueue_rested(key, at->second);
  }
  impl_->drop_if_idle(at);
  // A worker that limits how much it does at once may have left keys waiting.
  impl_->announce();
}

std::size_t WorkQueue::waiting() const {
  return impl_->ready.size();
}
uint64_t WorkQueue::added() const {
  return impl_->added;
}
std::size_t WorkQueue::delayed() const {
  return impl_->delayed.size();
}
std::size_t WorkQueue::resting() const {
  return impl_->resting;
}

}  // namespace keelson::client
