#include "core/auth/escalation.hpp"

#include "tests/auth/auth_fixture.hpp"

namespace keelson::test {
namespace {

class EscalationTest : public AuthTest {
 protected:
  // May write all roles and bindings, and read pods; nothing else.
  EscalationTest() {
    api::ClusterRole writer = cluster_role(
        "writer", rule({"*"}, "rbac.authorization.k8s.io",
                       {"roles", "clusterroles", "rolebindings", "clusterrolebindings"}));
    writer.mutable_rules(0)->clear_verbs();
    for (const char* verb : {"create", "update", "get"}) writer.mutable_rules(0)->add_verbs(verb);
    *writer.add_rules() = rule({"get", "list"}, "", {"pods"});
    made(writer);
    made(binding<api::ClusterRoleBinding>("w", "ClusterRole", "writer", "User", "eve"));
  }
  auth::UserInfo eve = user("eve", {"g1", "g2"});
};

TEST_F(EscalationTest, WhatOneHasCanBeGiven) {
  EXPECT_TRUE(create_as(eve, role("ok", rule({"get"}, "", {"pods"}))).ok());
  EXPECT_TRUE(create_as(eve, cluster_role("ok", rule({"list"}, "", {"pods"}))).ok());
  EXPECT_TRUE(create_as(eve, binding<api::RoleBinding>("b", "Role", "ok", "User", "x")).ok());
}

TEST_F(EscalationTest, WhatOneLacksCannot) {
  const Response response =
      create_as(eve, cluster_role("bad", rule({"get", "delete", "watch"}, "", {"pods"})));
  EXPECT_EQ(response.error.reason, Reason::forbidden);
  EXPECT_EQ(response.error.message,
            "clusterroles.rbac.authorization.k8s.io \"bad\" is forbidden: user \"eve\" "
            "(groups=[\"g1\" \"g2\"]) is attempting to grant RBAC permissions not currently "
            "held:\n{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"delete\" \"watch\"]}");
  EXPECT_FALSE(create_as(eve, role("bad", rule({"*"}, "", {"pods"}))).ok());
}

TEST_F(EscalationTest, NotByAnUpdateEither) {
  const auto made_role = made(role("r", rule({"get"}, "", {"pods"})));
  api::Role more = *made_role;
  *more.add_rules() = rule({"get"}, "", {"secrets"});
  EXPECT_EQ(as(eve, api::update(api::make_object(more))).error.reason, Reason::forbidden);
  // What others gave is theirs to keep, as long as nothing is added.
  const auto big = made(role("big", rule({"get"}, "", {"secrets"})));
  api::Role owned = *big;
  owned.mutable_metadata()->add_finalizers("example.com/keep");
  EXPECT_TRUE(as(eve, api::update(api::make_object(owned))).ok());
  (*owned.mutable_metadata()->mutable_labels())["a"] = "b";
  EXPECT_FALSE(as(eve, api::update(api::make_object(owned))).ok());
}

TEST_F(EscalationTest, BindingsGiveOnlyWhatOneHas) {
  const Response response = create_as(
      eve, binding<api::ClusterRoleBinding>("b", "ClusterRole", "cluster-admin", "User", "eve"));
  EXPECT_EQ(response.error.reason, Reason::forbidden);
  EXPECT_NE(response.error.message.find("clusterrolebindings.rbac.authorization.k8s.io \"b\" is "
                                        "forbidden: user \"eve\" (groups=[\"g1\" \"g2\"]) is "
                                        "attempting to grant RBAC permissions"),
            std::string::npos)
      << response.error.message;
  EXPECT_NE(response.error.message.find("{APIGroups:[\"*\"], Resources:[\"*\"], Verbs:[\"*\"]}\n"
                                        "{NonResourceURLs:[\"*\"], Verbs:[\"*\"]}"),
            std::string::npos);
  const Response missing =
      create_as(eve, binding<api::RoleBinding>("c", "Role", "nope", "User", "eve"));
  EXPECT_EQ(missing.error.reason, Reason::not_found);
}

TEST_F(EscalationTest, BindAndEscalateAreRightsOfTheirOwn) {
  api::ClusterRole binder =
      cluster_role("binder", rule({"bind"}, "rbac.authorization.k8s.io", {"clusterroles"}));
  binder.mutable_rules(0)->add_resource_names("edit");
  *binder.add_rules() = rule({"escalate"}, "rbac.authorization.k8s.io", {"roles"});
  made(binder);
  made(binding<api::ClusterRoleBinding>("x", "ClusterRole", "binder", "User", "eve"));
  EXPECT_TRUE(
      create_as(eve, binding<api::RoleBinding>("e", "ClusterRole", "edit", "User", "z")).ok());
  EXPECT_FALSE(
      create_as(eve, binding<api::RoleBinding>("a", "ClusterRole", "admin", "User", "z")).ok());
  EXPECT_TRUE(create_as(eve, role("any", rule({"*"}, "*", {"*"}))).ok());
  EXPECT_FALSE(create_as(eve, cluster_role("any", rule({"*"}, "*", {"*"}))).ok());
}

TEST_F(EscalationTest, AggregationNeedsEverything) {
  api::ClusterRole collecting;
  collecting.mutable_metadata()->set_name("collecting");
  (*collecting.mutable_aggregation_rule()
        ->add_cluster_role_selectors()
        ->mutable_match_labels())["a"] = "b";
  const Response response = create_as(eve, collecting);
  EXPECT_EQ(response.error.message,
            "clusterroles.rbac.authorization.k8s.io \"collecting\" is forbidden: must have "
            "cluster-admin privileges to use the aggregationRule");
  EXPECT_TRUE(create_as(user("root", {"system:masters"}), collecting).ok());
}

TEST_F(EscalationTest, ComponentsOfTheProcessAreNotAsked) {
  EXPECT_TRUE(create(cluster_role("any", rule({"*"}, "*", {"*"}))).ok());
}

}  // namespace
}  // namespace keelson::test
