#include <gtest/gtest.h>

#include "core/api/field_set.hpp"

namespace keelson::api {
namespace {

FieldSet set_of(std::string_view json) {
  const auto set = decode_fields(json);
  EXPECT_TRUE(set.ok()) << json;
  return set.ok() ? *set : FieldSet{};
}

TEST(FieldSet, IsWrittenAsKubernetesWritesIt) {
  // Metadata of a pod as a real server has noted it.
  const std::string text =
      R"({"f:metadata":{"f:labels":{".":{},"f:app":{},"f:x/y":{}}},"f:spec":{"f:containers":)"
      R"({"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:ports":{".":{},)"
      R"("k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}}}}}}})";
  EXPECT_EQ(encode_fields(set_of(text)), text);
}

TEST(FieldSet, SortsNumbersAsNumbersAndKeysByName) {
  const std::string text = R"({"f:p":{"k:{\"protocol\":\"TCP\",\"port\":443}":{},)"
                           R"("k:{\"port\":80,\"protocol\":\"TCP\"}":{}},"f:a":{}})";
  EXPECT_EQ(encode_fields(set_of(text)),
            R"({"f:a":{},"f:p":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{},)"
            R"("k:{\"port\":443,\"protocol\":\"TCP\"}":{}}})");
  EXPECT_EQ(encode_fields(set_of(R"({"v:\"b\"":{},"i:3":{},"f:z":{},"v:1":{}})")),
            R"({"f:z":{},"v:1":{},"v:\"b\"":{},"i:3":{}})");
}

TEST(FieldSet, RefusesWhatIsNoTreeAndSkipsWhatItDoesNotKnow) {
  EXPECT_FALSE(decode_fields("").ok());
  EXPECT_FALSE(decode_fields("[]").ok());
  EXPECT_FALSE(decode_fields(R"({"f:a":1})").ok());
  EXPECT_FALSE(decode_fields(R"({"f:a":null})").ok());
  EXPECT_TRUE(set_of("{}").empty());
  EXPECT_EQ(encode_fields(set_of(R"({"x:a":{},"f:b":{},"k:{}":{},"k:[":{},"v:{}":{},"i:x":{}})")),
            R"({"f:b":{}})");
}

TEST(FieldSet, HasTheOperationsOfSets) {
  const FieldSet a = set_of(R"({"f:a":{".":{},"f:b":{}},"f:c":{"f:d":{}}})");
  const FieldSet b = set_of(R"({"f:a":{"f:b":{},"f:e":{}},"f:c":{}})");
  EXPECT_EQ(encode_fields(a | b),
            R"({"f:a":{".":{},"f:b":{},"f:e":{}},"f:c":{".":{},"f:d":{}}})");
  EXPECT_EQ(encode_fields(a & b), R"({"f:a":{"f:b":{}}})");
  EXPECT_EQ(encode_fields(a - b), R"({"f:a":{},"f:c":{"f:d":{}}})");
  EXPECT_EQ(encode_fields(a.without_trees(b)), R"({"f:a":{}})");
  EXPECT_EQ(a, set_of(encode_fields(a)));
  EXPECT_FALSE(a == b);
  EXPECT_TRUE((a - a).empty());
}

TEST(FieldSet, NamesPathsAsMessagesDo) {
  const FieldSet set = set_of(
      R"({"f:spec":{"f:c":{"k:{\"name\":\"w\",\"port\":80}":{"f:image":{}}},"f:f":{"v:\"x\"":{}}}})");
  std::vector<std::string> paths;
  set.each([&](const FieldPath& path) { paths.push_back(to_string(path)); });
  EXPECT_EQ(paths, (std::vector<std::string>{R"(.spec.c[name="w",port=80].image)",
                                             R"(.spec.f[="x"])"}));
}

}  // namespace
}  // namespace keelson::api
