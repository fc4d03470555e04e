// Lists are the same bytes whether their items were kept, made for the list, or made by whoever
// puts it together.
#include "core/rest/answers.hpp"
#include "tests/rest/fixture.hpp"

namespace keelson::test {
namespace {

class ListEncodingTest : public FrontTest {
 protected:
  ListEncodingTest() {
    for (int i = 0; i < 20; ++i) made(config_named("c" + std::to_string(10 + i), "value"));
    list = call(api::list(Kind::config_maps, "default"));
  }
  std::string listed(rest::Encoder& encoder) {
    const rest::Resource& maps = *rest::Catalog::get().find("", "v1", "configmaps", "");
    rest::HttpResponse response = rest::list_response(maps, list, {}, {}, encoder);
    return std::get<std::function<std::string()>>(response.body)();
  }
  Response list;
};

TEST_F(ListEncodingTest, TheBytesDoNotTellWhatWasKept) {
  rest::Encoder roomy, small(4000), none(0);
  const std::string wanted = listed(roomy);
  EXPECT_EQ(boost::json::parse(wanted).at("items").as_array().size(), list.items.size());
  EXPECT_EQ(wanted, listed(roomy));  // all kept
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(wanted, listed(small));
    EXPECT_LE(small.bytes(), small.bytes_max());
  }
  EXPECT_EQ(wanted, listed(none));
  EXPECT_EQ(none.bytes(), 0u);
}

TEST_F(ListEncodingTest, OneListTakesAShareOfTheRoom) {
  rest::Encoder encoder(16'000);
  listed(encoder);
  const std::size_t after_first = encoder.bytes();
  EXPECT_GT(after_first, 0u);
  EXPECT_LT(after_first, encoder.bytes_max() / 4);
  listed(encoder);
  EXPECT_GT(encoder.bytes(), after_first);
}

TEST_F(ListEncodingTest, TablesTakeMetadataFromWhatIsKept) {
  api::ConfigMap odd = config_named("odd");
  (*odd.mutable_metadata()->mutable_annotations())["a/b"] = "}{\"\\\"metadata\":{ \\";
  made(odd);
  list = call(api::list(Kind::config_maps, "default"));
  const rest::Resource& maps = *rest::Catalog::get().find("", "v1", "configmaps", "");
  rest::Manner manner;
  manner.accepted.shape = rest::Shape::table;
  const auto table = [&](rest::Encoder& encoder) {
    rest::HttpResponse response = rest::list_response(maps, list, manner, {}, encoder);
    return std::get<std::function<std::string()>>(response.body)();
  };
  rest::Encoder kept, none(0);
  listed(kept);
  EXPECT_EQ(table(kept), table(none));
  EXPECT_EQ(boost::json::parse(table(kept)).at("rows").as_array().size(), list.items.size());
}

}  // namespace
}  // namespace keelson::test
