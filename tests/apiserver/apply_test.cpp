// Server-side apply. Answers that a real kube-apiserver gave to the same requests stand in the first
// tests; where newer servers differ from the one observed (1.20), the newer behaviour is expected.
#include "tests/apiserver/fixture.hpp"

namespace keelson::test {
namespace {

using api::PatchType;
using Lines = std::vector<std::string>;

class ApplyTest : public ApiServerTest {
 protected:
  Response apply(const std::string& manager, Kind kind, const std::string& name, std::string config,
                 bool force = false, api::Subresource subresource = {}) {
    Request request = patching(kind, name, PatchType::apply, std::move(config), subresource);
    request.field_manager = manager;
    request.force = force;
    return call(std::move(request));
  }
  Response apply_map(const std::string& manager, const std::string& rest, bool force = false) {
    return apply(manager, Kind::config_maps, "cm",
                 R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cm"})" + rest + "}",
                 force);
  }
  static Lines managed(const Response& response) {
    Lines lines;
    EXPECT_TRUE(response.ok()) << response.error.message;
    if (!response.object) return lines;
    for (const auto& entry : response.object->meta().managed_fields()) {
      std::string line = entry.manager() + " " + entry.operation() + " ";
      if (!entry.subresource().empty()) line += entry.subresource() + " ";
      lines.push_back(line + entry.fields_v1().raw());
    }
    return lines;
  }
  static std::string data(const Response& response) {
    std::string json = response.object ? api::encode_object(*response.object) : "";
    const std::size_t at = json.find("\"data\":");
    return at == std::string::npos ? "" : json.substr(at + 7, json.size() - at - 8);
  }
};

TEST_F(ApplyTest, CreatesWhereThereIsNone) {
  const Response response = apply_map("m1", R"(,"data":{"a":"1"})");
  EXPECT_TRUE(response.created);
  EXPECT_EQ(managed(response), Lines{R"(m1 Apply {"f:data":{"f:a":{}}})"});
  EXPECT_EQ(data(response), R"({"a":"1"})");
  EXPECT_EQ(response.object->ns(), "default");
  EXPECT_FALSE(response.object->uid().empty());
}

TEST_F(ApplyTest, RefusesToOverwriteOthersUnlessForced) {
  apply_map("m1", R"(,"data":{"a":"1"})");
  Response response = apply_map("m2", R"(,"data":{"a":"2"})");
  EXPECT_EQ(response.error.reason, Reason::conflict);
  EXPECT_EQ(response.error.message, "Apply failed with 1 conflict: conflict with \"m1\": .data.a");
  ASSERT_EQ(response.error.causes.size(), 1u);
  EXPECT_EQ(response.error.causes[0].reason, "FieldManagerConflict");
  EXPECT_EQ(response.error.causes[0].message, "conflict with \"m1\"");
  EXPECT_EQ(response.error.causes[0].field, ".data.a");
  EXPECT_EQ(response.error.name, "");
  response = apply_map("m2", R"(,"data":{"a":"2"})", true);
  EXPECT_EQ(managed(response), Lines{R"(m2 Apply {"f:data":{"f:a":{}}})"});
  EXPECT_FALSE(response.created);
  EXPECT_EQ(data(response), R"({"a":"2"})");
}

TEST_F(ApplyTest, ListsSeveralConflictsByManager) {
  apply_map("m1", R"(,"data":{"a":"1","b":"1"})");
  Request update = patching(Kind::config_maps, "cm", PatchType::merge, R"({"data":{"c":"1"}})");
  update.field_manager = "editor";
  call(update);
  const Response response = apply_map("m2", R"(,"data":{"a":"2","b":"2","c":"2"})");
  EXPECT_EQ(response.error.message,
            "Apply failed with 3 conflicts: conflicts with \"editor\" using v1:\n- .data.c\n"
            "conflicts with \"m1\":\n- .data.a\n- .data.b");
  EXPECT_EQ(response.error.causes.size(), 3u);
}

TEST_F(ApplyTest, NeedsAManagerAndForceBelongsToIt) {
  Response response = apply_map("", "");
  EXPECT_EQ(response.error.message,
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for "
            "apply patch");
  EXPECT_EQ(response.error.reason, Reason::invalid);
  EXPECT_EQ(response.error.kind, "PatchOptions");
  EXPECT_EQ(response.error.group, "meta.k8s.io");
  Request forced = patching(Kind::config_maps, "cm", PatchType::merge, "{}");
  forced.force = true;
  EXPECT_EQ(call(forced).error.message,
            "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for "
            "non-apply patch");
}

TEST_F(ApplyTest, RefusesWhatIsNoConfigurationOfTheKind) {
  EXPECT_EQ(apply_map("m", R"(,"spec":{})").error.message,
            "failed to create typed patch object (/cm; /v1, Kind=ConfigMap): .spec: field not "
            "declared in schema");
  EXPECT_EQ(apply("m", Kind::config_maps, "cm",
                  R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"cm"}})")
                .error.message,
            "invalid object type: apps/v1, Kind=Deployment");
  EXPECT_EQ(apply("m", Kind::config_maps, "cm", "{}").error.message, "invalid object type: /, Kind=");
  EXPECT_EQ(apply("m", Kind::config_maps, "cm", "a: [").error.reason, Reason::bad_request);
  EXPECT_EQ(apply("m", Kind::config_maps, "cm", "").error.reason, Reason::bad_request);
  EXPECT_EQ(apply("m", Kind::config_maps, "cm",
                  R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"managedFields":[]}})")
                .error.message,
            "metadata.managedFields must be nil");
  EXPECT_EQ(apply("m", Kind::config_maps, "cm",
                  R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"other"}})")
                .error.message,
            "the name of the object (other) does not match the name on the URL (cm)");
  EXPECT_EQ(apply("m", Kind::config_maps, "cm",
                  R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"other"}})")
                .error.message,
            "the namespace of the provided object does not match the namespace sent on the request");
  EXPECT_EQ(apply("m", Kind::config_maps, "cm",
                  R"({"apiVersion":"v1","kind":"ConfigMap","data":{"a":1}})")
                .error.reason,
            Reason::bad_request);
  // Validation runs after the merge.
  EXPECT_EQ(apply("m", Kind::config_maps, "Bad",
                  R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"Bad"}})")
                .error.reason,
            Reason::invalid);
}

TEST_F(ApplyTest, TakesYaml) {
  EXPECT_EQ(data(apply("m", Kind::config_maps, "cm",
                       "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: cm\ndata:\n  a: 'x'\n")),
            R"({"a":"x"})");
}

TEST_F(ApplyTest, RemovesWhatIsNoLongerAppliedUnlessOthersWantIt) {
  apply_map("m1", R"(,"data":{"a":"1","b":"1"})");
  Response response = apply_map("m2", R"(,"data":{"b":"1","c":"1"})");
  EXPECT_EQ(managed(response), (Lines{R"(m1 Apply {"f:data":{"f:a":{},"f:b":{}}})",
                                      R"(m2 Apply {"f:data":{"f:b":{},"f:c":{}}})"}));
  response = apply_map("m1", "");
  EXPECT_EQ(data(response), R"({"b":"1","c":"1"})");
  EXPECT_EQ(managed(response), Lines{R"(m2 Apply {"f:data":{"f:b":{},"f:c":{}}})"});
  response = apply_map("m2", "");
  EXPECT_EQ(data(response), "");
  EXPECT_EQ(managed(response), Lines{});
}

TEST_F(ApplyTest, ChangesNothingTheSecondTime) {
  const Response first = apply_map("m", R"(,"data":{"a":"1"})");
  loop.run_for(60s);
  const Response second = apply_map("m", R"(,"data":{"a":"1"})");
  EXPECT_EQ(second.object->revision(), first.object->revision());
  const std::string deployment =
      R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","creationTimestamp":)"
      R"(null},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":)"
      R"({"a":"b"}},"spec":{"containers":[{"name":"c","image":"i","resources":{"requests":)"
      R"({"cpu":"1000m"}}}]}}},"status":{}})";
  const Response made = apply("m", Kind::deployments, "d", deployment);
  ASSERT_TRUE(made.ok()) << made.error.message;
  EXPECT_EQ(managed(made),
            Lines{R"(m Apply {"f:spec":{"f:selector":{},"f:template":{"f:metadata":{"f:labels":)"
                  R"({"f:a":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},)"
                  R"("f:name":{},"f:resources":{"f:requests":{"f:cpu":{}}}}}}}}})"});
  loop.run_for(60s);
  EXPECT_EQ(apply("m", Kind::deployments, "d", deployment).object->revision(),
            made.object->revision());
}

TEST_F(ApplyTest, MergesListsByTheirKeys) {
  const auto pod = [](const std::string& containers) {
    return R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"selector":)"
           R"({"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":)"
           R"({"containers":[)" +
           containers + "]}}}}";
  };
  apply("m1", Kind::deployments, "d", pod(R"({"name":"a","image":"1"},{"name":"b","image":"1"})"));
  Response response = apply("m2", Kind::deployments, "d", pod(R"({"name":"b","image":"1","tty":true})"));
  ASSERT_TRUE(response.ok()) << response.error.message;
  response = apply("m1", Kind::deployments, "d",
                   pod(R"({"name":"c","image":"1"},{"name":"a","image":"2"})"));
  ASSERT_TRUE(response.ok()) << response.error.message;
  const auto& spec = response.object->as<api::Deployment>().spec().template_().spec();
  // m1 does not want b any more, but m2 does.
  ASSERT_EQ(spec.containers_size(), 3);
  EXPECT_EQ(spec.containers(0).name(), "c");
  EXPECT_EQ(spec.containers(1).name(), "a");
  EXPECT_EQ(spec.containers(1).image(), "2");
  EXPECT_EQ(spec.containers(2).name(), "b");
  EXPECT_TRUE(spec.containers(2).tty());
  EXPECT_EQ(spec.containers(2).image(), "1");
}

TEST_F(ApplyTest, TakesAnUntrackedObjectAsSomebodysWork) {
  create(config_named("cm", "v"));
  Response response = apply_map("m", R"(,"data":{"k":"w"})");
  EXPECT_EQ(response.error.message,
            "Apply failed with 1 conflict: conflict with \"before-first-apply\" using v1: .data.k");
  response = apply_map("m", R"(,"data":{"x":"1"})");
  EXPECT_EQ(managed(response), (Lines{R"(m Apply {"f:data":{"f:x":{}}})",
                                      R"(before-first-apply Update {"f:data":{".":{},"f:k":{}}})"}));
}

TEST_F(ApplyTest, UpgradesWhatKubectlAppliedOnTheClientsSide) {
  const std::string last =
      R"({\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"cm\"},)"
      R"(\"data\":{\"a\":\"1\"}})";
  auto decoded = api::decode_object(
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"cm","namespace":"default",)"
      R"("annotations":{"kubectl.kubernetes.io/last-applied-configuration":")" +
      last + R"("}},"data":{"a":"1"}})");
  ASSERT_TRUE(decoded.ok());
  Request made = api::create(decoded->object);
  made.field_manager = "kubectl-client-side-apply";
  ASSERT_TRUE(call(made).ok());
  // Anybody else is in conflict with the client's application; kubectl itself is not.
  EXPECT_EQ(apply_map("other", R"(,"data":{"a":"2"})").error.reason, Reason::conflict);
  const Response response = apply_map("kubectl", R"(,"data":{"a":"2"})");
  ASSERT_TRUE(response.ok()) << response.error.message;
  EXPECT_EQ(response.object->meta().annotations().at(
                "kubectl.kubernetes.io/last-applied-configuration"),
            R"({"apiVersion":"v1","data":{"a":"2"},"kind":"ConfigMap","metadata":{"name":"cm"}})"
            "\n");
}

TEST_F(ApplyTest, HonoursPreconditionsAndDryRun) {
  Request dry = patching(Kind::config_maps, "cm", PatchType::apply,
                         R"({"apiVersion":"v1","kind":"ConfigMap","data":{"a":"1"}})");
  dry.field_manager = "m";
  dry.dry_run = true;
  Response response = call(dry);
  EXPECT_TRUE(response.ok() && response.created);
  EXPECT_FALSE(read<api::ConfigMap>("cm"));
  const auto with = [&](const std::string& metadata) {
    return apply("m", Kind::config_maps, "cm",
                 R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{)" + metadata + "}}");
  };
  EXPECT_EQ(with(R"("uid":"u")").error.reason, Reason::conflict);
  EXPECT_EQ(with(R"("resourceVersion":"1")").error.reason, Reason::conflict);
  ASSERT_TRUE(apply_map("m", R"(,"data":{"a":"1"})").ok());
  EXPECT_EQ(with(R"("uid":"u")").error.reason, Reason::conflict);
  EXPECT_EQ(with(R"("resourceVersion":"1")").error.reason, Reason::conflict);
  EXPECT_EQ(apply("m", Kind::config_maps, "cm2",
                  R"({"apiVersion":"v1","kind":"ConfigMap","data":{"a":"1","a":"2"}})")
                .warnings,
            Lines{});
  Request strict = patching(Kind::config_maps, "cm", PatchType::apply,
                            R"({"apiVersion":"v1","kind":"ConfigMap","data":{"a":"1","a":"2"}})");
  strict.field_manager = "m";
  strict.field_validation = api::FieldValidation::strict;
  EXPECT_EQ(call(strict).error.message,
            R"(error strict decoding YAML: duplicate field "data.a")");
}

TEST_F(ApplyTest, WorksThroughStatus) {
  create(deployment_named("d"));
  const std::string status =
      R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","labels":{"x":"y"}},)"
      R"("spec":{"replicas":9},"status":{"replicas":1,"conditions":[{"type":"Available","status":)"
      R"("True"}]}})";
  const Response response =
      apply("m", Kind::deployments, "d", status, true, api::Subresource::status);
  ASSERT_TRUE(response.ok()) << response.error.message;
  const auto& d = response.object->as<api::Deployment>();
  EXPECT_EQ(d.spec().replicas(), 2);
  EXPECT_EQ(d.status().replicas(), 1);
  EXPECT_TRUE(d.metadata().labels().empty());
  ASSERT_EQ(d.status().conditions_size(), 1);
  EXPECT_EQ(managed(response)[0],
            R"(m Apply status {"f:status":{"f:conditions":{"k:{\"type\":\"Available\"}":{".":{},)"
            R"("f:status":{},"f:type":{}}},"f:replicas":{}}})");
  EXPECT_EQ(apply("m", Kind::deployments, "none", status, true, api::Subresource::status)
                .error.reason,
            Reason::not_found);
}

TEST_F(ApplyTest, WorksThroughScale) {
  Request made = api::create(api::make_object(deployment_named("d", 2)));
  made.field_manager = "creator";
  ASSERT_TRUE(call(made).ok());
  const std::string scale =
      R"({"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"d"},"spec":{"replicas":5}})";
  Response response = apply("m", Kind::deployments, "d", scale, false, api::Subresource::scale);
  EXPECT_EQ(response.error.message,
            "Apply failed with 1 conflict: conflict with \"creator\" using apps/v1: .spec.replicas");
  response = apply("m", Kind::deployments, "d", scale, true, api::Subresource::scale);
  ASSERT_TRUE(response.ok()) << response.error.message;
  EXPECT_EQ(static_cast<const api::Scale&>(*response.message).spec().replicas(), 5);
  response = call(api::get(Kind::deployments, "default", "d"));
  EXPECT_EQ(response.object->as<api::Deployment>().spec().replicas(), 5);
  EXPECT_EQ(managed(response)[0], R"(m Apply scale {"f:spec":{"f:replicas":{}}})");
}

TEST_F(ApplyTest, AllocatesWhatAServiceNeeds) {
  const std::string service =
      R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"ports":[{"port":80}]}})";
  const Response made = apply("m", Kind::services, "s", service);
  ASSERT_TRUE(made.ok()) << made.error.message;
  EXPECT_FALSE(made.object->as<api::Service>().spec().cluster_ip().empty());
  EXPECT_EQ(managed(made),
            Lines{R"(m Apply {"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":)"
                  R"({".":{},"f:port":{}}}}})"});
  EXPECT_EQ(apply("m", Kind::services, "s", service).object->revision(), made.object->revision());
}

}  // namespace
}  // namespace keelson::test
