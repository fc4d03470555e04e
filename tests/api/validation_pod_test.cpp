// Pods: creation, worded as a Kubernetes 1.20 API server words it.
#include "tests/api/validation_support.hpp"

namespace keelson::api {
namespace {

using Lines = std::vector<std::string>;

// The causes that appear when `text` is merged into a valid pod.
Lines spoiled(const std::string& text) {
  Pod pod = valid_pod();
  pod.MergeFrom(parsed<Pod>(text));
  apply_defaults(Kind::pods, pod);
  return causes(created(pod));
}
// ... into its only container.
Lines spoiled_container(const std::string& text) {
  Pod pod = valid_pod();
  pod.mutable_spec()->mutable_containers(0)->MergeFrom(parsed<Container>(text));
  apply_defaults(Kind::pods, pod);
  return causes(created(pod));
}

TEST(PodValidation, AValidPodIsValid) {
  ApiError error = created(valid_pod());
  EXPECT_TRUE(error.ok()) << error.message;
}

TEST(PodValidation, NeedsContainers) {
  ApiError error = created(made<Pod>(R"(metadata { name: "x" namespace: "default" })"));
  EXPECT_EQ(error.reason, Reason::invalid);
  EXPECT_EQ(error.message, "Pod \"x\" is invalid: spec.containers: Required value");
  EXPECT_EQ(error.kind, "Pod");
  EXPECT_EQ(error.group, "");
  EXPECT_EQ(error.name, "x");
  ASSERT_EQ(error.causes.size(), 1u);
  EXPECT_EQ(error.causes[0].reason, "FieldValueRequired");
  EXPECT_EQ(error.causes[0].message, "Required value");
  EXPECT_EQ(error.causes[0].field, "spec.containers");
}

TEST(PodValidation, NeedsAName) {
  ApiError error = created(made<Pod>(
      R"(metadata { namespace: "default" } spec { containers { name: "c" image: "i" } })"));
  EXPECT_EQ(error.message,
            "Pod \"\" is invalid: metadata.name: Required value: name or generateName is required");
}

// The answer of a real server to the same object, in full.
TEST(PodValidation, ReportsAllErrorsInOrder) {
  ApiError error = created(made<Pod>(R"(
      metadata { name: "x" namespace: "default" labels { key: "a b" value: "c/d" } }
      spec {
        restart_policy: "Sometimes"
        containers { name: "c" }
        containers { name: "c" image: "i" ports { container_port: 70000 }
                     resources { requests { key: "cpu" value { string: "2" } }
                                 limits { key: "cpu" value { string: "1" } } } }
      })"));
  EXPECT_EQ(
      error.message,
      "Pod \"x\" is invalid: [metadata.labels: Invalid value: \"a b\": name part must consist of "
      "alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
      "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
      "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'), metadata.labels: Invalid value: \"c/d\": a "
      "valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
      "and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or "
      "'12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?'), "
      "spec.containers[0].image: Required value, spec.containers[1].name: Duplicate value: \"c\", "
      "spec.containers[1].ports[0].containerPort: Invalid value: 70000: must be between 1 and "
      "65535, inclusive, spec.containers[1].resources.requests: Invalid value: \"2\": must be less "
      "than or equal to cpu limit, spec.restartPolicy: Unsupported value: \"Sometimes\": supported "
      "values: \"Always\", \"OnFailure\", \"Never\"]");
  std::vector<std::string> reasons;
  for (const Cause& cause : error.causes) reasons.push_back(cause.reason);
  EXPECT_EQ(reasons, (Lines{"FieldValueInvalid", "FieldValueInvalid", "FieldValueRequired",
                            "FieldValueDuplicate", "FieldValueInvalid", "FieldValueInvalid",
                            "FieldValueNotSupported"}));
}

// Lists in which each element is compared with all before it must not cost the square of their
// length, or one request would hold the server up for minutes.
TEST(PodValidation, LongListsAreJudged) {
  constexpr int count = 50'000;
  Pod pod = valid_pod();
  for (int i = 0; i < count; ++i) {
    const std::string name = "c" + std::to_string(i);
    Container& container = *pod.mutable_spec()->add_containers();
    container.set_name(name);
    container.set_image("i");
    pod.mutable_spec()->add_volumes()->set_name(name);
    VolumeMount& mount = *container.add_volume_mounts();
    mount.set_name(name);
    mount.set_mount_path("/" + name);
    ContainerPort& port = *pod.mutable_spec()->mutable_containers(0)->add_ports();
    port.set_name(name);
    port.set_container_port(1);
    port.set_host_port(i + 1);
  }
  apply_defaults(Kind::pods, pod);
  EXPECT_EQ(causes(created(pod)), Lines{});
  pod.mutable_spec()->mutable_containers(count)->set_name("c7");
  pod.mutable_spec()->mutable_volumes(count - 1)->set_name("c7");
  const Lines lines = causes(created(pod));
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0], "spec.volumes[49999].name: Duplicate value: \"c7\"");
  EXPECT_EQ(lines[1], "spec.containers[50000].name: Duplicate value: \"c7\"");
  EXPECT_EQ(lines[2], "spec.containers[50000].volumeMounts[0].name: Not found: \"c49999\"");
}

TEST(PodValidation, Ports) {
  EXPECT_EQ(spoiled_container(R"(ports { name: "a" container_port: 1 }
                                 ports { name: "a" container_port: 2 })"),
            Lines{"spec.containers[0].ports[1].name: Duplicate value: \"a\""});
  EXPECT_EQ(spoiled_container("ports { }"),
            Lines{"spec.containers[0].ports[0].containerPort: Required value"});
  EXPECT_EQ(spoiled_container(R"(ports { container_port: 1 protocol: "ICMP" })"),
            Lines{"spec.containers[0].ports[0].protocol: Unsupported value: \"ICMP\": supported "
                  "values: \"SCTP\", \"TCP\", \"UDP\""});
  EXPECT_EQ(spoiled_container("ports { container_port: 1 host_port: 9 }"
                              "ports { container_port: 2 host_port: 9 }"),
            Lines{"spec.containers[0].ports[1].hostPort: Duplicate value: \"TCP//9\""});
  EXPECT_EQ(spoiled_container(R"(ports { container_port: 1 host_port: 9 }
                                 ports { container_port: 2 host_port: 9 protocol: "UDP" })"),
            Lines{});
}

TEST(PodValidation, HostNetworkPortsMustMatch) {
  EXPECT_EQ(spoiled("spec { host_network: true }"), Lines{});
  Pod pod = valid_pod();
  pod.mutable_spec()->set_host_network(true);
  ContainerPort& port = *pod.mutable_spec()->mutable_containers(0)->add_ports();
  port.set_container_port(80);
  port.set_host_port(81);
  port.set_protocol("TCP");
  EXPECT_EQ(causes(created(pod)),
            Lines{"spec.containers[0].ports[0].containerPort: Invalid value: 80: must match "
                  "`hostPort` when `hostNetwork` is true"});
}

TEST(PodValidation, Resources) {
  EXPECT_EQ(spoiled_container(R"(resources { limits { key: "cpux" value { string: "1" } } })"),
            (Lines{"spec.containers[0].resources.limits[cpux]: Invalid value: \"cpux\": must be a "
                   "standard resource type or fully qualified",
                   "spec.containers[0].resources.limits[cpux]: Invalid value: \"cpux\": must be a "
                   "standard resource for containers",
                   "spec.containers[0].resources.requests[cpux]: Invalid value: \"cpux\": must be "
                   "a standard resource type or fully qualified",
                   "spec.containers[0].resources.requests[cpux]: Invalid value: \"cpux\": must be "
                   "a standard resource for containers"}));
  EXPECT_EQ(spoiled_container(R"(resources { requests { key: "cpu" value { string: "-1" } } })"),
            Lines{"spec.containers[0].resources.requests[cpu]: Invalid value: \"-1\": must be "
                  "greater than or equal to 0"});
  EXPECT_EQ(spoiled_container(
                R"(resources { limits { key: "example.com/gpu" value { string: "500m" } } })"),
            (Lines{"spec.containers[0].resources.limits[example.com/gpu]: Invalid value: "
                   "\"500m\": must be an integer",
                   "spec.containers[0].resources.requests[example.com/gpu]: Invalid value: "
                   "\"500m\": must be an integer"}));
  EXPECT_EQ(spoiled_container(
                R"(resources { requests { key: "example.com/gpu" value { string: "1" } }
                               limits { key: "example.com/gpu" value { string: "2" } } })"),
            Lines{"spec.containers[0].resources.requests: Invalid value: \"1\": must be equal to "
                  "example.com/gpu limit"});
  EXPECT_EQ(spoiled_container(
                R"(resources { requests { key: "example.com/gpu" value { string: "1" } } })"),
            Lines{"spec.containers[0].resources.limits: Required value: Limit must be set for non "
                  "overcommitable resources"});
  EXPECT_EQ(spoiled_container(R"(resources { requests { key: "memory" value { string: "1Gi" } }
                    limits { key: "memory" value { string: "1024Mi" } } })"),
            Lines{});
}

TEST(PodValidation, Probes) {
  EXPECT_EQ(spoiled_container("liveness_probe { }"),
            Lines{"spec.containers[0].livenessProbe: Required value: must specify a handler type"});
  EXPECT_EQ(spoiled_container("liveness_probe { handler { tcp_socket { port { int_val: 1 } } "
                              "exec { command: 'x' } } }"),
            Lines{"spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more "
                  "than 1 handler type"});
  EXPECT_EQ(spoiled_container("liveness_probe { handler { exec { } } success_threshold: 2 "
                              "period_seconds: -1 }"),
            (Lines{"spec.containers[0].livenessProbe.exec.command: Required value",
                   "spec.containers[0].livenessProbe.periodSeconds: Invalid value: -1: must be "
                   "greater than or equal to 0",
                   "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be "
                   "1"}));
  EXPECT_EQ(spoiled_container(R"(readiness_probe { success_threshold: 2 handler {
                http_get { port { type: 1 str_val: "web" } scheme: "FTP" } } })"),
            Lines{"spec.containers[0].readinessProbe.httpGet.scheme: Unsupported value: \"FTP\": "
                  "supported values: \"HTTP\", \"HTTPS\""});
}

TEST(PodValidation, VolumesAndMounts) {
  EXPECT_EQ(spoiled(R"(spec { volumes { name: "v" } volumes { name: "v" } })"),
            Lines{"spec.volumes[1].name: Duplicate value: \"v\""});
  EXPECT_EQ(spoiled(R"(spec { volumes { name: "v" volume_source { secret { } empty_dir { } } } })"),
            Lines{"spec.volumes[0].secret: Forbidden: may not specify more than 1 volume type"});
  EXPECT_EQ(spoiled(R"(spec { volumes { name: "v" volume_source { config_map { } } } })"),
            Lines{"spec.volumes[0].configMap.name: Required value"});
  EXPECT_EQ(spoiled(R"(spec { volumes { name: "v" volume_source { secret {
                         secret_name: "s" default_mode: 512
                         items { key: "k" path: "../x" } } } } })"),
            (Lines{"spec.volumes[0].secret.defaultMode: Invalid value: 512: must be a number "
                   "between 0 and 0777 (octal), both inclusive",
                   "spec.volumes[0].secret.items[0].path: Invalid value: \"../x\": must not "
                   "contain '..'"}));
  // Another system's volume: what is required is known from the field options alone.
  EXPECT_EQ(spoiled(R"(spec { volumes { name: "v" volume_source { cephfs { } } } })"),
            Lines{"spec.volumes[0].cephfs.monitors: Required value"});
  EXPECT_EQ(spoiled_container(R"(volume_mounts { name: "v" mount_path: "/x" })"),
            Lines{"spec.containers[0].volumeMounts[0].name: Not found: \"v\""});
  EXPECT_EQ(spoiled(R"(spec { volumes { name: "v" } init_containers { name: "i" image: "i"
                         volume_mounts { name: "v" mount_path: "/x" sub_path: "/y" }
                         volume_mounts { name: "v" mount_path: "/x" } } })"),
            (Lines{"spec.initContainers[0].volumeMounts[0].subPath: Invalid value: \"/y\": must be "
                   "a relative path",
                   "spec.initContainers[0].volumeMounts[1].mountPath: Invalid value: \"/x\": must "
                   "be unique"}));
}

TEST(PodValidation, Environment) {
  EXPECT_EQ(spoiled_container(R"(env { value: "x" })"),
            Lines{"spec.containers[0].env[0].name: Required value"});
  EXPECT_EQ(spoiled_container(R"(env { name: "A" value_from { } })"),
            Lines{"spec.containers[0].env[0].valueFrom: Invalid value: \"\": must specify one of: "
                  "`fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"});
  EXPECT_EQ(spoiled_container(
                R"(env { name: "A" value_from { field_ref { field_path: "status.phase" } } })"),
            Lines{"spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "
                  "\"status.phase\": supported values: \"metadata.name\", \"metadata.namespace\", "
                  "\"metadata.uid\", \"spec.nodeName\", \"spec.serviceAccountName\", "
                  "\"status.hostIP\", \"status.hostIPs\", \"status.podIP\", \"status.podIPs\""});
  EXPECT_EQ(spoiled_container(
                R"(env { name: "A" value_from { field_ref { field_path: "metadata.labels['a']" } } }
                   env { name: "B" value_from { resource_field_ref { resource: "limits.cpu" } } }
                   env_from { config_map_ref { local_object_reference { name: "m" } } })"),
            Lines{});
}

TEST(PodValidation, Tolerations) {
  EXPECT_EQ(spoiled(R"(spec { tolerations { operator: "Equal" } })"),
            Lines{"spec.tolerations[0].operator: Invalid value: \"Equal\": operator must be Exists "
                  "when `key` is empty, which means \"match all values and all keys\""});
  EXPECT_EQ(spoiled(R"(spec { tolerations { key: "k" operator: "Exists" effect: "NoSchedule"
                                            toleration_seconds: 5 } })"),
            Lines{"spec.tolerations[0].effect: Invalid value: \"NoSchedule\": effect must be "
                  "'NoExecute' when `tolerationSeconds` is set"});
  EXPECT_EQ(spoiled(R"(spec { tolerations { key: "k" operator: "In" effect: "Never" } })"),
            (Lines{"spec.tolerations[0].operator: Unsupported value: \"In\": supported values: "
                   "\"Equal\", \"Exists\"",
                   "spec.tolerations[0].effect: Unsupported value: \"Never\": supported values: "
                   "\"NoSchedule\", \"PreferNoSchedule\", \"NoExecute\""}));
}

TEST(PodValidation, Affinity) {
  EXPECT_EQ(spoiled(R"(spec { affinity { node_affinity {
              required_during_scheduling_ignored_during_execution { } } } })"),
            Lines{"spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution."
                  "nodeSelectorTerms: Required value: must have at least one node selector term"});
  EXPECT_EQ(spoiled(R"(spec { affinity { node_affinity {
              preferred_during_scheduling_ignored_during_execution { weight: 101 preference {
                match_expressions { key: "a" operator: "In" } } } } } })"),
            (Lines{"spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0]."
                   "weight: Invalid value: 101: must be in the range 1-100",
                   "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0]."
                   "preference.matchExpressions[0].values: Required value: must be specified when "
                   "`operator` is 'In' or 'NotIn'"}));
  EXPECT_EQ(spoiled(R"(spec { affinity { pod_anti_affinity {
              required_during_scheduling_ignored_during_execution { } } } })"),
            Lines{"spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0]."
                  "topologyKey: Required value: can not be empty"});
}

TEST(PodValidation, InitContainersEndByThemselves) {
  EXPECT_EQ(spoiled(R"(spec { init_containers { name: "i" image: "i"
                         readiness_probe { handler { exec { command: "x" } } } } })"),
            Lines{"spec.initContainers[0].readinessProbe: Forbidden: may not be set for init "
                  "containers without restartPolicy=Always"});
  EXPECT_EQ(spoiled(R"(spec { init_containers { name: "i" image: "i" restart_policy: "Always"
                         readiness_probe { handler { exec { command: "x" } } } } })"),
            Lines{});
  EXPECT_EQ(spoiled_container(R"(restart_policy: "Always")"),
            Lines{"spec.containers[0].restartPolicy: Forbidden: may not be set for non-init "
                  "containers"});
  EXPECT_EQ(spoiled(R"(spec { init_containers { name: "c" image: "i" } })"),
            Lines{"spec.initContainers[0].name: Duplicate value: \"c\""});
}

TEST(PodValidation, TheRestOfTheSpec) {
  EXPECT_EQ(spoiled("spec { active_deadline_seconds: 0 }"),
            Lines{"spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, "
                  "inclusive"});
  EXPECT_EQ(spoiled(R"(spec { dns_policy: "None" })"),
            Lines{"spec.dnsConfig.nameservers: Required value: must provide at least one DNS "
                  "nameserver when `dnsPolicy` is None"});
  EXPECT_EQ(spoiled(R"(spec { host_aliases { ip: "1.2.3" hostnames: "a" } })"),
            Lines{"spec.hostAliases[0].ip: Invalid value: \"1.2.3\": must be a valid IP address, "
                  "(e.g. 10.9.8.7 or 2001:db8::ffff)"});
  EXPECT_EQ(spoiled(R"(spec { topology_spread_constraints { max_skew: 0 topology_key: "zone"
                         when_unsatisfiable: "Maybe" } })"),
            (Lines{"spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater "
                   "than zero",
                   "spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "
                   "\"Maybe\": supported values: \"DoNotSchedule\", \"ScheduleAnyway\""}));
  EXPECT_EQ(
      spoiled_container("security_context { privileged: true allow_privilege_escalation: false }")
          .size(),
      1u);
  EXPECT_EQ(spoiled("spec { ephemeral_containers { ephemeral_container_common { name: 'e' image: "
                    "'i' } } }"),
            Lines{"spec.ephemeralContainers: Forbidden: cannot be set on create"});
}

}  // namespace
}  // namespace keelson::api
