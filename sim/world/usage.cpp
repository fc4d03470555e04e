#include "sim/world/usage.hpp"

#include <algorithm>

#include "core/api/quantity.hpp"
#include "core/base/hash.hpp"
#include "sim/inside/inside.hpp"
#include "sim/world/node.hpp"

namespace keelson::sim {

namespace {

constexpr int64_t kMiB = 1024 * 1024;

// Of the machine itself: its kernel, its agent.
constexpr rest::Usage kBackground{60'000'000, 180 * kMiB};

// A number from `low` to `high` that is the container's own, and one close by in each minute.
int64_t between(int64_t low, int64_t high, uint64_t own, int64_t minute) {
  const uint64_t now = hash_combine(own, static_cast<uint64_t>(minute));
  const auto span = static_cast<uint64_t>(high - low);
  return low + static_cast<int64_t>((own % 1000 * 9 + now % 1000) * span / 9990);
}

int64_t amount(const google::protobuf::Map<std::string, api::Quantity>& amounts, const char* name,
               int64_t (*read)(const api::Quantity&)) {
  const auto found = amounts.find(name);
  return found == amounts.end() ? 0 : read(found->second);
}

rest::Usage usage_of(const api::Pod& pod, const api::Container& container, WallTime now) {
  const int64_t minute = now.unix_ns / 60'000'000'000;
  const uint64_t own = hash_bytes(container.name(), hash_bytes(pod.metadata().uid()));
  const auto& requests = container.resources().requests();
  const auto& limits = container.resources().limits();
  const int64_t cpu = amount(requests, "cpu", api::milli_value_of);
  const int64_t memory = amount(requests, "memory", api::value_of);
  rest::Usage usage;
  // Whoever asks for nothing is taken to be small.
  usage.cpu_nanocores = cpu > 0 ? cpu * between(2'000, 8'000, own, minute) * 100
                                : between(500'000, 9'000'000, own, minute);
  usage.memory_bytes = memory > 0 ? memory / 100 * between(40, 90, hash_u64(own), minute)
                                  : between(6 * kMiB, 48 * kMiB, hash_u64(own), minute);
  if (const int64_t limit = amount(limits, "cpu", api::milli_value_of); limit > 0) {
    usage.cpu_nanocores = std::min(usage.cpu_nanocores, limit * 1'000'000);
  }
  if (const int64_t limit = amount(limits, "memory", api::value_of); limit > 0) {
    usage.memory_bytes = std::min(usage.memory_bytes, limit);
  }
  return usage;
}

bool runs(const Node& node, const std::string& uid, const std::string& container) {
  const agent::ContainerInfo* info = node.runtime().container_of(uid, container, 0);
  return info != nullptr && info->state == agent::ContainerState::running;
}

}  // namespace

const Node* SimUsage::answering(const std::string& name) const {
  const Node* node = world_.node(name);
  return node != nullptr && node->powered() && node->agent_running() ? node : nullptr;
}

std::optional<rest::Usage> SimUsage::of_container(const api::Pod& pod,
                                                  const std::string& container) {
  const Node* node = answering(pod.spec().node_name());
  if (node == nullptr || !runs(*node, pod.metadata().uid(), container)) return std::nullopt;
  const std::optional<api::Container> spec = find_container(pod, container);
  if (!spec) return std::nullopt;
  return usage_of(pod, *spec, clock_.wall_now());
}

std::optional<rest::Usage> SimUsage::of_node(const api::Node& node) {
  if (answering(node.metadata().name()) == nullptr) return std::nullopt;
  rest::Usage usage = kBackground;
  for (const apiserver::PodOnNode& on : pods_.pods_on(node.metadata().name())) {
    const auto& pod = on.pod->as<api::Pod>();
    for (const api::Container& container : pod.spec().containers()) {
      const std::optional<rest::Usage> one = of_container(pod, container.name());
      if (!one) continue;
      usage.cpu_nanocores += one->cpu_nanocores;
      usage.memory_bytes += one->memory_bytes;
    }
  }
  return usage;
}

}  // namespace keelson::sim
