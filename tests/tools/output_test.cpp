// What is printed: columns, tables, times, formats.
#include "tools/cli/cluster/output.hpp"

#include <gtest/gtest.h>

#include "tools/cli/cluster/human.hpp"
#include "tools/cli/cluster/table.hpp"
#include "tools/cli/cluster/tabs.hpp"
#include "tools/cli/cluster/verbs.hpp"

namespace keelson::cli {
namespace {

TEST(Tabs, CellsOfNeighbouringLinesFormColumns) {
  EXPECT_EQ(align_tabs("a\tb\nlong\tc\n", {0, 2}), "a     b\nlong  c\n");
  EXPECT_EQ(align_tabs("a\tb\nno cell\nlonger\tc\n", {0, 2}), "a  b\nno cell\nlonger  c\n")
      << "a line without ends the column";
  EXPECT_EQ(align_tabs("a\tb\tc\nx\n", {6, 3}), "a     b     c\nx\n");
  EXPECT_EQ(align_tabs("ä\tb\nxy\tb\n", {0, 1}), "ä  b\nxy b\n");
  EXPECT_EQ(align_tabs("", {0, 2}), "");
}

TEST(Human, DurationsAreAsKubectlRoundsThem) {
  const std::pair<int64_t, const char*> cases[] = {{-2, "<invalid>"},
                                                   {-1, "0s"},
                                                   {0, "0s"},
                                                   {119, "119s"},
                                                   {120, "2m"},
                                                   {125, "2m5s"},
                                                   {599, "9m59s"},
                                                   {600, "10m"},
                                                   {10799, "179m"},
                                                   {10800, "3h"},
                                                   {3600 * 7 + 60, "7h1m"},
                                                   {3600 * 8, "8h"},
                                                   {3600 * 47, "47h"},
                                                   {3600 * 48, "2d"},
                                                   {3600 * 53, "2d5h"},
                                                   {86400 * 8, "8d"},
                                                   {86400 * 729, "729d"},
                                                   {86400 * 730, "2y"},
                                                   {86400 * 735, "2y5d"},
                                                   {86400 * 3650, "10y"}};
  for (const auto& [seconds, text] : cases) EXPECT_EQ(human_duration(seconds), text);
}

TEST(Human, Times) {
  EXPECT_EQ(age("2023-11-14T22:13:20Z", {1'700'000'090'000'000'000}), "90s");
  EXPECT_EQ(age("", {0}), "<unknown>");
  EXPECT_EQ(age("yesterday", {0}), "<unknown>");
  EXPECT_EQ(age("9999-12-31T23:59:59Z", {1'700'000'090'000'000'000}), "<invalid>");
  EXPECT_EQ(age("0001-01-01T00:00:00Z", {1'700'000'090'000'000'000}), "2024y");
  EXPECT_EQ(long_time("2023-11-14T22:13:20Z"), "Tue, 14 Nov 2023 22:13:20 +0000");
  EXPECT_EQ(long_time("nonsense"), "");
}

TEST(Human, DurationsOfFlags) {
  EXPECT_EQ(parse_duration("1m30s"), std::chrono::seconds(90));
  EXPECT_EQ(parse_duration("250ms"), std::chrono::milliseconds(250));
  EXPECT_EQ(parse_duration("0"), std::chrono::seconds(0));
  EXPECT_EQ(parse_duration("-1s"), std::chrono::seconds(-1));
  EXPECT_EQ(parse_duration("1.5h"), std::chrono::minutes(90));
  for (const char* bad : {"", "x", "5 s", "1d", "--1s", "1e400h", "99999999999h", "3000000h",
                          "2400000h", "876001h", "nanh", "infh"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
  EXPECT_EQ(parse_duration("876000h"), kLongestDuration);
}

// What lasts for ever says so: nothing that is too long, negative or too short does by accident.
TEST(Human, Lifetimes) {
  EXPECT_EQ(parse_lifetime("24h"), std::chrono::hours(24));
  EXPECT_EQ(parse_lifetime("1s"), std::chrono::seconds(1));
  EXPECT_EQ(parse_lifetime("0"), Duration::zero());
  EXPECT_EQ(parse_lifetime("0s"), Duration::zero());
  for (const char* bad : {"", "-1s", "-0", "1ms", "0.1ns", "0.000000000000001", "3000000h", "2400000h"})
    EXPECT_FALSE(parse_lifetime(bad)) << bad;
}

const char* kTable = R"({"kind":"Table","columnDefinitions":[
  {"name":"Name","format":"name","priority":0},{"name":"Ready","priority":0},{"name":"IP","priority":1}],
  "rows":[{"cells":["kel-1","1/1","10.0.0.1"],"object":{"metadata":{"namespace":"default","labels":{"run":"kel","a":"b"}}}},
          {"cells":["k","0/1",null],"object":{"metadata":{"namespace":"other"}}}]})";

TEST(Table, HidesWideColumnsUnlessAskedFor) {
  EXPECT_EQ(TablePrinter({}).print(parse_tree(kTable), {}),
            "NAME    READY\nkel-1   1/1\nk       0/1\n");
  EXPECT_EQ(TablePrinter({.wide = true}).print(parse_tree(kTable), {}),
            "NAME    READY   IP\nkel-1   1/1     10.0.0.1\nk       0/1     <nil>\n");
}

TEST(Table, NamespacesLabelsAndTypes) {
  TableOptions options{.show_namespace = true,
                       .show_labels = true,
                       .label_columns = {"example.com/run", "run"},
                       .type = "pod"};
  EXPECT_EQ(TablePrinter(options).print(parse_tree(kTable), {}),
            "NAMESPACE   NAME        READY   RUN   RUN   LABELS\n"
            "default     pod/kel-1   1/1           kel   a=b,run=kel\n"
            "other       pod/k       0/1                 <none>\n");
}

TEST(Table, AWatchKeepsItsColumnsAndHeadsThemOnce) {
  TablePrinter printer({});
  EXPECT_EQ(printer.print(parse_tree(kTable), {}), "NAME    READY\nkel-1   1/1\nk       0/1\n");
  EXPECT_EQ(
      printer.print(
          parse_tree(
              R"({"kind":"Table","columnDefinitions":null,"rows":[{"cells":["x","1/1","y"]}]})"),
          {}),
      "x       1/1\n");
}

TEST(Table, ObjectsWithoutATableAreNamesAndAges) {
  EXPECT_EQ(
      TablePrinter({}).print(
          parse_tree(
              R"({"kind":"FooList","items":[{"metadata":{"name":"x","creationTimestamp":"1970-01-01T00:00:00Z"}}]})"),
          {5'000'000'000}),
      "NAME   AGE\nx      5s\n");
}

TEST(Table, CellsStayOnTheirLineAndOutOfTheTerminal) {
  EXPECT_EQ(cell_text(Json("first\nsecond")), "first...");
  EXPECT_EQ(cell_text(Json("\x1b[31mred")), "^[[31mred");
  EXPECT_EQ(cell_text(Json(7)), "7");
}

Result<std::string> printed(const std::vector<std::string>& words, std::string_view object) {
  const Verb verb = get_verbs()[0];
  const auto flags = Flags::parse({verb.flags}, words);
  if (!flags) return flags.error();
  const auto output = Output::of(*flags);
  if (!output) return output.error();
  return output->print(parse_tree(object));
}

const char* kList = R"({"apiVersion":"v1","kind":"List","items":[
  {"apiVersion":"v1","kind":"Pod","metadata":{"name":"b-10","managedFields":[{}]},"spec":{"x":[1,"two"]}},
  {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"b-9"}}]})";

TEST(Output, Formats) {
  EXPECT_EQ(*printed({"-o", "name"}, kList), "pod/b-10\ndeployment.apps/b-9\n");
  EXPECT_EQ(*printed({"-o=jsonpath={.items[*].metadata.name}"}, kList), "b-10 b-9");
  EXPECT_EQ(*printed({"-ojson"}, R"({"b":{"z":"<>"},"a":[]})"),
            "{\n    \"a\": [],\n    \"b\": {\n        \"z\": \"\\u003c\\u003e\"\n    }\n}\n");
  EXPECT_EQ(*printed({"-o", "yaml"}, R"({"b":"1","a":["x"]})"), "a:\n- x\nb: \"1\"\n");
  EXPECT_EQ(printed({"-o", "json"}, kList)->find("managedFields"), std::string::npos);
  EXPECT_NE(printed({"-o", "json", "--show-managed-fields"}, kList)->find("managedFields"),
            std::string::npos);
}

TEST(Output, CustomColumns) {
  EXPECT_EQ(*printed({"-o", "custom-columns=NAME:.metadata.name,X:spec.x"}, kList),
            "NAME   X\nb-10   [1 two]\nb-9    <none>\n");
  EXPECT_EQ(*printed({"-o", "custom-columns=NAME:.metadata.name", "--no-headers"}, kList),
            "b-10\nb-9\n");
  EXPECT_FALSE(printed({"-o", "custom-columns=NAME"}, kList));
  EXPECT_FALSE(printed({"-o", "custom-columns="}, kList));
}

TEST(Output, UnknownFormatsAreNamed) {
  const auto out = printed({"-o", "xml"}, "{}");
  ASSERT_FALSE(out);
  EXPECT_TRUE(
      out.error().message.starts_with("error: unable to match a printer suitable for the output "
                                      "format \"xml\", allowed formats are: "));
  EXPECT_FALSE(printed({"-o", "jsonpath="}, "{}"));
  EXPECT_FALSE(printed({"-o", "jsonpath={.a"}, "{}"));
}

std::string sorted_names(std::string_view list, std::string_view by) {
  Json tree = parse_tree(list);
  const auto ok = sort_by(tree, by);
  if (!ok) return ok.message();
  std::string out;
  for (const Json& item : list_at(tree, "items")) out += text_at(item, "n") + " ";
  return out;
}

TEST(Output, SortsByValue) {
  EXPECT_EQ(sorted_names(R"({"items":[{"n":"node-10"},{"n":"node-9"}]})", ".n"), "node-9 node-10 ");
  EXPECT_EQ(
      sorted_names(R"({"items":[{"n":"a","q":"1Gi"},{"n":"b","q":"500Mi"},{"n":"c"}]})", "{.q}"),
      "c b a ");
  EXPECT_EQ(sorted_names(R"({"items":[{"n":"a","i":10},{"n":"b","i":9}]})", "i"), "b a ");
  EXPECT_EQ(sorted_names(R"({"items":[{"n":"a"}]})", ".nope"),
            "error: couldn't find any field with path \".nope\" in the list of objects");
}

}  // namespace
}  // namespace keelson::cli
