// Scheduling decisions per second, core only: queue, decision, assume and confirm, without an API
// server. Half-full clusters of 500 and 5,000 nodes in three zones; pods of 20 workloads in turn.
// The pods leave again in the order in which they came, so the cluster stays as it is.
#include <benchmark/benchmark.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "core/scheduler/cache/cache.hpp"
#include "core/scheduler/framework/decide.hpp"
#include "core/scheduler/plugins/plugins.hpp"
#include "core/scheduler/queue/scheduling_queue.hpp"

namespace keelson::scheduler {
namespace {

api::ObjectPtr make_node(int number) {
  api::Node node;
  const std::string name = "node-" + std::to_string(number);
  node.mutable_metadata()->set_name(name);
  (*node.mutable_metadata()->mutable_labels())["kubernetes.io/hostname"] = name;
  (*node.mutable_metadata()->mutable_labels())["topology.kubernetes.io/zone"] =
      "zone-" + std::to_string(number % 3);
  auto& allocatable = *node.mutable_status()->mutable_allocatable();
  allocatable["cpu"].set_string("32");
  allocatable["memory"].set_string("128Gi");
  allocatable["pods"].set_string("110");
  return api::make_object(std::move(node));
}

api::Pod make_pod(int number, int workload) {
  api::Pod pod;
  const std::string app = "app-" + std::to_string(workload);
  auto* meta = pod.mutable_metadata();
  meta->set_name(app + '-' + std::to_string(number));
  meta->set_namespace_("default");
  meta->set_uid("uid-" + std::to_string(number));
  (*meta->mutable_labels())["app"] = app;
  auto* owner = meta->add_owner_references();
  owner->set_kind("ReplicaSet");
  owner->set_name(app);
  owner->set_uid("uid-" + app);
  owner->set_controller(true);
  auto* container = pod.mutable_spec()->add_containers();
  container->set_image("registry/" + app + ":1");
  auto& requests = *container->mutable_resources()->mutable_requests();
  requests["cpu"].set_string(std::to_string(100 + 50 * (workload % 4)) + "m");
  requests["memory"].set_string(std::to_string(128 << (workload % 3)) + "Mi");
  for (const char* key : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
    auto* toleration = pod.mutable_spec()->add_tolerations();
    toleration->set_key(key);
    toleration->set_operator_("Exists");
    toleration->set_effect("NoExecute");
    toleration->set_toleration_seconds(300);
  }
  return pod;
}

api::ObjectPtr make_replica_set(int workload) {
  api::ReplicaSet set;
  const std::string app = "app-" + std::to_string(workload);
  set.mutable_metadata()->set_name(app);
  set.mutable_metadata()->set_namespace_("default");
  set.mutable_metadata()->set_uid("uid-" + app);
  (*set.mutable_spec()->mutable_selector()->mutable_match_labels())["app"] = app;
  return api::make_object(std::move(set));
}

constexpr int kWorkloads = 20;

struct World {
  Cache cache;
  ProfilePtr profile = Profile::make(ProfileOptions::defaults(), default_plugins()).value();
  SchedulingQueue queue{profile, {}};
  Cycle cycle;
  Rng rng{1};
  std::deque<std::string> placed;
  int next = 0;

  World(int nodes, int32_t percentage) {
    cycle.percentage_of_nodes_to_score = percentage;
    for (int i = 0; i < nodes; ++i) cache.set_node(make_node(i));
    for (int i = 0; i < kWorkloads; ++i) {
      cache.snapshot().workloads.apply(nullptr, make_replica_set(i));
    }
    cache.snapshot().reorder_if_needed();
  }
  void arrive(api::ObjectPtr pod) { queue.put(cache.info(std::move(pod)), true, Instant{}); }
  // One pod from the queue to its node, and seen there.
  bool schedule_one() {
    QueuedPod* queued = queue.pop();
    const PodInfoPtr info = queued->info;
    const Decision decision = decide(*profile, cache.snapshot(), *info, rng, cycle);
    if (decision.kind != Decision::Kind::node) return false;
    cache.assume(info, cache.snapshot().name(decision.node));
    cache.bind_succeeded(info->uid());
    placed.push_back(info->uid());
    queue.remove(info->uid());
    return true;
  }
  void leave() {
    cache.remove(placed.front());
    placed.pop_front();
  }
  api::ObjectPtr fresh() {
    const int number = next++;
    return api::make_object(make_pod(number, number % kWorkloads));
  }
};

// Arguments: nodes, percentage of nodes to score (0: adaptive). Ten pods per node are there
// already.
void schedule_basic(benchmark::State& state) {
  const auto nodes = static_cast<int>(state.range(0));
  World world(nodes, static_cast<int32_t>(state.range(1)));
  for (int i = 0; i < nodes * 10; ++i) {
    world.arrive(world.fresh());
    if (!world.schedule_one()) state.SkipWithError("the cluster is too small");
  }
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<api::ObjectPtr> batch;
    for (int i = 0; i < 1000; ++i) batch.push_back(world.fresh());
    state.ResumeTiming();
    for (auto& pod : batch) world.arrive(std::move(pod));
    for (int i = 0; i < 1000; ++i) {
      if (!world.schedule_one()) state.SkipWithError("a pod did not fit");
    }
    for (int i = 0; i < 1000; ++i) world.leave();
  }
  state.counters["pods/s"] = benchmark::Counter(static_cast<double>(state.iterations()) * 1000,
                                                benchmark::Counter::kIsRate);
}
BENCHMARK(schedule_basic)
    ->ArgNames({"nodes", "percentage"})
    ->Args({500, 0})
    ->Args({5000, 0})
    ->Args({5000, 100})
    ->Unit(benchmark::kMillisecond);

// A pod that fits nowhere: all nodes are looked at and the message is written.
void schedule_unschedulable(benchmark::State& state) {
  World world(static_cast<int>(state.range(0)), 0);
  api::Pod pod = make_pod(0, 0);
  (*pod.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_requests())["cpu"]
      .set_string("64");
  const PodInfoPtr info = world.cache.info(api::make_object(std::move(pod)));
  for (auto _ : state) {
    const Decision decision =
        decide(*world.profile, world.cache.snapshot(), *info, world.rng, world.cycle);
    benchmark::DoNotOptimize(decision.diagnosis.message());
  }
}
BENCHMARK(schedule_unschedulable)->ArgName("nodes")->Arg(500)->Arg(5000);

}  // namespace
}  // namespace keelson::scheduler
