// Pods near other pods, or away from them, where "near" means an equal value of a node label.
// Required terms filter, also those of pods that are on nodes already; preferred ones score. All of
// it is read from the topology index, which follows the pods; pods that are being deleted count
// until they are gone. Source: kube-scheduler's InterPodAffinity (v1.32).
#include <algorithm>
#include <array>

#include "core/scheduler/plugins/plugins.hpp"

namespace keelson::scheduler {
namespace {

using Kind = TermHolders::Kind;

constexpr std::string_view kAffinity = "node(s) didn't match pod affinity rules";
constexpr std::string_view kAntiAffinity = "node(s) didn't match pod anti-affinity rules";
constexpr std::string_view kExisting = "node(s) didn't satisfy existing pods anti-affinity rules";

struct AffinityState final : CycleState::Data {
  std::vector<const TopologyCount*> required, anti;
  bool matches_itself = false;
  std::vector<const TermHolders*> existing;

  // Numbers by domain that are added up to a node's score.
  struct Source {
    const Topology* topology;
    const int32_t* pods;  // or
    const int64_t* sums;
    int64_t weight;
  };
  std::vector<Source> sources;
  std::vector<int64_t> raw;

  // No pod anywhere matches the required terms; one that matches them itself may be the first.
  bool may_be_first() const {
    return matches_itself && std::all_of(required.begin(), required.end(),
                                         [](const TopologyCount* c) { return c->total == 0; });
  }
};

enum class Fit : uint8_t { yes, no_affinity, anti_affinity, existing };

Fit fits(const AffinityState& mine, bool first, NodeIndex node) {
  bool near = true;
  for (const TopologyCount* count : mine.required) {
    const Domain domain = count->topology->at(node);
    if (domain == kNoDomain) return Fit::no_affinity;
    near &= count->pods[domain] > 0;
  }
  if (!near && !first) return Fit::no_affinity;
  for (const TopologyCount* count : mine.anti) {
    if (count->at(node) > 0) return Fit::anti_affinity;
  }
  for (const TermHolders* holders : mine.existing) {
    if (holders->at(node) > 0) return Fit::existing;
  }
  return Fit::yes;
}

class InterPodAffinity final : public Plugin {
 public:
  explicit InterPodAffinity(const InterPodAffinityArgs& args)
      : required_weight_(args.hard_pod_affinity_weight),
        ignore_existing_(args.ignore_preferred_terms_of_existing_pods) {}
  std::string_view name() const override { return "InterPodAffinity"; }
  Points points() const override {
    return Point::pre_filter | Point::filter | Point::pre_score | Point::score;
  }
  EventMask wakes_on() const override {
    return events::pod_added | events::pod_removed | events::pod_labels | events::node_added |
           events::node_labels | events::namespace_labels;
  }
  // The node suits now; or one of the terms is met in the node's domain, which has other nodes too.
  bool helps(const PodInfo& pod, const Snapshot& snapshot, NodeIndex node) const override {
    AffinityState state;
    prepare(state, pod, snapshot);
    find_existing(state, pod, snapshot);
    if (fits(state, state.may_be_first(), node) == Fit::yes) return true;
    const auto wide = [&](const Topology& topology) {
      return topology.at(node) != kNoDomain && topology.domains < snapshot.node_count();
    };
    return std::any_of(
               state.required.begin(), state.required.end(),
               [&](const auto* c) { return wide(*c->topology) && c->at(node) > 0; }) ||
           std::any_of(
               state.anti.begin(), state.anti.end(),
               [&](const auto* c) { return wide(*c->topology) && c->at(node) == 0; }) ||
           std::any_of(
               state.existing.begin(), state.existing.end(),
               [&](const auto* h) { return wide(*h->topology) && h->at(node) == 0; });
  }

  Verdict pre_filter(CycleState& state, const PodInfo& pod, const Snapshot& snapshot,
                     NodeBitset&) const override {
    auto& mine = state.of<AffinityState>(slot());
    prepare(mine, pod, snapshot);
    if (!mine.required.empty() || !mine.anti.empty()) return Verdict::success();
    find_existing(mine, pod, snapshot);
    if (!mine.existing.empty()) return Verdict::success();
    // A pod that is only nominated to its node counts in what-if runs.
    for (const auto& [node, pods] : snapshot.nominated()) {
      for (const PodInfoPtr& nominee : pods) {
        if (nominee->affinity && !nominee->affinity->required_anti.empty()) {
          return Verdict::success();
        }
      }
    }
    return Verdict::skip();
  }

  // What-if changes are in the counts already; the terms of pods that came may be new.
  void filter(CycleState& state, const PodInfo& pod, const Snapshot& snapshot, NodeBitset& feasible,
              Diagnosis& diagnosis) const override {
    auto& mine = state.of<AffinityState>(slot());
    find_existing(mine, pod, snapshot);
    const bool first = mine.may_be_first();
    std::array<uint32_t, 4> turned_down{};
    feasible.keep_if([&](NodeIndex node) {
      const Fit fit = fits(mine, first, node);
      if (fit == Fit::yes) return true;
      ++turned_down[static_cast<std::size_t>(fit)];
      if (fit == Fit::no_affinity) diagnosis.mark_unresolvable(node);
      return false;
    });
    const auto count = [&](Fit fit, std::string_view why) {
      const uint32_t nodes = turned_down[static_cast<std::size_t>(fit)];
      if (nodes > 0) diagnosis.count(diagnosis.reason(why), nodes);
    };
    count(Fit::no_affinity, kAffinity);
    count(Fit::anti_affinity, kAntiAffinity);
    count(Fit::existing, kExisting);
  }

  Verdict pre_score(CycleState& state, const PodInfo& pod, const Snapshot& snapshot,
                    std::span<const NodeIndex>) const override {
    auto& mine = state.of<AffinityState>(slot());
    mine.sources.clear();
    const bool prefers = pod.affinity && !pod.affinity->preferred.empty();
    if (prefers) {
      for (const AffinityTerm& term : pod.affinity->preferred) {
        const TopologyCount& count =
            snapshot.topology().count(term.pods, term.topology_key, nullptr, true);
        if (count.total == 0) continue;
        mine.sources.push_back({count.topology, count.pods.data(), nullptr, term.weight});
      }
    }
    if (prefers || !ignore_existing_) {
      const auto take = [&](Kind kind, int64_t weight) {
        snapshot.topology().for_holders(*pod.labels, kind, [&](const TermHolders& holders) {
          mine.sources.push_back({holders.topology, nullptr, holders.sums.data(), weight});
        });
      };
      take(Kind::preferred, 1);
      if (required_weight_ > 0) take(Kind::required, required_weight_);
    }
    return mine.sources.empty() ? Verdict::skip() : Verdict::success();
  }

  void score(CycleState& state, const PodInfo&, const Snapshot&, std::span<const NodeIndex> nodes,
             std::span<int32_t> scores) const override {
    auto& mine = state.of<AffinityState>(slot());
    mine.raw.assign(nodes.size(), 0);
    for (const AffinityState::Source& source : mine.sources) {
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        const Domain domain = source.topology->at(nodes[i]);
        if (domain == kNoDomain) continue;
        mine.raw[i] +=
            source.weight * (source.pods != nullptr ? source.pods[domain] : source.sums[domain]);
      }
    }
    const auto [low, high] = std::minmax_element(mine.raw.begin(), mine.raw.end());
    const int64_t least = *low, most = *high;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      // A division and a product of doubles, in this order, as there: IEEE 754 leaves no choice of
      // results, and integers would sometimes give one more.
      scores[i] = most == least
                      ? 0
                      : static_cast<int32_t>(100.0 * (static_cast<double>(mine.raw[i] - least) /
                                                      static_cast<double>(most - least)));
    }
  }

 private:
  static void prepare(AffinityState& mine, const PodInfo& pod, const Snapshot& snapshot) {
    mine.required.clear();
    mine.anti.clear();
    mine.matches_itself = false;
    if (!pod.affinity) return;
    TopologyIndex& index = snapshot.topology();
    const PodAffinity& affinity = *pod.affinity;
    for (const AffinityTerm& term : affinity.required) {
      mine.required.push_back(
          &index.count(affinity.all_required, term.topology_key, nullptr, true));
    }
    for (const AffinityTerm& term : affinity.required_anti) {
      mine.anti.push_back(&index.count(term.pods, term.topology_key, nullptr, true));
    }
    mine.matches_itself =
        affinity.all_required && pod.labels->in(affinity.all_required.get());
  }

  static void find_existing(AffinityState& mine, const PodInfo& pod, const Snapshot& snapshot) {
    mine.existing.clear();
    snapshot.topology().for_holders(*pod.labels, Kind::required_anti, [&](const TermHolders& h) {
      mine.existing.push_back(&h);
    });
  }

  int64_t required_weight_;
  bool ignore_existing_;
};

}  // namespace

std::unique_ptr<Plugin> make_inter_pod_affinity(const PluginArgs& args) {
  return std::make_unique<InterPodAffinity>(args.inter_pod_affinity);
}

}  // namespace keelson::scheduler
