#include "core/rest/fair_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/manual_loop.hpp"

namespace keelson::test {
namespace {

TEST(FairQueue, LinesTakeTurns) {
  ManualLoop loop;
  rest::FairQueue queue(loop, 100);
  std::string order;
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(queue.enter("a", [&] { order += 'a'; }));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(queue.enter("b", [&] { order += 'b'; }));
  EXPECT_EQ(order, "");
  loop.settle();
  EXPECT_EQ(order, "ababaa");
  EXPECT_EQ(queue.waiting(), 0u);
}

TEST(FairQueue, ALineHasAnEnd) {
  ManualLoop loop;
  rest::FairQueue queue(loop, 2);
  EXPECT_TRUE(queue.enter("a", [] {}));
  EXPECT_TRUE(queue.enter("a", [] {}));
  EXPECT_FALSE(queue.enter("a", [] {}));
  EXPECT_TRUE(queue.enter("b", [] {}));
  loop.settle();
  EXPECT_TRUE(queue.enter("a", [] {}));
}

// Work that asks for more does not keep the loop from others, nor pile up on the stack.
TEST(FairQueue, WorkMayAskForMore) {
  ManualLoop loop;
  rest::FairQueue queue(loop, 10);
  int runs = 0;
  std::function<void()> again = [&] {
    if (++runs < 100'000) queue.enter("a", [&] { again(); });
  };
  queue.enter("a", [&] { again(); });
  loop.settle();
  EXPECT_EQ(runs, 100'000);
}

}  // namespace
}  // namespace keelson::test
