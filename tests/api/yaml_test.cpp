#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "core/api/json.hpp"
#include "core/api/json_decode.hpp"
#include "core/api/kinds.hpp"
#include "core/api/yaml.hpp"
#include "core/api/yaml_scalar.hpp"
#include "tests/api/random_message.hpp"

namespace keelson::api {
namespace {

constexpr DecodeOptions strict{DecodeOptions::Unknown::strict};

std::vector<ObjectPtr> read(std::string_view yaml) {
  std::vector<ObjectPtr> out;
  auto decoded = decode_yaml(yaml, "test.yaml", strict);
  EXPECT_TRUE(decoded.ok()) << (decoded ? "" : decoded.error().message);
  if (decoded) {
    for (const Decoded& one : *decoded) out.push_back(one.object);
  }
  return out;
}

std::string error_of(std::string_view yaml, DecodeOptions options = strict) {
  const auto decoded = decode_yaml(yaml, "test.yaml", options);
  return decoded ? "" : decoded.error().message;
}

TEST(Yaml, ReadsManifests) {
  const auto objects = read(R"(
apiVersion: apps/v1
kind: Deployment
metadata:
  name: kel
  labels: {run: kel, "quoted": "1"}
spec:
  replicas: 2
  strategy:
    rollingUpdate: {maxSurge: 25%, maxUnavailable: 1}
  template:
    spec:
      containers:
      - name: kel
        image: nginx:1.7.9
        args: ["--flag=true", "80"]
        resources:
          requests: {cpu: 0.5, memory: 1Gi}
        volumeMounts: []
      volumes:
      - name: v
        configMap: {name: c, defaultMode: 0644}
---
# nothing but a comment
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data:
  text: |
    one
      two
  folded: >-
    a
    b
)");
  ASSERT_EQ(objects.size(), 2U);
  const Deployment& deployment = objects[0]->as<Deployment>();
  EXPECT_EQ(deployment.spec().replicas(), 2);
  EXPECT_EQ(deployment.spec().strategy().rolling_update().max_surge().str_val(), "25%");
  EXPECT_EQ(deployment.spec().strategy().rolling_update().max_unavailable().int_val(), 1);
  const PodSpec& spec = deployment.spec().template_().spec();
  EXPECT_EQ(spec.containers(0).args(1), "80");
  EXPECT_EQ(spec.containers(0).resources().requests().at("cpu").string(), "500m");
  EXPECT_EQ(spec.volumes(0).volume_source().config_map().default_mode(), 0644);
  EXPECT_EQ(objects[1]->as<ConfigMap>().data().at("text"), "one\n  two\n");
  EXPECT_EQ(objects[1]->as<ConfigMap>().data().at("folded"), "a b");
}

TEST(Yaml, ScalarsMeanWhatKubernetesToolsTakeThemFor) {
  const std::pair<const char*, boost::json::value> cases[] = {
      {"", nullptr},      {"~", nullptr},   {"null", nullptr}, {"true", true},  {"yes", true},
      {"on", true},       {"y", true},      {"off", false},    {"No", false},   {"FALSE", false},
      {"80", 80},         {"-3", -3},       {"+4", 4},         {"0644", 420},   {"0x1f", 31},
      {"0o17", 15},       {"0b11", 3},      {"1_000", 1000},   {"0", 0},        {"1.5", 1.5},
      {".5", 0.5},        {"1e3", 1000},    {"-1.", -1},        {"18446744073709551615", UINT64_MAX},
      {"25%", "25%"},     {"1.2.3", "1.2.3"}, {"08", 8},       {"100m", "100m"}, {"truE", "truE"},
      {"2026-11-23", "2026-11-23"},         {"-", "-"},        {"nginx:1.8", "nginx:1.8"},
      {"3.0", 3},         {"1e20", 1e20},
      {"1e", "1e"},       {"0x", "0x"},     {"-9223372036854775808", INT64_MIN}, {".", "."},
  };
  for (const auto& [text, value] : cases) EXPECT_EQ(resolve_yaml_scalar(text), value) << text;
}

TEST(Yaml, WholeFloatsAreIntegersWhereTheseAreWanted) {
  const auto objects = read(
      "{apiVersion: apps/v1, kind: ReplicaSet, spec: {replicas: 3.0, minReadySeconds: 1e2, "
      "template: {spec: {containers: [{name: c, resources: {limits: {cpu: 2.0, memory: 1e9}}}]}}}}");
  ASSERT_EQ(objects.size(), 1U);
  const ReplicaSetSpec& spec = objects[0]->as<ReplicaSet>().spec();
  EXPECT_EQ(spec.replicas(), 3);
  EXPECT_EQ(spec.min_ready_seconds(), 100);
  const auto& limits = spec.template_().spec().containers(0).resources().limits();
  EXPECT_EQ(limits.at("cpu").string(), "2");
  EXPECT_EQ(limits.at("memory").string(), "1G");
  EXPECT_NE(error_of("{apiVersion: apps/v1, kind: ReplicaSet, spec: {replicas: 1.5}}"), "");
}

TEST(Yaml, QuotedScalarsStayStrings) {
  const auto objects = read(
      "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {a: \"1\", b: 'true', "
      "c: !!str 5, d: \"\"}}");
  ASSERT_EQ(objects.size(), 1U);
  const auto& data = objects[0]->as<ConfigMap>().data();
  EXPECT_EQ(data.at("a"), "1");
  EXPECT_EQ(data.at("b"), "true");
  EXPECT_EQ(data.at("c"), "5");
  EXPECT_EQ(data.at("d"), "");
}

TEST(Yaml, AnchorsAndMergeKeys) {
  const auto objects = read(R"(
apiVersion: v1
kind: Pod
metadata:
  name: p
  labels: &l {a: "1", b: "2"}
  annotations:
    <<: *l
    b: mine
spec:
  containers: []
)");
  ASSERT_EQ(objects.size(), 1U);
  EXPECT_EQ(objects[0]->meta().annotations().at("a"), "1");
  EXPECT_EQ(objects[0]->meta().annotations().at("b"), "mine");
}

TEST(Yaml, ListsAreFlattened) {
  const auto objects = read(R"(
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Namespace, metadata: {name: a}}
- apiVersion: v1
  kind: PodList
  items:
  - metadata: {name: b}
)");
  ASSERT_EQ(objects.size(), 2U);
  EXPECT_EQ(objects[0]->kind(), Kind::namespaces);
  EXPECT_EQ(objects[1]->kind(), Kind::pods);
  EXPECT_EQ(objects[1]->name(), "b");
}

TEST(Yaml, ErrorsNameFileLineAndColumn) {
  EXPECT_EQ(error_of("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: c\n    imagee: x\n"),
            "test.yaml:6:5: Pod in version \"v1\" cannot be handled as a Pod: strict decoding "
            "error: unknown field \"spec.containers[0].imagee\"");
  EXPECT_EQ(error_of("apiVersion: v1\nkind: Pod\nspec:\n  containers: c\n"),
            "test.yaml:4:3: Pod in version \"v1\" cannot be handled as a Pod: json: cannot "
            "unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container");
  EXPECT_EQ(error_of("apiVersion: v1\nkind: Thing\n"),
            "test.yaml:2:1: no kind \"Thing\" is registered for version \"v1\"");
  EXPECT_EQ(error_of("apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  name: b\n").rfind(
                "test.yaml:", 0),
            0U);
  EXPECT_EQ(error_of("a: [1, 2"), "test.yaml:2:1: did not find expected ',' or ']'");
  EXPECT_EQ(error_of("kind: List\napiVersion: v1\nitems:\n- kind: Pod\n  apiVersion: v1\n  bad: 1\n"),
            "test.yaml:6:3: Pod in version \"v1\" cannot be handled as a Pod: strict decoding "
            "error: unknown field \"bad\"");
  EXPECT_EQ(error_of("just text"),
            "test.yaml:1:1: couldn't get version/kind; json parse error: the document is no object");
}

TEST(Yaml, DuplicatesAreLastOneWinsUnlessStrict) {
  constexpr std::string_view yaml =
      "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  name: b\n";
  const auto lenient = decode_yaml(yaml, "x", {});
  ASSERT_TRUE(lenient.ok());
  EXPECT_EQ((*lenient)[0].object->name(), "b");
  EXPECT_NE(error_of(yaml).find("duplicate field \"metadata.name\""), std::string::npos);
}

TEST(Yaml, WhatCannotBeReadIsWordedAsGoDoes) {
  const auto wrong = [](std::string_view yaml) { return parse_yaml(yaml, nullptr).error; };
  EXPECT_EQ(wrong("a: b\nc: d: e\n"),
            "yaml: line 2: mapping values are not allowed in this context");
  EXPECT_EQ(wrong("a: [1\nb: 2\n"), "yaml: line 1: did not find expected ',' or ']'");
  EXPECT_EQ(wrong("a: *b\n"), "yaml: unknown anchor 'b' referenced");
  EXPECT_EQ(wrong(""), "the document is empty");
  EXPECT_EQ(wrong("a: 1\n---\nb: 2\n"), "there is more than one document");
}

TEST(Yaml, WhatYamlTakesForSomethingElseIsEscaped) {
  const std::string text = "a\xe2\x80\xa8" "b\xc2\x85" "c\xef\xbb\xbf" "d\x7f" "e\xc2\xa0" "f\n";
  const std::string yaml = yaml_text(boost::json::object({{text, text}}));
  EXPECT_EQ(yaml, "\"a\\u2028b\\u0085c\\ufeffd\\u007fe\xc2\xa0" "f\\n\": "
                  "\"a\\u2028b\\u0085c\\ufeffd\\u007fe\xc2\xa0" "f\\n\"\n");
  EXPECT_EQ(parse_yaml(yaml, nullptr).value, boost::json::value({{text, text}}));
}

TEST(Yaml, AliasesAndMergedMaps) {
  const auto read = [](std::string_view yaml) {
    const ParsedJson parsed = parse_yaml(yaml, nullptr);
    return parsed.error.empty() ? boost::json::serialize(parsed.value) : parsed.error;
  };
  EXPECT_EQ(read("a: &x {k: [1, two]}\nb: *x\n"), R"({"a":{"k":[1,"two"]},"b":{"k":[1,"two"]}})");
  EXPECT_EQ(read("&k a: 1\nb: *k\n*k : 2\n"), R"({"a":2,"b":"a"})");
  EXPECT_EQ(read("d: &d {a: 1, b: 2}\ne: {<<: *d, b: 3}\n"),
            R"({"d":{"a":1,"b":2},"e":{"b":3,"a":1}})");
  EXPECT_EQ(read("<<: [{a: 1}, {a: 2, b: 2}]\n"), R"({"a":1,"b":2})");
  EXPECT_EQ(read("\"<<\": 1\n~: 2\n"), R"({"<<":1,"null":2})");
  EXPECT_NE(read("<<: 1\n").find("map merge requires map"), std::string::npos);
}

TEST(Yaml, HostileDocumentsAreRefused) {
  // Each line doubles what the one before describes.
  std::string laughs = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 40; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last + ", " + last + "]\n";
  }
  EXPECT_NE(error_of(laughs).find("too many nodes"), std::string::npos);
  EXPECT_NE(error_of(std::string(50'000, '[')), "");
  EXPECT_NE(error_of("a: " + std::string(300, '[') + std::string(300, ']')), "");
  EXPECT_NE(error_of("? [a]\n: b\n"), "");
  EXPECT_NE(error_of("&a [*a]"), "");
  // Few nodes, but each as large as it wants.
  std::string echo = "a: &a " + std::string(1'000'000, 'x') + "\nb: [";
  for (int i = 0; i < 100'000; ++i) echo += "*a,";
  EXPECT_NE(error_of(echo + "]\n").find("too many nodes"), std::string::npos);
  // Together deeper than either.
  EXPECT_NE(error_of("a: &a " + std::string(150, '[') + std::string(150, ']') + "\nb: " +
                     std::string(150, '[') + "*a" + std::string(150, ']') + "\n")
                .find("nests too deeply"),
            std::string::npos);
  std::string tags;
  for (int i = 0; i < 1'000; ++i) tags += "%TAG !a" + std::to_string(i) + "! x\n";
  EXPECT_NE(error_of(tags + "--- a\n").find("too many directives"), std::string::npos);
  // A brace too many, where other parsers find empty documents for ever.
  EXPECT_EQ(error_of("a: b}\nc: {x: 1}}\nd:\n  e: 1\n").rfind("test.yaml:", 0), 0U);
}

TEST(Yaml, WritesAsKubectlPrints) {
  const auto decoded = decode_object(
      R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"c","creationTimestamp":)"
      R"("2026-11-23T03:44:31Z","annotations":{"a":"{\"x\":1}","b":"true","c":"--flag","d":"a: b"},)"
      R"("ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"p","uid":"u"}]},)"
      R"("data":{"one":"80","text":"a\nb\n","tail":"a\nb","empty":"","space":" x"}})");
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(encode_yaml(*decoded->object), R"(apiVersion: v1
data:
  empty: ""
  one: "80"
  space: ' x'
  tail: |-
    a
    b
  text: |
    a
    b
kind: ConfigMap
metadata:
  annotations:
    a: '{"x":1}'
    b: "true"
    c: --flag
    d: 'a: b'
  creationTimestamp: "2026-11-23T03:44:31Z"
  name: c
  ownerReferences:
  - apiVersion: v1
    kind: Pod
    name: p
    uid: u
)");
}

TEST(Yaml, EveryKindSurvivesARoundTrip) {
  for (const KindInfo& kind : all_kinds()) {
    RandomMessages random(500 + static_cast<uint64_t>(kind.kind));
    for (int i = 0; i < 15; ++i) {
      std::unique_ptr<Message> message = new_message(kind.kind);
      random.fill(*message);
      mutable_meta_of(kind.kind, *message).clear_resource_version();
      const Object object(kind.kind, MessagePtr(message.release()), {0, 9});
      const std::string yaml = encode_yaml(object);
      const auto decoded = decode_yaml(yaml, "random", strict);
      ASSERT_TRUE(decoded.ok()) << decoded.error().message << "\n" << yaml;
      ASSERT_EQ(decoded->size(), 1U);
      EXPECT_EQ(encode_object(*(*decoded)[0].object), encode_object(object)) << yaml;
    }
  }
}

}  // namespace
}  // namespace keelson::api
