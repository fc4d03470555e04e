// What imagePullSecrets say to a registry: which keys fit an image, and in which order.
#include <gtest/gtest.h>

#include "core/agent/registry_credentials.hpp"
#include "core/api/json_text.hpp"

namespace keelson::agent {
namespace {

api::ObjectPtr secret(const std::string& type, const std::string& key, const std::string& json) {
  api::Secret message;
  message.set_type(type);
  (*message.mutable_data())[key] = json;
  return api::make_object(std::move(message));
}
api::ObjectPtr config(const std::string& auths) {
  return secret("kubernetes.io/dockerconfigjson", ".dockerconfigjson", "{\"auths\":" + auths + "}");
}
std::vector<std::string> users(std::string_view image, const std::vector<api::ObjectPtr>& secrets) {
  std::vector<std::string> out;
  for (const RegistryCredentials& found : credentials_for(image, secrets)) {
    out.push_back(found.username + "/" + found.password);
  }
  return out;
}
using Users = std::vector<std::string>;

TEST(RegistryCredentials, ReadsBothFormats) {
  const std::string both = api::encode_base64("ann:pa:ss");
  EXPECT_EQ(users("reg.io:5000/a:1", {config("{\"reg.io:5000\":{\"auth\":\"" + both + "\"}}")}),
            Users{"ann/pa:ss"});
  EXPECT_EQ(users("reg.io/a:1", {secret("kubernetes.io/dockercfg", ".dockercfg",
                                        R"({"https://reg.io/v1/":{"username":"bo","password":"x"}})")}),
            Users{"bo/x"});
}

TEST(RegistryCredentials, MatchesHostsPathsAndWildcards) {
  const auto keys = config(R"({
      "*.reg.io":{"username":"wild","password":""},
      "a.reg.io/team":{"username":"team","password":""},
      "a.reg.io/team/deep":{"username":"deep","password":""},
      "other.io":{"username":"other","password":""}})");
  EXPECT_EQ(users("a.reg.io/team/deep/x:1", {keys}), (Users{"deep/", "team/", "wild/"}));
  EXPECT_EQ(users("b.reg.io/team/x:1", {keys}), Users{"wild/"});
  EXPECT_EQ(users("reg.io/x:1", {keys}), Users{});
  EXPECT_EQ(users("docker.io/library/x:1",
                  {config(R"({"https://index.docker.io/v1/":{"username":"hub","password":"p"}})")}),
            Users{"hub/p"});
}

TEST(RegistryCredentials, PassesOverWhatCannotBeRead) {
  EXPECT_EQ(users("reg.io/a:1", {nullptr, config("[1]"), config("{\"reg.io\":3}"),
                                 secret("kubernetes.io/dockerconfigjson", ".dockerconfigjson", "{"),
                                 secret("Opaque", "x", "y")}),
            Users{});
  // Neither a colon nor base64: what the entry says in clear counts.
  EXPECT_EQ(users("reg.io/a:1", {config(R"({"reg.io":{"auth":"%%","username":"u","password":"p"}})")}),
            Users{"u/p"});
}

}  // namespace
}  // namespace keelson::agent
