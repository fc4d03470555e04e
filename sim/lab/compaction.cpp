#include "sim/lab/compaction.hpp"

#include <algorithm>

#include "core/base/hash.hpp"
#include "sim/lab/cluster.hpp"
#include "sim/lab/objects.hpp"

namespace keelson::lab {

namespace {

constexpr std::size_t kCopiesMax = 8;
constexpr int kTrialsMax = 1000;

// All pods, without nodes.
std::vector<api::ObjectPtr> pods_of(const Workload& workload) {
  std::vector<api::ObjectPtr> pods;
  for (const api::ObjectPtr& bound : workload.bound) {
    api::Pod pod = bound->as<api::Pod>();
    pod.mutable_spec()->clear_node_name();
    pods.push_back(api::make_object(std::move(pod)));
  }
  for (const Arrival& arrival : workload.arrivals) pods.push_back(arrival.pod);
  return pods;
}

// The workload's nodes, and copies of all of them.
std::vector<api::ObjectPtr> nodes_of(const Workload& workload, std::size_t copies) {
  std::vector<api::ObjectPtr> nodes = workload.nodes;
  for (std::size_t copy = 1; copy < copies; ++copy) {
    for (const api::ObjectPtr& original : workload.nodes) {
      api::Node node = original->as<api::Node>();
      const std::string name = node.metadata().name() + "-copy-" + std::to_string(copy);
      node.mutable_metadata()->set_name(name);
      node.mutable_metadata()->set_uid(name);
      (*node.mutable_metadata()->mutable_labels())[kHostnameLabel] = name;
      nodes.push_back(api::make_object(std::move(node)));
    }
  }
  return nodes;
}

class Trial {
 public:
  Trial(const Workload& workload, const Policy& policy, const CompactionOptions& options)
      : policy_(policy), options_(options), pods_(pods_of(workload)), workload_(workload) {
    cluster_.name = workload.name;
    cluster_.others = workload.others;
    may_wait_ = pods_.size() * static_cast<std::size_t>(std::max<int64_t>(options.pending_milli, 0)) / 1000;
  }

  // How many nodes, taken in this order, are enough? They are more than all if not even those are.
  Result<std::size_t> needed(const std::vector<api::ObjectPtr>& nodes, uint64_t seed) {
    std::size_t low = 0, high = nodes.size();
    auto all = fits(nodes, high, seed);
    if (!all) return all.error();
    if (!*all) return high + 1;
    // More nodes fit more, but for accidents of the order; the search finds one border.
    while (low + 1 < high) {
      const std::size_t middle = (low + high) / 2;
      auto enough = fits(nodes, middle, seed);
      if (!enough) return enough.error();
      (*enough ? high : low) = middle;
    }
    return high;
  }

 private:
  Result<bool> fits(const std::vector<api::ObjectPtr>& nodes, std::size_t count, uint64_t seed) {
    cluster_.nodes.assign(nodes.begin(), nodes.begin() + static_cast<std::ptrdiff_t>(count));
    cluster_.arrivals = workload_.arrivals;  // what the policy expects
    auto cluster = Cluster::make(cluster_, policy_, {.seed = seed,
                                  .percentage_of_nodes_to_score = options_.percentage_of_nodes_to_score});
    if (!cluster) return cluster.error();
    std::size_t waiting = 0;
    for (const api::ObjectPtr& pod : pods_) {
      const scheduler::PodInfoPtr info = (*cluster)->info(pod);
      const scheduler::Decision decision = (*cluster)->decide(*info);
      // One that would have to push another out does not fit.
      if (decision.kind == scheduler::Decision::Kind::node) {
        (*cluster)->place(info, decision);
      } else if (++waiting > may_wait_) {
        return false;
      }
    }
    return true;
  }

  const Policy& policy_;
  const CompactionOptions& options_;
  std::vector<api::ObjectPtr> pods_;
  const Workload& workload_;
  Workload cluster_;
  std::size_t may_wait_ = 0;
};

}  // namespace

Result<Compaction> compact(const Workload& workload, const Policy& policy,
                           const CompactionOptions& options) {
  Compaction compaction;
  compaction.nodes = workload.nodes.size();
  Trial trial(workload, policy, options);
  const Rng seeds(options.seed);
  for (int i = 0; i < std::clamp(options.trials, 1, kTrialsMax); ++i) {
    const Rng own = seeds.fork(static_cast<uint64_t>(i));
    std::size_t needed = 0;
    for (std::size_t copies = 1; copies <= kCopiesMax; copies *= 2) {
      const std::vector<api::ObjectPtr> nodes = nodes_of(workload, copies);
      Rng rng = own.fork("order");
      const std::vector<uint32_t> order = shuffled(nodes.size(), rng);
      std::vector<api::ObjectPtr> ordered(nodes.size());
      for (std::size_t n = 0; n < nodes.size(); ++n) ordered[order[n]] = nodes[n];
      auto enough = trial.needed(ordered, own.seed());
      if (!enough) return enough.error();
      needed = *enough;
      if (needed <= nodes.size()) break;
    }
    compaction.needed.push_back(needed);
  }
  std::vector<std::size_t> sorted = compaction.needed;
  std::sort(sorted.begin(), sorted.end());
  // The smallest that at least 90 % of the trials do not exceed.
  compaction.percentile_90 = sorted[(sorted.size() * 9 + 9) / 10 - 1];
  return compaction;
}

Outcome to_outcome(const Compaction& compaction) {
  Outcome outcome;
  std::vector<double> values(compaction.needed.begin(), compaction.needed.end());
  std::sort(values.begin(), values.end());
  const auto add = [&](const char* name, const char* unit, double value) {
    outcome.metrics.push_back({name, unit, Better::lower, value});
  };
  add("compacted-nodes", "nodes", static_cast<double>(compaction.percentile_90));
  const double whole = static_cast<double>(std::max<std::size_t>(compaction.nodes, 1));
  add("compacted-share", "%", 100 * static_cast<double>(compaction.percentile_90) / whole);
  add("compacted-nodes-min", "nodes", values.empty() ? 0 : values.front());
  add("compacted-nodes-max", "nodes", values.empty() ? 0 : values.back());
  Digest digest;
  for (const std::size_t needed : compaction.needed) digest.add(static_cast<uint64_t>(needed));
  outcome.hash = digest.value();
  outcome.distributions.push_back({"compacted-nodes", "nodes", std::move(values)});
  return outcome;
}

}  // namespace keelson::lab
