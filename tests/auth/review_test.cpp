#include "core/auth/reviews.hpp"

#include "core/api/json.hpp"
#include "core/auth/impersonation.hpp"
#include "tests/auth/auth_fixture.hpp"

namespace keelson::test {
namespace {

using ReviewTest = AuthTest;

template <class M>
M message(const std::string& json) {
  M message;
  const Status status = api::decode_message(json, message, {api::DecodeOptions::Unknown::strict});
  EXPECT_TRUE(status.ok()) << status.message();
  return message;
}

TEST_F(ReviewTest, SubjectAccessIsJudged) {
  const auto review = message<api::SubjectAccessReview>(
      R"({"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","spec":{
      "resourceAttributes":{"verb":"list","resource":"pods"},"user":"jane",
      "groups":["system:masters"],"extra":{"k":["a","b"]}}})");
  const auto answer = auth::review(access->authorizer(), review);
  ASSERT_TRUE(answer.ok());
  EXPECT_TRUE(answer.message.status().allowed());
  auto other = review;
  other.mutable_spec()->clear_groups();
  const auto refused = auth::review(access->authorizer(), other);
  EXPECT_FALSE(refused.message.status().allowed());
  EXPECT_FALSE(refused.message.status().denied());
}

TEST_F(ReviewTest, PathsAreJudged) {
  const auto answer = auth::review(
      access->authorizer(), message<api::SubjectAccessReview>(
                                R"({"spec":{"nonResourceAttributes":{"verb":"get","path":"/api"},
                                "groups":["system:authenticated"]}})"));
  EXPECT_TRUE(answer.message.status().allowed());
  EXPECT_EQ(answer.message.status().reason(),
            "RBAC: allowed by ClusterRoleBinding \"system:discovery\" of ClusterRole "
            "\"system:discovery\" to Group \"system:authenticated\"");
}

TEST_F(ReviewTest, WrongQuestionsAreRefused) {
  EXPECT_EQ(auth::review(access->authorizer(), api::SubjectAccessReview()).error.message,
            "SubjectAccessReview.authorization.k8s.io \"\" is invalid: [spec.resourceAttributes: "
            "Invalid value: \"null\": exactly one of nonResourceAttributes or resourceAttributes "
            "must be specified, spec.user: Invalid value: \"\": at least one of user or group must "
            "be specified]");
  auto named = message<api::SelfSubjectAccessReview>(
      R"({"metadata":{"name":"x"},"spec":{"resourceAttributes":{"verb":"get"}}})");
  EXPECT_EQ(auth::review(access->authorizer(), user("jane"), named).error.reason, Reason::invalid);
  auto both = message<api::SelfSubjectAccessReview>(
      R"({"spec":{"resourceAttributes":{"verb":"get"},"nonResourceAttributes":{"path":"/"}}})");
  EXPECT_EQ(auth::review(access->authorizer(), user("jane"), both).error.causes.size(), 1U);
  auto local = message<api::LocalSubjectAccessReview>(
      R"({"spec":{"resourceAttributes":{"verb":"get","namespace":"a"},"user":"jane"}})");
  EXPECT_EQ(auth::review(access->authorizer(), "b", local).error.message,
            "spec.resourceAttributes.namespace must match namespace: b");
  EXPECT_TRUE(auth::review(access->authorizer(), "a", local).ok());
}

TEST_F(ReviewTest, OneSeesOneself) {
  auto jane = user("jane", {"g"});
  jane.extra["k"] = {"a", "b"};
  const auto answer = auth::review(jane, api::SelfSubjectReview());
  EXPECT_EQ(api::encode_message(answer.message),
            R"({"kind":"SelfSubjectReview","apiVersion":"authentication.k8s.io/v1","metadata":)"
            R"({"creationTimestamp":null},"status":{"userInfo":{"username":"jane","groups":["g"],)"
            R"("extra":{"k":["a","b"]}}}})");
}

// --- Impersonation -------------------------------------------------------------------------------

class ImpersonationTest : public AuthTest {
 protected:
  ImpersonationTest() {
    api::ClusterRole role =
        cluster_role("actor", rule({"impersonate"}, "", {"users", "groups", "serviceaccounts"}));
    *role.add_rules() =
        rule({"impersonate"}, "authentication.k8s.io", {"userextras/scopes", "uids"});
    made(role);
    made(binding<api::ClusterRoleBinding>("actor", "ClusterRole", "actor", "User", "jane"));
  }
  auth::Impersonation act(std::vector<auth::HeaderField> headers,
                          const auth::UserInfo& caller = user("jane")) {
    return auth::impersonate(caller, headers, access->authorizer());
  }
};

TEST_F(ImpersonationTest, NobodyAskedNothingChanges) {
  const auto result = act({{"Accept", "*/*"}});
  EXPECT_FALSE(result.asked);
  EXPECT_EQ(result.user.name, "jane");
}

TEST_F(ImpersonationTest, TakesUserGroupsUidAndExtra) {
  const auto result = act({{"Impersonate-User", "bob"},
                           {"impersonate-group", "g1"},
                           {"Impersonate-Group", "g2"},
                           {"Impersonate-Uid", "7"},
                           {"Impersonate-Extra-Scopes", "view"}});
  ASSERT_TRUE(result.error.ok()) << result.error.message;
  EXPECT_EQ(result.user.name, "bob");
  EXPECT_EQ(result.user.uid, "7");
  EXPECT_EQ(result.user.groups, (std::vector<std::string>{"g1", "g2", "system:authenticated"}));
  EXPECT_EQ(result.user.extra.at("scopes"), std::vector<std::string>{"view"});
}

TEST_F(ImpersonationTest, AccountsGetTheirGroups) {
  const auto result = act({{"Impersonate-User", "system:serviceaccount:ns:robot"}});
  EXPECT_EQ(result.user.groups,
            (std::vector<std::string>{"system:serviceaccounts", "system:serviceaccounts:ns",
                                      "system:authenticated"}));
  EXPECT_EQ(act({{"Impersonate-User", "system:anonymous"}}).user.groups,
            std::vector<std::string>{"system:unauthenticated"});
}

TEST_F(ImpersonationTest, NeedsTheRight) {
  EXPECT_EQ(act({{"Impersonate-User", "bob"}}, user("eve")).error.message,
            "users \"bob\" is forbidden: User \"eve\" cannot impersonate resource \"users\" in API "
            "group \"\" at the cluster scope");
  EXPECT_EQ(
      act({{"Impersonate-User", "bob"}, {"Impersonate-Extra-Other%2Fkey", "v"}}).error.message,
      "userextras.authentication.k8s.io \"v\" is forbidden: User \"jane\" cannot impersonate "
      "resource \"userextras/other/key\" in API group \"authentication.k8s.io\" at the "
      "cluster scope");
  EXPECT_EQ(act({{"Impersonate-Group", "g"}}).error.reason, Reason::bad_request);
}

}  // namespace
}  // namespace keelson::test
