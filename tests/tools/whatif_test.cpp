// keelson whatif, as a user types it.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

namespace keelson {
namespace {

struct Answer {
  int code = -1;
  std::string text;  // both streams
};

class WhatIfCommandTest : public testing::Test {
 protected:
  WhatIfCommandTest()
      : file_(std::filesystem::path(testing::TempDir()) /
              ("keelson-whatif-" + std::to_string(::getpid()) + ".yaml")) {
    std::string dump = "apiVersion: v1\nkind: List\nitems:\n";
    for (const char* node : {"n1", "n2", "n3"}) {
      dump += std::string("- {apiVersion: v1, kind: Node, metadata: {name: ") + node +
              "}, status: {allocatable: {cpu: \"4\", memory: 8Gi, pods: \"10\"}, conditions: [{type: "
              "Ready, status: \"True\"}]}}\n";
    }
    for (const char* place : {"1", "2", "3"}) {
      dump += std::string("- {apiVersion: v1, kind: Pod, metadata: {name: db-") + place +
              ", namespace: data, labels: {app: db}, ownerReferences: [{apiVersion: apps/v1, kind: "
              "StatefulSet, name: db, uid: u, controller: true}]}, spec: {nodeName: n" + place +
              ", containers: [{name: db, image: db, resources: {requests: {cpu: \"3\"}}}]}}\n";
    }
    std::ofstream(file_) << dump;
  }
  ~WhatIfCommandTest() override { std::filesystem::remove(file_); }

  Answer whatif(const std::string& arguments) const {
    const std::string command = std::string(KEELSON_BINARY_DIR) + "/keelson whatif " + arguments + " 2>&1";
    Answer answer;
    std::FILE* pipe = ::popen(command.c_str(), "r");
    char buffer[4096];
    for (std::size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) {
      answer.text.append(buffer, got);
    }
    const int status = ::pclose(pipe);
    answer.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return answer;
  }

  std::filesystem::path file_;
};

TEST_F(WhatIfCommandTest, SaysWhatWouldHappen) {
  const std::string cluster = "--cluster " + file_.string() + " ";
  const Answer full = whatif(cluster + "--drain n2");
  EXPECT_EQ(full.code, 1);
  EXPECT_NE(full.text.find("Would stay pending (1)\n"
                           "  NAMESPACE  POD   FROM  WHY\n"
                           "  data       db-2  n2    drained: 0/3 nodes are available:"),
            std::string::npos) << full.text;
  const Answer wider = whatif(cluster + "--drain=n2 --add-nodes 1 --like n1");
  EXPECT_EQ(wider.code, 0) << wider.text;
  EXPECT_NE(wider.text.find("  data       db-2  n2    n1-new-1  drained\n"), std::string::npos) << wider.text;
  EXPECT_NE(wider.text.find("  before  3      3     75.0%  0.0%\n  after   4      3     56.2%  0.0%\n"),
            std::string::npos) << wider.text;
  const Answer json = whatif(cluster + "--drain n2 -o json");
  EXPECT_EQ(json.code, 1);
  EXPECT_TRUE(json.text.starts_with("{\"fits\":false,")) << json.text;
}

TEST_F(WhatIfCommandTest, ASchedulersConfigurationSaysWhoDecides) {
  std::ofstream(file_, std::ios::app)
      << "- {apiVersion: v1, kind: Pod, metadata: {name: bare, namespace: data}, spec: {nodeName: n2, "
         "schedulerName: special, containers: [{name: c, image: c}]}}\n"
         "- {apiVersion: v1, kind: Pod, metadata: {name: waits, namespace: data}, spec: {schedulerName: "
         "special, containers: [{name: c, image: c}]}}\n";
  const std::string config = file_.string() + ".config";
  const std::string head =
      "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n";
  std::ofstream(config) << head << "profiles: [{schedulerName: special}]\n";
  const std::string cluster = "--cluster " + file_.string() + " ";

  Answer answer = whatif(cluster + "--drain n2 --scheduler-config " + config);
  EXPECT_EQ(answer.code, 1);
  EXPECT_NE(answer.text.find("kubectl drain would refuse\n"
                             "  NODE  NAMESPACE  POD   WHY\n"
                             "  n2    data       bare  nobody would make it again (--force)\n"),
            std::string::npos) << answer.text;
  EXPECT_NE(answer.text.find("  data       waits  -     n"), std::string::npos) << answer.text;

  answer = whatif(cluster + "--drain n2 --force --policy " + config);
  EXPECT_EQ(answer.code, 1);
  EXPECT_NE(answer.text.find("  data       db-2  n2    drained: no scheduler of this configuration is "
                             "responsible for schedulerName \"default-scheduler\"\n"),
            std::string::npos) << answer.text;

  std::ofstream(config) << head << "extenders: [{urlPrefix: \"http://x\", filterVerb: f}]\n";
  answer = whatif(cluster + "--drain n2 --scheduler-config " + config);
  EXPECT_EQ(answer.code, 2);
  EXPECT_NE(answer.text.find(config + ":3: extenders: cannot be asked"), std::string::npos) << answer.text;
  std::filesystem::remove(config);
}

TEST_F(WhatIfCommandTest, RefusesWhatItCannotDo) {
  const std::string cluster = "--cluster " + file_.string() + " ";
  const auto refused = [&](const std::string& arguments, const std::string& why) {
    const Answer answer = whatif(arguments);
    EXPECT_EQ(answer.code, 2) << arguments;
    EXPECT_NE(answer.text.find(why), std::string::npos) << answer.text;
  };
  refused("--drain n1", "--cluster: which dump?");
  refused(cluster, "what would be changed?");
  refused(cluster + "--drain n7", "there is no node \"n7\"; there are 3: n1, n2, n3");
  refused(cluster + "--explode n1", "unknown option --explode");
  refused(cluster + "--add-nodes many", "--add-nodes: expected a number");
  refused(cluster + "--scale web", "write it like deployment/web=20");
  refused(cluster + "--drain n1 --like n2", "--like: of which --add-nodes?");
  refused(cluster + "--remove-node n1 --force", "of which --drain?");
  refused(cluster + "--drain n1 --policy nothing", "there is no policy nothing, and no such file");
  refused(cluster + "--drain n1 --policy default --scheduler-config x", "either this or --policy");
  refused("--cluster nowhere.yaml --drain n1", "nowhere.yaml: cannot be read");
  EXPECT_EQ(whatif("--help").code, 0);
}

}  // namespace
}  // namespace keelson
