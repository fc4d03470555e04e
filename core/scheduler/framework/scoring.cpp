#include "core/scheduler/framework/scoring.hpp"

#include <algorithm>

namespace keelson::scheduler {
namespace {

bool normalises(const Profile::Scorer& scorer) {
  return (scorer.plugin->points() & only(Point::normalize)) != 0;
}

bool in_range(std::span<const int32_t> scores) {
  return std::all_of(scores.begin(), scores.end(),
                     [](int32_t s) { return s >= 0 && s <= kMaxNodeScore; });
}

bool prepare(const Profile& profile, const Snapshot& snapshot, const PodInfo& pod, Cycle& cycle,
             Decision& decision) {
  for (Plugin* plugin : profile.at(Point::pre_score)) {
    const Verdict verdict = plugin->pre_score(cycle.state, pod, snapshot, cycle.feasible);
    if (verdict.code == VerdictCode::skip) cycle.state.skip_score(plugin->slot());
    if (verdict.code == VerdictCode::error) {
      decision.kind = Decision::Kind::error;
      decision.error = std::string(plugin->name()) + ": " + verdict.reason;
      return false;
    }
  }
  return true;
}

// The scorers that are asked and can be remembered: bit per position in the profile.
uint64_t memorable(const Profile& profile, const Snapshot& snapshot, const CycleState& state) {
  uint64_t bits = 0;
  for (std::size_t i = 0; i < profile.scorers().size(); ++i) {
    const Plugin& plugin = *profile.scorers()[i].plugin;
    if (state.score_skipped(plugin.slot()) || !plugin.memo_basis(snapshot)) continue;
    bits |= uint64_t{1} << i;
  }
  return bits;
}

// Brings the feasible rows of the memory up to date.
void refresh(const Profile& profile, const Snapshot& snapshot, const PodInfo& pod, Cycle& cycle,
             ShapeMemory& memory) {
  memory.score_by(memorable(profile, snapshot, cycle.state), profile);
  auto& rows = cycle.rows;
  rows.clear();
  for (const NodeIndex node : cycle.feasible) {
    if (!memory.unscored.test(node)) continue;
    rows.push_back(node);
    memory.unscored.reset(node);
    memory.totals[node] = 0;
  }
  if (rows.empty()) return;
  cycle.scores.resize(rows.size());
  for (std::size_t s = 0; s < profile.scorers().size(); ++s) {
    if ((memory.scorers >> s & 1) == 0) continue;
    const Profile::Scorer& scorer = profile.scorers()[s];
    scorer.plugin->score(cycle.state, pod, snapshot, rows, cycle.scores);
    if (normalises(scorer)) {
      for (std::size_t i = 0; i < rows.size(); ++i) memory.raw[s][rows[i]] = cycle.scores[i];
    } else {
      KEELSON_ASSERT(in_range(cycle.scores));
      for (std::size_t i = 0; i < rows.size(); ++i) {
        memory.totals[rows[i]] += int64_t{scorer.weight} * cycle.scores[i];
      }
    }
  }
}

void select_by_rank(const Cycle& cycle, Decision& decision) {
  uint32_t best_rank = UINT32_MAX;
  decision.score = -1;
  for (std::size_t i = 0; i < cycle.feasible.size(); ++i) {
    if (cycle.totals[i] < decision.score) continue;
    const NodeIndex node = cycle.feasible[i];
    const uint32_t rank = node < cycle.rank.size() ? cycle.rank[node] : UINT32_MAX;
    if (cycle.totals[i] == decision.score && rank >= best_rank) continue;
    decision.score = cycle.totals[i];
    decision.node = node;
    best_rank = rank;
  }
}

}  // namespace

bool score_nodes(const Profile& profile, const Snapshot& snapshot, const PodInfo& pod, Cycle& cycle,
                 ShapeMemory* memory, Decision& decision) {
  if (!prepare(profile, snapshot, pod, cycle, decision)) return false;
  const std::span<const NodeIndex> nodes(cycle.feasible);
  cycle.totals.assign(nodes.size(), 0);
  uint64_t known = 0;
  if (memory != nullptr) {
    refresh(profile, snapshot, pod, cycle, *memory);
    known = memory->scorers;
    for (std::size_t i = 0; i < nodes.size(); ++i) cycle.totals[i] = memory->totals[nodes[i]];
  }
  cycle.scores.resize(nodes.size());
  for (std::size_t s = 0; s < profile.scorers().size(); ++s) {
    const Profile::Scorer& scorer = profile.scorers()[s];
    if (cycle.state.score_skipped(scorer.plugin->slot())) continue;
    if ((known >> s & 1) != 0) {
      if (!normalises(scorer)) continue;  // it is in the totals
      for (std::size_t i = 0; i < nodes.size(); ++i) cycle.scores[i] = memory->raw[s][nodes[i]];
    } else {
      scorer.plugin->score(cycle.state, pod, snapshot, nodes, cycle.scores);
    }
    if (normalises(scorer)) {
      scorer.plugin->normalize(cycle.state, pod, snapshot, nodes, cycle.scores);
    }
    KEELSON_ASSERT(in_range(cycle.scores));
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      cycle.totals[i] += int64_t{scorer.weight} * cycle.scores[i];
    }
  }
  return true;
}

void select_best(Rng& rng, const Cycle& cycle, Decision& decision) {
  if (!cycle.rank.empty()) return select_by_rank(cycle, decision);
  int64_t best = -1;
  for (const int64_t total : cycle.totals) best = std::max(best, total);
  uint64_t equals = 0;
  for (const int64_t total : cycle.totals) equals += total == best;
  uint64_t chosen = equals > 1 ? rng.below(equals) : 0;
  std::size_t at = 0;
  while (cycle.totals[at] != best || chosen-- > 0) ++at;
  decision.node = cycle.feasible[at];
  decision.score = best;
}

}  // namespace keelson::scheduler
