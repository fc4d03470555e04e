#include <gtest/gtest.h>

#include "core/api/json.hpp"

namespace keelson::api {
namespace {

std::string json_error_of(std::string_view json, DecodeOptions options = {}) {
  const auto decoded = decode_object(json, options);
  return decoded ? "" : decoded.error().message;
}

constexpr DecodeOptions strictly{DecodeOptions::Unknown::strict};
constexpr DecodeOptions warn{DecodeOptions::Unknown::warn};

TEST(DecodeErrors, NameTheFieldAndBothTypes) {
  EXPECT_EQ(json_error_of(R"({"apiVersion":"v1","kind":"Pod","spec":{"containers":"c"}})"),
            "Pod in version \"v1\" cannot be handled as a Pod: json: cannot unmarshal string into "
            "Go struct field PodSpec.spec.containers of type []v1.Container");
  EXPECT_EQ(json_error_of(R"({"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":"2"}})"),
            "Deployment in version \"v1\" cannot be handled as a Deployment: json: cannot "
            "unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32");
  EXPECT_EQ(json_error_of(R"({"apiVersion":"v1","kind":"Pod","metadata":{"labels":{"a":1}}})"),
            "Pod in version \"v1\" cannot be handled as a Pod: json: cannot unmarshal number 1 "
            "into Go struct field ObjectMeta.metadata.labels.a of type string");
  EXPECT_EQ(json_error_of(R"({"apiVersion":"v1","kind":"Pod","spec":{"containers":[{},{"ports":)"
                     R"([{"containerPort":3000000000}]}]}})"),
            "Pod in version \"v1\" cannot be handled as a Pod: json: cannot unmarshal number "
            "3000000000 into Go struct field ContainerPort.spec.containers[1].ports[0]"
            ".containerPort of type int32");
  EXPECT_EQ(json_error_of(R"({"apiVersion":"v1","kind":"Pod","spec":[]})"),
            "Pod in version \"v1\" cannot be handled as a Pod: json: cannot unmarshal array into "
            "Go struct field Pod.spec of type v1.PodSpec");
}

TEST(DecodeErrors, ValuesThatTheirTypeRefuses) {
  EXPECT_EQ(json_error_of(R"({"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"resources":)"
                     R"({"requests":{"cpu":"1x"}}}]}})"),
            "Pod in version \"v1\" cannot be handled as a Pod: spec.containers[0].resources"
            ".requests.cpu: quantities must match the regular expression "
            "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
  EXPECT_NE(json_error_of(R"({"apiVersion":"v1","kind":"Pod","metadata":{"creationTimestamp":"soon"}})")
                .find("metadata.creationTimestamp: parsing time \"soon\""),
            std::string::npos);
}

TEST(DecodeErrors, NumbersBeyondADoubleAreRefused) {
  // Not taken for nothing at all.
  EXPECT_NE(json_error_of(R"({"apiVersion":"v1","kind":"Node","status":{"capacity":{"cpu":1e400}}})")
                .find("number out of range at line 1"),
            std::string::npos);
}

TEST(DecodeErrors, TypeOfTheObject) {
  EXPECT_EQ(json_error_of(R"({"apiVersion":)"),
            "couldn't get version/kind; json parse error: unexpected end of JSON input");
  EXPECT_EQ(json_error_of("{\n  \"a\": tru}"),
            "couldn't get version/kind; json parse error: invalid character 't' at line 2, "
            "column 8");
  EXPECT_EQ(json_error_of(R"({"apiVersion":"v1"})"),
            R"(Object 'Kind' is missing in '{"apiVersion":"v1"}')");
  EXPECT_EQ(json_error_of(R"({"kind":"Pod"})"), R"(Object 'apiVersion' is missing in '{"kind":"Pod"}')");
  EXPECT_EQ(json_error_of(R"({"kind":"Pod","apiVersion":"apps/v1"})"),
            R"(no kind "Pod" is registered for version "apps/v1")");
  EXPECT_EQ(json_error_of(R"({"kind":7,"apiVersion":"v1"})"), "kind must be a string");
  for (const char* no_object : {"[]", "1", "\"x\"", "null", "{} {}", ""}) {
    EXPECT_FALSE(decode_object(no_object).ok()) << no_object;
  }
}

TEST(DecodeErrors, UnknownFieldsAreTakenAsTheOptionsSay) {
  constexpr std::string_view json =
      R"({"apiVersion":"v1","kind":"Pod","spec":{"foo":1,"containers":[{"name":"c","bar":{}}]}})";
  EXPECT_EQ(json_error_of(json), "");
  EXPECT_EQ(json_error_of(json, strictly),
            "Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: unknown "
            "field \"spec.foo\", unknown field \"spec.containers[0].bar\"");
  const auto warned = decode_object(json, warn);
  ASSERT_TRUE(warned.ok());
  EXPECT_EQ(warned->warnings,
            (std::vector<std::string>{"unknown field \"spec.foo\"",
                                      "unknown field \"spec.containers[0].bar\""}));
  // Names are compared with their case.
  EXPECT_NE(json_error_of(R"({"apiVersion":"v1","kind":"Pod","Spec":{}})", strictly), "");
}

TEST(DecodeErrors, DuplicateFieldsAreTakenAsTheOptionsSay) {
  constexpr std::string_view json =
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","name":"b","labels":{"x":"1","x":"2"}}})";
  const auto lenient = decode_object(json);
  ASSERT_TRUE(lenient.ok());
  EXPECT_EQ(lenient->object->name(), "b");
  EXPECT_EQ(json_error_of(json, strictly),
            "Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: duplicate "
            "field \"metadata.name\", duplicate field \"metadata.labels.x\"");
}

TEST(DecodeErrors, TheLastOfTwoEqualMessagesReplacesTheFirst) {
  const auto decoded = decode_object(
      R"({"apiVersion":"v1","kind":"Pod","spec":{"nodeName":"a"},"spec":{"hostname":"h"}})");
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->object->as<Pod>().spec().node_name(), "");
  EXPECT_EQ(decoded->object->as<Pod>().spec().hostname(), "h");
}

TEST(DecodeErrors, DeepAndHugeInputsAreRefusedOrRead) {
  std::string deep = R"({"apiVersion":"v1","kind":"Pod","x":)";
  deep += std::string(100'000, '[') + std::string(100'000, ']') + "}";
  EXPECT_NE(json_error_of(deep).find("exceeded max depth"), std::string::npos);
  std::string huge = R"({"apiVersion":"v1","kind":"ConfigMap","data":{"a":")";
  huge += std::string(5'000'000, 'x') + "\"}}";
  EXPECT_EQ(json_error_of(huge), "");
  std::string many = R"({"apiVersion":"v1","kind":"Pod")";
  for (int i = 0; i < 10'000; ++i) many += ",\"f" + std::to_string(i) + "\":1";
  many += "}";
  EXPECT_LT(json_error_of(many, strictly).size(), 10'000U);
}

TEST(DecodeErrors, EveryPrefixOfADocumentIsAnErrorNotACrash) {
  const std::string json =
      R"({"kind":"Pod","apiVersion":"v1","metadata":{"labels":{"a":"\u00e9\n"}},"spec":)"
      R"({"containers":[{"name":"c","resources":{"limits":{"cpu":1.5e0}}}],"priority":-3}})";
  for (std::size_t n = 0; n < json.size(); ++n) {
    EXPECT_FALSE(decode_object(std::string_view(json).substr(0, n)).ok()) << n;
  }
  EXPECT_TRUE(decode_object(json).ok());
}

}  // namespace
}  // namespace keelson::api
