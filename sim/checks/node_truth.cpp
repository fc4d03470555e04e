#include "sim/checks/node_truth.hpp"

#include <algorithm>

namespace keelson::sim {

bool begins_deletion(const store::StoreEvent& event) {
  return event.previous && !event.previous->deleting() &&
         (!event.object || event.object->deleting());
}

bool has_ended(const api::Pod& pod) {
  return pod.status().phase() == "Succeeded" || pod.status().phase() == "Failed";
}

NodeReadiness readiness(const api::Object& node) {
  for (const auto& condition : node.as<api::Node>().status().conditions()) {
    if (condition.type() != "Ready") continue;
    return condition.status() == "True"    ? NodeReadiness::yes
           : condition.status() == "False" ? NodeReadiness::no
                                           : NodeReadiness::unknown;
  }
  return NodeReadiness::absent;
}

std::string zone_of(const api::Object& node) {
  std::string zone;
  const auto& labels = node.meta().labels();
  for (const char* name : {"topology.kubernetes.io/region", "topology.kubernetes.io/zone"}) {
    const auto it = labels.find(name);
    zone += (it == labels.end() ? std::string() : it->second) + ':';
  }
  return zone;
}

std::optional<Duration> tolerated(const api::Pod& pod, const api::Taint& taint) {
  for (const auto& t : pod.spec().tolerations()) {
    if (!t.effect().empty() && t.effect() != taint.effect()) continue;
    if (!t.key().empty() && t.key() != taint.key()) continue;
    const bool exists = t.operator_() == "Exists";
    const bool equal = (t.operator_().empty() || t.operator_() == "Equal") &&
                       t.value() == taint.value() && !t.key().empty();
    if (!exists && !equal) continue;
    if (!t.has_toleration_seconds()) return std::nullopt;
    constexpr int64_t kLong = 1'000'000'000;
    return std::chrono::seconds(std::clamp<int64_t>(t.toleration_seconds(), 0, kLong));
  }
  return Duration::zero();
}

}  // namespace keelson::sim
