// The comparison itself: what it lets pass, and that it lets nothing else pass.
#include "tests/e2e/transcript.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/e2e/process.hpp"

namespace keelson::e2e {
namespace {

std::string difference(std::vector<std::string> expected, const std::string& output,
                       int exit_code = 0) {
  Step step;
  step.expected = std::move(expected);
  return compare(step, exit_code, output);
}

TEST(Transcript, BlanksAndAnyTextAreAlike) {
  EXPECT_EQ(difference({"NAME   AGE", "kel-…  …"}, "NAME     AGE\nkel-abc   3s  \n"), "");
  EXPECT_EQ(difference({"a", "…", "z"}, "a\nb\nc\nz\n"), "");
  EXPECT_EQ(difference({"…", "z"}, "z\n"), "");
  EXPECT_EQ(difference({"a", "…"}, "a\n"), "");
  EXPECT_EQ(difference({}, "\n\n"), "");
}

TEST(Transcript, EveryOtherDifferenceIsReported) {
  EXPECT_NE(difference({"a"}, "b\n"), "");
  EXPECT_NE(difference({"a"}, ""), "");
  EXPECT_NE(difference({"a"}, "a\nb\n"), "");
  EXPECT_NE(difference({}, "a\n"), "");
  EXPECT_NE(difference({"a…c"}, "abd\n"), "");
  EXPECT_NE(difference({"a", "…", "z"}, "a\nb\n"), "");
  EXPECT_NE(difference({"a"}, "a\n", 1), "");
}

TEST(Transcript, ReadsStepsRangesAndExitCodes) {
  TemporaryDir dir;
  const std::string path = dir.path() + "/t.txt";
  std::ofstream(path) << "# about\n"
                         "[1.27..]\n$ one\nout\n[exit 3]\n"
                         "[..1.26]\n$~ two\n\n"
                         "$ three\n";
  const std::vector<Step> steps = read_transcript(path);
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_EQ(steps[0].command, "one");
  EXPECT_EQ(steps[0].expected, std::vector<std::string>{"out"});
  EXPECT_EQ(steps[0].exit_code, 3);
  EXPECT_EQ(steps[0].first_version, 27);
  EXPECT_EQ(steps[0].line, 3);
  EXPECT_EQ(steps[1].last_version, 26);
  EXPECT_EQ(steps[1].command, "two");
  EXPECT_TRUE(steps[1].patient);
  EXPECT_EQ(steps[2].first_version, 0);
  EXPECT_EQ(steps[2].last_version, 9999);
}

}  // namespace
}  // namespace keelson::e2e
