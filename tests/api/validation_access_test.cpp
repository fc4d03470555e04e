// Roles, bindings, requests for certificates, revisions.
#include "core/api/aggregation.hpp"
#include "core/api/json.hpp"
#include "core/api/selector.hpp"
#include "tests/api/validation_support.hpp"

namespace keelson::api {
namespace {

using Lines = std::vector<std::string>;

TEST(RoleValidation, RulesAreAboutResourcesOrPaths) {
  const auto role = [](const std::string& rule) {
    return causes(created(
        made<Role>(R"(metadata { name: "r" namespace: "default" } rules { )" + rule + " }")));
  };
  EXPECT_EQ(role(R"(verbs: "get" api_groups: "" resources: "pods")"), Lines{});
  EXPECT_EQ(role(""),
            (Lines{"rules[0].verbs: Required value: verbs must contain at least one value",
                   "rules[0].apiGroups: Required value: resource rules must supply at "
                   "least one api group",
                   "rules[0].resources: Required value: resource rules must supply at "
                   "least one resource"}));
  EXPECT_EQ(role(R"(verbs: "get" non_resource_urls: "/x")"),
            Lines{"rules[0].nonResourceURLs: Invalid value: []string{\"/x\"}: namespaced rules "
                  "cannot apply to non-resource URLs"});
  const auto cluster = made<ClusterRole>(
      R"(metadata { name: "system:r" }
         rules { verbs: "get" non_resource_urls: "/x" resources: "pods" api_groups: "" })");
  EXPECT_EQ(
      causes(created(cluster)),
      Lines{"rules[0].nonResourceURLs: Invalid value: []string{\"/x\"}: rules cannot apply to "
            "both regular resources and non-resource URLs"});
}

TEST(RoleValidation, NamesAreAlmostFree) {
  EXPECT_TRUE(created(made<ClusterRole>(R"(metadata { name: "system:Some:Role" })")).ok());
  EXPECT_EQ(causes(created(made<ClusterRole>(R"(metadata { name: "a/b" })"))),
            Lines{"metadata.name: Invalid value: \"a/b\": may not contain '/'"});
}

constexpr const char* kBinding = R"(metadata { name: "b" namespace: "default" }
    role_ref { kind: "Role" name: "r" } subjects { kind: "User" name: "jane" })";

TEST(BindingValidation, DefaultsAndSubjects) {
  const auto binding = made<RoleBinding>(kBinding);
  EXPECT_EQ(binding.role_ref().api_group(), "rbac.authorization.k8s.io");
  EXPECT_EQ(binding.subjects(0).api_group(), "rbac.authorization.k8s.io");
  EXPECT_TRUE(created(binding).ok());
  auto wrong = binding;
  wrong.mutable_role_ref()->set_kind("Pod");
  wrong.mutable_subjects(0)->set_kind("Robot");
  EXPECT_EQ(causes(created(wrong)),
            (Lines{"roleRef.kind: Unsupported value: \"Pod\": supported values: \"Role\", "
                   "\"ClusterRole\"",
                   "subjects[0].kind: Unsupported value: \"Robot\": supported values: "
                   "\"ServiceAccount\", \"User\", \"Group\""}));
  const auto cluster = made<ClusterRoleBinding>(R"(metadata { name: "b" }
      role_ref { kind: "Role" name: "" } subjects { kind: "ServiceAccount" name: "a" })");
  EXPECT_EQ(causes(created(cluster)),
            (Lines{"roleRef.kind: Unsupported value: \"Role\": supported values: \"ClusterRole\"",
                   "roleRef.name: Required value", "subjects[0].namespace: Required value"}));
}

TEST(BindingValidation, TheRoleStays) {
  const auto before = made<RoleBinding>(kBinding);
  auto now = before;
  now.mutable_role_ref()->set_name("other");
  const Lines lines = causes(updated(now, before));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_TRUE(lines[0].ends_with("cannot change roleRef")) << lines[0];
}

CertificateSigningRequest valid_request() {
  return made<CertificateSigningRequest>(R"(metadata { name: "c" } spec {
      request: "-----BEGIN CERTIFICATE REQUEST-----" signer_name: "example.com/x"
      usages: "client auth" })");
}

TEST(SigningRequestValidation, Spec) {
  EXPECT_TRUE(created(valid_request()).ok());
  auto wrong = valid_request();
  wrong.mutable_spec()->set_request("no");
  wrong.mutable_spec()->add_usages("fun");
  wrong.mutable_spec()->add_usages("client auth");
  wrong.mutable_spec()->set_signer_name("nobody");
  wrong.mutable_spec()->set_expiration_seconds(5);
  const Lines lines = causes(created(wrong));
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_EQ(lines[0],
            "spec.request: Invalid value: []byte{0x6e, 0x6f}: PEM block type must be CERTIFICATE "
            "REQUEST");
  EXPECT_TRUE(lines[1].starts_with("spec.usages[1]: Unsupported value: \"fun\""));
  EXPECT_EQ(lines[2], "spec.usages[2]: Duplicate value: \"client auth\"");
  EXPECT_EQ(lines[3],
            "spec.signerName: Invalid value: \"nobody\": must be a fully qualified domain and path "
            "of the form 'example.com/signer-name'");
  EXPECT_EQ(lines[4],
            "spec.expirationSeconds: Invalid value: 5: may not specify a duration less than 600 "
            "seconds (10 minutes)");
}

TEST(SigningRequestValidation, VerdictsAreForGood) {
  const auto before = valid_request();
  auto approved = before;
  auto& condition = *approved.mutable_status()->add_conditions();
  condition.set_type("Approved");
  condition.set_status("True");
  EXPECT_TRUE(status_updated(approved, before).ok());
  EXPECT_EQ(causes(status_updated(before, approved)),
            Lines{"status.conditions: Forbidden: updates may not remove a condition of type "
                  "\"Approved\""});
  auto both = approved;
  *both.mutable_status()->add_conditions() = condition;
  both.mutable_status()->mutable_conditions(1)->set_type("Denied");
  EXPECT_EQ(causes(status_updated(both, approved)),
            Lines{"status.conditions[1].type: Invalid value: \"Denied\": Approved and Denied "
                  "conditions are mutually exclusive"});
  auto unsure = before;
  auto& doubt = *unsure.mutable_status()->add_conditions();
  doubt.set_type("Approved");
  doubt.set_status("False");
  EXPECT_EQ(causes(status_updated(unsure, before)),
            Lines{"status.conditions[0].status: Unsupported value: \"False\": supported values: "
                  "\"True\""});
}

TEST(SigningRequestValidation, AreSelectedByTheirSigner) {
  const auto object = make_object(valid_request());
  const auto selector =
      FieldSelector::parse(Kind::certificate_signing_requests, "spec.signerName=example.com/x");
  ASSERT_TRUE(selector.ok());
  EXPECT_TRUE(selector->matches(*object));
}

TEST(RevisionValidation, DataStays) {
  const auto before = made<ControllerRevision>(
      R"(metadata { name: "r" namespace: "default" } data { raw: "{\"a\":1}" } revision: 1)");
  EXPECT_TRUE(created(before).ok());
  auto now = before;
  now.set_revision(2);
  EXPECT_TRUE(updated(now, before).ok());
  now.mutable_data()->set_raw("{}");
  EXPECT_FALSE(updated(now, before).ok());
  EXPECT_EQ(encode_object(*make_object(before)),
            R"({"kind":"ControllerRevision","apiVersion":"apps/v1","metadata":{"name":"r",)"
            R"("namespace":"default","creationTimestamp":null},"data":{"a":1},"revision":1})");
}

TEST(Aggregation, FollowsLabelsAndEndsInCircles) {
  const auto role = [](const std::string& name, const std::string& label,
                       const std::string& collects, const std::string& verb) {
    ClusterRole role;
    role.mutable_metadata()->set_name(name);
    (*role.mutable_metadata()->mutable_labels())[label] = "true";
    if (!verb.empty()) role.add_rules()->add_verbs(verb);
    if (!collects.empty()) {
      (*role.mutable_aggregation_rule()
            ->add_cluster_role_selectors()
            ->mutable_match_labels())[collects] = "true";
    }
    return role;
  };
  const ClusterRole a = role("a", "to-b", "to-a", "ignored");
  const ClusterRole b = role("b", "to-a", "to-b", "");
  const ClusterRole c = role("c", "to-b", "", "get");
  const ClusterRole d = role("d", "to-a", "", "get");
  const ClusterRole* all[] = {&a, &b, &c, &d};
  const PolicyRules rules = effective_rules(a, all);
  ASSERT_EQ(rules.size(), 1);
  EXPECT_EQ(rules[0].verbs(0), "get");
}

}  // namespace
}  // namespace keelson::api
