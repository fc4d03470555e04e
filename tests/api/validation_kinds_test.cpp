// Metadata, and the smaller kinds.
#include "tests/api/validation_support.hpp"

namespace keelson::api {
namespace {

using Lines = std::vector<std::string>;

Lines meta_errors(const std::string& meta) {
  return causes(
      created(made<ConfigMap>(R"(metadata { name: "m" namespace: "default" )" + meta + " }")));
}

TEST(Metadata, NamesFollowTheKind) {
  EXPECT_TRUE(created(made<ConfigMap>(R"(metadata { name: "a.b" namespace: "n" })")).ok());
  EXPECT_EQ(causes(created(made<Namespace>(R"(metadata { name: "a.b" })"))),
            Lines{"metadata.name: Invalid value: \"a.b\": must not contain dots"});
  EXPECT_TRUE(created(made<Event>(R"(metadata { name: "Pod.17e_X" namespace: "default" })")).ok());
  EXPECT_EQ(causes(created(made<Event>(R"(metadata { name: "a/b" namespace: "default" })"))),
            Lines{"metadata.name: Invalid value: \"a/b\": may not contain '/'"});
}

TEST(Metadata, NamespaceGoesWithScope) {
  EXPECT_EQ(causes(created(made<ConfigMap>(R"(metadata { name: "a" })"))),
            Lines{"metadata.namespace: Required value"});
  EXPECT_EQ(causes(created(made<Node>(R"(metadata { name: "a" namespace: "n" })"))),
            Lines{"metadata.namespace: Forbidden: not allowed on this type"});
}

TEST(Metadata, GenerateNameMayEndInADash) {
  EXPECT_EQ(meta_errors(R"(generate_name: "gen-")"), Lines{});
  EXPECT_EQ(meta_errors(R"(generate_name: "Gen-")").size(), 1u);
}

TEST(Metadata, AThousandErrorsAreEnough) {
  ConfigMap map = made<ConfigMap>(R"(metadata { name: "m" namespace: "default" })");
  for (int i = 0; i < 1200; ++i) {
    (*map.mutable_metadata()->mutable_labels())["!" + std::to_string(i)] = "";
  }
  const ApiError error = created(map);
  EXPECT_EQ(error.causes.size(), 1000U);
  EXPECT_TRUE(error.message.ends_with(", and 200 more]"));
}

TEST(Metadata, Annotations) {
  EXPECT_EQ(meta_errors(R"(annotations { key: "Example.com/Key" value: "any thing" })"), Lines{});
  EXPECT_EQ(meta_errors(R"(annotations { key: "a b" value: "" })").size(), 1u);
  ConfigMap map = made<ConfigMap>(R"(metadata { name: "m" namespace: "default" })");
  (*map.mutable_metadata()->mutable_annotations())["k"] = std::string(262143, 'x');
  EXPECT_TRUE(created(map).ok());
  (*map.mutable_metadata()->mutable_annotations())["k"] += 'x';
  EXPECT_EQ(causes(created(map)),
            Lines{"metadata.annotations: Too long: must have at most 262144 bytes"});
}

TEST(Metadata, Owners) {
  const std::string owner = R"(owner_references { api_version: "apps/v1" kind: "ReplicaSet"
                                                  name: "r" uid: "1" controller: true })";
  EXPECT_EQ(meta_errors(owner), Lines{});
  Lines two = meta_errors(owner + owner);
  ASSERT_EQ(two.size(), 1u);
  EXPECT_TRUE(
      two[0].ends_with("Only one reference can have Controller set to true. Found \"true\" "
                       "in references for ReplicaSet/r and ReplicaSet/r"));
  EXPECT_EQ(meta_errors("owner_references { }"),
            (Lines{"metadata.ownerReferences.apiVersion: Invalid value: \"\": version must not be "
                   "empty",
                   "metadata.ownerReferences.kind: Invalid value: \"\": must not be empty",
                   "metadata.ownerReferences.name: Invalid value: \"\": must not be empty",
                   "metadata.ownerReferences.uid: Invalid value: \"\": must not be empty"}));
}

TEST(Metadata, Finalizers) {
  EXPECT_EQ(meta_errors(R"(finalizers: "orphan" finalizers: "example.com/x")"), Lines{});
  EXPECT_EQ(meta_errors(R"(finalizers: "x")"),
            Lines{"metadata.finalizers: Invalid value: \"x\": name is neither a standard finalizer "
                  "name nor is it fully qualified"});
  EXPECT_EQ(meta_errors(R"(finalizers: "orphan" finalizers: "foregroundDeletion")"),
            Lines{"metadata.finalizers: Invalid value: []string{\"orphan\", "
                  "\"foregroundDeletion\"}: finalizer orphan and foregroundDeletion cannot be both "
                  "set"});
}

TEST(Metadata, ManagedFields) {
  EXPECT_EQ(meta_errors(R"(managed_fields { operation: "Update" fields_type: "FieldsV1" })"),
            Lines{});
  EXPECT_EQ(meta_errors(R"(managed_fields { operation: "Write" })"),
            Lines{"metadata.managedFields[0].operation: Invalid value: \"Write\": must be `Apply` "
                  "or `Update`"});
}

TEST(ConfigMapValidation, Keys) {
  auto map = made<ConfigMap>(R"(metadata { name: "m" namespace: "default" }
                                data { key: "a" value: "1" } data { key: ".." value: "" }
                                binary_data { key: "a" value: "1" })");
  EXPECT_EQ(causes(created(map)),
            (Lines{"data[..]: Invalid value: \"..\": must not be '..'",
                   "data[a]: Invalid value: \"a\": duplicate of key present in binaryData"}));
}

TEST(ConfigMapValidation, SizeAndImmutability) {
  auto map = made<ConfigMap>(R"(metadata { name: "m" namespace: "default" } immutable: true)");
  (*map.mutable_data())["a"] = std::string(1 << 20, 'x');
  EXPECT_TRUE(created(map).ok());
  auto now = map;
  (*now.mutable_data())["b"] = "y";
  now.clear_immutable();
  EXPECT_EQ(causes(updated(now, map)),
            (Lines{"immutable: Forbidden: field is immutable when `immutable` is set",
                   "data: Forbidden: field is immutable when `immutable` is set",
                   "[]: Too long: must have at most 1048576 bytes"}));
}

TEST(SecretValidation, TypesNeedTheirKeys) {
  auto errors = [](const std::string& text) {
    return causes(created(made<Secret>(R"(metadata { name: "s" namespace: "default" } )" + text)));
  };
  EXPECT_EQ(errors(""), Lines{});
  EXPECT_EQ(errors(R"(type: "kubernetes.io/tls" data { key: "tls.crt" value: "x" })"),
            Lines{"data[tls.key]: Required value"});
  EXPECT_EQ(errors(R"(type: "kubernetes.io/dockerconfigjson"
                      data { key: ".dockerconfigjson" value: "x" })"),
            Lines{"data[.dockerconfigjson]: Invalid value: \"<secret contents redacted>\": must be "
                  "a JSON object"});
  auto before = made<Secret>(R"(metadata { name: "s" namespace: "default" } type: "a")");
  auto now = before;
  now.set_type("b");
  EXPECT_EQ(causes(updated(now, before)), Lines{"type: Invalid value: \"b\": field is immutable"});
}

TEST(NodeValidation, Taints) {
  auto errors = [](const std::string& spec) {
    return causes(created(made<Node>(R"(metadata { name: "n" } spec { )" + spec + " }")));
  };
  EXPECT_EQ(errors(R"(taints { key: "a" effect: "NoSchedule" }
                      taints { key: "a" effect: "NoExecute" })"),
            Lines{});
  EXPECT_EQ(
      errors(R"(taints { key: "a" effect: "NoSchedule" }
                      taints { key: "a" effect: "NoSchedule" value: "x" })"),
      Lines{"metadata.taints[1]: Duplicate value: core.Taint{Key:\"a\", Value:\"x\", "
            "Effect:\"NoSchedule\", TimeAdded:<nil>}: taints must be unique by key and effect "
            "pair"});
  EXPECT_EQ(errors(R"(taints { key: "a" })"), Lines{"metadata.taints[0].effect: Required value"});
}

TEST(NodeValidation, SomeFieldsAreGivenOnce) {
  auto before = made<Node>(R"(metadata { name: "n" })");
  auto now = before;
  now.mutable_spec()->set_provider_id("p://1");
  now.mutable_spec()->set_pod_cidr("10.1.0.0/24");
  now.mutable_spec()->add_pod_cidrs("10.1.0.0/24");
  EXPECT_TRUE(updated(now, before).ok());
  auto later = now;
  later.mutable_spec()->set_provider_id("p://2");
  later.mutable_spec()->set_pod_cidrs(0, "10.2.0.0/24");
  EXPECT_EQ(causes(updated(later, now)),
            (Lines{"spec.podCIDRs: Forbidden: node updates may not change podCIDR except from \"\" "
                   "to valid",
                   "spec.providerID: Forbidden: node updates may not change providerID except from "
                   "\"\" to valid"}));
}

TEST(NodeValidation, Quantities) {
  auto node = made<Node>(R"(metadata { name: "n" }
      status { capacity { key: "pods" value { string: "110" } }
               capacity { key: "cpu" value { string: "-4" } }
               allocatable { key: "cpu" value { string: "4" } } })");
  EXPECT_EQ(causes(status_updated(node, node)),
            Lines{"status.capacity[cpu]: Invalid value: \"-4\": must be greater than or equal to "
                  "0"});
}

TEST(NamespaceValidation, PhaseFollowsDeletion) {
  auto before = made<Namespace>(R"(metadata { name: "n" })");
  auto now = before;
  now.mutable_status()->set_phase("Terminating");
  EXPECT_EQ(causes(status_updated(now, before)),
            Lines{"status.Phase: Invalid value: \"Terminating\": may only be 'Active' if "
                  "`deletionTimestamp` is empty"});
  before.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1);
  now.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1);
  EXPECT_TRUE(status_updated(now, before).ok());
}

TEST(DisruptionBudgetValidation, OneBoundOnly) {
  auto errors = [](const std::string& spec) {
    return causes(created(made<PodDisruptionBudget>(
        R"(metadata { name: "b" namespace: "default" } spec { )" + spec + " }")));
  };
  EXPECT_EQ(errors("min_available { int_val: 1 }"), Lines{});
  EXPECT_EQ(errors("min_available { type: 1 str_val: '101%' }"),
            Lines{"spec.minAvailable: Invalid value: intstr.IntOrString{Type:1, IntVal:0, "
                  "StrVal:\"101%\"}: must not be greater than 100%"});
  EXPECT_EQ(errors("max_unavailable { int_val: -1 }"),
            Lines{"spec.maxUnavailable: Invalid value: -1: must be greater than or equal to 0"});
  Lines both = errors("min_available { int_val: 1 } max_unavailable { int_val: 1 }");
  ASSERT_EQ(both.size(), 1u);
  EXPECT_TRUE(both[0].ends_with("minAvailable and maxUnavailable cannot be both set"));
}

TEST(PriorityClassValidation, SystemRangeAndImmutability) {
  auto errors = [](const std::string& text) { return causes(created(made<PriorityClass>(text))); };
  EXPECT_EQ(errors(R"(metadata { name: "p" } value: 1000000000)"), Lines{});
  EXPECT_EQ(errors(R"(metadata { name: "system-node-critical" } value: 2000001000)"), Lines{});
  EXPECT_EQ(errors(R"(metadata { name: "p" } value: 1000000001)"),
            Lines{"value: Forbidden: maximum allowed value of a user defined priority is "
                  "1000000000"});
  EXPECT_EQ(errors(R"(metadata { name: "system-mine" })"),
            Lines{"metadata.name: Forbidden: priority class names with 'system-' prefix are "
                  "reserved for system use only"});
  auto before = made<PriorityClass>(R"(metadata { name: "p" } value: 1)");
  auto now = made<PriorityClass>(R"(metadata { name: "p" } value: 2 preemption_policy: "Never")");
  EXPECT_EQ(causes(updated(now, before)),
            (Lines{"value: Forbidden: may not be changed in an update.",
                   "preemptionPolicy: Invalid value: \"Never\": field is immutable"}));
}

TEST(LeaseValidation, DurationsArePositive) {
  EXPECT_EQ(causes(created(made<Lease>(R"(metadata { name: "l" namespace: "default" }
      spec { lease_duration_seconds: 0 lease_transitions: -1 })"))),
            (Lines{"spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
                   "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to "
                   "0"}));
}

TEST(EventValidation, LivesWithItsObject) {
  auto errors = [](const std::string& text) { return causes(created(made<Event>(text))); };
  EXPECT_EQ(errors(R"(metadata { name: "e" namespace: "a" } involved_object { namespace: "a" })"),
            Lines{});
  EXPECT_EQ(errors(R"(metadata { name: "e" namespace: "a" } involved_object { namespace: "b" })"),
            Lines{"involvedObject.namespace: Invalid value: \"b\": does not match "
                  "event.namespace"});
  EXPECT_EQ(errors(R"(metadata { name: "e" namespace: "a" })"),
            Lines{"involvedObject.namespace: Invalid value: \"\": does not match event.namespace"});
}

}  // namespace
}  // namespace keelson::api
