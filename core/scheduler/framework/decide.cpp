#include "core/scheduler/framework/decide.hpp"

#include <algorithm>

namespace keelson::scheduler {
namespace {

// Nodes are filtered in blocks of this many, so that a search which stops early does not pay for
// the whole table. A multiple of 64: whole words of the bitsets.
constexpr std::size_t kBlock = 512;

// Source: minFeasibleNodesToFind and minFeasibleNodesPercentageToFind of kube-scheduler.
constexpr std::size_t kMinFeasible = 100;
constexpr std::size_t kMinPercentage = 5;

// Runs the pre-filters. False: the decision is made (rejected, or error).
bool pre_filter(const Profile& profile, const Snapshot& snapshot, const PodInfo& pod, Cycle& cycle,
                Decision& decision) {
  std::size_t before = snapshot.node_count();
  for (Plugin* plugin : profile.at(Point::pre_filter)) {
    const Verdict verdict = plugin->pre_filter(cycle.state, pod, snapshot, cycle.candidates);
    switch (verdict.code) {
      case VerdictCode::success: break;
      case VerdictCode::skip: cycle.state.skip_filter(plugin->slot()); break;
      case VerdictCode::unschedulable:
      case VerdictCode::unresolvable:
        cycle.diagnosis.pre_filter_failed(plugin->slot(), verdict.reason);
        if (verdict.code == VerdictCode::unresolvable) {
          cycle.diagnosis.mark_unresolvable(snapshot.valid());
        }
        return false;
      case VerdictCode::error:
        decision.kind = Decision::Kind::error;
        decision.error = std::string(plugin->name()) + ": " + verdict.reason;
        return false;
    }
    const std::size_t after = cycle.candidates.count();
    if (after < before) {
      cycle.diagnosis.attribute_to(plugin->slot());
      const auto why = cycle.diagnosis.reason("node(s) didn't satisfy plugin(s) [" +
                                              std::string(plugin->name()) + "]");
      cycle.diagnosis.count(why, static_cast<uint32_t>(before - after));
      NodeBitset excluded = snapshot.valid();
      excluded.subtract(cycle.candidates);
      cycle.diagnosis.mark_unresolvable(excluded);
      before = after;
    }
  }
  return true;
}

// Filters [begin, end) and appends the feasible nodes up to `enough`. Answers the position after
// the last node that was needed.
NodeIndex search_block(FilterRun& run, Cycle& cycle, NodeIndex begin, NodeIndex end,
                       std::size_t enough, Decision& decision) {
  cycle.block.clear();
  cycle.block.set_range(begin, end);
  cycle.block.intersect(cycle.candidates);
  decision.evaluated += static_cast<uint32_t>(cycle.block.count());
  run.filter(cycle.block, cycle.diagnosis);
  NodeIndex last = end;
  cycle.block.for_each([&](NodeIndex node) {
    if (cycle.feasible.size() >= enough) return;
    cycle.feasible.push_back(node);
    if (cycle.feasible.size() == enough) last = node + 1;
  });
  return last;
}

void find_feasible(FilterRun& run, const Snapshot& snapshot, Cycle& cycle, Decision& decision) {
  const auto slots = static_cast<NodeIndex>(snapshot.slots());
  const std::size_t enough =
      feasible_nodes_to_find(snapshot.node_count(), cycle.percentage_of_nodes_to_score);
  cycle.feasible.clear();
  if (cycle.block.slots() != slots) cycle.block.resize(slots);
  const NodeIndex start = cycle.next_start < slots ? cycle.next_start : 0;
  NodeIndex at = start;
  bool wrapped = false;
  while (true) {
    const NodeIndex limit = wrapped ? start : slots;
    if (at >= limit) {
      if (wrapped || start == 0) break;
      wrapped = true;
      at = 0;
      continue;
    }
    const auto end =
        static_cast<NodeIndex>(std::min<std::size_t>(limit, (at / kBlock + 1) * kBlock));
    at = search_block(run, cycle, at, end, enough, decision);
    if (cycle.feasible.size() >= enough) break;
  }
  cycle.next_start = at < slots ? at : 0;
}

// The sum of weighted scores per feasible node, in cycle.totals.
bool score(const Profile& profile, const Snapshot& snapshot, const PodInfo& pod, Cycle& cycle,
           Decision& decision) {
  const std::span<const NodeIndex> nodes(cycle.feasible);
  for (Plugin* plugin : profile.at(Point::pre_score)) {
    const Verdict verdict = plugin->pre_score(cycle.state, pod, snapshot, nodes);
    if (verdict.code == VerdictCode::skip) cycle.state.skip_score(plugin->slot());
    if (verdict.code == VerdictCode::error) {
      decision.kind = Decision::Kind::error;
      decision.error = std::string(plugin->name()) + ": " + verdict.reason;
      return false;
    }
  }
  cycle.totals.assign(nodes.size(), 0);
  cycle.scores.resize(nodes.size());
  for (const Profile::Scorer& scorer : profile.scorers()) {
    if (cycle.state.score_skipped(scorer.plugin->slot())) continue;
    scorer.plugin->score(cycle.state, pod, snapshot, nodes, cycle.scores);
    if ((scorer.plugin->points() & only(Point::normalize)) != 0) {
      scorer.plugin->normalize(cycle.state, pod, snapshot, nodes, cycle.scores);
    }
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      KEELSON_ASSERT(cycle.scores[i] >= 0 && cycle.scores[i] <= kMaxNodeScore);
      cycle.totals[i] += int64_t{scorer.weight} * cycle.scores[i];
    }
  }
  return true;
}

// The best node and among equals that of the lowest rank.
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

// The best node, ties broken uniformly (reservoir sampling).
void select(Rng& rng, const Cycle& cycle, Decision& decision) {
  if (!cycle.rank.empty()) return select_by_rank(cycle, decision);
  uint64_t ties = 0;
  int64_t best = -1;
  for (std::size_t i = 0; i < cycle.feasible.size(); ++i) {
    if (cycle.totals[i] > best) {
      best = cycle.totals[i];
      ties = 1;
      decision.node = cycle.feasible[i];
    } else if (cycle.totals[i] == best && rng.below(++ties) == 0) {
      decision.node = cycle.feasible[i];
    }
  }
  decision.score = best;
}

// What was refused is no candidate; once something was accepted, nothing else is.
void heed(const Advice& advice, const Profile& profile, const Snapshot& snapshot, Cycle& cycle) {
  NodeBitset accepted(snapshot.slots());
  for (const auto& [name, opinion] : advice.nodes) {
    const NodeIndex node = snapshot.find(name);
    if (node == kNoNode || !cycle.candidates.test(node)) continue;
    if (opinion.accepted) {
      accepted.set(node);
      continue;
    }
    cycle.candidates.reset(node);
    cycle.diagnosis.count(cycle.diagnosis.reason(opinion.why));
    if (opinion.unresolvable) cycle.diagnosis.mark_unresolvable(node);
  }
  if (advice.any_accepted()) cycle.candidates.intersect(accepted);
  // Nobody knows what would change the adviser's mind: any event may.
  if (!advice.any_refused()) return;
  for (const auto& plugin : profile.plugins()) cycle.diagnosis.blame(plugin->slot());
}

void add_scores(const Advice& advice, const Snapshot& snapshot, Cycle& cycle) {
  for (std::size_t i = 0; i < cycle.feasible.size(); ++i) {
    const auto it = advice.nodes.find(snapshot.name(cycle.feasible[i]));
    if (it != advice.nodes.end()) cycle.totals[i] += it->second.score;
  }
}

void choose_devices(const Profile& profile, const Snapshot& snapshot, const PodInfo& pod,
                    Cycle& cycle, Decision& decision) {
  if (!pod.gpus.any()) return;
  for (Plugin* plugin : profile.at(Point::choose)) {
    const auto devices = plugin->choose(cycle.state, pod, snapshot, decision.node);
    if (!devices) continue;
    decision.devices = *devices;
    return;
  }
}

void post_filter(const Profile& profile, FilterRun& run, Rng& rng, Cycle& cycle,
                 Decision& decision) {
  std::string messages;
  for (Plugin* plugin : profile.at(Point::post_filter)) {
    PostFilterResult result = plugin->post_filter(run, cycle.diagnosis, rng);
    run.undo_to(0);
    if (result.found) {
      decision.kind = Decision::Kind::preempt;
      decision.node = result.node;
      decision.victims = std::move(result.victims);
      return;
    }
    decision.clear_nomination |= result.clear_nomination;
    if (!messages.empty() && !result.message.empty()) messages += ", ";
    messages += result.message;
  }
  cycle.diagnosis.set_post_filter(std::move(messages));
}

}  // namespace

std::size_t feasible_nodes_to_find(std::size_t nodes, int32_t percentage) {
  if (nodes < kMinFeasible || percentage >= 100) return std::max<std::size_t>(nodes, 1);
  std::size_t share = static_cast<std::size_t>(std::max(percentage, 0));
  if (share == 0) {
    share = nodes / 125 < 50 ? std::max(kMinPercentage, 50 - nodes / 125) : kMinPercentage;
  }
  return std::max(kMinFeasible, nodes * share / 100);
}

Decision decide(const Profile& profile, Snapshot& snapshot, const PodInfo& pod, Rng& rng,
                Cycle& cycle, const Advice* advice) {
  Decision decision;
  cycle.state.begin_cycle();
  cycle.diagnosis.reset(snapshot.node_count(), snapshot.slots());
  if (snapshot.node_count() == 0) {
    // Any node may help: everyone is to blame.
    for (const auto& plugin : profile.plugins()) cycle.diagnosis.blame(plugin->slot());
    decision.diagnosis = cycle.diagnosis;
    return decision;
  }
  cycle.candidates = snapshot.valid();
  FilterRun run(profile, snapshot, pod, cycle.state);
  cycle.feasible.clear();
  const bool go_on = pre_filter(profile, snapshot, pod, cycle, decision);
  if (decision.kind == Decision::Kind::error) return decision;
  if (go_on) {
    if (advice != nullptr) heed(*advice, profile, snapshot, cycle);
    // The node that preemption made room on comes first: its victims left for this pod.
    const NodeIndex nominated = snapshot.nominated_node(pod);
    if (nominated != kNoNode && cycle.candidates.test(nominated)) {
      if (cycle.block.slots() != snapshot.slots()) cycle.block.resize(snapshot.slots());
      Diagnosis unused;
      unused.reset(snapshot.node_count(), snapshot.slots());
      cycle.block.clear();
      cycle.block.set(nominated);
      run.filter(cycle.block, unused);
      ++decision.evaluated;
      if (cycle.block.test(nominated)) cycle.feasible.push_back(nominated);
    }
    if (cycle.feasible.empty()) find_feasible(run, snapshot, cycle, decision);
  }
  decision.feasible = static_cast<uint32_t>(cycle.feasible.size());
  decision.advice_outdated =
      cycle.feasible.empty() && advice != nullptr && advice->any_accepted();
  if (decision.advice_outdated) return decision;
  if (cycle.feasible.empty()) {
    post_filter(profile, run, rng, cycle, decision);
    decision.diagnosis = cycle.diagnosis;
    return decision;
  }
  decision.kind = Decision::Kind::node;
  if (cycle.feasible.size() == 1) {
    decision.node = cycle.feasible.front();
  } else if (score(profile, snapshot, pod, cycle, decision)) {
    if (advice != nullptr) add_scores(*advice, snapshot, cycle);
    select(rng, cycle, decision);
  } else {
    return decision;
  }
  choose_devices(profile, snapshot, pod, cycle, decision);
  return decision;
}

Decision decide(const Profile& profile, Snapshot& snapshot, const PodInfo& pod, Rng& rng) {
  Cycle cycle;
  cycle.percentage_of_nodes_to_score = 100;
  return decide(profile, snapshot, pod, rng, cycle);
}

}  // namespace keelson::scheduler
