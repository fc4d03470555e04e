// What is remembered of a shape of pods (cache/pod_shape.hpp): which nodes accept it and how they
// score, as far as plugins say that this depends on nothing but the shape and the node's row
// (Plugin::memo_basis). Placing a pod changes one row, so the next pod of the shape costs one row of
// such plugins instead of a table. Nothing is worked out before a search comes to it.
//
// A memory changes no decision: decide() without one is the definition, and tests compare the two.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "core/scheduler/cache/pod_shape.hpp"
#include "core/scheduler/cache/snapshot.hpp"
#include "core/scheduler/framework/diagnosis.hpp"
#include "core/scheduler/framework/profile.hpp"

namespace keelson::scheduler {

struct ShapeMemory {
  // Filters. Verdicts of rows in `unjudged` are out of date, reasons of those in `unexplained` too.
  uint64_t filters = 0;  // the plugins whose verdicts are in here: bit per slot
  NodeBitset accepting, unjudged, unexplained;
  std::vector<uint32_t> why;  // why the row does not accept the pod, by number
  Causes causes;
  uint32_t questions = 0;  // how often reasons were asked for
  // Scores. Those of rows in `unscored` are out of date.
  uint64_t scorers = 0;         // the scorers whose scores are in here: bit per position in the profile
  std::vector<int64_t> totals;  // weighted sums of the scores that need no normalising
  std::vector<std::vector<int32_t>> raw;  // of a scorer that normalises, by its position; else empty
  NodeBitset unscored;

  // Makes both up to date with the number of rows and their changes.
  void sync(const Profile& profile, const Snapshot& snapshot);
  // Before reasons are asked for: causes carry taints' values, so the list must not grow without end.
  void causes_to_explain();
  // From now on the scores are those of these scorers.
  void score_by(uint64_t scorers, const Profile& profile);

 private:
  void forget(const Snapshot& snapshot);

  uint64_t changes_ = 0;  // of the snapshot that are taken into account
  uint64_t filter_basis_ = 0, score_basis_ = 0;
  bool fresh_ = true;
};

// REQUIRES: used with one profile and one snapshot.
class ShapeMemories {
 public:
  // Null for a shape that is met for the first time: it may be the last, and remembering has a price.
  // Otherwise up to date, and valid until the next call.
  ShapeMemory* recall(const Profile& profile, const Snapshot& snapshot, PodShape shape);

 private:
  void forget_some();

  struct Entry {
    uint64_t used = 0;  // when, in calls
    std::unique_ptr<ShapeMemory> memory;
  };
  boost::unordered_flat_map<PodShape, Entry> entries_;
  uint64_t calls_ = 0;
  std::size_t memories_ = 0;
};

}  // namespace keelson::scheduler
