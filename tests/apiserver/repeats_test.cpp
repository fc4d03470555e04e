#include "core/apiserver/repeats.hpp"

#include <gtest/gtest.h>

#include "tests/support/manual_loop.hpp"

namespace keelson::apiserver {
namespace {

api::Response answer(std::string message) {
  api::Response response;
  response.error = api::bad_request(std::move(message));
  return response;
}

TEST(Repeats, TheSecondCopyGetsTheFirstOnesAnswer) {
  test::ManualLoop loop;
  Repeats repeats(loop);
  std::string second;
  Repeats::Answer done = [](api::Response) {};
  EXPECT_TRUE(repeats.begin(7, done));
  Repeats::Answer again = [&](api::Response r) { second = r.error.message; };
  EXPECT_FALSE(repeats.begin(7, again));
  EXPECT_FALSE(repeats.finished(7));
  EXPECT_EQ(second, "");
  repeats.finish(7, answer("no"));
  EXPECT_EQ(second, "no");
  EXPECT_TRUE(repeats.finished(7));
}

TEST(Repeats, CallsAreForgottenAfterAWhileButNotWhileTheyRun) {
  test::ManualLoop loop;
  Repeats repeats(loop);
  Repeats::Answer done = [](api::Response) {};
  EXPECT_TRUE(repeats.begin(1, done));
  loop.run_for(60s);
  EXPECT_FALSE(repeats.begin(1, done)) << "still being carried out";
  repeats.finish(1, answer("late"));
  loop.run_for(60s);
  Repeats::Answer other = [](api::Response) {};
  EXPECT_TRUE(repeats.begin(2, other));
  EXPECT_TRUE(repeats.begin(1, other)) << "long forgotten";
}

}  // namespace
}  // namespace keelson::apiserver
