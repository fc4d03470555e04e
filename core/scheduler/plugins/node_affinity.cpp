// spec.nodeSelector and spec.affinity.nodeAffinity: required terms filter, preferred terms score.
// Labels are compared in columns, one per label key, which the snapshot keeps.
#include <charconv>

#include "core/scheduler/plugins/plugins.hpp"
#include "core/scheduler/plugins/scores.hpp"

namespace keelson::scheduler {
namespace {

bool matches(const NodeRequirement& r, const Snapshot& snapshot, NodeIndex node) {
  using Op = NodeRequirement::Op;
  const NameId value = r.on_name ? snapshot.name(node) : snapshot.label_column(r.key)[node];
  const auto listed = [&] { return std::binary_search(r.values.begin(), r.values.end(), value); };
  switch (r.op) {
    case Op::in: return value != 0 && listed();
    case Op::not_in: return value == 0 || !listed();
    case Op::exists: return value != 0;
    case Op::not_exists: return value == 0;
    case Op::greater:
    case Op::less: {
      if (value == 0) return false;
      const std::string& text = snapshot.words().text(value);
      int64_t number = 0;
      const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
      if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return false;
      return r.op == Op::greater ? number > r.number : number < r.number;
    }
    case Op::never: return false;
  }
  return false;
}

bool matches(const NodeTerm& term, const Snapshot& snapshot, NodeIndex node) {
  return std::all_of(term.requirements.begin(), term.requirements.end(),
                     [&](const NodeRequirement& r) { return matches(r, snapshot, node); });
}

bool matches(const PodInfo& pod, const Snapshot& snapshot, NodeIndex node) {
  for (const auto& [key, value] : pod.node_selector) {
    if (snapshot.label_column(key)[node] != value) return false;
  }
  if (!pod.has_required_terms) return true;
  return std::any_of(pod.required_terms.begin(), pod.required_terms.end(),
                     [&](const NodeTerm& term) { return matches(term, snapshot, node); });
}

class NodeAffinity final : public Plugin {
 public:
  std::string_view name() const override { return "NodeAffinity"; }
  Points points() const override {
    return Point::pre_filter | Point::filter | Point::pre_score | Point::score | Point::normalize;
  }
  EventMask wakes_on() const override { return events::node_added | events::node_labels; }
  bool helps(const PodInfo& pod, const Snapshot& snapshot, NodeIndex node) const override {
    return matches(pod, snapshot, node);
  }
  Verdict pre_filter(CycleState&, const PodInfo& pod, const Snapshot& snapshot,
                     NodeBitset& candidates) const override {
    const bool nothing_asked = pod.node_selector.empty() && !pod.has_required_terms;
    if (nothing_asked) return Verdict::skip();
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
    const auto why = diagnosis.reason("node(s) didn't match Pod's node affinity/selector");
    feasible.keep_if([&](NodeIndex node) {
      if (matches(pod, snapshot, node)) return true;
      diagnosis.count(why);
      diagnosis.mark_unresolvable(node);
      return false;
    });
  }
  Verdict pre_score(CycleState&, const PodInfo& pod, const Snapshot&,
                    std::span<const NodeIndex>) const override {
    return pod.preferred_terms.empty() ? Verdict::skip() : Verdict::success();
  }
  void score(CycleState&, const PodInfo& pod, const Snapshot& snapshot,
             std::span<const NodeIndex> nodes, std::span<int32_t> scores) const override {
    std::fill(scores.begin(), scores.end(), 0);
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
};

}  // namespace

std::unique_ptr<Plugin> make_node_affinity(const PluginArgs&) {
  return std::make_unique<NodeAffinity>();
}

}  // namespace keelson::scheduler
