#include "sim/checks/ground.hpp"

namespace keelson::sim {

std::string_view lack_of(Facts missing) {
  static constexpr struct {
    Facts fact;
    std::string_view why;
  } kWhy[] = {
      {fact::whole, "the beginning of the history has been compacted away"},
      {fact::provenance, "the history does not say who wrote what, knowing what"},
      {fact::asked, "the log keeps what was written, not what was asked for or refused"},
      {fact::calls, "what clients ask and are told is not recorded"},
      {fact::memory, "the memory of real processes cannot be looked into"},
      {fact::beats, "no heartbeats are recorded"},
      {fact::containers, "no agent's journal of containers is there"},
      {fact::machines, "nothing tells which machines had power and reached each other"},
      {fact::images, "how real programs behave by themselves is not known"},
      {fact::rest, "nothing tells when faults had stopped and everything had settled"},
      {fact::traffic, "no requests to services are recorded"},
      {fact::clock, "commits are put in the order of their revisions, whatever clocks said"},
  };
  for (const auto& one : kWhy) {
    if ((missing & one.fact) != 0) return one.why;
  }
  return {};
}

}  // namespace keelson::sim
