// Pods: what may change once they exist.
#include "tests/api/validation_support.hpp"

namespace keelson::api {
namespace {

using Lines = std::vector<std::string>;

const char* const fixed =
    "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`, "
    "`spec.initContainers[*].image`, `spec.activeDeadlineSeconds` or `spec.tolerations` (only "
    "additions to existing tolerations)";

Pod running_pod() {
  Pod pod = valid_pod();
  pod.mutable_metadata()->set_uid("u1");
  pod.mutable_spec()->set_node_name("n1");
  *pod.mutable_spec()->add_tolerations() =
      parsed<Toleration>(R"(key: "k" operator: "Exists" effect: "NoExecute")");
  return pod;
}

TEST(PodUpdate, SamePodIsFine) {
  EXPECT_TRUE(updated(running_pod(), running_pod()).ok());
}

TEST(PodUpdate, LabelsAndOwnersMayChange) {
  Pod now = running_pod();
  (*now.mutable_metadata()->mutable_labels())["a"] = "b";
  EXPECT_TRUE(updated(now, running_pod()).ok());
}

TEST(PodUpdate, ImagesMayChangeToNonEmptyOnes) {
  Pod now = running_pod();
  now.mutable_spec()->mutable_containers(0)->set_image("other:1");
  EXPECT_TRUE(updated(now, running_pod()).ok());
  now.mutable_spec()->mutable_containers(0)->clear_image();
  EXPECT_EQ(causes(updated(now, running_pod())), Lines{"spec.containers[0].image: Required value"});
}

TEST(PodUpdate, OtherFieldsMayNot) {
  Pod now = running_pod();
  auto& port = *now.mutable_spec()->mutable_containers(0)->add_ports();
  port.set_container_port(81);
  port.set_protocol("TCP");
  ApiError error = updated(now, running_pod());
  EXPECT_EQ(error.message, std::string("Pod \"x\" is invalid: ") + fixed);
  EXPECT_EQ(error.causes.at(0).reason, "FieldValueForbidden");

  now = running_pod();
  now.mutable_spec()->set_node_name("n2");
  EXPECT_EQ(causes(updated(now, running_pod())), Lines{fixed});
  now = running_pod();
  (*now.mutable_spec()->mutable_node_selector())["a"] = "b";
  EXPECT_EQ(causes(updated(now, running_pod())), Lines{fixed});
}

TEST(PodUpdate, ContainersMayNotComeOrGo) {
  Pod now = running_pod();
  *now.mutable_spec()->add_containers() = now.spec().containers(0);
  now.mutable_spec()->mutable_containers(1)->set_name("d");
  EXPECT_EQ(causes(updated(now, running_pod())),
            Lines{"spec.containers: Forbidden: pod updates may not add or remove containers"});
}

TEST(PodUpdate, DeadlinesMayOnlyComeNearer) {
  Pod none = running_pod();
  Pod far = running_pod();
  far.mutable_spec()->set_active_deadline_seconds(100);
  Pod near = running_pod();
  near.mutable_spec()->set_active_deadline_seconds(10);
  EXPECT_TRUE(updated(far, none).ok());
  EXPECT_TRUE(updated(near, far).ok());
  EXPECT_EQ(causes(updated(far, near)),
            Lines{"spec.activeDeadlineSeconds: Invalid value: 100: must be less than or equal to "
                  "previous value"});
  EXPECT_EQ(
      causes(updated(none, far)),
      Lines{"spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive "
            "integer to nil value"});
}

TEST(PodUpdate, TolerationsMayBeAddedAndRetimed) {
  Pod now = running_pod();
  *now.mutable_spec()->add_tolerations() = parsed<Toleration>(R"(key: "l" operator: "Exists")");
  now.mutable_spec()->mutable_tolerations(0)->set_toleration_seconds(5);
  EXPECT_TRUE(updated(now, running_pod()).ok());
  now.mutable_spec()->mutable_tolerations()->DeleteSubrange(0, 1);
  EXPECT_EQ(causes(updated(now, running_pod())),
            Lines{"spec.tolerations: Forbidden: existing toleration can not be modified except its "
                  "tolerationSeconds"});
}

TEST(PodUpdate, SchedulingGatesMayOnlyGo) {
  Pod gated = valid_pod();
  gated.mutable_spec()->add_scheduling_gates()->set_name("a.b/c");
  EXPECT_TRUE(updated(valid_pod(), gated).ok());
  EXPECT_EQ(causes(updated(gated, valid_pod())),
            Lines{"spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found "
                  "new scheduling gate 'a.b/c'"});
}

TEST(PodUpdate, IdentityStays) {
  Pod now = running_pod();
  now.mutable_metadata()->set_uid("u2");
  EXPECT_EQ(causes(updated(now, running_pod())),
            Lines{"metadata.uid: Invalid value: \"u2\": field is immutable"});
  now.mutable_metadata()->clear_uid();
  EXPECT_TRUE(updated(now, running_pod()).ok());
}

TEST(PodUpdate, NoNewFinalizersWhileDeleting) {
  Pod before = running_pod();
  before.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(5);
  before.mutable_metadata()->add_finalizers("a.b/c");
  Pod now = before;
  now.mutable_metadata()->add_finalizers("a.b/d");
  EXPECT_EQ(causes(updated(now, before)),
            Lines{"metadata.finalizers: Forbidden: no new finalizers can be added if the object is "
                  "being deleted, found new finalizers []string{\"a.b/d\"}"});
  now.mutable_metadata()->clear_finalizers();
  EXPECT_TRUE(updated(now, before).ok());
}

TEST(PodStatus, TheSpecIsNotJudgedAgain) {
  Pod now = running_pod();
  now.mutable_status()->set_phase("Running");
  EXPECT_TRUE(status_updated(now, running_pod()).ok());
  now.mutable_status()->set_phase("Walking");
  EXPECT_EQ(causes(status_updated(now, running_pod())),
            Lines{"status.phase: Unsupported value: \"Walking\": supported values: \"Pending\", "
                  "\"Running\", \"Succeeded\", \"Failed\", \"Unknown\""});
}

TEST(PodStatus, EndedContainersStayEnded) {
  Pod before = running_pod();
  before.mutable_spec()->set_restart_policy("Never");
  ContainerStatus& status = *before.mutable_status()->add_container_statuses();
  status.set_name("c");
  status.mutable_state()->mutable_terminated()->set_exit_code(1);
  Pod now = before;
  now.mutable_status()->mutable_container_statuses(0)->mutable_state()->mutable_running();
  now.mutable_status()->mutable_container_statuses(0)->mutable_state()->clear_terminated();
  EXPECT_EQ(causes(status_updated(now, before)),
            Lines{"status.containerStatuses[0].state: Forbidden: may not be transitioned to "
                  "non-terminated state"});
  // OnFailure brings a failed container back, and leaves one that succeeded alone.
  before.mutable_spec()->set_restart_policy("OnFailure");
  EXPECT_TRUE(status_updated(now, before).ok());
  before.mutable_status()
      ->mutable_container_statuses(0)
      ->mutable_state()
      ->mutable_terminated()
      ->set_exit_code(0);
  EXPECT_FALSE(status_updated(now, before).ok());
  before.mutable_spec()->set_restart_policy("Always");
  EXPECT_TRUE(status_updated(now, before).ok());
}

TEST(PodStatus, InitContainersRunAgainOnlyWhereThePodStartsOver) {
  Pod before = running_pod();
  *before.mutable_spec()->add_init_containers() = parsed<Container>("name: 'i' image: 'i'");
  *before.mutable_spec()->add_init_containers() =
      parsed<Container>("name: 's' image: 'i' restart_policy: 'Always'");
  before.mutable_status()->MergeFrom(parsed<PodStatus>(R"(
      init_container_statuses { name: "i" state { terminated { exit_code: 0 } } }
      init_container_statuses { name: "s" state { terminated { exit_code: 0 } } }
      container_statuses { name: "c" state { running { } } })"));
  const auto again = [&](const char* policy, int which, bool main_runs) {
    before.mutable_spec()->set_restart_policy(policy);
    Pod now = before;
    ContainerState& state =
        *now.mutable_status()->mutable_init_container_statuses(which)->mutable_state();
    state.clear_terminated();
    state.mutable_running();
    if (!main_runs) {
      ContainerState& main = *now.mutable_status()->mutable_container_statuses(0)->mutable_state();
      main.clear_running();
      main.mutable_waiting();
    }
    return causes(status_updated(now, before));
  };
  const Lines refused = {
      "status.initContainerStatuses[0].state: Forbidden: may not be "
      "transitioned to non-terminated state"};
  for (const char* policy : {"Never", "OnFailure"}) {
    EXPECT_EQ(again(policy, 0, true), refused) << policy;
    EXPECT_EQ(again(policy, 0, false), Lines{}) << policy;  // its sandbox was lost
    EXPECT_EQ(again(policy, 1, true), Lines{}) << policy;   // a sidecar
  }
  EXPECT_EQ(again("Always", 0, true), Lines{});
}

}  // namespace
}  // namespace keelson::api
