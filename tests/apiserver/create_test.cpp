// POST: identity, defaults, admission, refusals, worded as a Kubernetes API server words them.
#include "core/api/canonical.hpp"
#include "tests/apiserver/fixture.hpp"

namespace keelson::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class CreateTest : public ApiServerTest {};

TEST_F(CreateTest, ClusterHasItsFirstObjects) {
  for (const char* ns : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
    const auto found = read<api::Namespace>(ns);
    ASSERT_TRUE(found) << ns;
    EXPECT_EQ(found->status().phase(), "Active");
    EXPECT_THAT(found->spec().finalizers(), ElementsAre("kubernetes"));
    EXPECT_TRUE(read<api::ServiceAccount>("default", ns)) << ns;
  }
  EXPECT_EQ(read<api::PriorityClass>("system-node-critical")->value(), 2'000'001'000);
  EXPECT_EQ(read<api::PriorityClass>("system-cluster-critical")->value(), 2'000'000'000);
  const auto service = read<api::Service>("kubernetes");
  ASSERT_TRUE(service);
  EXPECT_EQ(service->spec().cluster_ip(), "10.96.0.1");
}

TEST_F(CreateTest, FillsInWhatTheServerDecides) {
  const auto pod = made(pod_named("web"));
  EXPECT_THAT(pod.uid(), MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
                                      "[0-9a-f]{12}"));
  EXPECT_EQ(pod->metadata().creation_timestamp().seconds(),
            loop.wall_now().unix_ns / 1'000'000'000);
  EXPECT_EQ(pod->metadata().generation(), 0);
  EXPECT_TRUE(pod.revision());
  EXPECT_EQ(pod->metadata().resource_version(), "");
  EXPECT_EQ(pod->status().phase(), "Pending");
  EXPECT_EQ(pod->status().qos_class(), "BestEffort");
  EXPECT_EQ(pod->spec().restart_policy(), "Always");
  EXPECT_EQ(pod->spec().service_account_name(), "default");
  EXPECT_EQ(pod->spec().priority(), 0);
  EXPECT_EQ(pod->spec().preemption_policy(), "PreemptLowerPriority");
  ASSERT_EQ(pod->spec().tolerations_size(), 2);
  EXPECT_EQ(pod->spec().tolerations(0).key(), "node.kubernetes.io/not-ready");
  EXPECT_EQ(pod->spec().tolerations(0).toleration_seconds(), 300);
  EXPECT_EQ(pod->spec().tolerations(1).key(), "node.kubernetes.io/unreachable");
  EXPECT_EQ(pod->spec().volumes_size(), 0);
}

TEST_F(CreateTest, ClientsCannotChooseStatusUidOrDeletion) {
  api::Pod pod = pod_named("web");
  pod.mutable_metadata()->set_uid("mine");
  pod.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(5);
  pod.mutable_status()->set_phase("Running");
  pod.mutable_status()->set_pod_ip("10.0.0.9");
  const auto stored = made(pod);
  EXPECT_NE(stored.uid(), "mine");
  EXPECT_FALSE(stored.object().deleting());
  EXPECT_EQ(stored->status().phase(), "Pending");
  EXPECT_EQ(stored->status().pod_ip(), "");
}

TEST_F(CreateTest, AGatedPodSaysSoFromTheStart) {
  api::Pod gated = pod_named("gated");
  gated.mutable_spec()->add_scheduling_gates()->set_name("example.com/wait");
  const auto stored = made(gated);
  ASSERT_EQ(stored->status().conditions_size(), 1);
  const api::PodCondition& condition = stored->status().conditions(0);
  EXPECT_EQ(condition.type(), "PodScheduled");
  EXPECT_EQ(condition.status(), "False");
  EXPECT_EQ(condition.reason(), "SchedulingGated");
  EXPECT_EQ(condition.message(), "Scheduling is blocked due to non-empty scheduling gates");
  EXPECT_EQ(made(pod_named("free"))->status().conditions_size(), 0);
}

TEST_F(CreateTest, QosClasses) {
  api::Pod burstable = pod_named("b");
  ask_for(burstable, "cpu", "100m");
  EXPECT_EQ(made(burstable)->status().qos_class(), "Burstable");
  api::Pod guaranteed = pod_named("g");
  auto& limits =
      *guaranteed.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_limits();
  limits["cpu"].set_string("1");
  limits["memory"].set_string("1Gi");
  EXPECT_EQ(made(guaranteed)->status().qos_class(), "Guaranteed");
}

TEST_F(CreateTest, GenerateName) {
  api::Pod pod = pod_named("");
  pod.mutable_metadata()->set_generate_name("gen-");
  const auto one = made(pod), two = made(pod);
  EXPECT_THAT(one.name(), MatchesRegex("gen-[bcdfghjklmnpqrstvwxz2456789]{5}"));
  EXPECT_NE(one.name(), two.name());
  pod.mutable_metadata()->set_generate_name(std::string(62, 'a'));
  EXPECT_EQ(made(pod).name().size(), 63u);
}

TEST_F(CreateTest, DuplicateIs409) {
  made(pod_named("web"));
  const Response again = create(pod_named("web"));
  EXPECT_EQ(again.error.reason, Reason::already_exists);
  EXPECT_EQ(again.error.message, "pods \"web\" already exists");
}

TEST_F(CreateTest, WithResourceVersionIs500) {
  api::Pod pod = pod_named("web");
  pod.mutable_metadata()->set_resource_version("5");
  const Response response = create(pod);
  EXPECT_EQ(response.error.reason, Reason::unclassified);
  EXPECT_EQ(response.error.message, "resourceVersion should not be set on objects to be created");
}

TEST_F(CreateTest, NamespaceMismatchIs400) {
  Request request = api::create(api::make_object(pod_named("web", "other")));
  request.ns = "default";
  EXPECT_EQ(
      call(request).error.message,
      "the namespace of the provided object does not match the namespace sent on the request");
}

TEST_F(CreateTest, NameMismatchIs400) {
  Request request = api::create(api::make_object(pod_named("zz")));
  request.name = "a";
  EXPECT_EQ(call(request).error.message,
            "the name of the object (zz) does not match the name on the URL (a)");
}

TEST_F(CreateTest, WrongMessageIs400) {
  Request request = api::create(api::make_object(pod_named("web")));
  request.body = std::make_shared<api::ConfigMap>();
  EXPECT_EQ(call(request).error.reason, Reason::bad_request);
  request.body = nullptr;
  EXPECT_EQ(call(request).error.reason, Reason::bad_request);
}

TEST_F(CreateTest, MissingNamespaceIs404) {
  const Response response = create(pod_named("web", "nope"));
  EXPECT_EQ(response.error.reason, Reason::not_found);
  EXPECT_EQ(response.error.message, "namespaces \"nope\" not found");
}

TEST_F(CreateTest, InvalidIs422WithAllErrors) {
  api::Pod pod = pod_named("x");
  pod.mutable_spec()->clear_containers();
  const Response response = create(pod);
  EXPECT_EQ(response.error.reason, Reason::invalid);
  EXPECT_EQ(response.error.message, "Pod \"x\" is invalid: spec.containers: Required value");
}

TEST_F(CreateTest, DryRunStoresNothing) {
  Request request = api::create(api::make_object(pod_named("dry")));
  request.dry_run = true;
  const Revision before = now();
  const Response response = call(request);
  ASSERT_TRUE(response.ok()) << response.error.message;
  EXPECT_NE(response.object->uid(), "");
  EXPECT_FALSE(response.object->revision());
  EXPECT_FALSE(read<api::Pod>("dry"));
  EXPECT_EQ(now(), before);
}

TEST_F(CreateTest, PriorityClassIsResolved) {
  api::PriorityClass high;
  high.mutable_metadata()->set_name("high");
  high.set_value(1000);
  high.set_preemption_policy("Never");
  made(high);
  api::Pod pod = pod_named("web");
  pod.mutable_spec()->set_priority_class_name("high");
  const auto stored = made(pod);
  EXPECT_EQ(stored->spec().priority(), 1000);
  EXPECT_EQ(stored->spec().preemption_policy(), "Never");

  pod.mutable_metadata()->set_name("other");
  pod.mutable_spec()->set_priority_class_name("nope");
  EXPECT_EQ(create(pod).error.message,
            "pods \"other\" is forbidden: no PriorityClass with name nope was found");
  pod.mutable_spec()->set_priority_class_name("high");
  pod.mutable_spec()->set_priority(5);
  EXPECT_THAT(create(pod).error.message, HasSubstr("the integer value of priority (5)"));
}

TEST_F(CreateTest, GlobalDefaultPriorityClass) {
  api::PriorityClass standard;
  standard.mutable_metadata()->set_name("standard");
  standard.set_value(10);
  standard.set_global_default(true);
  made(standard);
  const auto pod = made(pod_named("web"));
  EXPECT_EQ(pod->spec().priority_class_name(), "standard");
  EXPECT_EQ(pod->spec().priority(), 10);
  api::PriorityClass second = standard;
  second.mutable_metadata()->set_name("second");
  constexpr const char* kOnlyOne =
      "priorityclasses.scheduling.k8s.io \"second\" is forbidden: PriorityClass standard is "
      "already "
      "marked as default. Only one default can exist";
  EXPECT_EQ(create(second).error.message, kOnlyOne);
  // Nor may another one become the default later.
  second.set_global_default(false);
  made(second);
  second.set_global_default(true);
  EXPECT_EQ(put(second).error.message, kOnlyOne);
  standard.set_description("still the default");
  EXPECT_TRUE(put(standard).ok());
  standard.set_global_default(false);
  EXPECT_TRUE(put(standard).ok());
  EXPECT_TRUE(put(second).ok());
}

TEST_F(CreateTest, OwnTolerationsAreKept) {
  api::Pod pod = pod_named("web");
  auto* toleration = pod.mutable_spec()->add_tolerations();
  toleration->set_key("node.kubernetes.io/unreachable");
  toleration->set_operator_("Exists");
  toleration->set_toleration_seconds(5);
  toleration->set_effect("NoExecute");
  const auto stored = made(pod);
  ASSERT_EQ(stored->spec().tolerations_size(), 2);
  EXPECT_EQ(stored->spec().tolerations(0).toleration_seconds(), 5);
  EXPECT_EQ(stored->spec().tolerations(1).key(), "node.kubernetes.io/not-ready");
}

TEST_F(CreateTest, UnknownServiceAccountIsForbidden) {
  api::Pod pod = pod_named("web");
  pod.mutable_spec()->set_service_account_name("robot");
  EXPECT_EQ(create(pod).error.message,
            "pods \"web\" is forbidden: error looking up service account default/robot: "
            "serviceaccount \"robot\" not found");
}

TEST_F(CreateTest, PodsPullWithTheSecretsOfTheirAccount) {
  api::ServiceAccount account = *read<api::ServiceAccount>("default");
  account.add_image_pull_secrets()->set_name("registry");
  ASSERT_TRUE(put(account).ok());
  const auto pod = made(pod_named("a"));
  ASSERT_EQ(pod->spec().image_pull_secrets_size(), 1);
  EXPECT_EQ(pod->spec().image_pull_secrets(0).name(), "registry");
  api::Pod own = pod_named("b");
  own.mutable_spec()->add_image_pull_secrets()->set_name("mine");
  const auto kept = made(own);
  ASSERT_EQ(kept->spec().image_pull_secrets_size(), 1);
  EXPECT_EQ(kept->spec().image_pull_secrets(0).name(), "mine");
}

TEST_F(CreateTest, ANewNodeTakesNoPodsYet) {
  const auto node = made(node_named("n1"));
  ASSERT_EQ(node->spec().taints_size(), 1);
  EXPECT_EQ(node->spec().taints(0).key(), "node.kubernetes.io/not-ready");
  EXPECT_EQ(node->spec().taints(0).effect(), "NoSchedule");
  EXPECT_FALSE(node->spec().taints(0).has_time_added());
  api::Node tainted = node_named("n2");
  *tainted.mutable_spec()->add_taints() = node->spec().taints(0);
  EXPECT_EQ(made(tainted)->spec().taints_size(), 1);
  // Whoever may change nodes may take it away.
  api::Node ready = *node;
  ready.mutable_spec()->clear_taints();
  ASSERT_TRUE(put(ready).ok());
  EXPECT_EQ(read<api::Node>("n1")->spec().taints_size(), 0);
}

class RootCaTest : public ApiServerTest {
 protected:
  RootCaTest() : ApiServerTest(with_root_ca()) {}
  static apiserver::ApiServerOptions with_root_ca() {
    apiserver::ApiServerOptions options = default_options();
    options.root_ca = "PEM";
    options.advertise_address = "192.0.2.7";
    return options;
  }
};

TEST_F(RootCaTest, PodsMountATokenAndTheCertificate) {
  EXPECT_EQ(read<api::ConfigMap>("kube-root-ca.crt", "kube-system")->data().at("ca.crt"), "PEM");
  api::Namespace team;
  team.mutable_metadata()->set_name("team");
  made(team);
  EXPECT_TRUE(read<api::ConfigMap>("kube-root-ca.crt", "team"));
  const auto pod = made(pod_named("a", "team"));
  ASSERT_EQ(pod->spec().volumes_size(), 1);
  EXPECT_TRUE(pod->spec().volumes(0).name().starts_with("kube-api-access-"));
  EXPECT_EQ(pod->spec().volumes(0).volume_source().projected().sources_size(), 3);
  ASSERT_EQ(pod->spec().containers(0).volume_mounts_size(), 1);
  EXPECT_EQ(pod->spec().containers(0).volume_mounts(0).mount_path(),
            "/var/run/secrets/kubernetes.io/serviceaccount");
  api::Pod without = pod_named("b", "team");
  without.mutable_spec()->set_automount_service_account_token(false);
  EXPECT_EQ(made(without)->spec().volumes_size(), 0);
}

TEST_F(RootCaTest, APodMayBeReplacedByItsManifest) {
  const auto before = made(pod_named("a"));
  api::Pod manifest = pod_named("a");
  (*manifest.mutable_metadata()->mutable_labels())["status"] = "replaced";
  manifest.mutable_spec()->mutable_containers(0)->set_image("nginx:1.8");
  const Response response = put(manifest);
  ASSERT_TRUE(response.ok()) << response.error.message;
  const auto& after = response.object->as<api::Pod>();
  EXPECT_EQ(after.metadata().labels().at("status"), "replaced");
  EXPECT_EQ(after.spec().containers(0).image(), "nginx:1.8");
  api::PodSpec spec = after.spec();
  spec.mutable_containers(0)->set_image(before->spec().containers(0).image());
  EXPECT_TRUE(api::same(spec, before->spec())) << after.spec().DebugString();
  // What is named otherwise is a change.
  manifest.mutable_spec()->set_service_account_name("other");
  EXPECT_EQ(put(manifest).error.reason, Reason::invalid);
  // A patch says what it takes away.
  const std::string bare = R"([{"op":"remove","path":"/spec/volumes"},)"
                           R"({"op":"remove","path":"/spec/containers/0/volumeMounts"}])";
  EXPECT_EQ(call(patching(Kind::pods, "a", api::PatchType::json, bare)).error.reason, Reason::invalid);
}

TEST_F(RootCaTest, TheServersServiceComesBack) {
  EXPECT_TRUE(call(removal(Kind::services, "kubernetes")).ok());
  EXPECT_FALSE(read<api::Service>("kubernetes"));
  loop.run_for(11s);
  EXPECT_TRUE(read<api::Service>("kubernetes"));
}

TEST_F(RootCaTest, TheServerIsAServiceWithEndpoints) {
  EXPECT_EQ(read<api::Endpoints>("kubernetes")->subsets(0).addresses(0).ip(), "192.0.2.7");
  EXPECT_EQ(read<api::EndpointSlice>("kubernetes")->endpoints(0).addresses(0), "192.0.2.7");
}

TEST_F(CreateTest, UidsAreNotRepeatedAfterARestart) {
  const auto before = made(pod_named("a"));
  restart();
  loop.settle();
  const auto after = made(pod_named("b"));
  EXPECT_NE(before.uid(), after.uid());
}

}  // namespace
}  // namespace keelson::test
