#include "core/agent/eviction_rules.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "core/agent/status.hpp"
#include "core/api/quantity.hpp"

namespace keelson::agent {

namespace {

// Priorities from here on are the system's. Source: scheduling.SystemCriticalPriority.
constexpr int32_t kSystemCritical = 2'000'000'000;
constexpr const char* kStorage = "ephemeral-storage";

std::string_view resource_of(Scarce scarce) {
  switch (scarce) {
    case Scarce::memory: return "memory";
    case Scarce::node_disk:
    case Scarce::image_disk: return kStorage;
    case Scarce::inodes: return "inodes";
    case Scarce::pids: return "pids";
  }
  return "";
}

bool counts_bytes(Scarce scarce) {
  return scarce != Scarce::inodes && scarce != Scarce::pids;
}

std::string amount_text(Scarce scarce, uint64_t amount) {
  if (!counts_bytes(scarce) || amount % 1024 != 0) return std::to_string(amount);
  const auto quantity = api::QuantityValue::parse(std::to_string(amount / 1024) + "Ki");
  return quantity.ok() ? quantity->to_string() : std::to_string(amount);
}

template <class Map>
uint64_t in(const Map& amounts, const char* name) {
  const auto at = amounts.find(name);
  return at == amounts.end()
             ? 0
             : static_cast<uint64_t>(std::max<int64_t>(0, api::value_of(at->second)));
}

uint64_t used(const ContainerUsage& usage, Scarce scarce) {
  switch (scarce) {
    case Scarce::memory: return usage.memory_bytes;
    case Scarce::node_disk:
    case Scarce::image_disk: return usage.disk_bytes;
    case Scarce::inodes: return usage.inodes;
    case Scarce::pids: return usage.processes;
  }
  return 0;
}

// What of a resource a pod uses and has asked for.
struct Share {
  uint64_t used = 0, requested = 0;
};

Share share_of(const EvictionCandidate& candidate, Scarce scarce, const EvictionFacts& facts) {
  Share out;
  if (const auto at = facts.containers.find(candidate.uid); at != facts.containers.end()) {
    for (const auto& [name, usage] : at->second) out.used += used(usage, scarce);
  }
  if (const auto at = facts.volumes.find(candidate.uid); at != facts.volumes.end()) {
    for (const VolumeUsage& volume : at->second) {
      if (volume.in_memory) continue;  // its pages are in the containers' working sets
      if (scarce == Scarce::node_disk) out.used += volume.used_bytes;
      if (scarce == Scarce::inodes) out.used += volume.used_inodes;
    }
  }
  if (!counts_bytes(scarce)) return out;
  const char* resource = scarce == Scarce::memory ? "memory" : kStorage;
  for (const api::Container& container : candidate.pod->spec().containers()) {
    out.requested += in(container.resources().requests(), resource);
  }
  return out;
}

std::string message_of(const Shortage& shortage, const EvictionCandidate& pod,
                       const EvictionFacts& facts) {
  const std::string_view resource = resource_of(shortage.of);
  std::string out = fmt::format(
      "The node was low on resource: {}. Threshold quantity: {}, available: {}. ", resource,
      amount_text(shortage.of, shortage.threshold), amount_text(shortage.of, shortage.available));
  const auto at = facts.containers.find(pod.uid);
  if (at == facts.containers.end() || !counts_bytes(shortage.of)) return out;
  for (const api::Container& container : pod.pod->spec().containers()) {
    const auto usage = at->second.find(container.name());
    if (usage == at->second.end()) continue;
    const uint64_t request =
        in(container.resources().requests(), shortage.of == Scarce::memory ? "memory" : kStorage);
    const uint64_t amount = used(usage->second, shortage.of);
    if (amount <= request) continue;
    out += fmt::format("Container {} was using {}, request is {}, has larger consumption of {}. ",
                       container.name(), amount_text(shortage.of, amount),
                       amount_text(shortage.of, request), resource);
  }
  return out;
}

Verdict evicted(std::string message) {
  return {"Failed", "Evicted", std::move(message)};
}

std::optional<std::string> over_its_volumes(const EvictionCandidate& candidate,
                                            const std::vector<VolumeUsage>& usages) {
  for (const api::Volume& volume : candidate.pod->spec().volumes()) {
    const auto& source = volume.volume_source();
    if (!source.has_empty_dir() || !source.empty_dir().has_size_limit()) continue;
    const int64_t limit = api::value_of(source.empty_dir().size_limit());
    if (limit <= 0) continue;
    for (const VolumeUsage& usage : usages) {
      if (usage.name != volume.name() || usage.used_bytes <= static_cast<uint64_t>(limit)) continue;
      return fmt::format("Usage of EmptyDir volume \"{}\" exceeds the limit \"{}\". ",
                         volume.name(), source.empty_dir().size_limit().string());
    }
  }
  return std::nullopt;
}

std::optional<std::string> over_its_containers(const EvictionCandidate& candidate,
                                               const EvictionFacts& facts) {
  const auto at = facts.containers.find(candidate.uid);
  uint64_t total_used = share_of(candidate, Scarce::node_disk, facts).used, total_limit = 0;
  bool all_limited = true;
  for (const api::Container& container : candidate.pod->spec().containers()) {
    const uint64_t limit = in(container.resources().limits(), kStorage);
    total_limit += limit;
    all_limited = all_limited && limit > 0;
    if (limit == 0 || at == facts.containers.end()) continue;
    const auto usage = at->second.find(container.name());
    if (usage == at->second.end() || usage->second.disk_bytes <= limit) continue;
    return fmt::format("Container {} exceeded its local ephemeral storage limit \"{}\". ",
                       container.name(), container.resources().limits().at(kStorage).string());
  }
  if (!all_limited || total_limit == 0 || total_used <= total_limit) return std::nullopt;
  return fmt::format("Pod ephemeral local storage usage exceeds the total limit of containers {}. ",
                     amount_text(Scarce::node_disk, total_limit));
}

}  // namespace

std::vector<Shortage> shortages(const NodeMeasurement& measured, const EvictionThresholds& limits) {
  std::vector<Shortage> out;
  const auto check = [&](Scarce of, uint64_t threshold, uint64_t available) {
    if (available < threshold) out.push_back({of, threshold, available});
  };
  if (measured.memory_capacity_bytes > 0) {
    check(Scarce::memory, limits.memory_available_bytes, measured.memory_available_bytes);
  }
  const FilesystemStats& node = measured.node_fs;
  check(Scarce::node_disk, node.capacity_bytes / 100 * limits.node_fs_available_percent,
        node.available_bytes);
  check(Scarce::inodes, node.inodes / 100 * limits.node_fs_inodes_free_percent, node.inodes_free);
  const FilesystemStats& images = measured.image_fs;
  check(Scarce::image_disk, images.capacity_bytes / 100 * limits.image_fs_available_percent,
        images.available_bytes);
  if (measured.pids_max > 0) {
    check(Scarce::pids, limits.pids_available,
          measured.pids_max - std::min(measured.pids_max, measured.pids_used));
  }
  return out;
}

bool critical(const api::Pod& pod) {
  const auto& annotations = pod.metadata().annotations();
  return pod.spec().priority() >= kSystemCritical ||
         annotations.contains("kubernetes.io/config.source");  // of a manifest
}

std::optional<Eviction> choose(const Shortage& shortage,
                               const std::vector<EvictionCandidate>& candidates,
                               const EvictionFacts& facts) {
  // (within its request, priority, minus the excess, uid): the least goes first.
  using Rank = std::tuple<bool, int32_t, int64_t, const std::string&>;
  const auto rank = [&](const EvictionCandidate& candidate) -> Rank {
    const Share share = share_of(candidate, shortage.of, facts);
    const bool within = counts_bytes(shortage.of) && share.used <= share.requested;
    return {within, candidate.pod->spec().priority(),
            static_cast<int64_t>(share.requested) - static_cast<int64_t>(share.used),
            candidate.uid};
  };
  const EvictionCandidate* first = nullptr;
  for (const EvictionCandidate& candidate : candidates) {
    if (critical(*candidate.pod)) continue;
    if (!first || rank(candidate) < rank(*first)) first = &candidate;
  }
  if (!first) return std::nullopt;
  return Eviction{first->uid, evicted(message_of(shortage, *first, facts))};
}

std::vector<Eviction> over_their_limits(const std::vector<EvictionCandidate>& candidates,
                                        const EvictionFacts& facts) {
  std::vector<Eviction> out;
  for (const EvictionCandidate& candidate : candidates) {
    if (critical(*candidate.pod)) continue;
    std::optional<std::string> why;
    if (const auto at = facts.volumes.find(candidate.uid); at != facts.volumes.end()) {
      why = over_its_volumes(candidate, at->second);
    }
    if (!why) why = over_its_containers(candidate, facts);
    if (why) out.push_back({candidate.uid, evicted(std::move(*why))});
  }
  return out;
}

std::optional<Verdict> refuse_under(const NodePressure& pressure, const api::Pod& pod) {
  if (pressure == NodePressure{} || critical(pod)) return std::nullopt;
  std::vector<std::string_view> conditions;
  if (pressure.memory) conditions.push_back("MemoryPressure");
  if (pressure.disk) conditions.push_back("DiskPressure");
  if (pressure.pids) conditions.push_back("PIDPressure");
  // Whoever has asked for memory has been promised it; so has whoever tolerates the taint.
  if (!pressure.disk && !pressure.pids) {
    if (qos_class(pod.spec()) != "BestEffort") return std::nullopt;
    for (const api::Toleration& toleration : pod.spec().tolerations()) {
      const bool key = toleration.key() == "node.kubernetes.io/memory-pressure" ||
                       (toleration.key().empty() && toleration.operator_() == "Exists");
      if (key && (toleration.effect().empty() || toleration.effect() == "NoSchedule")) {
        return std::nullopt;
      }
    }
  }
  return evicted(fmt::format("The node had condition: [{}]. ", fmt::join(conditions, " ")));
}

}  // namespace keelson::agent
