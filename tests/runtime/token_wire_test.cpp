// A request for a service account's token on its way to a server and back.
#include <gtest/gtest.h>

#include "core/api/json.hpp"
#include "runtime/api/wire.hpp"

namespace keelson::runtime {
namespace {

TEST(TokenWire, AsksAndReadsTheAnswer) {
  api::TokenRequest asked;
  asked.mutable_spec()->set_expiration_seconds(3607);
  asked.mutable_spec()->mutable_bound_object_ref()->set_name("web");
  const api::Request request = api::create_token("default", "robot", asked);
  const http::Request sent = to_http(request);
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.target, "/api/v1/namespaces/default/serviceaccounts/robot/token");
  EXPECT_NE(sent.body.find(R"("kind":"TokenRequest")"), std::string::npos) << sent.body;
  EXPECT_NE(sent.body.find(R"("apiVersion":"authentication.k8s.io/v1")"), std::string::npos);
  EXPECT_NE(sent.body.find(R"("expirationSeconds":3607)"), std::string::npos);

  http::Response answer;
  answer.status = 201;
  answer.body = R"({"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","metadata":{},)"
                R"("spec":{"expirationSeconds":3607},"status":{"token":"abc",)"
                R"("expirationTimestamp":"2026-11-26T00:00:00Z"}})";
  const api::Response response = from_http(request, answer);
  ASSERT_TRUE(response.ok()) << response.error.message;
  ASSERT_NE(response.message, nullptr);
  ASSERT_EQ(response.message->GetDescriptor(), api::TokenRequest::descriptor());
  EXPECT_EQ(static_cast<const api::TokenRequest&>(*response.message).status().token(), "abc");
}

}  // namespace
}  // namespace keelson::runtime
