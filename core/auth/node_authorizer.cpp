#include "core/auth/node_authorizer.hpp"

#include <algorithm>

#include "core/api/selector.hpp"
#include "core/auth/names.hpp"
#include "core/auth/pod_references.hpp"
#include "core/client/witness.hpp"

namespace keelson::auth {

namespace {

using api::Kind;

Verdict allowed() {
  return {Decision::allow, ""};
}
Verdict none(std::string why = {}) {
  return {Decision::no_opinion, std::move(why)};
}

bool is_read(const std::string& verb) {
  return verb == "get" || verb == "list" || verb == "watch";
}

bool one_of(const std::string& verb, std::initializer_list<const char*> verbs) {
  return std::any_of(verbs.begin(), verbs.end(), [&](const char* v) { return verb == v; });
}

// "spec.nodeName=n1" demands that.
bool selects(Kind kind, const std::string& selector, const char* field, const std::string& value) {
  if (selector.empty()) return false;
  const keelson::Result<api::FieldSelector> parsed = api::FieldSelector::parse(kind, selector);
  if (!parsed.ok()) return false;
  const std::string* required = parsed->required(field);
  return required && *required == value;
}

void rule(PolicyRules& rules, std::initializer_list<const char*> verbs, const char* group,
          std::initializer_list<const char*> resources) {
  PolicyRule& rule = *rules.Add();
  for (const char* verb : verbs) rule.add_verbs(verb);
  rule.add_api_groups(group);
  for (const char* resource : resources) rule.add_resources(resource);
}

PolicyRules static_rules() {
  PolicyRules rules;
  rule(rules, {"create"}, "authentication.k8s.io", {"tokenreviews"});
  rule(rules, {"create"}, "authorization.k8s.io",
       {"subjectaccessreviews", "localsubjectaccessreviews"});
  rule(rules, {"get", "list", "watch"}, "", {"services"});
  rule(rules, {"get"}, "", {"endpoints"});
  // The service proxy is part of the node's agent.
  rule(rules, {"list", "watch"}, "", {"endpoints"});
  rule(rules, {"list", "watch"}, "discovery.k8s.io", {"endpointslices"});
  rule(rules, {"create", "update", "patch"}, "", {"events"});
  rule(rules, {"create", "update", "patch"}, "events.k8s.io", {"events"});
  rule(rules, {"create", "get", "list", "watch"}, "certificates.k8s.io",
       {"certificatesigningrequests"});
  rule(rules, {"get", "list", "watch"}, "node.k8s.io", {"runtimeclasses"});
  return rules;
}

// What the controllers ask of all nodes: client/witness.hpp.
bool asks_for_witnesses(const Attributes& a) {
  const std::string name(client::kWitnessConfigMap);
  return a.resource == "configmaps" && a.ns == client::kWitnessNamespace &&
         (a.name == name || (a.name.empty() && selects(Kind::config_maps, a.field_selector,
                                                       "metadata.name", name)));
}

Verdict nodes(const std::string& node, const Attributes& a) {
  if (a.subresource == "status") {
    return one_of(a.verb, {"update", "patch"}) ? allowed() : none();
  }
  if (!a.subresource.empty()) return none();
  if (one_of(a.verb, {"create", "update", "patch"})) return allowed();
  if (!is_read(a.verb)) return none();
  if (a.name == node || selects(Kind::nodes, a.field_selector, "metadata.name", node)) {
    return allowed();
  }
  if (a.name.empty()) {
    return none("node '" + node + "' cannot read all nodes, only its own Node object");
  }
  return none("node '" + node + "' cannot read '" + a.name + "', only its own Node object");
}

Verdict leases(const std::string& node, const Attributes& a) {
  if (!one_of(a.verb, {"get", "create", "update", "patch", "delete"})) {
    return none("can only get, create, update, patch, or delete a node lease");
  }
  if (a.ns != "kube-node-lease") {
    return none("can only access leases in the \"kube-node-lease\" system namespace");
  }
  if (a.verb != "create" && a.name != node) {
    return none("can only access node lease with the same name as the requesting node");
  }
  return allowed();
}

}  // namespace

NodeAuthorizer::NodeAuthorizer(const apiserver::WatchCache& cache)
    : cache_(cache), rules_(static_rules()) {}

Verdict NodeAuthorizer::authorize(const Attributes& a) const {
  const std::optional<std::string> node = node_of(a.user);
  if (!node) return none();
  if (node->empty()) return none("unknown node \"" + a.user.name + "\"");
  if (a.resource_request) {
    if (a.group.empty()) {
      if (a.resource == "secrets" || a.resource == "configmaps") return reading(*node, a);
      if (a.resource == "serviceaccounts") return token(*node, a);
      if (a.resource == "nodes") return nodes(*node, a);
      if (a.resource == "pods") return pods(*node, a);
    } else if (a.group == "coordination.k8s.io" && a.resource == "leases") {
      return leases(*node, a);
    }
  }
  const bool ok = std::any_of(rules_.begin(), rules_.end(),
                              [&](const PolicyRule& rule) { return allows(rule, a); });
  return ok ? allowed() : none();
}

Verdict NodeAuthorizer::reading(const std::string& node, const Attributes& a) const {
  if (!is_read(a.verb)) return none("can only read resources of this type");
  if (!a.subresource.empty()) return none("cannot read subresource");
  if (a.ns.empty()) return none("can only read namespaced object of this type");
  if (asks_for_witnesses(a)) return allowed();
  if (a.name.empty()) return none("No Object name found");
  const Kind kind = a.resource == "secrets" ? Kind::secrets : Kind::config_maps;
  if (refers(node, kind, a)) return allowed();
  return none("no relationship found between node '" + node + "' and this object");
}

Verdict NodeAuthorizer::token(const std::string& node, const Attributes& a) const {
  if (a.verb == "get" && a.subresource.empty() && !a.name.empty()) {
    return refers(node, Kind::service_accounts, a)
               ? allowed()
               : none("no relationship found between node '" + node + "' and this object");
  }
  if (a.verb != "create" || a.name.empty()) {
    return none("can only create tokens for individual service accounts");
  }
  if (a.subresource != "token") {
    return none("can only create token subresource of service account");
  }
  if (refers(node, Kind::service_accounts, a)) return allowed();
  return none("no relationship found between node '" + node + "' and this object");
}

Verdict NodeAuthorizer::pods(const std::string& node, const Attributes& a) const {
  if (a.subresource == "status") {
    return one_of(a.verb, {"update", "patch"}) ? allowed() : none();
  }
  if (a.subresource == "eviction") return a.verb == "create" ? allowed() : none();
  if (!a.subresource.empty()) return none();
  if (one_of(a.verb, {"create", "delete"})) return allowed();
  if (a.verb == "get") {
    const api::ObjectPtr pod = cache_.find(Kind::pods, a.ns, a.name);
    if (pod && pod->as<api::Pod>().spec().node_name() == node) return allowed();
    return none("no relationship found between node '" + node + "' and this object");
  }
  if (a.verb != "list" && a.verb != "watch") return none();
  if (selects(Kind::pods, a.field_selector, "spec.nodeName", node)) return allowed();
  return none("can only list/watch pods with spec.nodeName field selector");
}

bool NodeAuthorizer::refers(const std::string& node, Kind kind, const Attributes& a) const {
  for (const apiserver::PodOnNode& entry : cache_.pods_on(node)) {
    if (entry.pod->ns() != a.ns) continue;
    const api::PodSpec& spec = entry.pod->as<api::Pod>().spec();
    if (kind == Kind::service_accounts) {
      if (spec.service_account_name() == a.name) return true;
      continue;
    }
    const bool none_found = each_reference(
        spec, [&](Kind k, const std::string& n) { return k != kind || n != a.name; });
    if (!none_found) return true;
  }
  return false;
}

}  // namespace keelson::auth
