// Roles and their bindings. Source: Kubernetes pkg/apis/rbac/validation/validation.go.
#include "core/api/validate/names.hpp"
#include "core/api/validate/validators.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

using rbac::v1::PolicyRule;
using rbac::v1::RoleRef;
using rbac::v1::Subject;

constexpr std::string_view rbac_group = "rbac.authorization.k8s.io";

std::vector<std::string> texts(const Repeated<std::string>& list) {
  return {list.begin(), list.end()};
}

void validate_rule(Errors& errors, const Path& path, const PolicyRule& rule, bool namespaced) {
  if (rule.verbs().empty()) {
    errors.required(path.child("verbs"), "verbs must contain at least one value");
  }
  if (!rule.non_resource_urls().empty()) {
    const Path urls = path.child("nonResourceURLs");
    const std::string shown = go_value(texts(rule.non_resource_urls()));
    if (namespaced) {
      errors.invalid_shown(urls, shown, "namespaced rules cannot apply to non-resource URLs");
    }
    if (!rule.api_groups().empty() || !rule.resources().empty() || !rule.resource_names().empty()) {
      errors.invalid_shown(urls, shown,
                           "rules cannot apply to both regular resources and non-resource URLs");
    }
    return;
  }
  if (rule.api_groups().empty()) {
    errors.required(path.child("apiGroups"), "resource rules must supply at least one api group");
  }
  if (rule.resources().empty()) {
    errors.required(path.child("resources"), "resource rules must supply at least one resource");
  }
}

void validate_rules(Errors& errors, const Repeated<PolicyRule>& rules, bool namespaced) {
  const Path path("rules");
  for (int i = 0; i < rules.size(); ++i) {
    validate_rule(errors, path.index(i), rules[i], namespaced);
  }
}

void validate_role_ref(Errors& errors, const RoleRef& role, bool namespaced) {
  const Path path("roleRef");
  constexpr std::string_view groups[] = {rbac_group};
  if (role.api_group() != rbac_group) {
    errors.not_supported(path.child("apiGroup"), role.api_group(), groups);
  }
  constexpr std::string_view both[] = {"Role", "ClusterRole"};
  const std::span<const std::string_view> kinds(namespaced ? both : both + 1, namespaced ? 2 : 1);
  if (role.kind() != "ClusterRole" && !(namespaced && role.kind() == "Role")) {
    errors.not_supported(path.child("kind"), role.kind(), kinds);
  }
  if (role.name().empty()) {
    errors.required(path.child("name"));
  } else {
    errors.invalid(path.child("name"), role.name(), check_path_segment(role.name()));
  }
}

void validate_subject(Errors& errors, const Path& path, const Subject& subject, bool namespaced) {
  const Path name = path.child("name");
  if (subject.name().empty()) errors.required(name);
  if (subject.kind() == "ServiceAccount") {
    if (!subject.name().empty()) {
      errors.invalid(name, subject.name(), check_dns1123_subdomain(subject.name()));
    }
    constexpr std::string_view core[] = {""};
    if (!subject.api_group().empty()) {
      errors.not_supported(path.child("apiGroup"), subject.api_group(), core);
    }
    if (!namespaced && subject.namespace_().empty()) errors.required(path.child("namespace"));
  } else if (subject.kind() == "User" || subject.kind() == "Group") {
    if (subject.name().empty()) {
      errors.invalid(
          name, subject.name(),
          subject.kind() == "User" ? "user name cannot be empty" : "group name cannot be empty");
    }
    constexpr std::string_view groups[] = {rbac_group};
    if (subject.api_group() != rbac_group) {
      errors.not_supported(path.child("apiGroup"), subject.api_group(), groups);
    }
  } else {
    constexpr std::string_view kinds[] = {"ServiceAccount", "User", "Group"};
    errors.not_supported(path.child("kind"), subject.kind(), kinds);
  }
}

template <class Binding>
void validate_binding(Errors& errors, const Binding& binding, bool namespaced) {
  validate_role_ref(errors, binding.role_ref(), namespaced);
  const Path path("subjects");
  for (int i = 0; i < binding.subjects_size(); ++i) {
    validate_subject(errors, path.index(i), binding.subjects(i), namespaced);
  }
}

// A binding stays a binding to the same role: whoever may change only the subjects must not be able
// to give away another role.
void validate_same_role(Errors& errors, const RoleRef& now, const RoleRef& before) {
  if (!same(now, before)) {
    errors.invalid_shown(Path("roleRef"), go_value(now), "cannot change roleRef");
  }
}

}  // namespace

void validate(Errors& errors, const Role& role) {
  validate_rules(errors, role.rules(), true);
}

void validate_change(Errors& errors, const Role& now, const Role&) {
  validate(errors, now);
}

void validate(Errors& errors, const ClusterRole& role) {
  validate_rules(errors, role.rules(), false);
  if (!role.has_aggregation_rule()) return;
  const Path path("aggregationRule.clusterRoleSelectors");
  const auto& selectors = role.aggregation_rule().cluster_role_selectors();
  if (selectors.empty()) {
    errors.required(path,
                    "at least one clusterRoleSelector required if aggregationRule is non-nil");
  }
  for (int i = 0; i < selectors.size(); ++i) {
    validate_label_selector(errors, path.index(i), selectors[i]);
  }
}

void validate_change(Errors& errors, const ClusterRole& now, const ClusterRole&) {
  validate(errors, now);
}

void validate(Errors& errors, const RoleBinding& binding) {
  validate_binding(errors, binding, true);
}

void validate_change(Errors& errors, const RoleBinding& now, const RoleBinding& before) {
  validate(errors, now);
  validate_same_role(errors, now.role_ref(), before.role_ref());
}

void validate(Errors& errors, const ClusterRoleBinding& binding) {
  validate_binding(errors, binding, false);
}

void validate_change(Errors& errors, const ClusterRoleBinding& now,
                     const ClusterRoleBinding& before) {
  validate(errors, now);
  validate_same_role(errors, now.role_ref(), before.role_ref());
}

}  // namespace keelson::api
