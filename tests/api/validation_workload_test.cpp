// Deployments and replica sets, worded as a Kubernetes 1.20 API server words it.
#include "tests/api/validation_support.hpp"

namespace keelson::api {
namespace {

using Lines = std::vector<std::string>;

TEST(DeploymentValidation, AValidOneIsValid) {
  ApiError error = created(valid_deployment());
  EXPECT_TRUE(error.ok()) << error.message;
}

TEST(DeploymentValidation, TheSelectorMustMatchTheTemplate) {
  ApiError error = created(made<Deployment>(R"(
      metadata { name: "bad" namespace: "default" }
      spec {
        selector { match_labels { key: "a" value: "b" } }
        template { metadata { labels { key: "a" value: "c" } }
                   spec { containers { name: "c" image: "i" } } }
      })"));
  EXPECT_EQ(error.message,
            "Deployment.apps \"bad\" is invalid: spec.template.metadata.labels: Invalid value: "
            "map[string]string{\"a\":\"c\"}: `selector` does not match template `labels`");
  EXPECT_EQ(error.group, "apps");
  EXPECT_EQ(error.kind, "Deployment");
}

TEST(DeploymentValidation, TheSelectorCannotChange) {
  Deployment now = valid_deployment();
  (*now.mutable_spec()->mutable_selector()->mutable_match_labels())["x"] = "y";
  EXPECT_EQ(updated(now, valid_deployment()).message,
            "Deployment.apps \"kel\" is invalid: [spec.template.metadata.labels: Invalid value: "
            "map[string]string{\"run\":\"kel\"}: `selector` does not match template `labels`, "
            "spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string{\"run\":"
            "\"kel\", \"x\":\"y\"}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: field is "
            "immutable]");
}

TEST(DeploymentValidation, SomethingMustBeAllowedToMove) {
  Deployment now = valid_deployment();
  auto& rolling = *now.mutable_spec()->mutable_strategy()->mutable_rolling_update();
  *rolling.mutable_max_surge() = int_value(0);
  *rolling.mutable_max_unavailable() = int_value(0);
  EXPECT_EQ(updated(now, valid_deployment()).message,
            "Deployment.apps \"kel\" is invalid: spec.strategy.rollingUpdate.maxUnavailable: "
            "Invalid value: intstr.IntOrString{Type:0, IntVal:0, StrVal:\"\"}: may not be 0 when "
            "`maxSurge` is 0");
  *rolling.mutable_max_surge() = string_value("0%");
  EXPECT_FALSE(updated(now, valid_deployment()).ok());
  *rolling.mutable_max_unavailable() = string_value("1%");
  EXPECT_TRUE(updated(now, valid_deployment()).ok());
}

TEST(DeploymentValidation, PercentagesAreChecked) {
  Deployment now = valid_deployment();
  auto& rolling = *now.mutable_spec()->mutable_strategy()->mutable_rolling_update();
  *rolling.mutable_max_unavailable() = string_value("101%");
  *rolling.mutable_max_surge() = string_value("half");
  Lines lines = causes(created(now));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(lines[0].starts_with(
      "spec.strategy.rollingUpdate.maxSurge: Invalid value: intstr.IntOrString{Type:1, IntVal:0, "
      "StrVal:\"half\"}: a valid percent string must be"));
  EXPECT_TRUE(lines[1].ends_with("must not be greater than 100%"));
  *rolling.mutable_max_unavailable() = string_value("25%");
  *rolling.mutable_max_surge() = string_value("200%");
  EXPECT_TRUE(created(now).ok());
}

TEST(DeploymentValidation, RecreateTakesNoRollingUpdate) {
  Deployment now = valid_deployment();
  now.mutable_spec()->mutable_strategy()->set_type("Recreate");
  EXPECT_EQ(causes(created(now)),
            Lines{"spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy "
                  "`type` is 'Recreate'"});
  now.mutable_spec()->mutable_strategy()->clear_rolling_update();
  EXPECT_TRUE(created(now).ok());
}

TEST(DeploymentValidation, Numbers) {
  Deployment now = valid_deployment();
  now.mutable_spec()->set_replicas(-1);
  now.mutable_spec()->set_min_ready_seconds(700);
  now.mutable_spec()->set_revision_history_limit(-2);
  EXPECT_EQ(causes(created(now)),
            (Lines{"spec.replicas: Invalid value: -1: must be greater than or equal to 0",
                   "spec.revisionHistoryLimit: Invalid value: -2: must be greater than or equal to "
                   "0",
                   "spec.progressDeadlineSeconds: Invalid value: 600: must be greater than "
                   "minReadySeconds"}));
}

TEST(DeploymentValidation, TemplatesRestartAlways) {
  Deployment now = valid_deployment();
  now.mutable_spec()->mutable_template_()->mutable_spec()->set_restart_policy("Never");
  EXPECT_EQ(causes(created(now)),
            Lines{"spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported "
                  "values: \"Always\""});
}

TEST(DeploymentValidation, NeedsASelector) {
  Deployment now = valid_deployment();
  now.mutable_spec()->clear_selector();
  EXPECT_EQ(causes(created(now)), Lines{"spec.selector: Required value"});
  now.mutable_spec()->mutable_selector();
  EXPECT_EQ(causes(created(now)),
            Lines{"spec.selector: Invalid value: "
                  "v1.LabelSelector{MatchLabels:map[string]string(nil), "
                  "MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: empty selector is invalid "
                  "for deployment"});
}

TEST(DeploymentStatus, CountsMustAgree) {
  Deployment now = valid_deployment();
  now.mutable_status()->set_replicas(1);
  now.mutable_status()->set_ready_replicas(1);
  now.mutable_status()->set_available_replicas(1);
  EXPECT_TRUE(status_updated(now, valid_deployment()).ok());
  now.mutable_status()->set_updated_replicas(2);
  now.mutable_status()->set_ready_replicas(0);
  EXPECT_EQ(causes(status_updated(now, valid_deployment())),
            (Lines{"status.availableReplicas: Invalid value: 1: cannot be greater than "
                   "readyReplicas",
                   "status.updatedReplicas: Invalid value: 2: cannot be greater than "
                   "status.replicas"}));
}

TEST(DeploymentStatus, CollisionsOnlyGrow) {
  Deployment before = valid_deployment();
  before.mutable_status()->set_collision_count(2);
  Deployment now = before;
  now.mutable_status()->set_collision_count(1);
  EXPECT_EQ(causes(status_updated(now, before)),
            Lines{"status.collisionCount: Invalid value: 1: cannot be decremented"});
}

TEST(ReplicaSetValidation, FollowsTheSameRules) {
  ReplicaSet set = made<ReplicaSet>(R"(
      metadata { name: "s" namespace: "default" }
      spec { selector { match_labels { key: "a" value: "b" } }
             template { metadata { labels { key: "a" value: "b" } }
                        spec { containers { name: "c" image: "i" } } } })");
  EXPECT_TRUE(created(set).ok()) << created(set).message;
  ReplicaSet now = set;
  (*now.mutable_spec()->mutable_selector()->mutable_match_labels())["a"] = "c";
  EXPECT_EQ(causes(updated(now, set)).size(), 2u);
  now = set;
  now.mutable_spec()->set_replicas(-1);
  EXPECT_EQ(causes(updated(now, set)),
            Lines{"spec.replicas: Invalid value: -1: must be greater than or equal to 0"});
  now = set;
  now.mutable_status()->set_replicas(1);
  now.mutable_status()->set_fully_labeled_replicas(2);
  EXPECT_EQ(causes(status_updated(now, set)),
            Lines{"status.fullyLabeledReplicas: Invalid value: 2: cannot be greater than "
                  "status.replicas"});
}

}  // namespace
}  // namespace keelson::api
