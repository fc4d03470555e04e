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
  Verdict pre_filter(CycleState&, const PodInfo& pod, const Snapshot&, NodeBitset&) const override {
    const bool nothing_asked = pod.node_selector.empty() && !pod.has_required_terms;
    return nothing_asked ? Verdict::skip() : Verdict::success();
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
};

}  // namespace

std::unique_ptr<Plugin> make_node_affinity(const PluginArgs&) {
  return std::make_unique<NodeAffinity>();
}

}  // namespace keelson::scheduler
