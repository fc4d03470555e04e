#include "core/auth/escalation.hpp"

#include <algorithm>

#include "core/api/canonical.hpp"
#include "core/api/kinds.hpp"
#include "core/auth/names.hpp"

namespace keelson::auth {

namespace {

using api::ApiError;
using api::Kind;
using api::Message;
using api::rbac::v1::RoleRef;

class Check {
 public:
  Check(const UserInfo& user, const Authorizer& authorizer, const RbacAuthorizer& rbac, Kind kind,
        const api::ObjectMeta& meta)
      : user_(user), authorizer_(authorizer), rbac_(rbac), kind_(kind), meta_(meta) {}

  bool may(const char* verb, const char* resource, const std::string& name) const {
    Attributes attributes;
    attributes.user = user_;
    attributes.verb = verb;
    attributes.resource_request = true;
    attributes.group = kRbacGroup;
    attributes.version = "*";
    attributes.resource = resource;
    attributes.ns = meta_.namespace_();
    attributes.name = name;
    return authorizer_.authorize(attributes).decision == Decision::allow;
  }

  ApiError holds(const PolicyRules& wanted) const {
    const RbacAuthorizer::Granted held = rbac_.rules_for(user_, meta_.namespace_());
    std::vector<PolicyRule> missing = compact(uncovered(held.rules, wanted));
    if (missing.empty()) return {};
    std::vector<std::string> lines;
    for (const PolicyRule& rule : missing) lines.push_back(describe(rule));
    std::sort(lines.begin(), lines.end());
    lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
    std::string why = "user " + quoted(user_.name) + " (groups=" + quoted_list(user_.groups) +
                      ") is attempting to grant RBAC permissions not currently held:";
    for (const std::string& line : lines) why += "\n" + line;
    if (!held.errors.empty()) {
      why += "; resolution errors: [";
      for (const std::string& error : held.errors) {
        why += (why.back() == '[' ? "" : ", ") + error;
      }
      why += "]";
    }
    return refuse(why);
  }

  ApiError role(const PolicyRules& rules, bool aggregates) const {
    const bool cluster = kind_ == Kind::cluster_roles;
    if (may("escalate", cluster ? "clusterroles" : "roles", meta_.name())) return {};
    if (ApiError error = holds(rules)) return error;
    // What it will collect is not known yet: it could be anything.
    if (aggregates && holds(everything())) {
      return refuse("must have cluster-admin privileges to use the aggregationRule");
    }
    return {};
  }

  ApiError binding(const RoleRef& role) const {
    if (may("bind", role.kind() == "Role" ? "roles" : "clusterroles", role.name())) return {};
    PolicyRules rules;
    ApiError error;
    if (!rbac_.rules_of(role, meta_.namespace_(), rules, error)) return error;
    return holds(rules);
  }

 private:
  ApiError refuse(std::string_view why) const { return api::forbidden(kind_, meta_.name(), why); }

  static PolicyRules everything() {
    PolicyRules rules;
    PolicyRule& resources = *rules.Add();
    resources.add_verbs("*");
    resources.add_api_groups("*");
    resources.add_resources("*");
    PolicyRule& paths = *rules.Add();
    paths.add_verbs("*");
    paths.add_non_resource_urls("*");
    return rules;
  }

  const UserInfo& user_;
  const Authorizer& authorizer_;
  const RbacAuthorizer& rbac_;
  const Kind kind_;
  const api::ObjectMeta& meta_;
};

// Finalizers and owners are the garbage collector's to write, and give nothing away.
bool only_for_collection(Kind kind, const Message& before, const Message& after) {
  const auto bare = [&](const Message& message) {
    std::unique_ptr<Message> copy(message.New());
    copy->CopyFrom(message);
    api::ObjectMeta& meta = api::mutable_meta_of(kind, *copy);
    meta.clear_owner_references();
    meta.clear_finalizers();
    meta.clear_managed_fields();
    return copy;
  };
  return api::same(*bare(before), *bare(after));
}

}  // namespace

ApiError check_escalation(const UserInfo& user, const Authorizer& authorizer,
                          const RbacAuthorizer& rbac, Kind kind, const api::Object* before,
                          const Message& after) {
  if (user.in_group(kMasters)) return {};
  if (before && only_for_collection(kind, before->message(), after)) return {};
  const Check check(user, authorizer, rbac, kind, api::meta_of(kind, after));
  switch (kind) {
    case Kind::roles: return check.role(static_cast<const api::Role&>(after).rules(), false);
    case Kind::cluster_roles: {
      const auto& role = static_cast<const api::ClusterRole&>(after);
      const bool had = before && before->as<api::ClusterRole>().has_aggregation_rule();
      return check.role(role.rules(), role.has_aggregation_rule() || had);
    }
    case Kind::role_bindings:
      return check.binding(static_cast<const api::RoleBinding&>(after).role_ref());
    case Kind::cluster_role_bindings:
      return check.binding(static_cast<const api::ClusterRoleBinding&>(after).role_ref());
    default: return {};
  }
}

}  // namespace keelson::auth
