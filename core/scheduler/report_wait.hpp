// Placing waits, after the store has lost history, until the agents agree with it again: what they run and
// the store has forgotten has ended by then (core/client/lost_history.hpp).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/log.hpp"
#include "core/base/time.hpp"
#include "core/client/informer.hpp"

namespace keelson::scheduler {

class ReportWait {
 public:
  // A node that has not come back after `patience` is not waited for any longer. `log` must outlive this.
  ReportWait(Duration patience, Log& log) : patience_(patience), log_(log) {}

  // Whether nothing may be placed now. To be asked before each round of decisions; cheap as long as no
  // history is lost. Nodes that are not Ready are not waited for: node health has given them up.
  bool holds(Instant now, const client::Informer& pods, const client::Informer& nodes);
  // The nodes that are waited for, by name; empty: none.
  const std::vector<std::string>& awaited() const { return awaited_; }

 private:
  void look(const client::Informer& nodes);

  void tell(bool waits);

  Duration patience_;
  Log& log_;
  bool told_ = false;  // that it waits
  uint64_t seen_ = 0;  // the newest revision; a start counts as a gap, for nobody knows what was before
  bool waiting_ = false;
  uint64_t from_ = 0;  // what was seen when the waiting began
  Instant since_{};
  std::vector<std::string> awaited_;
};

}  // namespace keelson::scheduler
