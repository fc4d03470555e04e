// The part of the history that is still kept: a ring of committed events, addressed by revision
// value. Values are dense, so an event is found by arithmetic. Only events of one epoch are in it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "core/store/store.hpp"

namespace keelson::store {

// Some consecutive events, kept alive as long as this exists even if the log is compacted
// meanwhile.
struct EventRun {
  std::span<const StoreEvent> events;
  std::shared_ptr<const void> hold;
};

inline const api::Object& object_of(const StoreEvent& event) {
  return event.object ? *event.object : *event.previous;
}

class EventLog {
 public:
  explicit EventLog(uint64_t last_value) { clear(last_value); }

  // REQUIRES: the event's revision value is last() + 1.
  void append(StoreEvent event);
  // Forgets the events up to and including this value.
  void drop_until(uint64_t value);
  // Forgets everything; the next event will have the value `last_value` + 1.
  void clear(uint64_t last_value);

  // The oldest value kept (last() + 1 if there is none) and the newest one appended.
  uint64_t first() const { return first_; }
  uint64_t last() const { return last_; }
  std::size_t size() const { return static_cast<std::size_t>(last_ + 1 - first_); }

  // REQUIRES: first() <= value <= last().
  const StoreEvent& at(uint64_t value) const;
  // The newest event of this kind; 0: none is kept.
  uint64_t last_of_kind(api::Kind kind) const;
  // The next older event of the same kind as that of `value`; 0: none is kept.
  uint64_t before_of_same_kind(uint64_t value) const;
  // Events from `value` on, as many as lie side by side; empty if value is last() + 1.
  EventRun run_from(uint64_t value) const;

 private:
  static constexpr std::size_t chunk_size = 256;
  // Events never move once they are appended: runs point into chunks.
  struct Chunk {
    Chunk() { events.reserve(chunk_size); }
    std::vector<StoreEvent> events;
    std::array<uint64_t, chunk_size> before_of_same_kind{};
  };
  const Chunk& chunk_of(uint64_t value) const { return *chunks_[(value - base_) / chunk_size]; }
  std::size_t slot_of(uint64_t value) const { return (value - base_) % chunk_size; }
  uint64_t kept(uint64_t value) const { return value >= first_ ? value : 0; }

  std::deque<std::shared_ptr<Chunk>> chunks_;
  uint64_t base_ = 1;   // value of the first slot of the first chunk
  uint64_t first_ = 1;  // the oldest value that is not forgotten
  uint64_t last_ = 0;
  std::array<uint64_t, api::kind_count> last_of_kind_{};
};

}  // namespace keelson::store
