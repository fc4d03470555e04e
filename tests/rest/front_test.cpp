// The API as clients see it: answers of a real API server are the measure.
#include "core/rest/health.hpp"
#include "tests/rest/fixture.hpp"

namespace keelson::test {
namespace {

constexpr const char* kPods = "/api/v1/namespaces/default/pods";
constexpr const char* kPod =
    R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","labels":{"app":"web"}},)"
    R"("spec":{"containers":[{"name":"c","image":"nginx:1.7.9"}]}})";

std::string failure(const std::string& message, const std::string& reason,
                    const std::string& details, int code) {
  return R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":")" +
         message + R"(","reason":")" + reason + "\"" +
         (details.empty() ? "" : R"(,"details":)" + details) + R"(,"code":)" +
         std::to_string(code) + "}\n";
}

TEST_F(FrontTest, DocumentsAreOfTheVersionServed) {
  const auto version = get("/version")->json().at("gitVersion");
  EXPECT_EQ(get("/openapi/v2")->json().at("info").at("version"), version);
  EXPECT_EQ(get("/openapi/v3/api/v1")->json().at("info").at("version"), version);
}

TEST_F(FrontTest, CreatesReadsAndRefusesTheSecondOne) {
  const auto created = send("POST", kPods, kPod);
  EXPECT_EQ(created->status, 201);
  EXPECT_EQ(created->header("Content-Type"), "application/json");
  EXPECT_EQ(created->json().at("spec").at("restartPolicy"), "Always");
  const auto read = get(std::string(kPods) + "/web");
  EXPECT_EQ(read->status, 200);
  EXPECT_EQ(read->body, created->body);
  const auto again = send("POST", kPods, kPod);
  EXPECT_EQ(again->body, failure(R"(pods \"web\" already exists)", "AlreadyExists",
                                 R"({"name":"web","kind":"pods"})", 409));
}

TEST_F(FrontTest, ErrorsAreWordedAsKubernetesWordsThem) {
  struct Case {
    const char* method;
    std::string target, body, content_type;
    std::string expected;
    int status;
  };
  const std::string pods = kPods;
  const Case cases[] = {
      {"GET", pods + "/nope", "", "",
       failure(R"(pods \"nope\" not found)", "NotFound", R"({"name":"nope","kind":"pods"})", 404), 404},
      {"GET", "/api/v1/nopes", "", "",
       failure("the server could not find the requested resource", "NotFound", "{}", 404), 404},
      {"GET", "/apis/nope/v1", "", "", "404 page not found\n", 404},
      {"POST", pods + "/web", kPod, "application/json",
       failure("the server does not allow this method on the requested resource", "MethodNotAllowed",
               "{}", 405),
       405},
      {"POST", pods, "x", "text/plain",
       failure("the body of the request was in an unknown format - accepted media types include: "
               "application/json, application/yaml, application/vnd.kubernetes.protobuf",
               "UnsupportedMediaType", "", 415),
       415},
      {"POST", pods, R"({"apiVersion":)", "application/json",
       failure(R"(the object provided is unrecognized (must be of type Pod): couldn't get )"
               R"(version/kind; json parse error: unexpected end of JSON input ({\"apiVersion\":))",
               "BadRequest", "", 400),
       400},
      {"POST", pods, R"({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}})", "",
       failure(R"(Service in version \"v1\" cannot be handled as a Pod: converting (v1.Service) to )"
               R"((core.Pod): unknown conversion)",
               "BadRequest", "", 400),
       400},
      {"POST", pods, R"({"metadata": {"name": "x"}})", "",
       failure(R"(Pod \"x\" is invalid: spec.containers: Required value)", "Invalid",
               R"({"name":"x","kind":"Pod","causes":[{"reason":"FieldValueRequired",)"
               R"("message":"Required value","field":"spec.containers"}]})",
               422),
       422},
      {"POST", pods,
       R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"x","namespace":"other"},)"
       R"("spec":{"containers":[{"name":"c","image":"i"}]}})",
       "",
       failure("the namespace of the provided object does not match the namespace sent on the request",
               "BadRequest", "", 400),
       400},
      {"POST", "/api/v1/namespaces/nope/pods", kPod, "",
       failure(R"(namespaces \"nope\" not found)", "NotFound", R"({"name":"nope","kind":"namespaces"})",
               404),
       404},
      {"POST", pods + "?dryRun=Yes", kPod, "",
       failure(R"(CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: )"
               R"([]string{\"Yes\"}: supported values: \"All\")",
               "Invalid",
               R"({"group":"meta.k8s.io","kind":"CreateOptions","causes":[{"reason":)"
               R"("FieldValueNotSupported","message":"Unsupported value: []string{\"Yes\"}: )"
               R"(supported values: \"All\"","field":"dryRun"}]})",
               422),
       422},
      {"GET", pods + "?fieldSelector=spec.foo%3D1", "", "",
       failure("field label not supported: spec.foo", "BadRequest", "", 400), 400},
      {"GET", pods + "?labelSelector=a%20in%20(", "", "",
       failure("unable to parse requirement: found '', expected: ',', ')' or identifier",
               "BadRequest", "", 400),
       400},
      {"GET", pods + "?limit=1&continue=abc", "", "",
       failure("invalid continue token: continue key is not valid: invalid character 'i' looking "
               "for beginning of value",
               "BadRequest", "", 400),
       400},
      {"GET", pods + "?resourceVersion=abc", "", "",
       R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":)"
       R"("resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid )"
       R"(syntax","code":500})"
       "\n",
       500},
      {"PATCH", pods + "/web", "{}", "application/json",
       failure("the body of the request was in an unknown format - accepted media types include: "
               "application/json-patch+json, application/merge-patch+json, "
               "application/strategic-merge-patch+json, application/apply-patch+yaml",
               "UnsupportedMediaType", "{}", 415),
       415},
  };
  for (const Case& c : cases) {
    std::vector<rest::Header> headers;
    if (!c.content_type.empty()) headers.push_back({"Content-Type", c.content_type});
    const auto answer = send(c.method, c.target, c.body, headers);
    EXPECT_EQ(answer->status, c.status) << c.method << " " << c.target;
    EXPECT_EQ(answer->body, c.expected) << c.method << " " << c.target;
  }
}

TEST_F(FrontTest, ListsCarryTheirRevisionAndNoTypePerItem) {
  send("POST", kPods, kPod);
  const auto list = get(kPods);
  EXPECT_TRUE(list->body.starts_with(R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":")"))
      << list->body;
  const auto tree = list->json();
  ASSERT_EQ(tree.at("items").as_array().size(), 1u);
  EXPECT_FALSE(tree.at("items").at(0).as_object().contains("kind"));
  EXPECT_EQ(tree.at("items").at(0).at("metadata").at("name"), "web");
  EXPECT_EQ(get("/apis/apps/v1/namespaces/default/deployments")->json().at("items").as_array().size(),
            0u);
}

TEST_F(FrontTest, YamlInAndOut) {
  const auto made = send("POST", "/api/v1/namespaces/default/configmaps",
                         "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  a: \"1\"\n",
                         {{"Content-Type", "application/yaml"}, {"Accept", "application/yaml"}});
  EXPECT_EQ(made->status, 201) << made->body;
  EXPECT_TRUE(made->body.starts_with("apiVersion: v1\ndata:\n  a: \"1\"\nkind: ConfigMap\n"))
      << made->body;
}

TEST_F(FrontTest, DeletesAnswerTheObjectOrAStatus) {
  send("POST", kPods, kPod);
  const auto pod = send("DELETE", std::string(kPods) + "/web");
  EXPECT_EQ(pod->json().at("kind"), "Pod");
  send("POST", "/api/v1/namespaces/default/configmaps", R"({"metadata":{"name":"c"}})");
  const auto config = send("DELETE", "/api/v1/namespaces/default/configmaps/c");
  EXPECT_EQ(config->status, 200);
  EXPECT_TRUE(config->body.starts_with(
      R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","details":)"
      R"({"name":"c","kind":"configmaps","uid":")"))
      << config->body;
}

TEST_F(FrontTest, WatchesStreamLines) {
  const auto list = get(kPods);
  const std::string revision(list->json().at("metadata").at("resourceVersion").as_string());
  const auto watch = open("GET", std::string(kPods) + "?watch=true&resourceVersion=" + revision);
  EXPECT_EQ(watch->status, 200);
  EXPECT_FALSE(watch->finished);
  send("POST", kPods, kPod);
  send("DELETE", std::string(kPods) + "/web?gracePeriodSeconds=0");
  const auto lines = watch->lines();
  ASSERT_EQ(lines.size(), 2u) << watch->body;
  EXPECT_TRUE(lines[0].starts_with(R"({"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1",)"));
  EXPECT_TRUE(lines[1].starts_with(R"({"type":"DELETED","object":{"kind":"Pod","apiVersion":"v1",)"));
  watch->leave();
  loop.settle();
  EXPECT_EQ(server->watches(), 0u);
}

TEST_F(FrontTest, WatchesEndAfterTheirTimeAndTellWhatIsTooOld) {
  const auto timed = open("GET", std::string(kPods) + "?watch=1&timeoutSeconds=2");
  loop.run_for(1900ms);
  EXPECT_FALSE(timed->finished);
  loop.run_for(200ms);
  EXPECT_TRUE(timed->finished);
  EXPECT_EQ(server->watches(), 0u);
}

TEST_F(FrontTest, WhatIsLookedForFirstIsMissingPolitely) {
  const auto controllers = get("/api/v1/namespaces/default/replicationcontrollers");
  EXPECT_EQ(controllers->json().at("kind"), "ReplicationControllerList");
  EXPECT_EQ(controllers->json().at("apiVersion"), "v1");
  EXPECT_EQ(get("/api/v1")->body.find("replicationcontrollers"), std::string::npos);
  EXPECT_EQ(send("POST", "/api/v1/namespaces/default/replicationcontrollers", "{}")->status, 404);
  const std::string all = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  EXPECT_EQ(get(all)->json().at("kind"), "CustomResourceDefinitionList");
  EXPECT_EQ(get(all + "/x")->body, "404 page not found\n");
  EXPECT_EQ(get("/apis/apiextensions.k8s.io/v1")->body, "404 page not found\n");
}

TEST_F(FrontTest, MetricsCountWhatIsStored) {
  send("POST", kPods, kPod);
  const auto metrics = get("/metrics");
  EXPECT_EQ(metrics->status, 200);
  EXPECT_EQ(metrics->header("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_NE(metrics->body.find("apiserver_storage_objects{resource=\"pods\"} 1\n"),
            std::string::npos)
      << metrics->body;
  EXPECT_NE(metrics->body.find("apiserver_storage_objects{resource=\"deployments.apps\"} 0\n"),
            std::string::npos);
}

// Their fields have other numbers there than in the core group.
TEST_F(FrontTest, AStatusComesWithItsMetadata) {
  const std::string services = "/api/v1/namespaces/default/services";
  send("POST", services, R"({"metadata":{"name":"s"},"spec":{"ports":[{"port":80}]}})");
  const auto patched = send(
      "PATCH", services + "/s/status",
      R"({"metadata":{"annotations":{"a":"1"},"labels":{"l":"1"}},"spec":{"externalName":"x"}})",
      {{"Content-Type", "application/merge-patch+json"}});
  EXPECT_EQ(patched->status, 200) << patched->body;
  EXPECT_EQ(patched->json().at("metadata").at("annotations").at("a"), "1");
  EXPECT_EQ(patched->json().at("metadata").at("labels").at("l"), "1");
  EXPECT_FALSE(patched->json().at("spec").as_object().contains("externalName"));
  const auto bad = send("PATCH", services + "/s/status", R"({"metadata":{"labels":{"l":"not ok"}}})",
                        {{"Content-Type", "application/merge-patch+json"}});
  EXPECT_EQ(bad->status, 422) << bad->body;

  // A deployment's labels are not among what its status changes.
  const std::string deployments = "/apis/apps/v1/namespaces/default/deployments";
  send("POST", deployments,
       R"({"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"app":"d"}},"template":)"
       R"({"metadata":{"labels":{"app":"d"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})");
  const auto deployment = send("PATCH", deployments + "/d/status",
                               R"({"metadata":{"annotations":{"a":"1"},"labels":{"l":"1"}}})",
                               {{"Content-Type", "application/merge-patch+json"}});
  EXPECT_EQ(deployment->json().at("metadata").at("annotations").at("a"), "1") << deployment->body;
  EXPECT_FALSE(deployment->json().at("metadata").as_object().contains("labels"));
}

TEST_F(FrontTest, AStatusNeedsNoPlaceAndItsMetadataHasAnOwner) {
  send("POST", kPods, kPod);
  const std::string status = std::string(kPods) + "/web/status";
  const auto put = send("PUT", status, R"({"metadata":{"name":"web"},"status":{"message":"m"}})");
  EXPECT_EQ(put->status, 200) << put->body;
  EXPECT_EQ(put->json().at("status").at("message"), "m");
  EXPECT_EQ(send("PUT", status, R"({"metadata":{"name":"web","namespace":"other"},"status":{}})")->status,
            400);
  const auto labelled = send("PATCH", status + "?fieldManager=me", R"({"metadata":{"labels":{"l":"1"}}})",
                             {{"Content-Type", "application/merge-patch+json"}});
  EXPECT_NE(labelled->body.find(R"("manager":"me")"), std::string::npos) << labelled->body;
  EXPECT_NE(labelled->body.find(R"("f:l":{})"), std::string::npos);
}

TEST_F(FrontTest, DiscoveryInBothForms) {
  EXPECT_TRUE(get("/api")->body.starts_with(
      R"({"kind":"APIVersions","versions":["v1"],"serverAddressByClientCIDRs":[{)"));
  EXPECT_EQ(get("/apis/apps")->body,
            R"({"kind":"APIGroup","apiVersion":"v1","name":"apps","versions":[{"groupVersion":)"
            R"("apps/v1","version":"v1"}],"preferredVersion":{"groupVersion":"apps/v1","version":"v1"}})"
            "\n");
  const std::string core = get("/api/v1")->body;
  EXPECT_NE(core.find(R"({"name":"configmaps","singularName":"configmap","namespaced":true,"kind":)"
                      R"("ConfigMap","verbs":["create","delete","deletecollection","get","list",)"
                      R"("patch","update","watch"],"shortNames":["cm"],"storageVersionHash":)"
                      R"("qFsyl6wFWjQ="})"),
            core.npos)
      << core;
  EXPECT_NE(core.find(R"({"name":"pods/eviction","singularName":"","namespaced":true,"group":)"
                      R"("policy","version":"v1","kind":"Eviction","verbs":["create"]})"),
            core.npos);
  const auto v2 = get("/apis",
                      "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
                      "application/json");
  EXPECT_EQ(v2->header("Content-Type"),
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
  EXPECT_EQ(v2->json().at("apiVersion"), "apidiscovery.k8s.io/v2");
  const auto beta = get("/api",
                        "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
                        "application/json");
  EXPECT_EQ(beta->json().at("apiVersion"), "apidiscovery.k8s.io/v2beta1");
  const auto same = send("GET", "/apis", {}, {{"If-None-Match", get("/apis")->header("ETag")}});
  EXPECT_EQ(same->status, 304);
  EXPECT_EQ(same->body, "");
}

TEST_F(FrontTest, HealthVersionAndPaths) {
  EXPECT_EQ(get("/healthz")->body, "ok");
  EXPECT_EQ(get("/readyz/ping")->body, "ok");
  EXPECT_EQ(get("/readyz?verbose")->body, "[+]ping ok\n[+]store ok\nreadyz check passed\n");
  EXPECT_NE(get("/version")->body.find("\"major\": \"1\""), std::string::npos);
  EXPECT_EQ(get("/nope")->status, 404);
  EXPECT_EQ(get("/")->status, 200);
}

TEST_F(FrontTest, HealthNamesThePartsAsProbesAskForThem) {
  EXPECT_EQ(get("/livez?verbose")->body, "[+]ping ok\nlivez check passed\n");
  EXPECT_EQ(get("/readyz/etcd")->body, "ok");
  EXPECT_EQ(get("/readyz/store")->body, "ok");
  EXPECT_EQ(get("/readyz/nope")->status, 404);
  EXPECT_EQ(get("/readyz?verbose&exclude=etcd")->body,
            "[+]ping ok\n[+]store excluded: ok\nreadyz check passed\n");
}

TEST(Health, SaysWhichPartFailsAndNotWhy) {
  const auto ask = [](const char* target) {
    const rest::HttpResponse response = rest::health_response(
        *rest::parse_target(target), {{"store", false}, {"clock", true}});
    return std::pair(response.status, std::get<std::string>(response.body));
  };
  EXPECT_EQ(ask("/readyz"),
            std::pair(500, std::string("[+]ping ok\n[-]store failed: reason withheld\n[+]clock ok\n"
                                       "readyz check failed\n")));
  EXPECT_EQ(ask("/healthz/store").first, 500);
  EXPECT_EQ(ask("/healthz/clock"), std::pair(200, std::string("ok")));
  EXPECT_EQ(ask("/readyz?exclude=store"), std::pair(200, std::string("ok")));
  EXPECT_EQ(ask("/livez"), std::pair(200, std::string("ok")));
}

TEST(Health, AStoreIsThereWhenBothItAndWhatWasReadOfItAre) {
  rest::ProcessFacts process;
  EXPECT_FALSE(rest::health_parts(process, false).at(0).ok);
  bool serves = true;
  process.parts = [&] { return std::vector<rest::HealthPart>{{"clock", true}, {"store", serves}}; };
  EXPECT_TRUE(rest::health_parts(process, true).at(1).ok);
  EXPECT_FALSE(rest::health_parts(process, false).at(1).ok);
  serves = false;
  EXPECT_FALSE(rest::health_parts(process, true).at(1).ok);
  EXPECT_EQ(rest::health_parts(process, true).size(), 2u);
}

TEST_F(FrontTest, PrettyForPeople) {
  const auto pretty = send("GET", std::string(kPods) + "/nope?pretty=true");
  EXPECT_TRUE(pretty->body.starts_with("{\n  \"kind\": \"Status\",\n")) << pretty->body;
  EXPECT_NE(pretty->body.find("\"metadata\": {},"), std::string::npos);
}

TEST_F(FrontTest, HostileRequestsAreAnswered) {
  for (const char* target : {"", "*", "http://x/api", "/%", "/%zz", "/api/v1/%00", "/api/v1/pods?%",
                             "//", "/apis//v1/pods", "/api/v1/namespaces//pods"}) {
    const auto answer = send("GET", target);
    EXPECT_TRUE(answer->status == 200 || (answer->status >= 400 && answer->status < 500)) << target << answer->status;
  }
  EXPECT_EQ(send("BREW", kPods)->status, 405);
  EXPECT_EQ(send("POST", kPods, std::string(300, '['))->status, 400);
  EXPECT_EQ(send("POST", kPods, std::string(4u << 20, 'x'))->status, 413);
  EXPECT_EQ(get(kPods, "text/csv")->status, 406);
}

TEST_F(FrontTest, CallsThatWaitGoWithIt) {
  rest::HttpRequest request;
  request.method = "POST";
  request.target = kPods;
  request.body = kPod;
  const auto exchange = std::make_shared<FakeExchange>();
  front->handle(std::move(request), exchange);
  front = nullptr;
  loop.settle();
  EXPECT_EQ(exchange->status, 0);
  EXPECT_FALSE(read<api::Pod>("web"));  // its turn had not come
}

// Raw text inside an object has a depth of its own; whoever asks for another form gets an answer.
TEST_F(FrontTest, DeepManagedFieldsAreShownInEveryForm) {
  std::string deep = "{}";
  for (int i = 0; i < 90; ++i) deep = R"({"f:a":)" + deep + "}";
  const auto made = send("POST", "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
                         R"({"metadata":{"name":"b","managedFields":[{"manager":"m","operation":"Update",)"
                         R"("apiVersion":"policy/v1","fieldsType":"FieldsV1","fieldsV1":)" + deep +
                             R"(}]},"spec":{"minAvailable":1}})");
  EXPECT_TRUE(made->status == 201 || made->status == 400) << made->body;
  if (made->status != 201) return;
  const std::string path = "/namespaces/default/poddisruptionbudgets/b";
  EXPECT_EQ(get("/apis/policy/v1" + path, "application/yaml")->status, 200);
  EXPECT_EQ(get("/apis/policy/v1beta1" + path)->status, 200);
  EXPECT_EQ(get("/apis/policy/v1beta1" + path, "application/yaml")->status, 200);
}

TEST_F(FrontTest, CollectionsAreDeletedInOneNamespaceAtATime) {
  EXPECT_EQ(send("DELETE", "/api/v1/configmaps")->status, 405);
  EXPECT_EQ(send("DELETE", "/api/v1/namespaces/default/configmaps")->status, 200);
}

TEST_F(FrontTest, ADryRunOfAChangeKeepsTheRevision) {
  const auto made = send("POST", "/api/v1/namespaces/default/configmaps", R"({"metadata":{"name":"c"}})");
  const auto dry = send("PATCH", "/api/v1/namespaces/default/configmaps/c?dryRun=All",
                        R"({"data":{"a":"b"}})", {{"Content-Type", "application/merge-patch+json"}});
  EXPECT_EQ(dry->json().at("data").at("a"), "b");
  EXPECT_EQ(dry->json().at("metadata").at("resourceVersion"),
            made->json().at("metadata").at("resourceVersion"));
}

TEST_F(FrontTest, ProtobufForWhoeverReadsNothingElse) {
  send("POST", kPods, kPod);
  const auto one = get(std::string(kPods) + "/web", "application/vnd.kubernetes.protobuf");
  EXPECT_EQ(one->status, 200);
  EXPECT_EQ(one->header("Content-Type"), "application/vnd.kubernetes.protobuf");
  EXPECT_EQ(one->body.substr(0, 3), "k8s");
  EXPECT_EQ(get(kPods, "application/vnd.kubernetes.protobuf")->body.substr(0, 3), "k8s");
}

}  // namespace
}  // namespace keelson::test
