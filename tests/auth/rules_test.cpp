#include "core/auth/rules.hpp"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "tests/auth/auth_fixture.hpp"

namespace keelson::auth {
namespace {

PolicyRule rule(const std::string& text) {
  PolicyRule rule;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &rule)) << text;
  return rule;
}

bool allows(const std::string& text, const std::string& verb, const std::string& resource,
            const std::string& name = {}) {
  return allows(rule(text), test::asking({}, verb, resource, "default", name));
}

TEST(Rules, MatchVerbsGroupsAndResources) {
  const std::string pods = R"(verbs: "get" verbs: "list" api_groups: "" resources: "pods")";
  EXPECT_TRUE(allows(pods, "get", "pods"));
  EXPECT_FALSE(allows(pods, "delete", "pods"));
  EXPECT_FALSE(allows(pods, "get", "pods.metrics.k8s.io"));
  EXPECT_FALSE(allows(pods, "get", "pods/log"));
  const std::string all = R"(verbs: "*" api_groups: "*" resources: "*")";
  EXPECT_TRUE(allows(all, "frobnicate", "deployments.apps/scale"));
  EXPECT_FALSE(allows(all, "get", "/healthz"));
}

TEST(Rules, MatchSubresources) {
  EXPECT_TRUE(allows(R"(verbs: "get" api_groups: "" resources: "pods/log")", "get", "pods/log"));
  EXPECT_FALSE(allows(R"(verbs: "get" api_groups: "" resources: "pods/log")", "get", "pods"));
  const std::string scales = R"(verbs: "update" api_groups: "*" resources: "*/scale")";
  EXPECT_TRUE(allows(scales, "update", "deployments.apps/scale"));
  EXPECT_FALSE(allows(scales, "update", "deployments.apps/status"));
  EXPECT_FALSE(allows(scales, "update", "deployments.apps"));
}

TEST(Rules, MatchNames) {
  const std::string one =
      R"(verbs: "get" api_groups: "" resources: "configmaps" resource_names: "a")";
  EXPECT_TRUE(allows(one, "get", "configmaps", "a"));
  EXPECT_FALSE(allows(one, "get", "configmaps", "b"));
  EXPECT_FALSE(allows(one, "get", "configmaps"));
}

TEST(Rules, MatchPaths) {
  const std::string api = R"(verbs: "get" non_resource_urls: "/api/*" non_resource_urls: "/v")";
  EXPECT_TRUE(allows(api, "get", "/api/v1"));
  EXPECT_FALSE(allows(api, "get", "/api"));
  EXPECT_TRUE(allows(api, "get", "/v"));
  EXPECT_FALSE(allows(api, "get", "/v2"));
  EXPECT_TRUE(allows(R"(verbs: "*" non_resource_urls: "*")", "post", "/anything"));
  EXPECT_FALSE(allows(api, "get", "pods"));
}

std::vector<std::string> missing(std::vector<std::string> held, const std::string& wanted) {
  std::vector<PolicyRule> rules;
  for (const std::string& text : held) rules.push_back(rule(text));
  std::vector<const PolicyRule*> pointers;
  for (const PolicyRule& one : rules) pointers.push_back(&one);
  PolicyRules list;
  *list.Add() = rule(wanted);
  std::vector<std::string> out;
  for (const PolicyRule& one : compact(uncovered(pointers, list))) out.push_back(describe(one));
  return out;
}

using Texts = std::vector<std::string>;

TEST(Rules, CoverEachPart) {
  const std::string wanted = R"(verbs: "get" verbs: "list" api_groups: "" resources: "pods")";
  EXPECT_EQ(missing({R"(verbs: "*" api_groups: "" resources: "*")"}, wanted), Texts{});
  // From two rules, which neither covers alone.
  EXPECT_EQ(missing({R"(verbs: "get" api_groups: "" resources: "pods")",
                     R"(verbs: "list" api_groups: "" resources: "pods")"},
                    wanted),
            Texts{});
  EXPECT_EQ(missing({R"(verbs: "get" api_groups: "" resources: "pods")"}, wanted),
            Texts{R"({APIGroups:[""], Resources:["pods"], Verbs:["list"]})"});
  EXPECT_EQ(missing({}, wanted),
            Texts{R"({APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]})"});
}

TEST(Rules, CoverNamesAndPaths) {
  const std::string named = R"(verbs: "get" api_groups: "" resources: "pods" resource_names: "a")";
  EXPECT_EQ(missing({R"(verbs: "get" api_groups: "" resources: "pods")"}, named), Texts{});
  EXPECT_EQ(missing({named}, R"(verbs: "get" api_groups: "" resources: "pods")").size(), 1U);
  EXPECT_EQ(missing({R"(verbs: "get" non_resource_urls: "/api*")"},
                    R"(verbs: "get" non_resource_urls: "/api/v1")"),
            Texts{});
  EXPECT_EQ(missing({R"(verbs: "get" non_resource_urls: "/api/*")"},
                    R"(verbs: "get" non_resource_urls: "*")"),
            Texts{R"({NonResourceURLs:["*"], Verbs:["get"]})"});
  // "*" among the resources does not follow from many.
  EXPECT_EQ(missing({R"(verbs: "*" api_groups: "*" resources: "pods")"},
                    R"(verbs: "get" api_groups: "" resources: "*")")
                .size(),
            1U);
}

}  // namespace
}  // namespace keelson::auth
