#include "core/scheduler/framework/shape_memory.hpp"

#include <algorithm>

namespace keelson::scheduler {
namespace {

// Rows of all memories together, some 10 bytes each; but in any case this many memories.
constexpr std::size_t kRowsMax = 4'000'000;
constexpr std::size_t kMemoriesMin = 16;
constexpr std::size_t kEntriesMax = 4096;
constexpr std::size_t kCausesMax = 1000;

void set_all(NodeBitset& set, std::size_t slots) {
  set.resize(slots);
  set.set_range(0, static_cast<NodeIndex>(slots));
}

// The plugins at a point that can be remembered, and the sum of what else they depend on: each part
// only rises, so equal sums mean that none has changed.
struct Basis {
  uint64_t plugins = 0;
  uint64_t sum = 0;
};

Basis basis_of_filters(const Profile& profile, const Snapshot& snapshot) {
  Basis basis;
  for (const Plugin* plugin : profile.at(Point::filter)) {
    const auto own = plugin->memo_basis(snapshot);
    if (!own) continue;
    basis.plugins |= uint64_t{1} << plugin->slot();
    basis.sum += *own;
  }
  return basis;
}

uint64_t basis_of_scorers(const Profile& profile, const Snapshot& snapshot) {
  uint64_t sum = 0;
  for (const Profile::Scorer& scorer : profile.scorers()) {
    sum += scorer.plugin->memo_basis(snapshot).value_or(0);
  }
  return sum;
}

}  // namespace

void ShapeMemory::forget(const Snapshot& snapshot) {
  set_all(unjudged, snapshot.slots());
  set_all(unexplained, snapshot.slots());
  set_all(unscored, snapshot.slots());
}

void ShapeMemory::sync(const Profile& profile, const Snapshot& snapshot) {
  const std::size_t slots = snapshot.slots();
  if (accepting.slots() != slots) {  // the new rows are among the changes
    for (NodeBitset* set : {&accepting, &unjudged, &unexplained, &unscored}) set->resize(slots);
    why.resize(slots);
    totals.resize(slots);
    for (auto& scores : raw) {
      if (!scores.empty()) scores.resize(slots);
    }
  }
  const bool told = !fresh_ && snapshot.changed_since(changes_, [&](NodeIndex row) {
    unjudged.set(row);
    unexplained.set(row);
    unscored.set(row);
  });
  if (!told) forget(snapshot);
  fresh_ = false;
  changes_ = snapshot.change_count();

  const Basis of_filters = basis_of_filters(profile, snapshot);
  if (of_filters.plugins != filters || of_filters.sum != filter_basis_) {
    filters = of_filters.plugins;
    filter_basis_ = of_filters.sum;
    set_all(unjudged, slots);
    set_all(unexplained, slots);
  }
  const uint64_t of_scorers = basis_of_scorers(profile, snapshot);
  if (of_scorers != score_basis_) {
    score_basis_ = of_scorers;
    set_all(unscored, slots);
  }
}

void ShapeMemory::causes_to_explain() {
  if (causes.size() <= kCausesMax) return;
  causes = {};
  set_all(unexplained, why.size());
}

void ShapeMemory::score_by(uint64_t wanted, const Profile& profile) {
  if (wanted == scorers) return;
  scorers = wanted;
  set_all(unscored, totals.size());
  raw.resize(profile.scorers().size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const bool normalises = (profile.scorers()[i].plugin->points() & only(Point::normalize)) != 0;
    if ((wanted >> i & 1) != 0 && normalises) raw[i].resize(totals.size());
  }
}

ShapeMemory* ShapeMemories::recall(const Profile& profile, const Snapshot& snapshot,
                                   PodShape shape) {
  if (shape == 0) return nullptr;
  const auto [it, first_time] = entries_.try_emplace(shape);
  it->second.used = ++calls_;
  if (first_time) {
    if (entries_.size() > kEntriesMax) forget_some();
    return nullptr;
  }
  if (!it->second.memory) {
    it->second.memory = std::make_unique<ShapeMemory>();
    if (++memories_ > std::max(kMemoriesMin, kRowsMax / std::max<std::size_t>(1, snapshot.slots()))) {
      forget_some();
      return recall(profile, snapshot, shape);  // still there: it was used last
    }
  }
  it->second.memory->sync(profile, snapshot);
  return it->second.memory.get();
}

// The half that was not used for longest. (Which are forgotten shows in no decision.)
void ShapeMemories::forget_some() {
  std::vector<uint64_t> uses;
  for (const auto& [shape, entry] : entries_) uses.push_back(entry.used);
  const auto middle = uses.begin() + static_cast<std::ptrdiff_t>(uses.size() / 2);
  std::nth_element(uses.begin(), middle, uses.end());
  boost::unordered::erase_if(entries_, [&](const auto& entry) { return entry.second.used < *middle; });
  memories_ = 0;
  for (const auto& [shape, entry] : entries_) memories_ += entry.memory != nullptr;
}

}  // namespace keelson::scheduler
