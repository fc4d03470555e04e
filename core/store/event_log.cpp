#include "core/store/event_log.hpp"

#include <utility>

namespace keelson::store {

void EventLog::append(StoreEvent event) {
  KEELSON_ASSERT(event.revision.value == last_ + 1);
  KEELSON_ASSERT(event.object || event.previous);
  if (chunks_.empty() || chunks_.back()->events.size() == chunk_size) {
    if (chunks_.empty()) base_ = last_ + 1;
    chunks_.push_back(std::make_shared<Chunk>());
  }
  Chunk& chunk = *chunks_.back();
  const auto kind = static_cast<std::size_t>(object_of(event).kind());
  chunk.before_of_same_kind[chunk.events.size()] = last_of_kind_[kind];
  chunk.events.push_back(std::move(event));
  last_of_kind_[kind] = ++last_;
}

void EventLog::drop_until(uint64_t value) {
  if (value < first_) return;
  KEELSON_ASSERT(value <= last_);
  first_ = value + 1;
  // Whole chunks go; a chunk that is half forgotten stays until its last event is.
  while (!chunks_.empty() && base_ + chunks_.front()->events.size() <= first_) {
    if (chunks_.size() == 1 && chunks_.front()->events.size() < chunk_size) break;
    chunks_.pop_front();
    base_ += chunk_size;
  }
}

void EventLog::clear(uint64_t last_value) {
  chunks_.clear();
  last_of_kind_.fill(0);
  last_ = last_value;
  first_ = base_ = last_value + 1;
}

const StoreEvent& EventLog::at(uint64_t value) const {
  KEELSON_ASSERT(value >= first_ && value <= last_);
  return chunk_of(value).events[slot_of(value)];
}

uint64_t EventLog::last_of_kind(api::Kind kind) const {
  return kept(last_of_kind_[static_cast<std::size_t>(kind)]);
}

uint64_t EventLog::before_of_same_kind(uint64_t value) const {
  KEELSON_ASSERT(value >= first_ && value <= last_);
  return kept(chunk_of(value).before_of_same_kind[slot_of(value)]);
}

EventRun EventLog::run_from(uint64_t value) const {
  KEELSON_ASSERT(value >= first_ && value <= last_ + 1);
  if (value > last_) return {};
  const std::shared_ptr<Chunk>& chunk = chunks_[(value - base_) / chunk_size];
  return {std::span<const StoreEvent>(chunk->events).subspan(slot_of(value)), chunk};
}

}  // namespace keelson::store
