#include "tools/cli/cluster/jsonpath.hpp"

#include <gtest/gtest.h>

namespace keelson::cli {
namespace {

const Json& tree() {
  static const Json tree = parse_tree(R"({
    "kind": "List",
    "items": [
      {"kind": "None", "metadata": {"name": "127.0.0.1", "labels": {"kubernetes.io/hostname": "one"}}, "status": {"capacity": {"cpu": "4"}}, "n": 1},
      {"kind": "None", "metadata": {"name": "127.0.0.2"}, "status": {"capacity": {"cpu": "8"}, "addresses": [{"type": "Hostname", "ip": "a"}, {"type": "IP", "ip": "b"}]}, "n": 2}
    ],
    "users": [{"name": "myself", "user": {}}, {"name": "e2e", "user": {"username": "admin", "password": "secret"}}],
    "flag": true
  })");
  return tree;
}

std::string print(std::string_view text) {
  const auto path = JsonPath::parse(text);
  if (!path) return "parse: " + path.error().message;
  const auto out = path->print(tree());
  return out ? *out : "error: " + out.error().message;
}

TEST(JsonPath, TheExamplesOfTheManual) {
  EXPECT_EQ(print("kind is {.kind}"), "kind is List");
  EXPECT_EQ(print("the object is {.users[0]}"), R"(the object is {"name":"myself","user":{}})");
  EXPECT_EQ(print("{['kind']}"), "List");
  EXPECT_EQ(print("{..name}"), "127.0.0.1 127.0.0.2 myself e2e");
  EXPECT_EQ(print("{.items[*].metadata.name}"), "127.0.0.1 127.0.0.2");
  EXPECT_EQ(print("{.users[0].name}"), "myself");
  EXPECT_EQ(print("{.items[*]['metadata.name', 'status.capacity']}"),
            R"(127.0.0.1 127.0.0.2 {"cpu":"4"} {"cpu":"8"})");
  EXPECT_EQ(print("{.items[*]['kind', 'n']}"), "None None 1 2");
  EXPECT_EQ(print(R"({.users[?(@.name=="e2e")].user.password})"), "secret");
  EXPECT_EQ(print(R"({range .items[*]}[{.metadata.name}, {.status.capacity}] {end})"),
            R"([127.0.0.1, {"cpu":"4"}] [127.0.0.2, {"cpu":"8"}] )");
}

TEST(JsonPath, QuotedTextAndEscapes) {
  EXPECT_EQ(print(R"({range .items[*]}{.metadata.name}{"\t"}{.n}{"\n"}{end})"),
            "127.0.0.1\t1\n127.0.0.2\t2\n");
  EXPECT_EQ(print(R"({'it\'s'})"), "it's");
  EXPECT_EQ(print(R"({.items[0].metadata.labels.kubernetes\.io/hostname})"), "one");
  EXPECT_EQ(print(R"({.items[0].metadata.labels['kubernetes\.io/hostname']})"), "one");
}

TEST(JsonPath, Filters) {
  EXPECT_EQ(print("{.items[?(@.n>1)].metadata.name}"), "127.0.0.2");
  EXPECT_EQ(print("{.items[?(@.n<=1)].metadata.name}"), "127.0.0.1");
  EXPECT_EQ(print("{.items[?(@.n!=1)].n}"), "2");
  EXPECT_EQ(print("{.items[?(@.status.addresses)].n}"), "2");
  EXPECT_EQ(print(R"({.items[*].status.addresses[?(@.type=='IP')].ip})"), "b");
  EXPECT_EQ(print(R"({.items[?(@.n=="1")].n})"), "") << "a number is no string";
}

TEST(JsonPath, Slices) {
  EXPECT_EQ(print("{.items[-1].n}"), "2");
  EXPECT_EQ(print("{.items[0:2].n}"), "1 2");
  EXPECT_EQ(print("{.items[-1:].n}"), "2");
  EXPECT_EQ(print("{.items[::2].n}"), "1");
  EXPECT_EQ(print("{.items[0,1].n}"), "1 2");
  EXPECT_EQ(print("{.items[5].n}"), "error: array index out of bounds: index 5, length 2");
  EXPECT_EQ(print("{.items[0:2:0].n}"), "error: step must be > 0");
}

TEST(JsonPath, WhatIsAbsentIsNothing) {
  EXPECT_EQ(print("[{.nothing.at.all}]"), "[]");
  EXPECT_EQ(print("{.flag}"), "true");
  EXPECT_EQ(print("plain text"), "plain text");
  EXPECT_EQ(print(""), "");
}

TEST(JsonPath, MalformedTemplatesAreRefused) {
  for (const char* text :
       {"{.items[0}", "{.items", "{range .items[*]}x", "{end}", "{.items[?(@.n=1)]}", "{'open",
        "{.items[a]}", "{.items[1:2:3:4]}", "{word}", "{.items[?(@.n}"}) {
    EXPECT_TRUE(print(text).starts_with("parse: ")) << text << ": " << print(text);
  }
  const std::string deep(5000, '{');
  EXPECT_TRUE(print(deep).starts_with("parse: "));
  std::string ranges;
  for (int i = 0; i < 500; ++i) ranges += "{range .x}";
  EXPECT_TRUE(print(ranges).starts_with("parse: "));
}

TEST(JsonPath, RelaxedForms) {
  for (const char* text : {".kind", "kind", "{.kind}", "{kind}", "$.kind"}) {
    const auto path = JsonPath::parse_relaxed(text);
    ASSERT_TRUE(path) << text;
    const auto values = path->values(tree());
    ASSERT_TRUE(values && values->size() == 1) << text;
    EXPECT_EQ(scalar_text(*values->front()), "List") << text;
  }
  EXPECT_FALSE(JsonPath::parse_relaxed("{.a}{.b}"));
  EXPECT_FALSE(JsonPath::parse_relaxed("a{.b}"));
}

}  // namespace
}  // namespace keelson::cli
