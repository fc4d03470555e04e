#include "core/auth/rbac.hpp"

#include <algorithm>
#include <map>

#include "core/api/aggregation.hpp"
#include "core/auth/names.hpp"

namespace keelson::auth {

namespace {

using api::Kind;
using api::Revision;
using api::rbac::v1::RoleRef;
using api::rbac::v1::Subject;
using apiserver::WatchCache;

constexpr Kind kKinds[] = {Kind::cluster_roles, Kind::cluster_role_bindings, Kind::roles,
                           Kind::role_bindings};

// What a binding gives to one subject.
struct Grant {
  api::ObjectPtr binding;
  const Subject* subject = nullptr;
  const RoleRef* role = nullptr;
  std::shared_ptr<const PolicyRules> rules;  // null: the role does not exist
};

struct Grants {
  std::vector<Grant> everywhere;
  std::map<std::string, std::vector<Grant>, std::less<>> in_namespace;
};

std::string describe(const Grant& grant) {
  const bool namespaced = grant.binding->kind() == Kind::role_bindings;
  const std::string& name = grant.binding->name();
  std::string text = namespaced ? "RoleBinding " + quoted(name + "/" + grant.binding->ns())
                                : "ClusterRoleBinding " + quoted(name);
  text += " of " + grant.role->kind() + " " + quoted(grant.role->name()) + " to ";
  std::string subject = grant.subject->name();
  if (grant.subject->kind() == "ServiceAccount") {
    const std::string& ns = grant.subject->namespace_();
    subject += "/" + (ns.empty() ? grant.binding->ns() : ns);
  }
  return text + grant.subject->kind() + " " + quoted(subject);
}

std::string missing(const RoleRef& role) {
  return std::string(role.kind() == "Role" ? "role" : "clusterrole") + "." + kRbacGroup + " " +
         quoted(role.name()) + " not found";
}

// Several errors as Go joins them; the same one counts once.
std::string joined(std::vector<std::string> errors) {
  std::vector<std::string> once;
  for (std::string& error : errors) {
    if (std::find(once.begin(), once.end(), error) == once.end()) once.push_back(std::move(error));
  }
  if (once.size() == 1) return once.front();
  std::string text = "[";
  for (const std::string& error : once) text += (text.size() > 1 ? ", " : "") + error;
  return text + "]";
}

}  // namespace

struct RbacAuthorizer::Index {
  explicit Index(const WatchCache& cache) : seen(cache.revision()) {
    std::vector<const api::ClusterRole*> all;
    for (const auto& [name, object] : cache.objects(Kind::cluster_roles)) {
      objects.push_back(object);
      all.push_back(&object->as<api::ClusterRole>());
    }
    for (const api::ClusterRole* role : all) {
      cluster_roles[role->metadata().name()] =
          std::make_shared<const PolicyRules>(api::effective_rules(*role, all));
    }
    for (const auto& [name, object] : cache.objects(Kind::roles)) {
      roles[{object->ns(), object->name()}] =
          std::make_shared<const PolicyRules>(object->as<api::Role>().rules());
    }
    for (const auto& [name, object] : cache.objects(Kind::cluster_role_bindings)) {
      add(object, object->as<api::ClusterRoleBinding>());
    }
    for (const auto& [name, object] : cache.objects(Kind::role_bindings)) {
      add(object, object->as<api::RoleBinding>());
    }
  }

  std::shared_ptr<const PolicyRules> find(const RoleRef& role, std::string_view ns) const {
    if (role.kind() == "ClusterRole") {
      const auto found = cluster_roles.find(role.name());
      return found == cluster_roles.end() ? nullptr : found->second;
    }
    if (role.kind() != "Role") return nullptr;
    const auto found = roles.find({std::string(ns), role.name()});
    return found == roles.end() ? nullptr : found->second;
  }

  template <class Binding>
  void add(const api::ObjectPtr& object, const Binding& binding) {
    const std::shared_ptr<const PolicyRules> rules = find(binding.role_ref(), object->ns());
    for (const Subject& subject : binding.subjects()) {
      Grants& grants = grants_of(subject, object->ns());
      Grant grant{object, &subject, &binding.role_ref(), rules};
      auto& list = object->ns().empty() ? grants.everywhere : grants.in_namespace[object->ns()];
      list.push_back(std::move(grant));
    }
  }

  Grants& grants_of(const Subject& subject, const std::string& ns) {
    if (subject.kind() == "Group") return groups[subject.name()];
    if (subject.kind() == "User") return users[subject.name()];
    const std::string& home = subject.namespace_().empty() ? ns : subject.namespace_();
    return users[service_account_user(home, subject.name())];
  }

  // Until `visit` returns false. Cluster-wide grants come first, those of the user before those of
  // its groups.
  template <class F>
  void each(const UserInfo& user, std::string_view ns, F visit) const {
    std::vector<const Grants*> mine;
    if (const auto found = users.find(user.name); found != users.end()) {
      mine.push_back(&found->second);
    }
    for (const std::string& group : user.groups) {
      if (const auto found = groups.find(group); found != groups.end()) {
        mine.push_back(&found->second);
      }
    }
    for (const Grants* grants : mine) {
      for (const Grant& grant : grants->everywhere) {
        if (!visit(grant)) return;
      }
    }
    if (ns.empty()) return;
    for (const Grants* grants : mine) {
      const auto here = grants->in_namespace.find(ns);
      if (here == grants->in_namespace.end()) continue;
      for (const Grant& grant : here->second) {
        if (!visit(grant)) return;
      }
    }
  }

  // Memory up to here is worked in.
  Revision seen;
  std::vector<api::ObjectPtr> objects;
  std::map<std::string, std::shared_ptr<const PolicyRules>, std::less<>> cluster_roles;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<const PolicyRules>> roles;
  std::map<std::string, Grants, std::less<>> users, groups;
};

RbacAuthorizer::RbacAuthorizer(const WatchCache& cache) : cache_(cache) {}
RbacAuthorizer::~RbacAuthorizer() = default;

const RbacAuthorizer::Index& RbacAuthorizer::index() const {
  const Revision now = cache_.revision();
  if (index_ && index_->seen == now) return *index_;
  // The history of each kind tells whether anything has happened since, as far as it reaches back.
  bool stale = !index_ || index_->seen > now || index_->seen.epoch != now.epoch ||
               cache_.floor() > index_->seen;
  for (const Kind kind : kKinds) {
    if (stale) break;
    const auto& history = cache_.history(kind);
    stale = !history.empty() && history.back().revision > index_->seen;
  }
  if (stale) index_ = std::make_unique<Index>(cache_);
  index_->seen = now;
  return *index_;
}

Verdict RbacAuthorizer::authorize(const Attributes& attributes) const {
  Verdict verdict;
  std::vector<std::string> errors;
  index().each(attributes.user, attributes.ns, [&](const Grant& grant) {
    if (!grant.rules) {
      errors.push_back(missing(*grant.role));
      return true;
    }
    for (const PolicyRule& rule : *grant.rules) {
      if (!allows(rule, attributes)) continue;
      verdict = {Decision::allow, "RBAC: allowed by " + describe(grant)};
      return false;
    }
    return true;
  });
  if (verdict.decision != Decision::allow && !errors.empty()) {
    verdict.reason = "RBAC: " + joined(std::move(errors));
  }
  return verdict;
}

RbacAuthorizer::Granted RbacAuthorizer::rules_for(const UserInfo& user, std::string_view ns) const {
  Granted granted;
  index().each(user, ns, [&](const Grant& grant) {
    if (!grant.rules) {
      granted.errors.push_back(missing(*grant.role));
      return true;
    }
    for (const PolicyRule& rule : *grant.rules) granted.rules.push_back(&rule);
    return true;
  });
  return granted;
}

bool RbacAuthorizer::rules_of(const RoleRef& role, std::string_view ns, PolicyRules& rules,
                              api::ApiError& error) const {
  if (const auto found = index().find(role, ns)) {
    rules = *found;
    return true;
  }
  error = api::not_found(role.kind() == "Role" ? Kind::roles : Kind::cluster_roles, role.name());
  error.message = missing(role);
  return false;
}

}  // namespace keelson::auth
