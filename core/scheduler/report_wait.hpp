// Placing waits, after the store has lost history, until the agents agree with it again: what they run and
// the store has forgotten has ended by then (core/client/lost_history.hpp).
//
// Which nodes are waited for: all that exist and whose agents report at all, Ready or not, since what the
// store says of their readiness may be as old as the rest. One that says nothing is waited for as long as
// `patience`, counted from the gap, or from when it turned up or became Ready, if it did that within
// `patience` of the gap: its Node, too, may have been lost. One that says that it is ending what was
// forgotten is waited for as long as it lives (its Ready condition is not Unknown).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/log.hpp"
#include "core/base/time.hpp"
#include "core/client/informer.hpp"

namespace keelson::scheduler {

class ReportWait {
 public:
  // `log` must outlive this.
  ReportWait(Duration patience, Log& log) : patience_(patience), log_(log) {}

  // To be called when a cache has moved on, also in a scheduler that does not lead: patience counts from
  // when the gap was seen, and one that is elected later does not begin anew. Cheap as long as no history
  // is lost.
  void see(Instant now, const client::Informer& pods, const client::Informer& nodes);
  // Whether nothing may be placed now. To be asked before each round of decisions.
  bool holds(Instant now, const client::Informer& pods, const client::Informer& nodes);
  // The nodes that are waited for, by name; empty: none.
  const std::vector<std::string>& awaited() const { return awaited_; }

 private:
  // A node whose agent does not agree yet.
  struct Silence {
    Instant since{};
    bool ready = false;
  };
  void notice(Instant now, uint64_t newest);
  // Whether a cache is still from before the gap.
  bool outdated(const client::Informer& pods, const client::Informer& nodes) const;
  bool fresh(Instant now) const { return now - since_ < patience_; }
  void look(Instant now, const client::Informer& nodes);
  bool awaits(Instant now, const api::Object& node);
  void tell(bool waits);

  Duration patience_;
  Log& log_;
  bool told_ = false;   // that it waits
  uint64_t seen_ = 0;   // the newest revision; a start counts as a gap, for nobody knows what was before
  bool over_ = true;    // of the last gap nothing is left to wait for
  uint64_t from_ = 0;   // what was seen when the gap was
  Instant since_{};     // when that was
  Instant settled_{};   // nothing is placed before
  Instant looked_{};
  api::Revision looked_at_;
  std::map<std::string, Silence> silent_;  // by name, since the gap
  std::vector<std::string> awaited_;
};

}  // namespace keelson::scheduler
