// What the simulated runtime tells its agent.
#include "sim/world/runtime.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace keelson::sim {
namespace {

class RuntimeTest : public ::testing::Test {
 protected:
  RuntimeTest() {
    host_.start();
    agent_.start();
    model_.fallback.serves_after = 20s;
    runtime_.run_sandbox({.pod_uid = "u", .pod_ns = "default", .pod_name = "web"},
                         [this](Result<agent::SandboxInfo> sandbox) {
                           address_ = sandbox->ip;
                           agent::ContainerSpec spec;
                           spec.pod_uid = "u";
                           spec.name = "main";
                           spec.image = "nginx";
                           runtime_.create_container(sandbox->id, spec,
                                                     [this](Result<agent::ContainerId> id) {
                                                       container_ = *id;
                                                     });
                         });
    run(1s);
  }
  void run(Duration how_long) { engine_.run_until(engine_.now() + how_long); }
  void start() {
    runtime_.start_container(container_, [](Result<Unit> answer) { EXPECT_TRUE(answer.ok()); });
    run(1s);
  }
  agent::ProbeAnswer probe(const api::Probe& probe) {
    std::optional<agent::ProbeAnswer> said;
    runtime_.probe(container_, probe,
                   [&](Result<agent::ProbeAnswer> answer) { said = std::move(*answer); });
    run(1s);
    EXPECT_TRUE(said);
    return said.value_or(agent::ProbeAnswer{});
  }
  static api::Probe http() {
    api::Probe probe;
    probe.mutable_handler()->mutable_http_get()->mutable_port()->set_int_val(80);
    return probe;
  }
  static api::Probe tcp() {
    api::Probe probe;
    probe.mutable_handler()->mutable_tcp_socket()->mutable_port()->set_int_val(5432);
    return probe;
  }
  static api::Probe exec() {
    api::Probe probe;
    probe.mutable_handler()->mutable_exec()->add_command("ok");
    return probe;
  }

  Engine engine_;
  Process host_{engine_, 1, "host"}, agent_{engine_, 2, "agent"};
  RuntimeModel model_;
  SimRuntime runtime_{engine_, host_, agent_, Rng(7), model_, "n1", 1, nullptr};
  std::string address_;
  agent::ContainerId container_;
};

TEST_F(RuntimeTest, AFailedProbeSaysWhy) {
  const std::string refused = "dial tcp " + address_ + ":80: connect: connection refused";
  EXPECT_EQ(probe(http()).output, refused) << "nothing listens before the process runs";
  start();
  for (const api::Probe& each : {http(), tcp(), exec()}) {
    EXPECT_EQ(probe(each).result, agent::ProbeResult::failure);
  }
  EXPECT_EQ(probe(http()).output, "HTTP probe failed with statuscode: 503");
  EXPECT_EQ(probe(tcp()).output,
            "dial tcp " + address_ + ":5432: connect: connection refused");
  EXPECT_NE(probe(exec()).output, "");
  run(20s);
  for (const api::Probe& each : {http(), tcp(), exec()}) {
    const agent::ProbeAnswer answer = probe(each);
    EXPECT_EQ(answer.result, agent::ProbeResult::success);
    EXPECT_EQ(answer.output, "");
  }
}

}  // namespace
}  // namespace keelson::sim
