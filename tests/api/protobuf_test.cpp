#include <google/protobuf/io/coded_stream.h>
#include <gtest/gtest.h>

#include "core/api/error.hpp"
#include "core/api/json.hpp"
#include "core/api/kinds.hpp"
#include "core/api/proto/runtime.pb.h"
#include "core/api/protobuf.hpp"
#include "tests/api/random_message.hpp"

namespace keelson::api {
namespace {

std::string enclosed(std::string raw, const std::string& api_version = "v1",
                     const std::string& kind = "Pod") {
  runtime::Unknown envelope;
  envelope.mutable_type_meta()->set_api_version(api_version);
  envelope.mutable_type_meta()->set_kind(kind);
  envelope.set_raw(std::move(raw));
  return std::string("k8s\0", 4) + envelope.SerializeAsString();
}

std::string json_of(const std::string& bytes) {
  const auto decoded = decode_object_protobuf(bytes);
  EXPECT_TRUE(decoded.ok()) << (decoded.ok() ? "" : decoded.error().message);
  return decoded.ok() ? encode_object(*decoded->object) : "";
}

std::string failure(const std::string& bytes) {
  const auto decoded = decode_object_protobuf(bytes);
  return decoded.ok() ? "" : decoded.error().message;
}

TEST(Protobuf, CarriesEveryKindAsItsJsonDoes) {
  RandomMessages random(11);
  for (const KindInfo& kind : all_kinds()) {
    for (int i = 0; i < 40; ++i) {
      std::unique_ptr<Message> message = new_message(kind.kind);
      random.fill(*message);
      mutable_meta_of(kind.kind, *message).clear_resource_version();
      const Object object(kind.kind, MessagePtr(std::move(message)), {0, static_cast<uint64_t>(i)});
      const std::string json = encode_object(object);
      ASSERT_EQ(json_of(encode_object_protobuf(object)), json);
      // And as the JSON body of the same object would be taken.
      const auto from_json = decode_object(json);
      ASSERT_TRUE(from_json.ok()) << from_json.error().message;
      ASSERT_EQ(encode_object(*from_json->object), json);
    }
  }
}

TEST(Protobuf, TakesTheRevisionOutOfTheMetadata) {
  Pod pod;
  pod.mutable_metadata()->set_name("web");
  const ObjectPtr object = make_object(pod, {3, 42});
  const auto decoded = decode_object_protobuf(encode_object_protobuf(*object));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->object->revision(), (Revision{0, 42}));
  EXPECT_EQ(decoded->object->meta().resource_version(), "");
  EXPECT_EQ(decoded->object->name(), "web");
  pod.mutable_metadata()->set_resource_version("x");
  EXPECT_EQ(failure(enclosed(pod.SerializeAsString())),
            "metadata.resourceVersion: Invalid value: \"x\": must be a decimal number");
}

TEST(Protobuf, DropsTheZeroValuesThatGoWrites) {
  // ObjectMeta as Go writes it: an empty generateName, generation 0, an unset creationTimestamp.
  const std::string meta("\x0a\x01p\x12\x00\x38\x00\x42\x00", 9);
  EXPECT_EQ(json_of(enclosed(std::string("\x0a\x09", 2) + meta, "v1", "ConfigMap")),
            R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"p","creationTimestamp":null}})");
  // Pointers are told from values: 0 replicas are not none.
  Deployment deployment;
  deployment.mutable_spec()->set_replicas(0);
  EXPECT_NE(json_of(enclosed(deployment.SerializeAsString(), "apps/v1", "Deployment"))
                .find("\"replicas\":0"),
            std::string::npos);
}

TEST(Protobuf, BringsValuesIntoTheirForm) {
  Pod pod;
  Container& container = *pod.mutable_spec()->add_containers();
  (*container.mutable_resources()->mutable_requests())["cpu"].set_string("1000m");
  IntOrString& port =
      *container.mutable_liveness_probe()->mutable_handler()->mutable_http_get()->mutable_port();
  port.set_int_val(80);
  port.set_str_val("left over");
  pod.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(60);
  pod.mutable_metadata()->mutable_deletion_timestamp()->set_nanos(5);
  const std::string json = json_of(enclosed(pod.SerializeAsString()));
  EXPECT_NE(json.find(R"("cpu":"1")"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("port":80)"), std::string::npos) << json;
  EXPECT_NE(json.find(R"("deletionTimestamp":"1970-01-01T00:01:00Z")"), std::string::npos) << json;
}

TEST(Protobuf, SaysWhatIsWrong) {
  EXPECT_EQ(failure("{}"),
            "provided data does not appear to be a protobuf message, expected prefix "
            "[107 56 115 0]");
  EXPECT_EQ(failure(""), failure("{}"));
  EXPECT_EQ(failure(std::string("k8s\0", 4)), "Object 'Kind' is missing in the envelope");
  EXPECT_EQ(failure(enclosed("", "", "Pod")), "Object 'apiVersion' is missing in the envelope");
  EXPECT_EQ(failure(enclosed("", "v1", "Nope")),
            "no kind \"Nope\" is registered for version \"v1\"");
  EXPECT_EQ(failure(enclosed("\x0a\x7f")),
            "Pod in version \"v1\" cannot be handled as a Pod: the bytes are no protobuf message of "
            "this kind");
  Pod pod;
  (*pod.mutable_spec()->add_containers()->mutable_resources()->mutable_limits())["memory"]
      .set_string("lots");
  EXPECT_EQ(failure(enclosed(pod.SerializeAsString()))
                .rfind("Pod in version \"v1\" cannot be handled as a Pod: "
                       "spec.containers[0].resources.limits.memory: ",
                       0),
            0u);
  Pod late;
  late.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(INT64_MAX);
  EXPECT_NE(failure(enclosed(late.SerializeAsString())).find("deletionTimestamp: the time is out"),
            std::string::npos);
}

TEST(Protobuf, SurvivesAnyBytes) {
  Rng rng(5);
  RandomMessages random(6);
  Pod pod;
  random.fill(pod);
  pod.mutable_metadata()->clear_resource_version();
  const std::string good = encode_object_protobuf(*make_object(pod));
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = good.substr(0, rng.below(good.size() + 1));
    for (uint64_t n = rng.below(4); n > 0 && bytes.size() > 4; --n) {
      bytes[4 + rng.below(bytes.size() - 4)] = static_cast<char>(rng.below(256));
    }
    const auto decoded = decode_object_protobuf(bytes);
    if (!decoded) continue;
    EXPECT_TRUE(decode_object(encode_object(*decoded->object)).ok());
  }
}

TEST(Protobuf, WritesLists) {
  std::vector<ObjectPtr> items;
  for (const char* name : {"a", "b"}) {
    ConfigMap map;
    map.mutable_metadata()->set_name(name);
    items.push_back(make_object(map, {0, 7}));
  }
  ListMeta meta;
  meta.set_resource_version("9");
  const auto body = open_protobuf(encode_list_protobuf(Kind::config_maps, items, meta));
  ASSERT_TRUE(body.ok());
  EXPECT_EQ(body->api_version, "v1");
  EXPECT_EQ(body->kind, "ConfigMapList");
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(body->raw.data()),
                                            static_cast<int>(body->raw.size()));
  std::vector<std::pair<uint32_t, std::string>> fields;
  while (const uint32_t tag = in.ReadTag()) {
    uint32_t size = 0;
    std::string bytes;
    ASSERT_TRUE(in.ReadVarint32(&size) && in.ReadString(&bytes, static_cast<int>(size)));
    fields.emplace_back(tag >> 3, bytes);
  }
  ASSERT_EQ(fields.size(), 3u);
  ListMeta read;
  ASSERT_TRUE(fields[0].first == 1 && read.ParseFromString(fields[0].second));
  EXPECT_EQ(read.resource_version(), "9");
  ConfigMap second;
  ASSERT_TRUE(fields[2].first == 2 && second.ParseFromString(fields[2].second));
  EXPECT_EQ(second.metadata().name(), "b");
  EXPECT_EQ(second.metadata().resource_version(), "7");
}

TEST(Protobuf, CarriesMessagesThatAreNotStored) {
  ApiError error = not_found(Kind::pods, "x");
  const auto body = open_protobuf(encode_message_protobuf(to_status_message(error)));
  ASSERT_TRUE(body.ok());
  EXPECT_EQ(body->kind, "Status");
  meta::v1::Status status;
  ASSERT_TRUE(decode_message_protobuf(body->raw, status).ok());
  EXPECT_EQ(status.message(), "pods \"x\" not found");
  const auto alias =
      open_protobuf(encode_object_protobuf(*make_object(PodDisruptionBudget{}), "policy/v1beta1"));
  ASSERT_TRUE(alias.ok());
  EXPECT_EQ(alias->api_version, "policy/v1beta1");
  EXPECT_TRUE(decode_object_protobuf(*alias, Kind::pod_disruption_budgets).ok());
}

}  // namespace
}  // namespace keelson::api
