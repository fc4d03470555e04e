// Ephemeral containers: started once, beside what runs, and never again.
#include <gmock/gmock.h>

#include "tests/agent/agent_fixture.hpp"

namespace keelson::test {
namespace {

class EphemeralTest : public AgentTest {
 protected:
  void debug(const std::string& name, const std::string& pod = "web") {
    change(pod, [&](api::Pod& p) {
      auto& common =
          *p.mutable_spec()->add_ephemeral_containers()->mutable_ephemeral_container_common();
      common.set_name(name);
      common.set_image("busybox:1");
    });
    loop.run_for(3s);
  }
  const api::ContainerStatus& debugger(int index = 0) {
    return status().ephemeral_container_statuses(index);
  }
};

TEST_F(EphemeralTest, StartsBesideTheOthersAndChangesNothingElse) {
  options.record_events = agent::RecordEvents::all;
  start();
  api.put(web());
  loop.run_for(2s);
  debug("look");
  EXPECT_EQ(runtime.running("look"), 1);
  EXPECT_EQ(runtime.running("main"), 1);
  ASSERT_EQ(status().ephemeral_container_statuses_size(), 1);
  EXPECT_EQ(debugger().name(), "look");
  EXPECT_TRUE(debugger().state().has_running());
  EXPECT_FALSE(debugger().ready());
  EXPECT_FALSE(debugger().has_started());
  EXPECT_EQ(status().container_statuses_size(), 1);
  EXPECT_EQ(condition("Ready"), "True");
  EXPECT_THAT(event_subjects(), ::testing::Contains("Started: spec.ephemeralContainers{look}"));
}

TEST_F(EphemeralTest, StaysEndedAlsoWhenTheAgentOrThePodStartsAnew) {
  start();
  api.put(web());
  loop.run_for(2s);
  debug("look");
  runtime.exit("look", 3);
  loop.run_for(60s);
  EXPECT_EQ(runtime.running("look"), 0);
  EXPECT_EQ(debugger().state().terminated().exit_code(), 3);
  EXPECT_EQ(debugger().restart_count(), 0);
  EXPECT_EQ(condition("Ready"), "True");
  restart();
  runtime.exit("main", 1);
  loop.run_for(120s);
  EXPECT_EQ(runtime.running("main"), 1);
  EXPECT_EQ(runtime.running("look"), 0);
  EXPECT_EQ(debugger().state().terminated().exit_code(), 3);
}

TEST_F(EphemeralTest, IsAdoptedByTheNextAgent) {
  start();
  api.put(web());
  loop.run_for(2s);
  debug("look");
  const std::string id = debugger().container_id();
  restart();
  loop.run_for(10s);
  EXPECT_EQ(runtime.running("look"), 1);
  EXPECT_EQ(debugger().container_id(), id);
}

TEST_F(EphemeralTest, RunsWhileInitContainersFail) {
  start();
  api.put(web().with([](api::Pod& pod) {
    auto& init = *pod.mutable_spec()->add_init_containers();
    init.set_name("setup");
    init.set_image("busybox:1");
  }));
  loop.run_for(2s);
  EXPECT_EQ(runtime.running("main"), 0);
  debug("look");
  EXPECT_EQ(runtime.running("look"), 1);
  EXPECT_EQ(runtime.running("main"), 0);
  EXPECT_EQ(status().phase(), "Pending");
}

TEST_F(EphemeralTest, OrderInThePatchDoesNotMatter) {
  start();
  api.put(web());
  loop.run_for(2s);
  debug("one");
  change("web", [](api::Pod& pod) {
    auto& all = *pod.mutable_spec()->mutable_ephemeral_containers();
    auto& common = *all.Add()->mutable_ephemeral_container_common();
    common.set_name("two");
    common.set_image("busybox:1");
    all.SwapElements(0, 1);
  });
  loop.run_for(3s);
  EXPECT_EQ(runtime.running("one"), 1);
  EXPECT_EQ(runtime.running("two"), 1);
  EXPECT_EQ(debugger(0).name(), "one");
  EXPECT_EQ(debugger(1).name(), "two");
}

TEST_F(EphemeralTest, DoesNotKeepAPodThatIsDone) {
  start();
  api.put(job("web", "Never"));
  loop.run_for(2s);
  debug("look");
  runtime.exit("main", 0);
  loop.run_for(60s);
  EXPECT_EQ(runtime.running("look"), 0);
  EXPECT_EQ(status().phase(), "Succeeded");
}

}  // namespace
}  // namespace keelson::test
