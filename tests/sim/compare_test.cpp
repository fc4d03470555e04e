// keelson sim compare and merge as users call them: tables, files, exit codes, parts, Ctrl-C.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace keelson {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

struct Ended {
  int code = -1;
  std::string out, err;
};

class Compare : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / ("keelson-compare-" + std::to_string(::getpid()));
    fs::create_directories(folder_);
    write("small.yaml", R"(name: small
description: a few pods on a few nodes
parameters: {pods: 60}
workload:
  format: generated
  nodes: [{count: 6, cpu: 16, memory: 64Gi}]
  arrivals: {kind: at-once}
  pods: ${pods}
  classes: [{cpuMilli: {kind: choice, values: {"1000": 3, "6000": 1, "9000": 1}}, memoryMi: 1024}]
experiment: {kind: arrivals, load: 120, policies: [WorstFit, BestFit], seeds: 1..6}
)");
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(path(name)) << text;
  }
  std::string read(const std::string& name) const {
    std::ifstream in(path(name));
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  Ended keelson(const std::string& arguments, const std::string& before = "") const {
    const std::string command = "cd " + folder_.string() + " && " + before +
                                KEELSON_BINARY_DIR "/keelson sim " + arguments +
                                " > out 2> err < /dev/null";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read("out"),
            read("err")};
  }
  void refuses(const std::string& arguments, const std::string& what) const {
    const Ended ended = keelson(arguments);
    EXPECT_EQ(ended.code, 2) << arguments << "\n" << ended.out << ended.err;
    EXPECT_THAT(ended.err, HasSubstr(what)) << arguments;
  }
  fs::path folder_;
};

TEST_F(Compare, PrintsWhatPeopleAsk) {
  const Ended ended =
      keelson("compare small.yaml --jobs 2 --json a.json --csv a.csv --report a.html");
  ASSERT_EQ(ended.code, 0) << ended.err;
  for (const char* text :
       {"small: a few pods on a few nodes", "generated: 6 nodes, 60 pods; 2 variants, seeds 1..6",
        "cpu-allocation (%), higher is better", "  WorstFit  ", "  BestFit   ", " ± ",
        "decisions "}) {
    EXPECT_THAT(ended.out, HasSubstr(text));
  }
  const boost::json::value json = boost::json::parse(read("a.json"));
  EXPECT_EQ(json.at("runs").as_array().size(), 12u);
  EXPECT_EQ(json.at("complete"), true);
  EXPECT_EQ(json.at("plan").at("command"),
            "keelson sim compare small.yaml --policies WorstFit,BestFit --seeds 1..6");
  EXPECT_THAT(read("a.csv"), HasSubstr("\nWorstFit,,1,cpu-allocation,%,"));
  EXPECT_THAT(read("a.html"), HasSubstr("<svg class=\"chart\""));
  // The command that results name gives them again, however many processes share the work.
  const Ended again =
      keelson("compare small.yaml --policies WorstFit,BestFit --seeds 1..6 --json b.json");
  EXPECT_EQ(again.out, ended.out);
  EXPECT_TRUE(read("b.json") == read("a.json"));
}

TEST_F(Compare, PartsMakeTheSameBytes) {
  ASSERT_EQ(
      keelson("compare small.yaml --sweep nodes=3,6 --json whole.json --report whole.html").code,
      0);
  for (const char* part : {"0", "1", "2"}) {
    const std::string p = part;
    const Ended ended =
        keelson("compare small.yaml --quiet --sweep nodes=3,6 --json - --shard " + p + "/3");
    ASSERT_EQ(ended.code, 0) << ended.err;
    write("part-" + p + ".json", ended.err + ended.out);  // as the log of a container has both
  }
  const Ended merged =
      keelson("merge part-2.json part-0.json part-1.json --json merged.json --report merged.html");
  ASSERT_EQ(merged.code, 0) << merged.err;
  EXPECT_TRUE(read("merged.json") == read("whole.json"));
  EXPECT_TRUE(read("merged.html") == read("whole.html"));
  EXPECT_THAT(merged.out, HasSubstr("BestFit, nodes=6"));
  // Without one of them it is said what is missing.
  const Ended some = keelson("merge part-0.json part-1.json");
  EXPECT_EQ(some.code, 3);
  EXPECT_THAT(some.out, HasSubstr("INCOMPLETE: 8 of 24 runs are missing"));
  ASSERT_EQ(keelson("compare small.yaml --json other.json").code, 0);
  refuses("merge part-0.json other.json", "no parts of one study");
  refuses("merge small.yaml", "small.yaml is no JSON");
  refuses("merge nothing.json", "nothing.json: cannot be read");
}

TEST_F(Compare, RowsThatAreLeftOutAreSaid) {
  write("jobs.swf", "1 0 0 10 2 -1 -1 2 10 -1 1 1 1 1 1 1 -1 -1\nno job\n");
  write("swf.yaml", R"(name: swf
workload: {format: swf, file: jobs.swf, nodes: [{count: 2, cpu: 4, memory: 8Gi}]}
experiment: {kind: timed, policies: [default]}
)");
  refuses("compare swf.yaml", "jobs.swf:2");
  const Ended ended = keelson("compare swf.yaml --lenient --json a.json");
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("2 pods, 1 row of the trace left out"));
  EXPECT_THAT(read("a.json"), HasSubstr("1 row of the trace left out"));
}

TEST_F(Compare, MistakesAreNamed) {
  refuses("compare", "which experiment?");
  refuses("compare nothing.yaml", "nothing.yaml: cannot be read");
  refuses("compare small.yaml --policies BestFut", "no policy \"BestFut\"; there are default, ");
  refuses("compare small.yaml --policies mine.yaml", "mine.yaml: cannot be read");
  refuses("compare small.yaml --seeds 5..1", "--seeds 5..1");
  refuses("compare small.yaml --shard 3/3 --json a.json", "--shard 3/3");
  refuses("compare small.yaml --shard 0/3", "--json");
  refuses("compare small.yaml --sweep nodes=7", "more than the 6");
  refuses("compare small.yaml --sweep size=7", "nothing of this name");
  refuses("compare small.yaml --set pod=7", "no such parameter");
  refuses("compare small.yaml --json - --csv -", "only one of");
  refuses("compare small.yaml --json /nowhere/a.json", "cannot write /nowhere/a.json");
  refuses("compare small.yaml --jobs 0", "--jobs");
  for (const char* help : {"compare --help", "merge --help"}) {
    EXPECT_EQ(keelson(help).code, 0);
    EXPECT_THAT(keelson(help).out, HasSubstr("Exit codes"));
  }
}

TEST_F(Compare, ManifestHoldsTheExperiment) {
  write("mine.yaml",
        "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n");
  const Ended ended = keelson(
      "compare small.yaml --policies default,./mine.yaml --set pods=9 --manifest 4 --image "
      "here/keelson:2");
  ASSERT_EQ(ended.code, 0) << ended.err;
  for (const char* text :
       {"completions: 4", "\"here/keelson:2\"", "- --quiet", "\"/experiment/small.yaml\"",
        "\"default,/experiment/mine.yaml\"", "\"pods=9\"", "  \"mine.yaml\": \"apiVersion",
        "  \"small.yaml\": \"name: small\\n"}) {
    EXPECT_THAT(ended.out, HasSubstr(text));
  }
}

// A signal ends it within a run's time; what was done is shown, and that it is not all.
TEST_F(Compare, InterruptedItShowsWhatThereIs) {
  const Ended ended = keelson("compare small.yaml --seeds 1..1000000 --jobs 2 --json a.json",
                              "timeout --foreground --signal=INT 2 ");
  EXPECT_THAT(ended.out, HasSubstr("INCOMPLETE: "));
  EXPECT_THAT(ended.out, HasSubstr("cpu-allocation"));
  EXPECT_THAT(ended.err, Not(HasSubstr("signal")));
  EXPECT_EQ(boost::json::parse(read("a.json")).at("complete"), false);
}

}  // namespace
}  // namespace keelson
