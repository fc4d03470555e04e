#include "core/scheduler/status_writer.hpp"

#include <utility>
#include <vector>

namespace keelson::scheduler {
namespace {

// A status that could not be written is written again after this long.
constexpr Duration kStatusPause = 1s;

}  // namespace

StatusWriter::StatusWriter(Loop& loop, client::ApiClient& client, Surroundings surroundings)
    : loop_(loop),
      client_(client),
      surroundings_(std::move(surroundings)),
      timer_(loop, [this] { send_all(); }) {}

void StatusWriter::write(const PodInfo& pod, PodStatusChange change) {
  Unsaid& unsaid = unsaid_[pod.uid()];
  // A nomination that could not be written yet must not be lost by a newer message.
  if (!change.nominated_node) change.nominated_node = unsaid.change.nominated_node;
  if (change.reason.empty()) {
    change.reason = unsaid.change.reason;
    change.message = unsaid.change.message;
  }
  unsaid = {pod.ns(), pod.name(), std::move(change), unsaid.in_flight, true};
  if (!unsaid.in_flight) send(pod.uid());
}

void StatusWriter::send(const std::string& uid) {
  Unsaid& unsaid = unsaid_.at(uid);
  const api::ObjectPtr pod = surroundings_.newest(unsaid.ns, unsaid.name);
  api::ObjectPtr changed;
  if (surroundings_.may_write() && pod && pod->uid() == uid &&
      pod->as<api::Pod>().spec().node_name().empty()) {
    changed = with_status(*pod, unsaid.change, loop_.wall_now());
  }
  if (!changed) {  // bound, gone, or said already
    unsaid_.erase(uid);
    return;
  }
  unsaid.in_flight = true;
  unsaid.waiting = false;
  api::Request request = api::update_status(changed);
  request.expected.uid = uid;
  surroundings_.stamp(request);
  client_.call(std::move(request), [this, token = alive_, uid](api::Response response) {
    if (*token) on_answer(uid, response);
  });
}

void StatusWriter::on_answer(const std::string& uid, const api::Response& response) {
  Unsaid& said = unsaid_.at(uid);
  said.in_flight = false;
  const bool retry = !response.ok() && response.error.reason != api::Reason::not_found;
  if (!said.waiting && !retry) {
    unsaid_.erase(uid);
    return;
  }
  // Others may write the pod at the same time: the cache has to catch up first.
  said.waiting = true;
  timer_.arm_by(kStatusPause);
}

void StatusWriter::send_all() {
  std::vector<std::string> due;
  for (const auto& [uid, unsaid] : unsaid_) {
    if (!unsaid.in_flight) due.push_back(uid);
  }
  for (const std::string& uid : due) send(uid);
}

}  // namespace keelson::scheduler
