#include "sim/run/narrator.hpp"

namespace keelson::sim {

namespace {

std::string ready_status(const api::Node& node) {
  for (const auto& condition : node.status().conditions()) {
    if (condition.type() == "Ready") return condition.status();
  }
  return "Unknown";
}

bool has_taint(const api::Node& node, std::string_view key) {
  for (const auto& taint : node.spec().taints()) {
    if (taint.key() == key) return true;
  }
  return false;
}

}  // namespace

void Narrator::on_commits(std::span<const store::StoreEvent> events) {
  if (quiet_) return;
  for (const store::StoreEvent& event : events) {
    const api::Object& object = event.object ? *event.object : *event.previous;
    if (object.kind() == api::Kind::nodes) node(event);
    if (object.kind() == api::Kind::deployments) deployment(event);
  }
}

void Narrator::node(const store::StoreEvent& event) {
  if (!event.object) {
    tell_(Level::info, "node", event.previous->name() + " removed");
    return;
  }
  const auto& now = event.object->as<api::Node>();
  const std::string status = ready_status(now);
  std::string text = status == "True" ? "is Ready" : status == "False" ? "is NotReady" : "is Unknown";
  if (has_taint(now, "node.kubernetes.io/out-of-service")) text += ", declared dead by its witnesses";
  std::string& last = last_[event.object->uid()];
  if (text == last) return;
  last = text;
  tell_(status == "True" ? Level::info : Level::warning, "node", event.object->name() + " " + text);
}

void Narrator::deployment(const store::StoreEvent& event) {
  const api::Object& object = event.object ? *event.object : *event.previous;
  const std::string name = "deployment " + object.ns() + "/" + object.name();
  if (!event.object) {
    tell_(Level::info, "cluster", name + " removed");
    last_.erase(object.uid());
    return;
  }
  const auto& now = event.object->as<api::Deployment>();
  const auto& status = now.status();
  if (status.observed_generation() < now.metadata().generation()) return;
  std::string text = std::to_string(status.available_replicas()) + " of " +
                     std::to_string(now.spec().replicas()) + " available, " +
                     std::to_string(status.updated_replicas()) + " up to date";
  if (status.replicas() > now.spec().replicas()) {
    text += ", " + std::to_string(status.replicas()) + " in all";
  }
  std::string& last = last_[object.uid()];
  if (text == last) return;
  last = text;
  tell_(Level::info, "cluster", name + ": " + text);
}

}  // namespace keelson::sim
