#include "core/scheduler/report_wait.hpp"

#include <algorithm>
#include <utility>

#include "core/client/lost_history.hpp"

namespace keelson::scheduler {

namespace {

bool is_ready(const api::Node& node) {
  for (const auto& condition : node.status().conditions()) {
    if (condition.type() == "Ready") return condition.status() == "True";
  }
  return false;
}

}  // namespace

bool ReportWait::holds(Instant now, const client::Informer& pods, const client::Informer& nodes) {
  const uint64_t oldest = std::min(pods.revision().value, nodes.revision().value);
  const uint64_t newest = std::max(pods.revision().value, nodes.revision().value);
  if (newest >= seen_ + client::epoch_gap) {
    waiting_ = true;
    from_ = newest;
    since_ = now;
  }
  seen_ = std::max(seen_, newest);
  if (!waiting_) return false;
  // One of the caches is still from before.
  if (oldest + client::epoch_gap <= from_) return true;
  look(nodes);
  waiting_ = !awaited_.empty() && now - since_ < patience_;
  tell(waiting_);
  if (!waiting_) awaited_.clear();
  return waiting_;
}

// Whoever wonders why nothing is placed.
void ReportWait::tell(bool waits) {
  if (std::exchange(told_, waits) == waits) return;
  std::string nodes;
  for (const std::string& name : awaited_) {
    if (nodes.size() > 200) break;
    nodes += (nodes.empty() ? "" : " ") + name;
  }
  if (waits) {
    log_.warning("the store has lost history: nothing is placed before agents have reported", {{"nodes", nodes}});
  } else {
    log_.info("placing goes on", {{"not_heard_of", nodes}});
  }
}

void ReportWait::look(const client::Informer& nodes) {
  awaited_.clear();
  for (const auto& [key, node] : nodes.objects()) {
    if (!is_ready(node->as<api::Node>())) continue;
    if (client::agrees_as_of(*node) + client::epoch_gap <= from_) awaited_.push_back(node->name());
  }
}

}  // namespace keelson::scheduler
