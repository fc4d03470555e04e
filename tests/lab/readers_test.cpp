// The readers of published traces, with tables as they are published, and what is wrong in them.
#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>

#include "core/api/quantity.hpp"
#include "sim/lab/load.hpp"
#include "sim/lab/readers/rows.hpp"

namespace keelson::lab {
namespace {

class ReadersTest : public testing::Test {
 protected:
  ReadersTest() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    folder_ = std::filesystem::path(testing::TempDir()) /
              (std::string("keelson-readers-") + info->name() + "-" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  ~ReadersTest() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(path(name), std::ios::binary) << text;
  }
  Result<Loaded> load(const std::string& yaml) {
    sim::ReadErrors errors("exp.yaml");
    const YAML::Node root = YAML::Load(yaml);
    const WorkloadSpec spec =
        read_workload(sim::MapReader(root, "workload", errors), folder_.string());
    if (!errors.empty()) return errors.error();
    return load_workload(spec, 1);
  }
  // What is said about it, without the folder.
  std::string complaint(const std::string& yaml) {
    const auto loaded = load(yaml);
    if (loaded) return "";
    std::string text = loaded.error().message;
    if (text.starts_with(folder_.string())) text.erase(0, folder_.string().size() + 1);
    return text;
  }

  std::filesystem::path folder_;
};

int64_t cpu(const api::ObjectPtr& pod) {
  const auto& requests = pod->as<api::Pod>().spec().containers(0).resources().requests();
  const auto it = requests.find("cpu");
  return it == requests.end() ? 0 : api::milli_value_of(it->second);
}
int64_t memory(const api::ObjectPtr& pod) {
  const auto& requests = pod->as<api::Pod>().spec().containers(0).resources().requests();
  const auto it = requests.find("memory");
  return it == requests.end() ? 0 : api::value_of(it->second);
}
// "name at cpu/memory for how long", one per line.
std::string shown(const Workload& workload) {
  std::string text;
  for (const Arrival& arrival : workload.arrivals) {
    text += arrival.pod->name() + " @" + sim::format_duration(arrival.at) + " " +
            std::to_string(cpu(arrival.pod)) + "m/" + std::to_string(memory(arrival.pod) >> 20) +
            "Mi " + (arrival.runs_for ? sim::format_duration(*arrival.runs_for) : "ever") + "\n";
  }
  return text;
}

constexpr const char* k2018 =
    "{format: alibaba-2018, machines: machine_meta.csv, tasks: batch_task.csv, largestMemory: 100Gi";

TEST_F(ReadersTest, ReadsAlibaba2018) {
  write("machine_meta.csv",
        "m_1,0,7,58,96,100,USING\n"
        "m_1,386,7,58,96,100,USING\n"
        "m_2,0,8,59,48,50,USING\n");
  write("batch_task.csv",
        "M1,2,j_1,1,Terminated,87076,87086,50.0,0.2\n"
        "R2_1,1,j_1,1,Terminated,87000,87100,100.0,0.39\n"
        "M1,5,j_2,1,Waiting,0,0,100.0,0.3\n"      // never began
        "M1,1,j_3,12,Running,87090,0,,\n");       // no plan, no end
  const auto loaded = load(std::string(k2018) + "}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(shown(loaded->workload),
            "j-1-r2-1-3 @24h10m 1000m/399Mi 1m40s\n"
            "j-1-m1-1 @24h11m16s 500m/204Mi 10s\n"
            "j-1-m1-2 @24h11m16s 500m/204Mi 10s\n"
            "j-3-m1-4 @24h11m30s 0m/0Mi ever\n");
  ASSERT_EQ(loaded->workload.nodes.size(), 2u);
  const auto& node = loaded->workload.nodes[1]->as<api::Node>();
  EXPECT_EQ(node.metadata().name(), "m-2");
  EXPECT_EQ(node.metadata().labels().at("topology.kubernetes.io/zone"), "domain-8");
  EXPECT_EQ(node.status().allocatable().at("cpu").string(), "48");
  EXPECT_EQ(api::value_of(node.status().allocatable().at("memory")), int64_t{50} << 30);
}

TEST_F(ReadersTest, TakesInstancesWithThePlansOfTheirTasks) {
  write("machine_meta.csv", "m_1,0,7,58,96,100,USING\n");
  write("batch_task.csv", "M1,2,j_1,1,Terminated,100,200,50.0,0.2\n");
  write("instances/part1.csv",
        "ins_1,M1,j_1,1,Terminated,100,130,m_1,1,1,30.0,40.0,0.1,0.1\n"
        "ins_2,M1,j_1,1,Failed,90,95,m_1,1,2,,,,\n"
        "ins_3,M9,j_9,1,Terminated,90,95,m_1,1,1,,,,\n"  // of a task that the table does not have
        "ins_4,M1,j_1,1,Ready,0,0,m_1,1,1\n");
  const auto loaded = load(std::string(k2018) + ", instances: instances}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(shown(loaded->workload),
            "j-1-m1-2 @1m30s 500m/204Mi 5s\nj-1-m1-1 @1m40s 500m/204Mi 30s\n");
}

TEST_F(ReadersTest, ReadsAlibaba2017) {
  write("server_event.csv",
        "0,1,add,,64,0.69,1\n0,2,add,,64,1,1\n4000,1,softerror,agent_check,,,\n");
  write("batch_task.csv", "59581,59592,12702,79304,2,Terminated,100,0.005404705821447985\n");
  const std::string common =
      "{format: alibaba-2017, machines: server_event.csv, tasks: batch_task.csv, "
      "largestMemory: 100Gi";
  const auto loaded = load(common + ", planInHundredths: true}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(shown(loaded->workload),
            "12702-79304-1 @16h33m1s 1000m/553Mi 11s\n12702-79304-2 @16h33m1s 1000m/553Mi 11s\n");
  EXPECT_EQ(loaded->workload.nodes.size(), 2u);
  EXPECT_EQ(cpu(load(common + "}")->workload.arrivals[0].pod), 100'000);
}

TEST_F(ReadersTest, NamesFileLineAndFieldOrCounts) {
  write("machine_meta.csv", "m_1,0,7,58,96,100,USING\n");
  write("batch_task.csv",
        "M1,2,j_1,1,Terminated,100,200,50.0,0.2\n"
        "M1,two,j_1,1,Terminated,100,200,50.0,0.2\n"
        "M1,1,j_1,1\n"
        "M1,1,j_2,1,Terminated,100,90,50.0,0.2\n"
        "M1,1,j_2,1,Terminated,100,200,50.0,-0.2\n" +
            std::string(100'000, 'x') + "\nM1,1,j_9,1,Terminated,100,200,50.0,0.2");
  EXPECT_EQ(complaint(std::string(k2018) + "}"),
            "batch_task.csv:2: instance_num: \"two\" is not a whole number from 0 to 1000000");
  const auto loaded = load(std::string(k2018) + ", lenient: true}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->skipped.rows, 5u);
  EXPECT_NE(loaded->skipped.first.find("batch_task.csv:2: instance_num"), std::string::npos);
  EXPECT_EQ(loaded->workload.arrivals.size(), 3u);

  const auto only = [&](const std::string& row) {
    write("batch_task.csv", row);
    return complaint(std::string(k2018) + "}");
  };
  EXPECT_EQ(only("M1,1,j_1,1\n"), "batch_task.csv:1: has 4 fields instead of 7");
  EXPECT_EQ(only("M1,1,j_2,1,Terminated,100,90,50.0,0.2\n"), "batch_task.csv:1: end_time: is before 100");
  EXPECT_EQ(only(std::string(100'000, 'x')), "batch_task.csv:1: the line is longer than 65536 bytes");
  EXPECT_EQ(complaint("{format: swf, file: none.swf}"), "none.swf: cannot be read");
  EXPECT_NE(complaint("{format: swf, file: x, limt: 3}").find("exp.yaml:1: workload.limt: unknown field"),
            std::string::npos);
  EXPECT_NE(complaint("{format: parquet}").find("workload.format: \"parquet\" is none of openb, alibaba-2017"),
            std::string::npos);
}

TEST_F(ReadersTest, ReadsGooglePartsAndSeesEvictionsThrough) {
  write("machine_events.csv",
        "0,5,0,HofLGzk1Or/8Ildj2+Lqv0UGGvY82NLoni8+J/Yy0RU=,0.5,0.2493\n"
        "0,6,0,x,0.25,0.25\n0,6,0,x,0.25,0.25\n900000000,7,0,x,1,1\n0,8,0,x,,\n");
  const auto event = [](int64_t s, int job, int index, int what, const char* rest) {
    return std::to_string(s * 1'000'000) + ",," + std::to_string(job) + "," + std::to_string(index) +
           ",," + std::to_string(what) + ",user,2," + rest + "\n";
  };
  const std::string part0 = event(0, 1, 0, 0, "9,0.125,0.07446,0.0004,0") +
                            event(0, 1, 0, 1, "9,0.125,0.07446,0.0004,0") +
                            event(700, 2, 0, 0, "0,0.5,1e-3,0,1") +
                            event(710, 2, 0, 1, "0,0.5,1e-3,0,1");
  const std::string part1 = event(720, 2, 0, 2, "0,0.5,1e-3,0,1") +  // evicted,
                            event(720, 2, 0, 0, "0,0.5,1e-3,0,1") +  // submitted again,
                            event(730, 2, 0, 7, "0,0.25,1e-3,0,1") +  // changed,
                            event(740, 2, 0, 1, "0,0.25,1e-3,0,1") +  // scheduled,
                            event(770, 2, 0, 4, "0,0.25,1e-3,0,1") +  // finished
                            event(800, 3, 0, 0, "0,,,,") + event(810, 3, 0, 5, "0,,,,") +
                            "9223372036854775807,,1,0,,4,user,2,9,0.1,0.1,0,0\n";
  // The parts are compressed, as published.
  std::filesystem::create_directories(path("task_events"));
  int number = 0;
  for (const std::string& part : {part0, part1}) {
    const gzFile file = gzopen(path("task_events/part-0000" + std::to_string(number++) +
                                    "-of-00500.csv.gz").c_str(), "wb");
    gzwrite(file, part.data(), static_cast<unsigned>(part.size()));
    gzclose(file);
  }
  const auto loaded = load(
      "{format: google-2011, machines: machine_events.csv, tasks: task_events, largestCpu: 100, "
      "largestMemory: 1000Gi}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(shown(loaded->workload),
            "task-1-0-3 @0s 12500m/76247Mi ever\n"
            "task-2-0-1 @1m40s 25000m/1024Mi 30s\n"
            "task-3-0-2 @3m20s 0m/0Mi 0s\n");
  const auto& apart = loaded->workload.arrivals[1].pod->as<api::Pod>().spec();
  EXPECT_EQ(apart.affinity().pod_anti_affinity()
                .required_during_scheduling_ignored_during_execution_size(), 1);
  EXPECT_EQ(loaded->workload.arrivals[0].pod->as<api::Pod>().spec().priority(), 9);
  ASSERT_EQ(loaded->workload.nodes.size(), 2u);
  EXPECT_EQ(loaded->workload.nodes[0]->as<api::Node>().status().allocatable().at("cpu").string(), "50");
}

TEST_F(ReadersTest, SaysThatCompressedDataAreDamaged) {
  write("whole.csv", "");
  const gzFile file = gzopen(path("t.csv.gz").c_str(), "wb");
  std::string rows;
  for (int i = 0; i < 20'000; ++i) rows += std::to_string(i * 7919) + ",,1," + std::to_string(i) + ",,0,u,0,0\n";
  gzwrite(file, rows.data(), static_cast<unsigned>(rows.size()));
  gzclose(file);
  std::filesystem::resize_file(path("t.csv.gz"), std::filesystem::file_size(path("t.csv.gz")) / 2);
  const std::string said = complaint(
      "{format: google-2011, tasks: t.csv.gz, lenient: true, nodes: [{cpu: 1, memory: 1Gi}]}");
  EXPECT_NE(said.find("the compressed data are damaged"), std::string::npos) << said;
}

TEST_F(ReadersTest, ReadsAzurePacking) {
  write("vm.csv",
        "vmId,tenantId,vmTypeId,priority,starttime,endtime\n"
        "1,9,10,0,-3.5,0.5\n"
        "2,9,10,1,0.25,\n"
        "3,9,11,0,0.25,0.75\r\n"
        "4,9,12,0,0.5,1\n"     // a type that does not run on these machines
        "5,9,10,0,-3,-1\n");   // was over before
  write("vmType.csv",
        "id,vmTypeId,machineId,core,memory,hdd,ssd,nic\n"
        "0,10,1,0.25,0.125,,0.0333,0.1\n"
        "1,11,1,0.5,0.5,0,0.5,0.2\n"
        "2,12,2,1,1,0,1,0.2\n");
  const std::string text =
      "{format: azure-2020, vms: vm.csv, types: vmType.csv, machines: 3, machineCpu: 100, "
      "machineMemory: 64Gi";
  const auto loaded = load(text + "}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(shown(loaded->workload),
            "vm-1 @0s 25000m/8192Mi 12h\n"
            "vm-2 @6h 25000m/8192Mi ever\n"
            "vm-3 @6h 50000m/32768Mi 12h\n");
  EXPECT_EQ(loaded->workload.nodes.size(), 3u);
  const auto& requests =
      loaded->workload.arrivals[0].pod->as<api::Pod>().spec().containers(0).resources().requests();
  EXPECT_EQ(requests.at("azure.trace/ssd-milli").string(), "34");  // rounded up
  EXPECT_EQ(load(text + ", machine: 2}")->workload.arrivals.size(), 1u);
  EXPECT_NE(complaint(text + ", machine: 3}").find("has no types of machine 3"), std::string::npos);
  write("vmType.csv", "id,vmTypeId,machineId,memory\n");
  EXPECT_EQ(complaint(text + "}"), "vmType.csv:1: the header has no column core");
}

TEST_F(ReadersTest, ReadsTheStandardWorkloadFormat) {
  write("log.swf",
        "; Version: 2.2\n; MaxNodes: 4\n;  MaxProcs: 32\n\n"
        "1 0 10 3600 20 -1 -1 20 7200 1024 1 1 1 -1 1 -1 -1 -1\n"  // 20 processors: 3 nodes' 7
        "  2 60.5 0 5 1 -1 2048 -1 -1 -1 0 1 1 -1 1 -1 -1 -1\n"
        "3 70 0 -1 1 -1 -1 1 -1 -1 5 1 1 -1 1 -1 -1 -1\n"   // never ran
        "4 80 0 10 1 -1 -1 1 -1 -1 3 1 1 -1 1 -1 -1 -1\n");  // a part of a job
  const auto loaded = load("{format: swf, file: log.swf}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(shown(loaded->workload),
            "job-1-5-0 @0s 7000m/7Mi 1h\njob-1-5-1 @0s 7000m/7Mi 1h\njob-1-5-2 @0s 7000m/7Mi 1h\n"
            "job-2-6-0 @1m0.5s 1000m/2Mi 5s\n");
  ASSERT_EQ(loaded->workload.nodes.size(), 4u);
  EXPECT_EQ(loaded->workload.nodes[0]->as<api::Node>().status().allocatable().at("cpu").string(), "8");

  const auto wide = load("{format: swf, file: log.swf, processorsPerNode: 32}");
  EXPECT_EQ(wide->workload.arrivals.size(), 2u);
  EXPECT_EQ(wide->workload.nodes.size(), 1u);
  write("bare.swf", "1 0 10 3600 20 -1 -1 20 7200 1024 1 1 1 -1 1 -1 -1 -1\n");
  EXPECT_NE(complaint("{format: swf, file: bare.swf}").find("neither MaxNodes nor MaxProcs"),
            std::string::npos);
  write("short.swf", "1 0 10 3600\n");
  EXPECT_EQ(complaint("{format: swf, file: short.swf}"), "short.swf:1: has 4 fields instead of 18");
}

TEST_F(ReadersTest, KeepsAWindowAndTheFirstOfIt) {
  std::string rows = "; MaxProcs: 8\n";
  for (int i = 0; i < 100; ++i) {  // out of order
    rows += std::to_string(i) + " " + std::to_string(i * 37 % 100) +
            " 0 5 1 -1 -1 1 -1 -1 1 1 1 -1 1 -1 -1 -1\n";
  }
  write("log.swf", rows);
  const auto loaded =
      load("{format: swf, file: log.swf, window: {from: 20s, for: 30s}, limit: 3, scale: 0.5}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  ASSERT_EQ(loaded->workload.arrivals.size(), 3u);
  // The seconds 20, 21 and 22, counted from the window's beginning, at half the rate.
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(loaded->workload.arrivals[static_cast<std::size_t>(i)].at, std::chrono::seconds(2 * i));
  }
  EXPECT_EQ(load("{format: swf, file: log.swf, window: {from: 20s, for: 30s}}")->workload.arrivals.size(),
            30u);
}

TEST_F(ReadersTest, ReadsADumpOfAClusterAsYamlOrJson) {
  write("dump.yaml", R"(apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Node
  metadata: {name: n1, uid: u-n1, labels: {kubernetes.io/hostname: n1}}
  status:
    allocatable: {cpu: "4", memory: 8Gi, pods: "110"}
    conditions: [{type: Ready, status: "True"}]
    unknownToKeelson: 3
- apiVersion: v1
  kind: Pod
  metadata: {name: done, namespace: a, uid: u0}
  spec: {nodeName: n1, containers: [{name: c, image: i}]}
  status: {phase: Succeeded}
- apiVersion: v1
  kind: Pod
  metadata: {name: bound, namespace: a, uid: u1}
  spec: {nodeName: n1, priority: 7, containers: [{name: c, image: i}]}
  status: {phase: Running}
- apiVersion: v1
  kind: Pod
  metadata: {name: younger, namespace: a, creationTimestamp: "2026-01-01T00:00:02Z"}
  spec: {priorityClassName: high, containers: [{name: c, image: i}]}
- apiVersion: v1
  kind: Pod
  metadata: {name: older, namespace: b, creationTimestamp: "2026-01-01T00:00:01Z"}
  spec: {containers: [{name: c, image: i}]}
- {apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: high}, value: 1000}
- apiVersion: policy/v1
  kind: PodDisruptionBudget
  metadata: {name: pdb, namespace: a}
  spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
)");
  const auto loaded = load("{format: dump, file: dump.yaml}");
  ASSERT_TRUE(loaded) << loaded.error().message;
  const Workload& workload = loaded->workload;
  EXPECT_EQ(workload.nodes.size(), 1u);
  ASSERT_EQ(workload.bound.size(), 1u);
  EXPECT_EQ(workload.bound[0]->name(), "bound");
  EXPECT_EQ(workload.bound[0]->as<api::Pod>().spec().priority(), 7);
  EXPECT_EQ(workload.others.size(), 2u);
  ASSERT_EQ(workload.arrivals.size(), 2u);
  EXPECT_EQ(workload.arrivals[0].pod->name(), "older");
  EXPECT_EQ(workload.arrivals[1].pod->name(), "younger");
  EXPECT_EQ(workload.arrivals[1].pod->uid(), "a/younger");
  EXPECT_EQ(workload.arrivals[1].pod->as<api::Pod>().spec().priority(), 1000);

  write("dump.json", R"({"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Node",
    "metadata":{"name":"n1"},"status":{"allocatable":{"cpu":"4"}}}]})");
  EXPECT_EQ(load("{format: dump, file: dump.json}")->workload.nodes.size(), 1u);

  const auto only = [&](const std::string& text) {
    write("dump.yaml", text);
    return complaint("{format: dump, file: dump.yaml}");
  };
  EXPECT_NE(only("").find("dump.yaml: there are no nodes in it"), std::string::npos);
  EXPECT_EQ(only("a: ["), "dump.yaml:2:1: did not find expected node content");
  EXPECT_NE(only("apiVersion: v1\nkind: Node\nmetadata: {name: n1}\nspec: {unschedulable: maybe}\n")
                .find("dump.yaml:4:8: "), std::string::npos);
  EXPECT_EQ(only("apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n---\n"
                 "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n"), "dump.yaml: there are two nodes n1");
}

TEST(Decimals, AreExact) {
  EXPECT_EQ(parse_decimal("1.5", 3), 1500);
  EXPECT_EQ(parse_decimal("-0.0625", 4), -625);
  EXPECT_EQ(parse_decimal("6.5e-05", 9), 65'000);
  EXPECT_EQ(parse_decimal("1E3", 0), 1000);
  EXPECT_EQ(parse_decimal("0.0005", 3), 1);  // to the nearest, halves up
  EXPECT_EQ(parse_decimal("0.00049", 3), 0);
  EXPECT_EQ(parse_decimal("9223372036854775807", 0), INT64_MAX);
  EXPECT_EQ(parse_decimal("0.12345678901234567890123456789012345678901234567890", 6), 123'457);
  for (const char* wrong : {"", ".", "-", "1.2.3", "1e", "1e999", "0x1", "nan", "1 ", "9223372036854775808"}) {
    EXPECT_FALSE(parse_decimal(wrong, 0)) << wrong;
  }
  EXPECT_FALSE(parse_decimal("9223372036854775807", 1));
}

}  // namespace
}  // namespace keelson::lab
