// The event engine: virtual time and a total order. Events are (instant, sequence number) pairs in a
// four-ary heap of 24-byte entries; what they do sits in a slab beside it, so that scheduling and
// running an event allocate nothing once the slab has grown. Events due now bypass the heap through a
// ring. Nothing here knows what a cluster is.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/assert.hpp"
#include "core/base/callback.hpp"
#include "core/base/hash.hpp"
#include "core/base/time.hpp"

namespace keelson::sim {

// The date on which all runs begin, unless they say otherwise: 2026-01-01 00:00:00 UTC.
inline constexpr int64_t kSimulatedEpochNs = 1'767'225'600'000'000'000;

// Refers to a scheduled event; stale handles are harmless.
struct EventId {
  uint32_t slot = 0;
  uint32_t generation = 0;  // 0: none
};

// Whoever acts: a process, or (id 0) the world itself. Its events run only in the life in which they
// were scheduled, and while it is paused they wait, in order.
struct Actor {
  uint32_t id = 0;
  uint32_t life = 0;
  bool paused = false;
  std::vector<Callback<void()>> deferred;
};

class Engine {
 public:
  using Work = Callback<void()>;

  Engine();

  Instant now() const { return now_; }
  // The date at instant zero: what right wall clocks begin with.
  WallTime epoch() const { return epoch_; }
  void set_epoch(WallTime epoch) { epoch_ = epoch; }
  // Runs `work` once, `after` from now, after everything already scheduled for that instant.
  // Who acted, when and in what order is folded into the digest.
  EventId schedule(Duration after, Actor& actor, Work work) {
    KEELSON_ASSERT(after >= Duration::zero());
    const uint32_t slot = allocate(actor, std::move(work));
    const Entry entry{(now_ + after).time_since_epoch().count(), next_sequence_++, slot,
                      slots_[slot].generation};
    if (after == Duration::zero()) {
      ring_push(entry);
    } else {
      heap_push(entry);
    }
    return {slot, entry.generation};
  }
  // The event will not run. True if it was still pending.
  bool cancel(EventId id);

  // Runs the next event. False: nothing is pending.
  bool step();
  // Runs events up to and including `end`, then stands at `end`.
  void run_until(Instant end) {
    while (due_by(end)) step();
    now_ = end;
  }
  // True if an event is due at or before `end`.
  bool due_by(Instant end) {
    drop_cancelled();
    if (ring_head_ != ring_tail_) return now_ <= end;
    return !heap_.empty() && heap_[0].at <= end.time_since_epoch().count();
  }

  // When the next event is due; nothing is pending: none.
  std::optional<Instant> next_due() {
    drop_cancelled();
    if (ring_head_ != ring_tail_) return now_;
    if (heap_.empty()) return std::nullopt;
    return Instant{Duration{heap_[0].at}};
  }

  uint64_t events_run() const { return events_run_; }
  std::size_t pending() const { return pending_; }
  // For what the simulated world does by itself: timelines, faults, workloads.
  Actor& world() { return world_; }
  Digest& digest() { return digest_; }
  const Digest& digest() const { return digest_; }

 private:
  struct Entry {
    int64_t at;
    uint64_t sequence;
    uint32_t slot;
    uint32_t generation;
  };
  static_assert(sizeof(Entry) == 24);
  struct Slot {
    Work work;
    Actor* actor = nullptr;
    uint32_t life = 0;
    uint32_t generation = 1;  // a stale heap entry has another number
    uint32_t next_free = 0;
  };

  static bool before(const Entry& a, const Entry& b) {
    return a.at != b.at ? a.at < b.at : a.sequence < b.sequence;
  }
  uint32_t allocate(Actor& actor, Work work) {
    uint32_t slot = free_;
    if (slot == kNone) {
      slot = static_cast<uint32_t>(slots_.size());
      slots_.emplace_back();
    } else {
      free_ = slots_[slot].next_free;
    }
    slots_[slot].work = std::move(work);
    slots_[slot].actor = &actor;
    slots_[slot].life = actor.life;
    ++pending_;
    return slot;
  }
  void release(uint32_t slot) {
    if (++slots_[slot].generation == 0) slots_[slot].generation = 1;
    slots_[slot].next_free = free_;
    free_ = slot;
    --pending_;
  }
  bool stale(const Entry& e) const { return slots_[e.slot].generation != e.generation; }
  void drop_cancelled();
  void heap_push(Entry entry);
  void heap_pop();
  void ring_push(Entry entry);

  static constexpr uint32_t kNone = UINT32_MAX;
  Instant now_{};
  WallTime epoch_{kSimulatedEpochNs};
  uint64_t next_sequence_ = 1;
  uint64_t events_run_ = 0;
  std::size_t pending_ = 0;
  uint32_t free_ = kNone;
  std::vector<Slot> slots_;
  std::vector<Entry> heap_;
  std::vector<Entry> ring_;  // power-of-two capacity
  std::size_t ring_head_ = 0, ring_tail_ = 0;
  Digest digest_;
  Actor world_;
};

}  // namespace keelson::sim
