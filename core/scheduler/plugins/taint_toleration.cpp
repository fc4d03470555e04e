// A node's NoSchedule and NoExecute taints keep out pods that do not tolerate them;
// PreferNoSchedule taints cost score. Nodes that are tainted alike share a taint set, so
// tolerations are compared once per set and pod, not once per node.
#include "core/scheduler/plugins/plugins.hpp"
#include "core/scheduler/plugins/scores.hpp"

namespace keelson::scheduler {
namespace {

const Taint* first_untolerated(const PodInfo& pod, const TaintSet& set) {
  for (const Taint& taint : set.taints) {
    if (taint.effect != Effect::no_schedule && taint.effect != Effect::no_execute) continue;
    if (!tolerated(pod.tolerations, taint)) return &taint;
  }
  return nullptr;
}

// What the pod's tolerations make of each taint set, worked out when the set is met first.
struct TaintState final : CycleState::Data {
  enum : uint8_t { unknown, tolerable, intolerable };
  std::vector<uint8_t> verdicts;                // by TaintSetId
  std::vector<Diagnosis::ReasonIndex> reasons;  // intolerable: why
  std::vector<int32_t> preferred_against;       // by TaintSetId; -1: unknown
};

class TaintToleration final : public Plugin {
 public:
  std::string_view name() const override { return "TaintToleration"; }
  Points points() const override {
    return Point::pre_filter | Point::filter | Point::pre_score | Point::score | Point::normalize;
  }
  std::optional<uint64_t> memo_basis(const Snapshot&) const override { return 0; }
  EventMask wakes_on() const override { return events::node_added | events::node_taints; }
  bool helps(const PodInfo& pod, const Snapshot& snapshot, NodeIndex node) const override {
    return first_untolerated(pod, snapshot.taints(snapshot.taint_set(node))) == nullptr;
  }
  Verdict pre_filter(CycleState& state, const PodInfo&, const Snapshot& snapshot,
                     NodeBitset&) const override {
    auto& mine = state.of<TaintState>(slot());
    mine.verdicts.assign(snapshot.taint_set_count(), TaintState::unknown);
    mine.reasons.resize(snapshot.taint_set_count());
    return Verdict::success();
  }
  void filter(CycleState& state, const PodInfo& pod, const Snapshot& snapshot, NodeBitset& feasible,
              Diagnosis& diagnosis) const override {
    if (!feasible.intersects(snapshot.tainted())) return;
    auto& mine = state.of<TaintState>(slot());
    // Reasons belong to one diagnosis; what-if runs bring others.
    std::fill(mine.verdicts.begin(), mine.verdicts.end(), TaintState::unknown);
    feasible.keep_if(
        [&](NodeIndex node) {
          const TaintSetId id = snapshot.taint_set(node);
          if (mine.verdicts[id] == TaintState::unknown) judge(mine, id, pod, snapshot, diagnosis);
          if (mine.verdicts[id] == TaintState::tolerable) return true;
          diagnosis.count(mine.reasons[id]);
          diagnosis.mark_unresolvable(node);
          return false;
        },
        &snapshot.tainted());
  }
  Verdict pre_score(CycleState& state, const PodInfo&, const Snapshot& snapshot,
                    std::span<const NodeIndex>) const override {
    // Nobody prefers anything: the same score for all.
    if (snapshot.nodes_preferring_no_schedule() == 0) return Verdict::skip();
    state.of<TaintState>(slot()).preferred_against.assign(snapshot.taint_set_count(), -1);
    return Verdict::success();
  }
  void score(CycleState& state, const PodInfo& pod, const Snapshot& snapshot,
             std::span<const NodeIndex> nodes, std::span<int32_t> scores) const override {
    auto& against = state.of<TaintState>(slot()).preferred_against;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const TaintSetId id = snapshot.taint_set(nodes[i]);
      if (against[id] < 0) {
        against[id] = 0;
        for (const Taint& taint : snapshot.taints(id).taints) {
          if (taint.effect != Effect::prefer_no_schedule) continue;
          against[id] += !tolerated(pod.tolerations, taint);
        }
      }
      scores[i] = against[id];
    }
  }
  void normalize(CycleState&, const PodInfo&, const Snapshot&, std::span<const NodeIndex>,
                 std::span<int32_t> scores) const override {
    normalize_to_max(scores, true);
  }

 private:
  static void judge(TaintState& mine, TaintSetId id, const PodInfo& pod, const Snapshot& snapshot,
                    Diagnosis& diagnosis) {
    const Taint* taint = first_untolerated(pod, snapshot.taints(id));
    mine.verdicts[id] = taint == nullptr ? TaintState::tolerable : TaintState::intolerable;
    if (taint == nullptr) return;
    const Vocabulary& words = snapshot.words();
    mine.reasons[id] = diagnosis.reason("node(s) had untolerated taint {" + words.text(taint->key) +
                                        ": " + words.text(taint->value) + "}");
  }
};

}  // namespace

std::unique_ptr<Plugin> make_taint_toleration(const PluginArgs&) {
  return std::make_unique<TaintToleration>();
}

}  // namespace keelson::scheduler
