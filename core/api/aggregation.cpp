#include "core/api/aggregation.hpp"

#include <algorithm>

#include "core/api/canonical.hpp"
#include "core/api/selector.hpp"

namespace keelson::api {
namespace {

class Collector {
 public:
  explicit Collector(std::span<const ClusterRole* const> all) : all_(all) {}

  void collect(const ClusterRole& role) {
    if (std::find(seen_.begin(), seen_.end(), &role) != seen_.end()) return;
    seen_.push_back(&role);
    if (!role.has_aggregation_rule()) {
      for (const auto& rule : role.rules()) add(rule);
      return;
    }
    for (const LabelSelector& selector : role.aggregation_rule().cluster_role_selectors()) {
      const keelson::Result<LabelSelectorMatcher> matcher = LabelSelectorMatcher::from(selector);
      if (!matcher.ok()) continue;  // refused when it was written
      for (const ClusterRole* other : all_) {
        if (matcher->matches(other->metadata().labels())) collect(*other);
      }
    }
  }

  PolicyRules rules;

 private:
  void add(const rbac::v1::PolicyRule& rule) {
    std::string bytes = canonical_bytes(rule);
    if (std::find(known_.begin(), known_.end(), bytes) != known_.end()) return;
    known_.push_back(std::move(bytes));
    *rules.Add() = rule;
  }

  std::span<const ClusterRole* const> all_;
  std::vector<const ClusterRole*> seen_;
  std::vector<std::string> known_;
};

}  // namespace

PolicyRules effective_rules(const ClusterRole& role, std::span<const ClusterRole* const> all) {
  if (!role.has_aggregation_rule()) return role.rules();
  Collector collector(all);
  collector.collect(role);
  return std::move(collector.rules);
}

}  // namespace keelson::api
