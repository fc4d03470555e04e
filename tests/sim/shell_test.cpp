// The shell of simulated containers, alone: what scripts may not do to who runs them.
#include "sim/inside/shell.hpp"

#include <gtest/gtest.h>

#include "sim/inside/program.hpp"

namespace keelson::sim {
namespace {

class ShellTest : public ::testing::Test {
 protected:
  static std::string repeated(const std::string& text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
  }
  static std::string all_of(const Outcome& outcome) {
    std::string all;
    for (const Outcome::Piece& piece : outcome.pieces) all += piece.text;
    return all;
  }
  Outcome run(const std::string& script) { return shell_.run({"sh", "-c", script}, {}); }
  std::shared_ptr<const Program> program(const std::string& script) const {
    return program_of({}, {"sh", "-c", script}, inside_, {});
  }
  // 4.4 MB in /g.
  static std::string large_file() {
    return "echo 0123456789abcdef > /f;" +
           repeated("cat /f /f /f /f > /g; cat /g /g /g /g > /f;", 4) +
           "cat /f /f /f /f > /g; rm /f; ";
  }

  Inside inside_;
  ContainerFiles files_;
  Shell shell_{inside_, files_, {}};
};

TEST_F(ShellTest, ForEverIsNotLongerTheOftenerItIs) {
  const Outcome slept = run(repeated("sleep infinity; sleep 1000000000;", 10) + "echo up");
  EXPECT_EQ(slept.length, Outcome::kLengthMax);
  ASSERT_EQ(slept.pieces.size(), 1u);
  EXPECT_EQ(slept.pieces[0].at, Outcome::kLengthMax);
  EXPECT_GT(shell_.now().unix_ns, 0);
  EXPECT_EQ(run(repeated("sleep infinity;", 10)).length, Outcome::kLengthMax);
  EXPECT_GT(shell_.now().unix_ns, 0);
}

TEST_F(ShellTest, VariablesAreBounded) {
  const std::string script = "X=0123456789abcdef;" + repeated("X=$X$X;", 30) + "echo alive";
  const Outcome refused = run(script);
  EXPECT_EQ(refused.code, 2);
  EXPECT_EQ(all_of(refused), "sh: out of memory\n");
  EXPECT_EQ(all_of(run("export X=1; echo $X")), "1\n");  // the script has ended, not the shell
  EXPECT_EQ(run(repeated("export X=0123456789abcdef;", 100'000)).code, 0);  // one after the other
  EXPECT_EQ(run("X=" + std::string(600'000, 'x') + "; export Y=$X").code, 2);
  const auto told = program(script);
  EXPECT_FALSE(told->known);
  EXPECT_FALSE(told->ends);
}

TEST_F(ShellTest, WordsAreBounded) {
  const std::string sets = "X=" + std::string(100'000, 'x') + "; ";
  EXPECT_EQ(all_of(run(sets + "echo $X | wc -c")), "100001\n");
  for (const std::string each : {"$X", " $X", "${X}", "$(echo $X)", "\"$X\""}) {
    const Outcome refused = run(sets + "echo " + repeated(each, 50'000) + "; echo alive");
    EXPECT_EQ(refused.code, 2) << each;
    EXPECT_EQ(all_of(refused), "sh: out of memory\n") << each;
  }
}

TEST_F(ShellTest, OutputIsBounded) {
  EXPECT_EQ(run(large_file()).code, 0);
  for (const std::string command : {"cat", "tar c"}) {
    const Outcome outcome = run(command + repeated(" /g", 1000));
    EXPECT_GT(all_of(outcome).size(), Shell::kOutputMax) << command;
    EXPECT_LT(all_of(outcome).size(), 2 * Shell::kOutputMax) << command;
  }
}

TEST_F(ShellTest, ChangesThatAProgramMakesAreBounded) {
  const auto kept = [](const Program& program) {
    std::size_t size = 0;
    for (const Program::Change& change : program.changes) size += change.change.content.size();
    return size;
  };
  const auto small = program("echo a > /a; echo b >> /a; rm /a");
  EXPECT_TRUE(small->known && small->ends);
  EXPECT_EQ(small->changes.size(), 3u);
  const auto large = program(large_file() + repeated("echo a >> /g;", 300));
  EXPECT_FALSE(large->known);
  EXPECT_FALSE(large->ends);
  EXPECT_LE(kept(*large), 2 * ContainerFiles::kBytesMax);
}

}  // namespace
}  // namespace keelson::sim
