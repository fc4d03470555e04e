// Watchers of the same share the bytes; each still gets what it has asked for.
#include "tests/rest/fixture.hpp"

namespace keelson::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr const char* kMaps = "/api/v1/namespaces/default/configmaps";
constexpr const char* kTableAccept = "application/json;as=Table;v=v1;g=meta.k8s.io";

class SharingTest : public FrontTest {
 protected:
  std::shared_ptr<FakeExchange> watch(const std::string& accept = {},
                                      const std::string& more = {}) {
    return open("GET", std::string(kMaps) + "?watch=1&resourceVersion=" + revision + more, {},
                accept.empty() ? std::vector<rest::Header>{}
                               : std::vector<rest::Header>{{"Accept", accept}});
  }
  // So many changes that reach all watchers in one batch.
  void change_at_once(int count) {
    for (int i = 0; i < count; ++i) {
      server->handle(api::create(api::make_object(config_named("c" + std::to_string(i)))),
                     [](Response response) { EXPECT_TRUE(response.ok()); });
    }
    loop.settle();
  }
  std::string revision =
      std::string(get(kMaps)->json().at("metadata").at("resourceVersion").as_string());
};

TEST_F(SharingTest, OneBatchInSeveralForms) {
  const auto plain = watch(), again = watch(), table = watch(kTableAccept),
             table2 = watch(kTableAccept),
             partial = watch("application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"),
             last = watch();
  change_at_once(5);
  for (const auto& one : {plain, again, last}) {
    ASSERT_THAT(one->lines(), SizeIs(5));
    EXPECT_EQ(one->body, plain->body);
    for (int i = 0; i < 5; ++i) {
      const auto event = boost::json::parse(one->lines()[static_cast<std::size_t>(i)]);
      EXPECT_EQ(event.at("type").as_string(), "ADDED");
      EXPECT_EQ(event.at("object").at("kind").as_string(), "ConfigMap");
      EXPECT_EQ(event.at("object").at("metadata").at("name").as_string(), "c" + std::to_string(i));
    }
  }
  for (const auto& one : {table, table2}) {
    ASSERT_THAT(one->lines(), SizeIs(5));
    EXPECT_THAT(one->lines()[0], HasSubstr(R"("columnDefinitions":[)"));
    EXPECT_THAT(one->lines()[1], HasSubstr(R"("columnDefinitions":null)"));
    EXPECT_THAT(one->lines()[4], HasSubstr(R"("cells":["c4",)"));
  }
  ASSERT_THAT(partial->lines(), SizeIs(5));
  EXPECT_THAT(partial->lines()[4], HasSubstr(R"("kind":"PartialObjectMetadata")"));
  EXPECT_THAT(partial->lines()[4], Not(HasSubstr(R"("data")")));
}

TEST_F(SharingTest, BatchesOfOneLengthThatDiffer) {
  // Both get two events between the same two, but for one of them.
  const auto first = watch({}, "&fieldSelector=metadata.name!%3Dc1"),
             second = watch({}, "&fieldSelector=metadata.name!%3Dc2");
  change_at_once(4);
  ASSERT_THAT(first->lines(), SizeIs(3));
  ASSERT_THAT(second->lines(), SizeIs(3));
  EXPECT_THAT(first->body, HasSubstr(R"("name":"c2")"));
  EXPECT_THAT(first->body, Not(HasSubstr(R"("name":"c1")")));
  EXPECT_THAT(second->body, HasSubstr(R"("name":"c1")"));
  EXPECT_THAT(second->body, Not(HasSubstr(R"("name":"c2")")));
}

}  // namespace
}  // namespace keelson::test
