// The reader of openb traces: good files, and each way in which a row can be wrong.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "sim/run/run.hpp"
#include "sim/trace/openb.hpp"

namespace keelson::sim {
namespace {

constexpr const char* kNodeHeader = "sn,cpu_milli,memory_mib,gpu,model\n";
constexpr const char* kPodHeader =
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,"
    "scheduled_time\n";

class OpenbTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
    directory = std::filesystem::path(::testing::TempDir()) /
                (std::string("keelson-openb-") + info->name() + "-" + std::to_string(::getpid()));
    std::filesystem::create_directories(directory);
    nodes(std::string(kNodeHeader) + "n-0,32000,262144,2,T4\n");
    pods(std::string(kPodHeader) + kGoodPod);
  }
  void TearDown() override { std::filesystem::remove_all(directory); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(directory / name) << text;
  }
  void nodes(const std::string& text) { write("openb_node_list_all_node.csv", text); }
  void pods(const std::string& text) { write("openb_pod_list_default.csv", text); }
  std::string file(const std::string& name) const { return (directory / name).string(); }

  Result<Trace> read(int64_t limit = 0) const {
    TraceSpec spec;
    spec.format = "openb";
    spec.directory = directory.string();
    spec.limit = limit;
    return read_openb(spec);
  }
  // The reader refuses, naming `place` (file:line) and `what`.
  void refuses(const std::string& place, const std::string& what) const {
    const auto trace = read();
    ASSERT_FALSE(trace.ok());
    EXPECT_EQ(trace.error().code, Code::invalid);
    EXPECT_EQ(trace.error().message.rfind(place + ": ", 0), 0u) << trace.error().message;
    EXPECT_NE(trace.error().message.find(what), std::string::npos) << trace.error().message;
  }
  void refuses_pod(const std::string& row, const std::string& what) {
    pods(std::string(kPodHeader) + kGoodPod + row + "\n");
    refuses(file("openb_pod_list_default.csv") + ":3", what);
  }
  void refuses_node(const std::string& row, const std::string& what) {
    nodes(std::string(kNodeHeader) + row + "\n");
    refuses(file("openb_node_list_all_node.csv") + ":2", what);
  }

  static constexpr const char* kGoodPod =
      "p-0,12000,16384,1,1000,V100M16|V100M32,LS,Running,100,500,110\n";
  std::filesystem::path directory;
};

TEST_F(OpenbTest, ReadsNodes) {
  nodes(std::string(kNodeHeader) + "n-0,32000,262144,2,T4\nn-1,96000,524288,0,\n");
  const auto trace = read();
  ASSERT_TRUE(trace.ok()) << trace.error().message;
  ASSERT_EQ(trace->nodes.size(), 2u);
  const NodePool gpu = trace->nodes[0].pool();
  EXPECT_TRUE(gpu.exact_name);
  EXPECT_EQ(gpu.prefix, "n-0");
  EXPECT_EQ(gpu.count, 1u);
  EXPECT_EQ(gpu.capacity.at("cpu"), "32000m");
  EXPECT_EQ(gpu.capacity.at("memory"), "262144Mi");
  EXPECT_EQ(gpu.capacity.at(kGpuResource), "2");
  EXPECT_EQ(gpu.labels.at(kGpuModelLabel), "T4");
  const NodePool plain = trace->nodes[1].pool();
  EXPECT_FALSE(plain.capacity.contains(kGpuResource));
  EXPECT_FALSE(plain.labels.contains(kGpuModelLabel));
}

TEST_F(OpenbTest, ReadsPodsInTheOrderOfTheirCreation) {
  pods(std::string(kPodHeader) + "late,4000,1024,0,0,,BE,Running,200,300,\n" + kGoodPod);
  const auto trace = read();
  ASSERT_TRUE(trace.ok()) << trace.error().message;
  ASSERT_EQ(trace->pods.size(), 2u);
  const TracePod& first = trace->pods[0];
  EXPECT_EQ(first.name, "p-0");
  EXPECT_EQ(first.cpu_milli, 12000);
  EXPECT_EQ(first.memory_mib, 16384);
  EXPECT_EQ(first.gpus, 1);
  EXPECT_EQ(first.gpu_milli, 1000);
  EXPECT_EQ(first.gpu_models, (std::vector<std::string>{"V100M16", "V100M32"}));
  EXPECT_EQ(first.created, 100s);
  EXPECT_EQ(first.deleted, 500s);
  EXPECT_EQ(trace->pods[1].name, "late");
  EXPECT_TRUE(trace->pods[1].gpu_models.empty()) << "any model will do";
}

TEST_F(OpenbTest, ColumnsAreFoundByName) {
  nodes("model,sn,gpu,memory_mib,cpu_milli,more\nT4,n-0,2,262144,32000,x\n");
  const auto trace = read();
  ASSERT_TRUE(trace.ok()) << trace.error().message;
  EXPECT_EQ(trace->nodes[0].name, "n-0");
  EXPECT_EQ(trace->nodes[0].cpu_milli, 32000);
}

TEST_F(OpenbTest, BlankLinesAndLineEndsOfOtherSystemsDoNotMatter) {
  nodes("sn,cpu_milli,memory_mib,gpu,model\r\n\r\nn-0,32000,262144,2,T4\r\n\n");
  const auto trace = read();
  ASSERT_TRUE(trace.ok()) << trace.error().message;
  ASSERT_EQ(trace->nodes.size(), 1u);
  EXPECT_EQ(trace->nodes[0].model, "T4");
}

TEST_F(OpenbTest, ALimitKeepsTheEarliestPods) {
  pods(std::string(kPodHeader) + "late,1,1,0,0,,BE,Running,900,1000,\n" + kGoodPod);
  const auto trace = read(1);
  ASSERT_TRUE(trace.ok());
  ASSERT_EQ(trace->pods.size(), 1u);
  EXPECT_EQ(trace->pods[0].name, "p-0");
}

TEST_F(OpenbTest, AMissingFileIsNamed) {
  std::filesystem::remove(directory / "openb_pod_list_default.csv");
  const auto trace = read();
  ASSERT_FALSE(trace.ok());
  EXPECT_EQ(trace.error().message, file("openb_pod_list_default.csv") + ": cannot be read");
}

TEST_F(OpenbTest, AnEmptyFileHasNoHeader) {
  nodes("");
  refuses(file("openb_node_list_all_node.csv") + ":1", "header");
}

TEST_F(OpenbTest, AMissingColumnIsNamed) {
  nodes("sn,cpu_milli,gpu,model\nn-0,32000,2,T4\n");
  refuses(file("openb_node_list_all_node.csv") + ":2", "memory_mib");
}

TEST_F(OpenbTest, RefusesNodesThatMakeNoSense) {
  refuses_node("n-0,32000,262144,2", "4 fields");
  refuses_node("n-0,32000,262144,2,T4,more", "6 fields");
  refuses_node(",32000,262144,2,T4", "sn");
  refuses_node("n-0,many,262144,2,T4", "cpu_milli: \"many\"");
  refuses_node("n-0,-1,262144,2,T4", "cpu_milli: \"-1\"");
  refuses_node("n-0,32000,,2,T4", "memory_mib");
  refuses_node("n-0,32000,1.5,2,T4", "memory_mib: \"1.5\"");
  refuses_node("n-0,32000,262144,65,T4", "gpu");
  refuses_node("n-0,99999999999999999999,262144,2,T4", "cpu_milli");
  refuses_node("N_0,1,1,0,", "sn: a lowercase RFC 1123");
  refuses_node("n-0,1,1,1,a b", "model: a valid label");
  nodes(std::string(kNodeHeader) + "n-0,1,1,0,\nn-0,1,1,0,\n");
  refuses(file("openb_node_list_all_node.csv") + ":3", "there is a n-0 above");
}

TEST_F(OpenbTest, RefusesPodsThatMakeNoSense) {
  refuses_pod("p-1,1,1,0,0,,LS,Running,100,500", "10 fields");
  refuses_pod(",1,1,0,0,,LS,Running,100,500,1", "name");
  refuses_pod("p-1,x,1,0,0,,LS,Running,100,500,1", "cpu_milli: \"x\"");
  refuses_pod("p-1,1,x,0,0,,LS,Running,100,500,1", "memory_mib: \"x\"");
  refuses_pod("p-1,1,1,-2,0,,LS,Running,100,500,1", "num_gpu: \"-2\"");
  refuses_pod("p-1,1,1,1,1001,,LS,Running,100,500,1", "gpu_milli: \"1001\"");
  refuses_pod("p-1,1,1,0,0,,LS,Running,,500,1", "creation_time");
  refuses_pod("p-1,1,1,0,0,,LS,Running,100,soon,1", "deletion_time: \"soon\"");
  refuses_pod("p-1,1,1,0,0,,LS,Running,500,100,1", "deletion_time");
  refuses_pod("P_1,1,1,0,0,,LS,Running,100,500,1", "name: a lowercase RFC 1123");
  refuses_pod("p-1,1,1,1,1000,T4|a b,LS,Running,100,500,1", "gpu_spec: a valid label");
  refuses_pod("p-0,1,1,0,0,,LS,Running,100,500,1", "there is a p-0 above");
}

class ReplayTest : public OpenbTest {
 protected:
  Scenario scenario(const std::string& more = {}) {
    auto loaded =
        parse_scenario("name: t\nduration: 10m\nquiet: 10s\ntrace: {format: openb, directory: \"" +
                           directory.string() + "\"}\nimages: {\"trace:v1\": {pull: 0s}}\n" + more,
                       "t.yaml", {});
    EXPECT_TRUE(loaded.ok()) << loaded.error().message;
    return loaded.ok() ? std::move(*loaded) : Scenario{};
  }
};

TEST_F(ReplayTest, PodsComeAndGoAtTheirTimesAndUseWhatTheyAskFor) {
  nodes(std::string(kNodeHeader) + "n-0,32000,102400,2,T4\nn-1,32000,102400,2,V100\n");
  pods(std::string(kPodHeader) +
       "whole,16000,51200,2,1000,V100,LS,Running,0,480,0\n"  // fills the GPUs of n-1
       "waits,1000,1024,1,500,V100,LS,Running,60,480,60\n"  // until whole is gone, and goes with it
       "other,16000,51200,1,1000,,LS,Running,120,240,120\n");
  const Scenario s = scenario();
  sim::Run run(s, {.seed = 1, .max_events = 0, .progress = {}});
  EXPECT_EQ(run.execute(), Verdict::held);
  const TraceReplay* replay = run.workload().trace();
  ASSERT_NE(replay, nullptr);
  EXPECT_EQ(replay->created(), 3u);
  EXPECT_EQ(replay->deleted(), 3u);
  EXPECT_EQ(replay->left(), 0u);
  const auto at = [&](Duration time) {
    for (const TraceSample& sample : replay->samples()) {
      if (sample.trace_time >= time) return sample;
    }
    return TraceSample{};
  };
  EXPECT_EQ(at(30s).bound, 1u);
  EXPECT_EQ(at(30s).pending, 0u);
  EXPECT_EQ(at(30s).cpu_ppm, 250'000u);
  EXPECT_EQ(at(30s).gpu_ppm, 500'000u);
  EXPECT_EQ(at(90s).pending, 1u) << "a share of a device costs a device";
  EXPECT_EQ(at(180s).bound, 2u);
  EXPECT_EQ(at(180s).memory_ppm, 500'000u);
  EXPECT_EQ(at(180s).gpu_ppm, 750'000u);
  EXPECT_EQ(at(300s).bound, 1u);
  EXPECT_EQ(run.metrics().waiting_max(), 2u) << "the one that waits, and for a moment the last one";
}

TEST_F(ReplayTest, ATraceLongerThanTheRunIsCutOff) {
  pods(std::string(kPodHeader) +
       "now,1000,1,0,0,,LS,Running,0,999999999,0\n"
       "never,1000,1,0,0,,LS,Running,999999998,999999999,0\n");
  const Scenario s = scenario();
  sim::Run run(s, {.seed = 1, .max_events = 0, .progress = {}});
  EXPECT_EQ(run.execute(), Verdict::held);
  EXPECT_EQ(run.workload().trace()->created(), 1u);
  EXPECT_EQ(run.workload().trace()->left(), 3u);
  EXPECT_EQ(run.workload().trace()->samples().size(), 48u) << "spread over the run";
}

TEST_F(ReplayTest, NodesOfTheScenarioHaveOtherNames) {
  const Scenario s = scenario("cluster: {pools: [{prefix: n-, count: 3}]}\n");
  nodes(std::string(kNodeHeader) + "n-2,32000,262144,2,T4\n");
  const Workload workload(s);
  ASSERT_FALSE(workload.status().ok());
  EXPECT_NE(workload.status().message().find("n-2"), std::string::npos)
      << workload.status().message();
}

}  // namespace
}  // namespace keelson::sim
