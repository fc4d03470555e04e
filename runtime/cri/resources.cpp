#include "runtime/cri/resources.hpp"

#include <algorithm>

#include "core/agent/status.hpp"
#include "core/api/quantity.hpp"

namespace keelson::cri {

namespace {

constexpr int64_t kPeriodUs = 100'000;
constexpr int64_t kQuotaMinUs = 1000;  // the kernel takes no less
constexpr int64_t kSharesMin = 2, kSharesMax = 262'144;
constexpr int32_t kSystemCritical = 2'000'000'000;

using Amounts = google::protobuf::Map<std::string, api::Quantity>;

const api::Quantity* find(const Amounts& amounts, const char* name) {
  const auto at = amounts.find(name);
  return at == amounts.end() ? nullptr : &at->second;
}

int64_t shares_of(int64_t milli) {
  if (milli <= 0) return kSharesMin;
  // Far above what any machine has; keeps the product in range.
  return std::clamp(std::min<int64_t>(milli, 1'000'000'000) * 1024 / 1000, kSharesMin, kSharesMax);
}

// Whom the kernel kills first when memory is short: 1000 first, -1000 never.
int64_t oom_score_of(const api::Pod& pod, const api::Container& container, int64_t capacity) {
  if (pod.spec().priority() >= kSystemCritical) return -997;
  const std::string_view qos = agent::qos_class(pod.spec());
  if (qos == "Guaranteed") return -997;
  if (qos == "BestEffort" || capacity <= 0) return 1000;
  const api::Quantity* memory = find(container.resources().requests(), "memory");
  const auto part =
      static_cast<double>(memory ? api::value_of(*memory) : 0) / static_cast<double>(capacity);
  const auto score = 1000 - static_cast<int64_t>(std::clamp(part, 0.0, 1.0) * 1000);
  // Below 3 are the guaranteed ones; 1000 is left to those that ask for nothing.
  return std::clamp<int64_t>(score, 3, 999);
}

}  // namespace

wire::LinuxContainerResources resources_of(const api::Pod& pod, const api::Container& container,
                                           int64_t memory_capacity) {
  wire::LinuxContainerResources out;
  const api::Quantity* request = find(container.resources().requests(), "cpu");
  const api::Quantity* limit = find(container.resources().limits(), "cpu");
  const api::Quantity* share = request ? request : limit;
  out.set_cpu_shares(shares_of(share ? api::milli_value_of(*share) : 0));
  if (limit && api::milli_value_of(*limit) > 0) {
    const int64_t milli = std::min<int64_t>(api::milli_value_of(*limit), 1'000'000'000);
    out.set_cpu_period(kPeriodUs);
    out.set_cpu_quota(std::max(kQuotaMinUs, milli * kPeriodUs / 1000));
  }
  if (const api::Quantity* memory = find(container.resources().limits(), "memory")) {
    out.set_memory_limit_in_bytes(std::max<int64_t>(0, api::value_of(*memory)));
  }
  out.set_oom_score_adj(oom_score_of(pod, container, memory_capacity));
  return out;
}

}  // namespace keelson::cri
