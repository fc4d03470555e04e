#include "core/api/selector.hpp"

#include <gtest/gtest.h>

namespace keelson::api {
namespace {

Labels labels(std::initializer_list<std::pair<std::string, std::string>> entries) {
  Labels out;
  for (const auto& [key, value] : entries) out[key] = value;
  return out;
}

bool matches(std::string_view selector, const Labels& set) {
  const auto parsed = LabelSelectorMatcher::parse(selector);
  EXPECT_TRUE(parsed.ok()) << selector << ": " << (parsed ? "" : parsed.error().message);
  return parsed && parsed->matches(set);
}

std::string selector_error_of(std::string_view selector) {
  const auto parsed = LabelSelectorMatcher::parse(selector);
  return parsed ? "" : parsed.error().message;
}

TEST(LabelSelector, ManyTermsMeanWhatFewMean) {
  // Terms about labels that the object does not have, of each kind, behind which the few hide.
  std::string absent, unequal;
  for (int i = 0; i < 100; ++i) {
    absent += ",!absent" + std::to_string(i);
    unequal += ",other" + std::to_string(i) + "!=x";
  }
  const Labels set = labels({{"app", "web"}, {"tier", "front"}, {"n", "7"}});
  for (const std::string& many : {absent, unequal}) {
    for (const char* yes : {"app=web", "app!=db", "app in (web,db),app", "n>6,n<8", "!other",
                            "app=web,tier=front,n=7"}) {
      EXPECT_TRUE(matches(yes + many, set)) << yes;
    }
    for (const char* no : {"app=db", "app!=web", "other", "!app", "n>7", "other=", "other>1",
                           "app=web,tier=back", "app,app=db", "app,app,other"}) {
      EXPECT_FALSE(matches(no + many, set)) << no;
    }
  }
}

TEST(LabelSelector, Operators) {
  const Labels set = labels({{"app", "web"}, {"tier", "front"}, {"n", "7"}, {"empty", ""}});
  for (const char* yes :
       {"", "app=web", "app==web", "app!=db", "other!=x", "app in (web,db)", "app notin (db)",
        "other notin (x)", "app", "!other", "n>6", "n<8", "empty="}) {
    EXPECT_TRUE(matches(yes, set)) << yes;
  }
  for (const char* no : {"app=db", "app!=web", "app in (db)", "app notin (web,x)", "other", "!app",
                         "n>7", "n<7", "app>1", "other=", "app=web,tier=back"}) {
    EXPECT_FALSE(matches(no, set)) << no;
  }
  EXPECT_TRUE(matches(" app in ( web , db ) , !foo ", set));
  EXPECT_TRUE(matches("empty in (,a)", set));
  EXPECT_TRUE(matches("in=x", labels({{"in", "x"}})));
  EXPECT_TRUE(matches("a.b/c-d_e=x.y", labels({{"a.b/c-d_e", "x.y"}})));
}

TEST(LabelSelector, ErrorsAreWordedAsAServerWordsThem) {
  EXPECT_EQ(selector_error_of("a in ("),
            "unable to parse requirement: found '', expected: ',', ')' or identifier");
  EXPECT_EQ(selector_error_of("a in"), "unable to parse requirement: found '', expected: '('");
  EXPECT_EQ(selector_error_of("a b"),
            "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt");
  EXPECT_EQ(selector_error_of("a,"), "found '', expected: identifier after ','");
  EXPECT_EQ(selector_error_of(",a"), "found ',', expected: !, identifier, or 'end of string'");
  EXPECT_EQ(selector_error_of("a=b c"), "found 'c', expected: ',' or 'end of string'");
  EXPECT_EQ(selector_error_of("!"), "unable to parse requirement: found '', expected: identifier");
  EXPECT_EQ(selector_error_of("a in (b c)"),
            "unable to parse requirement: found 'c', expected: ',' or ')'");
  EXPECT_EQ(selector_error_of("a in ()"),
            "unable to parse requirement: values: Invalid value: []: for 'in', 'notin' operators, "
            "values set can't be empty");
  EXPECT_EQ(selector_error_of("n>x"),
            "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' "
            "operators, the value must be an integer");
  EXPECT_EQ(selector_error_of("a@b=c").rfind("unable to parse requirement: <nil>: Invalid value: \"a@b\": ",
                                    0),
            0U);
  EXPECT_EQ(selector_error_of("a=b@c").rfind(
                "unable to parse requirement: values[0][a]: Invalid value: \"b@c\": ", 0),
            0U);
}

TEST(LabelSelector, CanonicalTextParsesToTheSame) {
  const std::pair<const char*, const char*> cases[] = {
      {"b in (y,x),a=1", "a=1,b in (x,y)"}, {"a==1", "a=1"},         {"a notin (1)", "a!=1"},
      {"!z,z2", "!z,z2"},                    {"a in (x,x)", "a=x"},  {"n > 3", "n>3"},
      {"", ""},                              {"a in (,b)", "a in (,b)"},
  };
  for (const auto& [in, out] : cases) {
    const auto parsed = LabelSelectorMatcher::parse(in);
    ASSERT_TRUE(parsed.ok()) << in;
    EXPECT_EQ(parsed->to_string(), out);
    EXPECT_EQ(LabelSelectorMatcher::parse(out)->to_string(), out);
  }
}

TEST(LabelSelector, FromMessages) {
  LabelSelector selector;
  EXPECT_TRUE(LabelSelectorMatcher::from(selector)->matches({}));  // empty: everything
  EXPECT_TRUE(LabelSelectorMatcher::from(selector)->empty());
  (*selector.mutable_match_labels())["app"] = "web";
  auto& expression = *selector.add_match_expressions();
  expression.set_key("tier");
  expression.set_operator_("NotIn");
  expression.add_values("back");
  const auto matcher = LabelSelectorMatcher::from(selector);
  ASSERT_TRUE(matcher.ok());
  EXPECT_TRUE(matcher->matches(labels({{"app", "web"}})));
  EXPECT_FALSE(matcher->matches(labels({{"app", "web"}, {"tier", "back"}})));
  EXPECT_EQ(matcher->to_string(), "app=web,tier!=back");
  expression.set_operator_("Near");
  EXPECT_EQ(LabelSelectorMatcher::from(selector).error().message,
            "\"Near\" is not a valid label selector operator");
  expression.set_operator_("In");
  expression.clear_values();
  EXPECT_FALSE(LabelSelectorMatcher::from(selector).ok());
  EXPECT_FALSE(LabelSelectorMatcher::nothing().matches({}));
  EXPECT_TRUE(LabelSelectorMatcher::nothing().matches_nothing());
}

TEST(LabelSelector, FromASetListsKeysInOrder) {
  EXPECT_EQ(LabelSelectorMatcher::from_set(labels({{"b", "2"}, {"a", "1"}, {"c", "3"}})).to_string(),
            "a=1,b=2,c=3");
}

ObjectPtr pod() {
  Pod pod;
  pod.mutable_metadata()->set_name("web");
  pod.mutable_metadata()->set_namespace_("default");
  pod.mutable_spec()->set_node_name("n1");
  pod.mutable_status()->set_phase("Running");
  return make_object(std::move(pod));
}

TEST(FieldSelector, MatchesPods) {
  for (const char* yes : {"", "spec.nodeName=n1", "spec.nodeName==n1,status.phase!=Failed",
                          "metadata.name=web,metadata.namespace=default", "status.podIP=",
                          "spec.hostNetwork=false", ",spec.nodeName=n1,"}) {
    const auto parsed = FieldSelector::parse(Kind::pods, yes);
    ASSERT_TRUE(parsed.ok()) << yes;
    EXPECT_TRUE(parsed->matches(*pod())) << yes;
  }
  for (const char* no : {"spec.nodeName=", "spec.nodeName!=n1", "status.phase=Failed"}) {
    EXPECT_FALSE(FieldSelector::parse(Kind::pods, no)->matches(*pod())) << no;
  }
}

TEST(FieldSelector, OffersRequiredTermsToIndexes) {
  const auto parsed = FieldSelector::parse(Kind::pods, "spec.nodeName=n1,status.phase!=Failed");
  ASSERT_TRUE(parsed.ok());
  ASSERT_NE(parsed->required("spec.nodeName"), nullptr);
  EXPECT_EQ(*parsed->required("spec.nodeName"), "n1");
  EXPECT_EQ(parsed->required("status.phase"), nullptr);
}

TEST(FieldSelector, UnescapesValues) {
  const auto parsed = FieldSelector::parse(Kind::pods, R"(metadata.name=a\,b\=c\\d)");
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->terms()[0].value, R"(a,b=c\d)");
}

TEST(FieldSelector, ErrorsAreWordedAsAServerWordsThem) {
  const auto error = [](Kind kind, std::string_view text) {
    const auto parsed = FieldSelector::parse(kind, text);
    return parsed ? "" : parsed.error().message;
  };
  EXPECT_EQ(error(Kind::pods, "spec.foo=1"), "field label not supported: spec.foo");
  EXPECT_EQ(error(Kind::config_maps, "data.x=1"),
            "\"data.x\" is not a known field selector: only \"metadata.name\", "
            "\"metadata.namespace\"");
  EXPECT_EQ(error(Kind::pods, "abc"), "invalid selector: 'abc'; can't understand 'abc'");
  EXPECT_EQ(error(Kind::pods, R"(metadata.name=a\b)"),
            R"(invalid field selector: invalid escape sequence: \b)");
  EXPECT_EQ(error(Kind::pods, "metadata.name=a=b"),
            "invalid field selector: unescaped character in value: =");
  EXPECT_EQ(error(Kind::nodes, "metadata.namespace=x"),
            "field label not supported: metadata.namespace");
}

TEST(FieldSelector, MatchesServicesByAddressAndType) {
  Service service;
  service.mutable_spec()->set_type("ClusterIP");
  service.mutable_spec()->set_cluster_ip("None");
  const ObjectPtr object = make_object(std::move(service));
  EXPECT_TRUE(FieldSelector::parse(Kind::services, "spec.type=ClusterIP,spec.clusterIP=None")
                  ->matches(*object));
  EXPECT_FALSE(FieldSelector::parse(Kind::services, "spec.clusterIP!=None")->matches(*object));
  EXPECT_EQ(FieldSelector::parse(Kind::services, "spec.ports=1").error().message,
            "field label not supported: spec.ports");
}

TEST(FieldSelector, MatchesEventsByTheirObject) {
  Event event;
  event.mutable_involved_object()->set_name("web");
  event.mutable_involved_object()->set_uid("u1");
  event.set_reason("Killing");
  const ObjectPtr object = make_object(std::move(event));
  EXPECT_TRUE(FieldSelector::parse(Kind::events,
                                   "involvedObject.name=web,involvedObject.namespace=,"
                                   "involvedObject.uid=u1,reason=Killing")
                  ->matches(*object));
  std::string value;
  EXPECT_TRUE(field_value(*object, "involvedObject.uid", &value));
  EXPECT_EQ(value, "u1");
  EXPECT_FALSE(field_value(*object, "involvedObject.color", &value));
}

}  // namespace
}  // namespace keelson::api
