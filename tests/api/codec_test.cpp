#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "core/api/json.hpp"
#include "core/api/kinds.hpp"
#include "tests/api/random_message.hpp"

namespace keelson::api {
namespace {

using google::protobuf::util::MessageDifferencer;

ObjectPtr decode(std::string_view json) {
  auto decoded = decode_object(json);
  EXPECT_TRUE(decoded.ok()) << (decoded ? "" : decoded.error().message);
  return decoded ? decoded->object : nullptr;
}

// What a server answers must come back byte for byte.
void expect_unchanged(std::string_view json) {
  const ObjectPtr object = decode(json);
  ASSERT_TRUE(object);
  EXPECT_EQ(encode_object(*object), json);
}

std::string reencoded(std::string_view json) {
  const ObjectPtr object = decode(json);
  return object ? encode_object(*object) : "";
}

TEST(Codec, WritesAPodAsAServerDoes) {
  expect_unchanged(
      R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"web","namespace":"default",)"
      R"("uid":"4c28232b","resourceVersion":"243","creationTimestamp":"2026-11-23T03:44:31Z",)"
      R"("labels":{"app":"web","x/y":"z"},"managedFields":[{"manager":"m","operation":"Update",)"
      R"("apiVersion":"v1","time":"2026-11-23T03:44:31Z","fieldsType":"FieldsV1","fieldsV1":)"
      R"({"f:metadata":{"f:labels":{".":{},"k:{\"name\":\"c\"}":{}}}}}]},"spec":{"volumes":)"
      R"([{"name":"token","secret":{"secretName":"token","defaultMode":420}}],"containers":)"
      R"([{"name":"c","image":"nginx:1.8","ports":[{"containerPort":80,"protocol":"TCP"}],)"
      R"("resources":{"limits":{"cpu":"1"},"requests":{"cpu":"100m","memory":"1Gi"}},)"
      R"("livenessProbe":{"httpGet":{"path":"/","port":80,"scheme":"HTTP"},"timeoutSeconds":1,)"
      R"("periodSeconds":10,"successThreshold":1,"failureThreshold":3},)"
      R"("imagePullPolicy":"IfNotPresent"}],"restartPolicy":"Always",)"
      R"("terminationGracePeriodSeconds":30,"nodeName":"n1","securityContext":{},)"
      R"("tolerations":[{"key":"k","operator":"Exists","effect":"NoExecute",)"
      R"("tolerationSeconds":300}],"priority":0},"status":{"phase":"Pending","conditions":)"
      R"([{"type":"PodScheduled","status":"True","lastProbeTime":null,)"
      R"("lastTransitionTime":"2026-11-23T03:44:31Z"}],"qosClass":"Burstable"}})");
}

TEST(Codec, WritesADeploymentAsAServerDoes) {
  expect_unchanged(
      R"({"kind":"Deployment","apiVersion":"apps/v1","metadata":{"name":"kel","generation":1,)"
      R"("creationTimestamp":"2026-11-23T03:44:37Z"},"spec":{"replicas":0,"selector":)"
      R"({"matchLabels":{"run":"kel"}},"template":{"metadata":{"creationTimestamp":null,)"
      R"("labels":{"run":"kel"}},"spec":{"containers":[{"name":"kel","resources":{}}]}},)"
      R"("strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"25%",)"
      R"("maxSurge":1}},"revisionHistoryLimit":10},"status":{}})");
}

TEST(Codec, WritesEmptyMembersThatGoWrites) {
  expect_unchanged(
      R"({"kind":"Node","apiVersion":"v1","metadata":{"name":"n1","creationTimestamp":null},)"
      R"("spec":{},"status":{"daemonEndpoints":{"kubeletEndpoint":{"Port":0}},"nodeInfo":)"
      R"({"machineID":"","systemUUID":"","bootID":"","kernelVersion":"","osImage":"",)"
      R"("containerRuntimeVersion":"","kubeletVersion":"","kubeProxyVersion":"",)"
      R"("operatingSystem":"","architecture":""}}})");
  expect_unchanged(
      R"({"kind":"Event","apiVersion":"v1","metadata":{"name":"e","creationTimestamp":null},)"
      R"("involvedObject":{"kind":"Pod"},"source":{},"firstTimestamp":null,"lastTimestamp":null,)"
      R"("eventTime":"2026-11-23T03:44:31.000120Z","reportingComponent":"",)"
      R"("reportingInstance":""})");
  EXPECT_EQ(reencoded(R"({"kind":"Service","apiVersion":"v1","spec":{"ports":[{"port":80}]}})"),
            R"({"kind":"Service","apiVersion":"v1","metadata":{"creationTimestamp":null},)"
            R"("spec":{"ports":[{"port":80,"targetPort":0}]},"status":{"loadBalancer":{}}})");
  // A nil slice without omitempty.
  EXPECT_EQ(reencoded(R"({"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1",)"
                      R"("addressType":"IPv4","endpoints":[]})"),
            R"({"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1",)"
            R"("metadata":{"creationTimestamp":null},"addressType":"IPv4","endpoints":null,)"
            R"("ports":null})");
}

TEST(Codec, KeepsFalseAndZeroOfPointers) {
  expect_unchanged(
      R"({"kind":"EndpointSlice","apiVersion":"discovery.k8s.io/v1","metadata":{"name":"s",)"
      R"("creationTimestamp":null},"addressType":"IPv4","endpoints":[{"addresses":["10.1.0.5"],)"
      R"("conditions":{"ready":false,"serving":true,"terminating":false}}],"ports":[{"name":"",)"
      R"("protocol":"TCP","port":80}]})");
}

TEST(Codec, MembersOfInlinedFieldsStandInTheParent) {
  const ObjectPtr pod = decode(
      R"({"kind":"Pod","apiVersion":"v1","spec":{"containers":[{"name":"c","env":[{"name":"E",)"
      R"("valueFrom":{"configMapKeyRef":{"name":"cm","key":"k","optional":false}}}]}],)"
      R"("ephemeralContainers":[{"name":"debug","image":"i","targetContainerName":"c"}],)"
      R"("volumes":[{"name":"v","emptyDir":{}}]}})");
  ASSERT_TRUE(pod);
  const PodSpec& spec = pod->as<Pod>().spec();
  EXPECT_TRUE(spec.volumes(0).volume_source().has_empty_dir());
  EXPECT_EQ(spec.ephemeral_containers(0).ephemeral_container_common().image(), "i");
  const auto& ref = spec.containers(0).env(0).value_from().config_map_key_ref();
  EXPECT_EQ(ref.local_object_reference().name(), "cm");
  const std::string json = encode_object(*pod);
  EXPECT_NE(json.find(R"("volumes":[{"name":"v","emptyDir":{}}])"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("configMapKeyRef":{"name":"cm","key":"k","optional":false})"),
            std::string::npos);
  EXPECT_NE(json.find(R"([{"name":"debug","image":"i","resources":{},"targetContainerName":"c"}])"),
            std::string::npos);
}

TEST(Codec, QuantitiesAreCanonicalAndMayBeNumbers) {
  const std::string json = reencoded(
      R"({"kind":"Node","apiVersion":"v1","status":{"capacity":{"cpu":0.5,"memory":"1024Mi",)"
      R"("pods":110,"x":12345678901234567890}}})");
  EXPECT_NE(json.find(R"("capacity":{"cpu":"500m","memory":"1Gi","pods":"110",)"
                      R"("x":"12345678901234567890"})"),
            std::string::npos)
      << json;
}

TEST(Codec, QuantitiesMayBeNullOrHaveSpaceAroundThem) {
  const std::string json = reencoded(
      R"({"kind":"Node","apiVersion":"v1","status":{"capacity":{"cpu":null,"memory":" 1Gi\n"}}})");
  EXPECT_NE(json.find(R"("capacity":{"cpu":"0","memory":"1Gi"})"), std::string::npos) << json;
}

TEST(Codec, SixtyFourBitIntegersAreExactNumbers) {
  expect_unchanged(
      R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"generation":9223372036854775807,)"
      R"("creationTimestamp":null,"deletionGracePeriodSeconds":-9223372036854775808}})");
}

TEST(Codec, BytesAreBase64) {
  const ObjectPtr secret =
      decode(R"({"kind":"Secret","apiVersion":"v1","data":{"b":"AAH/","a":"aGk=","e":"","n":null}})");
  ASSERT_TRUE(secret);
  EXPECT_EQ(secret->as<Secret>().data().at("b"), std::string("\0\x01\xff", 3));
  EXPECT_EQ(secret->as<Secret>().data().at("a"), "hi");
  EXPECT_NE(encode_object(*secret).find(R"("data":{"a":"aGk=","b":"AAH/","e":"","n":""})"),
            std::string::npos);
  for (const char* bad : {"a", "aGk", "aGk=x", "a=Gk", "====", "aGk==", "a*b="}) {
    const auto result = decode_object(std::string(R"({"kind":"Secret","apiVersion":"v1","data":{"a":")") +
                                      bad + R"("}})");
    ASSERT_FALSE(result.ok()) << bad;
    EXPECT_NE(result.error().message.find("data.a: illegal base64 data at input byte"),
              std::string::npos);
  }
}

TEST(Codec, TimesAreRfc3339InUtc) {
  const ObjectPtr object = decode(
      R"({"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"creationTimestamp":)"
      R"("2026-11-23T05:38:23.9+03:00"},"spec":{"renewTime":"2026-11-23T02:38:23.1234567Z"}})");
  ASSERT_TRUE(object);
  EXPECT_EQ(encode_object(*object),
            R"({"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":)"
            R"({"creationTimestamp":"2026-11-23T02:38:23Z"},)"
            R"("spec":{"renewTime":"2026-11-23T02:38:23.123456Z"}})");
}

TEST(Codec, StringsAreEscapedAsGoEscapesThem) {
  ConfigMap map;
  (*map.mutable_data())["k"] = "<a>&\"\\\n\r\t\x01\xE2\x80\xA8é\xff";
  const std::string json = encode_message(map);
  EXPECT_NE(json.find(R"("k":"\u003ca\u003e\u0026\"\\\n\r\t\u0001\u2028é\ufffd")"),
            std::string::npos)
      << json;
}

TEST(Codec, NullMeansAbsent) {
  const ObjectPtr pod = decode(
      R"({"kind":"Pod","apiVersion":"v1","metadata":{"creationTimestamp":null,"labels":null},)"
      R"("spec":{"containers":null,"priority":null,"securityContext":null},"status":null})");
  ASSERT_TRUE(pod);
  EXPECT_FALSE(pod->as<Pod>().spec().has_priority());
  EXPECT_FALSE(pod->as<Pod>().spec().has_security_context());
  EXPECT_FALSE(pod->as<Pod>().has_status());
}

TEST(Codec, ResourceVersionIsTheRevision) {
  const ObjectPtr pod =
      decode(R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","resourceVersion":"77"}})");
  ASSERT_TRUE(pod);
  EXPECT_EQ(pod->revision(), (Revision{0, 77}));
  EXPECT_TRUE(pod->meta().resource_version().empty());
  const std::string json = encode_object(*pod->at({3, 78}));
  EXPECT_NE(json.find(R"("metadata":{"name":"p","resourceVersion":"78")"), std::string::npos);
  EXPECT_EQ(encode_object(*pod->at({})).find("resourceVersion"), std::string::npos);
  EXPECT_FALSE(
      decode_object(R"({"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"abc"}})").ok());
}

TEST(Codec, UnstoredTopLevelTypesCarryTheirKind) {
  meta::v1::Status status;
  status.mutable_metadata();
  status.set_status("Failure");
  status.set_code(404);
  EXPECT_EQ(encode_message(status),
            R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","code":404})");
  Scale scale;
  EXPECT_FALSE(!decode_message(R"({"kind":"Scale","apiVersion":"autoscaling/v1","metadata":)"
                               R"({"name":"kel","resourceVersion":"5"},"spec":{"replicas":3}})",
                               scale, {DecodeOptions::Unknown::strict}));
  EXPECT_EQ(scale.metadata().resource_version(), "5");
  EXPECT_EQ(encode_message(scale),
            R"({"kind":"Scale","apiVersion":"autoscaling/v1","metadata":{"name":"kel",)"
            R"("resourceVersion":"5","creationTimestamp":null},"spec":{"replicas":3},)"
            R"("status":{"replicas":0}})");
  // A template is no object of its own.
  EXPECT_EQ(encode_message(PodTemplateSpec()),
            R"({"metadata":{"creationTimestamp":null},"spec":{"containers":null}})");
}

TEST(Codec, TextAndTreeAgree) {
  for (const KindInfo& kind : all_kinds()) {
    RandomMessages random(1000 + static_cast<uint64_t>(kind.kind));
    for (int i = 0; i < 20; ++i) {
      const auto message = new_message(kind.kind);
      random.fill(*message);
      const boost::json::value parsed = boost::json::parse(encode_message(*message));
      EXPECT_EQ(parsed, to_json(*message)) << kind.name;
    }
  }
}

TEST(Codec, EveryKindSurvivesARoundTrip) {
  for (const KindInfo& kind : all_kinds()) {
    RandomMessages random(static_cast<uint64_t>(kind.kind) + 1);
    for (int i = 0; i < 60; ++i) {
      std::unique_ptr<Message> message = new_message(kind.kind);
      random.fill(*message);
      mutable_meta_of(kind.kind, *message).clear_resource_version();
      const Object object(kind.kind, MessagePtr(message.release()), {0, 9});
      const std::string json = encode_object(object);
      const auto decoded = decode_object(json, {DecodeOptions::Unknown::strict});
      ASSERT_TRUE(decoded.ok()) << decoded.error().message << "\n" << json;
      EXPECT_EQ(decoded->object->revision(), object.revision());
      EXPECT_TRUE(MessageDifferencer::Equals(object.message(), decoded->object->message()))
          << json << "\n" << encode_object(*decoded->object);
    }
  }
}

TEST(Codec, EncodingDoesNotDependOnTheOrderOfInsertion) {
  ConfigMap a, b;
  for (int i = 0; i < 50; ++i) {
    (*a.mutable_data())["k" + std::to_string(i)] = "v";
    (*b.mutable_data())["k" + std::to_string(49 - i)] = "v";
  }
  EXPECT_EQ(encode_message(a), encode_message(b));
}

}  // namespace
}  // namespace keelson::api
