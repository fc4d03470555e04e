#include "core/agent/eviction.hpp"

#include <algorithm>
#include <utility>

namespace keelson::agent {

namespace {

// Kubelet's monitoring interval.
constexpr Duration kPeriod = 10s;
// A condition goes only when the shortage has been over for this long, so that pods are not sent to a
// node that swings around its threshold. Source: kubelet's eviction-pressure-transition-period.
constexpr Duration kTransition = std::chrono::minutes(5);
// Looking through all scratch volumes costs; kubelet does it about once a minute.
constexpr Duration kVolumesEvery = 60s;

bool of_disk(Scarce scarce) {
  return scarce == Scarce::node_disk || scarce == Scarce::image_disk || scarce == Scarce::inodes;
}

}  // namespace

EvictionManager::EvictionManager(Context& context, NodeStats& stats, ImageGarbage& garbage,
                                 Hooks hooks)
    : context_(context),
      stats_(stats),
      garbage_(garbage),
      hooks_(std::move(hooks)),
      timer_(context.loop, [this] { measure(); }) {}

void EvictionManager::measure() {
  refresh_volumes();
  stats_.measure(garbage_.image_path(), lifetime_.guard([this](Result<NodeMeasurement> measured) {
    timer_.arm(kPeriod);
    if (measured.ok()) {
      on_measured(std::move(*measured));
    } else {
      context_.log.warning("the node could not be measured", {{"why", measured.error().message}});
    }
  }));
}

void EvictionManager::refresh_volumes() {
  PodVolumes* disk = context_.options.volumes;
  const Instant now = context_.loop.now();
  if (!disk || (volumes_at_ != Instant{} && now - volumes_at_ < kVolumesEvery)) return;
  if (std::exchange(measuring_volumes_, true)) return;  // millions of files take longer than that
  volumes_at_ = now;
  disk->usage(lifetime_.guard([this](Result<VolumeUsages> usages) {
    measuring_volumes_ = false;
    if (usages.ok()) volumes_ = std::move(*usages);
  }));
}

void EvictionManager::note(const std::vector<Shortage>& now) {
  const Instant at = context_.loop.now();
  for (const Shortage& shortage : now) {
    Instant& seen = shortage.of == Scarce::memory ? seen_memory_
                    : shortage.of == Scarce::pids ? seen_pids_
                                                  : seen_disk_;
    seen = at;
  }
  const auto recently = [&](Instant seen) { return seen != Instant{} && at - seen < kTransition; };
  const NodePressure pressure{recently(seen_memory_), recently(seen_disk_), recently(seen_pids_)};
  if (pressure == pressure_) return;
  pressure_ = pressure;
  hooks_.on_pressure(pressure);
}

void EvictionManager::on_measured(NodeMeasurement measured) {
  const std::vector<Shortage> now = shortages(measured, context_.options.eviction);
  note(now);
  const EvictionFacts facts{measured.pods, volumes_};
  const std::vector<Eviction> greedy = over_their_limits(hooks_.candidates(), facts);
  for (const Eviction& eviction : greedy) hooks_.evict(eviction.uid, eviction.verdict);
  if (now.empty()) {
    reclaimed_ = false;
    return;
  }
  // One pod at a time, and the next only when what this one held is free.
  if (!greedy.empty() || hooks_.ending()) return;
  const bool disk = std::any_of(now.begin(), now.end(),
                                [](const Shortage& shortage) { return of_disk(shortage.of); });
  if (!disk || reclaimed_) {
    evict_for(now, measured);
    return;
  }
  reclaimed_ = true;
  hooks_.drop_dead_containers();
  garbage_.reclaim(lifetime_.guard([this](Result<Unit>) { timer_.arm_by(1s); }));
}

void EvictionManager::evict_for(const std::vector<Shortage>& now, const NodeMeasurement& measured) {
  for (const Shortage& shortage : now) {
    const std::optional<Eviction> chosen =
        choose(shortage, hooks_.candidates(), {measured.pods, volumes_});
    if (!chosen) continue;
    hooks_.evict(chosen->uid, chosen->verdict);
    reclaimed_ = false;  // it leaves images and containers behind
    return;
  }
}

}  // namespace keelson::agent
