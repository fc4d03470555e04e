#include "core/controllers/token_cleaner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/api/json.hpp"
#include "tests/controllers/world.hpp"

namespace keelson::controllers {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class TokenCleanerTest : public testing::Test {
 protected:
  api::ObjectPtr token(const std::string& expiration,
                       const std::string& type = "bootstrap.kubernetes.io/token",
                       const std::string& ns = "kube-system") {
    api::Secret secret;
    secret.mutable_metadata()->set_name("bootstrap-token-abcdef");
    secret.mutable_metadata()->set_namespace_(ns);
    secret.mutable_metadata()->set_uid("u1");
    secret.set_type(type);
    if (!expiration.empty()) (*secret.mutable_data())["expiration"] = expiration;
    return world.put(api::make_object(std::move(secret)));
  }
  std::string in(Duration d) { return api::format_time({world.wall.unix_ns + d.count()}); }

  test::World world;
  TokenCleanerController controller;
};

TEST_F(TokenCleanerTest, RemovesATokenWhenItsTimeIsOver) {
  const auto object = token(in(90s));
  const Plan early = world.reconcile(controller, object);
  EXPECT_THAT(early.writes, IsEmpty());
  EXPECT_EQ(early.requeue_after, Duration(90s));
  world.pass(90s);
  const Plan due = world.reconcile(controller, object);
  ASSERT_THAT(test::describe(due), ElementsAre("delete secrets bootstrap-token-abcdef"));
  EXPECT_EQ(due.writes[0].request.expected.uid, "u1");
  EXPECT_EQ(due.writes[0].request.expected.revision, object->revision());
}

TEST_F(TokenCleanerTest, LooksAgainInTime) {
  EXPECT_EQ(world.reconcile(controller, token(in(24h))).requeue_after, Duration(10min));
}

TEST_F(TokenCleanerTest, KeepsWhatIsFarOff) {
  const Plan plan = world.reconcile(controller, token("9999-12-31T23:59:59Z"));
  EXPECT_THAT(plan.writes, IsEmpty());
  EXPECT_EQ(plan.requeue_after, Duration(10min));
}

TEST_F(TokenCleanerTest, KeepsWhatLastsForEver) {
  const Plan plan = world.reconcile(controller, token(""));
  EXPECT_THAT(plan.writes, IsEmpty());
  EXPECT_EQ(plan.requeue_after, Duration{});
}

TEST_F(TokenCleanerTest, WhatCannotBeReadIsOver) {
  EXPECT_THAT(test::describe(world.reconcile(controller, token("tomorrow"))),
              ElementsAre("delete secrets bootstrap-token-abcdef"));
}

TEST_F(TokenCleanerTest, OtherSecretsAreNotItsOwn) {
  for (const auto& object : {token(in(-1h), "Opaque"),
                             token(in(-1h), "bootstrap.kubernetes.io/token", "default")}) {
    EXPECT_THAT(world.keys(controller, nullptr, object), IsEmpty());
    EXPECT_THAT(world.reconcile(controller, object).writes, IsEmpty());
  }
}

}  // namespace
}  // namespace keelson::controllers
