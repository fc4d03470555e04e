#include "core/api/quantity.hpp"

#include <gtest/gtest.h>

#include "core/base/rng.hpp"

namespace keelson::api {
namespace {

std::string canonical(std::string_view text) {
  const auto result = canonical_quantity(text);
  return result ? *result : "error: " + result.error().message;
}
QuantityValue amount(std::string_view text) { return *QuantityValue::parse(text); }

// Pairs seen on a real server.
TEST(Quantity, CanonicalForms) {
  const std::pair<const char*, const char*> cases[] = {
      {"1000m", "1"},     {"0.5", "500m"},   {"1e3", "1e3"},    {"1024Mi", "1Gi"},
      {"0.5Gi", "512Mi"}, {"1.5Gi", "1536Mi"}, {"100m", "100m"}, {"1E", "1E"},
      {"1Ki", "1Ki"},     {"1k", "1k"},      {"1500m", "1500m"}, {"-1", "-1"},
      {"1.0", "1"},       {"010", "010"},    {"1e-3", "1e-3"},  {"1M", "1M"},
      {"128974848", "128974848"},            {"129e6", "129e6"},
      {"12345678901234567890", "12345678901234567890"},
      {"0", "0"},         {"0Gi", "0"},      {"-0.5", "-500m"}, {"1000", "1k"},
      {"1500k", "1500k"}, {"1000000", "1M"}, {"12E2", "1200"},  {"0.25Ki", "256"},
      {"1023Ki", "1023Ki"}, {"2048Ki", "2Mi"}, {"0.1Ki", "102400m"}, {"1Ei", "1Ei"},
      {"100n", "100n"},   {"1u", "1u"},      {"1.5e3", "1500"}, {"5e0", "5e0"}, {"2972312.5Ki", "3043648k"},
  };
  for (const auto& [in, out] : cases) EXPECT_EQ(canonical(in), out) << in;
}

TEST(Quantity, FractionsBelowANanoAreRoundedUp) {
  EXPECT_EQ(amount("0.0000000001").to_string(), "1n");
  EXPECT_EQ(amount("1e-400").to_string(), "1e-9");
  EXPECT_EQ(amount("-0.0000000001").to_string(), "-1n");
  EXPECT_EQ(amount("0.0000000010000000000000000000000000000000000001").to_string(), "2n");
}

// What a server makes of resources beyond their canonical form.
TEST(Quantity, ResourcesComeInWholeMillis) {
  const auto rounded = [](std::string_view text) {
    Quantity quantity;
    quantity.set_string(canonical(text));
    round_up_to_milli(quantity);
    return quantity.string();
  };
  const std::pair<const char*, const char*> cases[] = {
      {"0.0001", "1m"}, {"1u", "1m"},       {"1000001n", "2m"}, {"1.0005", "1001m"},
      {"1e-6", "1e-3"}, {"1.0001e0", "1001e-3"},      {"0.0001Ki", "103m"},
      {"-1u", "-1m"},   {"100m", "100m"},   {"1e-3", "1e-3"},   {"1e3", "1e3"},
      {"010", "010"},   {"1E", "1E"},       {"5e0", "5e0"},     {"1Gi", "1Gi"},
  };
  for (const auto& [in, out] : cases) EXPECT_EQ(rounded(in), out) << in;
  Quantity malformed;
  malformed.set_string("n");
  round_up_to_milli(malformed);
  EXPECT_EQ(malformed.string(), "n");
}

TEST(Quantity, RefusesWhatAServerRefuses) {
  constexpr std::string_view format =
      "quantities must match the regular expression "
      "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  for (const char* bad : {"", "1x", "abc", "1 ", " 1", "1.2.3", "1Gi5x", "0x10", "1KI"}) {
    const auto result = QuantityValue::parse(bad);
    ASSERT_FALSE(result.ok()) << bad;
    EXPECT_EQ(result.code(), Code::invalid);
    EXPECT_EQ(result.error().message, format) << bad;
  }
  for (const char* bad : {"1ki", "1mi", "1e", "1G5", "1Kim", "1ee5", "1e+", "--1"}) {
    const auto result = QuantityValue::parse(bad);
    ASSERT_FALSE(result.ok()) << bad;
    EXPECT_EQ(result.error().message, "unable to parse quantity's suffix") << bad;
  }
}

TEST(Quantity, ValuesAreRoundedAwayFromZero) {
  EXPECT_EQ(amount("1001m").value(), 2);
  EXPECT_EQ(amount("-1001m").value(), -2);
  EXPECT_EQ(amount("100u").milli_value(), 1);
  EXPECT_EQ(amount("2Gi").value(), 2LL << 30);
  EXPECT_EQ(amount("250m").milli_value(), 250);
  EXPECT_EQ(amount("1e30").value(), INT64_MAX);
  EXPECT_EQ(amount("-1e30").milli_value(), INT64_MIN);
  EXPECT_EQ(amount("1e99999999999999999999").value(), INT64_MAX);
  EXPECT_EQ(amount("9999999999Ei").value(), INT64_MAX);
}

TEST(Quantity, MessagesAreReadOnTheFastAndTheSlowRoadAlike) {
  Quantity quantity;
  for (const char* text : {"4", "250m", "16Gi", "512Mi", "1k", "1e3", "0.5", "1500m", "999999999",
                           "9999999999", "12345678901234567890", "1Ki", "0", "3G"}) {
    quantity.set_string(text);
    EXPECT_EQ(value_of(quantity), amount(text).value()) << text;
    EXPECT_EQ(milli_value_of(quantity), amount(text).milli_value()) << text;
  }
  for (const char* malformed : {"", "x", "1y"}) {
    quantity.set_string(malformed);
    EXPECT_EQ(value_of(quantity), 0);
  }
}

TEST(Quantity, Arithmetic) {
  EXPECT_EQ((amount("1Gi") + amount("512Mi")).to_string(), "1536Mi");
  EXPECT_EQ((amount("1") - amount("250m")).to_string(), "750m");
  EXPECT_EQ((QuantityValue() + amount("1Gi")).to_string(), "1Gi");
  EXPECT_EQ((amount("1e37") + amount("1e37")).value(), INT64_MAX);
  EXPECT_LT(amount("999m"), amount("1"));
  EXPECT_EQ(amount("1024Mi"), amount("1Gi"));
  EXPECT_TRUE((amount("1") - amount("2")).negative());
}

TEST(Quantity, CanonicalFormsAreStableAndEqual) {
  Rng rng(7);
  constexpr std::string_view suffixes[] = {"",   "m",  "k",  "M",  "Ki", "Mi", "Gi",
                                           "e3", "e-2", "u", "E6", "n",  "T",  "Ei"};
  for (int i = 0; i < 5000; ++i) {
    std::string text = std::to_string(rng.between(0, 1 << rng.below(28)));
    if (rng.chance(1, 2)) text += "." + std::to_string(rng.below(10000));
    text += suffixes[rng.below(std::size(suffixes))];
    const std::string once = canonical(text);
    EXPECT_EQ(canonical(once), once) << text;
    EXPECT_EQ(amount(once), amount(text)) << text << " -> " << once;
    const std::string formatted = amount(text).to_string();
    EXPECT_EQ(amount(formatted), amount(text)) << text << " -> " << formatted;
  }
}

}  // namespace
}  // namespace keelson::api
