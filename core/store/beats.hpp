// The last heartbeat of every node, in order of renewal. Kept beside the history: heartbeats
// consume no revisions, so a large idle cluster has an idle store. Whoever owns a board takes beats
// of existing Nodes only and lets it forget the removed ones: that is what bounds it.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/store/store.hpp"

namespace keelson::store {

class BeatBoard {
 public:
  // Cursors count up from `first_cursor`; a new incarnation of a store takes a higher one, so that
  // a reader's old cursor never hides new beats.
  explicit BeatBoard(uint64_t first_cursor = 0) : cursor_(first_cursor) {}

  // A beat that repeats the sequence number of the one kept (a duplicated request) renews nothing,
  // but its reports count.
  void beat(api::Beat beat);
  // The same at a cursor that somebody else has counted. REQUIRES: above all before it.
  void beat_at(uint64_t cursor, api::Beat beat);
  void pass(uint64_t cursor) { cursor_ = cursor; }  // the same, of a beat that counts for nothing
  uint64_t cursor() const { return cursor_; }
  // The beats renewed since the cursor, each with everything its node has reported: the newest
  // answer about each suspect, so that a report is not lost if its node beats again before it was
  // read.
  BeatPage since(uint64_t cursor) const;
  // The node is none of the cluster's any more.
  void forget(const std::string& node);
  // The same for each Node that these events remove.
  void forget_removed(std::span<const StoreEvent> events);
  std::size_t size() const { return nodes_.size(); }

 private:
  // A witness is asked about few nodes at a time; beyond this its oldest answers go.
  static constexpr std::size_t reports_max = 64;
  struct Entry {
    api::Beat beat;  // its reports: one per suspect, oldest first
    uint64_t cursor = 0;
  };
  void take(uint64_t cursor, api::Beat beat);
  static bool merge_report(std::vector<api::PeerReport>& kept, api::PeerReport report);

  uint64_t cursor_;
  std::map<std::string, Entry> nodes_;
  std::map<uint64_t, const Entry*> by_cursor_;
};

}  // namespace keelson::store
