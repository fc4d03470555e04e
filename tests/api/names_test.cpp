// Names, label keys and values, and the exact reasons given when they are wrong.
#include <gtest/gtest.h>

#include "core/api/validate/names.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

using Reasons = std::vector<std::string>;

TEST(Names, SubdomainsAreDottedLabels) {
  for (const char* good : {"a", "0", "a-b", "a.b", "web-1.example.com", "1.2.3"}) {
    EXPECT_EQ(check_dns1123_subdomain(good), Reasons{}) << good;
  }
  for (const char* bad : {"", "A", "-a", "a-", "a..b", ".a", "a.", "a_b", "a b", "a.-b", "ü"}) {
    EXPECT_EQ(check_dns1123_subdomain(bad).size(), 1u) << bad;
  }
  EXPECT_EQ(check_dns1123_subdomain("Bad_Name"),
            Reasons{"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric "
                    "characters, '-' or '.', and must start and end with an alphanumeric character "
                    "(e.g. 'example.com', regex used for validation is "
                    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"});
}

TEST(Names, LengthIsCountedTo253And63) {
  std::string labels;
  while (labels.size() < 252) labels += labels.size() % 2 == 0 ? "a" : ".";
  EXPECT_EQ(check_dns1123_subdomain(labels + "a"), Reasons{});
  EXPECT_EQ(check_dns1123_subdomain(std::string(254, 'a')),
            Reasons{"must be no more than 253 characters"});
  EXPECT_EQ(check_dns1123_label(std::string(63, 'a')), Reasons{});
  EXPECT_EQ(check_dns1123_label(std::string(64, 'a')),
            Reasons{"must be no more than 63 characters"});
  EXPECT_EQ(check_label_value(std::string(64, 'a')), Reasons{"must be no more than 63 characters"});
}

TEST(Names, LabelsSayWhenOnlyTheDotsAreWrong) {
  EXPECT_EQ(check_dns1123_label("a.b"), Reasons{"must not contain dots"});
  EXPECT_EQ(check_dns1123_label("A.b").size(), 1u);
  EXPECT_NE(check_dns1123_label("A.b")[0], "must not contain dots");
}

TEST(Names, Dns1035LabelsBeginWithALetter) {
  EXPECT_EQ(check_dns1035_label("web-1"), Reasons{});
  EXPECT_EQ(check_dns1035_label("1x"),
            Reasons{"a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
                    "start with an alphabetic character, and end with an alphanumeric character "
                    "(e.g. 'my-name',  or 'abc-123', regex used for validation is "
                    "'[a-z]([-a-z0-9]*[a-z0-9])?')"});
  EXPECT_EQ(check_dns1035_label("").size(), 1u);
}

TEST(Names, LabelValuesMayBeEmptyAndMixed) {
  for (const char* good : {"", "a", "A_b.c-d", "12345"}) {
    EXPECT_EQ(check_label_value(good), Reasons{}) << good;
  }
  for (const char* bad : {"c/d", "-a", "a_", "a b"}) {
    EXPECT_EQ(check_label_value(bad).size(), 1u) << bad;
  }
}

TEST(Names, QualifiedNamesHaveAtMostOnePrefix) {
  for (const char* good : {"app", "example.com/app", "a_B.c", "x/y"}) {
    EXPECT_EQ(check_qualified_name(good), Reasons{}) << good;
  }
  EXPECT_EQ(check_qualified_name("/a"), Reasons{"prefix part must be non-empty"});
  EXPECT_EQ(check_qualified_name("a/b/c").size(), 1u);
  EXPECT_TRUE(check_qualified_name("a/b/c")[0].ends_with(
      "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"));
  Reasons empty = check_qualified_name("a/");
  ASSERT_EQ(empty.size(), 2u);
  EXPECT_EQ(empty[0], "name part must be non-empty");
  Reasons prefix = check_qualified_name("A.b/c");
  ASSERT_EQ(prefix.size(), 1u);
  EXPECT_TRUE(prefix[0].starts_with("prefix part a lowercase RFC 1123 subdomain"));
}

TEST(Names, PortNamesFollowTheIanaRule) {
  for (const char* good : {"http", "a-1", "1a", "metrics-https-1"}) {
    EXPECT_EQ(check_port_name(good), Reasons{}) << good;
  }
  EXPECT_EQ(check_port_name("http-is-too-long"), Reasons{"must be no more than 15 characters"});
  EXPECT_EQ(check_port_name("80"), Reasons{"must contain at least one letter (a-z)"});
  EXPECT_EQ(check_port_name("a--b"), Reasons{"must not contain consecutive hyphens"});
  EXPECT_EQ(check_port_name("-a"), Reasons{"must not begin or end with a hyphen"});
  EXPECT_EQ(check_port_name("HTTP").size(), 2u);
}

TEST(Names, ConfigKeysAreFileNames) {
  for (const char* good : {"a", "nginx.conf", "_x", ".hidden"}) {
    EXPECT_EQ(check_config_key(good), Reasons{}) << good;
  }
  EXPECT_EQ(check_config_key("."), Reasons{"must not be '.'"});
  EXPECT_EQ(check_config_key(".."), Reasons{"must not be '..'"});
  EXPECT_EQ(check_config_key("..data"), Reasons{"must not start with '..'"});
  EXPECT_EQ(check_config_key("a/b").size(), 1u);
}

TEST(Values, PercentagesAreRoundedAsAsked) {
  EXPECT_EQ(scaled_value(int_value(3), 10, true), 3);
  EXPECT_EQ(scaled_value(int_value(0), 10, true), 0);
  EXPECT_EQ(scaled_value(string_value("25%"), 10, true), 3);
  EXPECT_EQ(scaled_value(string_value("25%"), 10, false), 2);
  EXPECT_EQ(scaled_value(string_value("100%"), 7, false), 7);
  EXPECT_EQ(scaled_value(string_value("25%"), 0, true), 0);
  EXPECT_EQ(scaled_value(string_value("1%"), 1, true), 1);
  EXPECT_EQ(scaled_value(string_value("1%"), 2147483647, true), 21474837);
  EXPECT_EQ(scaled_value(string_value("200%"), 2147483647, true), 2147483647);
}

TEST(Values, MalformedPercentagesCountAsNothing) {
  for (const char* bad : {"", "%", "x%", "25", "-5%", "2.5%", "99999999999%"}) {
    EXPECT_EQ(scaled_value(string_value(bad), 100, true), 0) << bad;
  }
}

}  // namespace
}  // namespace keelson::api
