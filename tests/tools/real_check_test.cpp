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

}  // namespace
}  // namespace keelson::cli
