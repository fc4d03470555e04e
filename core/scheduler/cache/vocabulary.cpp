#include "core/scheduler/cache/vocabulary.hpp"

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
  // Clusters know a handful of resources: a scan is faster than hashing.
  for (ResourceId i = 0; i < resources_.size(); ++i) {
    if (resources_[i] == name) return i;
  }
  resources_.emplace_back(name);
  return static_cast<ResourceId>(resources_.size() - 1);
}

}  // namespace keelson::scheduler
