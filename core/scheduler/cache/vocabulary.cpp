#include "core/scheduler/cache/vocabulary.hpp"

#include <algorithm>

namespace keelson::scheduler {

Vocabulary::Vocabulary() : resources_{"cpu", "memory", "ephemeral-storage", "pods"} {
  texts_.emplace_back();
  index_.emplace(std::string_view(texts_.back()), 0);
}

NameId Vocabulary::id(std::string_view text) {
  if (const auto it = index_.find(text); it != index_.end()) return it->second;
  texts_.emplace_back(text);
  const auto id = static_cast<NameId>(texts_.size() - 1);
  index_.emplace(std::string_view(texts_.back()), id);
  return id;
}

NameId Vocabulary::find(std::string_view text) const {
  const auto it = index_.find(text);
  return it == index_.end() ? 0 : it->second;
}

ResourceId Vocabulary::resource(std::string_view name) {
  // Clusters know a handful of resources: a scan is faster than hashing. But a pod may name ten
  // thousand.
  constexpr std::size_t scanned_max = 8;
  const std::size_t scanned = std::min(resources_.size(), scanned_max);
  for (ResourceId i = 0; i < scanned; ++i) {
    if (resources_[i] == name) return i;
  }
  const auto next = static_cast<ResourceId>(resources_.size());
  if (next >= scanned_max) {
    const auto [found, is_new] = further_resources_.try_emplace(id(name), next);
    if (!is_new) return found->second;
  }
  resources_.emplace_back(name);
  return next;
}

}  // namespace keelson::scheduler
