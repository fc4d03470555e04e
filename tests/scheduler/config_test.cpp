// KubeSchedulerConfiguration: what is read, what is refused and where, and what it makes the
// scheduler do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/scheduler/config/configuration.hpp"
#include "core/scheduler/plugins/plugins.hpp"
#include "tests/scheduler/cluster.hpp"
#include "tests/scheduler/scheduler_world.hpp"

namespace keelson {
namespace {

using namespace test;

using scheduler::Configuration;
using scheduler::Point;
using scheduler::ProfilePtr;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kHead =
    "apiVersion: kubescheduler.config.k8s.io/v1\n"
    "kind: KubeSchedulerConfiguration\n";

Result<Configuration> parse(const std::string& body) {
  return scheduler::parse_configuration(kHead + body, "config.yaml", scheduler::default_plugins());
}

// The lines of the error; line numbers count the head's two.
std::vector<std::string> problems(const std::string& body) {
  const auto parsed = parse(body);
  std::vector<std::string> lines;
  if (parsed.ok()) return lines;
  std::string text = parsed.error().message;
  for (std::size_t at = 0; at != std::string::npos;) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end == std::string::npos ? end : end - at));
    at = end == std::string::npos ? end : end + 1;
  }
  return lines;
}

std::vector<std::string> names_at(const ProfilePtr& profile, Point point) {
  std::vector<std::string> names;
  for (const scheduler::Plugin* plugin : profile->at(point)) names.emplace_back(plugin->name());
  return names;
}

ProfilePtr made(const std::string& body, std::size_t index = 0) {
  const auto parsed = parse(body);
  EXPECT_TRUE(parsed.ok()) << parsed.error().message;
  if (!parsed.ok()) return nullptr;
  return parsed->make_profiles(scheduler::default_plugins()).entries().at(index).profile;
}

std::map<std::string, int> weights(const ProfilePtr& profile) {
  std::map<std::string, int> found;
  for (const auto& scorer : profile->scorers()) {
    found[std::string(scorer.plugin->name())] = scorer.weight;
  }
  return found;
}

TEST(SchedulerConfig, NothingSaidIsTheDefault) {
  const auto config = parse("");
  ASSERT_TRUE(config.ok()) << config.error().message;
  ASSERT_EQ(config->profiles.size(), 1u);
  EXPECT_EQ(config->profiles[0].scheduler_name, "default-scheduler");
  EXPECT_EQ(config->pod_initial_backoff, 1s);
  EXPECT_EQ(config->pod_max_backoff, 10s);
  EXPECT_TRUE(config->notes.empty());
  const auto fresh = config->make_profiles(scheduler::default_plugins());
  const auto defaults = scheduler::Profile::make(scheduler::ProfileOptions::defaults(),
                                                 scheduler::default_plugins());
  EXPECT_EQ(weights(fresh.entries()[0].profile), weights(*defaults));
  EXPECT_EQ(names_at(fresh.entries()[0].profile, Point::filter),
            names_at(*defaults, Point::filter));
}

TEST(SchedulerConfig, JsonIsReadToo) {
  const auto config = scheduler::parse_configuration(
      R"({"apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration",
          "podInitialBackoffSeconds": 2, "podMaxBackoffSeconds": 60,
          "percentageOfNodesToScore": 30,
          "profiles": [{"schedulerName": "a"},
                       {"schedulerName": "b", "percentageOfNodesToScore": 100}]})",
      "config.json", scheduler::default_plugins());
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config->pod_initial_backoff, 2s);
  EXPECT_EQ(config->pod_max_backoff, 60s);
  ASSERT_EQ(config->profiles.size(), 2u);
  EXPECT_EQ(config->profiles[0].percentage_of_nodes_to_score, 30);
  EXPECT_EQ(config->profiles[1].percentage_of_nodes_to_score, 100);
}

TEST(SchedulerConfig, MultiPointReplacesAddsAndDisables) {
  const auto profile = made(R"(profiles:
- plugins:
    multiPoint:
      enabled:
      - {name: TaintToleration, weight: 7}
      disabled:
      - name: ImageLocality
)");
  ASSERT_NE(profile, nullptr);
  EXPECT_EQ(profile->find("ImageLocality"), nullptr);
  EXPECT_EQ(weights(profile)["TaintToleration"], 7);
  const auto defaults = scheduler::Profile::make(scheduler::ProfileOptions::defaults(),
                                                 scheduler::default_plugins());
  EXPECT_EQ(names_at(profile, Point::filter), names_at(*defaults, Point::filter))
      << "what is replaced keeps its place";
}

TEST(SchedulerConfig, StarDisablesAllButWhatIsEnabled) {
  const auto profile = made(R"(profiles:
- plugins:
    multiPoint:
      disabled: [{name: "*"}]
      enabled: [{name: PrioritySort}, {name: NodeResourcesFit}, {name: DefaultBinder}]
)");
  ASSERT_NE(profile, nullptr);
  EXPECT_EQ(profile->plugins().size(), 3u);
  EXPECT_THAT(names_at(profile, Point::filter), ElementsAre("NodeResourcesFit"));
}

TEST(SchedulerConfig, OnePointMayDiffer) {
  const auto profile = made(R"(profiles:
- plugins:
    score:
      disabled: [{name: "*"}]
      enabled: [{name: ImageLocality, weight: 4}, {name: NodeResourcesFit}]
    filter:
      enabled: [{name: NodeName}]
      disabled: [{name: NodePorts}]
)");
  ASSERT_NE(profile, nullptr);
  EXPECT_EQ(weights(profile),
            (std::map<std::string, int>{{"ImageLocality", 4}, {"NodeResourcesFit", 1}}));
  const auto filters = names_at(profile, Point::filter);
  EXPECT_EQ(filters.front(), "NodeName") << "what is enabled at the point comes first";
  EXPECT_THAT(filters, testing::Not(testing::Contains("NodePorts")));
  EXPECT_THAT(filters, testing::Contains("TaintToleration"));
}

TEST(SchedulerConfig, ArgumentsReachThePlugins) {
  const auto config = parse(R"(profiles:
- pluginConfig:
  - name: NodeResourcesFit
    args:
      apiVersion: kubescheduler.config.k8s.io/v1
      kind: NodeResourcesFitArgs
      ignoredResources: [example.com/a]
      ignoredResourceGroups: [ignored.io]
      scoringStrategy:
        type: RequestedToCapacityRatio
        resources: [{name: cpu, weight: 3}, {name: example.com/gpu}]
        requestedToCapacityRatio:
          shape: [{utilization: 0, score: 0}, {utilization: 100, score: 10}]
  - name: DefaultPreemption
    args: {minCandidateNodesPercentage: 5, minCandidateNodesAbsolute: 7}
  - name: NodeResourcesBalancedAllocation
    args: {resources: [{name: cpu, weight: 1}, {name: example.com/gpu, weight: 1}]}
)");
  ASSERT_TRUE(config.ok()) << config.error().message;
  const scheduler::PluginArgs& args = config->profiles[0].options.args;
  EXPECT_THAT(args.node_resources_fit.ignored_resources, ElementsAre("example.com/a"));
  EXPECT_THAT(args.node_resources_fit.ignored_resource_groups, ElementsAre("ignored.io"));
  const auto& scoring = args.node_resources_fit.scoring;
  EXPECT_EQ(scoring.type, scheduler::ScoringStrategy::Type::requested_to_capacity_ratio);
  ASSERT_EQ(scoring.resources.size(), 2u);
  EXPECT_EQ(scoring.resources[0].weight, 3);
  EXPECT_EQ(scoring.resources[1].weight, 1);
  ASSERT_EQ(scoring.shape.size(), 2u);
  EXPECT_EQ(scoring.shape[1].score, 10);
  EXPECT_EQ(args.default_preemption.min_candidate_nodes_percentage, 5);
  EXPECT_EQ(args.default_preemption.min_candidate_nodes_absolute, 7);
  EXPECT_THAT(args.node_resources_balanced_allocation.resources,
              ElementsAre("cpu", "example.com/gpu"));
}

TEST(SchedulerConfig, SaysAllThatIsWrongAndWhere) {
  EXPECT_THAT(
      problems(R"(percentageOfNodesToScore: 101
podInitialBackoffSeconds: 20
paralelism: 4
profiles:
- schedulerName: a
  pluginConfig:
  - name: NodeResourcesFit
    args:
      scoringStrategy:
        type: Tetris
  - name: Astrology
- schedulerName: a
  plugins:
    filter:
      enabled:
      - name: NodeName
        weight: 3
)"),
      ElementsAre(HasSubstr("config.yaml:3: percentageOfNodesToScore: must be a whole number from "
                            "0 to 100, not 101"),
                  HasSubstr("config.yaml:12: profiles[0].pluginConfig[0].args.scoringStrategy.type: "
                            "unsupported value \"Tetris\""),
                  HasSubstr("config.yaml:13: profiles[0].pluginConfig[1].name: unknown plugin "
                            "\"Astrology\""),
                  HasSubstr("config.yaml:19: profiles[1].plugins.filter.enabled[0].weight: only "
                            "scores have weights"),
                  HasSubstr("config.yaml:14: profiles[1].schedulerName: duplicate value"),
                  HasSubstr("config.yaml:4: podInitialBackoffSeconds: podMaxBackoffSeconds must be "
                            "greater than or equal to podInitialBackoffSeconds"),
                  HasSubstr("config.yaml:5: paralelism: unknown field")));
}

struct Refused {
  const char* body;
  const char* message;
};
class SchedulerConfigRefuses : public testing::TestWithParam<Refused> {};
TEST_P(SchedulerConfigRefuses, With) {
  EXPECT_THAT(problems(GetParam().body), ElementsAre(HasSubstr(GetParam().message)));
}
INSTANTIATE_TEST_SUITE_P(
    Kinds, SchedulerConfigRefuses,
    testing::Values(
        Refused{"profiles:\n- plugins: {queueSort: {disabled: [{name: PrioritySort}]}}",
                ":4: profiles[0].plugins: a scheduler profile needs exactly one plugin that sorts"},
        Refused{"profiles:\n- plugins: {bind: {disabled: [{name: \"*\"}]}}",
                "profiles[0].plugins: a scheduler profile needs a plugin that binds"},
        Refused{"profiles:\n- plugins: {preFilter: {disabled: [{name: NodeResourcesFit}]}}",
                "\"NodeResourcesFit\" is enabled at filter and not at preFilter"},
        Refused{"profiles:\n- plugins: {filter: {enabled: [{name: ImageLocality}]}}",
                "\"ImageLocality\" has nothing to do at filter"},
        Refused{"profiles:\n- {schedulerName: a}\n- {}",
                "profiles[1].schedulerName: must be set where there are several profiles"},
        Refused{"profiles:\n- pluginConfig:\n  - {name: NodeName, args: {}}",
                "profiles[0].pluginConfig[0].args: the plugin \"NodeName\" has no arguments"},
        Refused{"profiles:\n- pluginConfig:\n  - {name: VolumeBinding, args: {bindTimeoutSeconds: -1}}",
                "profiles[0].pluginConfig[0].args.bindTimeoutSeconds"},
        Refused{"profiles:\n- pluginConfig:\n  - {name: VolumeBinding, args: {bindTimeout: 1}}",
                "profiles[0].pluginConfig[0].args.bindTimeout: "},
        Refused{"profiles:\n- pluginConfig:\n  - {name: VolumeZone, args: {}}",
                "the plugin \"VolumeZone\" has no arguments"},
        Refused{"profiles:\n- pluginConfig: [{name: NodeResourcesFit}, {name: NodeResourcesFit}]",
                "profiles[0].pluginConfig[1].name: duplicate value"},
        Refused{"profiles:\n- pluginConfig:\n  - name: NodeResourcesFit\n    args:\n      "
                "scoringStrategy:\n        type: LeastAllocated\n        "
                "requestedToCapacityRatio: {shape: [{utilization: 0, score: 0}]}",
                "requestedToCapacityRatio: belongs to the type RequestedToCapacityRatio"},
        Refused{"profiles:\n- pluginConfig:\n  - name: NodeResourcesFit\n    args:\n      "
                "scoringStrategy:\n        type: RequestedToCapacityRatio\n        "
                "requestedToCapacityRatio:\n          shape:\n          - {utilization: 5, score: 1}"
                "\n          - {utilization: 5, score: 2}",
                ":12: profiles[0].pluginConfig[0].args.scoringStrategy.requestedToCapacityRatio."
                "shape[1].utilization: values must rise strictly"},
        Refused{"profiles:\n- pluginConfig:\n  - name: NodeAffinity\n    args:\n      "
                "addedAffinity:\n        requiredDuringSchedulingIgnoredDuringExecution:\n          "
                "nodeSelectorTerms:\n          - matchExpressions: [{key: a, operator: Is}]",
                "addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]."
                "matchExpressions[0].operator: Invalid value: \"Is\""},
        Refused{"profiles:\n- pluginConfig:\n  - name: DefaultPreemption\n    args: "
                "{minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 0}",
                "cannot be zero at the same time as minCandidateNodesAbsolute"},
        Refused{"leaderElection: {leaseDuration: 5s}",
                "leaderElection.leaseDuration: must be greater than renewDeadline"},
        Refused{"extenders:\n- {urlPrefix: \"ftp://a\", filterVerb: f}",
                "extenders[0].urlPrefix: must begin with http:// or https://"},
        Refused{"extenders:\n- {urlPrefix: \"http://a\", prioritizeVerb: p}",
                "extenders[0].weight: must be positive"},
        Refused{"extenders:\n- {urlPrefix: \"http://a\", bindVerb: b}\n- {urlPrefix: \"http://b\", "
                "bindVerb: b}",
                "extenders[1].bindVerb: only one extender can bind"},
        Refused{"extenders:\n- {urlPrefix: \"http://a\", managedResources: [{name: cpu}]}",
                "managedResources[0].name: \"cpu\" is an invalid extended resource name"},
        Refused{"extenders:\n- {urlPrefix: \"http://a\", httpTimeout: soon}",
                "extenders[0].httpTimeout: \"soon\" is no duration"},
        Refused{"profiles: [3]", "profiles[0]: must be a mapping, not 3"},
        Refused{"kind: KubeSchedulerConfiguration", "config.yaml:3: kind: duplicate field"}));

TEST(SchedulerConfig, RefusesOtherVersionsAndBrokenText) {
  const auto old = scheduler::parse_configuration(
      "apiVersion: kubescheduler.config.k8s.io/v1beta3\nkind: KubeSchedulerConfiguration", "old",
      scheduler::default_plugins());
  ASSERT_FALSE(old.ok());
  EXPECT_EQ(old.error().message,
            "old:1: apiVersion: must be \"kubescheduler.config.k8s.io/v1\"");
  for (const char* text : {"", "- a", "profiles: [", "a\0b", "{", "--- a\n--- b"}) {
    EXPECT_FALSE(
        scheduler::parse_configuration(text, "x", scheduler::default_plugins()).ok())
        << text;
  }
}

TEST(SchedulerConfig, NotesWhatHasNoEffect) {
  const auto config = parse(R"(parallelism: 16
leaderElection: {leaderElect: true}
profiles:
- plugins: {multiPoint: {enabled: [{name: VolumeBinding}]}}
  pluginConfig:
  - {name: VolumeBinding, args: {bindTimeoutSeconds: 600}}
)");
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_THAT(config->notes, ElementsAre(HasSubstr("VolumeBinding: has no effect"),
                                         HasSubstr("leaderElection: has no effect"),
                                         HasSubstr("parallelism: has no effect")));
}

// As `kube-scheduler --write-config-to` writes its defaults.
constexpr const char* kWritten = R"(clientConnection:
  acceptContentTypes: ""
  burst: 100
  contentType: application/vnd.kubernetes.protobuf
  kubeconfig: ""
  qps: 50
delayCacheUntilActive: false
enableContentionProfiling: true
enableProfiling: true
leaderElection:
  leaderElect: true
  leaseDuration: 15s
  renewDeadline: 10s
  resourceLock: leases
  resourceName: kube-scheduler
  resourceNamespace: kube-system
  retryPeriod: 2s
parallelism: 16
percentageOfNodesToScore: 0
podInitialBackoffSeconds: 1
podMaxBackoffSeconds: 10
profiles:
- pluginConfig:
  - args:
      apiVersion: kubescheduler.config.k8s.io/v1
      kind: DefaultPreemptionArgs
      minCandidateNodesAbsolute: 100
      minCandidateNodesPercentage: 10
    name: DefaultPreemption
  - args:
      apiVersion: kubescheduler.config.k8s.io/v1
      hardPodAffinityWeight: 1
      ignorePreferredTermsOfExistingPods: false
      kind: InterPodAffinityArgs
    name: InterPodAffinity
  - args:
      apiVersion: kubescheduler.config.k8s.io/v1
      kind: NodeAffinityArgs
    name: NodeAffinity
  - args:
      apiVersion: kubescheduler.config.k8s.io/v1
      kind: NodeResourcesBalancedAllocationArgs
      resources: [{name: cpu, weight: 1}, {name: memory, weight: 1}]
    name: NodeResourcesBalancedAllocation
  - args:
      apiVersion: kubescheduler.config.k8s.io/v1
      kind: NodeResourcesFitArgs
      scoringStrategy:
        resources: [{name: cpu, weight: 1}, {name: memory, weight: 1}]
        type: LeastAllocated
    name: NodeResourcesFit
  - args:
      apiVersion: kubescheduler.config.k8s.io/v1
      defaultingType: System
      kind: PodTopologySpreadArgs
    name: PodTopologySpread
  - args:
      apiVersion: kubescheduler.config.k8s.io/v1
      bindTimeoutSeconds: 600
      kind: VolumeBindingArgs
    name: VolumeBinding
  plugins:
    bind: {}
    filter: {}
    multiPoint:
      enabled:
      - {name: SchedulingGates, weight: 0}
      - {name: PrioritySort, weight: 0}
      - {name: NodeUnschedulable, weight: 0}
      - {name: NodeName, weight: 0}
      - {name: TaintToleration, weight: 3}
      - {name: NodeAffinity, weight: 2}
      - {name: NodePorts, weight: 0}
      - {name: NodeResourcesFit, weight: 1}
      - {name: VolumeRestrictions, weight: 0}
      - {name: NodeVolumeLimits, weight: 0}
      - {name: VolumeBinding, weight: 0}
      - {name: VolumeZone, weight: 0}
      - {name: PodTopologySpread, weight: 2}
      - {name: InterPodAffinity, weight: 2}
      - {name: DefaultPreemption, weight: 0}
      - {name: NodeResourcesBalancedAllocation, weight: 1}
      - {name: ImageLocality, weight: 1}
      - {name: DefaultBinder, weight: 0}
    permit: {}
    postBind: {}
    postFilter: {}
    preBind: {}
    preEnqueue: {}
    preFilter: {}
    preScore: {}
    queueSort: {}
    reserve: {}
    score: {}
  schedulerName: default-scheduler
)";

TEST(SchedulerConfig, KubeSchedulersOwnFileIsTheDefault) {
  const auto profile = made(kWritten);
  ASSERT_NE(profile, nullptr);
  const auto defaults = made("");
  EXPECT_EQ(weights(profile), weights(defaults));
  for (const auto& [point, name] : scheduler::kConfigurablePoints) {
    EXPECT_EQ(names_at(profile, point), names_at(defaults, point)) << name;
  }
}

// Whatever somebody's editor does to the file, it is read or refused.
TEST(SchedulerConfig, DamagedFilesAreRefusedInOrder) {
  const std::string whole = std::string(kHead) + kWritten +
                            "extenders: [{urlPrefix: \"http://x\", filterVerb: f, "
                            "tlsConfig: {caData: Zm9v}, managedResources: [{name: a.b/c}]}]\n";
  int read = 0;
  for (std::size_t i = 0; i < whole.size(); i += 7) {
    for (const char* put : {"", "-", "{", "[", ": 3", "*", "~", "\n"}) {
      std::string damaged = whole;
      damaged.replace(i, 3, put);
      read += scheduler::parse_configuration(damaged, "x", scheduler::default_plugins()).ok();
    }
    read += scheduler::parse_configuration(whole.substr(0, i), "x", scheduler::default_plugins())
                .ok();
  }
  EXPECT_GT(read, 0);
}

// --- What it makes the scheduler do
// ------------------------------------------------------------------

TEST(NodeResourcesFit, ShapeDecidesHowFullIsBest) {
  // Best at half full.
  auto options = scheduler::ProfileOptions::defaults();
  options.disable("NodeResourcesBalancedAllocation");
  auto& scoring = options.args.node_resources_fit.scoring;
  scoring.type = scheduler::ScoringStrategy::Type::requested_to_capacity_ratio;
  scoring.shape = {{0, 0}, {50, 10}, {100, 0}};
  scoring.resources = {{"cpu", 1}};
  Cluster cluster(options);
  cluster.add(big_node("empty")).add(big_node("half")).add(big_node("full"));
  cluster.add(pod("a").on("half").with(requests("cpu", "1")));
  cluster.add(pod("b").on("full").with(requests("cpu", "3")));
  EXPECT_EQ(cluster.place(pod("p").with(requests("cpu", "1"))), "half");
}

TEST(NodeAffinity, TheProfilesAffinityHoldsForAllPods) {
  auto options = scheduler::ProfileOptions::defaults();
  api::NodeAffinity added;
  auto* term = added.mutable_required_during_scheduling_ignored_during_execution()
                   ->add_node_selector_terms()
                   ->add_match_expressions();
  term->set_key("pool");
  term->set_operator_("In");
  term->add_values("batch");
  auto* preferred = added.add_preferred_during_scheduling_ignored_during_execution();
  preferred->set_weight(50);
  auto* key = preferred->mutable_preference()->add_match_expressions();
  key->set_key("fast");
  key->set_operator_("Exists");
  options.args.node_affinity.added_affinity = added;
  Cluster cluster(options);
  cluster.add(big_node("web").label("pool", "web"));
  EXPECT_THAT(cluster.place(pod("p")),
              HasSubstr("1 node(s) didn't match scheduler-enforced node affinity"));
  cluster.add(big_node("slow").label("pool", "batch"));
  EXPECT_EQ(cluster.place(pod("p")), "slow");
  cluster.add(big_node("quick").label("pool", "batch").label("fast", ""));
  EXPECT_EQ(cluster.place(pod("p")), "quick");
  // The node's labels change: what was judged of it is void.
  cluster.add(big_node("quick").label("pool", "web").label("fast", ""));
  EXPECT_EQ(cluster.place(pod("p")), "slow");
}

scheduler::SchedulerOptions options_of(const std::string& body) {
  scheduler::SchedulerOptions options;
  const auto config = parse(body);
  EXPECT_TRUE(config.ok()) << config.error().message;
  if (config.ok()) options.profiles = config->make_profiles(scheduler::default_plugins());
  return options;
}

PodBuilder of_scheduler(const std::string& name, const std::string& scheduler) {
  return pod(name).with(requests("cpu", "1")).with([scheduler](api::Pod& p) {
    p.mutable_spec()->set_scheduler_name(scheduler);
  });
}

TEST(Profiles, EachDecidesForThePodsThatNameIt) {
  constexpr const char* kTwo = R"(profiles:
- schedulerName: default-scheduler
  plugins: &few
    score: {disabled: [{name: "*"}], enabled: [{name: NodeResourcesFit}]}
- schedulerName: packing
  plugins: *few
  pluginConfig:
  - name: NodeResourcesFit
    args:
      scoringStrategy: {type: MostAllocated}
)";
  SchedulerWorld w(options_of(kTwo));
  w.put(big_node("a", "8")).put(big_node("b", "8"));
  w.put(pod("busy").on("a").with(requests("cpu", "2")));
  w.put(of_scheduler("spread", "default-scheduler"));
  w.start();
  EXPECT_EQ(w.api.node_of("spread"), "b");
  w.put(of_scheduler("packed", "packing")).put(of_scheduler("foreign", "somebody-else"));
  w.loop.settle();
  EXPECT_EQ(w.api.node_of("packed"), "a");
  EXPECT_EQ(w.api.node_of("foreign"), "");
  EXPECT_EQ(w.cpu_on("a"), 3000) << "one cache for both";
  EXPECT_EQ(w.scheduler.stats().scheduled, 2u);
}

TEST(Profiles, APodWaitsForWhatItsOwnProfileRejectedItFor) {
  SchedulerWorld w(options_of(R"(profiles:
- schedulerName: default-scheduler
- schedulerName: lenient
  plugins: {multiPoint: {disabled: [{name: NodeUnschedulable}]}}
)"));
  w.put(big_node("n").with(cordon));
  w.put(of_scheduler("strict", "default-scheduler")).put(of_scheduler("lenient", "lenient"));
  w.start();
  EXPECT_EQ(w.api.node_of("lenient"), "n");
  EXPECT_EQ(w.api.node_of("strict"), "");
  w.put(big_node("n"));
  w.loop.run_for(2s);
  EXPECT_EQ(w.api.node_of("strict"), "n") << "woken by the node's change";
}

TEST(Profiles, NamesMustDifferAndTheQueueIsOne) {
  const auto profile = [] {
    return scheduler::Profile::make(scheduler::ProfileOptions::defaults(),
                                    scheduler::default_plugins())
        .value();
  };
  EXPECT_FALSE(scheduler::Profiles::make({}).ok());
  EXPECT_FALSE(scheduler::Profiles::make({{"a", profile()}, {"a", profile()}}).ok());
  const auto two = scheduler::Profiles::make({{"a", profile()}, {"b", profile()}});
  ASSERT_TRUE(two.ok());
  EXPECT_EQ(two->find(""), nullptr) << "nobody has the default name";
  EXPECT_NE(two->find("b"), nullptr);
}

}  // namespace
}  // namespace keelson
