// Older and other names of versions, converted at the edge.
#include <google/protobuf/unknown_field_set.h>

#include "core/api/protobuf.hpp"
#include "tests/rest/fixture.hpp"

namespace keelson::test {
namespace {

TEST_F(FrontTest, PreferredAndOlderNamesOfVersions) {
  const auto made = send(
      "POST", "/apis/policy/v1beta1/namespaces/default/poddisruptionbudgets",
      R"({"apiVersion":"policy/v1beta1","kind":"PodDisruptionBudget","metadata":{"name":"b"},)"
      R"("spec":{"minAvailable":1,"selector":{"matchLabels":{"app":"web"}}}})");
  EXPECT_EQ(made->status, 201) << made->body;
  EXPECT_EQ(made->json().at("apiVersion"), "policy/v1beta1");
  const auto stable = get("/apis/policy/v1/namespaces/default/poddisruptionbudgets/b");
  EXPECT_EQ(stable->json().at("apiVersion"), "policy/v1");
  const auto event = send(
      "POST", "/apis/events.k8s.io/v1/namespaces/default/events",
      R"({"apiVersion":"events.k8s.io/v1","kind":"Event","metadata":{"name":"e"},)"
      R"("eventTime":"2026-11-23T02:38:23.000000Z","reportingController":"x","reportingInstance":"y",)"
      R"("action":"z","reason":"r","type":"Normal","note":"hello","regarding":{"kind":"Pod",)"
      R"("namespace":"default","name":"web"}})");
  EXPECT_EQ(event->status, 201) << event->body;
  EXPECT_EQ(event->json().at("note"), "hello");
  EXPECT_EQ(get("/api/v1/namespaces/default/events/e")->json().at("message"), "hello");
  // Patches, too, speak of fields as the version calls them.
  const auto patched = [&](const char* type, const char* patch) {
    const auto answer = send("PATCH", "/apis/events.k8s.io/v1/namespaces/default/events/e", patch,
                             {{"Content-Type", type}});
    EXPECT_EQ(answer->status, 200) << answer->body;
    return std::string(answer->json().at("note").as_string());
  };
  EXPECT_EQ(patched("application/merge-patch+json", R"({"note":"one"})"), "one");
  EXPECT_EQ(patched("application/strategic-merge-patch+json",
                    R"({"apiVersion":"events.k8s.io/v1","note":"two"})"), "two");
  EXPECT_EQ(patched("application/json-patch+json",
                    R"([{"op":"test","path":"/note","value":"two"},)"
                    R"({"op":"replace","path":"/note","value":"three"}])"), "three");
}

TEST_F(FrontTest, DeprecatedVersionsComeWithAWarning) {
  const std::string roles = "/apis/rbac.authorization.k8s.io/v1beta1/namespaces/default/roles";
  const auto made = send("POST", roles,
                         R"({"apiVersion":"rbac.authorization.k8s.io/v1beta1","kind":"Role",)"
                         R"("metadata":{"name":"r"},"rules":[]})");
  EXPECT_EQ(made->status, 201) << made->body;
  const std::string warning =
      "299 - \"rbac.authorization.k8s.io/v1beta1 Role is deprecated in v1.17+, unavailable in "
      "v1.22+; use rbac.authorization.k8s.io/v1 Role\"";
  EXPECT_EQ(made->header("Warning"), warning);
  EXPECT_EQ(get(roles)->header("Warning"), warning);
  EXPECT_EQ(get("/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles")->header("Warning"),
            "");
  EXPECT_EQ(get("/apis/policy/v1beta1/poddisruptionbudgets")->header("Warning"), "");
}

TEST_F(FrontTest, OlderRequestsForCertificatesNeedNoSigner) {
  const auto request = [](const std::string& version, const std::string& more) {
    return R"({"apiVersion":"certificates.k8s.io/)" + version +
           R"(","kind":"CertificateSigningRequest","metadata":{"name":"foo"},"spec":{"request":)"
           R"("LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K")" +
           more + "}}";
  };
  const std::string older = "/apis/certificates.k8s.io/v1beta1/certificatesigningrequests";
  const std::string newer = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
  const auto made = send("POST", older, request("v1beta1", ""));
  ASSERT_EQ(made->status, 201) << made->body;
  const auto read = get(newer + "/foo");
  EXPECT_EQ(read->json().at("spec").at("signerName"), "kubernetes.io/legacy-unknown");
  EXPECT_EQ(read->json().at("spec").at("usages").as_array().size(), 2u);
  const auto approved =
      send("PATCH", older + "/foo/approval",
           R"({"status":{"conditions":[{"type":"Approved","status":"True","reason":"x"}]}})",
           {{"Content-Type", "application/merge-patch+json"}});
  EXPECT_EQ(approved->status, 200) << approved->body;
  EXPECT_EQ(
      send("POST", newer,
           request("v1", R"(,"signerName":"kubernetes.io/legacy-unknown","usages":["any"])"))
          ->message(),
      R"(CertificateSigningRequest.certificates.k8s.io "foo" is invalid: spec.signerName: )"
      R"(Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed )"
      R"(via this API version)");
}

TEST_F(FrontTest, OlderRequestsForCertificatesAreFilledHoweverTheyCome) {
  const std::string pem = "-----BEGIN CERTIFICATE REQUEST-----\n";
  const std::string base64 = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURSBSRVFVRVNULS0tLS0K";
  const std::string all = "/apis/certificates.k8s.io/";
  const auto path = [&](const std::string& version) {
    return all + version + "/certificatesigningrequests";
  };
  const auto apply = [&](const std::string& version, const std::string& name,
                         const std::string& more) {
    return send("PATCH", path(version) + "/" + name + "?fieldManager=me",
                "apiVersion: certificates.k8s.io/" + version +
                    "\nkind: CertificateSigningRequest\nmetadata: "
                    "{name: " +
                    name + "}\nspec: {request: " + base64 + more + "}\n",
                {{"Content-Type", "application/apply-patch+yaml"}});
  };
  const auto filled = [&](const std::string& name) {
    const auto spec = get(path("v1") + "/" + name)->json().at("spec");
    EXPECT_EQ(spec.at("signerName"), "kubernetes.io/legacy-unknown");
    EXPECT_EQ(spec.at("usages").as_array().size(), 2u);
  };
  const auto applied = apply("v1beta1", "applied", "");
  ASSERT_EQ(applied->status, 201) << applied->body;
  filled("applied");
  EXPECT_EQ(apply("v1beta1", "applied", "")->status, 200);

  api::CertificateSigningRequest sent;
  sent.mutable_metadata()->set_name("binary");
  sent.mutable_spec()->set_request(pem);
  google::protobuf::UnknownFieldSet type, envelope;
  type.AddLengthDelimited(1, "certificates.k8s.io/v1beta1");
  type.AddLengthDelimited(2, "CertificateSigningRequest");
  std::string type_meta, bytes;
  type.SerializeToString(&type_meta);
  envelope.AddLengthDelimited(1, type_meta);
  envelope.AddLengthDelimited(2, sent.SerializeAsString());
  envelope.SerializeToString(&bytes);
  const auto binary = send("POST", path("v1beta1"), std::string("k8s\0", 4) + bytes,
                           {{"Content-Type", "application/vnd.kubernetes.protobuf"}});
  ASSERT_EQ(binary->status, 201) << binary->body;
  filled("binary");

  // A condition of the older version holds, unless it says otherwise.
  const auto approved = send("PATCH", path("v1beta1") + "/binary/approval",
                             R"({"status":{"conditions":[{"type":"Approved","reason":"x"}]}})",
                             {{"Content-Type", "application/merge-patch+json"}});
  EXPECT_EQ(approved->status, 200) << approved->body;

  // Nobody makes one for the legacy signer under the newer version, but what is there can be
  // applied.
  const std::string legacy =
      ", signerName: kubernetes.io/legacy-unknown, usages: [digital signature, key encipherment]";
  const auto refused = apply("v1", "new", legacy);
  EXPECT_EQ(refused->status, 422) << refused->body;
  EXPECT_NE(refused->message().find("the legacy signerName is not allowed via this API version"),
            std::string::npos);
  const auto again = apply("v1", "applied", legacy);
  EXPECT_EQ(again->status, 200) << again->body;
}

TEST_F(FrontTest, OlderReviewsAskAboutAGroup) {
  const auto answer = send("POST", "/apis/authorization.k8s.io/v1beta1/subjectaccessreviews",
                           R"({"apiVersion":"authorization.k8s.io/v1beta1",)"
                           R"("kind":"SubjectAccessReview","spec":{"user":"bob","group":["g"],)"
                           R"("nonResourceAttributes":{"path":"/","verb":"get"}}})");
  EXPECT_EQ(answer->status, 201) << answer->body;
  EXPECT_EQ(answer->json().at("apiVersion"), "authorization.k8s.io/v1beta1");
  EXPECT_EQ(answer->json().at("spec").at("group").at(0), "g");
  EXPECT_EQ(answer->json().at("status").at("allowed"), true);
  EXPECT_EQ(answer->header("Warning"),
            "299 - \"authorization.k8s.io/v1beta1 SubjectAccessReview is deprecated in v1.19+, "
            "unavailable in v1.22+; use authorization.k8s.io/v1 SubjectAccessReview\"");
}

TEST_F(FrontTest, EventsInProtobufUnderTheirOtherName) {
  using google::protobuf::UnknownFieldSet;
  api::ObjectMeta meta;
  meta.set_name("e");
  api::ObjectReference regarding;
  regarding.set_kind("Pod");
  regarding.set_namespace_("default");
  regarding.set_name("web");
  api::Event times;
  times.mutable_event_time()->set_seconds(1505828956);
  UnknownFieldSet event, type, envelope;
  event.AddLengthDelimited(1, meta.SerializeAsString());
  event.AddLengthDelimited(2, times.event_time().SerializeAsString());
  event.AddLengthDelimited(4, "test-controller");
  event.AddLengthDelimited(5, "test-node");
  event.AddLengthDelimited(6, "Do");
  event.AddLengthDelimited(7, "Test");
  event.AddLengthDelimited(8, regarding.SerializeAsString());
  event.AddLengthDelimited(10, "a note");
  event.AddLengthDelimited(11, "Normal");
  event.AddVarint(15, 3);
  type.AddLengthDelimited(1, "events.k8s.io/v1");
  type.AddLengthDelimited(2, "Event");
  std::string raw, type_meta, bytes;
  event.SerializeToString(&raw);
  type.SerializeToString(&type_meta);
  envelope.AddLengthDelimited(1, type_meta);
  envelope.AddLengthDelimited(2, raw);
  envelope.SerializeToString(&bytes);
  const std::string events = "/apis/events.k8s.io/v1/namespaces/default/events";
  const auto made = send("POST", events, std::string("k8s\0", 4) + bytes,
                         {{"Content-Type", "application/vnd.kubernetes.protobuf"}});
  ASSERT_EQ(made->status, 201) << made->body;
  EXPECT_EQ(made->json().at("note"), "a note");
  EXPECT_EQ(made->json().at("regarding").at("name"), "web");
  EXPECT_EQ(made->json().at("reportingController"), "test-controller");
  EXPECT_EQ(made->json().at("deprecatedCount"), 3);
  EXPECT_EQ(get("/api/v1/namespaces/default/events/e")->json().at("reportingInstance"), "test-node");

  // Answers have the version's numbers as well, single ones and in lists.
  const auto opened = [&](const std::string& target) {
    const auto answer = get(target, "application/vnd.kubernetes.protobuf");
    EXPECT_EQ(answer->status, 200);
    auto body = api::open_protobuf(answer->body);
    EXPECT_TRUE(body.ok());
    EXPECT_EQ(body->api_version, "events.k8s.io/v1");
    return body->raw;
  };
  const auto check = [](const std::string& message) {
    UnknownFieldSet fields;
    EXPECT_TRUE(fields.ParseFromString(message));
    std::map<int, std::string> texts;
    for (int i = 0; i < fields.field_count(); ++i) {
      const auto& field = fields.field(i);
      if (field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
        texts[field.number()] += field.length_delimited();  // metadata comes in two parts
      } else if (field.number() == 15) {
        EXPECT_EQ(field.varint(), 3u);
      }
    }
    EXPECT_EQ(texts[4], "test-controller");
    EXPECT_EQ(texts[7], "Test");
    EXPECT_EQ(texts[10], "a note");
    EXPECT_EQ(texts[11], "Normal");
    api::ObjectReference about;
    EXPECT_TRUE(about.ParseFromString(texts[8]));
    EXPECT_EQ(about.name(), "web");
    api::ObjectMeta named;
    EXPECT_TRUE(named.ParseFromString(texts[1]));
    EXPECT_EQ(named.name(), "e");
  };
  check(opened(events + "/e"));
  UnknownFieldSet list;
  ASSERT_TRUE(list.ParseFromString(opened(events)));
  ASSERT_EQ(list.field_count(), 2);
  check(list.field(1).length_delimited());

  // Selectors name fields as the version does.
  const auto count = [&](const std::string& selector) {
    const auto list = get(events + "?fieldSelector=" + selector);
    EXPECT_EQ(list->status, 200) << list->body;
    return list->json().at("items").as_array().size();
  };
  EXPECT_EQ(count("reportingController=test-controller,regarding.name%3Dweb"), 1u);
  EXPECT_EQ(count("reportingController!=test-controller"), 0u);
  EXPECT_EQ(count("regarding.name=other,type=Normal"), 0u);
}

TEST_F(FrontTest, PatchesUnderOlderNamesOfVersions) {
  const std::string budget = "/apis/policy/v1beta1/namespaces/default/poddisruptionbudgets/b";
  const std::string config = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\n"
                             "metadata: {name: b}\nspec: {minAvailable: 2}\n";
  const auto applied = send("PATCH", budget + "?fieldManager=me", config,
                            {{"Content-Type", "application/apply-patch+yaml"}});
  EXPECT_EQ(applied->status, 201) << applied->body;
  EXPECT_EQ(applied->json().at("apiVersion"), "policy/v1beta1");
  EXPECT_EQ(send("PATCH", budget, R"({"apiVersion":"policy/v1beta1","spec":{"minAvailable":3}})",
                 {{"Content-Type", "application/merge-patch+json"}})
                ->json()
                .at("spec")
                .at("minAvailable"),
            3);
  EXPECT_EQ(send("PATCH", budget, R"({"apiVersion":"policy/v7","spec":{}})",
                 {{"Content-Type", "application/merge-patch+json"}})
                ->status,
            400);

  send("POST", "/api/v1/namespaces/default/events",
       R"({"metadata":{"name":"e"},"involvedObject":{"namespace":"default"},"message":"old"})");
  const std::string event = "/apis/events.k8s.io/v1/namespaces/default/events/e";
  EXPECT_EQ(send("PATCH", event, R"({"note":"new"})",
                 {{"Content-Type", "application/strategic-merge-patch+json"}})
                ->json()
                .at("note"),
            "new");
  const auto patched = send("PATCH", event, R"([{"op":"replace","path":"/note","value":"newest"}])",
                            {{"Content-Type", "application/json-patch+json"}});
  EXPECT_EQ(patched->status, 200) << patched->body;
  EXPECT_EQ(get("/api/v1/namespaces/default/events/e")->json().at("message"), "newest");
}

TEST_F(FrontTest, PatchesThatHaveAMemberTwiceUnderOtherNamesOfVersions) {
  send("POST", "/api/v1/namespaces/default/events",
       R"({"metadata":{"name":"e"},"involvedObject":{"namespace":"default"},"message":"old"})");
  const std::string event = "/apis/events.k8s.io/v1/namespaces/default/events/e";
  const auto patch = [&](const std::string& validation, const std::string& body,
                         const std::string& type = "application/merge-patch+json") {
    return send("PATCH", event + "?fieldManager=me&fieldValidation=" + validation, body,
                {{"Content-Type", type}});
  };
  const std::string twice = R"({"apiVersion":"events.k8s.io/v1","note":"a","note":"b"})";
  const auto strict = patch("Strict", twice);
  EXPECT_EQ(strict->status, 422);
  EXPECT_TRUE(strict->message().ends_with(R"(: strict decoding error: duplicate field "note")"))
      << strict->message();
  EXPECT_EQ(get(event)->json().at("note"), "old");
  const auto ignored = patch("Ignore", twice);
  EXPECT_EQ(ignored->status, 200) << ignored->body;
  EXPECT_EQ(ignored->json().at("note"), "b");
  EXPECT_EQ(ignored->header("Warning"), "");
  const auto warned = patch("Warn", R"({"note":"c","note":"d"})");
  EXPECT_EQ(warned->json().at("note"), "d");
  EXPECT_EQ(warned->header("Warning"), R"(299 - "duplicate field \"note\"")");
  const auto applied =
      patch("Strict", "apiVersion: events.k8s.io/v1\nkind: Event\nnote: a\nnote: b\n",
            "application/apply-patch+yaml");
  EXPECT_EQ(applied->status, 400);
  EXPECT_TRUE(applied->message().starts_with("error strict decoding YAML: ")) << applied->message();
}

TEST_F(FrontTest, JsonPatchesBringValuesOfTheirVersion) {
  const std::string slices = "/apis/discovery.k8s.io/v1beta1/namespaces/default/endpointslices";
  const auto made =
      send("POST", slices,
           R"({"metadata":{"name":"s"},"addressType":"IPv4","endpoints":[],"ports":[]})");
  ASSERT_EQ(made->status, 201) << made->body;
  const auto patch = [&](const std::string& path, const std::string& body) {
    const auto answer =
        send("PATCH", path, body, {{"Content-Type", "application/json-patch+json"}});
    EXPECT_EQ(answer->status, 200) << answer->body;
    EXPECT_EQ(answer->header("Warning").find("unknown field"), std::string::npos);
    return answer->json();
  };
  const std::string endpoint = R"({"addresses":["10.0.0.1"],"topology":{"a":"b"}})";
  auto slice =
      patch(slices + "/s", R"([{"op":"test","path":"/apiVersion","value":)"
                           R"("discovery.k8s.io/v1beta1"},{"op":"add","path":"/endpoints",)"
                           R"("value":[)" +
                               endpoint + "]}]");
  EXPECT_EQ(slice.at("endpoints").at(0).at("topology").at("a"), "b");
  const std::string first = boost::json::serialize(slice.at("endpoints").at(0));
  slice = patch(slices + "/s",
                R"([{"op":"add","path":"/endpoints/-","value":)" + endpoint +
                    R"(},{"op":"test","path":"/endpoints/0","value":)" + first +
                    R"(},{"op":"replace","path":"/endpoints/1/topology/a","value":"c"}])");
  EXPECT_EQ(slice.at("endpoints").at(0).at("topology").at("a"), "b");
  EXPECT_EQ(slice.at("endpoints").at(1).at("topology").at("a"), "c");
  // The whole document is a place, too.
  slice.as_object()["endpoints"].as_array().pop_back();
  slice = patch(slices + "/s",
                R"([{"op":"replace","path":"","value":)" + boost::json::serialize(slice) + "}]");
  ASSERT_EQ(slice.at("endpoints").as_array().size(), 1u);
  EXPECT_EQ(slice.at("endpoints").at(0).at("topology").at("a"), "b");
}

}  // namespace
}  // namespace keelson::test
