// The verbs of a simulated cluster: what they ask for and what they print.
#include <gtest/gtest.h>

#include "tests/tools/fake_cluster.hpp"

namespace keelson::cli {
namespace {

ApiReply reply(int status, std::string body) { return {status, "application/json", std::move(body), {}}; }

constexpr const char* kClock =
    R"({"date":"2026-11-25T16:00:00.000000Z","elapsed":"1m2s","speed":"10","paused":false,"lag":"0s","slipped":"0s"})";

TEST(SimulationVerbs, TurnTheClock) {
  FakeApi api;
  api.answer("/keelson/v1/sim/clock", reply(200, kClock));
  api.answer("/keelson/v1/sim/clock/step", reply(200, kClock));
  EXPECT_EQ(run(api, {"clock"}).out, "2026-11-25T16:00:00.000000Z  1m2s since the start, speed 10\n");
  EXPECT_EQ(run(api, {"clock", "speed", "10"}).code, 0);
  EXPECT_EQ(api.changes.back().body, R"({"speed":"10"})");
  run(api, {"clock", "pause"});
  EXPECT_EQ(api.changes.back().body, R"({"paused":true})");
  run(api, {"clock", "resume"});
  EXPECT_EQ(api.changes.back().body, R"({"paused":false})");
  run(api, {"clock", "step", "5s"});
  EXPECT_EQ(api.changes.back().body, R"({"for":"5s"})");
  run(api, {"clock", "step"});
  EXPECT_EQ(api.changes.back().body, R"({"for":"1s"})");
  EXPECT_EQ(run(api, {"clock", "speed"}).err, "error: how fast? (keelson clock speed 10)\n");
  EXPECT_EQ(run(api, {"clock", "faster"}).code, 1);
}

TEST(SimulationVerbs, BeginAndHealFaults) {
  FakeApi api;
  api.answer("/keelson/v1/sim/faults", reply(201, R"({"id":3,"what":"node-3 loses power for good"})"));
  EXPECT_EQ(run(api, {"fault", "crash", "node-3", "--for", "30s"}).out, "3: node-3 loses power for good\n");
  EXPECT_EQ(api.changes.back().method, "POST");
  EXPECT_EQ(api.changes.back().body, R"({"fault":"node-crash","node":"node-3","for":"30s"})");
  run(api, {"fault", "api-server-restart", "api-0"});
  EXPECT_EQ(api.changes.back().body, R"({"fault":"api-server-restart","process":"api-0"})");
  run(api, {"fault", "zone-loss", "zone-a"});
  EXPECT_EQ(api.changes.back().body, R"({"fault":"zone-loss","zone":"zone-a"})");
  run(api, {"fault", "leader-kill", "scheduler"});
  EXPECT_EQ(api.changes.back().body, R"({"fault":"leader-kill","role":"scheduler"})");
  run(api, {"fault", "clock-rate", "scheduler-0", "--rate", "50"});
  EXPECT_EQ(api.changes.back().body, R"({"fault":"clock-rate","process":"scheduler-0","rate":50})");
  EXPECT_EQ(run(api, {"fault"}).code, 1);
  EXPECT_EQ(run(api, {"fault", "crash", "a", "b"}).code, 1);
  EXPECT_EQ(run(api, {"fault", "crash", "--count", "many"}).code, 1);

  api.answer("/keelson/v1/sim/faults/3", reply(200, R"({"healed":1})"));
  EXPECT_EQ(run(api, {"fault", "heal", "3"}).out, "1 fault healed\n");
  api.answer("/keelson/v1/sim/faults", reply(200, R"({"healed":2})"));
  EXPECT_EQ(run(api, {"fault", "heal", "all"}).out, "2 faults healed\n");
  EXPECT_EQ(api.changes.back().method, "DELETE");
}

TEST(SimulationVerbs, ListFaults) {
  FakeApi api;
  api.answer("/keelson/v1/sim/faults",
             reply(200, R"({"active":[{"id":3,"fault":"node-crash","what":"node-3 loses power for good",)"
                        R"("since":"12s","for":"forever"}],"kinds":[{"name":"reboot","what":"A node restarts.",)"
                        R"("parameters":"node, for"}]})"));
  EXPECT_EQ(run(api, {"fault", "list"}).out,
            "ID   FAULT        SINCE   FOR       WHAT\n"
            "3    node-crash   12s     forever   node-3 loses power for good\n");
  EXPECT_EQ(run(api, {"fault", "kinds"}).out,
            "KIND     FLAGS       WHAT\n"
            "reboot   node, for   A node restarts.\n");
  api.answer("/keelson/v1/sim/faults", reply(200, R"({"active":[],"kinds":[]})"));
  EXPECT_EQ(run(api, {"fault", "list"}).out, "No fault is active.\n");
}

TEST(SimulationVerbs, SayWhatIsWrong) {
  FakeApi api;
  EXPECT_NE(run(api, {"clock"}).err.find("not a simulated one"), std::string::npos);
  api.answer("/keelson/v1/sim/faults",
             reply(409, R"({"kind":"Status","status":"Failure","message":"nothing happened","code":409})"));
  const Ran ran = run(api, {"fault", "crash", "node-3"});
  EXPECT_EQ(ran.err, "error: nothing happened\n");
  EXPECT_EQ(ran.code, 1);
}

}  // namespace
}  // namespace keelson::cli
