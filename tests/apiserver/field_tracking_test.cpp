// Who is noted for which fields by creates, updates and patches. The sets are those that a real
// kube-apiserver noted for the same requests.
#include "tests/apiserver/fixture.hpp"

namespace keelson::test {
namespace {

using api::PatchType;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

constexpr const char* pod_body =
    R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"default","labels":)"
    R"({"app":"web"}},"spec":{"containers":[{"name":"c","image":"nginx:1.7.9","ports":)"
    R"([{"containerPort":80}],"resources":{"requests":{"cpu":"0.1","memory":"1024Mi"},"limits":)"
    R"({"cpu":"1000m"}},"livenessProbe":{"httpGet":{"path":"/","port":80}}}]}})";

// What the pod's creator manages, with and without its image.
std::string pod_fields(const std::string& labels, const std::string& image) {
  return R"({"f:metadata":{"f:labels":{".":{},)" + labels +
         R"(}},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},)" + image +
         R"("f:imagePullPolicy":{},"f:livenessProbe":{".":{},"f:failureThreshold":{},"f:httpGet":)"
         R"({".":{},"f:path":{},"f:port":{},"f:scheme":{}},"f:periodSeconds":{},)"
         R"("f:successThreshold":{},"f:timeoutSeconds":{}},"f:name":{},"f:ports":{".":{},)"
         R"("k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{},)"
         R"("f:protocol":{}}},"f:resources":{".":{},"f:limits":{".":{},"f:cpu":{}},"f:requests":)"
         R"({".":{},"f:cpu":{},"f:memory":{}}},"f:terminationMessagePath":{},)"
         R"("f:terminationMessagePolicy":{}}},"f:dnsPolicy":{},"f:enableServiceLinks":{},)"
         R"("f:restartPolicy":{},"f:schedulerName":{},"f:securityContext":{},)"
         R"("f:terminationGracePeriodSeconds":{}}})";
}

class FieldTracking : public ApiServerTest {
 protected:
  static api::ObjectPtr object(const char* json) {
    auto decoded = api::decode_object(json, {api::DecodeOptions::Unknown::strict});
    EXPECT_TRUE(decoded.ok()) << (decoded.ok() ? "" : decoded.error().message);
    return decoded->object;
  }
  Response create_as(const std::string& manager, const api::ObjectPtr& what) {
    Request request = api::create(what);
    request.field_manager = manager;
    return call(std::move(request));
  }
  Response patch_as(const std::string& manager, Kind kind, const std::string& name, PatchType type,
                    std::string patch, api::Subresource subresource = {}) {
    Request request = patching(kind, name, type, std::move(patch), subresource);
    request.field_manager = manager;
    return call(std::move(request));
  }
  // "manager operation[ subresource] fields", in their order.
  static std::vector<std::string> managed(const Response& response) {
    std::vector<std::string> lines;
    EXPECT_TRUE(response.ok()) << response.error.message;
    if (!response.object) return lines;
    for (const auto& entry : response.object->meta().managed_fields()) {
      EXPECT_EQ(entry.fields_type(), "FieldsV1");
      EXPECT_TRUE(entry.has_time());
      std::string line = entry.manager() + " " + entry.operation() + " ";
      if (!entry.subresource().empty()) line += entry.subresource() + " ";
      lines.push_back(line + entry.fields_v1().raw());
    }
    return lines;
  }
  using Lines = std::vector<std::string>;
};

TEST_F(FieldTracking, NotesACreatorWithDefaultsButWithoutWhatTheServerDecides) {
  const Response response = create_as("golden", object(pod_body));
  EXPECT_EQ(managed(response),
            Lines{"golden Update " + pod_fields(R"("f:app":{})", R"("f:image":{},)")});
  EXPECT_TRUE(response.created);
  const auto& entry = response.object->meta().managed_fields(0);
  EXPECT_EQ(entry.api_version(), "v1");
  EXPECT_EQ(entry.time().seconds(), response.object->meta().creation_timestamp().seconds());
}

TEST_F(FieldTracking, NodesAreCreatedWithTheirStatus) {
  const auto node = object(
      R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"n"},)"
      R"("status":{"capacity":{"memory":"1Gi"}}})");
  const std::string creator =
      R"(me Update {"f:status":{"f:allocatable":{".":{},"f:memory":{}},)"
      R"("f:capacity":{".":{},"f:memory":{}}}})";
  EXPECT_THAT(managed(create_as("me", node)), ElementsAre(creator));
  EXPECT_THAT(managed(patch_as("kubectl-taint", Kind::nodes, "n", PatchType::strategic,
                               R"({"spec":{"taints":[{"key":"k","effect":"NoSchedule"}]}})")),
              UnorderedElementsAre(creator, R"(kubectl-taint Update {"f:spec":{"f:taints":{}}})"));
}

TEST_F(FieldTracking, MovesFieldsToWhoeverChangesThem) {
  create_as("golden", object(pod_body));
  loop.run_for(6s);
  Response response = patch_as("kubectl-set", Kind::pods, "web", PatchType::strategic,
                               R"({"spec":{"containers":[{"name":"c","image":"nginx:1.8"}]}})");
  const std::string image = R"(kubectl-set Update {"f:spec":{"f:containers":)"
                            R"({"k:{\"name\":\"c\"}":{"f:image":{}}}}})";
  EXPECT_EQ(managed(response), (Lines{"golden Update " + pod_fields(R"("f:app":{})", ""), image}));
  EXPECT_FALSE(response.created);
  loop.run_for(6s);
  response = patch_as("golden", Kind::pods, "web", PatchType::json,
                      R"([{"op":"add","path":"/metadata/labels/x~1y","value":"z"}])");
  // By time: the first one is now the last.
  EXPECT_EQ(managed(response),
            (Lines{image, "golden Update " + pod_fields(R"("f:app":{},"f:x/y":{})", "")}));
}

TEST_F(FieldTracking, KeepsTheTimeAndTheRevisionIfNothingChanges) {
  const Response before = create_as("m", object(pod_body));
  loop.run_for(60s);
  const Response after = patch_as("m", Kind::pods, "web", PatchType::merge,
                                  R"({"metadata":{"labels":{"app":"web"}}})");
  EXPECT_EQ(after.object->revision(), before.object->revision());
  const Response other = patch_as("n", Kind::pods, "web", PatchType::merge,
                                  R"({"metadata":{"labels":{"app":"web"}}})");
  EXPECT_EQ(other.object->revision(), before.object->revision());
}

TEST_F(FieldTracking, ForgetsFieldsThatAreGone) {
  create_as("m", object(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c",)"
                        R"("namespace":"default"},"data":{"a":"1","b":"2"}})"));
  Response response = patch_as("n", Kind::config_maps, "c", PatchType::merge,
                               R"({"data":{"a":null}})");
  EXPECT_EQ(managed(response), Lines{R"(m Update {"f:data":{".":{},"f:b":{}}})"});
  response = patch_as("n", Kind::config_maps, "c", PatchType::merge, R"({"data":null})");
  EXPECT_EQ(managed(response), Lines{});
}

TEST_F(FieldTracking, DoesNotBeginWithAnObjectThatNobodyTracked) {
  create(config_named("c"));
  EXPECT_EQ(managed(patch_as("m", Kind::config_maps, "c", PatchType::merge, R"({"data":{"x":"1"}})")),
            Lines{});
}

TEST_F(FieldTracking, LeavesUntrackedWritesAlone) {
  const Response made = create_as("m", api::make_object(config_named("c")));
  api::ConfigMap map = made.object->as<api::ConfigMap>();
  (*map.mutable_data())["k"] = "other";
  EXPECT_EQ(managed(put(map)), Lines{R"(m Update {"f:data":{".":{},"f:k":{}}})"});
}

TEST_F(FieldTracking, ResetsWhenAskedTo) {
  for (const char* reset : {"[]", "[{}]"}) {
    const std::string name = reset == std::string("[]") ? "a" : "b";
    create_as("m", api::make_object(config_named(name)));
    const std::string patch = std::string(R"({"metadata":{"managedFields":)") + reset + "}}";
    EXPECT_EQ(managed(patch_as("m", Kind::config_maps, name, PatchType::merge, patch)), Lines{});
  }
  create_as("m", api::make_object(config_named("c")));
  Request untracked = patching(Kind::config_maps, "c", PatchType::merge,
                               R"({"metadata":{"managedFields":[]}})");
  EXPECT_EQ(managed(call(std::move(untracked))), Lines{});
}

TEST_F(FieldTracking, DoesNotLetBadEntriesIn) {
  create_as("m", api::make_object(config_named("c")));
  // The client's mistake must not make the object unwritable: what was known counts.
  const Response response = patch_as(
      "m", Kind::config_maps, "c", PatchType::merge,
      R"({"metadata":{"managedFields":[{"manager":"x","operation":"Write","apiVersion":"v1"}]}})");
  EXPECT_EQ(managed(response), Lines{R"(m Update {"f:data":{".":{},"f:k":{}}})"});
  Request untracked = patching(
      Kind::config_maps, "c", PatchType::merge,
      R"({"metadata":{"managedFields":[{"manager":"x","operation":"Write","apiVersion":"v1"}]}})");
  EXPECT_EQ(call(std::move(untracked)).error.reason, Reason::invalid);
}

TEST_F(FieldTracking, TellsSubresourcesApart) {
  create_as("m", api::make_object(deployment_named("d", 2)));
  Response response = patch_as("m", Kind::deployments, "d", PatchType::merge,
                               R"({"status":{"replicas":1},"spec":{"replicas":9}})",
                               api::Subresource::status);
  ASSERT_EQ(managed(response).size(), 2u);
  EXPECT_EQ(managed(response)[1], R"(m Update status {"f:status":{"f:replicas":{}}})");
  response = patch_as("m", Kind::deployments, "d", PatchType::merge, R"({"spec":{"replicas":3}})",
                      api::Subresource::scale);
  ASSERT_TRUE(response.ok()) << response.error.message;
  response = call(api::get(Kind::deployments, "default", "d"));
  ASSERT_EQ(managed(response).size(), 3u);
  EXPECT_EQ(managed(response)[1], R"(m Update scale {"f:spec":{"f:replicas":{}}})");
  EXPECT_EQ(managed(response)[0].find("f:replicas"), std::string::npos);
}

TEST_F(FieldTracking, RemembersTenUpdaters) {
  create_as("m0", api::make_object(config_named("c")));
  Response response;
  for (int i = 1; i <= 12; ++i) {
    loop.run_for(1s);
    const std::string n = std::to_string(i);
    response = patch_as("m" + n, Kind::config_maps, "c", PatchType::merge,
                        R"({"data":{"x)" + n + R"(":"1"}})");
  }
  const Lines lines = managed(response);
  ASSERT_EQ(lines.size(), 10u);
  EXPECT_EQ(lines[0],
            R"(ancient-changes Update {"f:data":{".":{},"f:k":{},"f:x1":{},"f:x2":{},"f:x3":{}}})");
}

TEST_F(FieldTracking, WarnsOfUnknownFieldsOrRefusesThem) {
  create(config_named("c"));
  const auto with = [&](api::FieldValidation validation, PatchType type, std::string patch) {
    Request request = patching(Kind::config_maps, "c", type, std::move(patch));
    request.field_validation = validation;
    return call(std::move(request));
  };
  using api::FieldValidation;
  const std::string patch = R"({"data":{"k":"1","k":"2"},"foo":1})";
  Response response = with(FieldValidation::warn, PatchType::merge, patch);
  EXPECT_TRUE(response.ok()) << response.error.message;
  EXPECT_EQ(response.warnings, (Lines{R"(duplicate field "data.k")", R"(unknown field "foo")"}));
  // The same again changes nothing, but warns.
  response = with(FieldValidation::warn, PatchType::merge, patch);
  EXPECT_EQ(response.warnings.size(), 2u);
  EXPECT_TRUE(with(FieldValidation::ignore, PatchType::merge, patch).warnings.empty());
  response = with(FieldValidation::strict, PatchType::strategic, R"({"foo":1})");
  EXPECT_EQ(response.error.reason, Reason::invalid);
  EXPECT_EQ(response.error.message,
            R"( "" is invalid: patch: Invalid value: "map[foo:1]": strict decoding error: )"
            R"(unknown field "foo")");
  create(deployment_named("d"));
  Request scale = patching(Kind::deployments, "d", PatchType::merge, R"({"spec":{"foo":3}})",
                           api::Subresource::scale);
  scale.field_validation = FieldValidation::strict;
  EXPECT_EQ(call(scale).error.message, R"(strict decoding error: unknown field "spec.foo")");
  scale.field_validation = FieldValidation::warn;
  EXPECT_EQ(call(scale).warnings, Lines{R"(unknown field "spec.foo")"});
}

}  // namespace
}  // namespace keelson::test
