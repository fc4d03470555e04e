#include "runtime/loop/asio_loop.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace keelson::runtime {
namespace asio = boost::asio;

namespace {

struct Slot {
  Callback<void()> on_fire;
  uint32_t generation = 1;
  uint64_t armed = 0;  // sequence number of the pending arming; 0: idle
  bool used = true;
};

// What is armed, or was: an entry counts only while its slot still carries its sequence number.
struct Entry {
  Instant when;
  uint64_t sequence;
  uint32_t slot;
};
bool later(const Entry& a, const Entry& b) {
  return a.when != b.when ? a.when > b.when : a.sequence > b.sequence;
}

}  // namespace

struct AsioLoop::Impl {
  std::optional<Instant> alarm_at;  // what `alarm` is set to

  mutable std::optional<Instant> now;  // of this turn, once asked for

  std::vector<Slot> slots;
  std::vector<uint32_t> free_slots;
  std::vector<Entry> heap;
  std::size_t live = 0;  // entries of the heap that still count
  uint64_t sequence = 0;
  std::deque<Callback<void()>> posted;

  std::mutex mutex;
  std::vector<Callback<void()>> from_outside;  // guarded by mutex
  std::atomic<bool> stopping{false};

  // Destroyed first: handlers that will not run any more own objects, which own timers.
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(context);
  asio::steady_timer alarm{context};

  Slot* find(TimerId timer) {
    if (timer.slot >= slots.size()) return nullptr;
    Slot& slot = slots[timer.slot];
    return slot.used && slot.generation == timer.generation ? &slot : nullptr;
  }
  void disarm(Slot& slot) {
    if (slot.armed == 0) return;
    slot.armed = 0;
    --live;
  }
  bool counts(const Entry& entry) const { return slots[entry.slot].armed == entry.sequence; }

  // Drops entries that no longer count from the top, so that the top is what is due next.
  void clean_top() {
    while (!heap.empty() && !counts(heap.front())) {
      std::pop_heap(heap.begin(), heap.end(), later);
      heap.pop_back();
    }
  }
  // Re-arming leaves dead entries behind; a heap of mostly those is rebuilt.
  void compact() {
    if (heap.size() < 64 || heap.size() < 4 * live) return;
    std::erase_if(heap, [this](const Entry& entry) { return !counts(entry); });
    std::make_heap(heap.begin(), heap.end(), later);
  }

  void fire(const Entry& entry) {
    Slot& slot = slots[entry.slot];
    disarm(slot);
    const uint32_t generation = slot.generation;
    Callback<void()> on_fire = std::move(slot.on_fire);
    now.reset();
    on_fire();
    // The callback may have created timers (the slots moved) or destroyed its own.
    Slot& after = slots[entry.slot];
    if (after.used && after.generation == generation) after.on_fire = std::move(on_fire);
  }

  // Timers that were due when this began, then what was posted when that began. Work that they cause
  // waits for the next round, so that neither can starve the sockets.
  bool run_round(const AsioLoop& loop) {
    bool any = false;
    now.reset();
    const Instant due = loop.now();
    const uint64_t last = sequence;
    for (clean_top(); !heap.empty() && heap.front().when <= due && heap.front().sequence <= last &&
                      !stopping;
         clean_top()) {
      const Entry entry = heap.front();
      std::pop_heap(heap.begin(), heap.end(), later);
      heap.pop_back();
      any = true;
      fire(entry);
    }
    for (std::size_t left = posted.size(); left > 0 && !stopping; --left) {
      any = true;
      Callback<void()> work = std::move(posted.front());
      posted.pop_front();
      now.reset();
      work();
    }
    now.reset();
    return any;
  }

  // Makes a blocking wait end in time for the next timer. An alarm that is early is left alone: it
  // costs one idle round, setting it anew would cost a system call each time.
  void set_alarm() {
    clean_top();
    if (heap.empty() || (alarm_at && *alarm_at <= heap.front().when)) return;
    alarm_at = heap.front().when;
    alarm.expires_at(
        std::chrono::steady_clock::time_point(alarm_at->time_since_epoch()));
    alarm.async_wait([this](const boost::system::error_code& error) {
      if (!error) alarm_at.reset();
    });
  }

  void take_from_outside() {
    std::vector<Callback<void()>> work;
    {
      const std::lock_guard lock(mutex);
      work.swap(from_outside);
    }
    for (std::size_t i = 0; i < work.size(); ++i) {
      if (stopping) return;
      now.reset();
      work[i]();
      work[i].reset();
    }
  }
};

AsioLoop::AsioLoop() : impl_(std::make_unique<Impl>()) {}
AsioLoop::~AsioLoop() {
  // What this destroys may still use the loop, so it goes first; and may bring more of its kind.
  while (true) {
    std::deque<Callback<void()>> posted = std::exchange(impl_->posted, {});
    std::vector<Callback<void()>> from_outside;
    {
      const std::lock_guard lock(impl_->mutex);
      from_outside.swap(impl_->from_outside);
    }
    if (posted.empty() && from_outside.empty()) break;
  }
}

Instant AsioLoop::now() const {
  if (!impl_->now) {
    impl_->now = Instant(std::chrono::duration_cast<Duration>(
        std::chrono::steady_clock::now().time_since_epoch()));
  }
  return *impl_->now;
}

WallTime AsioLoop::wall_now() const {
  return {std::chrono::duration_cast<Duration>(
              std::chrono::system_clock::now().time_since_epoch())
              .count()};
}

TimerId AsioLoop::timer_create(Callback<void()> on_fire) {
  Impl& impl = *impl_;
  if (impl.free_slots.empty()) {
    impl.slots.emplace_back();
    impl.slots.back().on_fire = std::move(on_fire);
    return {static_cast<uint32_t>(impl.slots.size() - 1), 1};
  }
  const uint32_t index = impl.free_slots.back();
  impl.free_slots.pop_back();
  Slot& slot = impl.slots[index];
  slot.used = true;
  slot.on_fire = std::move(on_fire);
  return {index, slot.generation};
}

void AsioLoop::timer_arm(TimerId timer, Duration after) {
  KEELSON_ASSERT(after >= Duration::zero());
  Slot* slot = impl_->find(timer);
  KEELSON_ASSERT(slot != nullptr);
  impl_->disarm(*slot);
  slot->armed = ++impl_->sequence;
  ++impl_->live;
  // Far beyond any uptime, and short of overflow.
  constexpr Duration kForever = std::chrono::hours(24 * 365 * 100);
  impl_->heap.push_back({now() + std::min(after, kForever), slot->armed, timer.slot});
  std::push_heap(impl_->heap.begin(), impl_->heap.end(), later);
  impl_->compact();
}

void AsioLoop::timer_disarm(TimerId timer) {
  if (Slot* slot = impl_->find(timer)) impl_->disarm(*slot);
}

bool AsioLoop::timer_pending(TimerId timer) const {
  const Slot* slot = impl_->find(timer);
  return slot && slot->armed != 0;
}

void AsioLoop::timer_destroy(TimerId timer) {
  Slot* slot = impl_->find(timer);
  if (!slot) return;
  impl_->disarm(*slot);
  slot->used = false;
  ++slot->generation;
  // Destroyed last: what the callback owns may come back here.
  Callback<void()> dying = std::move(slot->on_fire);
  impl_->free_slots.push_back(timer.slot);
}

void AsioLoop::post(Callback<void()> work) { impl_->posted.push_back(std::move(work)); }

void AsioLoop::run() {
  Impl& impl = *impl_;
  while (!impl.stopping) {
    impl.run_round(*this);
    if (impl.stopping) break;
    impl.set_alarm();
    const bool more = !impl.posted.empty();
    // Timers that became due meanwhile have an alarm that is due too, so waiting is safe.
    if (more) {
      impl.context.poll_one();
    } else {
      impl.context.run_one();
    }
    impl.now.reset();
  }
}

bool AsioLoop::run_round(Duration at_most) {
  Impl& impl = *impl_;
  const bool any = impl.run_round(*this);
  impl.set_alarm();
  const bool wait = !any && impl.posted.empty() && at_most > Duration::zero();
  const std::size_t handled =
      wait ? impl.context.run_one_for(std::chrono::nanoseconds(at_most)) : impl.context.poll_one();
  impl.now.reset();
  return any || handled > 0;
}

void AsioLoop::stop() {
  impl_->stopping = true;
  asio::post(impl_->context, [] {});  // ends the wait
}

void AsioLoop::post_from_any_thread(Callback<void()> work) {
  bool first = false;
  {
    const std::lock_guard lock(impl_->mutex);
    first = impl_->from_outside.empty();
    impl_->from_outside.push_back(std::move(work));
  }
  if (first) {
    asio::post(impl_->context, [impl = impl_.get()] { impl->take_from_outside(); });
  }
}

asio::io_context& AsioLoop::context() { return impl_->context; }

}  // namespace keelson::runtime
