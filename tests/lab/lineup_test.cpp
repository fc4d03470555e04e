// Who competes: experiments' files, sweeps and policies; and the manifest that spreads them over a
// cluster.
#include "sim/lab/lineup.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "core/api/json.hpp"
#include "core/api/kinds.hpp"
#include "core/api/validation.hpp"
#include "core/scheduler/plugins/plugins.hpp"
#include "sim/lab/manifest.hpp"
#include "sim/lab/policies.hpp"

namespace keelson::lab {
namespace {

using ::testing::HasSubstr;

constexpr const char* kExperiment = R"(name: small
parameters: {pods: 10, load: 50}
workload:
  format: generated
  nodes: [{count: 4, cpu: 8, memory: 16Gi}]
  arrivals: {kind: at-once}
  pods: ${pods}
  classes: [{cpuMilli: 1000, memoryMi: 1024}]
experiment:
  kind: arrivals
  load: ${load}
  policies: [BestFit, default]
  seeds: 3..5
)";

LineupRequest request(std::vector<std::string> policies, std::vector<std::string> sweeps) {
  LineupRequest r{kExperiment, "small.yaml", {}, {}, {}};
  for (std::string& name : policies) r.policies.push_back({std::move(name), {}, {}});
  for (const std::string& text : sweeps) r.sweeps.push_back(*parse_sweep(text));
  return r;
}

std::string refusal(const LineupRequest& r) {
  const auto lineup = line_up(r);
  return lineup ? "none" : lineup.error().message;
}

TEST(ExperimentFileTest, SaysWhatIsRun) {
  const auto file = parse_experiment(kExperiment, "small.yaml", {{"load", "80"}});
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->name, "small");
  EXPECT_EQ(file->options.load_percent, 80);
  EXPECT_EQ(file->seeds, (std::pair<uint64_t, uint64_t>{3, 5}));
  EXPECT_EQ(load_workload(file->workload, 1)->workload.arrivals.size(), 10u);
}

TEST(ExperimentFileTest, WrongFilesAreRefusedWithTheirLines) {
  const auto wrong = [](const std::string& from, const std::string& to) {
    std::string text = kExperiment;
    text.replace(text.find(from), from.size(), to);
    const auto file = parse_experiment(text, "small.yaml", {});
    return file ? "none" : file.error().message;
  };
  EXPECT_THAT(wrong("kind: arrivals", "kind: arrival"),
              HasSubstr("small.yaml:10: experiment.kind: \"arrival\" is none of arrivals, timed"));
  EXPECT_THAT(wrong("seeds: 3..5", "seeds: 5..3"), HasSubstr("small.yaml:13: experiment.seeds"));
  EXPECT_THAT(wrong("  load:", "  laod:"),
              HasSubstr("small.yaml:11: experiment.laod: unknown field"));
  EXPECT_THAT(wrong("load: ${load}", "load: -1"), HasSubstr("experiment.load"));
  EXPECT_THAT(wrong("name: small", "title: small"), HasSubstr("needs a name"));
  EXPECT_THAT(wrong("experiment:", "cluster:"), HasSubstr("keelson sim run"));
  EXPECT_THAT(wrong("${pods}", "${podz}"),
              HasSubstr("small.yaml:7: there is no parameter \"podz\""));
}

TEST(LineupTest, PoliciesOfTheFileOrOfTheCommand) {
  auto lineup = line_up(request({}, {}));
  ASSERT_TRUE(lineup);
  ASSERT_EQ(lineup->size(), 2u);
  EXPECT_EQ((*lineup)[0].variant.policy, "BestFit");
  lineup = line_up(request({"fgd"}, {}));
  ASSERT_TRUE(lineup);
  ASSERT_EQ(lineup->size(), 1u);
  EXPECT_EQ((*lineup)[0].variant.policy, "FGD");
  EXPECT_GT(line_up(request({"all"}, {}))->size(), 5u);
  EXPECT_EQ(line_up(request({"drf"}, {}))->front().variant.policy, "DominantShare");
  EXPECT_THAT(refusal(request({"BestFut"}, {})),
              HasSubstr("no policy \"BestFut\"; there are default, "));
  EXPECT_THAT(refusal(request({"FGD", "fgd"}, {})), HasSubstr("twice"));
}

TEST(LineupTest, SweepsCombine) {
  const auto lineup = line_up(request(
      {"default", "BestFit"}, {"nodes=2,4", "load=60,70,80", "percentageOfNodesToScore=50"}));
  ASSERT_TRUE(lineup) << lineup.error().message;
  ASSERT_EQ(lineup->size(), 12u);
  const Contender& last = lineup->back();
  EXPECT_EQ(last.policy.name, "BestFit");
  EXPECT_EQ(last.nodes, 4u);
  EXPECT_EQ(last.experiment.options.load_percent, 80);
  EXPECT_EQ(last.experiment.options.percentage_of_nodes_to_score, 50);
  EXPECT_EQ((*lineup)[1].nodes, 2u);
}

TEST(LineupTest, WeightsAreThoseOfThePolicy) {
  const auto lineup = line_up(request({"default"}, {"weight.NodeResourcesFit=1,5"}));
  ASSERT_TRUE(lineup) << lineup.error().message;
  const auto weight = [](const Contender& c) {
    for (const auto& plugin : c.policy.profile.plugins) {
      if (plugin.name == "NodeResourcesFit") return plugin.weight;
    }
    return -1;
  };
  EXPECT_EQ(weight((*lineup)[0]), 1);
  EXPECT_EQ(weight((*lineup)[1]), 5);
  EXPECT_THAT(refusal(request({"BestFit"}, {"weight.ImageLocality=3"})),
              HasSubstr("the policy BestFit has no such plugin that scores; it has BestFit"));
  EXPECT_THAT(refusal(request({"BestFit"}, {"weight.NodeResourcesFit=3"})),
              HasSubstr("no such plugin that scores; it has BestFit"));
  EXPECT_THAT(refusal(request({"default"}, {"weight.NodeResourcesFit=0"})),
              HasSubstr("is no weight from 1"));
}

TEST(LineupTest, WrongSweepsAreRefused) {
  EXPECT_FALSE(parse_sweep("nodes"));
  EXPECT_FALSE(parse_sweep("nodes="));
  EXPECT_FALSE(parse_sweep("nodes=1,,2"));
  EXPECT_FALSE(parse_sweep("nodes=1,1"));
  EXPECT_THAT(refusal(request({}, {"noodles=1"})),
              HasSubstr("there are nodes, percentageOfNodesToScore, weight.PLUGIN, load, pods"));
  LineupRequest both = request({}, {"load=60,70"});
  both.settings["load"] = "50";
  EXPECT_THAT(refusal(both), HasSubstr("--sweep load: --set gives it a value, too"));
  EXPECT_THAT(refusal(request({}, {"nodes=x"})), HasSubstr("no number of nodes"));
  EXPECT_THAT(refusal(request({}, {"percentageOfNodesToScore=101"})),
              HasSubstr("not from 0 to 100"));
  EXPECT_THAT(refusal(request({}, {"load=lots"})), HasSubstr("small.yaml:11: experiment.load"));
  EXPECT_THAT(refusal(request({}, {"load=1", "load=2"})), HasSubstr("twice"));
}

TEST(LineupTest, EveryPolicyHasTheHardRulesOfTheDefaultProfile) {
  const auto names = [](const Policy& policy, scheduler::Point point) {
    const auto profile = scheduler::Profile::make(policy.profile, scheduler::default_plugins());
    std::vector<std::string> out;
    for (const scheduler::Plugin* plugin : (*profile)->at(point)) {
      if (plugin->name() != "GpuShare") out.emplace_back(plugin->name());
    }
    return out;
  };
  for (const Policy& policy : policies()) {
    for (const auto point : {scheduler::Point::pre_filter, scheduler::Point::filter,
                             scheduler::Point::post_filter}) {
      EXPECT_EQ(names(policy, point), names(policies()[0], point)) << policy.name;
    }
    if (policy.name != "default") {
      EXPECT_EQ(names(policy, scheduler::Point::score), std::vector<std::string>{policy.name});
    }
  }
}

TEST(LineupTest, ConfigurationsArePolicies) {
  LineupRequest r = request({"default"}, {});
  r.policies.push_back({"mine", "mine.yaml", R"(apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
percentageOfNodesToScore: 40
podInitialBackoffSeconds: 3
parallelism: 4
profiles:
- plugins: {score: {disabled: [{name: "*"}], enabled: [{name: NodeResourcesFit, weight: 7}]}}
)"});
  auto lineup = line_up(r);
  ASSERT_TRUE(lineup) << lineup.error().message;
  EXPECT_EQ((*lineup)[1].variant.policy, "mine");
  EXPECT_EQ((*lineup)[1].variant.source, "mine.yaml");
  EXPECT_EQ((*lineup)[1].experiment.options.percentage_of_nodes_to_score, 40);
  EXPECT_EQ((*lineup)[0].experiment.options.percentage_of_nodes_to_score, 100);
  EXPECT_EQ((*lineup)[1].policy.backoff_initial, 3s);
  ASSERT_EQ((*lineup)[1].variant.notes.size(), 1u);
  EXPECT_THAT((*lineup)[1].variant.notes[0], HasSubstr("parallelism: has no effect"));
  r.policies.back().configuration = "kind: Pod";
  EXPECT_THAT(refusal(r), HasSubstr("mine.yaml"));
}

// batch/v1 is not (yet) a kind of this project: its Job is checked by hand, but the pods that it
// makes are what any cluster of ours would have to run.
TEST(ManifestTest, IsAJobWhosePodsRunTheShards) {
  ManifestOptions options;
  options.name = "My Study!";
  options.image = "example.org/keelson:1";
  options.shards = 8;
  options.arguments = {"sim", "compare", "/experiment/a.yaml", "--set", "price=$5 \"x\""};
  options.files = {{"a.yaml", "name: a\n# \"quoted\" \\ and\ttabs\n"}};
  const auto text = shard_manifest(options);
  ASSERT_TRUE(text);
  const std::vector<YAML::Node> documents = YAML::LoadAll(*text);
  ASSERT_EQ(documents.size(), 2u);

  const auto map = api::decode_yaml(text->substr(0, text->find("---\n")), "manifest",
                                    {api::DecodeOptions::Unknown::strict});
  ASSERT_TRUE(map) << map.error().message;
  ASSERT_EQ(map->size(), 1u);
  EXPECT_EQ(map->front().object->as<api::ConfigMap>().data().at("a.yaml"), options.files[0].second);

  const YAML::Node job = documents[1];
  EXPECT_EQ(job["apiVersion"].as<std::string>(), "batch/v1");
  EXPECT_EQ(job["kind"].as<std::string>(), "Job");
  EXPECT_EQ(job["metadata"]["name"].as<std::string>(), "my-study");
  EXPECT_EQ(job["spec"]["completionMode"].as<std::string>(), "Indexed");
  EXPECT_EQ(job["spec"]["completions"].as<int>(), 8);
  EXPECT_EQ(job["spec"]["parallelism"].as<int>(), 8);

  YAML::Node pod;
  pod["apiVersion"] = "v1";
  pod["kind"] = "Pod";
  pod["metadata"] = job["spec"]["template"]["metadata"];
  pod["metadata"]["name"] = "my-study-0";
  pod["metadata"]["namespace"] = "default";
  pod["spec"] = job["spec"]["template"]["spec"];
  const auto decoded =
      api::decode_yaml(YAML::Dump(pod), "pod", {api::DecodeOptions::Unknown::strict});
  ASSERT_TRUE(decoded) << decoded.error().message;
  const auto& spec = decoded->front().object->as<api::Pod>().spec();
  const auto& args = spec.containers(0).args();
  EXPECT_EQ(
      std::vector<std::string>(args.begin(), args.end()),
      (std::vector<std::string>{"sim", "compare", "/experiment/a.yaml", "--set", "price=$$5 \"x\"",
                                "--shard", "$(JOB_COMPLETION_INDEX)/8", "--quiet", "--json", "-"}));
  EXPECT_EQ(spec.volumes(0).volume_source().config_map().local_object_reference().name(),
            "my-study");
  options.files[0].second.assign(2 << 20, 'x');
  EXPECT_FALSE(shard_manifest(options));
}

}  // namespace
}  // namespace keelson::lab
