#include "core/store/beats.hpp"

#include <algorithm>
#include <utility>

namespace keelson::store {

// True if the report says something new: a retransmission must not make a beat look renewed.
bool BeatBoard::merge_report(std::vector<api::PeerReport>& kept, api::PeerReport report) {
  const auto same =
      std::find_if(kept.begin(), kept.end(), [&](const auto& k) { return k.node == report.node; });
  if (same != kept.end()) {
    // A request that was delayed on the way must not bring back the answer to an older question.
    if (same->round > report.round) return false;
    if (same->round == report.round && same->reachable == report.reachable) return false;
    kept.erase(same);
  }
  if (kept.size() == reports_max) kept.erase(kept.begin());
  kept.push_back(std::move(report));
  return true;
}

void BeatBoard::beat(api::Beat beat) {
  take(cursor_ + 1, std::move(beat));
}

void BeatBoard::beat_at(uint64_t cursor, api::Beat beat) {
  KEELSON_ASSERT(cursor > cursor_);
  take(cursor, std::move(beat));
  cursor_ = cursor;  // also if it renewed nothing: the reader has seen it
}

void BeatBoard::take(uint64_t cursor, api::Beat beat) {
  const auto [at, fresh] = nodes_.try_emplace(beat.node);
  Entry& entry = at->second;
  bool renewed = fresh || entry.beat.seq != beat.seq;
  std::vector<api::PeerReport> reports = std::move(entry.beat.reports);
  for (api::PeerReport& report : beat.reports) {
    if (merge_report(reports, std::move(report))) renewed = true;
  }
  if (!renewed) {
    entry.beat.reports = std::move(reports);
    return;
  }
  beat.reports = std::move(reports);
  entry.beat = std::move(beat);
  if (entry.cursor != 0) by_cursor_.erase(entry.cursor);
  entry.cursor = cursor_ = cursor;
  by_cursor_.emplace_hint(by_cursor_.end(), entry.cursor, &entry);
}

BeatPage BeatBoard::since(uint64_t cursor) const {
  BeatPage page;
  page.cursor = cursor_;
  // A cursor from the future belongs to an incarnation that is gone: everything is news.
  auto at = cursor > cursor_ ? by_cursor_.begin() : by_cursor_.upper_bound(cursor);
  for (; at != by_cursor_.end(); ++at) page.beats.push_back(at->second->beat);
  return page;
}

void BeatBoard::forget(const std::string& node) {
  const auto at = nodes_.find(node);
  if (at == nodes_.end()) return;
  by_cursor_.erase(at->second.cursor);
  nodes_.erase(at);
}

void BeatBoard::forget_removed(std::span<const StoreEvent> events) {
  for (const StoreEvent& event : events) {
    if (!event.object && event.previous && event.previous->kind() == api::Kind::nodes) {
      forget(event.previous->name());
    }
  }
}

}  // namespace keelson::store
