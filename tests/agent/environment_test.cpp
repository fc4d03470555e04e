// How the environment of a container is composed: pure, without an agent.
#include "core/agent/environment.hpp"

#include <gtest/gtest.h>

namespace keelson::agent {
namespace {

class EnvironmentTest : public ::testing::Test {
 protected:
  EnvironmentTest() {
    pod_.mutable_metadata()->set_name("p");
    pod_.mutable_metadata()->set_namespace_("default");
    (*pod_.mutable_metadata()->mutable_labels())["app"] = "web";
  }
  api::EnvVar& variable(const std::string& name) {
    api::EnvVar& added = *container_.add_env();
    added.set_name(name);
    return added;
  }
  Result<Launch> launch(const std::vector<api::ObjectPtr>& referenced = {}) {
    const std::map<std::string, std::string> allocatable = {{"memory", "1Gi"}};
    return launch_of(pod_, container_, {"n1", "1.2.3.4", "10.0.0.1", &allocatable}, referenced);
  }
  Environment result(const std::vector<api::ObjectPtr>& referenced = {}) {
    Result<Launch> answer = launch(referenced);
    EXPECT_TRUE(answer.ok());
    return answer.ok() ? std::move(answer->environment) : Environment();
  }
  void refuses(Code code, const std::string& why,
               const std::vector<api::ObjectPtr>& referenced = {}) {
    const Result<Launch> answer = launch(referenced);
    ASSERT_FALSE(answer.ok());
    EXPECT_EQ(answer.code(), code);
    EXPECT_EQ(answer.error().message, why);
  }
  // One more envFrom of a ConfigMap.
  void all_of_a_map(const std::string& prefix = {}) {
    auto& from = *container_.add_env_from();
    from.set_prefix(prefix);
    from.mutable_config_map_ref()->mutable_local_object_reference()->set_name("m");
  }
  static api::ObjectPtr map(const std::map<std::string, std::string>& data) {
    api::ConfigMap map;
    map.mutable_metadata()->set_name("m");
    map.mutable_metadata()->set_namespace_("default");
    for (const auto& [key, value] : data) (*map.mutable_data())[key] = value;
    return api::make_object(map);
  }
  api::Pod pod_;
  api::Container container_;
};

TEST_F(EnvironmentTest, WordsAreReplacedWhereTheirNamesAreKnown) {
  variable("A").set_value("1");
  variable("B").set_value("two");
  for (const char* word :
       {"plain", "$(A)-$(B)$(C)", "$$(A) $$$(A) $A $", "$(A", "$($(A)", "$()$(", ""}) {
    container_.add_command(word);
    container_.add_args(word);
  }
  const std::vector<std::string> expected = {
      "plain", "1-two$(C)", "$(A) $1 $A $", "$(A", "$($(A)", "$()$(", ""};
  const Result<Launch> answer = launch();
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->command, expected);
  EXPECT_EQ(answer->args, expected);
}

TEST_F(EnvironmentTest, VariablesReferToThoseBefore) {
  variable("LATER").set_value("$(FIRST)");
  variable("FIRST").set_value("1");
  variable("SECOND").set_value("$(FIRST)2");
  EXPECT_EQ(result(), (Environment{{"LATER", "$(FIRST)"}, {"FIRST", "1"}, {"SECOND", "12"}}));
}

TEST_F(EnvironmentTest, FieldsAndResources) {
  const auto field = [&](const char* name, const char* path) {
    variable(name).mutable_value_from()->mutable_field_ref()->set_field_path(path);
  };
  field("NODE", "spec.nodeName");
  field("APP", "metadata.labels['app']");
  field("NONE", "metadata.annotations['none']");
  auto& memory = *variable("MEMORY").mutable_value_from()->mutable_resource_field_ref();
  memory.set_resource("limits.memory");
  memory.mutable_divisor()->set_string("1Mi");
  auto& cpu = *variable("CPU").mutable_value_from()->mutable_resource_field_ref();
  cpu.set_resource("requests.cpu");
  (*container_.mutable_resources()->mutable_requests())["cpu"].set_string("1250m");
  EXPECT_EQ(result(), (Environment{{"NODE", "n1"},
                                   {"APP", "web"},
                                   {"NONE", ""},
                                   {"MEMORY", "1024"},
                                   {"CPU", "2"}}));
}

TEST_F(EnvironmentTest, ObjectsComeInTheOrderOfTheReferences) {
  auto& from = *container_.add_env_from();
  from.set_prefix("P_");
  from.mutable_secret_ref()->mutable_local_object_reference()->set_name("s");
  auto& one = *variable("ONE").mutable_value_from()->mutable_config_map_key_ref();
  one.set_key("k");
  auto& missing = *variable("MISSING").mutable_value_from()->mutable_config_map_key_ref();
  missing.set_key("k");
  missing.set_optional(true);
  variable("P_a").set_value("own");
  api::Secret secret;
  (*secret.mutable_data())["b"] = "2";
  (*secret.mutable_data())["a"] = "1";
  api::ConfigMap map;
  (*map.mutable_data())["k"] = "v";
  EXPECT_EQ(result({api::make_object(secret), api::make_object(map), nullptr}),
            (Environment{{"P_a", "own"}, {"P_b", "2"}, {"ONE", "v"}}));
}

TEST_F(EnvironmentTest, VariablesReferToThoseOfObjects) {
  all_of_a_map();
  variable("URL").set_value("http://$(HOST):$(PORT)");
  variable("PORT").set_value("2");
  variable("LAST").set_value("$(PORT)");
  EXPECT_EQ(result({map({{"HOST", "db"}, {"PORT", "1"}})}),
            (Environment{{"HOST", "db"}, {"PORT", "2"}, {"URL", "http://db:1"}, {"LAST", "2"}}));
}

TEST_F(EnvironmentTest, KeysThatNameNoVariableAreSkipped) {
  all_of_a_map();
  all_of_a_map("1-");
  const api::ObjectPtr object = map({{"z=", "1"}, {"b", "2"}, {"a=b", "3"}});
  const Result<Launch> answer = launch({object, map({{"x", "4"}})});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->environment, (Environment{{"b", "2"}, {"1-x", "4"}}));
  EXPECT_EQ(answer->skipped,
            (std::vector<std::string>{
                "Keys [a=b, z=] from the EnvFrom configMap default/m were skipped since they are "
                "considered invalid environment variable names."}));
}

TEST_F(EnvironmentTest, ResourcesOfOtherContainers) {
  const auto cpu_of = [&](const char* container) {
    auto& ref = *variable(container).mutable_value_from()->mutable_resource_field_ref();
    ref.set_container_name(container);
    ref.set_resource("requests.cpu");
  };
  const auto asks = [](api::Container& container, const char* name, const char* cpu) {
    container.set_name(name);
    (*container.mutable_resources()->mutable_requests())["cpu"].set_string(cpu);
  };
  asks(*pod_.mutable_spec()->add_containers(), "main", "2");
  asks(*pod_.mutable_spec()->add_init_containers(), "init", "3");
  cpu_of("main");
  cpu_of("init");
  EXPECT_EQ(result(), (Environment{{"main", "2"}, {"init", "3"}}));
  cpu_of("nobody");
  refuses(Code::invalid, "container nobody not found");
}

TEST_F(EnvironmentTest, WhatGrowsWithoutBoundIsRefused) {
  variable("A0").set_value(std::string(64, 'x'));
  for (int i = 1; i < 14; ++i) {
    const std::string before = "$(A" + std::to_string(i - 1) + ")";
    variable("A" + std::to_string(i)).set_value(before + before);
  }
  EXPECT_EQ(result().back().second.size(), 64u << 13);  // 512 KiB, 1 MiB in all
  variable("A14").set_value("$(A13)$(A13)");
  variable("A15").set_value("$(A14)$(A14)");
  refuses(Code::denied, "argument list too long");
}

TEST_F(EnvironmentTest, WordsCountToo) {
  variable("A").set_value(std::string(700'000, 'x'));
  container_.add_args("$(A)");
  EXPECT_TRUE(launch().ok());
  for (int i = 0; i < 100'000; ++i) container_.add_args("$(A)");
  refuses(Code::denied, "argument list too long");
  container_.clear_args();
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += "$(A)";
  container_.add_command(many);
  refuses(Code::denied, "argument list too long");
}

TEST_F(EnvironmentTest, ObjectsCountAsOftenAsTheyAreNamed) {
  const api::ObjectPtr large = map({{"k", std::string(900'000, 'x')}});
  all_of_a_map();
  all_of_a_map("P_");
  EXPECT_EQ(result({large, large}).size(), 2u);
  all_of_a_map();
  refuses(Code::denied, "argument list too long", {large, large, large});
}

// Each of these took minutes where every variable or '$' was searched for from the start.
TEST_F(EnvironmentTest, ManyVariablesAndManyDollarsTakeNoLonger) {
  std::map<std::string, std::string> data;
  for (int i = 0; i < 60'000; ++i) data["K" + std::to_string(i)] = "v";
  all_of_a_map();
  for (int i = 0; i < 20'000; ++i) variable("E" + std::to_string(i)).set_value("$(K59999)");
  std::string dollars;
  for (int i = 0; i < 300'000; ++i) dollars += i % 2 == 0 ? "$x" : "$(";
  container_.add_args(dollars);
  const Result<Launch> answer = launch({map(data)});
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->environment.size(), 80'000u);
  EXPECT_EQ(answer->environment.back(), (std::pair<std::string, std::string>{"E19999", "v"}));
  EXPECT_EQ(answer->args.at(0), dollars);
}

}  // namespace
}  // namespace keelson::agent
