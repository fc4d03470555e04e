// Who wrote what, knowing what: it comes back from the log as it went in.
#include "runtime/redis/provenance.hpp"

#include <gtest/gtest.h>

namespace keelson::redis {
namespace {

TEST(Provenance, ComesBackAsItWasWritten) {
  auto basis = std::make_shared<api::Basis>();
  basis->read(api::Kind::pods, {1, 230});
  basis->read(api::Kind::deployments, {2, 1'048'900});
  store::Provenance by;
  by.actor = "controller-manager-h1_5f/replicaset";
  by.user = "a user=\"with\" role=all of it";
  by.fence = {"kube-system/controller-manager", 204};
  by.request_id = 17;
  by.basis = basis;
  const std::string text = write_provenance(&by, WallTime{1'764'123'456'789'000'001});
  EXPECT_EQ(text,
            "controller-manager-h1_5f/replicaset at=1764123456789000001 role=kube-system/controller-manager "
            "token=204 call=17 knows=" + [&] {
              // In the order of the kinds.
              return api::Kind::pods < api::Kind::deployments
                         ? std::string("pods@1.230,deployments.apps@2.1048900")
                         : std::string("deployments.apps@2.1048900,pods@1.230");
            }() + " user=a user=\"with\" role=all of it");
  const Told told = read_provenance(text);
  ASSERT_NE(told.by, nullptr);
  EXPECT_EQ(told.at.unix_ns, 1'764'123'456'789'000'001);
  EXPECT_EQ(told.by->actor, by.actor);
  EXPECT_EQ(told.by->user, by.user);
  EXPECT_EQ(told.by->fence.role, by.fence.role);
  EXPECT_EQ(told.by->fence.token, 204u);
  EXPECT_EQ(told.by->request_id, 17u);
  ASSERT_NE(told.by->basis, nullptr);
  EXPECT_EQ(told.by->basis->seen, basis->seen);
}

TEST(Provenance, OfAnOlderServerOrOfNobody) {
  const Told old = read_provenance("h1_5f/scheduler");
  ASSERT_NE(old.by, nullptr);
  EXPECT_EQ(old.by->actor, "h1_5f/scheduler");
  EXPECT_EQ(old.by->basis, nullptr);
  EXPECT_EQ(old.at.unix_ns, 0);
  EXPECT_EQ(read_provenance(write_provenance(nullptr, WallTime{5})).by, nullptr);
  EXPECT_EQ(read_provenance(write_provenance(nullptr, WallTime{5})).at.unix_ns, 5);
  EXPECT_EQ(read_provenance("").by, nullptr);
}

TEST(Provenance, NonsenseIsLeftOut) {
  const Told told = read_provenance("x at=soon token=- knows=pods,@,pods@1,what@1.2,=,pods@.7 more");
  ASSERT_NE(told.by, nullptr);
  EXPECT_EQ(told.at.unix_ns, 0);
  ASSERT_NE(told.by->basis, nullptr);
  EXPECT_EQ(told.by->basis->of(api::Kind::nodes), api::Revision{});
}

}  // namespace
}  // namespace keelson::redis
