// How virtual time follows real time.
#include "sim/live/pacer.hpp"

#include <gtest/gtest.h>

namespace keelson::sim {
namespace {

Instant at(Duration d) {
  return Instant{} + d;
}

TEST(Pacer, FollowsRealTimeAtItsSpeed) {
  Pacer pacer(2'500, false, 100s, at(10s));
  EXPECT_EQ(pacer.target(100s), at(10s));
  EXPECT_EQ(pacer.target(104s), at(20s));
  EXPECT_EQ(pacer.target(99s), at(10s)) << "real time that goes back moves nothing";
  EXPECT_EQ(pacer.wait(100s, at(15s)), Duration(2s) + Duration(1));
  EXPECT_EQ(pacer.wait(104s, at(15s)), Duration::zero());
}

TEST(Pacer, ChangesSpeedWhereTheSimulationStands) {
  Pacer pacer(1'000, false, 0s, at(0s));
  pacer.reached(10s, at(10s));
  pacer.set_speed(1'000'000, 10s, at(10s));
  EXPECT_EQ(pacer.target(11s), at(1010s));
  pacer.set_speed(100, 11s, at(500s));
  EXPECT_EQ(pacer.target(21s), at(501s)) << "what it was behind is forgiven";
}

TEST(Pacer, PausesStepsAndGoesOn) {
  Pacer pacer(1'000, false, 0s, at(0s));
  pacer.pause(5s, at(5s));
  EXPECT_TRUE(pacer.paused());
  EXPECT_EQ(pacer.target(50s), at(5s));
  EXPECT_EQ(pacer.wait(50s, at(6s)), std::nullopt);
  pacer.step(2s, 50s, at(5s));
  pacer.step(1s, 50s, at(5s));
  EXPECT_EQ(pacer.target(60s), at(8s)) << "steps add up";
  pacer.reached(60s, at(8s) + 3ms);
  EXPECT_EQ(pacer.target(70s), at(8s) + 3ms) << "it went on to answer somebody";
  pacer.resume(70s, at(8s) + 3ms);
  EXPECT_EQ(pacer.target(71s), at(9s) + 3ms);
}

TEST(Pacer, StepsPauseWhatRuns) {
  Pacer pacer(10'000, false, 0s, at(0s));
  pacer.step(1s, 1s, at(9s));
  EXPECT_TRUE(pacer.paused());
  EXPECT_EQ(pacer.target(100s), at(10s));
}

TEST(Pacer, TellsHowFarItIsBehindAndWritesOffMoreThanASecond) {
  Pacer pacer(10'000, false, 0s, at(0s));
  pacer.reached(1s, at(4s));
  EXPECT_EQ(pacer.lag(), Duration(6s));
  EXPECT_EQ(pacer.slipped(), Duration::zero());
  EXPECT_EQ(pacer.target(1s), at(10s)) << "so little is caught up with";
  pacer.reached(3s, at(10s));
  EXPECT_EQ(pacer.lag(), Duration(10s)) << "a second of real time at this speed";
  EXPECT_EQ(pacer.slipped(), Duration(10s));
  EXPECT_EQ(pacer.target(3s), at(20s));
}

TEST(Pacer, SpeedsAreReadAndWritten) {
  for (const auto& [text, speed] : std::map<std::string, int64_t>{
           {"1", 1'000}, {"0.1", 100}, {"1000", 1'000'000}, {"2.50", 2'500}, {"0.125", 125}}) {
    const auto parsed = parse_speed(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(*parsed, speed) << text;
  }
  EXPECT_EQ(format_speed(2'500), "2.5");
  EXPECT_EQ(format_speed(1'000), "1");
  for (const char* bad :
       {"", "0", "0.09", "1001", "1e3", "-1", "x", "1.2345", ".", "1.", "99999999999"}) {
    EXPECT_FALSE(parse_speed(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace keelson::sim
