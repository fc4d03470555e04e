#include "core/auth/node_authorizer.hpp"

#include "core/auth/node_restriction.hpp"
#include "core/auth/pod_references.hpp"
#include "tests/auth/auth_fixture.hpp"

namespace keelson::test {
namespace {

class NodeTest : public AuthTest {
 protected:
  NodeTest() {
    made(node_named("n1"));
    made(node_named("n2"));
    api::Pod pod = pod_named("web");
    pod.mutable_spec()->set_node_name("n1");
    auto& container = *pod.mutable_spec()->mutable_containers(0);
    container.add_env_from()->mutable_secret_ref()->mutable_local_object_reference()->set_name(
        "env");
    auto& volume = *pod.mutable_spec()->add_volumes();
    volume.set_name("v");
    auto& projected = *volume.mutable_volume_source()->mutable_projected()->add_sources();
    projected.mutable_config_map()->mutable_local_object_reference()->set_name("settings");
    auto& secret = *pod.mutable_spec()->add_volumes();
    secret.set_name("s");
    secret.mutable_volume_source()->mutable_secret()->set_secret_name("mounted");
    web = made(pod);
  }
  auth::UserInfo n1 = node_user("n1"), n2 = node_user("n2");
  api::Ref<api::Pod> web;
};

TEST_F(NodeTest, ReferencesAreFoundWhereverTheyStand) {
  std::vector<std::string> found;
  auth::each_reference(web->spec(), [&](Kind kind, const std::string& name) {
    found.push_back((kind == Kind::secrets ? "secret " : "configmap ") + name);
    return true;
  });
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found,
            (std::vector<std::string>{"configmap settings", "secret env", "secret mounted"}));
}

TEST_F(NodeTest, ReadsWhatItsPodsName) {
  EXPECT_TRUE(may(asking(n1, "get", "secrets", "default", "env")));
  EXPECT_TRUE(may(asking(n1, "watch", "secrets", "default", "mounted")));
  EXPECT_TRUE(may(asking(n1, "get", "configmaps", "default", "settings")));
  EXPECT_FALSE(may(asking(n1, "get", "configmaps", "kube-system", "settings")));
  EXPECT_FALSE(may(asking(n1, "get", "secrets", "default", "settings")));
  EXPECT_FALSE(may(asking(n2, "get", "secrets", "default", "env")));
  EXPECT_EQ(why(asking(n2, "get", "secrets", "default", "env")),
            "no relationship found between node 'n2' and this object");
  EXPECT_EQ(why(asking(n1, "list", "secrets", "default")), "No Object name found");
  EXPECT_FALSE(may(asking(n1, "delete", "secrets", "default", "env")));
  EXPECT_TRUE(may(asking(n1, "create", "serviceaccounts/token", "default", "default")));
  EXPECT_FALSE(may(asking(n2, "create", "serviceaccounts/token", "default", "default")));
}

TEST_F(NodeTest, ReadsItselfAndItsPods) {
  EXPECT_TRUE(may(asking(n1, "get", "nodes", "", "n1")));
  EXPECT_FALSE(may(asking(n1, "get", "nodes", "", "n2")));
  auto watch = asking(n1, "watch", "nodes");
  EXPECT_FALSE(may(watch));
  watch.field_selector = "metadata.name=n1";
  EXPECT_TRUE(may(watch));
  auto pods = asking(n1, "list", "pods");
  EXPECT_EQ(why(pods), "can only list/watch pods with spec.nodeName field selector");
  pods.field_selector = "spec.nodeName=n2";
  EXPECT_FALSE(may(pods));
  pods.field_selector = "spec.nodeName=n1,status.phase!=Failed";
  EXPECT_TRUE(may(pods));
  pods.field_selector = "not a selector";
  EXPECT_FALSE(may(pods));
  EXPECT_TRUE(may(asking(n1, "get", "pods", "default", "web")));
  EXPECT_FALSE(may(asking(n2, "get", "pods", "default", "web")));
  EXPECT_TRUE(may(asking(n1, "update", "leases.coordination.k8s.io", "kube-node-lease", "n1")));
  EXPECT_FALSE(may(asking(n1, "update", "leases.coordination.k8s.io", "kube-node-lease", "n2")));
  EXPECT_FALSE(may(asking(n1, "update", "leases.coordination.k8s.io", "kube-system", "n1")));
  EXPECT_TRUE(may(asking(n1, "create", "events", "default")));
}

TEST_F(NodeTest, HearsWhatWitnessesAreAsked) {
  auto watch = asking(n1, "watch", "configmaps", "kube-system");
  EXPECT_FALSE(may(watch));
  watch.field_selector = "metadata.name=keelson-witnesses";
  EXPECT_TRUE(may(watch));
  EXPECT_TRUE(may(asking(n1, "get", "configmaps", "kube-system", "keelson-witnesses")));
  EXPECT_FALSE(may(asking(n1, "update", "configmaps", "kube-system", "keelson-witnesses")));
  EXPECT_FALSE(may(asking(n1, "get", "configmaps", "default", "keelson-witnesses")));
  EXPECT_FALSE(may(asking(n1, "get", "secrets", "kube-system", "keelson-witnesses")));
}

TEST_F(NodeTest, OnlyMembersOfTheGroupAreNodes) {
  EXPECT_FALSE(may(asking(user("system:node:n1"), "get", "secrets", "default", "env")));
  EXPECT_FALSE(may(asking(user("n1", {"system:nodes"}), "get", "secrets", "default", "env")));
}

TEST_F(NodeTest, WritesItselfOnly) {
  api::Node other = node_named("n2");
  EXPECT_EQ(as(n1, api::update(api::make_object(other))).error.message,
            "nodes \"n2\" is forbidden: node \"n1\" is not allowed to modify node \"n2\"");
  api::Node self = *read<api::Node>("n1");
  (*self.mutable_metadata()->mutable_labels())["kubernetes.io/arch"] = "amd64";
  (*self.mutable_metadata()->mutable_labels())["example.com/rack"] = "7";
  EXPECT_TRUE(as(n1, api::update(api::make_object(self))).ok());
  (*self.mutable_metadata()->mutable_labels())["node-restriction.kubernetes.io/x"] = "y";
  EXPECT_EQ(as(n1, api::update(api::make_object(self))).error.message,
            "nodes \"n1\" is forbidden: is not allowed to modify labels: "
            "node-restriction.kubernetes.io/x");
  api::Node tainted = *read<api::Node>("n1");
  auto& taint = *tainted.mutable_spec()->add_taints();
  taint.set_key("k");
  taint.set_effect("NoSchedule");
  EXPECT_EQ(as(n1, api::update(api::make_object(tainted))).error.message,
            "nodes \"n1\" is forbidden: node \"n1\" is not allowed to modify taints");
  EXPECT_TRUE(as(user("jane"), api::update(api::make_object(tainted))).ok());
}

// Others would send it what belongs to somebody else: the API server's address, say.
TEST_F(NodeTest, DoesNotChooseTheNetworkOfItsPods) {
  api::Node self = *read<api::Node>("n1");
  self.mutable_spec()->set_pod_cidr("10.96.0.1/32");
  EXPECT_EQ(as(n1, api::update(api::make_object(self))).error.message,
            "nodes \"n1\" is forbidden: node \"n1\" is not allowed to choose the network of its pods");
  self.mutable_spec()->clear_pod_cidr();
  self.mutable_spec()->add_pod_cidrs("10.96.0.1/32");
  EXPECT_FALSE(as(n1, api::update(api::make_object(self))).ok());
  api::Node fresh = node_named("n9");
  fresh.mutable_spec()->set_pod_cidr("10.96.0.1/32");
  const auto n9 = user("system:node:n9", {"system:nodes"});
  EXPECT_FALSE(as(n9, api::create(api::make_object(fresh))).ok());
  fresh.mutable_spec()->clear_pod_cidr();
  EXPECT_TRUE(as(n9, api::create(api::make_object(fresh))).ok());
}

TEST_F(NodeTest, ReportsOnAndDeletesItsPodsOnly) {
  api::Pod status = *web;
  set_ready(status, true);
  EXPECT_EQ(as(n2, api::update_status(api::make_object(status))).error.message,
            "pods \"web\" is forbidden: node \"n2\" can only update pod status for pods with "
            "spec.nodeName set to itself");
  EXPECT_TRUE(as(n1, api::update_status(api::make_object(status))).ok());
  EXPECT_FALSE(as(n2, removal(Kind::pods, "web")).ok());
  EXPECT_TRUE(as(n1, removal(Kind::pods, "web")).ok());
}

TEST_F(NodeTest, CreatesMirrorPodsOnly) {
  api::Pod pod = pod_named("static");
  EXPECT_EQ(create_as(n1, pod).error.message,
            "pods \"static\" is forbidden: pod does not have \"kubernetes.io/config.mirror\" "
            "annotation, node \"n1\" can only create mirror pods");
  (*pod.mutable_metadata()->mutable_annotations())["kubernetes.io/config.mirror"] = "x";
  EXPECT_FALSE(create_as(n1, pod).ok());
  pod.mutable_spec()->set_node_name("n1");
  EXPECT_FALSE(create_as(n1, pod).ok());
  auto& owner = *pod.mutable_metadata()->add_owner_references();
  owner.set_api_version("v1");
  owner.set_kind("Node");
  owner.set_name("n1");
  owner.set_uid("wrong");
  owner.set_controller(true);
  EXPECT_FALSE(create_as(n1, pod).ok());
  owner.set_uid(read<api::Node>("n1").uid());
  pod.mutable_spec()->set_service_account_name("default");  // whose tokens the node would get
  EXPECT_FALSE(create_as(n1, pod).ok());
  pod.mutable_spec()->clear_service_account_name();
  EXPECT_TRUE(create_as(n1, pod).ok());
}

}  // namespace
}  // namespace keelson::test
