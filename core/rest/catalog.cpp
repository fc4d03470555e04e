#include "core/rest/catalog.hpp"

#include <algorithm>
#include <tuple>

namespace keelson::rest {

namespace {

using api::KindInfo;

const std::vector<std::string> kStored = {"create", "delete", "deletecollection", "get",
                                          "list",   "patch",  "update",           "watch"};
const std::vector<std::string> kPart = {"get", "patch", "update"};

// Older names of versions, which the older of the supported clients ask for.
struct Alias {
  api::Kind kind;
  const char* group;
  const char* version;
  // In which versions of Kubernetes it was deprecated and taken away, for a warning. Null where the
  // clients that ask for it have no choice.
  const char* deprecated = nullptr;
};
constexpr const char* kRbacDeprecated = "v1.17+, unavailable in v1.22+";
constexpr const char* kReviewsDeprecated = "v1.19+, unavailable in v1.22+";
constexpr Alias kAliases[] = {
    {api::Kind::pod_disruption_budgets, "policy", "v1beta1"},
    {api::Kind::endpoint_slices, "discovery.k8s.io", "v1beta1"},
    {api::Kind::events, "events.k8s.io", "v1"},
    {api::Kind::roles, "rbac.authorization.k8s.io", "v1beta1", kRbacDeprecated},
    {api::Kind::role_bindings, "rbac.authorization.k8s.io", "v1beta1", kRbacDeprecated},
    {api::Kind::cluster_roles, "rbac.authorization.k8s.io", "v1beta1", kRbacDeprecated},
    {api::Kind::cluster_role_bindings, "rbac.authorization.k8s.io", "v1beta1", kRbacDeprecated},
    {api::Kind::certificate_signing_requests, "certificates.k8s.io", "v1beta1", kReviewsDeprecated},
};

// What comes with each answer about a deprecated version. Source: apiserver's deprecation warnings.
std::string warning_of(const Resource& resource, const std::string& group, const char* deprecated) {
  return group + "/" + resource.version + " " + resource.kind + " is deprecated in " + deprecated +
         "; use " + group + "/v1 " + resource.kind;
}

// The order in which /apis lists groups, as Kubernetes ranks them; others follow by name.
constexpr const char* kGroupOrder[] = {
    "apps",          "events.k8s.io",      "authentication.k8s.io", "authorization.k8s.io",
    "autoscaling",   "batch",              "certificates.k8s.io",   "networking.k8s.io",
    "policy",        "rbac.authorization.k8s.io", "storage.k8s.io", "scheduling.k8s.io",
    "coordination.k8s.io", "node.k8s.io",  "discovery.k8s.io"};

int rank_of(const std::string& group) {
  for (int i = 0; i < static_cast<int>(std::size(kGroupOrder)); ++i) {
    if (group == kGroupOrder[i]) return i;
  }
  return static_cast<int>(std::size(kGroupOrder));
}

const google::protobuf::Descriptor* descriptor_of(const KindInfo& info) {
  return api::new_message(info.kind)->GetDescriptor();
}

Resource stored(const KindInfo& info, std::string group, std::string version) {
  Resource r;
  r.group = std::move(group);
  r.version = std::move(version);
  r.name = info.plural;
  r.singular = info.singular;
  r.kind = info.name;
  r.kind_group = r.group;
  r.kind_version = r.version;
  r.namespaced = info.namespaced;
  r.verbs = kStored;
  if (info.kind == api::Kind::namespaces) std::erase(r.verbs, "deletecollection");
  r.short_names = info.short_names;
  r.categories = info.categories;
  r.info = &info;
  r.message = descriptor_of(info);
  return r;
}

Resource part(const Resource& whole, std::string subresource, Endpoint endpoint,
              std::vector<std::string> verbs) {
  Resource r = whole;
  r.subresource = std::move(subresource);
  r.singular.clear();
  r.short_names.clear();
  r.categories.clear();
  r.endpoint = endpoint;
  r.verbs = std::move(verbs);
  return r;
}

Resource part_of_kind(const Resource& whole, std::string subresource, Endpoint endpoint,
                      std::vector<std::string> verbs, std::string kind_group,
                      std::string kind_version, std::string kind,
                      const google::protobuf::Descriptor* message) {
  Resource r = part(whole, std::move(subresource), endpoint, std::move(verbs));
  r.kind_group = std::move(kind_group);
  r.kind_version = std::move(kind_version);
  r.kind = std::move(kind);
  r.message = message;
  return r;
}

void add_kind(std::vector<Resource>& out, const KindInfo& info, const std::string& group,
              const std::string& version, const char* deprecated = nullptr) {
  Resource whole = stored(info, group, version);
  if (deprecated) whole.deprecation = warning_of(whole, group, deprecated);
  out.push_back(whole);
  if (info.has_status) out.push_back(part(whole, "status", Endpoint::status, kPart));
  if (info.has_scale) {
    out.push_back(part_of_kind(whole, "scale", Endpoint::scale, kPart, "autoscaling", "v1", "Scale",
                               api::Scale::descriptor()));
  }
  const auto connect = [&](const char* name, Endpoint endpoint, const char* options,
                           std::vector<std::string> verbs) {
    out.push_back(part_of_kind(whole, name, endpoint, std::move(verbs), group, version, options,
                               nullptr));
  };
  const std::vector<std::string> stream = {"create", "get"};
  const std::vector<std::string> proxy = {"create", "delete", "get", "patch", "update"};
  switch (info.kind) {
    case api::Kind::pods:
      out.push_back(part_of_kind(whole, "binding", Endpoint::binding, {"create"}, "", "v1",
                                 "Binding", api::Binding::descriptor()));
      out.push_back(part_of_kind(whole, "eviction", Endpoint::eviction, {"create"}, "policy", "v1",
                                 "Eviction", api::Eviction::descriptor()));
      out.push_back(part(whole, "ephemeralcontainers", Endpoint::ephemeral_containers, kPart));
      out.push_back(part(whole, "log", Endpoint::log, {"get"}));
      connect("exec", Endpoint::exec, "PodExecOptions", stream);
      connect("attach", Endpoint::attach, "PodAttachOptions", stream);
      connect("portforward", Endpoint::port_forward, "PodPortForwardOptions", stream);
      connect("proxy", Endpoint::proxy, "PodProxyOptions", proxy);
      break;
    case api::Kind::services:
      connect("proxy", Endpoint::proxy, "ServiceProxyOptions", proxy);
      break;
    case api::Kind::nodes: connect("proxy", Endpoint::proxy, "NodeProxyOptions", proxy); break;
    case api::Kind::service_accounts:
      out.push_back(part_of_kind(whole, "token", Endpoint::token, {"create"},
                                 "authentication.k8s.io", "v1", "TokenRequest",
                                 api::TokenRequest::descriptor()));
      break;
    case api::Kind::certificate_signing_requests:
      out.push_back(part(whole, "approval", Endpoint::approval, kPart));
      break;
    case api::Kind::namespaces:
      out.push_back(part(whole, "finalize", Endpoint::finalize, {"update"}));
      break;
    default: break;
  }
}

// A question that is answered and not kept.
void add_review(std::vector<Resource>& out, const char* group, const char* plural, bool namespaced,
                const google::protobuf::Descriptor* message, const char* version = "v1") {
  Resource r;
  r.group = r.kind_group = group;
  r.version = r.kind_version = version;
  r.name = plural;
  r.kind = message->name();
  for (const char c : r.kind) r.singular += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  r.namespaced = namespaced;
  r.verbs = {"create"};
  r.endpoint = Endpoint::review;
  r.message = message;
  if (r.version != "v1") r.deprecation = warning_of(r, r.group, kReviewsDeprecated);
  out.push_back(std::move(r));
}

// What pods or nodes use.
void add_usage(std::vector<Resource>& out, api::Kind kind, const char* body_kind) {
  const KindInfo& info = api::info(kind);
  Resource r;
  r.group = r.kind_group = "metrics.k8s.io";
  r.version = r.kind_version = "v1beta1";
  r.name = info.plural;
  r.kind = body_kind;
  r.namespaced = info.namespaced;
  r.verbs = {"get", "list"};
  r.endpoint = Endpoint::usage;
  r.info = &info;
  out.push_back(std::move(r));
}

auto order_of(const Resource& r) { return std::tie(r.group, r.version, r.name, r.subresource); }

}  // namespace

Catalog::Catalog() {
  for (const KindInfo& info : api::all_kinds()) {
    add_kind(resources_, info, info.group, info.version);
  }
  for (const Alias& alias : kAliases) {
    add_kind(resources_, api::info(alias.kind), alias.group, alias.version, alias.deprecated);
  }
  // A Binding may also be created on its own; it names its pod.
  Resource bindings;
  bindings.version = "v1";
  bindings.kind_version = "v1";
  bindings.name = "bindings";
  bindings.kind = "Binding";
  bindings.singular = "binding";
  bindings.verbs = {"create"};
  bindings.endpoint = Endpoint::binding;
  bindings.info = &api::info(api::Kind::pods);
  bindings.message = api::Binding::descriptor();
  resources_.push_back(std::move(bindings));

  add_review(resources_, "authentication.k8s.io", "selfsubjectreviews", false,
             api::SelfSubjectReview::descriptor());
  for (const char* version : {"v1", "v1beta1"}) {
    add_review(resources_, "authentication.k8s.io", "tokenreviews", false,
               api::TokenReview::descriptor(), version);
    add_review(resources_, "authorization.k8s.io", "subjectaccessreviews", false,
               api::SubjectAccessReview::descriptor(), version);
    add_review(resources_, "authorization.k8s.io", "selfsubjectaccessreviews", false,
               api::SelfSubjectAccessReview::descriptor(), version);
    add_review(resources_, "authorization.k8s.io", "selfsubjectrulesreviews", false,
               api::SelfSubjectRulesReview::descriptor(), version);
    add_review(resources_, "authorization.k8s.io", "localsubjectaccessreviews", true,
               api::LocalSubjectAccessReview::descriptor(), version);
  }

  add_usage(resources_, api::Kind::nodes, "NodeMetrics");
  add_usage(resources_, api::Kind::pods, "PodMetrics");

  std::sort(resources_.begin(), resources_.end(),
            [](const Resource& a, const Resource& b) { return order_of(a) < order_of(b); });
  for (const Resource& resource : resources_) {
    if (resource.group.empty()) continue;
    auto group = std::find_if(groups_.begin(), groups_.end(), [&](const GroupVersions& g) {
      return g.group == resource.group;
    });
    if (group == groups_.end()) group = groups_.insert(groups_.end(), {resource.group, {}});
    auto& versions = group->versions;
    if (std::find(versions.begin(), versions.end(), resource.version) == versions.end()) {
      versions.push_back(resource.version);
    }
  }
  for (GroupVersions& group : groups_) {
    // Stable versions before betas, newer before older: "v1" < "v1beta1" does as text what is
    // wanted among those that exist here.
    std::sort(group.versions.begin(), group.versions.end());
  }
  std::sort(groups_.begin(), groups_.end(), [](const GroupVersions& a, const GroupVersions& b) {
    return std::make_pair(rank_of(a.group), a.group) < std::make_pair(rank_of(b.group), b.group);
  });
}

const Catalog& Catalog::get() {
  static const Catalog catalog;
  return catalog;
}

const Resource* Catalog::find(std::string_view group, std::string_view version,
                              std::string_view resource, std::string_view subresource) const {
  const auto wanted = std::tie(group, version, resource, subresource);
  const auto it = std::lower_bound(
      resources_.begin(), resources_.end(), wanted, [](const Resource& r, const auto& w) {
        return std::tuple<std::string_view, std::string_view, std::string_view, std::string_view>(
                   r.group, r.version, r.name, r.subresource) < w;
      });
  if (it == resources_.end() || it->group != group || it->version != version ||
      it->name != resource || it->subresource != subresource) {
    return nullptr;
  }
  return &*it;
}

bool Catalog::serves(std::string_view group, std::string_view version) const {
  return std::any_of(resources_.begin(), resources_.end(), [&](const Resource& r) {
    return r.group == group && r.version == version;
  });
}

std::vector<const Resource*> Catalog::resources(std::string_view group,
                                                std::string_view version) const {
  std::vector<const Resource*> found;
  for (const Resource& r : resources_) {
    if (r.group == group && r.version == version) found.push_back(&r);
  }
  return found;
}

}  // namespace keelson::rest
