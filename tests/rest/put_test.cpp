// PUTs of what is not there.
#include "tests/rest/fixture.hpp"

namespace keelson::test {
namespace {

class PutTest : public FrontTest {};

TEST_F(PutTest, CreatesWhereKubernetesDoes) {
  const std::string leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases/";
  const std::string lease = R"({"metadata":{"name":"a"},"spec":{"holderIdentity":"me"}})";
  EXPECT_EQ(send("PUT", leases + "a", lease)->status, 201);
  EXPECT_EQ(send("PUT", leases + "a", lease)->status, 200);
  EXPECT_EQ(send("PUT", leases + "b", lease)->status, 400);  // another name
  EXPECT_EQ(send("PUT", leases + "c",
                 R"({"metadata":{"name":"c","resourceVersion":"7"},"spec":{}})")
                ->status,
            201);
  EXPECT_EQ(send("PUT", leases + "d", R"({"metadata":{"name":"d","uid":"u"},"spec":{}})")->status,
            409);
  EXPECT_EQ(send("PUT", leases + "e?dryRun=All", R"({"metadata":{"name":"e"}})")->status, 201);
  EXPECT_EQ(get(leases + "e")->status, 404);
  EXPECT_EQ(send("PUT", "/api/v1/namespaces/default/endpoints/e", R"({"metadata":{"name":"e"}})")
                ->status,
            201);
  EXPECT_EQ(send("PUT", "/api/v1/namespaces/default/configmaps/e", R"({"metadata":{"name":"e"}})")
                ->status,
            404);
  EXPECT_EQ(send("PUT", "/api/v1/namespaces/nope/endpoints/e", R"({"metadata":{"name":"e"}})")
                ->status,
            404);
}

TEST_F(PutTest, TakesTheNameFromTheBodyToo) {
  const std::string services = "/api/v1/namespaces/default/services/s3";
  const auto refused =
      send("PUT", services, R"({"metadata":{"generateName":"g-"},"spec":{"ports":[{"port":80}]}})");
  EXPECT_EQ(refused->status, 400);
  EXPECT_EQ(refused->message(),
            "the name of the object (s3 based on URL) was undeterminable: name must be provided");
  EXPECT_EQ(get(services)->status, 404);
  made(deployment_named("d", 1));
  const std::string scale = "/apis/apps/v1/namespaces/default/deployments/d/scale";
  EXPECT_EQ(send("PUT", scale, R"({"spec":{"replicas":2}})")->status, 400);
  EXPECT_EQ(send("PUT", scale, R"({"metadata":{"name":"d"},"spec":{"replicas":2}})")->status, 200);
}

}  // namespace
}  // namespace keelson::test
