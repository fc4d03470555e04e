#include "sim/lab/arrivals.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "core/base/hash.hpp"
#include "core/scheduler/policies/typical_pods.hpp"
#include "sim/lab/cluster.hpp"
#include "sim/lab/usage.hpp"

namespace keelson::lab {

namespace {

using scheduler::Decision;
using scheduler::PodInfoPtr;

constexpr int64_t kLoadMax = 100'000;  // %
constexpr int kReported = 100;         // the load at which the literature compares

// Names sort as the published experiments sorted them, so that the order of the rows in a trace does
// not matter.
std::vector<std::size_t> by_name(const Workload& workload) {
  std::vector<std::size_t> order(workload.arrivals.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return workload.arrivals[a].pod->name() < workload.arrivals[b].pod->name();
  });
  return order;
}

void shuffle(std::vector<std::size_t>& order, Rng& rng) {
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
}

// Adds or takes away until the sum of demands is as large as it can be without exceeding `target`.
void tune(std::vector<std::size_t>& order, const std::vector<int64_t>& demands, int64_t target,
          Rng& rng) {
  int64_t sum = 0;
  for (const std::size_t i : order) sum += demands[i];
  if (sum > target) {
    while (sum > target && !order.empty()) {
      const std::size_t at = rng.below(order.size());
      sum -= demands[order[at]];
      order.erase(order.begin() + static_cast<std::ptrdiff_t>(at));
    }
    return;
  }
  const std::size_t originals = order.size();
  if (sum == 0) return;  // nothing that could be added would bring the target nearer
  for (;;) {
    const std::size_t next = order[rng.below(originals)];
    if (sum + demands[next] > target) return;
    sum += demands[next];
    order.push_back(next);
  }
}

// The same pod once more, under another name.
PodInfoPtr once_more(const scheduler::PodInfo& pod, std::size_t number) {
  auto copy = std::make_shared<scheduler::PodInfo>(pod);
  api::Pod body = pod.pod();
  const std::string suffix = "-again-" + std::to_string(number);
  body.mutable_metadata()->set_name(pod.name() + suffix);
  body.mutable_metadata()->set_uid(pod.uid() + suffix);
  copy->object = api::make_object(std::move(body));
  return copy;
}

// The mean of what was seen near each whole percent of load.
class Curve {
 public:
  void add(double load, double value) {
    const auto at = static_cast<std::size_t>(std::nearbyint(load));
    if (at >= sums_.size()) sums_.resize(at + 1);
    sums_[at].first += value;
    ++sums_[at].second;
  }
  Series series(std::string name) const {
    Series out{std::move(name), "%", "load", {}, {}};
    for (std::size_t at = 0; at < sums_.size(); ++at) {
      if (sums_[at].second == 0) continue;
      out.x.push_back(static_cast<double>(at));
      out.y.push_back(sums_[at].first / static_cast<double>(sums_[at].second));
    }
    return out;
  }

 private:
  std::vector<std::pair<double, int64_t>> sums_;
};

class Arrivals {
 public:
  Arrivals(Cluster& cluster, std::vector<PodInfoPtr> pods,
           std::vector<scheduler::TypicalPod> typical, bool rounded_moments)
      : cluster_(cluster),
        rounded_moments_(rounded_moments),
        pods_(std::move(pods)),
        capacity_(capacity_of(cluster.snapshot())),
        allocated_(allocated_of(cluster.snapshot())),
        gpus_(capacity_.gpu_milli > 0),
        meter_(cluster, gpus_ ? std::move(typical) : std::vector<scheduler::TypicalPod>{}) {}

  bool gpus() const { return gpus_; }
  int64_t loaded(const Amounts& amounts) const {
    return gpus_ ? amounts.gpu_milli : amounts.cpu_milli;
  }
  int64_t capacity() const { return loaded(capacity_); }

  void play(const std::vector<std::size_t>& order) {
    std::vector<bool> came(pods_.size(), false);
    for (std::size_t n = 0; n < order.size(); ++n) {
      PodInfoPtr pod = pods_[order[n]];
      if (came[order[n]]) pod = once_more(*pod, n);
      came[order[n]] = true;
      arrive(pod, order[n]);
      note();
    }
  }

  Outcome outcome() const {
    Outcome out;
    add_usage(cluster_, out);
    out.metrics.push_back({"failed-pods", "pods", Better::lower, static_cast<double>(failed_)});
    if (gpus_) {
      out.metrics.push_back({"fragmentation", "%", Better::lower, fragmented()});
      add_curve(gpu_, "gpu-allocation", Better::higher, out);
      add_curve(fragmentation_, "fragmentation", Better::lower, out);
    }
    add_curve(cpu_, "cpu-allocation", Better::higher, out);
    add_curve(memory_, "memory-allocation", Better::higher, out);
    out.nodes = fill_of(cluster_);
    out.hash = digest_.value();
    return out;
  }

 private:
  void arrive(const PodInfoPtr& pod, std::size_t number) {
    const Amounts demand = demand_of(*pod);
    arrived_ += demand;
    const Decision decision = cluster_.decide(*pod);
    const bool placed = decision.kind == Decision::Kind::node;
    digest_.add(number);
    digest_.add(placed ? decision.node : scheduler::kNoNode);
    digest_.add(decision.devices.bits());
    if (!placed) {
      ++failed_;
      return;
    }
    cluster_.place(pod, decision);
    allocated_ += demand;
    if (gpus_) meter_.update(decision.node);
  }

  void note() {
    const double load = percentage(loaded(arrived_), capacity());
    if (gpus_) {
      gpu_.add(load, moment(allocated_.gpu_milli, capacity_.gpu_milli));
      fragmentation_.add(load, fragmented());
    }
    cpu_.add(load, moment(allocated_.cpu_milli, capacity_.cpu_milli));
    memory_.add(load, moment(allocated_.memory, capacity_.memory));
  }
  double moment(int64_t part, int64_t whole) const {
    const double exact = percentage(part, whole);
    return rounded_moments_ ? std::nearbyint(exact * 100.0) / 100.0 : exact;
  }

  double fragmented() const {
    return 100.0 * meter_.total() / static_cast<double>(capacity_.gpu_milli);
  }

  static void add_curve(const Curve& curve, const char* name, Better better, Outcome& out) {
    Series series = curve.series(name);
    const auto at = std::find(series.x.begin(), series.x.end(), kReported);
    if (at != series.x.end()) {
      out.metrics.push_back({std::string(name) + "-at-100", "%", better,
                             series.y[static_cast<std::size_t>(at - series.x.begin())]});
    }
    out.series.push_back(std::move(series));
  }

  Cluster& cluster_;
  bool rounded_moments_;
  std::vector<PodInfoPtr> pods_;
  Amounts capacity_, allocated_, arrived_;
  bool gpus_;
  FragmentationMeter meter_;
  Curve gpu_, fragmentation_, cpu_, memory_;
  std::size_t failed_ = 0;
  Digest digest_;
};

}  // namespace

Result<Outcome> run_arrivals(const Workload& workload, const Policy& policy,
                             const ArrivalsOptions& options) {
  ClusterOptions cluster_options;
  cluster_options.seed = options.seed;
  cluster_options.percentage_of_nodes_to_score = options.percentage_of_nodes_to_score;
  auto cluster = Cluster::make(workload, policy, cluster_options);
  if (!cluster) return cluster.error();
  if (!options.tie_order.empty()) (*cluster)->set_tie_order(options.tie_order);
  std::vector<PodInfoPtr> pods;
  pods.reserve(workload.arrivals.size());
  for (const Arrival& arrival : workload.arrivals) pods.push_back((*cluster)->info(arrival.pod));
  std::vector<int64_t> demands;
  Arrivals arrivals(**cluster, pods, (*cluster)->typical_pods(),
                    options.rounded_moments);
  for (const PodInfoPtr& pod : pods) demands.push_back(arrivals.loaded(demand_of(*pod)));

  std::vector<std::size_t> order = options.order;
  for (const std::size_t i : order) {
    if (i < pods.size()) continue;
    return Error{Code::invalid, "workload " + workload.name + " has no arrival " +
                                    std::to_string(i)};
  }
  if (order.empty()) {
    const Rng rng(options.seed);
    order = by_name(workload);
    if (options.shuffle) {
      Rng lots = rng.fork("order");
      shuffle(order, lots);
    }
    if (options.load_percent > 0) {
      Rng lots = rng.fork("tuning");
      const __int128 target = static_cast<__int128>(arrivals.capacity()) *
                              std::min(options.load_percent, kLoadMax) / 100;
      tune(order, demands, static_cast<int64_t>(target), lots);
    }
  }
  arrivals.play(order);
  return arrivals.outcome();
}

}  // namespace keelson::lab
