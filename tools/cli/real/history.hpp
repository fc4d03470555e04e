// What happened in a cluster, real or simulated, in one form: each change of an object with the moment at
// which it happened, and the lines that tell of it. Milestones (milestones.hpp) are found in it.
#pragma once

#include <string>
#include <vector>

#include "core/api/object.hpp"
#include "core/base/time.hpp"
#include "sim/world/world.hpp"

namespace keelson::real {

struct Change {
  Duration at{};           // since the beginning of the timeline
  api::ObjectPtr object;   // the new state; null: it was removed
  api::ObjectPtr previous; // the state before; null: it was created
};

// Something that the timeline asked for, when it was done: the beginning of a chapter.
struct Deed {
  Duration at{};
  std::size_t entry = 0;  // of the scenario's timeline
};

struct History {
  std::vector<Change> changes;  // in the order in which they became known
  std::vector<Deed> deeds;
  std::vector<sim::Note> notes;
  uint64_t requests = 0, requests_lost = 0;  // of `traffic`
  std::string trouble;                       // why it ended before its time; empty: it did not
};

}  // namespace keelson::real
