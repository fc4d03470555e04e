#include "core/controllers/victims.hpp"

#include <algorithm>
#include <charconv>
#include <compare>
#include <tuple>

#include "core/controllers/pod_state.hpp"

namespace keelson::controllers {

namespace {

// Members in the order of importance; the smaller rank goes first.
// Source: Kubernetes' ActivePodsWithRanks; pod-deletion-cost is KEP-2255. Kubernetes compares ready
// times on a logarithmic scale and then by random uid; here the shorter-ready goes, always.
struct Rank {
  bool assigned = false;
  int phase = 0;  // Pending, Unknown, Running
  bool ready = false;
  int32_t deletion_cost = 0;
  int negative_doubled_up = 0;
  int64_t negative_ready_since = 0;  // later means ready for a shorter time
  int64_t negative_restarts = 0;
  int64_t negative_created = 0;
  std::string_view name;  // for a total order
  friend auto operator<=>(const Rank&, const Rank&) = default;
};

int phase_rank(const std::string& phase) {
  if (phase == "Running") return 2;
  return phase == "Unknown" ? 1 : 0;
}

int32_t deletion_cost(const api::ObjectMeta& meta) {
  const auto at = meta.annotations().find("controller.kubernetes.io/pod-deletion-cost");
  if (at == meta.annotations().end()) return 0;
  int32_t cost = 0;
  const char* end = at->second.data() + at->second.size();
  const auto [rest, error] = std::from_chars(at->second.data(), end, cost);
  return error == std::errc() && rest == end ? cost : 0;
}

Rank rank_of(const PodRef& ref, const std::map<std::string, int>& related) {
  const api::Pod& pod = *ref;
  Rank rank;
  rank.assigned = !pod.spec().node_name().empty();
  rank.phase = phase_rank(pod.status().phase());
  rank.ready = ready(pod);
  rank.deletion_cost = deletion_cost(pod.metadata());
  if (rank.assigned) {
    const auto at = related.find(pod.spec().node_name());
    if (at != related.end()) rank.negative_doubled_up = -at->second;
  }
  if (rank.ready) {
    rank.negative_ready_since = -condition_of(pod, "Ready")->last_transition_time().seconds();
  }
  for (const auto& status : pod.status().container_statuses()) {
    rank.negative_restarts = std::min<int64_t>(rank.negative_restarts, -status.restart_count());
  }
  rank.negative_created = -pod.metadata().creation_timestamp().seconds();
  rank.name = ref.name();
  return rank;
}

}  // namespace

std::vector<PodRef> choose_victims(std::vector<PodRef> pods, std::size_t count,
                                   const std::map<std::string, int>& related) {
  if (count >= pods.size()) return pods;
  std::vector<std::pair<Rank, std::size_t>> ranked;
  ranked.reserve(pods.size());
  for (std::size_t i = 0; i < pods.size(); ++i) ranked.emplace_back(rank_of(pods[i], related), i);
  std::sort(ranked.begin(), ranked.end());
  std::vector<PodRef> victims;
  victims.reserve(count);
  for (std::size_t i = 0; i < count; ++i) victims.push_back(pods[ranked[i].second]);
  return victims;
}

}  // namespace keelson::controllers
