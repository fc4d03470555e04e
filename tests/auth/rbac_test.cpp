#include "core/auth/rbac.hpp"

#include "core/auth/reviews.hpp"
#include "tests/auth/auth_fixture.hpp"

namespace keelson::test {
namespace {

using RbacTest = AuthTest;

TEST_F(RbacTest, ClustersHaveTheDefaultRoles) {
  const Response roles = call(api::list(Kind::cluster_roles));
  EXPECT_GT(roles.items.size(), 15U);
  const auto admin = read<api::ClusterRole>("admin");
  ASSERT_TRUE(admin);
  EXPECT_GT(admin->rules_size(), 10);
  EXPECT_EQ(admin->metadata().labels().at("kubernetes.io/bootstrapping"), "rbac-defaults");
  const auto binding = read<api::ClusterRoleBinding>("cluster-admin");
  ASSERT_TRUE(binding);
  EXPECT_EQ(binding->subjects(0).name(), "system:masters");
}

TEST_F(RbacTest, DefaultsAreForTheirGroups) {
  const auto anybody = user("jane", {"system:authenticated"});
  EXPECT_TRUE(may(asking(anybody, "get", "/apis/apps")));
  EXPECT_TRUE(may(asking(anybody, "create", "selfsubjectaccessreviews.authorization.k8s.io")));
  EXPECT_FALSE(may(asking(anybody, "list", "pods", "default")));
  const auto nobody = user("system:anonymous", {"system:unauthenticated"});
  EXPECT_TRUE(may(asking(nobody, "get", "/healthz")));
  EXPECT_TRUE(may(asking(nobody, "get", "/version")));
  EXPECT_FALSE(may(asking(nobody, "get", "/api")));
  EXPECT_TRUE(may(asking(user("root", {"system:masters"}), "delete", "nodes", "", "n1")));
  const auto scheduler = user("system:kube-scheduler");
  EXPECT_TRUE(may(asking(scheduler, "create", "pods/binding", "default", "p")));
  EXPECT_TRUE(may(
      asking(scheduler, "update", "leases.coordination.k8s.io", "kube-system", "kube-scheduler")));
  EXPECT_FALSE(may(asking(scheduler, "create", "pods", "default")));
}

TEST_F(RbacTest, ReasonsNameTheBinding) {
  const auto& rbac = access->rbac();
  EXPECT_EQ(rbac.authorize(asking(user("root", {"system:masters"}), "get", "pods")).reason,
            "RBAC: allowed by ClusterRoleBinding \"cluster-admin\" of ClusterRole "
            "\"cluster-admin\" to Group \"system:masters\"");
  made(role("reader", rule({"get"}, "", {"pods"})));
  made(binding<api::RoleBinding>("b", "Role", "reader", "ServiceAccount", "robot"));
  const auto robot = user("system:serviceaccount:default:robot");
  EXPECT_EQ(why(asking(robot, "get", "pods", "default", "x")),
            "RBAC: allowed by RoleBinding \"b/default\" of Role \"reader\" to ServiceAccount "
            "\"robot/default\"");
  EXPECT_FALSE(may(asking(robot, "get", "pods", "kube-system", "x")));
  EXPECT_FALSE(may(asking(robot, "get", "pods")));
}

TEST_F(RbacTest, ClusterRolesCanBeGivenForOneNamespace) {
  made(binding<api::RoleBinding>("v", "ClusterRole", "view", "User", "jane"));
  EXPECT_TRUE(may(asking(user("jane"), "list", "deployments.apps", "default")));
  EXPECT_FALSE(may(asking(user("jane"), "list", "deployments.apps", "kube-system")));
  EXPECT_FALSE(may(asking(user("jane"), "get", "secrets", "default", "s")));
  EXPECT_FALSE(may(asking(user("john"), "list", "deployments.apps", "default")));
}

TEST_F(RbacTest, RolesThatDoNotExistAreTold) {
  made(binding<api::ClusterRoleBinding>("b", "ClusterRole", "nope", "User", "jane"));
  EXPECT_EQ(why(asking(user("jane"), "get", "pods")),
            "RBAC: clusterrole.rbac.authorization.k8s.io \"nope\" not found");
  made(binding<api::RoleBinding>("c", "Role", "nix", "User", "jane"));
  EXPECT_EQ(why(asking(user("jane"), "get", "pods", "default")),
            "RBAC: [clusterrole.rbac.authorization.k8s.io \"nope\" not found, "
            "role.rbac.authorization.k8s.io \"nix\" not found]");
}

TEST_F(RbacTest, ChangesCountAtOnce) {
  const auto question = asking(user("jane"), "get", "pods", "default");
  EXPECT_FALSE(may(question));
  made(binding<api::ClusterRoleBinding>("b", "ClusterRole", "late", "User", "jane"));
  EXPECT_FALSE(may(question));
  made(cluster_role("late", rule({"get"}, "", {"pods"})));
  EXPECT_TRUE(may(question));
  made(config_named("other"));
  EXPECT_TRUE(may(question));
  EXPECT_TRUE(call(removal(Kind::cluster_role_bindings, "b")).ok());
  EXPECT_FALSE(may(question));
}

TEST_F(RbacTest, ChangesCountAfterHistoryWasForgotten) {
  const auto question = asking(user("jane"), "get", "pods", "default");
  EXPECT_FALSE(may(question));
  made(cluster_role("r", rule({"get"}, "", {"pods"})));
  made(binding<api::ClusterRoleBinding>("b", "ClusterRole", "r", "User", "jane"));
  loop.run_for(20min);
  for (int i = 0; i < 3; ++i) {
    made(config_named("c" + std::to_string(i)));
    loop.run_for(5min);
  }
  EXPECT_TRUE(may(question));
}

TEST_F(RbacTest, AggregatingRolesCollectWhatIsLabelled) {
  made(binding<api::RoleBinding>("v", "ClusterRole", "admin", "User", "jane"));
  const auto question = asking(user("jane"), "get", "widgets.example.com", "default", "w");
  EXPECT_FALSE(may(question));
  api::ClusterRole widgets = cluster_role("widgets", rule({"get"}, "example.com", {"widgets"}));
  (*widgets.mutable_metadata()->mutable_labels())["rbac.authorization.k8s.io/aggregate-to-view"] =
      "true";
  made(widgets);  // view is part of edit, which is part of admin
  EXPECT_TRUE(may(question));
}

TEST_F(RbacTest, WhoeverMayLookAtPodsMaySeeWhatTheyUse) {
  made(binding<api::RoleBinding>("v", "ClusterRole", "view", "User", "jane"));
  EXPECT_TRUE(may(asking(user("jane"), "list", "pods.metrics.k8s.io", "default")));
  EXPECT_FALSE(may(asking(user("jane"), "list", "nodes.metrics.k8s.io")));
}

TEST_F(RbacTest, RulesAreListedForTheOneWhoAsks) {
  made(binding<api::RoleBinding>("v", "ClusterRole", "view", "User", "jane"));
  api::SelfSubjectRulesReview review;
  EXPECT_EQ(auth::review(access->rbac(), user("jane"), review).error.message,
            "no namespace on request");
  review.mutable_spec()->set_namespace_("default");
  const auto answer = auth::review(access->rbac(), user("jane", {"system:authenticated"}), review);
  ASSERT_TRUE(answer.ok());
  EXPECT_GT(answer.message.status().resource_rules_size(), 5);
  EXPECT_GT(answer.message.status().non_resource_rules_size(), 0);
  EXPECT_FALSE(answer.message.status().incomplete());
  EXPECT_TRUE(auth::review(access->rbac(), node_user("n1"), review).message.status().incomplete());
}

}  // namespace
}  // namespace keelson::test
