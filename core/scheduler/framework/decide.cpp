#include "core/scheduler/framework/decide.hpp"

#include <algorithm>
#include <bit>

#include "core/scheduler/framework/scoring.hpp"

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
  const NodeBitset* before = &snapshot.valid();
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
    if (cycle.candidates == *before) continue;
    cycle.diagnosis.attribute_to(plugin->slot());
    const auto why = cycle.diagnosis.reason("node(s) didn't satisfy plugin(s) [" +
                                            std::string(plugin->name()) + "]");
    const std::size_t excluded = before->count() - cycle.candidates.count();
    cycle.diagnosis.count(why, static_cast<uint32_t>(excluded));
    NodeBitset others = snapshot.valid();
    others.subtract(cycle.candidates);
    cycle.diagnosis.mark_unresolvable(others);
    cycle.narrowed = cycle.candidates;
    before = &cycle.narrowed;
  }
  return true;
}

// Narrows cycle.block to the nodes that accept the pod. Those of which the memory knows it are not
// asked again; with a memory nothing is put into the diagnosis.
void filter_block(FilterRun& run, Cycle& cycle, ShapeMemory* memory) {
  if (memory == nullptr) return run.filter(cycle.block, cycle.diagnosis);
  if (cycle.block.intersects(memory->unjudged)) {
    cycle.stale = cycle.block;
    cycle.stale.intersect(memory->unjudged);
    memory->unjudged.subtract(cycle.stale);
    memory->accepting.subtract(cycle.stale);
    run.filter(cycle.stale, cycle.scratch, memory->filters);
    memory->accepting.unite(cycle.stale);
  }
  cycle.block.intersect(memory->accepting);
  run.filter(cycle.block, cycle.scratch, ~memory->filters);
}

// Filters [begin, end) and appends the feasible nodes up to `enough`. Answers the position after
// the last node that was needed.
NodeIndex search_block(FilterRun& run, Cycle& cycle, NodeIndex begin, NodeIndex end,
                       std::size_t enough, ShapeMemory* memory, Decision& decision) {
  cycle.block.clear();
  cycle.block.set_range(begin, end);
  cycle.block.intersect(cycle.candidates);
  filter_block(run, cycle, memory);
  NodeIndex last = end;
  for (std::size_t w = cycle.block.first_word(); w < cycle.block.last_word(); ++w) {
    for (uint64_t bits = cycle.block.word(w); bits != 0; bits &= bits - 1) {
      const auto node =
          static_cast<NodeIndex>(w * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
      cycle.feasible.push_back(node);
      if (cycle.feasible.size() < enough) continue;
      last = node + 1;
      w = cycle.block.last_word();
      break;
    }
  }
  decision.evaluated += static_cast<uint32_t>(cycle.candidates.count(begin, last));
  return last;
}

void find_feasible(FilterRun& run, const Snapshot& snapshot, Cycle& cycle, ShapeMemory* memory,
                   Decision& decision) {
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
    at = search_block(run, cycle, at, end, enough, memory, decision);
    if (cycle.feasible.size() >= enough) break;
  }
  cycle.next_start = at < slots ? at : 0;
}

// Puts into the diagnosis why no node accepts the pod. False: the memory does not know it, because
// plugins have a say that it does not remember, or because it is not worth its while yet: to ask each
// node by itself is dear.
bool explain_all(FilterRun& run, const Snapshot& snapshot, Cycle& cycle, ShapeMemory& memory) {
  if ((run.filters() & ~memory.filters) != 0 || ++memory.questions < 2) return false;
  memory.causes_to_explain();
  cycle.candidates.for_each([&](NodeIndex node) {
    if (!memory.unexplained.test(node)) return;
    memory.unexplained.reset(node);
    cycle.scratch.reset(snapshot.node_count(), snapshot.slots());
    cycle.block.clear();
    cycle.block.set(node);
    run.filter(cycle.block, cycle.scratch);
    memory.why[node] = memory.causes.number(cycle.scratch.cause(node));
  });
  cycle.counts.assign(memory.causes.size(), 0);
  cycle.candidates.for_each([&](NodeIndex node) {
    ++cycle.counts[memory.why[node]];
    if (memory.causes.at(memory.why[node]).unresolvable) cycle.diagnosis.mark_unresolvable(node);
  });
  for (uint32_t i = 0; i < cycle.counts.size(); ++i) {
    if (cycle.counts[i] > 0) cycle.diagnosis.add(memory.causes.at(i), cycle.counts[i]);
  }
  return true;
}

// The pre-filters. False: the decision is made.
bool begin(const Profile& profile, const Snapshot& snapshot, const PodInfo& pod, Cycle& cycle,
           Decision& decision) {
  cycle.state.begin_cycle();
  cycle.candidates = snapshot.valid();
  return pre_filter(profile, snapshot, pod, cycle, decision);
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

void try_nominated(FilterRun& run, const Snapshot& snapshot, NodeIndex node, Cycle& cycle,
                   Decision& decision) {
  if (cycle.block.slots() != snapshot.slots()) cycle.block.resize(snapshot.slots());
  cycle.scratch.reset(snapshot.node_count(), snapshot.slots());
  cycle.block.clear();
  cycle.block.set(node);
  run.filter(cycle.block, cycle.scratch);
  ++decision.evaluated;
  if (cycle.block.test(node)) cycle.feasible.push_back(node);
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
      decision.violations = result.violations;
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
  cycle.diagnosis.reset(snapshot.node_count(), snapshot.slots());
  cycle.scratch.reset(snapshot.node_count(), snapshot.slots());
  cycle.feasible.clear();
  if (snapshot.node_count() == 0) {
    // Any node may help: everyone is to blame.
    for (const auto& plugin : profile.plugins()) cycle.diagnosis.blame(plugin->slot());
    decision.diagnosis = cycle.diagnosis;
    return decision;
  }
  FilterRun run(profile, snapshot, pod, cycle.state, cycle.remember);
  ShapeMemory* memory = nullptr;
  if (begin(profile, snapshot, pod, cycle, decision)) {
    if (advice != nullptr) heed(*advice, profile, snapshot, cycle);
    // The node that preemption made room on comes first: its victims left for this pod.
    const NodeIndex nominated = snapshot.nominated_node(pod);
    if (nominated != kNoNode && cycle.candidates.test(nominated)) {
      try_nominated(run, snapshot, nominated, cycle, decision);
    } else if (cycle.remember) {
      memory = cycle.memories.recall(profile, snapshot, pod.shape);
    }
    if (cycle.feasible.empty()) find_feasible(run, snapshot, cycle, memory, decision);
    if (cycle.feasible.empty() && memory != nullptr &&
        !explain_all(run, snapshot, cycle, *memory)) {
      // Asks every node again, for its reasons.
      decision.evaluated = 0;
      find_feasible(run, snapshot, cycle, nullptr, decision);
      KEELSON_ASSERT_WHY(cycle.feasible.empty(), "a memory differs from what plugins say");
    }
  }
  if (decision.kind == Decision::Kind::error) return decision;
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
  } else if (score_nodes(profile, snapshot, pod, cycle, memory, decision)) {
    if (advice != nullptr) add_scores(*advice, snapshot, cycle);
    select_best(rng, cycle, decision);
  } else {
    return decision;
  }
  choose_devices(profile, snapshot, pod, cycle, decision);
  return decision;
}

Decision decide(const Profile& profile, Snapshot& snapshot, const PodInfo& pod, Rng& rng) {
  Cycle cycle;
  cycle.percentage_of_nodes_to_score = 100;
  cycle.remember = false;
  return decide(profile, snapshot, pod, rng, cycle);
}

}  // namespace keelson::scheduler
