#include "tools/cli/cluster/kubeconfig.hpp"

#include <gtest/gtest.h>

#include <map>

#include "tools/cli/cluster/flags.hpp"

namespace keelson::cli {
namespace {

constexpr const char* kConfig = R"(apiVersion: v1
kind: Config
current-context: dev
contexts:
- name: dev
  context: {cluster: one, user: ann, namespace: team}
- name: broken
  context: {cluster: nowhere, user: ann}
- name: plugin
  context: {cluster: one, user: cloud}
clusters:
- name: one
  cluster: {server: "https://one.test:6443/", certificate-authority: pki/ca.crt}
users:
- name: ann
  user: {client-certificate-data: Y2VydA==, client-key-data: a2V5, token: abc}
- name: cloud
  user: {exec: {command: login}}
)";

struct World {
  std::map<std::string, std::string> files{{"/home/ann/.kube/config", kConfig},
                                           {"/home/ann/.kube/pki/ca.crt", "CA"}};
  std::map<std::string, std::string> variables{{"HOME", "/home/ann"}};

  Surroundings around() const {
    return {[this](const std::string& name) -> std::optional<std::string> {
              const auto at = files.find(name);
              return at == files.end() ? std::nullopt : std::optional(at->second);
            },
            [this](const std::string& name) -> std::optional<std::string> {
              const auto at = variables.find(name);
              return at == variables.end() ? std::nullopt : std::optional(at->second);
            }};
  }
  Result<Connection> connect(const ConnectionFlags& flags = {}) const {
    auto config = load_kubeconfig(flags, around());
    if (!config) return config.error();
    return connection_of(*config, flags, around());
  }
};

TEST(Kubeconfig, TheCurrentContext) {
  const auto found = World().connect();
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->server, "https://one.test:6443");
  EXPECT_EQ(found->name_space, "team");
  EXPECT_EQ(found->ca_pem, "CA");
  EXPECT_EQ(found->client_cert_pem, "cert");
  EXPECT_EQ(found->client_key_pem, "key");
  EXPECT_EQ(found->token, "abc");
}

TEST(Kubeconfig, FlagsWin) {
  const auto found = World().connect({.server = "other:1234", .name_space = "x", .token = "t"});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->server, "http://other:1234");
  EXPECT_EQ(found->name_space, "x");
  EXPECT_EQ(found->token, "t");
}

TEST(Kubeconfig, WithoutAnyItIsTheLocalServer) {
  World world;
  world.files.clear();
  const auto found = world.connect();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->server, "http://localhost:8080");
  EXPECT_EQ(found->name_space, "default");
}

TEST(Kubeconfig, TheListOfTheEnvironmentIsMergedAndItsFirstWins) {
  World world;
  world.files["/a"] = "clusters: [{name: one, cluster: {server: 'https://first.test'}}]\n";
  world.variables["KUBECONFIG"] = "/a:/missing:/home/ann/.kube/config";
  const auto found = world.connect();
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->server, "https://first.test");
  EXPECT_EQ(found->token, "abc");
}

TEST(Kubeconfig, WhatIsWrongIsNamed) {
  const World world;
  EXPECT_EQ(world.connect({.context = "nope"}).error().message,
            "error: context \"nope\" does not exist");
  EXPECT_EQ(world.connect({.context = "broken"}).error().message,
            "error: cluster \"nowhere\" does not exist");
  EXPECT_EQ(world.connect({.kubeconfig = "/none"}).error().message,
            "error: stat /none: no such file or directory");
  EXPECT_NE(world.connect({.context = "plugin"}).error().message.find("credential plugins"),
            std::string::npos);
  World bad;
  bad.files["/home/ann/.kube/config"] = "clusters: [}";
  EXPECT_NE(bad.connect().error().message.find("/home/ann/.kube/config"), std::string::npos);
  bad.files["/home/ann/.kube/config"] = "just text";
  EXPECT_FALSE(bad.connect());
  bad.files["/home/ann/.kube/config"] = "current-context: [1]\nclusters: {a: b}\nusers: 7\n";
  EXPECT_TRUE(bad.connect()) << "parts of other shapes count as absent";
}

std::vector<FlagSpec> specs() {
  return {{"o,output", "FORMAT"},
          {"w,watch"},
          {"i,stdin"},
          {"t,tty"},
          {"n,namespace", "NAME"},
          {"dry-run", "MODE", "", "client"}};
}

TEST(Flags, AllWaysToWriteThem) {
  const auto flags =
      Flags::parse({specs()}, {"a", "-ojson", "-it", "-n=x", "b", "--dry-run", "--watch=false",
                               "--output", "yaml", "--", "-o", "c"});
  ASSERT_TRUE(flags) << flags.error().message;
  EXPECT_EQ(flags->args(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(flags->tail(), (std::vector<std::string>{"-o", "c"}));
  EXPECT_EQ(flags->all("output"), (std::vector<std::string>{"json", "yaml"}));
  EXPECT_EQ(flags->get("namespace"), "x");
  EXPECT_EQ(flags->get("dry-run"), "client");
  EXPECT_TRUE(flags->on("stdin") && flags->on("tty"));
  EXPECT_TRUE(flags->has("watch") && !flags->on("watch"));
}

TEST(Flags, ValuesKeepTheirCommas) {
  const auto flags = Flags::parse({specs()}, {"-o", "jsonpath={.a,b}"});
  ASSERT_TRUE(flags);
  EXPECT_EQ(flags->get("output"), "jsonpath={.a,b}");
}

TEST(Flags, ANameOfOneLetterTakesOneDashOrTwo) {
  for (const char* word : {"-v=6", "--v=6", "-v6"}) {
    const auto flags = Flags::parse({{{"v", "LEVEL"}}}, {word});
    ASSERT_TRUE(flags) << word << ": " << flags.error().message;
    EXPECT_EQ(flags->get("v"), "6") << word;
  }
}

TEST(Flags, WhatIsWrongIsNamed) {
  EXPECT_EQ(Flags::parse({specs()}, {"--nope=1"}).error().message, "error: unknown flag: --nope");
  EXPECT_EQ(Flags::parse({specs()}, {"-x"}).error().message,
            "error: unknown shorthand flag: 'x' in -x");
  EXPECT_EQ(Flags::parse({specs()}, {"--output"}).error().message,
            "error: flag needs an argument: --output");
  const auto flags = Flags::parse({specs()}, {"-n", "7x"});
  EXPECT_FALSE(flags->number("namespace", 0));
}

}  // namespace
}  // namespace keelson::cli
