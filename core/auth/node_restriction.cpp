#include "core/auth/node_restriction.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "core/api/canonical.hpp"
#include "core/auth/names.hpp"
#include "core/auth/pod_references.hpp"

namespace keelson::auth {

namespace {

using api::ApiError;
using api::Kind;
using api::Message;
using api::Subresource;

constexpr const char* kMirror = "kubernetes.io/config.mirror";

using Labels = google::protobuf::Map<std::string, std::string>;

std::string_view domain_of(std::string_view label) {
  const std::size_t slash = label.find('/');
  return slash == std::string_view::npos ? std::string_view() : label.substr(0, slash);
}

bool below(std::string_view domain, std::string_view of) {
  return domain == of || (domain.size() > of.size() && domain.ends_with(of) &&
                          domain[domain.size() - of.size() - 1] == '.');
}

// Labels of the system that describe the node itself.
bool is_node_label(std::string_view label) {
  constexpr std::string_view known[] = {"kubernetes.io/hostname",
                                        "kubernetes.io/arch",
                                        "kubernetes.io/os",
                                        "beta.kubernetes.io/arch",
                                        "beta.kubernetes.io/os",
                                        "beta.kubernetes.io/instance-type",
                                        "node.kubernetes.io/instance-type",
                                        "topology.kubernetes.io/zone",
                                        "topology.kubernetes.io/region",
                                        "failure-domain.beta.kubernetes.io/zone",
                                        "failure-domain.beta.kubernetes.io/region",
                                        "failure-domain.kubernetes.io/zone",
                                        "failure-domain.kubernetes.io/region"};
  if (std::find(std::begin(known), std::end(known), label) != std::end(known)) return true;
  const std::string_view domain = domain_of(label);
  return below(domain, "kubelet.kubernetes.io") || below(domain, "node.kubernetes.io");
}

// A node that chose its own labels freely could attract pods that are meant for others.
bool is_forbidden_label(std::string_view label) {
  const std::string_view domain = domain_of(label);
  if (below(domain, "node-restriction.kubernetes.io")) return true;
  const bool system = below(domain, "kubernetes.io") || below(domain, "k8s.io");
  return system && !is_node_label(label);
}

std::string forbidden_changes(const Labels& now, const Labels& before) {
  std::set<std::string> changed;
  const auto compare = [&](const Labels& a, const Labels& b) {
    for (const auto& [key, value] : a) {
      const auto other = b.find(key);
      if ((other == b.end() || other->second != value) && is_forbidden_label(key)) {
        changed.insert(key);
      }
    }
  };
  compare(now, before);
  compare(before, now);
  std::string list;
  for (const std::string& key : changed) list += (list.empty() ? "" : ", ") + key;
  return list;
}

class Restriction {
 public:
  Restriction(std::string node, const apiserver::WatchCache& cache, Kind kind, std::string name)
      : node_(std::move(node)), cache_(cache), kind_(kind), name_(std::move(name)) {}

  ApiError refuse(std::string_view why) const { return api::forbidden(kind_, name_, why); }
  ApiError refuse_node(std::string_view why) const {
    return refuse("node " + quoted(node_) + " " + std::string(why));
  }

  ApiError pod(const api::Request& request, const api::Object* before, const Message* after) const {
    if (request.subresource == Subresource::eviction) {
      if (node_name(before) == node_) return {};
      return refuse("node " + node_ + " can only evict pods with spec.nodeName set to itself");
    }
    if (request.subresource == Subresource::status) return pod_status(*before, *after);
    if (request.subresource != Subresource::none) {
      return refuse("unexpected pod subresource " + quoted(api::to_string(request.subresource)) +
                    ", only 'status' and 'eviction' are allowed");
    }
    if (!after) {
      if (node_name(before) == node_) return {};
      return refuse_node("can only delete pods with spec.nodeName set to itself");
    }
    if (before) {
      return refuse("unexpected operation \"UPDATE\", node " + quoted(node_) +
                    " can only create and delete mirror pods");
    }
    return mirror_pod(static_cast<const api::Pod&>(*after));
  }

  ApiError node(const api::Object* before, const Message* after) const {
    if (name_ != node_) return refuse_node("is not allowed to modify node " + quoted(name_));
    if (!after) return {};
    const auto& now = static_cast<const api::Node&>(*after);
    if (!same_pod_network(now, before)) {
      // Other nodes would send it what belongs to somebody else.
      return refuse_node("is not allowed to choose the network of its pods");
    }
    if (!before) {
      const std::string labels = forbidden_changes(now.metadata().labels(), {});
      if (labels.empty()) return {};
      return refuse_node("is not allowed to set the following labels: " + labels);
    }
    const auto& old = before->as<api::Node>();
    if (!same_taints(now, old)) return refuse_node("is not allowed to modify taints");
    const std::string labels = forbidden_changes(now.metadata().labels(), old.metadata().labels());
    if (labels.empty()) return {};
    return refuse("is not allowed to modify labels: " + labels);
  }

  ApiError lease(const std::string& ns) const {
    if (ns != "kube-node-lease") {
      return refuse("can only access leases in the \"kube-node-lease\" system namespace");
    }
    if (name_ == node_) return {};
    return refuse("can only access node lease with the same name as the requesting node");
  }

 private:
  static std::string node_name(const api::Object* pod) {
    return pod ? pod->as<api::Pod>().spec().node_name() : std::string();
  }

  static bool same_pod_network(const api::Node& now, const api::Object* before) {
    const api::NodeSpec none;
    const api::NodeSpec& old = before ? before->as<api::Node>().spec() : none;
    const auto& x = now.spec().pod_cidrs();
    const auto& y = old.pod_cidrs();
    return now.spec().pod_cidr() == old.pod_cidr() && std::equal(x.begin(), x.end(), y.begin(), y.end());
  }

  static bool same_taints(const api::Node& a, const api::Node& b) {
    const auto& x = a.spec().taints();
    const auto& y = b.spec().taints();
    return x.size() == y.size() &&
           std::equal(x.begin(), x.end(), y.begin(),
                      [](const auto& s, const auto& t) { return api::same(s, t); });
  }

  ApiError pod_status(const api::Object& before, const Message& after) const {
    if (node_name(&before) != node_) {
      return refuse_node("can only update pod status for pods with spec.nodeName set to itself");
    }
    const Labels& now = static_cast<const api::Pod&>(after).metadata().labels();
    const Labels& old = before.meta().labels();
    const bool same =
        now.size() == old.size() && std::all_of(now.begin(), now.end(), [&](const auto& label) {
          const auto other = old.find(label.first);
          return other != old.end() && other->second == label.second;
        });
    return same ? ApiError() : refuse_node("cannot update labels through pod status");
  }

  // A pod of the node's own making that is only shown in the API. It must not open other objects to
  // the node.
  ApiError mirror_pod(const api::Pod& pod) const {
    if (!pod.metadata().annotations().contains(kMirror)) {
      return refuse("pod does not have " + quoted(kMirror) + " annotation, node " + quoted(node_) +
                    " can only create mirror pods");
    }
    if (pod.spec().node_name() != node_) {
      return refuse_node("can only create pods with spec.nodeName set to itself");
    }
    if (ApiError error = owner(pod)) return error;
    // Not even its namespace's own: the node would be given tokens of it.
    if (!pod.spec().service_account_name().empty()) {
      return refuse_node("can not create pods that reference a service account");
    }
    const char* what = nullptr;
    each_reference(pod.spec(), [&](Kind kind, const std::string&) {
      what = kind == Kind::secrets ? "secrets" : "configmaps";
      return false;
    });
    if (what) return refuse_node(std::string("can not create pods that reference ") + what);
    for (const api::Volume& volume : pod.spec().volumes()) {
      if (volume.volume_source().has_persistent_volume_claim()) {
        return refuse_node("can not create pods that reference persistentvolumeclaims");
      }
    }
    return {};
  }

  ApiError owner(const api::Pod& pod) const {
    const auto& owners = pod.metadata().owner_references();
    if (owners.size() > 1) {
      return refuse_node("can only create pods with a single owner reference set to itself");
    }
    if (owners.empty() || owners[0].api_version() != "v1" || owners[0].kind() != "Node" ||
        owners[0].name() != node_) {
      return refuse_node("can only create pods with an owner reference set to itself");
    }
    if (!owners[0].controller()) {
      return refuse_node("can only create pods with a controller owner reference set to itself");
    }
    if (owners[0].block_owner_deletion()) {
      return refuse_node("must not set blockOwnerDeletion on an owner reference");
    }
    const api::ObjectPtr node = cache_.find(Kind::nodes, "", node_);
    if (!node) return api::not_found(Kind::nodes, node_);
    if (node->uid() == owners[0].uid()) return {};
    return refuse("node " + node_ + " UID mismatch: expected " + owners[0].uid() + " got " +
                  node->uid());
  }

  std::string node_;
  const apiserver::WatchCache& cache_;
  Kind kind_;
  std::string name_;
};

}  // namespace

ApiError check_node_write(const UserInfo& user, const apiserver::WatchCache& cache,
                          const api::Request& request, const api::Object* before,
                          const Message* after) {
  const std::optional<std::string> node = node_of(user);
  if (!node) return {};
  const std::string name = before ? before->name() : api::meta_of(request.kind, *after).name();
  const Restriction restriction(*node, cache, request.kind, name);
  if (node->empty()) {
    return restriction.refuse("could not determine node from user " + quoted(user.name));
  }
  switch (request.kind) {
    case Kind::pods: return restriction.pod(request, before, after);
    case Kind::nodes: return restriction.node(before, after);
    case Kind::leases:
      return restriction.lease(before ? before->ns()
                                      : api::meta_of(request.kind, *after).namespace_());
    default: return {};
  }
}

ApiError check_node_token(const UserInfo& user, const apiserver::WatchCache& cache,
                          const std::string& ns, const std::string& account,
                          const api::TokenRequest& request) {
  const std::optional<std::string> node = node_of(user);
  if (!node) return {};
  const auto refuse = [&](const std::string& why) {
    return api::forbidden(Kind::service_accounts, account, why);
  };
  const auto& bound = request.spec().bound_object_ref();
  if (!request.spec().has_bound_object_ref() || bound.api_version() != "v1" ||
      bound.kind() != "Pod" || bound.name().empty()) {
    return refuse("node requested token not bound to a pod");
  }
  if (bound.uid().empty()) return refuse("node requested token with a pod binding without a uid");
  const api::ObjectPtr pod = cache.find(Kind::pods, ns, bound.name());
  if (!pod) return api::not_found(Kind::pods, bound.name());
  if (pod->uid() != bound.uid()) {
    return refuse("the UID in the bound object reference (" + bound.uid() +
                  ") does not match the UID in record. The object might have been deleted and then "
                  "recreated");
  }
  if (pod->as<api::Pod>().spec().node_name() != *node) {
    return refuse("node requested token bound to a pod scheduled on a different node");
  }
  return {};
}

}  // namespace keelson::auth
