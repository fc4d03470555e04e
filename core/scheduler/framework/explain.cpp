#include "core/scheduler/framework/explain.hpp"

#include <algorithm>
#include <array>
#include <bit>

namespace keelson::scheduler {
namespace {

// In the order of the bits in events.hpp.
constexpr std::array<const char*, EventMask::kCount> kWords{
    "a node is added",
    "a node's allocatable resources change",
    "a node's labels change",
    "a node's taints or readiness change",
    "a node is cordoned or uncordoned",
    "a node has other images",
    "a pod is placed",
    "a pod leaves its node",
    "a pod's labels change",
    "a service's or replica set's selector changes",
    "a disruption budget changes",
    "a node is removed",
    "a namespace's labels change",
    "a pod joins its group",
};
static_assert(kWords.back() != nullptr);

class Explainer {
 public:
  Explainer(const Profile& profile, Snapshot& snapshot, const PodInfo& pod)
      : profile_(profile), snapshot_(snapshot), pod_(pod), of_slot_(snapshot.slots()) {}

  Explanation run() {
    Rng rng(0);
    out_.decision = decide(profile_, snapshot_, pod_, rng);
    if (out_.decision.node != kNoNode) out_.chosen = snapshot_.name_text(out_.decision.node);
    before_any_node();
    pre_filters();
    filters();
    scores();
    conclude();
    return std::move(out_);
  }

 private:
  void before_any_node() {
    for (const Plugin* plugin : profile_.at(Point::pre_enqueue)) {
      const Verdict verdict = plugin->pre_enqueue(pod_);
      if (verdict.ok()) continue;
      forbidden_everywhere({std::string(plugin->name()), verdict.reason, false});
      out_.message = verdict.reason;
    }
  }

  // The pod as a whole is turned down, so each node is.
  void forbidden_everywhere(const Rejection& rejection) {
    out_.pod.push_back(rejection);
    snapshot_.valid().for_each(
        [&](NodeIndex node) { of_slot_[node].rejections.push_back(rejection); });
  }

  void pre_filters() {
    state_.begin_cycle();
    for (Plugin* plugin : profile_.at(Point::pre_filter)) {
      NodeBitset candidates = snapshot_.valid();
      const Verdict verdict = plugin->pre_filter(state_, pod_, snapshot_, candidates);
      const std::string name(plugin->name());
      if (verdict.code == VerdictCode::skip) state_.skip_filter(plugin->slot());
      if (!verdict.ok()) {
        forbidden_everywhere({name, verdict.reason, verdict.code == VerdictCode::unschedulable});
        state_.skip_filter(plugin->slot());
        continue;
      }
      snapshot_.valid().for_each([&](NodeIndex node) {
        if (candidates.test(node)) return;
        of_slot_[node].rejections.push_back(
            {name, "node(s) didn't satisfy plugin(s) [" + name + "]", false});
      });
    }
  }

  // Every filter on every node alone, so that no "no" hides another.
  void filters() {
    NodeBitset one;
    one.resize(snapshot_.slots());
    Diagnosis diagnosis;
    for (Plugin* plugin : profile_.at(Point::filter)) {
      if (state_.filter_skipped(plugin->slot())) continue;
      snapshot_.valid().for_each([&](NodeIndex node) {
        diagnosis.reset(1, snapshot_.slots());
        diagnosis.attribute_to(plugin->slot());
        one.clear();
        one.set(node);
        plugin->filter(state_, pod_, snapshot_, one, diagnosis);
        if (one.test(node)) return;
        const bool preemptible = !diagnosis.unresolvable().test(node);
        for (const std::string& reason : diagnosis.reasons()) {
          of_slot_[node].rejections.push_back({std::string(plugin->name()), reason, preemptible});
        }
      });
    }
    // What fits alone, but not beside the pods for which preemption has made room there.
    NodeBitset together = snapshot_.valid();
    diagnosis.reset(snapshot_.node_count(), snapshot_.slots());
    FilterRun(profile_, snapshot_, pod_, state_).filter(together, diagnosis);
    snapshot_.valid().for_each([&](NodeIndex node) {
      if (together.test(node) || !of_slot_[node].feasible()) return;
      of_slot_[node].rejections.push_back(
          {"", "no room beside the pods that are nominated to the node", false});
    });
  }

  void scores() {
    if (!out_.pod.empty()) return;
    std::vector<NodeIndex> nodes;
    snapshot_.valid().for_each([&](NodeIndex node) {
      if (of_slot_[node].feasible()) nodes.push_back(node);
    });
    if (nodes.empty()) return;
    for (Plugin* plugin : profile_.at(Point::pre_score)) {
      const Verdict verdict = plugin->pre_score(state_, pod_, snapshot_, nodes);
      if (verdict.code == VerdictCode::skip) state_.skip_score(plugin->slot());
    }
    std::vector<int32_t> scores(nodes.size());
    for (const Profile::Scorer& scorer : profile_.scorers()) {
      Plugin& plugin = *scorer.plugin;
      if (state_.score_skipped(plugin.slot())) continue;
      plugin.score(state_, pod_, snapshot_, nodes, scores);
      if ((plugin.points() & only(Point::normalize)) != 0) {
        plugin.normalize(state_, pod_, snapshot_, nodes, scores);
      }
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        NodeExplanation& of = of_slot_[nodes[i]];
        of.scores.push_back({std::string(plugin.name()), scores[i], scorer.weight});
        of.total += int64_t{scorer.weight} * scores[i];
      }
    }
  }

  void conclude() {
    snapshot_.valid().for_each([&](NodeIndex node) {
      of_slot_[node].node = snapshot_.name_text(node);
      out_.nodes.push_back(std::move(of_slot_[node]));
    });
    std::sort(out_.nodes.begin(), out_.nodes.end(), [](const auto& a, const auto& b) {
      if (a.feasible() != b.feasible()) return a.feasible();
      return a.total != b.total ? a.total > b.total : a.node < b.node;
    });
    if (!out_.message.empty()) {  // it is not even queued
      out_.decision = {};
      out_.chosen.clear();
      return;
    }
    if (out_.decision.kind == Decision::Kind::node) return;
    out_.message = out_.decision.kind == Decision::Kind::error ? out_.decision.error
                                                               : out_.decision.diagnosis.message();
    for (uint64_t bits = out_.decision.diagnosis.rejectors(); bits != 0; bits &= bits - 1) {
      const auto slot = static_cast<std::size_t>(std::countr_zero(bits));
      if (slot >= profile_.plugins().size()) continue;
      const Plugin& plugin = profile_.plugin(static_cast<PluginSlot>(slot));
      out_.hopes.push_back({std::string(plugin.name()), in_words(plugin.wakes_on())});
    }
  }

  const Profile& profile_;
  Snapshot& snapshot_;
  const PodInfo& pod_;
  CycleState state_;
  std::vector<NodeExplanation> of_slot_;
  Explanation out_;
};

}  // namespace

std::vector<std::string> in_words(EventMask events) {
  std::vector<std::string> words;
  for (int bit = 0; bit < EventMask::kCount; ++bit) {
    if (events.intersects(EventMask::bit(bit))) {
      words.emplace_back(kWords[static_cast<std::size_t>(bit)]);
    }
  }
  return words;
}

Explanation explain(const Profile& profile, Snapshot& snapshot, const PodInfo& pod) {
  return Explainer(profile, snapshot, pod).run();
}

}  // namespace keelson::scheduler
