#include "tools/cli/lab/bench.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <set>

#include "core/api/json.hpp"
#include "core/api/kinds.hpp"
#include "core/base/hash.hpp"
#include "core/base/rng.hpp"
#include "sim/lab/cluster.hpp"
#include "sim/lab/load.hpp"

namespace keelson::cli {

namespace {

uint64_t digest_of(const lab::Workload& workload) {
  Digest digest;
  const auto add = [&](const std::vector<api::ObjectPtr>& objects) {
    for (const api::ObjectPtr& object : objects) digest.add(api::encode_object(*object));
  };
  add(workload.nodes);
  add(workload.others);
  add(workload.bound);
  for (const lab::Arrival& arrival : workload.arrivals) {
    digest.add(api::encode_object(*arrival.pod));
    digest.add(static_cast<uint64_t>(arrival.at.count()));
    digest.add(static_cast<uint64_t>(arrival.runs_for.value_or(Duration(-1)).count()));
  }
  return digest.value();
}

// "8", or "8 to 12" if the workloads of a sweep differ.
struct Range {
  std::size_t low = SIZE_MAX, high = 0;
  void add(std::size_t n) {
    low = std::min(low, n);
    high = std::max(high, n);
  }
  std::string text() const {
    return low == high ? std::to_string(low) : std::to_string(low) + " to " + std::to_string(high);
  }
};

// So many of the nodes, drawn by the seed, in the workload's order. Fewer nodes are a subset of
// more, so that a sweep over sizes does not also compare different draws.
Result<lab::Workload> with_nodes(const lab::Workload& all, std::size_t nodes, uint64_t seed) {
  if (nodes > all.nodes.size()) {
    return Error{Code::invalid, "--sweep nodes: " + std::to_string(nodes) + " are more than the " +
                                    std::to_string(all.nodes.size()) + " of " + all.name};
  }
  Rng rng = Rng(seed).fork("nodes");
  const std::vector<uint32_t> rank = lab::shuffled(all.nodes.size(), rng);
  lab::Workload few = all;
  few.nodes.clear();
  std::set<std::string, std::less<>> names;
  for (std::size_t i = 0; i < all.nodes.size(); ++i) {
    if (rank[i] >= nodes) continue;
    few.nodes.push_back(all.nodes[i]);
    names.insert(all.nodes[i]->name());
  }
  std::erase_if(few.bound, [&](const api::ObjectPtr& pod) {
    return !names.contains(pod->as<api::Pod>().spec().node_name());
  });
  return few;
}

}  // namespace

Result<Bench> Bench::make(std::vector<lab::Contender> contenders, uint64_t first_seed,
                          bool quiet) {
  Bench bench;
  bench.contenders_ = std::move(contenders);
  bench.quiet_ = quiet;
  Range nodes, pods, left_out;
  Digest digest;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < bench.contenders_.size(); ++i) {
    const lab::Contender& contender = bench.contenders_[i];
    if (!seen.insert(contender.experiment.text).second) continue;
    const auto workload = bench.workload(i, first_seed);
    if (!workload) return workload.error();
    digest.add(contender.experiment.text);
    digest.add(digest_of(**workload));
    nodes.add((*workload)->nodes.size());
    pods.add((*workload)->arrivals.size());
    bench.description_ =
        (*workload)->name + ": " + nodes.text() + " nodes, " + pods.text() + " pods";
    left_out.add(bench.loaded_[contender.experiment.text].left_out);
    if (left_out.high > 0) {
      bench.description_ += ", " + left_out.text() +
                            (left_out.high == 1 ? " row" : " rows") + " of the trace left out";
    }
  }
  for (const lab::Contender& contender : bench.contenders_) {
    if (contender.nodes == 0) continue;
    const auto workload =
        bench.workload(static_cast<std::size_t>(&contender - bench.contenders_.data()), first_seed);
    const auto fits = with_nodes(**workload, contender.nodes, first_seed);
    if (!fits) return fits.error();
  }
  bench.inputs_ = digest.value();
  return bench;
}

Result<Bench::WorkloadPtr> Bench::workload(std::size_t contender, uint64_t seed) {
  const lab::ExperimentFile& experiment = contenders_[contender].experiment;
  Loaded& kept = loaded_[experiment.text];
  if (kept.workload && (kept.seed == seed || !experiment.workload.random)) return kept.workload;
  auto loaded = lab::load_workload(experiment.workload, seed);
  if (!loaded) return loaded.error();
  if (loaded->skipped.rows > 0 && !quiet_) {
    std::fprintf(stderr, "keelson: %zu rows could not be used and were left out; the first: %s\n",
                 loaded->skipped.rows, loaded->skipped.first.c_str());
  }
  kept = {std::make_shared<const lab::Workload>(std::move(loaded->workload)), seed,
          loaded->skipped.rows};
  return kept.workload;
}

Result<lab::Outcome> Bench::run(std::size_t contender, uint64_t seed) {
  const auto all = workload(contender, seed);
  if (!all) return all.error();
  const lab::Contender& who = contenders_[contender];
  lab::ExperimentOptions options = who.experiment.options;
  options.seed = seed;
  if (who.nodes == 0) return lab::run_experiment(**all, who.policy, options);
  const auto few = with_nodes(**all, who.nodes, seed);
  if (!few) return few.error();
  return lab::run_experiment(*few, who.policy, options);
}

}  // namespace keelson::cli
