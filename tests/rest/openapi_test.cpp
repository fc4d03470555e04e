// What OpenAPI documents say: complete, consistent in their three spellings, and as clients need
// it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <functional>
#include <set>
#include <sstream>
#include <string>

#include "core/rest/discovery.hpp"
#include "core/rest/documents.hpp"
#include "core/rest/openapi/openapi.hpp"
#include "core/rest/openapi/openapi_v2.pb.h"
#include "tests/rest/required_fields.hpp"

namespace keelson::rest {
namespace {

namespace json = boost::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::UnorderedElementsAre;

OpenApi& documents() {
  static OpenApi all(served_resources(), kServerVersion);
  return all;
}

const json::object& v2() {
  static const json::value document = json::parse(documents().v2_json());
  return document.as_object();
}

const json::object& definition(std::string_view name) {
  return v2().at("definitions").at(name).as_object();
}

json::value v3_document(std::string_view path) {
  const std::string* text = documents().v3(path);
  return text == nullptr ? json::value() : json::parse(*text);
}

std::string text_of(const json::value& value) {
  return std::string(value.as_string());
}

std::vector<std::string> texts_of(const json::value& array) {
  std::vector<std::string> out;
  for (const json::value& element : array.as_array()) out.push_back(text_of(element));
  return out;
}

std::vector<std::string> parameter_names(const json::value& operation) {
  std::vector<std::string> out;
  for (const json::value& parameter : operation.at("parameters").as_array()) {
    out.push_back(text_of(parameter.at("name")));
  }
  return out;
}

// Calls `visit` with every object in the tree.
void walk(const json::value& value, const std::function<void(const json::object&)>& visit) {
  if (const json::object* object = value.if_object()) {
    visit(*object);
    for (const auto& member : *object) walk(member.value(), visit);
  } else if (const json::array* array = value.if_array()) {
    for (const json::value& element : *array) walk(element, visit);
  }
}

void expect_no_dangling_reference(const json::object& document, const json::object& definitions,
                                  std::string_view prefix) {
  std::size_t references = 0;
  walk(document, [&](const json::object& object) {
    const json::value* reference = object.if_contains("$ref");
    if (reference == nullptr || !reference->is_string()) return;
    ++references;
    const std::string target = text_of(*reference);
    ASSERT_TRUE(target.starts_with(prefix)) << target;
    EXPECT_TRUE(definitions.contains(target.substr(prefix.size()))) << target;
  });
  EXPECT_GT(references, 10u);
}

TEST(OpenApi, EveryTypeAndFieldIsDescribed) {
  std::size_t fields = 0;
  for (const auto& [name, schema] : v2().at("definitions").as_object()) {
    const json::object& type = schema.as_object();
    EXPECT_TRUE(type.contains("description")) << name;
    const json::value* properties = type.if_contains("properties");
    if (properties == nullptr) continue;
    for (const auto& [field, property] : properties->as_object()) {
      ++fields;
      const json::value* description = property.as_object().if_contains("description");
      ASSERT_TRUE(description != nullptr) << name << "." << field;
      const std::string text = text_of(*description);
      EXPECT_TRUE(text.ends_with(".")) << name << "." << field << ": " << text;
      EXPECT_EQ(text.find('\n'), std::string::npos) << name << "." << field;
    }
  }
  EXPECT_GT(fields, 700u);
}

// kubectl explain prints both, one below the other.
TEST(OpenApi, AFieldSaysMoreThanItsType) {
  for (const auto& [name, schema] : v2().at("definitions").as_object()) {
    const json::value* properties = schema.as_object().if_contains("properties");
    if (properties == nullptr) continue;
    for (const auto& [field, property] : properties->as_object()) {
      const json::value* reference = property.as_object().if_contains("$ref");
      if (reference == nullptr) continue;
      const std::string type = text_of(*reference).substr(std::string("#/definitions/").size());
      EXPECT_NE(property.at("description"), definition(type).at("description"))
          << name << "." << field;
    }
  }
}

TEST(OpenApi, TypesOfFields) {
  const json::object& spec = definition("io.k8s.api.core.v1.PodSpec");
  const auto property = [&](std::string_view name) {
    return spec.at("properties").at(name).as_object();
  };
  EXPECT_EQ(property("terminationGracePeriodSeconds").at("format"), "int64");
  EXPECT_EQ(property("hostNetwork").at("type"), "boolean");
  EXPECT_EQ(property("containers").at("items").at("$ref"),
            "#/definitions/io.k8s.api.core.v1.Container");
  EXPECT_EQ(property("nodeSelector").at("additionalProperties").at("type"), "string");
  EXPECT_EQ(property("overhead").at("additionalProperties").at("$ref"),
            "#/definitions/io.k8s.apimachinery.pkg.api.resource.Quantity");
  EXPECT_EQ(property("restartPolicy").at("enum"), (json::array{"Always", "OnFailure", "Never"}));
  EXPECT_EQ(definition("io.k8s.api.core.v1.Secret")
                .at("properties")
                .at("data")
                .at("additionalProperties"),
            (json::object{{"format", "byte"}, {"type", "string"}}));
  EXPECT_EQ(definition("io.k8s.apimachinery.pkg.apis.meta.v1.Time").at("format"), "date-time");
  EXPECT_EQ(definition("io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime").at("format"), "date-time");
  EXPECT_EQ(definition("io.k8s.apimachinery.pkg.api.resource.Quantity").at("type"), "string");
  EXPECT_EQ(definition("io.k8s.apimachinery.pkg.util.intstr.IntOrString").at("format"),
            "int-or-string");
  EXPECT_EQ(definition("io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1").at("type"), "object");
}

TEST(OpenApi, InlinedMembersStandInTheirParent) {
  const json::object& volume = definition("io.k8s.api.core.v1.Volume");
  EXPECT_TRUE(volume.at("properties").as_object().contains("emptyDir"));
  EXPECT_FALSE(volume.at("properties").as_object().contains("volumeSource"));
  EXPECT_TRUE(
      definition("io.k8s.api.core.v1.Probe").at("properties").as_object().contains("httpGet"));
}

TEST(OpenApi, PatchesKnowTheirKeys) {
  const json::object& spec = definition("io.k8s.api.core.v1.PodSpec").at("properties").as_object();
  EXPECT_EQ(spec.at("containers").at("x-kubernetes-patch-strategy"), "merge");
  EXPECT_EQ(spec.at("containers").at("x-kubernetes-patch-merge-key"), "name");
  EXPECT_EQ(spec.at("topologySpreadConstraints").at("x-kubernetes-list-type"), "map");
  EXPECT_EQ(spec.at("topologySpreadConstraints").at("x-kubernetes-list-map-keys"),
            (json::array{"topologyKey", "whenUnsatisfiable"}));
  EXPECT_EQ(definition("io.k8s.api.apps.v1.DeploymentSpec")
                .at("properties")
                .at("strategy")
                .at("x-kubernetes-patch-strategy"),
            "retainKeys");
}

TEST(OpenApi, RequiredFieldsAreThosePublished) {
  std::istringstream lines{std::string(required_fields)};
  std::size_t types = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string type, field;
    std::set<std::string> fields;
    if (!(words >> type)) continue;
    while (words >> field) fields.insert(field);
    ++types;
    const json::value* schema = v2().at("definitions").as_object().if_contains(type);
    ASSERT_TRUE(schema != nullptr) << type;
    const json::value* required = schema->as_object().if_contains("required");
    std::set<std::string> ours;
    if (required != nullptr) {
      for (const std::string& name : texts_of(*required)) ours.insert(name);
    }
    for (const std::string& name : fields) EXPECT_TRUE(ours.contains(name)) << type << "." << name;
  }
  EXPECT_GE(types, 77u);
}

TEST(OpenApi, KindsSayWhatTheyAre) {
  const auto kinds = [](std::string_view name) {
    return definition(name).at("x-kubernetes-group-version-kind").as_array();
  };
  EXPECT_EQ(kinds("io.k8s.api.apps.v1.Deployment"),
            (json::array{{{"group", "apps"}, {"kind", "Deployment"}, {"version", "v1"}}}));
  EXPECT_EQ(kinds("io.k8s.api.core.v1.PodList"),
            (json::array{{{"group", ""}, {"kind", "PodList"}, {"version", "v1"}}}));
  EXPECT_EQ(kinds("io.k8s.api.autoscaling.v1.Scale"),
            (json::array{{{"group", "autoscaling"}, {"kind", "Scale"}, {"version", "v1"}}}));
  EXPECT_EQ(kinds("io.k8s.apimachinery.pkg.apis.meta.v1.Status"),
            (json::array{{{"group", ""}, {"kind", "Status"}, {"version", "v1"}}}));
  EXPECT_THAT(json::serialize(kinds("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions")),
              HasSubstr(R"({"group":"apps","kind":"DeleteOptions","version":"v1"})"));
  EXPECT_TRUE(
      definition("io.k8s.api.core.v1.Pod").at("properties").as_object().contains("apiVersion"));
  EXPECT_FALSE(definition("io.k8s.api.core.v1.PodTemplateSpec")
                   .at("properties")
                   .as_object()
                   .contains("kind"));
}

TEST(OpenApi, AnOlderVersionHasTypesOfItsOwn) {
  const json::object& old = definition("io.k8s.api.policy.v1beta1.PodDisruptionBudget");
  EXPECT_EQ(old.at("x-kubernetes-group-version-kind"),
            (json::array{
                {{"group", "policy"}, {"kind", "PodDisruptionBudget"}, {"version", "v1beta1"}}}));
  EXPECT_EQ(old.at("properties").at("spec").at("$ref"),
            "#/definitions/io.k8s.api.policy.v1beta1.PodDisruptionBudgetSpec");
  EXPECT_EQ(old.at("properties").at("metadata").at("$ref"),
            "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
}

TEST(OpenApi, AnOlderVersionMayDemandLess) {
  const auto required = [](const std::string& version) {
    const std::string name = "io.k8s.api.certificates." + version;
    return texts_of(definition(name + ".CertificateSigningRequestSpec").at("required"));
  };
  EXPECT_THAT(required("v1"), ElementsAre("request", "signerName"));
  EXPECT_THAT(required("v1beta1"), ElementsAre("request"));
}

// events.k8s.io/v1 shows the core group's events under other names.
TEST(OpenApi, AnotherGroupMayShowTheSameMessageOtherwise) {
  const json::object& event = definition("io.k8s.api.events.v1.Event");
  EXPECT_EQ(event.at("x-kubernetes-group-version-kind"),
            (json::array{{{"group", "events.k8s.io"}, {"kind", "Event"}, {"version", "v1"}}}));
  const json::object& properties = event.at("properties").as_object();
  EXPECT_TRUE(properties.contains("note"));
  EXPECT_FALSE(properties.contains("message"));
  EXPECT_EQ(properties.at("regarding").at("$ref"),
            "#/definitions/io.k8s.api.core.v1.ObjectReference");
  EXPECT_THAT(texts_of(event.at("required")), ElementsAre("metadata", "regarding"));
  EXPECT_TRUE(
      definition("io.k8s.api.core.v1.Event").at("properties").as_object().contains("message"));
  EXPECT_TRUE(definition("io.k8s.api.discovery.v1beta1.Endpoint")
                  .at("properties")
                  .as_object()
                  .contains("topology"));
}

TEST(OpenApi, ListsOfStringsWithANameAreLists) {
  const json::value& extra =
      definition("io.k8s.api.authentication.v1.UserInfo").at("properties").at("extra");
  EXPECT_EQ(extra.at("additionalProperties"),
            (json::object{{"items", {{"type", "string"}}}, {"type", "array"}}));
  const json::object& spec = definition("io.k8s.api.certificates.v1.CertificateSigningRequestSpec")
                                 .at("properties")
                                 .as_object();
  EXPECT_EQ(spec.at("request").at("x-kubernetes-list-type"), "atomic");
  EXPECT_EQ(definition("io.k8s.apimachinery.pkg.runtime.RawExtension").at("type"), "object");
}

TEST(OpenApi, PathsAndOperations) {
  const json::object& paths = v2().at("paths").as_object();
  const json::value& collection = paths.at("/apis/apps/v1/namespaces/{namespace}/deployments");
  EXPECT_EQ(collection.at("get").at("operationId"), "listAppsV1NamespacedDeployment");
  EXPECT_EQ(collection.at("post").at("operationId"), "createAppsV1NamespacedDeployment");
  EXPECT_EQ(collection.at("delete").at("operationId"),
            "deleteAppsV1CollectionNamespacedDeployment");
  EXPECT_EQ(paths.at("/apis/apps/v1/deployments").at("get").at("operationId"),
            "listAppsV1DeploymentForAllNamespaces");
  EXPECT_EQ(paths.at("/api/v1/nodes/{name}").at("get").at("operationId"), "readCoreV1Node");
  EXPECT_EQ(paths.at("/api/v1/namespaces/{namespace}/pods/{name}/log").at("get").at("operationId"),
            "readCoreV1NamespacedPodLog");
  EXPECT_EQ(
      paths.at("/api/v1/namespaces/{namespace}/pods/{name}/exec").at("post").at("operationId"),
      "connectCoreV1PostNamespacedPodExec");
  EXPECT_TRUE(paths.contains("/api/v1/namespaces/{namespace}/pods/{name}/proxy/{path}"));
  EXPECT_EQ(paths.at("/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale")
                .at("put")
                .at("operationId"),
            "replaceAppsV1NamespacedDeploymentScale");
  const json::value& evict =
      paths.at("/api/v1/namespaces/{namespace}/pods/{name}/eviction").at("post");
  EXPECT_EQ(evict.at("x-kubernetes-group-version-kind"),
            (json::object{{"group", "policy"}, {"kind", "Eviction"}, {"version", "v1"}}));
  EXPECT_EQ(evict.at("x-kubernetes-action"), "post");
  EXPECT_EQ(evict.at("tags"), (json::array{"core_v1"}));
  EXPECT_THAT(parameter_names(collection), ElementsAre("namespace"));
  EXPECT_FALSE(paths.contains("/api/v1/namespaces/{namespace}/nodes"));
}

TEST(OpenApi, OperationIdsAreUnique) {
  std::set<std::string> ids;
  walk(v2().at("paths"), [&](const json::object& object) {
    if (!object.contains("operationId")) return;
    const std::string id = text_of(object.at("operationId"));
    EXPECT_TRUE(ids.insert(id).second) << id;
  });
  EXPECT_GT(ids.size(), 150u);
}

TEST(OpenApi, ParametersThatClientsLookFor) {
  const json::object& paths = v2().at("paths").as_object();
  const json::value& pod = paths.at("/api/v1/namespaces/{namespace}/pods/{name}");
  EXPECT_THAT(
      parameter_names(pod.at("patch")),
      UnorderedElementsAre("body", "dryRun", "fieldManager", "fieldValidation", "force", "pretty"));
  EXPECT_THAT(
      texts_of(pod.at("patch").at("consumes")),
      ElementsAre("application/json-patch+json", "application/merge-patch+json",
                  "application/strategic-merge-patch+json", "application/apply-patch+yaml"));
  EXPECT_THAT(parameter_names(pod.at("delete")),
              IsSupersetOf({"dryRun", "gracePeriodSeconds", "propagationPolicy"}));
  EXPECT_THAT(parameter_names(paths.at("/api/v1/pods").at("get")),
              IsSupersetOf({"allowWatchBookmarks", "continue", "fieldSelector", "labelSelector",
                            "limit", "resourceVersion", "resourceVersionMatch", "sendInitialEvents",
                            "timeoutSeconds", "watch"}));
  // Kubernetes' own test suite looks for these words.
  EXPECT_THAT(documents().v2_json(), HasSubstr("list of returned"));
  EXPECT_THAT(documents().v2_json(), HasSubstr("List of services"));
  EXPECT_THAT(documents().v2_json(), HasSubstr("Watch for changes to the described resources"));
}

TEST(OpenApi, ReferencesLeadSomewhere) {
  expect_no_dangling_reference(v2(), v2().at("definitions").as_object(), "#/definitions/");
  const json::value index = json::parse(documents().v3_index());
  for (const auto& [path, entry] : index.at("paths").as_object()) {
    const json::value document = v3_document(path);
    ASSERT_TRUE(document.is_object()) << path;
    expect_no_dangling_reference(document.as_object(),
                                 document.at("components").at("schemas").as_object(),
                                 "#/components/schemas/");
  }
}

TEST(OpenApi, ProtobufSaysTheSameAsJson) {
  ::openapi::v2::Document document;
  ASSERT_TRUE(document.ParseFromString(documents().v2_protobuf()));
  EXPECT_EQ(document.swagger(), "2.0");
  const json::object& definitions = v2().at("definitions").as_object();
  ASSERT_EQ(document.definitions().additional_properties_size(),
            static_cast<int>(definitions.size()));
  for (const auto& named : document.definitions().additional_properties()) {
    const json::object& schema = definitions.at(named.name()).as_object();
    EXPECT_EQ(named.value().description(), text_of(schema.at("description"))) << named.name();
    EXPECT_EQ(named.value().type().value(0), text_of(schema.at("type"))) << named.name();
    const json::value* properties = schema.if_contains("properties");
    const std::size_t members = properties == nullptr ? 0 : properties->as_object().size();
    ASSERT_EQ(named.value().properties().additional_properties_size(), static_cast<int>(members));
    for (const auto& property : named.value().properties().additional_properties()) {
      const json::object& other = properties->at(property.name()).as_object();
      EXPECT_EQ(property.value().description(), text_of(other.at("description")));
      const json::value* reference = other.if_contains("$ref");
      EXPECT_EQ(property.value()._ref(), reference == nullptr ? "" : text_of(*reference));
      for (const auto& extension : property.value().vendor_extension()) {
        EXPECT_EQ(json::parse(extension.value().yaml()), other.at(extension.name()));
      }
    }
  }
  const json::object& paths = v2().at("paths").as_object();
  ASSERT_EQ(document.paths().path_size(), static_cast<int>(paths.size()));
  for (const auto& path : document.paths().path()) EXPECT_TRUE(paths.contains(path.name()));
}

// kubectl 1.20 refuses --dry-run=server for kinds whose PATCH does not list dryRun.
TEST(OpenApi, ProtobufListsDryRunForThePatchOfAKind) {
  ::openapi::v2::Document document;
  ASSERT_TRUE(document.ParseFromString(documents().v2_protobuf()));
  bool found = false;
  for (const auto& path : document.paths().path()) {
    const auto& patch = path.value().patch();
    for (const auto& extension : patch.vendor_extension()) {
      if (extension.name() != "x-kubernetes-group-version-kind") continue;
      if (extension.value().yaml() != R"({"group":"apps","kind":"Deployment","version":"v1"})")
        continue;
      for (const auto& item : patch.parameters()) {
        found =
            found ||
            item.parameter().non_body_parameter().query_parameter_sub_schema().name() == "dryRun";
      }
    }
  }
  EXPECT_TRUE(found);
}

TEST(OpenApi, IndexOfVersion3) {
  const json::value index = json::parse(documents().v3_index());
  const json::object& paths = index.at("paths").as_object();
  std::vector<std::string> names;
  for (const auto& [path, entry] : paths) names.push_back(path);
  EXPECT_THAT(names,
              IsSupersetOf({"api/v1", "apis/apps/v1", "apis/policy/v1", "apis/policy/v1beta1"}));
  const std::string url = text_of(paths.at("apis/apps/v1").at("serverRelativeURL"));
  EXPECT_EQ(url,
            "/openapi/v3/apis/apps/v1?hash=" + std::string(documents().v3_hash("apis/apps/v1")));
  EXPECT_EQ(documents().v3_hash("apis/apps/v1").size(), 32u);
  for (const char* nothing : {"", "api", "api/v2", "/api/v1", "apis/apps", "apis/apps/v1/"}) {
    EXPECT_EQ(documents().v3(nothing), nullptr) << nothing;
    EXPECT_EQ(documents().v3_hash(nothing), "") << nothing;
  }
}

TEST(OpenApi, Version3) {
  const json::value document = v3_document("apis/apps/v1");
  const json::object& paths = document.at("paths").as_object();
  EXPECT_FALSE(paths.contains("/api/v1/pods"));
  const json::value& patch =
      paths.at("/apis/apps/v1/namespaces/{namespace}/deployments/{name}").at("patch");
  EXPECT_THAT(parameter_names(patch),
              IsSupersetOf({"dryRun", "fieldManager", "fieldValidation", "force"}));
  const json::object& content = patch.at("requestBody").at("content").as_object();
  EXPECT_EQ(content.size(), 4u);
  EXPECT_TRUE(content.contains("application/strategic-merge-patch+json"));
  EXPECT_EQ(patch.at("x-kubernetes-action"), "patch");

  const json::object& schemas = document.at("components").at("schemas").as_object();
  EXPECT_FALSE(schemas.contains("io.k8s.api.core.v1.Service"));
  EXPECT_TRUE(schemas.contains("io.k8s.api.core.v1.PodSpec"));
  EXPECT_TRUE(schemas.contains("io.k8s.api.apps.v1.DeploymentList"));
  const json::object& spec =
      schemas.at("io.k8s.api.apps.v1.DeploymentSpec").at("properties").as_object();
  EXPECT_EQ(spec.at("template").at("allOf").at(0).at("$ref"),
            "#/components/schemas/io.k8s.api.core.v1.PodTemplateSpec");
  EXPECT_TRUE(spec.at("template").as_object().contains("description"));
  EXPECT_EQ(spec.at("revisionHistoryLimit").at("default"), 10);
  EXPECT_EQ(spec.at("strategy").at("x-kubernetes-patch-strategy"), "retainKeys");
  EXPECT_EQ(schemas.at("io.k8s.apimachinery.pkg.util.intstr.IntOrString").at("oneOf"),
            (json::array{{{"type", "integer"}}, {{"type", "string"}}}));
  EXPECT_EQ(
      schemas.at("io.k8s.api.core.v1.ContainerPort").at("properties").at("protocol").at("default"),
      "TCP");
}

TEST(OpenApi, IsTheSameEveryTime) {
  OpenApi again(served_resources(), kServerVersion);
  EXPECT_EQ(again.v3_index(), documents().v3_index());
  EXPECT_EQ(again.v2_etag(), documents().v2_etag());
  EXPECT_EQ(again.v2_protobuf_etag(), documents().v2_protobuf_etag());
  EXPECT_NE(again.v2_etag(), again.v2_protobuf_etag());
  EXPECT_EQ(again.v2_protobuf(), documents().v2_protobuf());
}

TEST(OpenApi, AServerThatServesNothing) {
  OpenApi none({}, kServerVersion);
  EXPECT_EQ(none.v3_index(), R"({"paths":{}})");
  EXPECT_EQ(none.v3("api/v1"), nullptr);
  EXPECT_TRUE(json::parse(none.v2_json()).at("paths").as_object().empty());
  ::openapi::v2::Document document;
  EXPECT_TRUE(document.ParseFromString(none.v2_protobuf()));
}

}  // namespace
}  // namespace keelson::rest
