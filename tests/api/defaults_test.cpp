// What absent fields become.
#include "core/api/json.hpp"
#include "tests/api/validation_support.hpp"

namespace keelson::api {
namespace {

TEST(Defaults, OfAPod) {
  Pod pod = made<Pod>(R"(metadata { name: "web" }
                         spec { containers { name: "c" image: "nginx:1.7.9"
                                             ports { container_port: 80 } } })");
  const PodSpec& spec = pod.spec();
  EXPECT_EQ(spec.restart_policy(), "Always");
  EXPECT_EQ(spec.dns_policy(), "ClusterFirst");
  EXPECT_EQ(spec.termination_grace_period_seconds(), 30);
  EXPECT_EQ(spec.scheduler_name(), "default-scheduler");
  EXPECT_TRUE(spec.has_security_context());
  EXPECT_TRUE(spec.enable_service_links());
  const Container& c = spec.containers(0);
  EXPECT_EQ(c.termination_message_path(), "/dev/termination-log");
  EXPECT_EQ(c.termination_message_policy(), "File");
  EXPECT_EQ(c.image_pull_policy(), "IfNotPresent");
  EXPECT_EQ(c.ports(0).protocol(), "TCP");
  // Admission's business, not defaulting's.
  EXPECT_FALSE(spec.has_priority());
  EXPECT_FALSE(spec.has_preemption_policy());
}

TEST(Defaults, WhatIsThereStays) {
  const char* text = R"(
      metadata { name: "web" }
      spec {
        restart_policy: "Never" dns_policy: "None" termination_grace_period_seconds: 0
        enable_service_links: false scheduler_name: "other"
        containers { name: "c" image: "i" image_pull_policy: "Never"
                     ports { container_port: 53 protocol: "UDP" }
                     termination_message_policy: "FallbackToLogsOnError" }
      })";
  Pod pod = made<Pod>(text);
  EXPECT_EQ(pod.spec().restart_policy(), "Never");
  EXPECT_EQ(pod.spec().termination_grace_period_seconds(), 0);
  EXPECT_FALSE(pod.spec().enable_service_links());
  EXPECT_EQ(pod.spec().scheduler_name(), "other");
  EXPECT_EQ(pod.spec().containers(0).image_pull_policy(), "Never");
  EXPECT_EQ(pod.spec().containers(0).ports(0).protocol(), "UDP");
}

TEST(Defaults, AreIdempotent) {
  Pod pod = made<Pod>(R"(
      metadata { name: "web" }
      spec { host_network: true
             volumes { name: "v" }
             volumes { name: "h" volume_source { host_path { path: "/x" } } }
             containers { name: "c" image: "i" ports { container_port: 80 }
                          resources { limits { key: "cpu" value { string: "1" } } }
                          liveness_probe { handler { http_get { port { int_val: 80 } } } } } })");
  Pod again = pod;
  apply_defaults(Kind::pods, again);
  EXPECT_EQ(pod.DebugString(), again.DebugString());
  Deployment deployment = valid_deployment();
  Deployment twice = deployment;
  apply_defaults(Kind::deployments, twice);
  EXPECT_EQ(deployment.DebugString(), twice.DebugString());
}

TEST(Defaults, PullPolicyFollowsTheTag) {
  auto policy = [](const std::string& image) {
    Pod pod;
    pod.mutable_spec()->add_containers()->set_image(image);
    apply_defaults(Kind::pods, pod);
    return pod.spec().containers(0).image_pull_policy();
  };
  EXPECT_EQ(policy("nginx"), "Always");
  EXPECT_EQ(policy("nginx:latest"), "Always");
  EXPECT_EQ(policy("nginx:1.7.9"), "IfNotPresent");
  EXPECT_EQ(policy("host:5000/nginx"), "Always");
  EXPECT_EQ(policy("host:5000/nginx:1"), "IfNotPresent");
  EXPECT_EQ(policy("nginx@sha256:abc"), "IfNotPresent");
  EXPECT_EQ(policy("host:5000/nginx@sha256:abc"), "IfNotPresent");
}

TEST(Defaults, RequestsAreLimitsOfAPodButNotOfATemplate) {
  const char* container = R"(containers { name: "c" image: "i" resources {
      limits { key: "cpu" value { string: "1" } }
      limits { key: "memory" value { string: "1Gi" } }
      requests { key: "cpu" value { string: "100m" } } } })";
  Pod pod = made<Pod>(std::string("spec { ") + container + " }");
  const auto& requests = pod.spec().containers(0).resources().requests();
  EXPECT_EQ(requests.at("cpu").string(), "100m");
  EXPECT_EQ(requests.at("memory").string(), "1Gi");
  Deployment deployment =
      made<Deployment>(std::string("spec { template { spec { ") + container + " } } }");
  EXPECT_FALSE(
      deployment.spec().template_().spec().containers(0).resources().requests().contains("memory"));
}

TEST(Defaults, ResourcesAreRoundedUpToMillis) {
  const char* spec = R"(containers { name: "c" image: "i" resources {
        limits { key: "cpu" value { string: "1u" } }
        requests { key: "memory" value { string: "1500100n" } } } }
      init_containers { name: "i" image: "i" resources {
        requests { key: "cpu" value { string: "1n" } } } }
      overhead { key: "cpu" value { string: "2u" } })";
  Pod pod = made<Pod>(std::string("spec { ") + spec + " }");
  const auto& resources = pod.spec().containers(0).resources();
  EXPECT_EQ(resources.limits().at("cpu").string(), "1m");
  EXPECT_EQ(resources.requests().at("cpu").string(), "1m");
  EXPECT_EQ(resources.requests().at("memory").string(), "2m");
  EXPECT_EQ(pod.spec().init_containers(0).resources().requests().at("cpu").string(), "1m");
  EXPECT_EQ(pod.spec().overhead().at("cpu").string(), "1m");
  auto set = made<ReplicaSet>(std::string("spec { template { spec { ") + spec + " } } }");
  const PodSpec& made_of = set.spec().template_().spec();
  EXPECT_EQ(made_of.containers(0).resources().limits().at("cpu").string(), "1m");
  EXPECT_TRUE(made<Pod>("spec { containers { name: 'c' } }").spec().containers(0).has_resources());
  const auto types = [](const std::string& spec) {
    const auto policy = made<NetworkPolicy>("spec { " + spec + " }");
    return std::vector<std::string>(policy.spec().policy_types().begin(),
                                    policy.spec().policy_types().end());
  };
  EXPECT_EQ(types(""), (std::vector<std::string>{"Ingress"}));
  EXPECT_EQ(types("egress {}"), (std::vector<std::string>{"Ingress", "Egress"}));
  EXPECT_EQ(types(R"(policy_types: "Egress")"), (std::vector<std::string>{"Egress"}));
  auto node = made<Node>(R"(status { capacity { key: "cpu" value { string: "3900000001n" } } })");
  EXPECT_EQ(node.status().allocatable().at("cpu").string(), "3901m");
}

TEST(Defaults, TheRangeOfANodeStandsInBothItsFields) {
  const NodeSpec single = made<Node>("spec { pod_cidr: '10.1.0.0/24' }").spec();
  ASSERT_EQ(single.pod_cidrs_size(), 1);
  EXPECT_EQ(single.pod_cidrs(0), "10.1.0.0/24");
  const NodeSpec list =
      made<Node>("spec { pod_cidrs: '10.1.0.0/24' pod_cidrs: 'fd00::/64' }").spec();
  EXPECT_EQ(list.pod_cidr(), "10.1.0.0/24");
  EXPECT_EQ(list.pod_cidrs_size(), 2);
  // Where they differ, the older field wins, as in Kubernetes.
  const NodeSpec both =
      made<Node>("spec { pod_cidr: '10.2.0.0/24' pod_cidrs: '10.1.0.0/24' }").spec();
  ASSERT_EQ(both.pod_cidrs_size(), 1);
  EXPECT_EQ(both.pod_cidrs(0), "10.2.0.0/24");
}

TEST(Defaults, HostNetworkPutsPortsOnTheHost) {
  Pod pod = made<Pod>(R"(spec { host_network: true
                                containers { name: "c" ports { container_port: 80 }
                                             ports { container_port: 81 host_port: 81 } } })");
  EXPECT_EQ(pod.spec().containers(0).ports(0).host_port(), 80);
  EXPECT_EQ(pod.spec().containers(0).ports(1).host_port(), 81);
}

TEST(Defaults, Probes) {
  Pod pod = made<Pod>(R"(spec { containers { name: "c"
      liveness_probe { handler { http_get { port { int_val: 80 } } } period_seconds: 5 }
      startup_probe { handler { grpc { port: 9 } } } } })");
  const Probe& probe = pod.spec().containers(0).liveness_probe();
  EXPECT_EQ(probe.handler().http_get().path(), "/");
  EXPECT_EQ(probe.handler().http_get().scheme(), "HTTP");
  EXPECT_EQ(probe.timeout_seconds(), 1);
  EXPECT_EQ(probe.period_seconds(), 5);
  EXPECT_EQ(probe.success_threshold(), 1);
  EXPECT_EQ(probe.failure_threshold(), 3);
  EXPECT_TRUE(pod.spec().containers(0).startup_probe().handler().grpc().has_service());
  EXPECT_FALSE(pod.spec().containers(0).has_readiness_probe());
}

TEST(Defaults, Volumes) {
  Pod pod = made<Pod>(R"(spec {
      volumes { name: "a" }
      volumes { name: "b" volume_source { secret { secret_name: "s" } } }
      volumes { name: "c" volume_source { projected { default_mode: 256
          sources { service_account_token { path: "t" } }
          sources { downward_api { items { path: "p" field_ref { field_path: "metadata.name" } } } }
      } } }
      volumes { name: "d" volume_source { host_path { path: "/x" } } } })");
  EXPECT_TRUE(pod.spec().volumes(0).volume_source().has_empty_dir());
  EXPECT_EQ(pod.spec().volumes(1).volume_source().secret().default_mode(), 420);
  const auto& projected = pod.spec().volumes(2).volume_source().projected();
  EXPECT_EQ(projected.default_mode(), 256);
  EXPECT_EQ(projected.sources(0).service_account_token().expiration_seconds(), 3600);
  EXPECT_EQ(projected.sources(1).downward_api().items(0).field_ref().api_version(), "v1");
  EXPECT_TRUE(pod.spec().volumes(3).volume_source().host_path().has_type());
}

TEST(Defaults, ServiceAccountHasTwoNames) {
  EXPECT_EQ(made<Pod>(R"(spec { service_account_name: "a" })").spec().service_account(), "a");
  EXPECT_EQ(made<Pod>(R"(spec { service_account: "b" })").spec().service_account_name(), "b");
}

TEST(Defaults, OfADeployment) {
  Deployment deployment = valid_deployment();
  const auto& spec = deployment.spec();
  EXPECT_EQ(spec.replicas(), 1);
  EXPECT_EQ(spec.revision_history_limit(), 10);
  EXPECT_EQ(spec.progress_deadline_seconds(), 600);
  EXPECT_EQ(spec.strategy().type(), "RollingUpdate");
  EXPECT_EQ(spec.strategy().rolling_update().max_surge().str_val(), "25%");
  EXPECT_EQ(spec.strategy().rolling_update().max_unavailable().str_val(), "25%");
  const PodSpec& pod = spec.template_().spec();
  EXPECT_EQ(pod.restart_policy(), "Always");
  EXPECT_EQ(pod.containers(0).image_pull_policy(), "IfNotPresent");
  EXPECT_TRUE(pod.has_security_context());
  EXPECT_FALSE(pod.has_enable_service_links());
}

TEST(Defaults, ZeroReplicasAreNotAbsent) {
  EXPECT_EQ(made<Deployment>("spec { replicas: 0 }").spec().replicas(), 0);
  EXPECT_EQ(made<ReplicaSet>("spec { replicas: 0 }").spec().replicas(), 0);
  EXPECT_EQ(made<ReplicaSet>("").spec().replicas(), 1);
}

TEST(Defaults, RecreateHasNoRollingUpdate) {
  auto spec = made<Deployment>(R"(spec { strategy { type: "Recreate" } })").spec();
  EXPECT_FALSE(spec.strategy().has_rolling_update());
  auto half =
      made<Deployment>("spec { strategy { rolling_update { max_surge { int_val: 2 } } } }").spec();
  EXPECT_EQ(half.strategy().rolling_update().max_surge().int_val(), 2);
  EXPECT_EQ(half.strategy().rolling_update().max_unavailable().str_val(), "25%");
}

TEST(Defaults, OfAService) {
  Service service = made<Service>(R"(spec { selector { key: "a" value: "b" }
                                            ports { port: 80 }
                                            ports { port: 81 target_port { type: 1
                                                                           str_val: "web" } } })");
  const ServiceSpec& spec = service.spec();
  EXPECT_EQ(spec.type(), "ClusterIP");
  EXPECT_EQ(spec.session_affinity(), "None");
  EXPECT_EQ(spec.ports(0).protocol(), "TCP");
  EXPECT_EQ(spec.ports(0).target_port().int_val(), 80);
  EXPECT_EQ(spec.ports(1).target_port().str_val(), "web");
  EXPECT_EQ(spec.internal_traffic_policy(), "Cluster");
  EXPECT_EQ(spec.external_traffic_policy(), "");
  EXPECT_EQ(spec.ip_family_policy(), "SingleStack");
  ASSERT_EQ(spec.ip_families_size(), 1);
  EXPECT_EQ(spec.ip_families(0), "IPv4");
}

TEST(Defaults, ServiceTypesDiffer) {
  EXPECT_EQ(made<Service>(R"(spec { type: "NodePort" })").spec().external_traffic_policy(),
            "Cluster");
  auto balancer = made<Service>(R"(spec { type: "LoadBalancer" })").spec();
  EXPECT_TRUE(balancer.allocate_load_balancer_node_ports());
  auto name = made<Service>(R"(spec { type: "ExternalName" external_name: "a.b" })").spec();
  EXPECT_FALSE(name.has_internal_traffic_policy());
  EXPECT_EQ(name.ip_families_size(), 0);
  auto sticky = made<Service>(R"(spec { session_affinity: "ClientIP" })").spec();
  EXPECT_EQ(sticky.session_affinity_config().client_ip().timeout_seconds(), 10800);
}

TEST(Defaults, AffinityThatIsTurnedOffTakesItsSettingsAlong) {
  Service service = made<Service>(R"(spec { session_affinity: "ClientIP" ports { port: 80 } })");
  for (const char* off : {"None", ""}) {
    Service now = service;
    now.mutable_spec()->set_session_affinity(off);
    apply_defaults(Kind::services, now);
    EXPECT_EQ(now.spec().session_affinity(), "None");
    EXPECT_FALSE(now.spec().has_session_affinity_config());
  }
}

TEST(Defaults, OfTheRest) {
  EXPECT_EQ(made<Secret>("").type(), "Opaque");
  EXPECT_EQ(made<PriorityClass>("").preemption_policy(), "PreemptLowerPriority");
  EXPECT_EQ(made<Endpoints>("subsets { ports { port: 1 } }").subsets(0).ports(0).protocol(), "TCP");
  auto slice = made<EndpointSlice>("ports { port: 1 }");
  EXPECT_EQ(slice.ports(0).protocol(), "TCP");
  EXPECT_TRUE(slice.ports(0).has_name());
  auto node = made<Node>(R"(status { capacity { key: "cpu" value { string: "4" } } })");
  EXPECT_EQ(node.status().allocatable().at("cpu").string(), "4");
  auto ns = made<Namespace>(R"(metadata { name: "n" })");
  EXPECT_EQ(ns.status().phase(), "Active");
  EXPECT_EQ(ns.metadata().labels().at("kubernetes.io/metadata.name"), "n");
}

TEST(Defaults, StringDataGoesOverData) {
  auto secret = made<Secret>(R"(data { key: "a" value: "1" } data { key: "b" value: "2" }
                                string_data { key: "a" value: "3" })");
  EXPECT_EQ(secret.data().at("a"), "3");
  EXPECT_EQ(secret.data().at("b"), "2");
  EXPECT_TRUE(secret.string_data().empty());
}

// Guards the walk over the field options against a default that no field can hold: making the plans
// asserts on each of them, for every kind.
TEST(Defaults, AnEmptyObjectOfEveryKindCanBeDefaulted) {
  for (int i = 0; i < kind_count; ++i) {
    auto message = new_message(static_cast<Kind>(i));
    apply_defaults(static_cast<Kind>(i), *message);
    std::string once = message->DebugString();
    apply_defaults(static_cast<Kind>(i), *message);
    EXPECT_EQ(message->DebugString(), once);
  }
}

// --- As a real API server answers, to the byte
// ----------------------------------------------------

// `spec` of the object that the JSON describes, defaulted and written out again.
template <class M>
std::string defaulted_spec(const std::string& json) {
  auto decoded = decode_object(json);
  EXPECT_TRUE(decoded.ok()) << decoded.error().message;
  M message = decoded->object->as<M>();
  apply_defaults(kind_of<M>, message);
  return encode_message(message.spec());
}

TEST(DefaultsInJson, OfADeployment) {
  EXPECT_EQ(
      defaulted_spec<Deployment>(
          R"({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"kel"},"spec":{
              "replicas":2,"selector":{"matchLabels":{"run":"kel"}},"template":{"metadata":{
              "labels":{"run":"kel"}},"spec":{"containers":[{"name":"kel","image":"nginx:1.7.9",
              "ports":[{"containerPort":80}]}]}}}})"),
      R"({"replicas":2,"selector":{"matchLabels":{"run":"kel"}},"template":{"metadata":)"
      R"({"creationTimestamp":null,"labels":{"run":"kel"}},"spec":{"containers":[{"name":"kel",)"
      R"("image":"nginx:1.7.9","ports":[{"containerPort":80,"protocol":"TCP"}],"resources":{},)"
      R"("terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File",)"
      R"("imagePullPolicy":"IfNotPresent"}],"restartPolicy":"Always",)"
      R"("terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","securityContext":{},)"
      R"("schedulerName":"default-scheduler"}},"strategy":{"type":"RollingUpdate",)"
      R"("rollingUpdate":{"maxUnavailable":"25%","maxSurge":"25%"}},"revisionHistoryLimit":10,)"
      R"("progressDeadlineSeconds":600})");
}

// Without what admission adds to it there: the account, its token, tolerations and priority.
TEST(DefaultsInJson, OfAPod) {
  EXPECT_EQ(defaulted_spec<Pod>(
                R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web"},"spec":{"containers":[{
              "name":"c","image":"nginx:1.7.9","ports":[{"containerPort":80}],"resources":{
              "requests":{"cpu":"0.1","memory":"1024Mi"},"limits":{"cpu":"1000m"}},
              "livenessProbe":{"httpGet":{"path":"/","port":80}}}]}})"),
            R"({"containers":[{"name":"c","image":"nginx:1.7.9","ports":[{"containerPort":80,)"
            R"("protocol":"TCP"}],"resources":{"limits":{"cpu":"1"},"requests":{"cpu":"100m",)"
            R"("memory":"1Gi"}},"livenessProbe":{"httpGet":{"path":"/","port":80,"scheme":"HTTP"},)"
            R"("timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3},)"
            R"("terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File",)"
            R"("imagePullPolicy":"IfNotPresent"}],"restartPolicy":"Always",)"
            R"("terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","securityContext":{},)"
            R"("schedulerName":"default-scheduler","enableServiceLinks":true})");
}

}  // namespace
}  // namespace keelson::api
