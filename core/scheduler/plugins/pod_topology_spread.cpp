// Pods spread over the values of a node label. Hard constraints filter: a domain must not have more
// than maxSkew pods above the domain with the fewest. Soft ones score. Pods without constraints get
// the defaults, about the pods that their services and their workload select.
// Source: kube-scheduler's PodTopologySpread (v1.32; KEP-895, KEP-3022, KEP-3094, KEP-3243).
#include <boost/container/small_vector.hpp>

#include "core/scheduler/plugins/fixed_log.hpp"
#include "core/scheduler/plugins/plugins.hpp"

namespace keelson::scheduler {
namespace {

constexpr std::string_view kHostname = "kubernetes.io/hostname";
constexpr std::string_view kSkewed = "node(s) didn't match pod topology spread constraints";
constexpr std::string_view kNoLabel =
    "node(s) didn't match pod topology spread constraints (missing required label)";

std::vector<api::TopologySpreadConstraint> system_defaults() {
  std::vector<api::TopologySpreadConstraint> list(2);
  list[0].set_topology_key(std::string(kHostname));
  list[0].set_max_skew(3);
  list[1].set_topology_key("topology.kubernetes.io/zone");
  list[1].set_max_skew(5);
  for (auto& constraint : list) constraint.set_when_unsatisfiable("ScheduleAnyway");
  return list;
}

struct SpreadState final : CycleState::Data {
  struct Hard {
    const TopologyCount* count = nullptr;
    int64_t max_skew = 0;
    uint32_t min_domains = 1;
    int64_t self = 0;  // 1: the pod counts itself

    // The most pods that a domain may have already.
    int64_t most() const {
      const int64_t lowest = count->domains < min_domains ? 0 : count->lowest();
      return max_skew + lowest - self;
    }
  };
  struct Soft {
    const TopologyCount* count = nullptr;
    const std::vector<NameId>* column = nullptr;  // nodes without the label are not judged by it
    int64_t max_skew = 0;
    int64_t weight = 0;  // kLogFraction fractional bits
  };
  std::vector<SpreadConstraint> constraints;
  std::vector<NameId> keys;
  std::vector<Hard> hard;
  std::vector<Soft> soft;
  bool require_all = false;     // nodes without all labels get no score
  std::vector<int64_t> raw;     // by position among the feasible nodes; -1: none
  std::vector<NameId> values;   // memory for counting distinct ones
};

class PodTopologySpread final : public Plugin {
 public:
  explicit PodTopologySpread(const PodTopologySpreadArgs& args)
      : system_(args.defaulting == PodTopologySpreadArgs::Defaulting::system),
        defaults_(system_ ? system_defaults() : args.default_constraints) {}
  std::string_view name() const override { return "PodTopologySpread"; }
  Points points() const override {
    return Point::pre_filter | Point::filter | Point::pre_score | Point::score;
  }
  EventMask wakes_on() const override {
    return events::pod_added | events::pod_removed | events::pod_labels | events::node_added |
           events::node_removed | events::node_labels | events::node_taints |
           events::workload_changed;
  }
  // The node's domain has room now, or it is among those with the fewest pods: then the fewest may
  // just have become more, which makes room elsewhere.
  bool helps(const PodInfo& pod, const Snapshot& snapshot, NodeIndex node) const override {
    SpreadState state;
    prepare_hard(state, pod, snapshot);
    bool room = true, lowest = false;
    for (const SpreadState::Hard& hard : state.hard) {
      const Domain domain = hard.count->topology->at(node);
      if (domain == kNoDomain) return false;
      room &= hard.count->pods[domain] <= hard.most();
      lowest |= hard.count->pods[domain] <= hard.count->lowest();
    }
    return room || lowest;
  }

  Verdict pre_filter(CycleState& state, const PodInfo& pod, const Snapshot& snapshot,
                     NodeBitset&) const override {
    auto& mine = state.of<SpreadState>(slot());
    prepare_hard(mine, pod, snapshot);
    return mine.hard.empty() ? Verdict::skip() : Verdict::success();
  }

  // What-if changes are in the counts already.
  void filter(CycleState& state, const PodInfo&, const Snapshot&, NodeBitset& feasible,
              Diagnosis& diagnosis) const override {
    struct Limit {
      const Domain* domain_of;
      const int32_t* pods;
      int64_t most;
    };
    boost::container::small_vector<Limit, 4> limits;
    for (const SpreadState::Hard& hard : state.of<SpreadState>(slot()).hard) {
      limits.push_back(
          {hard.count->topology->domain_of.data(), hard.count->pods.data(), hard.most()});
    }
    uint32_t skewed = 0, without_label = 0;
    feasible.keep_if([&](NodeIndex node) {
      for (const Limit& limit : limits) {
        const Domain domain = limit.domain_of[node];
        if (domain == kNoDomain) {
          ++without_label;
          diagnosis.mark_unresolvable(node);
          return false;
        }
        if (limit.pods[domain] > limit.most) {
          ++skewed;
          return false;
        }
      }
      return true;
    });
    if (skewed > 0) diagnosis.count(diagnosis.reason(kSkewed), skewed);
    if (without_label > 0) diagnosis.count(diagnosis.reason(kNoLabel), without_label);
  }

  Verdict pre_score(CycleState& state, const PodInfo& pod, const Snapshot& snapshot,
                    std::span<const NodeIndex> nodes) const override {
    auto& mine = state.of<SpreadState>(slot());
    mine.soft.clear();
    choose(mine, pod, snapshot, false);
    if (mine.constraints.empty()) return Verdict::skip();
    // Under the system's defaults, hosts without a zone are still spread over.
    mine.require_all = !pod.spread.empty() || !system_;
    if (!mine.require_all) mine.keys.clear();
    const NameId hostname = snapshot.words().find(kHostname);
    TopologyIndex& index = snapshot.topology();
    for (const SpreadConstraint& c : mine.constraints) {
      SpreadState::Soft soft;
      soft.column = &snapshot.label_column(c.topology_key);
      soft.max_skew = c.max_skew;
      // Hosts are counted one by one, whatever the policies say about nodes.
      soft.count = c.topology_key == hostname
                       ? &index.count(c.pods, kPerNode, nullptr, false)
                       : &index.count(c.pods, c.topology_key, scope(mine, c, pod, snapshot), false);
      mine.soft.push_back(soft);
    }
    weigh(mine, nodes, hostname);
    return Verdict::success();
  }

  void score(CycleState& state, const PodInfo&, const Snapshot&, std::span<const NodeIndex> nodes,
             std::span<int32_t> scores) const override {
    auto& mine = state.of<SpreadState>(slot());
    int64_t least = INT64_MAX, most = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (mine.raw[i] < 0) continue;
      mine.raw[i] = raw_score(mine, nodes[i]);
      least = std::min(least, mine.raw[i]);
      most = std::max(most, mine.raw[i]);
    }
    // The fewest neighbours get 100.
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const int64_t raw = mine.raw[i];
      scores[i] = raw < 0     ? 0
                  : most == 0 ? kMaxNodeScore
                              : static_cast<int32_t>(kMaxNodeScore * (most + least - raw) / most);
    }
  }

 private:
  // The pod's own constraints of this kind, or else the default ones; and their keys.
  void choose(SpreadState& mine, const PodInfo& pod, const Snapshot& snapshot, bool hard) const {
    mine.constraints.clear();
    mine.keys.clear();
    if (!pod.spread.empty()) {
      for (const SpreadConstraint& c : pod.spread) {
        if (c.hard == hard) mine.constraints.push_back(c);
      }
    } else {
      SelectorGroupPtr group;
      for (const auto& constraint : defaults_) {
        if ((constraint.when_unsatisfiable() != "ScheduleAnyway") != hard) continue;
        if (!group) group = snapshot.workloads.spread_group(pod);
        if (!group) return;
        // A label that no node has may have no number: 0, which no node has either.
        mine.constraints.push_back(
            read_constraint(snapshot.words().find(constraint.topology_key()), constraint));
        mine.constraints.back().pods = group;
      }
    }
    for (const SpreadConstraint& c : mine.constraints) mine.keys.push_back(c.topology_key);
  }

  static NodeScopePtr scope(const SpreadState& mine, const SpreadConstraint& c, const PodInfo& pod,
                            const Snapshot& snapshot) {
    return snapshot.topology().scope(mine.keys, c.honor_affinity ? &pod : nullptr,
                                     c.honor_taints ? &pod : nullptr);
  }

  void prepare_hard(SpreadState& mine, const PodInfo& pod, const Snapshot& snapshot) const {
    mine.hard.clear();
    choose(mine, pod, snapshot, true);
    for (const SpreadConstraint& c : mine.constraints) {
      SpreadState::Hard hard;
      hard.count = &snapshot.topology().count(c.pods, c.topology_key,
                                              scope(mine, c, pod, snapshot), false);
      hard.max_skew = c.max_skew;
      hard.min_domains = static_cast<uint32_t>(std::max(c.min_domains, 1));
      hard.self = pod.labels->in(c.pods.get()) ? 1 : 0;
      mine.hard.push_back(hard);
    }
  }

  // Marks the nodes that are not judged, and weighs each constraint by the number of its domains
  // among the others, so that counts in few large domains do not drown in those of many small ones.
  void weigh(SpreadState& mine, std::span<const NodeIndex> nodes, NameId hostname) const {
    mine.raw.assign(nodes.size(), 0);
    std::size_t judged = nodes.size();
    if (mine.require_all) {
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        const bool all = std::all_of(mine.soft.begin(), mine.soft.end(),
                                     [&](const auto& s) { return (*s.column)[nodes[i]] != 0; });
        if (all) continue;
        mine.raw[i] = -1;
        --judged;
      }
    }
    for (std::size_t s = 0; s < mine.soft.size(); ++s) {
      SpreadState::Soft& soft = mine.soft[s];
      const std::size_t domains = mine.constraints[s].topology_key == hostname
                                      ? judged
                                      : distinct(mine, *soft.column, nodes);
      soft.weight = fixed_ln(domains + 2);
    }
  }

  // Having no label counts as a value.
  static std::size_t distinct(SpreadState& mine, const std::vector<NameId>& column,
                              std::span<const NodeIndex> nodes) {
    mine.values.clear();
    NameId last = 0;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (mine.raw[i] < 0) continue;
      const NameId value = column[nodes[i]];
      if (!mine.values.empty() && value == last) continue;
      last = value;
      // Few values, as zones are: a scan finds them. Many: sorted in the end.
      constexpr std::size_t kFew = 16;
      if (mine.values.size() <= kFew &&
          std::find(mine.values.begin(), mine.values.end(), value) != mine.values.end()) {
        continue;
      }
      mine.values.push_back(value);
    }
    std::sort(mine.values.begin(), mine.values.end());
    return static_cast<std::size_t>(std::unique(mine.values.begin(), mine.values.end()) -
                                    mine.values.begin());
  }

  static int64_t raw_score(const SpreadState& mine, NodeIndex node) {
    int64_t whole = 0, fixed = int64_t{1} << (kLogFraction - 1);
    for (const SpreadState::Soft& soft : mine.soft) {
      if ((*soft.column)[node] == 0) continue;
      fixed += soft.count->at(node) * soft.weight;
      whole += soft.max_skew - 1;
    }
    return whole + (fixed >> kLogFraction);
  }

  bool system_;
  std::vector<api::TopologySpreadConstraint> defaults_;
};

}  // namespace

std::unique_ptr<Plugin> make_pod_topology_spread(const PluginArgs& args) {
  return std::make_unique<PodTopologySpread>(args.pod_topology_spread);
}

}  // namespace keelson::scheduler
