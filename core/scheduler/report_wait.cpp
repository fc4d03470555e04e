#include "core/scheduler/report_wait.hpp"

#include <algorithm>
#include <utility>

#include "core/client/lost_history.hpp"

namespace keelson::scheduler {

namespace {

// After a gap an agent whose Node was lost with it registers anew, which takes it a second or two.
constexpr Duration kSettle = 5s;
// So often it is looked whether somebody's patience is over, beside whenever the nodes have changed.
constexpr Duration kLookAgain = 500ms;

// "True", "False" or "Unknown", which is also what a Node says that has no such condition.
std::string readiness(const api::Node& node) {
  for (const auto& condition : node.status().conditions()) {
    if (condition.type() == "Ready") return condition.status();
  }
  return "Unknown";
}

}  // namespace

void ReportWait::notice(Instant now, uint64_t newest) {
  if (newest >= seen_ + client::epoch_gap) {
    over_ = false;
    from_ = newest;
    since_ = now;
    // After a start there may have been no gap for long, and that would cost every failover.
    settled_ = seen_ == 0 ? now : now + kSettle;
    looked_at_ = {};
    silent_.clear();
    awaited_.clear();
  }
  seen_ = std::max(seen_, newest);
}

bool ReportWait::outdated(const client::Informer& pods, const client::Informer& nodes) const {
  return std::min(pods.revision().value, nodes.revision().value) + client::epoch_gap <= from_;
}

void ReportWait::see(Instant now, const client::Informer& pods, const client::Informer& nodes) {
  notice(now, std::max(pods.revision().value, nodes.revision().value));
  if (over_ || outdated(pods, nodes) || (looked_at_ && now - looked_ < kLookAgain)) return;
  look(now, nodes);
}

bool ReportWait::holds(Instant now, const client::Informer& pods, const client::Informer& nodes) {
  notice(now, std::max(pods.revision().value, nodes.revision().value));
  if (over_) return false;
  if (fresh(now) && (now < settled_ || outdated(pods, nodes))) return true;
  if (looked_at_ != nodes.revision() || now - looked_ >= kLookAgain) look(now, nodes);
  tell(!awaited_.empty());
  over_ = awaited_.empty() && !fresh(now);
  return !awaited_.empty();
}

// Whoever wonders why nothing is placed.
void ReportWait::tell(bool waits) {
  if (std::exchange(told_, waits) == waits) return;
  if (!waits) {
    log_.info("placing goes on");
    return;
  }
  std::string nodes;
  for (const std::string& name : awaited_) {
    if (nodes.size() > 200) break;
    nodes += (nodes.empty() ? "" : " ") + name;
  }
  log_.warning("the store has lost history: nothing is placed before agents have reported", {{"nodes", nodes}});
}

void ReportWait::look(Instant now, const client::Informer& nodes) {
  looked_ = now;
  looked_at_ = nodes.revision();
  awaited_.clear();
  for (const auto& [key, node] : nodes.objects()) {
    if (awaits(now, *node)) awaited_.push_back(node->name());
  }
}

bool ReportWait::awaits(Instant now, const api::Object& node) {
  if (!client::agent_reports(node) || client::agrees_as_of(node) + client::epoch_gap > from_) return false;
  const std::string readiness = scheduler::readiness(node.as<api::Node>());
  const bool ready = readiness == "True";
  auto at = silent_.find(node.name());
  if (at == silent_.end()) {
    if (!fresh(now)) return false;
    at = silent_.emplace(node.name(), Silence{now, ready}).first;
  }
  Silence& silence = at->second;
  if (ready && !silence.ready && fresh(now)) silence.since = now;
  silence.ready = ready;
  const bool at_work = client::ends_as_of(node) + client::epoch_gap > from_ && readiness != "Unknown";
  return at_work || now - silence.since < patience_;
}

}  // namespace keelson::scheduler
