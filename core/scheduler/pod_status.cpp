#include "core/scheduler/pod_status.hpp"

#include "core/api/canonical.hpp"
#include "core/api/json.hpp"

namespace keelson::scheduler {
namespace {

bool same_labels(const api::ObjectMeta& a, const api::ObjectMeta& b) {
  if (a.labels().size() != b.labels().size()) return false;
  for (const auto& [key, value] : a.labels()) {
    const auto it = b.labels().find(key);
    if (it == b.labels().end() || it->second != value) return false;
  }
  return true;
}

// True if the condition was not as it is to be.
bool set_condition(api::PodStatus& status, const PodStatusChange& change, WallTime now) {
  api::PodCondition* condition = nullptr;
  for (auto& c : *status.mutable_conditions()) {
    if (c.type() == "PodScheduled") condition = &c;
  }
  if (condition == nullptr) {
    condition = status.add_conditions();
    condition->set_type("PodScheduled");
  } else if (condition->status() == "False" && condition->reason() == change.reason &&
             condition->message() == change.message) {
    return false;
  }
  if (condition->status() != "False") {
    *condition->mutable_last_transition_time() = api::to_time(now);
  }
  condition->set_status("False");
  condition->set_reason(change.reason);
  condition->set_message(change.message);
  return true;
}

}  // namespace

api::ObjectPtr with_status(const api::Object& pod, const PodStatusChange& change, WallTime now) {
  auto body = std::make_shared<api::Pod>(pod.as<api::Pod>());
  bool changed = false;
  if (!change.reason.empty()) changed |= set_condition(*body->mutable_status(), change, now);
  if (change.nominated_node && body->status().nominated_node_name() != *change.nominated_node) {
    body->mutable_status()->set_nominated_node_name(*change.nominated_node);
    changed = true;
  }
  if (!changed) return nullptr;
  return std::make_shared<const api::Object>(api::Kind::pods, std::move(body), pod.revision());
}

bool same_demands(const api::Object& before, const api::Object& after) {
  return same_labels(before.meta(), after.meta()) &&
         api::canonical_bytes(before.as<api::Pod>().spec()) == api::canonical_bytes(after.as<api::Pod>().spec());
}

}  // namespace keelson::scheduler
