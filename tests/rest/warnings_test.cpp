// Warning headers.
#include "core/rest/warnings.hpp"

#include "tests/rest/fixture.hpp"

namespace keelson::test {
namespace {

std::vector<std::string> headers_of(const std::vector<std::string>& warnings) {
  rest::HttpResponse response;
  rest::add_warnings(response, warnings);
  std::vector<std::string> out;
  for (const rest::Header& header : response.headers) {
    EXPECT_EQ(header.name, "Warning");
    out.push_back(header.value);
  }
  return out;
}

TEST(Warnings, ComeOnceInTheirOrder) {
  EXPECT_EQ(headers_of({"b", "", "a\"\n", "b"}),
            (std::vector<std::string>{"299 - \"b\"", "299 - \"a\\\" \""}));
}

TEST(Warnings, AreCutWhenTheyAreTooMuch) {
  // All that fits stays whole, counted in characters.
  std::string umlauts;
  for (int i = 0; i < 4096; ++i) umlauts += "\u00e4";
  ASSERT_EQ(headers_of({umlauts}).size(), 1u);
  EXPECT_EQ(headers_of({umlauts})[0], "299 - \"" + umlauts + "\"");
  const auto cut = headers_of({umlauts, "x"});
  ASSERT_EQ(cut.size(), 2u);
  EXPECT_EQ(cut[0], "299 - \"" + umlauts.substr(0, 512) + "\"");
  EXPECT_EQ(cut[1], "299 - \"x\"");
  std::vector<std::string> many;
  for (int i = 0; i < 1000; ++i) many.push_back(std::to_string(i) + std::string(300, 'x'));
  EXPECT_EQ(headers_of(many).size(), 16u);
}

TEST_F(FrontTest, ManyUnknownFieldsDoNotMakeAHugeHead) {
  std::string body = R"({"metadata":{"name":"a"})";
  for (int i = 0; i < 2000; ++i) body += ",\"unknown" + std::to_string(i) + "\":1";
  const auto made = send("POST", "/api/v1/namespaces/default/configmaps", body + "}");
  EXPECT_EQ(made->status, 201);
  std::size_t bytes = 0;
  for (const rest::Header& header : made->headers) bytes += header.value.size();
  EXPECT_LT(bytes, 8192u);
}

}  // namespace
}  // namespace keelson::test
