// Preemption: when no node has room, find one on which deleting pods of lower priority makes room,
// at the least cost: fewest violated disruption budgets, then the lowest highest victim, the
// smallest sum of priorities, the fewest victims, the victims that started last (GUARANTEES SC-4).
// Source: kube-scheduler's DefaultPreemption and framework/preemption.
#include <map>
#include <memory>
#include <optional>
#include <tuple>

#include "core/scheduler/framework/filter_run.hpp"
#include "core/scheduler/plugins/plugins.hpp"

namespace keelson::scheduler {
namespace {

constexpr std::string_view kNotHelpful = "Preemption is not helpful for scheduling";
constexpr std::string_view kNoVictims = "No preemption victims found for incoming pod";

using StartTime = std::pair<int64_t, int32_t>;

// A pod that has not started counts as starting now: later than all others.
StartTime start_of(const PodInfo& pod) {
  const auto& status = pod.pod().status();
  if (!status.has_start_time()) return {INT64_MAX, 0};
  return {status.start_time().seconds(), status.start_time().nanos()};
}

// Worth keeping more: higher priority, then running for longer; names make the order total.
bool more_important(const PodInfoPtr& a, const PodInfoPtr& b) {
  if (a->priority != b->priority) return a->priority > b->priority;
  const StartTime at = start_of(*a), bt = start_of(*b);
  if (at != bt) return at < bt;
  return std::tie(a->ns(), a->name()) < std::tie(b->ns(), b->name());
}

// What it costs to make room on a node; better is less. Sums are of priorities made positive, so that
// a node with one victim of a negative priority does not beat one with none... as kube-scheduler does.
struct Cost {
  int64_t violations = 0;
  int32_t highest = 0;
  int64_t sum = 0;
  std::size_t victims = 0;
  // The latest start of the earliest-started victim of the highest priority wins: negated.
  int64_t start_seconds = 0;
  int32_t start_nanos = 0;
  friend auto operator<=>(const Cost&, const Cost&) = default;
};

// REQUIRES: `victims` is not empty, and the most important stands first.
Cost cost_of(const std::vector<PodInfoPtr>& victims, int64_t violations) {
  Cost cost{violations, victims.front()->priority, 0, victims.size(), 0, 0};
  StartTime earliest{INT64_MAX, 0};
  for (const PodInfoPtr& victim : victims) {
    cost.sum += int64_t{victim->priority} + INT32_MAX + 1;
    if (victim->priority == cost.highest) earliest = std::min(earliest, start_of(*victim));
  }
  cost.start_seconds = -earliest.first;
  cost.start_nanos = -earliest.second;
  return cost;
}

// What came of trying one node.
struct Trial {
  enum class Kind : uint8_t { untried, hopeless, candidate } kind = Kind::untried;
  uint32_t cause = 0;  // hopeless: why, by number
  Cost cost;           // candidate
};

// What came of trying the nodes for pods of one shape, as long as it holds.
struct Trials {
  std::vector<Trial> by_node;
  Causes causes;
  uint64_t changes = 0, basis = 0;
  uint64_t used = 0;

  void sync(const Snapshot& snapshot, uint64_t now_basis) {
    const bool told = snapshot.changed_since(changes, [&](NodeIndex node) {
      if (node < by_node.size()) by_node[node].kind = Trial::Kind::untried;
    });
    if (!told || basis != now_basis || causes.size() > 1000) {
      by_node.clear();
      causes = {};
    }
    by_node.resize(snapshot.slots());
    changes = snapshot.change_count();
    basis = now_basis;
  }
};

// Trials of the shapes that preempted last.
struct PreemptionState final : CycleState::Data {
  static constexpr std::size_t kShapesMax = 8;
  std::vector<std::pair<PodShape, std::unique_ptr<Trials>>> shapes;
  uint64_t uses = 0;
  std::vector<NodeIndex> potential;
  Diagnosis scratch;

  Trials& recall(PodShape shape, const Snapshot& snapshot, uint64_t basis) {
    auto at = std::find_if(shapes.begin(), shapes.end(),
                           [&](const auto& entry) { return entry.first == shape; });
    if (at == shapes.end()) {
      if (shapes.size() == kShapesMax) {
        shapes.erase(std::min_element(shapes.begin(), shapes.end(), [](const auto& a, const auto& b) {
          return a.second->used < b.second->used;
        }));
      }
      shapes.emplace_back(shape, std::make_unique<Trials>());
      at = shapes.end() - 1;
    }
    at->second->used = ++uses;
    at->second->sync(snapshot, basis);
    return *at->second;
  }
};

// How many more pods each budget lets go, while one node's victims are chosen.
class BudgetLedger {
 public:
  explicit BudgetLedger(const WorkloadDirectory& workloads) : workloads_(workloads) {}

  // Takes the pod from its budgets. True: one of them has nothing left.
  bool take(const PodInfo& pod) {
    bool violated = false;
    if (pod.labels->labels.empty()) return false;
    const auto* budgets = workloads_.budgets(pod.ns());
    if (budgets == nullptr) return false;
    for (const auto& [name, budget] : *budgets) {
      // An empty selector selects nothing here, as it does for kube-scheduler's preemption.
      if (budget.selector.empty() || !budget.selector.matches(pod.labels->labels)) continue;
      const auto& status = budget.pdb().status();
      // Its eviction has been counted already.
      if (status.disrupted_pods().contains(pod.name())) continue;
      int64_t& left = left_.try_emplace(&budget, status.disruptions_allowed()).first->second;
      if (--left < 0) violated = true;
    }
    return violated;
  }

 private:
  const WorkloadDirectory& workloads_;
  std::map<const Budget*, int64_t> left_;  // looked up only
};

class DefaultPreemption final : public Plugin {
 public:
  explicit DefaultPreemption(const PluginArgs& args)
      : percentage_(args.default_preemption.min_candidate_nodes_percentage),
        absolute_(args.default_preemption.min_candidate_nodes_absolute) {}
  std::string_view name() const override { return "DefaultPreemption"; }
  Points points() const override { return only(Point::post_filter); }
  EventMask wakes_on() const override { return EventMask::none(); }

  PostFilterResult post_filter(FilterRun& run, const Diagnosis& diagnosis,
                               Rng& rng) const override {
    PostFilterResult result;
    if (const std::string why = not_eligible(run, diagnosis); !why.empty()) {
      result.message = "preemption: " + why;
      return result;
    }
    Diagnosis outcome;
    outcome.reset(run.snapshot().node_count(), run.snapshot().slots());
    auto& state = run.state().of<PreemptionState>(slot());
    find_potential(run.snapshot(), diagnosis, outcome, state.potential);
    // Without a pod of lower priority anywhere there is nothing to try out.
    if (run.snapshot().lowest_priority() >= run.pod().priority) {
      if (!state.potential.empty()) {
        outcome.count(outcome.reason(kNoVictims), static_cast<uint32_t>(state.potential.size()));
      }
      state.potential.clear();
    }
    result.node = find_best(run, state, outcome, rng);
    if (result.node == kNoNode) {
      result.message = "preemption: " + outcome.message();
      result.clear_nomination = true;
      return result;
    }
    result.found = true;
    result.violations =
        choose_victims(run, result.node, state.scratch, result.victims).value_or(0);
    return result;
  }

 private:
  static std::string not_eligible(const FilterRun& run, const Diagnosis& diagnosis) {
    const PodInfo& pod = run.pod();
    if (pod.preemption_policy == PreemptionPolicy::never) {
      return "not eligible due to preemptionPolicy=Never.";
    }
    // Victims of an earlier preemption for this pod are still leaving: do not take more.
    const NodeIndex nominated = run.snapshot().nominated_node(pod);
    if (nominated == kNoNode || diagnosis.unresolvable().test(nominated)) return {};
    for (const PodInfoPtr& other : run.snapshot().pods(nominated)) {
      if (other->deleting() && other->priority < pod.priority) {
        return "not eligible due to a terminating pod on the nominated node.";
      }
    }
    return {};
  }

  static void find_potential(const Snapshot& snapshot, const Diagnosis& diagnosis,
                             Diagnosis& outcome, std::vector<NodeIndex>& nodes) {
    nodes.clear();
    if (!diagnosis.pre_filter_rejected()) {
      NodeBitset potential = snapshot.valid();
      potential.subtract(diagnosis.unresolvable());
      potential.for_each([&](NodeIndex node) { nodes.push_back(node); });
    }
    const std::size_t hopeless = snapshot.node_count() - nodes.size();
    if (hopeless > 0) {
      outcome.count(outcome.reason(kNotHelpful), static_cast<uint32_t>(hopeless));
    }
  }

  // Tries the potential nodes from a random one on until there are enough candidates, and answers the
  // best: the first of equals, in the order of the search. kNoNode: there is none, and the outcome
  // says why.
  NodeIndex find_best(FilterRun& run, PreemptionState& state, Diagnosis& outcome, Rng& rng) const {
    const std::vector<NodeIndex>& potential = state.potential;
    if (potential.empty()) return kNoNode;
    const auto share = potential.size() * static_cast<std::size_t>(percentage_) / 100;
    const std::size_t enough = std::min(
        potential.size(), std::max<std::size_t>(share, static_cast<std::size_t>(absolute_)));
    Trials* known = nullptr;
    if (const auto basis = run.memo_basis()) {
      known = &state.recall(run.pod().shape, run.snapshot(),
                            *basis + run.snapshot().workloads.budgets_version());
    }
    Causes causes;
    std::vector<uint32_t> counts;  // of nodes, by number of cause
    const NodeIndex nominated = run.snapshot().nominated_node(run.pod());
    NodeIndex best_node = kNoNode;
    Cost best;
    std::size_t candidates = 0;
    bool without_violation = false;
    std::size_t at = rng.below(potential.size());
    for (std::size_t i = 0; i < potential.size(); ++i, ++at) {
      if (at == potential.size()) at = 0;
      const NodeIndex node = potential[at];
      // A pod that is nominated to the node does not count against itself.
      Trial fresh;
      const bool remembered = known != nullptr && node != nominated;
      Trial& trial = remembered ? known->by_node[node] : fresh;
      Causes& numbers = remembered ? known->causes : causes;
      if (trial.kind == Trial::Kind::untried) trial = try_out(run, node, state.scratch, numbers);
      if (trial.kind == Trial::Kind::hopeless) {
        if (!remembered) {
          outcome.add(causes.at(trial.cause), 1);
          continue;
        }
        if (trial.cause >= counts.size()) counts.resize(trial.cause + 1u, 0);
        ++counts[trial.cause];
        continue;
      }
      ++candidates;
      without_violation |= trial.cost.violations == 0;
      if (best_node == kNoNode || trial.cost < best) {
        best = trial.cost;
        best_node = node;
      }
      if (candidates >= enough && without_violation) break;
    }
    for (uint32_t cause = 0; cause < counts.size(); ++cause) {
      if (counts[cause] > 0) outcome.add(known->causes.at(cause), counts[cause]);
    }
    return best_node;
  }

  static Trial try_out(FilterRun& run, NodeIndex node, Diagnosis& scratch, Causes& causes) {
    scratch.reset(run.snapshot().node_count(), run.snapshot().slots());
    std::vector<PodInfoPtr> victims;
    const auto violations = choose_victims(run, node, scratch, victims);
    Trial trial;
    if (violations) {
      trial.kind = Trial::Kind::candidate;
      trial.cost = cost_of(victims, *violations);
    } else {
      trial.kind = Trial::Kind::hopeless;
      trial.cause = causes.number(scratch.cause(node));
    }
    return trial;
  }

  static bool fits(FilterRun& run, NodeIndex node, Diagnosis& outcome) {
    NodeBitset one(run.snapshot().slots());
    one.set(node);
    run.filter(one, outcome);
    return one.test(node);
  }

  // Takes all pods of lower priority away, then gives back as many as possible: those first whose
  // budget would be violated, and of each kind the most important first. Answers the number of budgets'
  // violations; nullopt: it does not help, and the outcome says why.
  static std::optional<int64_t> choose_victims(FilterRun& run, NodeIndex node, Diagnosis& outcome,
                                               std::vector<PodInfoPtr>& victims) {
    const std::size_t mark = run.mark();
    std::vector<PodInfoPtr> lower;
    for (const PodInfoPtr& other : run.snapshot().pods(node)) {
      if (other->priority < run.pod().priority) lower.push_back(other);
    }
    if (lower.empty()) {
      outcome.count(outcome.reason(kNoVictims));
      return std::nullopt;
    }
    for (const PodInfoPtr& other : lower) run.remove(node, other);
    if (!fits(run, node, outcome)) {  // says itself why not
      run.undo_to(mark);
      return std::nullopt;
    }
    std::sort(lower.begin(), lower.end(), more_important);
    BudgetLedger ledger(run.snapshot().workloads);
    std::vector<PodInfoPtr> violating, harmless;
    for (const PodInfoPtr& other : lower) {
      (ledger.take(*other) ? violating : harmless).push_back(other);
    }
    Diagnosis unused;
    unused.reset(1, run.snapshot().slots());
    const auto give_back = [&](const PodInfoPtr& other) {
      const std::size_t before = run.mark();
      run.add(node, other);
      if (fits(run, node, unused)) return true;
      run.undo_to(before);
      victims.push_back(other);
      return false;
    };
    int64_t violations = 0;
    for (const PodInfoPtr& other : violating) violations += !give_back(other);
    for (const PodInfoPtr& other : harmless) give_back(other);
    run.undo_to(mark);
    // The pod fitted with none of them, but the filters may be at odds with what they said before.
    if (victims.empty()) return std::nullopt;
    std::sort(victims.begin(), victims.end(), more_important);
    return violations;
  }

  int32_t percentage_, absolute_;
};

}  // namespace

std::unique_ptr<Plugin> make_default_preemption(const PluginArgs& args) {
  return std::make_unique<DefaultPreemption>(args);
}

}  // namespace keelson::scheduler
