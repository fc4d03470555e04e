// The shell of simulated containers, alone: what scripts may not do to who runs them.
#include "sim/inside/shell.hpp"

#include <gtest/gtest.h>

namespace keelson::sim {
namespace {

class ShellTest : public ::testing::Test {
 protected:
  static std::string repeated(const std::string& text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
  }
  Outcome run(const std::string& script) { return shell_.run({"sh", "-c", script}, {}); }

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

}  // namespace
}  // namespace keelson::sim
