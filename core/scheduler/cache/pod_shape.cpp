#include "core/scheduler/cache/pod_shape.hpp"

#include <cstring>

#include "core/scheduler/cache/pod_info.hpp"

namespace keelson::scheduler {
namespace {

// A shape that is forgotten gets another number when it is met again, which costs its memories only.
constexpr std::size_t kShapesMax = 16384;

// What the shape is made of, as 64-bit words. Lists are preceded by their length, so that different
// pods never give the same words.
class Key {
 public:
  explicit Key(std::string& bytes) : bytes_(bytes) { bytes_.clear(); }

  void add(uint64_t word) {
    char raw[sizeof(word)];
    std::memcpy(raw, &word, sizeof(word));
    bytes_.append(raw, sizeof(word));
  }
  void add(int64_t word) { add(static_cast<uint64_t>(word)); }
  void add(uint32_t high, uint32_t low) { add(uint64_t{high} << 32 | low); }
  void add(const NodeTerm& term) {
    add(uint64_t{term.requirements.size()});
    for (const NodeRequirement& r : term.requirements) {
      add(r.key, static_cast<uint32_t>(r.op) << 1 | uint32_t{r.on_name});
      add(r.number);
      add(uint64_t{r.values.size()});
      for (const NameId value : r.values) add(uint64_t{value});
    }
  }

 private:
  std::string& bytes_;
};

void describe(const PodInfo& pod, Key key) {
  key.add(static_cast<uint32_t>(pod.priority), static_cast<uint32_t>(pod.preemption_policy));
  for (const int64_t amount : pod.requests) key.add(amount);
  key.add(pod.nonzero_cpu);
  key.add(pod.nonzero_memory);
  key.add(uint64_t{pod.extended.size()});
  for (const auto& [id, amount] : pod.extended) {
    key.add(uint64_t{id});
    key.add(amount);
  }
  key.add(static_cast<uint32_t>(pod.gpus.milli), static_cast<uint32_t>(pod.gpus.malformed));
  key.add(uint64_t{pod.tolerations.size()});
  for (const Toleration& t : pod.tolerations) {
    key.add(t.key, t.value);
    key.add(uint64_t{static_cast<uint8_t>(t.effect)} << 2 | uint64_t{t.any_key} << 1 |
            uint64_t{t.any_value});
  }
  key.add(uint64_t{pod.host_ports.size()});
  for (const HostPort& port : pod.host_ports) {
    key.add(port.ip, static_cast<uint32_t>(port.port));
    key.add(uint64_t{port.protocol});
  }
  key.add(uint64_t{pod.node_selector.size()});
  for (const auto& [label, value] : pod.node_selector) key.add(label, value);
  key.add(uint64_t{pod.has_required_terms} + 2 * uint64_t{pod.required_terms.size()});
  for (const NodeTerm& term : pod.required_terms) key.add(term);
  key.add(uint64_t{pod.preferred_terms.size()});
  for (const PreferredNodeTerm& preferred : pod.preferred_terms) {
    key.add(int64_t{preferred.weight});
    key.add(preferred.term);
  }
  key.add(uint64_t{pod.images.size()});
  for (const NameId image : pod.images) key.add(uint64_t{image});
  key.add(uint64_t{pod.node_name});
}

}  // namespace

std::size_t PodShapes::Hash::operator()(const std::string& words) const {
  uint64_t hash = words.size();
  for (std::size_t i = 0; i + sizeof(uint64_t) <= words.size(); i += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, words.data() + i, sizeof(word));
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 32;
  }
  return hash_u64(hash);
}

PodShape PodShapes::shape_of(const PodInfo& pod) {
  describe(pod, Key(key_));
  const auto known = shapes_.find(key_);
  if (known != shapes_.end()) return known->second;
  if (shapes_.size() >= kShapesMax) shapes_.clear();
  shapes_.emplace(key_, ++last_);
  return last_;
}

}  // namespace keelson::scheduler
