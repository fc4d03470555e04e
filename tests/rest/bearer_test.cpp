#include "core/rest/bearer.hpp"

#include <gtest/gtest.h>

namespace keelson::rest {
namespace {

constexpr const char* kToken = "base64url.bearer.authorization.k8s.io.dG9rZW4";  // "token"

HttpRequest upgrade(std::vector<std::string> protocols) {
  HttpRequest request;
  request.headers = {{"Connection", "keep-alive, Upgrade"}, {"Upgrade", "websocket"}};
  for (std::string& protocol : protocols) {
    request.headers.push_back({"Sec-WebSocket-Protocol", std::move(protocol)});
  }
  unwrap_protocol_token(request);
  return request;
}

TEST(ProtocolToken, BecomesAHeader) {
  const HttpRequest request = upgrade({std::string("v5.channel.k8s.io, ") + kToken});
  EXPECT_EQ(request.header("Authorization"), "Bearer token");
  EXPECT_EQ(request.header("Sec-WebSocket-Protocol"), "v5.channel.k8s.io");
  for (const Header& header : request.headers) {
    EXPECT_EQ(header.value.find("dG9rZW4"), std::string::npos);
  }
}

TEST(ProtocolToken, ThatMakesNoSenseIsAcceptedByNobody) {
  const std::string prefix = "base64url.bearer.authorization.k8s.io.";
  EXPECT_EQ(upgrade({kToken}).header("Authorization"), "Bearer invalid");  // nothing to choose
  EXPECT_EQ(upgrade({kToken, kToken, "a"}).header("Authorization"), "Bearer invalid");
  EXPECT_EQ(upgrade({prefix + "!!", "a"}).header("Authorization"), "Bearer invalid");
  EXPECT_EQ(upgrade({prefix, "a"}).header("Authorization"), "Bearer invalid");
  EXPECT_EQ(upgrade({kToken}).header("Sec-WebSocket-Protocol"), "");
}

TEST(ProtocolToken, OthersAreLeftAlone) {
  EXPECT_EQ(upgrade({"a", "b"}).header("Authorization"), "");
  HttpRequest plain;
  plain.headers = {{"Sec-WebSocket-Protocol", kToken}};
  unwrap_protocol_token(plain);
  EXPECT_EQ(plain.header("Authorization"), "");
  EXPECT_EQ(plain.headers.size(), 1u);
}

}  // namespace
}  // namespace keelson::rest
