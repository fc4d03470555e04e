#include "sim/engine/engine.hpp"

namespace keelson::sim {

Engine::Engine() : ring_(1024) {}

bool Engine::cancel(EventId id) {
  if (id.generation == 0 || slots_[id.slot].generation != id.generation) return false;
  slots_[id.slot].work.reset();
  release(id.slot);
  return true;
}

void Engine::drop_cancelled() {
  while (ring_head_ != ring_tail_ && stale(ring_[ring_head_ & (ring_.size() - 1)])) ++ring_head_;
  while (!heap_.empty() && stale(heap_[0])) heap_pop();
}

bool Engine::step() {
  drop_cancelled();
  const bool in_ring = ring_head_ != ring_tail_;
  if (!in_ring && heap_.empty()) return false;
  Entry entry;
  const Entry* ring_first = in_ring ? &ring_[ring_head_ & (ring_.size() - 1)] : nullptr;
  // What the heap holds for this instant was scheduled before the ring's events, or after them by a
  // shorter delay: the sequence numbers decide.
  if (ring_first != nullptr && (heap_.empty() || before(*ring_first, heap_[0]))) {
    entry = *ring_first;
    ++ring_head_;
  } else {
    entry = heap_[0];
    heap_pop();
  }
  Slot& slot = slots_[entry.slot];
  Work work = std::move(slot.work);
  Actor& actor = *slot.actor;
  const bool this_life = slot.life == actor.life;
  release(entry.slot);
  now_ = Instant{Duration{entry.at}};
  ++events_run_;
  digest_.add(static_cast<uint64_t>(entry.at) ^ (static_cast<uint64_t>(actor.id) << 40));
  if (this_life) {
    if (actor.paused) {
      actor.deferred.push_back(std::move(work));
    } else {
      work();
    }
  }
  return true;
}

void Engine::heap_push(Entry entry) {
  std::size_t at = heap_.size();
  heap_.push_back(entry);
  while (at > 0) {
    const std::size_t parent = (at - 1) / 4;
    if (!before(entry, heap_[parent])) break;
    heap_[at] = heap_[parent];
    at = parent;
  }
  heap_[at] = entry;
}

void Engine::heap_pop() {
  const Entry last = heap_.back();
  heap_.pop_back();
  if (heap_.empty()) return;
  const std::size_t size = heap_.size();
  std::size_t at = 0;
  for (;;) {
    const std::size_t first = at * 4 + 1;
    if (first >= size) break;
    std::size_t best = first;
    const std::size_t end = first + 4 < size ? first + 4 : size;
    for (std::size_t child = first + 1; child < end; ++child) {
      if (before(heap_[child], heap_[best])) best = child;
    }
    if (!before(heap_[best], last)) break;
    heap_[at] = heap_[best];
    at = best;
  }
  heap_[at] = last;
}

void Engine::ring_push(Entry entry) {
  if (ring_tail_ - ring_head_ == ring_.size()) {
    std::vector<Entry> bigger(ring_.size() * 2);
    for (std::size_t i = ring_head_; i != ring_tail_; ++i) {
      bigger[i & (bigger.size() - 1)] = ring_[i & (ring_.size() - 1)];
    }
    ring_ = std::move(bigger);
  }
  ring_[ring_tail_++ & (ring_.size() - 1)] = entry;
}

}  // namespace keelson::sim
