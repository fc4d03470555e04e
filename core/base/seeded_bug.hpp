// The bugs by which the checkers prove themselves (GUARANTEES, the table of seeded bugs). They exist
// only in builds with KEELSON_SEEDED_BUGS, and of those only one at a time, chosen at run time; in any
// other build seeded() is a constant false and leaves no trace.
#pragma once

#include <cstdint>
#include <string_view>

namespace keelson {

enum class SeededBug : uint8_t {
  none,
  relist_rv0,               // informer: a relist after restart accepts an older view
  watch_off_by_one,         // watch hub: attaching starts at the head instead of the asked revision
  gone_resume,              // informer: on 410 it watches on from the head without listing
  tombstone_drop,           // scheduler cache: ignores deletions that only a relist revealed
  bind_by_name,             // binding does not check the pod's uid
  no_fence,                 // the store ignores role tokens; the leader looks at its lease only at start
  lease_wallclock,          // node health compares the node's clock with the controller's
  mass_evict,               // node lifecycle: no stop when all zones are fully disrupted
  no_read_own_writes,       // driver: reconciles before it has seen its own writes
  rollout_no_new_unavailable,  // deployment: forgets unavailable new pods when scaling down old ones
};

struct SeededBugName {
  std::string_view name;
  SeededBug bug;
};
inline constexpr SeededBugName kSeededBugs[] = {
    {"RELIST_RV0", SeededBug::relist_rv0},
    {"WATCH_OFF_BY_ONE", SeededBug::watch_off_by_one},
    {"GONE_RESUME", SeededBug::gone_resume},
    {"TOMBSTONE_DROP", SeededBug::tombstone_drop},
    {"BIND_BY_NAME", SeededBug::bind_by_name},
    {"NO_FENCE", SeededBug::no_fence},
    {"LEASE_WALLCLOCK", SeededBug::lease_wallclock},
    {"MASS_EVICT", SeededBug::mass_evict},
    {"NO_READ_OWN_WRITES", SeededBug::no_read_own_writes},
    {"ROLLOUT_NO_NEW_UNAVAIL", SeededBug::rollout_no_new_unavailable},
};

#ifdef KEELSON_SEEDED_BUGS
inline thread_local SeededBug active_seeded_bug = SeededBug::none;
inline bool seeded(SeededBug bug) { return active_seeded_bug == bug; }
#else
constexpr bool seeded(SeededBug) { return false; }
#endif

}  // namespace keelson
