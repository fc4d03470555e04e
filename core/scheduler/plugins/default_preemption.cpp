// Preemption: when no node has room, find one on which deleting pods of lower priority makes room,
// at the least cost: fewest violated disruption budgets, then the lowest highest victim, the
// smallest sum of priorities, the fewest victims, the victims that started last (GUARANTEES SC-4).
// Source: kube-scheduler's DefaultPreemption and framework/preemption.
#include <map>
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

struct Candidate {
  NodeIndex node = kNoNode;
  std::vector<PodInfoPtr> victims;  // the most important first
  int64_t violations = 0;

  // Better candidates compare less. Sums are of priorities made positive, so that a node with one
  // victim of a negative priority does not beat one with none... as kube-scheduler does.
  auto cost() const {
    int64_t sum = 0;
    StartTime earliest{INT64_MAX, 0};
    const int32_t highest = victims.front()->priority;
    for (const PodInfoPtr& victim : victims) {
      sum += int64_t{victim->priority} + INT32_MAX + 1;
      if (victim->priority == highest) earliest = std::min(earliest, start_of(*victim));
    }
    // The latest start of the earliest-started victim of the highest priority wins: negated.
    return std::tuple(violations, highest, sum, victims.size(), -earliest.first, -earliest.second);
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
    std::vector<NodeIndex> potential = potential_nodes(run.snapshot(), diagnosis, outcome);
    // Without a pod of lower priority anywhere there is nothing to try out.
    if (run.snapshot().lowest_priority() >= run.pod().priority) {
      if (!potential.empty()) {
        outcome.count(outcome.reason(kNoVictims), static_cast<uint32_t>(potential.size()));
      }
      potential.clear();
    }
    std::vector<Candidate> candidates = try_out(run, potential, outcome, rng);
    if (candidates.empty()) {
      result.message = "preemption: " + outcome.message();
      result.clear_nomination = true;
      return result;
    }
    // The first of equals, in the order of the search.
    auto best = std::min_element(
        candidates.begin(), candidates.end(),
        [](const Candidate& a, const Candidate& b) { return a.cost() < b.cost(); });
    result.found = true;
    result.node = best->node;
    result.victims = std::move(best->victims);
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

  static std::vector<NodeIndex> potential_nodes(const Snapshot& snapshot,
                                                const Diagnosis& diagnosis, Diagnosis& outcome) {
    std::vector<NodeIndex> nodes;
    uint32_t hopeless = 0;
    const auto why = outcome.reason(kNotHelpful);
    snapshot.valid().for_each([&](NodeIndex node) {
      if (diagnosis.pre_filter_rejected() || diagnosis.unresolvable().test(node)) {
        ++hopeless;
      } else {
        nodes.push_back(node);
      }
    });
    if (hopeless > 0) outcome.count(why, hopeless);
    return nodes;
  }

  // Tries the nodes from a random one on until there are enough candidates.
  std::vector<Candidate> try_out(FilterRun& run, const std::vector<NodeIndex>& potential,
                                 Diagnosis& outcome, Rng& rng) const {
    std::vector<Candidate> found;
    if (potential.empty()) return found;
    const auto share = potential.size() * static_cast<std::size_t>(percentage_) / 100;
    const std::size_t enough = std::min(
        potential.size(), std::max<std::size_t>(share, static_cast<std::size_t>(absolute_)));
    const std::size_t offset = rng.below(potential.size());
    bool without_violation = false;
    for (std::size_t i = 0; i < potential.size(); ++i) {
      const NodeIndex node = potential[(offset + i) % potential.size()];
      Candidate candidate;
      candidate.node = node;
      if (!choose_victims(run, candidate, outcome)) continue;
      without_violation |= candidate.violations == 0;
      found.push_back(std::move(candidate));
      if (found.size() >= enough && without_violation) break;
    }
    return found;
  }

  static bool fits(FilterRun& run, NodeIndex node, Diagnosis& outcome) {
    NodeBitset one(run.snapshot().slots());
    one.set(node);
    run.filter(one, outcome);
    return one.test(node);
  }

  // Takes all pods of lower priority away, then gives back as many as possible: those first whose
  // budget would be violated, and of each kind the most important first.
  static bool choose_victims(FilterRun& run, Candidate& candidate, Diagnosis& outcome) {
    const NodeIndex node = candidate.node;
    const std::size_t mark = run.mark();
    std::vector<PodInfoPtr> lower;
    for (const PodInfoPtr& other : run.snapshot().pods(node)) {
      if (other->priority < run.pod().priority) lower.push_back(other);
    }
    if (lower.empty()) {
      outcome.count(outcome.reason(kNoVictims));
      return false;
    }
    for (const PodInfoPtr& other : lower) run.remove(node, other);
    if (!fits(run, node, outcome)) {  // says itself why not
      run.undo_to(mark);
      return false;
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
      candidate.victims.push_back(other);
      return false;
    };
    for (const PodInfoPtr& other : violating) candidate.violations += !give_back(other);
    for (const PodInfoPtr& other : harmless) give_back(other);
    run.undo_to(mark);
    // The pod fitted with none of them, but the filters may be at odds with what they said before.
    if (candidate.victims.empty()) return false;
    std::sort(candidate.victims.begin(), candidate.victims.end(), more_important);
    return true;
  }

  int32_t percentage_, absolute_;
};

}  // namespace

std::unique_ptr<Plugin> make_default_preemption(const PluginArgs& args) {
  return std::make_unique<DefaultPreemption>(args);
}

}  // namespace keelson::scheduler
