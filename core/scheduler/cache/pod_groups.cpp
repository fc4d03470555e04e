#include "core/scheduler/cache/pod_groups.hpp"

#include <charconv>

#include "core/scheduler/cache/pod_info.hpp"

namespace keelson::scheduler {
namespace {

uint32_t positive_number(const std::string& text) {
  uint32_t number = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  return read.ec == std::errc{} && read.ptr == end ? number : 0;
}

bool counts(const api::Object& pod) {
  return !pod.deleting() && !terminal_phase(pod.as<api::Pod>());
}

}  // namespace

std::optional<PodGroupClaim> group_claim(const api::Object& pod) {
  const auto& labels = pod.meta().labels();
  const auto name = labels.find(kPodGroupLabel);
  if (name == labels.end() || name->second.empty()) return std::nullopt;
  PodGroupClaim claim{pod.ns() + '/' + name->second, 0};
  const auto least = labels.find(kMinAvailableLabel);
  if (least != labels.end()) claim.min_available = positive_number(least->second);
  return claim;
}

bool PodGroups::apply(const api::ObjectPtr& before, const api::ObjectPtr& after) {
  const auto old = before ? group_claim(*before) : std::nullopt;
  if (old) {
    const auto it = groups_.find(old->group);
    if (it != groups_.end()) {
      const auto pod = it->second.pods.find(before->uid());
      if (pod != it->second.pods.end()) {
        if (pod->second) --it->second.bound;
        it->second.pods.erase(pod);
      }
      if (it->second.pods.empty()) groups_.erase(it);
    }
  }
  const auto now = after ? group_claim(*after) : std::nullopt;
  if (!now || !counts(*after)) return false;
  Group& group = groups_[now->group];
  const bool bound = !after->as<api::Pod>().spec().node_name().empty();
  group.pods[after->uid()] = bound;
  if (bound) ++group.bound;
  return !old || old->group != now->group || before->uid() != after->uid();
}

}  // namespace keelson::scheduler
