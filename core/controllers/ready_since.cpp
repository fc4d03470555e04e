#include "core/controllers/ready_since.hpp"

#include <algorithm>

#include "core/api/json.hpp"
#include "core/controllers/pod_state.hpp"

namespace keelson::controllers {

std::vector<Duration> ReadySince::observe(const client::View& view, const api::ObjectKey& key,
                                          const std::vector<api::Ref<api::Pod>>& pods) {
  std::map<std::string, Seen>& before = seen_[key];
  std::map<std::string, Seen> now;
  std::vector<Duration> durations;
  durations.reserve(pods.size());
  for (const auto& pod : pods) {
    Seen& seen = now[pod.uid()];
    seen.ready = ready(*pod);
    if (!seen.ready) {
      durations.push_back({});
      continue;
    }
    const auto& transition = condition_of(*pod, "Ready")->last_transition_time();
    seen.stamp = transition.seconds();
    const auto known = before.find(pod.uid());
    if (known == before.end()) {
      const WallTime since = api::to_wall(transition);
      const Duration credit{std::max<int64_t>(view.wall_now().unix_ns - since.unix_ns, 0)};
      seen.since = view.now() - credit;
    } else {
      const bool same = known->second.ready && known->second.stamp == seen.stamp;
      seen.since = same ? known->second.since : view.now();
    }
    durations.push_back(view.now() - seen.since);
  }
  before = std::move(now);
  return durations;
}

}  // namespace keelson::controllers
