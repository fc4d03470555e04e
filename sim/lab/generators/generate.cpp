#include "sim/lab/generators/generate.hpp"

#include <algorithm>

#include "core/api/devices.hpp"
#include "core/base/assert.hpp"

namespace keelson::lab {

namespace {

constexpr int64_t kMebi = 1024 * 1024;
constexpr int64_t kReplicasMax = 10'000;
// Larger than any machine; sums of them stay within int64.
constexpr int64_t kAmountMax = int64_t{1} << 40;

const PodClass& choose(const std::vector<PodClass>& classes, Rng& rng) {
  uint64_t sum = 0;
  for (const PodClass& one : classes) sum += static_cast<uint64_t>(one.weight);
  KEELSON_ASSERT(sum > 0);
  uint64_t ticket = rng.below(sum);
  for (const PodClass& one : classes) {
    if (ticket < static_cast<uint64_t>(one.weight)) return one;
    ticket -= static_cast<uint64_t>(one.weight);
  }
  return classes.back();
}

int64_t amount(const Amount& of, Rng& rng) {
  return std::min(of.draw(rng), kAmountMax);
}

}  // namespace

std::vector<api::ObjectPtr> make_nodes(const std::vector<NodeGroup>& groups) {
  std::vector<api::ObjectPtr> nodes;
  for (const NodeGroup& group : groups) {
    for (int64_t i = 0; i < group.count; ++i) {
      NodeShape shape = group.shape;
      shape.name = group.prefix + "-" + std::to_string(i + 1);
      if (group.zones > 0) shape.zone = "zone-" + std::to_string(i % group.zones + 1);
      nodes.push_back(node_object(shape));
    }
  }
  return nodes;
}

std::vector<Arrival> generate(const GeneratorSpec& spec, const Rng& rng) {
  KEELSON_ASSERT(spec.pods > 0 || spec.length);
  // Streams of their own: another size for the pods does not shift their times.
  ArrivalTimes times(spec.arrivals, rng.fork("times"));
  Rng classes = rng.fork("classes"), sizes = rng.fork("sizes"), durations = rng.fork("durations");
  const int64_t most = spec.pods > 0 ? std::min(spec.pods, kGeneratedPodsMax) : kGeneratedPodsMax;
  std::vector<Arrival> arrivals;
  for (int64_t job = 1; static_cast<int64_t>(arrivals.size()) < most; ++job) {
    const Duration at = times.next();
    if (spec.length && at >= *spec.length) break;
    const PodClass& one = choose(spec.classes, classes);
    PodShape pod;
    pod.cpu_milli = amount(one.cpu_milli, sizes);
    pod.memory_bytes = amount(one.memory_mib, sizes) * kMebi;
    for (const auto& [name, of] : one.resources) pod.resources[name] = amount(of, sizes);
    pod.gpus = std::min<int64_t>(amount(one.gpus, sizes), api::kDevicesMax);
    if (pod.gpus == 1) pod.gpu_milli = std::clamp<int64_t>(amount(one.gpu_milli, sizes), 1, api::kDeviceMilli);
    pod.priority = one.priority;
    const int64_t replicas = std::clamp<int64_t>(one.replicas.draw(sizes), 1, kReplicasMax);
    std::optional<Duration> runs_for;
    if (one.runs_for_ms) {
      runs_for = std::chrono::milliseconds(std::min(one.runs_for_ms->draw(durations), kAmountMax));
    }
    const std::string base = one.name + "-" + std::to_string(job);
    pod.labels = {{"class", one.name}, {kJobLabel, base}};
    for (int64_t i = 0; i < replicas && static_cast<int64_t>(arrivals.size()) < most; ++i) {
      pod.name = replicas == 1 ? base : base + "-" + std::to_string(i);
      arrivals.push_back({pod_object(pod), at, runs_for});
    }
  }
  return arrivals;
}

}  // namespace keelson::lab
