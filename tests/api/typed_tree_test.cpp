#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "core/api/json_text.hpp"
#include "core/api/typed_tree.hpp"

namespace keelson::api {
namespace {

namespace json = boost::json;

json::value tree(std::string_view text) {
  ParsedJson parsed = parse_json(text, nullptr);
  EXPECT_EQ(parsed.error, "") << text;
  return std::move(parsed.value);
}

const MessagePlan& pods() { return plan_of(*Pod::descriptor()); }

std::string fields(std::string_view text) {
  TreeProblems problems;
  const std::string out = encode_fields(fields_of_tree(tree(text), pods(), &problems));
  EXPECT_TRUE(problems.empty()) << problems.front();
  return out;
}

std::string problem(std::string_view text) {
  TreeProblems problems;
  fields_of_tree(tree(text), pods(), &problems);
  return problems.empty() ? "" : problems.front();
}

std::string merged(std::string_view base, std::string_view config) {
  return json::serialize(merge_trees(tree(base), tree(config), pods()));
}

TEST(TypedTree, ListsTheFieldsOfAConfiguration) {
  EXPECT_EQ(fields(R"({"metadata":{"name":"a","labels":{"x":"1"},"finalizers":["f"]}})"),
            R"({"f:metadata":{"f:finalizers":{"v:\"f\"":{}},"f:labels":{"f:x":{}},"f:name":{}}})");
  // Lists of maps by their keys, of which one may be left to its default; an empty map is a field.
  EXPECT_EQ(fields(R"({"spec":{"containers":[{"name":"c","ports":[{"containerPort":80}],)"
                   R"("resources":{}}]}})"),
            R"({"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:name":{},"f:ports":)"
            R"({"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}}},)"
            R"("f:resources":{}}}}})");
  // What is atomic is one field: tolerations, a node selector, a reference.
  EXPECT_EQ(fields(R"({"spec":{"tolerations":[{"key":"a"}],"nodeSelector":{"d":"ssd"},)"
                   R"("imagePullSecrets":[{"name":"s"}],"volumes":[{"name":"v","emptyDir":{}}]}})"),
            R"({"f:spec":{"f:imagePullSecrets":{"k:{\"name\":\"s\"}":{}},"f:nodeSelector":{},)"
            R"("f:tolerations":{},"f:volumes":{"k:{\"name\":\"v\"}":{".":{},"f:emptyDir":{},)"
            R"("f:name":{}}}}})");
}

TEST(TypedTree, SaysWhatIsWrongWithAConfiguration) {
  EXPECT_EQ(problem(R"({"spec":{"foo":1}})"), ".spec.foo: field not declared in schema");
  EXPECT_EQ(problem(R"({"spec":{"containers":[{"image":"i"}]}})"),
            ".spec.containers: element 0: associative list with keys has an element that omits key "
            "field \"name\" (and doesn't have default value)");
  EXPECT_EQ(problem(R"({"spec":{"containers":[null]}})"),
            ".spec.containers: element 0: associative list with keys may not have a null element");
  EXPECT_EQ(problem(R"({"spec":{"containers":[{"name":"a"},{"name":"a"}]}})"),
            ".spec.containers: duplicate entries for key [name=\"a\"]");
  EXPECT_EQ(problem(R"({"spec":{"containers":3}})"), ".spec.containers: expected list");
  EXPECT_EQ(problem(R"({"metadata":{"labels":[]}})"), ".metadata.labels: expected map");
  EXPECT_EQ(problem("[]"), "expected map");
}

TEST(TypedTree, ComparesFieldByField) {
  const TreeDifference d = compare_trees(
      tree(R"({"metadata":{"labels":{"a":"1","b":"1"}},"spec":{"containers":[{"name":"x","image":"1"},)"
           R"({"name":"y"}],"tolerations":[{"key":"a"}]}})"),
      tree(R"({"metadata":{"labels":{"a":"2","b":"1"},"annotations":{"n":""}},"spec":{"containers":)"
           R"([{"name":"z"},{"name":"x","image":"2"}],"tolerations":[{"key":"b"}]}})"),
      pods());
  EXPECT_EQ(encode_fields(d.added),
            R"({"f:metadata":{"f:annotations":{".":{},"f:n":{}}},"f:spec":{"f:containers":)"
            R"({"k:{\"name\":\"z\"}":{".":{},"f:name":{}}}}})");
  EXPECT_EQ(encode_fields(d.modified),
            R"({"f:metadata":{"f:labels":{"f:a":{}}},"f:spec":{"f:containers":)"
            R"({"k:{\"name\":\"x\"}":{"f:image":{}}},"f:tolerations":{}}})");
  EXPECT_EQ(encode_fields(d.removed),
            R"({"f:spec":{"f:containers":{"k:{\"name\":\"y\"}":{".":{},"f:name":{}}}}})");
}

TEST(TypedTree, TellsEmptyFromAbsentAndTakesDuplicatesTogether) {
  const auto added = [](std::string_view a, std::string_view b) {
    return encode_fields(compare_trees(tree(a), tree(b), pods()).added);
  };
  EXPECT_EQ(added(R"({"spec":{}})", R"({"spec":{"securityContext":{}}})"),
            R"({"f:spec":{"f:securityContext":{}}})");
  EXPECT_EQ(added(R"({"spec":{"containers":null}})", R"({"spec":{"containers":[{"name":"a"}]}})"),
            R"({"f:spec":{"f:containers":{"k:{\"name\":\"a\"}":{".":{},"f:name":{}}}}})");
  const char* twice =
      R"({"spec":{"containers":[{"name":"c","env":[{"name":"e","value":"1"},{"name":"e"}]}]}})";
  const char* other =
      R"({"spec":{"containers":[{"name":"c","env":[{"name":"e","value":"2"},{"name":"e"}]}]}})";
  const TreeDifference d = compare_trees(tree(twice), tree(other), pods());
  EXPECT_EQ(encode_fields(d.modified),
            R"({"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{"f:env":{"k:{\"name\":\"e\"}":{}}}}}})");
  EXPECT_TRUE(compare_trees(tree(twice), tree(twice), pods()).modified.empty());
}

TEST(TypedTree, MergesListsInTheOrderOfBoth) {
  const auto order = [](std::string_view base, std::string_view config) {
    const auto list = [](std::string_view names) {
      std::string out = R"({"metadata":{"finalizers":[)";
      for (const char name : names) {
        out += (out.back() == '[' ? "\"" : ",\"") + std::string(1, name) + "\"";
      }
      return out + "]}}";
    };
    const json::value all = tree(merged(list(base), list(config)));
    std::string out;
    for (const json::value& name : all.at("metadata").at("finalizers").as_array()) {
      out += name.as_string()[0];
    }
    return out;
  };
  EXPECT_EQ(order("abc", "abc"), "abc");
  EXPECT_EQ(order("abc", "xac"), "xabc");
  EXPECT_EQ(order("abc", "ca"), "bca");
  EXPECT_EQ(order("abc", "d"), "abcd");
  EXPECT_EQ(order("", "ba"), "ba");
  EXPECT_EQ(order("ab", ""), "ab");
  EXPECT_EQ(order("abcd", "dxb"), "acdxb");
}

TEST(TypedTree, MergesMapsAndReplacesAtoms) {
  EXPECT_EQ(merged(R"({"metadata":{"labels":{"a":"1","b":"1"}},"spec":{"tolerations":[{"key":"a"}]}})",
                   R"({"metadata":{"labels":{"b":"2"}},"spec":{"tolerations":[]}})"),
            R"({"metadata":{"labels":{"a":"1","b":"2"}},"spec":{"tolerations":[]}})");
  EXPECT_EQ(merged(R"({"spec":{"containers":[{"name":"a","image":"1"},{"name":"b"}]}})",
                   R"({"spec":{"containers":[{"name":"a","tty":true}]}})"),
            R"({"spec":{"containers":[{"name":"a","image":"1","tty":true},{"name":"b"}]}})");
}

TEST(TypedTree, RemovesFields) {
  const auto set = decode_fields(
      R"({"f:metadata":{"f:labels":{"f:a":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"x\"}":{".":{}},)"
      R"("k:{\"name\":\"y\"}":{"f:image":{}}}}})");
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(json::serialize(remove_fields(
                tree(R"({"metadata":{"labels":{"a":"1"}},"spec":{"containers":[{"name":"x"},)"
                     R"({"name":"y","image":"i"}]}})"),
                *set, pods())),
            R"({"metadata":{"labels":null},"spec":{"containers":[{"name":"y"}]}})");
}

}  // namespace
}  // namespace keelson::api
