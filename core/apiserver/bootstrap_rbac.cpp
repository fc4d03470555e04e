#include "core/apiserver/bootstrap_rbac.hpp"

#include <algorithm>
#include <span>

#include "core/api/aggregation.hpp"

namespace keelson::apiserver {

namespace {

using api::ClusterRole;
using api::rbac::v1::PolicyRule;

constexpr const char* kRead = "get,list,watch";
constexpr const char* kWrite = "create,delete,deletecollection,patch,update";
constexpr const char* kReadWrite = "create,delete,deletecollection,get,list,patch,update,watch";

// Lists are separated by commas; "" among the groups is the core group.
struct Rule {
  const char* verbs;
  const char* groups;
  const char* resources;
  const char* names = "";
  const char* urls = "";
};
constexpr Rule path(const char* verbs, const char* urls) { return {verbs, "", "", "", urls}; }

constexpr Rule kEvents = {"create,patch,update", ",events.k8s.io", "events"};

struct RoleText {
  const char* name;
  const char* label;       // "aggregate-to-view": whose rules this adds to
  const char* aggregates;  // the label by which it collects
  std::vector<Rule> rules;
};

const std::vector<RoleText>& role_texts() {
  static const std::vector<RoleText> roles = {
      {"cluster-admin", "", "", {{"*", "*", "*"}, path("*", "*")}},
      {"admin", "", "aggregate-to-admin", {}},
      {"edit", "aggregate-to-admin", "aggregate-to-edit", {}},
      {"view", "aggregate-to-edit", "aggregate-to-view", {}},
      {"system:aggregate-to-admin",
       "aggregate-to-admin",
       "",
       {{"create", "authorization.k8s.io", "localsubjectaccessreviews"},
        {kReadWrite, "rbac.authorization.k8s.io", "rolebindings,roles"}}},
      {"system:aggregate-to-edit",
       "aggregate-to-edit",
       "",
       {{kRead, "",
         "pods/attach,pods/exec,pods/portforward,pods/proxy,secrets,services/proxy"},
        {"impersonate", "", "serviceaccounts"},
        {kWrite, "", "pods,pods/attach,pods/exec,pods/portforward,pods/proxy"},
        {"create", "", "pods/eviction"},
        {kWrite, "",
         "configmaps,events,persistentvolumeclaims,replicationcontrollers,"
         "replicationcontrollers/scale,secrets,serviceaccounts,services,services/proxy"},
        {"create", "", "serviceaccounts/token"},
        {kWrite, "apps",
         "daemonsets,deployments,deployments/rollback,deployments/scale,replicasets,"
         "replicasets/scale,statefulsets,statefulsets/scale"},
        {kWrite, "autoscaling", "horizontalpodautoscalers"},
        {kWrite, "batch", "cronjobs,jobs"},
        {kWrite, "policy", "poddisruptionbudgets"},
        {kWrite, "networking.k8s.io", "ingresses,networkpolicies"},
        {kReadWrite, "coordination.k8s.io", "leases"}}},
      {"system:aggregate-to-view",
       "aggregate-to-view",
       "",
       {{kRead, "",
         "configmaps,endpoints,persistentvolumeclaims,persistentvolumeclaims/status,pods,"
         "replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,"
         "services/status"},
        {kRead, "",
         "bindings,events,limitranges,namespaces/status,pods/log,pods/status,"
         "replicationcontrollers/status,resourcequotas,resourcequotas/status"},
        {kRead, "", "namespaces"},
        {kRead, "discovery.k8s.io", "endpointslices"},
        {kRead, "apps",
         "controllerrevisions,daemonsets,daemonsets/status,deployments,deployments/scale,"
         "deployments/status,replicasets,replicasets/scale,replicasets/status,statefulsets,"
         "statefulsets/scale,statefulsets/status"},
        {kRead, "autoscaling", "horizontalpodautoscalers,horizontalpodautoscalers/status"},
        {kRead, "batch", "cronjobs,cronjobs/status,jobs,jobs/status"},
        {kRead, "policy", "poddisruptionbudgets,poddisruptionbudgets/status"},
        {kRead, "networking.k8s.io", "ingresses,ingresses/status,networkpolicies"}}},
      // Comes with metrics-server where that is another program.
      {"system:aggregated-metrics-reader",
       "aggregate-to-view",
       "",
       {{kRead, "metrics.k8s.io", "nodes,pods"}}},
      {"system:discovery",
       "",
       "",
       {path("get", "/api,/api/*,/apis,/apis/*,/healthz,/livez,/openapi,/openapi/*,/readyz,"
                    "/version,/version/")}},
      {"system:monitoring",
       "",
       "",
       {path("get", "/healthz,/healthz/*,/livez,/livez/*,/metrics,/metrics/slis,/readyz,"
                    "/readyz/*")}},
      {"system:basic-user",
       "",
       "",
       {{"create", "authorization.k8s.io", "selfsubjectaccessreviews,selfsubjectrulesreviews"},
        {"create", "authentication.k8s.io", "selfsubjectreviews"}}},
      {"system:public-info-viewer",
       "",
       "",
       {path("get", "/healthz,/livez,/readyz,/version,/version/")}},
      {"system:service-account-issuer-discovery",
       "",
       "",
       {path("get", "/.well-known/openid-configuration,/.well-known/openid-configuration/,"
                    "/openid/v1/jwks,/openid/v1/jwks/")}},
      {"system:auth-delegator",
       "",
       "",
       {{"create", "authentication.k8s.io", "tokenreviews"},
        {"create", "authorization.k8s.io", "subjectaccessreviews"}}},
      {"system:node",
       "",
       "",
       {{"create", "authentication.k8s.io", "tokenreviews"},
        {"create", "authorization.k8s.io", "localsubjectaccessreviews,subjectaccessreviews"},
        {kRead, "", "services"},
        {"create,get,list,watch", "", "nodes"},
        {"patch,update", "", "nodes/status"},
        {"patch,update", "", "nodes"},
        kEvents,
        {kRead, "", "pods"},
        {"create,delete", "", "pods"},
        {"patch,update", "", "pods/status"},
        {"create", "", "pods/eviction"},
        {kRead, "", "configmaps,secrets"},
        {"get", "", "persistentvolumeclaims,persistentvolumes"},
        {"get", "", "endpoints"},
        {"create,get,list,watch", "certificates.k8s.io", "certificatesigningrequests"},
        {"create,delete,get,patch,update", "coordination.k8s.io", "leases"},
        {"create", "", "serviceaccounts/token"},
        {kRead, "node.k8s.io", "runtimeclasses"}}},
      {"system:node-bootstrapper",
       "",
       "",
       {{"create,get,list,watch", "certificates.k8s.io", "certificatesigningrequests"}}},
      {"system:node-proxier",
       "",
       "",
       {{"list,watch", "", "endpoints,services"},
        {kRead, "", "nodes"},
        kEvents,
        {"list,watch", "discovery.k8s.io", "endpointslices"}}},
      // What a node's network is made from: routes, service rules, policies, names. Under the name of
      // Kubernetes' proxy, because a node under its own name sees only itself and its pods.
      {"keelson:node-network",
       "",
       "",
       {{"list,watch", "", "namespaces,nodes,pods,services"},
        {"list,watch", "discovery.k8s.io", "endpointslices"},
        {"list,watch", "networking.k8s.io", "networkpolicies"}}},
      {"system:kube-scheduler",
       "",
       "",
       {kEvents,
        {"create,list,watch", "coordination.k8s.io", "leases"},
        {"get,update", "coordination.k8s.io", "leases", "kube-scheduler"},
        {kRead, "", "nodes"},
        {"delete,get,list,watch", "", "pods"},
        {"create", "", "bindings,pods/binding"},
        {"patch,update", "", "pods/status"},
        {kRead, "", "replicationcontrollers,services"},
        {kRead, "apps", "replicasets"},
        {kRead, "apps", "statefulsets"},
        {kRead, "policy", "poddisruptionbudgets"},
        {kRead, "", "persistentvolumeclaims,persistentvolumes"},
        {kRead, "", "namespaces"},
        {"create", "authentication.k8s.io", "tokenreviews"},
        {"create", "authorization.k8s.io", "subjectaccessreviews"}}},
      {"system:kube-controller-manager",
       "",
       "",
       {kEvents,
        {"create", "coordination.k8s.io", "leases"},
        {"get,update", "coordination.k8s.io", "leases", "kube-controller-manager"},
        {"create", "", "secrets,serviceaccounts"},
        {"delete", "", "secrets"},
        {"get", "", "configmaps,namespaces,secrets,serviceaccounts"},
        {"update", "", "secrets,serviceaccounts"},
        {"create", "authentication.k8s.io", "tokenreviews"},
        {"create", "authorization.k8s.io", "subjectaccessreviews"},
        {"list,watch", "*", "*"},
        {"create", "", "serviceaccounts/token"}}},
      {"system:kube-dns", "", "", {{"list,watch", "", "endpoints,services"}}},
      {"system:certificates.k8s.io:certificatesigningrequests:nodeclient",
       "",
       "",
       {{"create", "certificates.k8s.io", "certificatesigningrequests/nodeclient"}}},
      {"system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
       "",
       "",
       {{"create", "certificates.k8s.io", "certificatesigningrequests/selfnodeclient"}}},
      {"system:certificates.k8s.io:kube-apiserver-client-approver",
       "",
       "",
       {{"approve", "certificates.k8s.io", "signers", "kubernetes.io/kube-apiserver-client"}}},
      {"system:certificates.k8s.io:kube-apiserver-client-kubelet-approver",
       "",
       "",
       {{"approve", "certificates.k8s.io", "signers",
         "kubernetes.io/kube-apiserver-client-kubelet"}}},
      {"system:certificates.k8s.io:kubelet-serving-approver",
       "",
       "",
       {{"approve", "certificates.k8s.io", "signers", "kubernetes.io/kubelet-serving"}}},
      {"system:certificates.k8s.io:legacy-unknown-approver",
       "",
       "",
       {{"approve", "certificates.k8s.io", "signers", "kubernetes.io/legacy-unknown"}}},
  };
  return roles;
}

struct BindingText {
  const char* name;
  const char* role;
  const char* kind;      // of the subjects
  const char* subjects;  // separated by commas
};

// system:node has no subject: nodes are authorized by the node authorizer.
constexpr BindingText kBindings[] = {
    {"cluster-admin", "cluster-admin", "Group", "system:masters"},
    {"system:monitoring", "system:monitoring", "Group", "system:monitoring"},
    {"system:discovery", "system:discovery", "Group", "system:authenticated"},
    {"system:basic-user", "system:basic-user", "Group", "system:authenticated"},
    {"system:public-info-viewer", "system:public-info-viewer", "Group",
     "system:authenticated,system:unauthenticated"},
    {"system:node-proxier", "system:node-proxier", "User", "system:kube-proxy"},
    {"keelson:node-network", "keelson:node-network", "User", "system:kube-proxy"},
    {"system:kube-controller-manager", "system:kube-controller-manager", "User",
     "system:kube-controller-manager"},
    {"system:kube-scheduler", "system:kube-scheduler", "User", "system:kube-scheduler"},
    {"system:node", "system:node", "User", ""},
    {"system:service-account-issuer-discovery", "system:service-account-issuer-discovery", "Group",
     "system:serviceaccounts"},
    // What a joining node needs; kubeadm's names.
    {"kubeadm:kubelet-bootstrap", "system:node-bootstrapper", "Group",
     "system:bootstrappers:kubeadm:default-node-token"},
    {"kubeadm:node-autoapprove-bootstrap",
     "system:certificates.k8s.io:certificatesigningrequests:nodeclient", "Group",
     "system:bootstrappers:kubeadm:default-node-token"},
    {"kubeadm:node-autoapprove-certificate-rotation",
     "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", "Group",
     "system:nodes"},
};

constexpr const char* kGroup = "rbac.authorization.k8s.io";

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t comma = list.find(',');
    parts.emplace_back(list.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    list.remove_prefix(comma + 1);
  }
}

PolicyRule rule_of(const Rule& text) {
  PolicyRule rule;
  for (std::string& verb : split(text.verbs)) rule.add_verbs(std::move(verb));
  if (*text.urls) {
    for (std::string& url : split(text.urls)) rule.add_non_resource_urls(std::move(url));
    return rule;
  }
  for (std::string& group : split(text.groups)) rule.add_api_groups(std::move(group));
  for (std::string& resource : split(text.resources)) rule.add_resources(std::move(resource));
  if (*text.names) rule.add_resource_names(text.names);
  return rule;
}

// Marks what belongs to the system, as tools look for it.
void label_default(ObjectMeta& meta, const char* name) {
  meta.set_name(name);
  (*meta.mutable_labels())["kubernetes.io/bootstrapping"] = "rbac-defaults";
  (*meta.mutable_annotations())["rbac.authorization.kubernetes.io/autoupdate"] = "true";
}

std::string aggregation_label(const char* label) {
  return std::string(kGroup) + "/" + label;
}

ClusterRole role_of(const RoleText& text) {
  ClusterRole role;
  label_default(*role.mutable_metadata(), text.name);
  if (*text.label) {
    (*role.mutable_metadata()->mutable_labels())[aggregation_label(text.label)] = "true";
  }
  for (const Rule& rule : text.rules) *role.add_rules() = rule_of(rule);
  if (*text.aggregates) {
    auto& selector = *role.mutable_aggregation_rule()->add_cluster_role_selectors();
    (*selector.mutable_match_labels())[aggregation_label(text.aggregates)] = "true";
  }
  return role;
}

std::vector<ClusterRole> roles() {
  std::vector<ClusterRole> all;
  for (const RoleText& text : role_texts()) all.push_back(role_of(text));
  std::sort(all.begin(), all.end(), [](const ClusterRole& a, const ClusterRole& b) {
    return a.metadata().name() < b.metadata().name();
  });
  std::vector<const ClusterRole*> sources;
  for (const ClusterRole& role : all) sources.push_back(&role);
  // Collecting looks at roles that do not collect, which stay as they are.
  for (ClusterRole& role : all) {
    if (role.has_aggregation_rule()) *role.mutable_rules() = api::effective_rules(role, sources);
  }
  return all;
}

void add_subjects(const char* kind, const char* names,
                  google::protobuf::RepeatedPtrField<api::rbac::v1::Subject>* subjects) {
  if (!*names) return;
  for (std::string& name : split(names)) {
    auto& subject = *subjects->Add();
    subject.set_kind(kind);
    subject.set_api_group(kGroup);
    subject.set_name(std::move(name));
  }
}

ObjectPtr binding_of(const BindingText& text) {
  api::ClusterRoleBinding binding;
  label_default(*binding.mutable_metadata(), text.name);
  binding.mutable_role_ref()->set_api_group(kGroup);
  binding.mutable_role_ref()->set_kind("ClusterRole");
  binding.mutable_role_ref()->set_name(text.role);
  add_subjects(text.kind, text.subjects, binding.mutable_subjects());
  return api::make_object(std::move(binding));
}

// Who wants to verify the API server needs what it publishes about itself.
ObjectPtr namespaced_role(const char* ns, const char* name, const Rule& rule) {
  api::Role role;
  label_default(*role.mutable_metadata(), name);
  role.mutable_metadata()->set_namespace_(ns);
  *role.add_rules() = rule_of(rule);
  return api::make_object(std::move(role));
}

ObjectPtr namespaced_binding(const char* ns, const char* name, const char* user) {
  api::RoleBinding binding;
  label_default(*binding.mutable_metadata(), name);
  binding.mutable_metadata()->set_namespace_(ns);
  binding.mutable_role_ref()->set_api_group(kGroup);
  binding.mutable_role_ref()->set_kind("Role");
  binding.mutable_role_ref()->set_name(name);
  add_subjects("User", user, binding.mutable_subjects());
  return api::make_object(std::move(binding));
}

}  // namespace

std::vector<ObjectPtr> default_rbac_objects() {
  std::vector<ObjectPtr> objects;
  for (ClusterRole& role : roles()) objects.push_back(api::make_object(std::move(role)));
  for (const BindingText& text : kBindings) objects.push_back(binding_of(text));
  for (const char* who : {"kube-controller-manager", "kube-scheduler"}) {
    const std::string name = std::string("system::leader-locking-") + who;
    objects.push_back(namespaced_role("kube-system", name.c_str(),
                                      {"get,watch,list,update", "coordination.k8s.io", "leases",
                                       who}));
    objects.push_back(namespaced_binding("kube-system", name.c_str(),
                                         (std::string("system:") + who).c_str()));
  }
  return objects;
}

}  // namespace keelson::apiserver
