#include "core/controllers/certificate_cleaner.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/api/json.hpp"
#include "tests/controllers/world.hpp"

namespace keelson::controllers {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class CertificateCleanerTest : public testing::Test {
 protected:
  // Made now; decided about `later`.
  api::ObjectPtr request(const std::vector<std::string>& conditions, const std::string& certificate = {},
                         Duration later = {}) {
    api::CertificateSigningRequest request;
    request.mutable_metadata()->set_name("node-csr-1");
    request.mutable_metadata()->set_uid("u1");
    *request.mutable_metadata()->mutable_creation_timestamp() = api::to_time(world.wall);
    for (const std::string& type : conditions) {
      auto& condition = *request.mutable_status()->add_conditions();
      condition.set_type(type);
      condition.set_status("True");
      *condition.mutable_last_update_time() = api::to_time(world.wall + later);
    }
    request.mutable_status()->set_certificate(certificate);
    return world.put(api::make_object(std::move(request)));
  }
  // It is there until `age` has passed, and not a moment longer.
  void lives_for(Duration age, const api::ObjectPtr& object) {
    world.pass(age - 1s);
    const Plan early = world.reconcile(controller, object);
    EXPECT_THAT(early.writes, IsEmpty());
    EXPECT_EQ(early.requeue_after, Duration(1s));
    world.pass(1s);
    const Plan plan = world.reconcile(controller, object);
    ASSERT_THAT(test::describe(plan), ElementsAre("delete certificatesigningrequests node-csr-1"));
    EXPECT_EQ(plan.writes[0].request.expected.uid, "u1");
    EXPECT_EQ(plan.writes[0].request.expected.revision, object->revision());
  }

  test::World world;
  std::optional<int64_t> end;
  CertificateCleanerController controller{[this](const std::string&) { return end; }};
};

TEST_F(CertificateCleanerTest, AnHourAfterItWasIssued) { lives_for(1h, request({"Approved"}, "signed")); }
TEST_F(CertificateCleanerTest, AnHourAfterItWasDenied) { lives_for(1h, request({"Denied"})); }
TEST_F(CertificateCleanerTest, AnHourAfterSigningFailed) {
  lives_for(1h, request({"Approved", "Failed"}));
}
TEST_F(CertificateCleanerTest, CountsFromTheDecision) { lives_for(3h, request({"Denied"}, "", 2h)); }
TEST_F(CertificateCleanerTest, ADayIfNobodyDecides) { lives_for(24h, request({})); }
TEST_F(CertificateCleanerTest, ADayIfNobodySigns) { lives_for(24h, request({"Approved"})); }

TEST_F(CertificateCleanerTest, NotLongerThanTheCertificate) {
  end = world.wall.unix_ns / 1'000'000'000 + 600;
  lives_for(600s, request({"Approved"}, "signed"));
}

TEST_F(CertificateCleanerTest, LooksAgainInTime) {
  end = INT64_MAX / 2;
  const auto object = request({});
  EXPECT_EQ(world.reconcile(controller, object).requeue_after, Duration(10min));
  EXPECT_THAT(world.keys(controller, nullptr, object), testing::SizeIs(1));
  EXPECT_THAT(world.keys(controller, object, nullptr), IsEmpty());
}

}  // namespace
}  // namespace keelson::controllers
