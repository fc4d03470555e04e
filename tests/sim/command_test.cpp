// The command itself, as users and CI call it: exit codes, messages, files, replay, processes.
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

struct Outcome {
  int code = -1;  // 128 and more: ended by a signal
  std::string out, err;
};

class Command : public ::testing::Test {
 protected:
  void SetUp() override {
    folder = fs::path(::testing::TempDir()) / ("keelson-command-" + std::to_string(::getpid()));
    fs::create_directories(folder);
    write("small.yaml", R"(name: small
description: a deployment and a crash
duration: "${minutes}m"
quiet: 10s
parameters: {minutes: 1, crash: 30s, note: ""}
cluster: {pools: [{count: 3}]}
generate: [{deployments: 1, replicas: 2}]
timeline: [{at: "${crash}", fault: node-crash, for: 10s}]
)");
  }
  void TearDown() override { fs::remove_all(folder); }

  std::string path(const std::string& name) const { return (folder / name).string(); }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(path(name)) << text;
  }
  static std::string read(const std::string& file) {
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  Outcome keelson(const std::string& arguments) const {
    const std::string command = "cd " + folder.string() + " && " KEELSON_BINARY_DIR "/keelson " +
                                arguments + " > out 2> err < /dev/null";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read(path("out")),
            read(path("err"))};
  }
  // Exit code 2, with `what` said on standard error.
  void refuses(const std::string& arguments, const std::string& what) const {
    const Outcome outcome = keelson(arguments);
    EXPECT_EQ(outcome.code, 2) << arguments << "\n" << outcome.err;
    EXPECT_NE(outcome.err.find(what), std::string::npos) << arguments << "\n" << outcome.err;
  }
  static bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }
  fs::path folder;
};

TEST_F(Command, HelpIsNoMistake) {
  for (const char* arguments : {"--help", "help", "sim --help", "sim run --help",
                                "sim replay --help", "sim list --help", "up --help",
                                "--version"}) {
    const Outcome outcome = keelson(arguments);
    EXPECT_EQ(outcome.code, 0) << arguments;
    EXPECT_FALSE(outcome.out.empty()) << arguments;
    EXPECT_TRUE(outcome.err.empty()) << arguments << outcome.err;
  }
  const Outcome list = keelson("sim list");
  EXPECT_EQ(list.code, 0);
  EXPECT_TRUE(has(list.out, "node-crash")) << list.out;
  EXPECT_TRUE(has(list.out, "ZD-1")) << list.out;
}

TEST_F(Command, BadUsageIsSaid) {
  refuses("", "Usage");
  refuses("fly", "unknown command \"fly\"");
  refuses("sim", "Usage");
  refuses("sim fly", "unknown command \"fly\"");
  refuses("sim list things", "expected faults or checks");
  refuses("sim run", "which scenario");
  refuses("sim run nowhere.yaml", "nowhere.yaml: cannot be read");
  refuses("sim run .", ".: cannot be read");
  refuses("sim run small.yaml more", "unexpected argument \"more\"");
  refuses("sim run small.yaml --fast", "fast");
  refuses("sim run small.yaml --seed x", "x");
  refuses("sim run small.yaml --seed -1", "-1");
  for (const char* seeds :
       {"5..1", "1..", "..3", "..", "x", "1..2..3", "0..99999999999", "-1..3", "\"\""}) {
    refuses(std::string("sim run small.yaml --seeds ") + seeds, "expected A..B");
  }
  refuses("sim run small.yaml --seed 1 --seeds 1..2", "exclude each other");
  refuses("sim run small.yaml --jobs 0", "1 to 256");
  refuses("sim run small.yaml --jobs 257", "1 to 256");
  refuses("sim run small.yaml --set crash", "expected key=value");
  refuses("sim run small.yaml --set =1", "expected key=value");
  refuses("sim run small.yaml --set speed=1", "it has: crash, minutes, note");
  refuses("sim run small.yaml --set crash=soon", "small.yaml:8: timeline[0].at");
  refuses("sim run small.yaml --profile fast", "expected kubernetes or keelson");
  refuses("sim run small.yaml --variant a", "no variants");
  refuses("sim run small.yaml --time-limit 0", "above 0");
  refuses("sim run small.yaml --memory-limit 0", "above 0");
  refuses("sim run small.yaml --log loud", "expected debug, info or warning");
  refuses("sim run small.yaml --seed-bug NOT_ONE", "bug");
  refuses("sim run small.yaml --seeds 1..2 --record a.run", "goes with one seed");
  refuses("sim run small.yaml --json - --junit -", "only one of");
}

TEST_F(Command, AFileThatCannotBeWrittenIsSaidBeforeTheRun) {
  for (const char* option : {"--json", "--junit", "--record", "--dump"}) {
    const Outcome outcome = keelson(std::string("sim run small.yaml ") + option + " nowhere/file");
    EXPECT_EQ(outcome.code, 2) << option;
    EXPECT_TRUE(outcome.out.empty()) << outcome.out;
    EXPECT_TRUE(has(outcome.err, "cannot write nowhere/file")) << outcome.err;
  }
}

TEST_F(Command, ARunTellsItsStory) {
  const Outcome outcome = keelson("sim run small.yaml --seed 4");
  EXPECT_EQ(outcome.code, 0) << outcome.out << outcome.err;
  for (const char* part :
       {"small, seed 4", "Timeline", "loses power for 10s", "Workloads", "default/app-1",
        "Availability", "Pods ", "Faults      node-crash 1x", "Checks", "Hash ", "HELD"}) {
    EXPECT_TRUE(has(outcome.out, part)) << part << "\n" << outcome.out;
  }
  EXPECT_TRUE(outcome.err.empty()) << "no progress where nobody looks: " << outcome.err;
}

TEST_F(Command, ResultsForMachinesCanBeRead) {
  ASSERT_EQ(keelson("sim run small.yaml --json one.json --junit one.xml").code, 0);
  const auto one = boost::json::parse(read(path("one.json"))).as_object();
  EXPECT_EQ(one.at("verdict").as_string(), "held");
  EXPECT_EQ(one.at("seed").as_int64(), 1);
  EXPECT_EQ(one.at("faults").as_object().at("node-crash").as_object().at("fired").as_int64(), 1);
  EXPECT_FALSE(one.at("timeline").as_array().empty());
  EXPECT_EQ(one.at("workloads").as_array().size(), 1u);
  EXPECT_GT(one.at("checks").as_object().size(), 40u);
  EXPECT_TRUE(has(read(path("one.xml")), "<testcase classname=\"small\" name=\"seed 1\""));

  const Outcome printed = keelson("sim run small.yaml --json -");
  ASSERT_EQ(printed.code, 0);
  EXPECT_EQ(boost::json::parse(printed.out).as_object().at("hash"), one.at("hash"))
      << "nothing but the document is printed";

  ASSERT_EQ(
      keelson("sim run small.yaml --seeds 1..3 --jobs 2 --json many.json --junit many.xml").code,
      0);
  const auto many = boost::json::parse(read(path("many.json"))).as_object();
  ASSERT_EQ(many.at("runs").as_array().size(), 3u);
  EXPECT_EQ(many.at("runs").as_array()[0].as_object().at("hash"), one.at("hash"));
  EXPECT_TRUE(has(read(path("many.xml")), "tests=\"3\" failures=\"0\" errors=\"0\""));
}

TEST_F(Command, ALimitLeavesARunUndecided) {
  const Outcome time = keelson("sim run small.yaml --time-limit 0.000001");
  EXPECT_EQ(time.code, 3) << time.err;
  EXPECT_TRUE(has(time.out, "UNDECIDED   the limit of 1e-06 s of real time")) << time.out;
  const Outcome memory = keelson("sim run small.yaml --memory-limit 1");
  EXPECT_EQ(memory.code, 3) << memory.err;
  EXPECT_TRUE(has(memory.out, "the limit of 1 MiB of memory")) << memory.out;
  const Outcome many = keelson("sim run small.yaml --seeds 1..2 --memory-limit 1 --junit many.xml");
  EXPECT_EQ(many.code, 3) << many.out;
  EXPECT_TRUE(has(many.out, "0 violated, 2 undecided")) << many.out;
  EXPECT_TRUE(has(read(path("many.xml")), "errors=\"2\"")) << many.out;
  EXPECT_EQ(keelson("sim run small.yaml --time-limit 600 --memory-limit 100000").code, 0);
}

TEST_F(Command, ReplayRunsTheSameAgain) {
  ASSERT_EQ(
      keelson("sim run small.yaml --seed 9 --set crash=20s --profile kubernetes --record a.run")
          .code,
      0);
  write("small.yaml", "gone");  // the recording has all it needs
  const Outcome same = keelson("sim replay a.run");
  EXPECT_EQ(same.code, 0) << same.out << same.err;
  EXPECT_TRUE(has(same.out, "small, seed 9")) << same.out;
  EXPECT_TRUE(has(same.out, "kubernetes profile")) << same.out;
  EXPECT_TRUE(has(same.out, "The same as recorded.")) << same.out;

  auto changed = boost::json::parse(read(path("a.run"))).as_object();
  changed["seed"] = 10;
  write("b.run", boost::json::serialize(changed));
  const Outcome other = keelson("sim replay b.run");
  EXPECT_EQ(other.code, 3);
  EXPECT_TRUE(has(other.out, "NOT THE SAME")) << other.out;
}

TEST_F(Command, ReplayOfAnUndecidedRunEndsWhereItEnded) {
  ASSERT_EQ(keelson("sim run small.yaml --time-limit 0.000001 --record a.run").code, 3);
  const Outcome same = keelson("sim replay a.run");
  EXPECT_EQ(same.code, 3) << same.out;
  EXPECT_TRUE(has(same.out, "The same as recorded.")) << same.out;
}

TEST_F(Command, ReplayRefusesWhatIsNoRecording) {
  refuses("sim replay nowhere.run", "cannot be read");
  refuses("sim replay small.yaml", "is no recorded run");
  write("a.run", "{}");
  refuses("sim replay a.run", "is no recorded run");
  write("a.run", "[[[[");
  refuses("sim replay a.run", "is no recorded run");
  ASSERT_EQ(keelson("sim run small.yaml --record a.run").code, 0);
  auto object = boost::json::parse(read(path("a.run"))).as_object();
  object["text"] = "name: t\n}}}";
  write("b.run", boost::json::serialize(object));
  refuses("sim replay b.run", "small.yaml:2");
}

#ifdef KEELSON_SEEDED_BUGS
// A failed check says what it is, when, at which revision, who decided, and how to see it again:
// with all that the run was given.
TEST_F(Command, AFailedCheckSaysHowToSeeItAgain) {
  const std::string file = KEELSON_SOURCE_DIR "/scenarios/bugs/09-no-fence.yaml";
  const Outcome failed = keelson("sim run " + file +
                                 " --seed-bug NO_FENCE --profile keelson --record a.run "
                                 "--json a.json --junit a.xml");
  EXPECT_EQ(failed.code, 1) << failed.err;
  EXPECT_TRUE(has(failed.out, "VIOLATED    LE-1 at ")) << failed.out;
  EXPECT_TRUE(has(failed.out, "  decision  ")) << failed.out;
  const std::string again = "sim run " + file + " --seed 1 --profile keelson --seed-bug NO_FENCE";
  EXPECT_TRUE(has(failed.out, "  replay    keelson " + again + "\n")) << failed.out;
  EXPECT_EQ(keelson(again).code, 1);
  const Outcome replayed = keelson("sim replay a.run");
  EXPECT_EQ(replayed.code, 1);
  EXPECT_TRUE(has(replayed.out, "The same as recorded.")) << replayed.out;
  const auto json = boost::json::parse(read(path("a.json"))).as_object();
  const auto& violation = json.at("violations").as_array().at(0).as_object();
  EXPECT_EQ(violation.at("invariant").as_string(), "LE-1");
  EXPECT_FALSE(violation.at("decision").as_string().empty());
  EXPECT_TRUE(has(read(path("a.xml")), "<failure message=\"LE-1 at "));
}
#endif

TEST_F(Command, TheCommandThatReplaysIsSafeToPaste) {
  write("bad name.yaml", read(path("small.yaml")));
  const Outcome outcome =
      keelson("sim run 'bad name.yaml' --set \"note=it's\" --time-limit 0.000001 --json a.json");
  ASSERT_EQ(outcome.code, 3) << outcome.err;
  const auto json = boost::json::parse(read(path("a.json"))).as_object();
  EXPECT_EQ(json.at("command").as_string(),
            "keelson sim run 'bad name.yaml' --seed 1 --set 'note=it'\\''s'");
}

TEST_F(Command, VariantsAreRunOneAfterTheOther) {
  write("small.yaml", read(path("small.yaml")) +
                          "variants:\n  - {name: early, set: {crash: 10s}}\n"
                          "  - {name: late, set: {crash: 50s}}\n");
  const Outcome both = keelson("sim run small.yaml --json a.json --junit a.xml");
  EXPECT_EQ(both.code, 0) << both.out << both.err;
  EXPECT_TRUE(has(both.out, "variant early\n")) << both.out;
  EXPECT_TRUE(has(both.out, "variant late\n")) << both.out;
  EXPECT_TRUE(has(both.out, "Compared")) << both.out;
  const auto variants =
      boost::json::parse(read(path("a.json"))).as_object().at("variants").as_array();
  ASSERT_EQ(variants.size(), 2u);
  EXPECT_EQ(variants[1].as_object().at("variant").as_string(), "late");
  EXPECT_NE(variants[0].as_object().at("hash"), variants[1].as_object().at("hash"));
  EXPECT_TRUE(has(read(path("a.xml")), "<testsuite name=\"small (late)\"")) << read(path("a.xml"));

  const Outcome one = keelson("sim run small.yaml --variant late --json b.json --record b.run");
  EXPECT_EQ(one.code, 0) << one.err;
  const auto late = boost::json::parse(read(path("b.json"))).as_object();
  EXPECT_EQ(late.at("hash"), variants[1].as_object().at("hash"));
  EXPECT_EQ(late.at("command").as_string(), "keelson sim run small.yaml --seed 1 --variant late");
  EXPECT_EQ(keelson("sim replay b.run").code, 0);
  refuses("sim run small.yaml --variant middle", "has these: early, late");
  refuses("sim run small.yaml --record c.run", "--variant");

  const Outcome many = keelson("sim run small.yaml --seeds 1..2 --json c.json");
  EXPECT_EQ(many.code, 0) << many.err;
  EXPECT_EQ(boost::json::parse(read(path("c.json"))).as_object().at("variants").as_array().size(),
            2u);
}

// The first Ctrl-C ends the run, and what is known so far is still told.
TEST_F(Command, AnInterruptedRunIsReported) {
  for (const std::string seeds : {"", " --seeds 1..4 --jobs 2"}) {
    const std::string command =
        "cd " + folder.string() +
        "; " KEELSON_BINARY_DIR "/keelson sim run small.yaml --set minutes=60000" + seeds +
        " --json a.json > out 2> err & sleep 1; kill -TERM $!; wait $!";
    const int status = std::system(command.c_str());
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 3) << read(path("err"));
    const auto json = boost::json::parse(read(path("a.json"))).as_object();
    if (seeds.empty()) {
      EXPECT_EQ(json.at("verdict").as_string(), "undecided");
      EXPECT_EQ(json.at("failure").as_string(), "it was interrupted");
      EXPECT_TRUE(has(read(path("out")), "UNDECIDED   it was interrupted"));
    } else {
      EXPECT_TRUE(has(read(path("out")), "seeds were not run")) << read(path("out"));
    }
  }
}

TEST_F(Command, UpRefusesWhatItDoesNotUnderstand) {
  write("broken.yaml", "name: broken\ncluster: {pools: [{colour: red}]}\n");
  const std::string up = "up --dir state --port 0 ";
  refuses(up + "--nodes many", "--nodes many: expected a number");
  refuses(up + "--nodes 70000", "--nodes 70000: expected a number from 0 to 60000");
  refuses(up + "--cpus lots", "keelson up:1: cluster.pools[0].capacity");
  refuses(up + "--speed 0", "--speed: \"0\" is no speed");
  refuses(up + "--speed 2000", "--speed: \"2000\" is no speed");
  refuses(up + "--start-time soon", "--start-time: \"soon\" is no duration");
  refuses(up + "--profile mesos", "profile: \"mesos\" is neither keelson nor kubernetes");
  refuses(up + "--store redis://localhost", "the Redis store is not there yet");
  refuses(up + "--store files", "--store files: expected memory");
  refuses(up + "--pool gpu", "expected key=value, not \"gpu\"");
  refuses(up + "--pool name=a,count=x", "count x: expected a number");
  refuses(up + "--pool name=a --nodes 3", "either --pool or --nodes");
  refuses(up + "--pool name=a,count=2 --pool name=a,count=1", "two nodes would be called a-1");
  refuses(up + "--cluster broken.yaml", "broken.yaml:2: cluster.pools[0].colour");
  refuses(up + "--cluster nope.yaml", "nope.yaml: cannot be read");
  refuses(up + "--cluster broken.yaml --nodes 3", "either --cluster or --nodes");
  refuses(up + "--insecure-port x", "--insecure-port x: expected a number");
  refuses("up --port 65536", "--port 65536: expected a number");
  refuses(up + "--record /nowhere/at.all", "/nowhere/at.all: cannot be written");
  refuses(up + "--no-such-flag", "no-such-flag");
  refuses(up + "extra", "unexpected argument \"extra\"");
  EXPECT_EQ(keelson("up --help").code, 0);
}

TEST_F(Command, UpEndsInOrderAndItsRecordingReplays) {
  const std::string session =
      "cd " + folder.string() + "; " KEELSON_BINARY_DIR
      "/keelson up --nodes 2 --zones 2 --start-time 0s --port 0 --insecure-port 0 --dir state "
      "--speed 10 --check --record up.run > up.out 2> up.err & p=$!; "
      "for i in $(seq 600); do grep -q Ctrl-C up.out && break; sleep 0.1; done; "
      "kill -INT $p; wait $p";
  const int status = std::system(session.c_str());
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0) << read(path("up.out")) << read(path("up.err"));
  const std::string out = read(path("up.out"));
  EXPECT_NE(out.find("2 of 2 nodes are Ready"), std::string::npos) << out;
  EXPECT_NE(out.find("Every guarantee held."), std::string::npos) << out;
  EXPECT_NE(read(path("state/kubeconfig")).find("https://127.0.0.1:"), std::string::npos);

  const Outcome replay = keelson("sim replay up.run --check");
  EXPECT_EQ(replay.code, 0) << replay.out << replay.err;
  EXPECT_NE(replay.out.find("The same as recorded."), std::string::npos) << replay.out;

  const std::string text = read(path("up.run"));
  write("cut.run", text.substr(0, text.size() - 5));
  const Outcome cut = keelson("sim replay cut.run");
  EXPECT_EQ(cut.code, 0) << cut.err;
  EXPECT_NE(cut.out.find("up to where the recording was cut off"), std::string::npos) << cut.out;
  write("bad.run", text.substr(0, text.find('\n') + 1) + "{\"at\": 1}\n");
  refuses("sim replay bad.run", "bad.run:2: is no recorded input");
  write("old.run", "{\"keelsonLive\":99}\n");
  refuses("sim replay old.run", "old.run:1: was recorded by another version");
}

}  // namespace
}  // namespace keelson
