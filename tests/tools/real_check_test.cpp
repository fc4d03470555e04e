// `keelson real check` on records in files: what it says, and its exit codes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tools/hosts/process.hpp"

namespace keelson::cli {
namespace {

using ::testing::HasSubstr;

const std::string kBinary = std::string(KEELSON_BINARY_DIR) + "/keelson";
const std::string kWhole = R"({"store":"keelson","whole":true})" "\n";

// The entry of a log that makes a namespace.
std::string entry(int revision, const std::string& name) {
  const std::string number = std::to_string(revision);
  return R"({"revision":")" + number + R"(","epoch":"1","op":"put","kind":"namespaces","name":"/)" + name +
         R"(","by":"http at=17000000000000000)" + std::to_string(10 + revision) +
         R"( user=admin","left":"0","object":{"kind":"Namespace","apiVersion":"v1","metadata":{"name":")" + name +
         R"(","uid":"u-)" + number + R"(","creationTimestamp":"2026-01-01T00:00:00Z"}}})" + "\n";
}

struct RealCheck : testing::Test {
  void write(const std::string& file, const std::string& text) { std::ofstream(dir.path() + "/" + file) << text; }
  hosts::Outcome check(const std::string& options = {}) {
    return hosts::run(kBinary + " real check " + dir.path() + " " + options);
  }
  hosts::TemporaryDir dir;
};

TEST_F(RealCheck, AHistoryThatIsRightHolds) {
  write("store.jsonl", kWhole + entry(1, "a") + entry(2, "b"));
  write("world.jsonl", R"({"promised":"2","kind":"namespaces","name":"/b"})" "\n");
  const hosts::Outcome outcome = check();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("HELD: 2 writes"));
  // What cannot be judged is told, with the reason.
  EXPECT_THAT(outcome.output, HasSubstr("NA-1    no agent's journal of containers is there"));
  EXPECT_THAT(check("--json").output, HasSubstr(R"("held":true)"));
}

TEST_F(RealCheck, WhatIsWrongIsAViolation) {
  write("store.jsonl", kWhole + entry(1, "a") + entry(3, "b"));
  hosts::Outcome outcome = check();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("ST-2"));

  write("store.jsonl", kWhole + entry(1, "a"));
  write("world.jsonl", R"({"promised":"2","kind":"namespaces","name":"/b"})" "\n");
  outcome = check();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("ST-12"));

  write("world.jsonl", R"({"damage":"entry 1 of the log is not what was written"})" "\n");
  outcome = check();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("is not what was written"));

  write("world.jsonl", R"({"at":"1700000000000000015","agent":"n1"})" "\n"
                       R"({"at":"1700000000000000016","id":"c1","sandbox":"s1","pod":"nobody","name":"web",)"
                       R"("image":"nginx","attempt":0,"init":false,"started":"1700000000000000016",)"
                       R"("finished":"0","exit":0,"reason":""})" "\n");
  outcome = check();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("NA-1"));
}

// A log that says nothing of who wrote it is judged as far as it goes.
TEST_F(RealCheck, AnOlderLogIsJudgedAsFarAsItGoes) {
  std::string old = entry(1, "a");
  const std::size_t by = old.find(" at=");
  old.erase(by, old.find("\",\"left\"") - by);
  write("store.jsonl", kWhole + old);
  const hosts::Outcome outcome = check();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("LE-1    the history does not say who wrote what"));
}

TEST_F(RealCheck, WhatCannotBeReadIsToldWithItsPlace) {
  EXPECT_EQ(check().exit_code, 3);
  write("store.jsonl", kWhole + "{\"op\":\"put\"}\n");
  hosts::Outcome outcome = check();
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.output, HasSubstr("store.jsonl:2: an entry needs a kind and a name"));
  write("store.jsonl", "nonsense\n");
  outcome = check();
  EXPECT_EQ(outcome.exit_code, 3);
  EXPECT_THAT(outcome.output, HasSubstr("store.jsonl:1: is no JSON object"));
  EXPECT_EQ(hosts::run(kBinary + " real check").exit_code, 2);
  EXPECT_EQ(hosts::run(kBinary + " real check --store unix:/nowhere.sock").exit_code, 3);
  EXPECT_EQ(check("--skew tomorrow").exit_code, 2);
}

// An entry that binds or makes pod default/p, and a line of a journal.
std::string pod_entry(int revision, const std::string& node) {
  const std::string number = std::to_string(revision);
  return R"({"revision":")" + number + R"(","epoch":"1","op":"put","kind":"pods","name":"default/p","by":)"
         R"("http at=1700000000000000000 user=admin","left":"0","object":{"kind":"Pod","apiVersion":"v1",)"
         R"("metadata":{"name":"p","namespace":"default","uid":"u1","creationTimestamp":"2026-01-01T00:00:00Z"},)"
         R"("spec":{"nodeName":")" + node + R"(","restartPolicy":"Always","containers":[{"name":"c","image":"nginx"}]}}})"
         "\n";
}
std::string seconds(int at) { return std::to_string(1'700'000'000 + at) + "000000000"; }
std::string container(int at, const std::string& id, const std::string& pod, int started) {
  return R"({"at":")" + seconds(at) + R"(","id":")" + id + R"(","sandbox":"s)" + id + R"(","pod":")" + pod +
         R"(","name":"c","image":"nginx","attempt":0,"init":false,"started":")" + seconds(started) +
         R"(","finished":"0","exit":0,"reason":""})" "\n";
}
std::string journal(int at, const std::string& what) { return R"({"at":")" + seconds(at) + "\"," + what + "}\n"; }

struct RealCheckJournal : RealCheck {
  void SetUp() override {
    write("store.jsonl", kWhole + entry(1, "default") + pod_entry(2, "") + pod_entry(3, "h2"));
  }
  // As it says of NA-1.
  bool twice() { return check().output.find("\n  NA-1 at") != std::string::npos; }
};

TEST_F(RealCheckJournal, WhatEndedWhileNobodyLookedHasRunUntilTheAgentsLastLine) {
  const std::string begin = journal(1, R"("agent":"h2")") + journal(1, R"("all":[])") + container(2, "c1", "u1", 2);
  const std::string end = journal(100, R"("agent":"h2")") + container(100, "c2", "u1", 50) +
                          journal(100, R"("all":["c2"])");
  write("containers-h2.jsonl", begin + journal(60, R"("same":true)") + end);
  EXPECT_TRUE(twice());
  // It may have ended right after this line.
  write("containers-h2.jsonl", begin + journal(40, R"("same":true)") + end);
  EXPECT_FALSE(twice());
}

TEST_F(RealCheckJournal, AFileThatBeginsInTheMiddleIsItsNodes) {
  write("containers-h2.jsonl", container(2, "c1", "u1", 2));
  EXPECT_THAT(check().output, HasSubstr("NA-1    no agent's journal of containers is there"));
  write("containers-h2.jsonl", container(2, "c1", "u1", 2) + journal(9, R"("agent":"h2")"));
  hosts::Outcome outcome = check();
  EXPECT_THAT(outcome.output, HasSubstr(", 1 containers"));
  EXPECT_THAT(outcome.output, testing::Not(HasSubstr("NA-1 at")));
  write("containers-h2.jsonl", container(2, "c1", "u1", 2) + journal(9, R"("agent":"h3")"));
  EXPECT_TRUE(twice()) << "it was bound to another";
}

// The log was read at some time; what journals say of later is of a history that is not here.
TEST_F(RealCheckJournal, ALiveCheckIsOneLook) {
  const auto log = [&](int at) {
    write("store.jsonl", R"({"store":"keelson","whole":true,"at":")" + seconds(at) + "\"}\n" + entry(1, "default") +
                             pod_entry(2, "") + pod_entry(3, "h2"));
  };
  write("containers-h2.jsonl", journal(1, R"("agent":"h2")") + container(2, "c1", "u1", 2) + container(5, "c9", "u9", 5));
  log(4);
  EXPECT_FALSE(twice());
  log(6);
  EXPECT_TRUE(twice());
  // Writes of later are left out with them, but not what follows a clock that is wrong.
  log(-1);
  EXPECT_THAT(check().output, HasSubstr("NOTHING TO JUDGE: 0 writes"));
  std::string wrong = entry(1, "a");
  wrong.replace(wrong.find("at=17"), 5, "at=37");
  write("store.jsonl", R"({"store":"keelson","whole":true,"at":")" + seconds(6) + "\"}\n" + wrong + entry(2, "b"));
  write("containers-h2.jsonl", journal(1, R"("agent":"h2")"));
  EXPECT_THAT(check().output, HasSubstr("HELD: 2 writes"));
}

// An agent writes down what it has removed when it looks the next time.
TEST_F(RealCheckJournal, WhatIsRemovedAfterTheJournalsLastLineMayHaveEnded) {
  write("store.jsonl", kWhole + entry(1, "default") + pod_entry(2, "") + pod_entry(3, "h2") +
                           R"({"revision":"4","epoch":"1","op":"remove","kind":"pods","name":"default/p",)"
                           R"("by":"agent/h2 at=)" + seconds(8) + R"( user=system:node:h2","left":"0"})" "\n");
  const std::string begin = journal(1, R"("agent":"h2")") + container(2, "c1", "u1", 2);
  write("containers-h2.jsonl", begin);
  EXPECT_THAT(check().output, testing::Not(HasSubstr("NA-3 at")));
  write("containers-h2.jsonl", begin + journal(20, R"("same":true)"));
  EXPECT_THAT(check().output, HasSubstr("NA-3 at"));
}

TEST_F(RealCheck, WhatHasNotBeenJudgedHasNotHeld) {
  write("store.jsonl", kWhole);
  const hosts::Outcome outcome = check();
  EXPECT_EQ(outcome.exit_code, 3) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("NOTHING TO JUDGE"));
}

TEST_F(RealCheck, AHoleInACompactedLogBreaksSt2) {
  write("store.jsonl", R"({"store":"keelson","whole":false})" "\n" + entry(101, "a") + entry(102, "b") + entry(104, "c"));
  const hosts::Outcome outcome = check();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.output;
  EXPECT_THAT(outcome.output, HasSubstr("revision 104 follows"));
}

}  // namespace
}  // namespace keelson::cli
