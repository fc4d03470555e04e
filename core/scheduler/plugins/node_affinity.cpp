// spec.nodeSelector and spec.affinity.nodeAffinity, and the affinity that the profile adds: required
// terms filter, preferred terms score.
// Labels are compared in columns, one per label key, which the snapshot keeps.
#include "core/scheduler/cache/node_match.hpp"
#include "core/scheduler/plugins/added_affinity.hpp"
#include "core/scheduler/plugins/plugins.hpp"
#include "core/scheduler/plugins/scores.hpp"

namespace keelson::scheduler {
namespace {

class NodeAffinity final : public Plugin {
 public:
  explicit NodeAffinity(NodeAffinityArgs args) : added_(std::move(args.added_affinity)) {}
  std::string_view name() const override { return "NodeAffinity"; }
  Points points() const override {
    return Point::pre_filter | Point::filter | Point::pre_score | Point::score | Point::normalize;
  }
  std::optional<uint64_t> memo_basis(const Snapshot&) const override { return 0; }
  EventMask wakes_on() const override { return events::node_added | events::node_labels; }
  bool helps(const PodInfo& pod, const Snapshot& snapshot, NodeIndex node) const override {
    return added_.matches(snapshot, node) && matches_node_affinity(pod, snapshot, node);
  }
  Verdict pre_filter(CycleState&, const PodInfo& pod, const Snapshot& snapshot,
                     NodeBitset& candidates) const override {
    if (!asks_for_nodes(pod) && !added_.filters()) return Verdict::skip();
    if (pod.required_terms.empty() ||
        !std::all_of(pod.required_terms.begin(), pod.required_terms.end(), names_nodes)) {
      return Verdict::success();
    }
    // Every term names its nodes, as those of a daemon's pods do: only these come into question.
    NodeBitset named(snapshot.slots());
    bool any = false;
    for (const NodeTerm& term : pod.required_terms) any |= add_named(term, snapshot, named);
    if (!any) return Verdict::unresolvable("pod affinity terms conflict");
    candidates.intersect(named);
    return Verdict::success();
  }
  void filter(CycleState&, const PodInfo& pod, const Snapshot& snapshot, NodeBitset& feasible,
              Diagnosis& diagnosis) const override {
    if (added_.filters()) {
      const auto enforced =
          diagnosis.reason("node(s) didn't match scheduler-enforced node affinity");
      feasible.keep_if([&](NodeIndex node) {
        if (added_.matches(snapshot, node)) return true;
        diagnosis.count(enforced);
        diagnosis.mark_unresolvable(node);
        return false;
      });
    }
    const auto why = diagnosis.reason("node(s) didn't match Pod's node affinity/selector");
    feasible.keep_if([&](NodeIndex node) {
      if (matches_node_affinity(pod, snapshot, node)) return true;
      diagnosis.count(why);
      diagnosis.mark_unresolvable(node);
      return false;
    });
  }
  Verdict pre_score(CycleState&, const PodInfo& pod, const Snapshot&,
                    std::span<const NodeIndex>) const override {
    return pod.preferred_terms.empty() && !added_.scores() ? Verdict::skip() : Verdict::success();
  }
  void score(CycleState&, const PodInfo& pod, const Snapshot& snapshot,
             std::span<const NodeIndex> nodes, std::span<int32_t> scores) const override {
    for (std::size_t i = 0; i < nodes.size(); ++i) scores[i] = added_.score(snapshot, nodes[i]);
    for (const PreferredNodeTerm& preferred : pod.preferred_terms) {
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        if (matches(preferred.term, snapshot, nodes[i])) scores[i] += preferred.weight;
      }
    }
  }
  void normalize(CycleState&, const PodInfo&, const Snapshot&, std::span<const NodeIndex>,
                 std::span<int32_t> scores) const override {
    normalize_to_max(scores, false);
  }

 private:
  static bool by_name(const NodeRequirement& r) {
    return r.on_name && r.op == NodeRequirement::Op::in;
  }
  static bool names_nodes(const NodeTerm& term) {
    return std::any_of(term.requirements.begin(), term.requirements.end(), by_name);
  }
  // Adds the nodes that all of the term's lists of names have in common, as far as they exist.
  // False: the lists have none in common.
  static bool add_named(const NodeTerm& term, const Snapshot& snapshot, NodeBitset& named) {
    const auto first = std::find_if(term.requirements.begin(), term.requirements.end(), by_name);
    bool any = false;
    for (const NameId name : first->values) {
      const bool in_all = std::all_of(first, term.requirements.end(), [&](const auto& r) {
        return !by_name(r) || std::binary_search(r.values.begin(), r.values.end(), name);
      });
      if (!in_all) continue;
      any = true;
      const NodeIndex node = snapshot.find(name);
      if (node != kNoNode && snapshot.valid().test(node)) named.set(node);
    }
    return any;
  }

  AddedAffinity added_;
};

}  // namespace

std::unique_ptr<Plugin> make_node_affinity(const PluginArgs& args) {
  return std::make_unique<NodeAffinity>(args.node_affinity);
}

}  // namespace keelson::scheduler
