#include "core/controllers/certificate_signing.hpp"

#include <gtest/gtest.h>

#include "core/controllers/cluster_role_aggregation.hpp"
#include "tests/controllers/world.hpp"

namespace keelson::controllers {
namespace {

class FakeSigner final : public CertificateSigner {
 public:
  bool signs_for(const std::string& name) const override { return name == "example.com/x"; }
  Result<std::string> sign(const api::CertificateSigningRequest&) const override {
    if (code == Code::ok) return std::string("signed");
    return Error{code, "why not"};
  }
  Code code = Code::ok;
};

class CertificateSigningTest : public ::testing::Test {
 protected:
  api::ObjectPtr request(const std::string& signer, const std::vector<std::string>& conditions) {
    api::CertificateSigningRequest request;
    request.mutable_metadata()->set_name("c");
    request.mutable_spec()->set_signer_name(signer);
    for (const std::string& type : conditions) {
      auto& condition = *request.mutable_status()->add_conditions();
      condition.set_type(type);
      condition.set_status("True");
    }
    return world.put(api::make_object(request));
  }
  Plan plan(const api::ObjectPtr& object) { return world.reconcile(controller, object); }
  static const auto& status(const Plan& plan) {
    return static_cast<const api::CertificateSigningRequest&>(*plan.writes.at(0).request.body)
        .status();
  }

  test::World world;
  FakeSigner signer;
  CertificateSigningController controller{signer};
};

TEST_F(CertificateSigningTest, SignsWhatIsApproved) {
  const Plan signed_one = plan(request("example.com/x", {"Approved"}));
  ASSERT_EQ(signed_one.writes.size(), 1U);
  EXPECT_EQ(signed_one.writes[0].request.subresource, api::Subresource::status);
  EXPECT_EQ(status(signed_one).certificate(), "signed");
}

TEST_F(CertificateSigningTest, SignsNothingElse) {
  EXPECT_TRUE(plan(request("example.com/x", {})).writes.empty());
  EXPECT_TRUE(plan(request("example.com/x", {"Denied"})).writes.empty());
  EXPECT_TRUE(plan(request("example.com/x", {"Approved", "Failed"})).writes.empty());
  EXPECT_TRUE(plan(request("example.com/other", {"Approved"})).writes.empty());
}

TEST_F(CertificateSigningTest, SaysWhyNot) {
  signer.code = Code::invalid;
  const Plan refused = plan(request("example.com/x", {"Approved"}));
  ASSERT_EQ(refused.writes.size(), 1U);
  EXPECT_EQ(status(refused).conditions(1).type(), "Failed");
  EXPECT_EQ(status(refused).conditions(1).reason(), "SignerValidationFailure");
  EXPECT_EQ(status(refused).conditions(1).message(), "why not");
  signer.code = Code::unavailable;
  const Plan later = plan(request("example.com/x", {"Approved"}));
  EXPECT_TRUE(later.writes.empty());
  EXPECT_GT(later.requeue_after, Duration::zero());
}

TEST(ClusterRoleAggregation, WritesWhatIsCollected) {
  test::World world;
  ClusterRoleAggregationController controller;
  api::ClusterRole collects;
  collects.mutable_metadata()->set_name("collects");
  (*collects.mutable_aggregation_rule()
        ->add_cluster_role_selectors()
        ->mutable_match_labels())["a"] = "b";
  const auto stored = world.put(api::make_object(collects));
  EXPECT_TRUE(world.reconcile(controller, stored).writes.empty());
  api::ClusterRole source;
  source.mutable_metadata()->set_name("source");
  (*source.mutable_metadata()->mutable_labels())["a"] = "b";
  source.add_rules()->add_verbs("get");
  const auto added = world.put(api::make_object(source));
  EXPECT_EQ(world.keys(controller, nullptr, added),
            std::set<std::string>{"clusterroles collects"});
  const Plan plan = world.reconcile(controller, stored);
  ASSERT_EQ(plan.writes.size(), 1U);
  const auto& now = static_cast<const api::ClusterRole&>(*plan.writes[0].request.body);
  EXPECT_EQ(now.rules(0).verbs(0), "get");
  world.put(api::make_object(now));
  EXPECT_TRUE(world.reconcile(controller, stored).writes.empty());
}

}  // namespace
}  // namespace keelson::controllers
