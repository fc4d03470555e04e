// How the environment of a container is composed: pure, without an agent.
#include "core/agent/environment.hpp"

#include <gtest/gtest.h>

namespace keelson::agent {
namespace {

TEST(Expand, ReplacesWhatIsKnown) {
  const Environment known = {{"A", "1"}, {"B", "two"}};
  EXPECT_EQ(expand("plain", known), "plain");
  EXPECT_EQ(expand("$(A)-$(B)$(C)", known), "1-two$(C)");
  EXPECT_EQ(expand("$$(A) $$$(A) $A $", known), "$(A) $1 $A $");
  EXPECT_EQ(expand("$(A", known), "$(A");
}

class EnvironmentTest : public ::testing::Test {
 protected:
  EnvironmentTest() {
    pod_.mutable_metadata()->set_name("p");
    (*pod_.mutable_metadata()->mutable_labels())["app"] = "web";
  }
  api::EnvVar& variable(const std::string& name) {
    api::EnvVar& added = *container_.add_env();
    added.set_name(name);
    return added;
  }
  Environment result(const std::vector<api::ObjectPtr>& referenced = {}) {
    const std::map<std::string, std::string> allocatable = {{"memory", "1Gi"}};
    return environment_of(pod_, container_, {"n1", "1.2.3.4", "10.0.0.1", &allocatable}, referenced);
  }
  api::Pod pod_;
  api::Container container_;
};

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

}  // namespace
}  // namespace keelson::agent
