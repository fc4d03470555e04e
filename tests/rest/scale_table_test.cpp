// The Table of a scale.
#include "tests/rest/fixture.hpp"

namespace keelson::test {
namespace {

constexpr const char* kTable = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

class ScaleTableTest : public FrontTest {};

TEST_F(ScaleTableTest, OfAScaleAndOfAStatus) {
  made(deployment_named("kel", 3));
  const std::string path = "/apis/apps/v1/namespaces/default/deployments/kel";
  const auto table = get(path + "/scale", kTable)->json();
  EXPECT_EQ(table.at("kind"), "Table");
  std::string names;
  for (const auto& column : table.at("columnDefinitions").as_array()) {
    names += std::string(column.at("name").as_string()) + " ";
  }
  EXPECT_EQ(names, "Name Desired Available Age ");
  EXPECT_EQ(boost::json::serialize(table.at("rows").at(0).at("cells")), R"(["kel",3,0,"0s"])");
  EXPECT_EQ(table.at("rows").at(0).at("object").at("kind"), "PartialObjectMetadata");
  EXPECT_EQ(table.at("rows").at(0).at("object").at("metadata").at("name"), "kel");
  const auto whole = get(path + "/scale?includeObject=Object", kTable)->json();
  EXPECT_EQ(whole.at("rows").at(0).at("object").at("kind"), "Scale");
  EXPECT_EQ(get(path + "/status", kTable)->json().at("kind"), "Table");
  EXPECT_EQ(get(path + "/scale")->json().at("kind"), "Scale");
}

}  // namespace
}  // namespace keelson::test
