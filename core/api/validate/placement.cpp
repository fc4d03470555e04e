// What says where pods go: affinity, tolerations, spread.
#include <fmt/format.h>

#include "core/api/validate/validators.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

bool among_values(const NodeSelectorRequirement& one) {
  return one.operator_() == "In" || one.operator_() == "NotIn";
}

void validate_label_requirement(Errors& errors, const Path& path,
                                const NodeSelectorRequirement& one) {
  const std::string& op = one.operator_();
  if (among_values(one)) {
    if (one.values().empty()) {
      errors.required(path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'");
    }
  } else if (op == "Exists" || op == "DoesNotExist") {
    if (!one.values().empty()) {
      errors.forbidden(path.child("values"),
                       "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    }
  } else if (op == "Gt" || op == "Lt") {
    if (one.values_size() != 1) {
      errors.required(path.child("values"),
                      "must be specified single value when `operator` is 'Lt' or 'Gt'");
    }
  } else {
    errors.invalid(path.child("operator"), op, "not a valid selector operator");
  }
  validate_label_key(errors, path.child("key"), one.key());
}

void validate_field_requirement(Errors& errors, const Path& path,
                                const NodeSelectorRequirement& one) {
  if (!among_values(one)) {
    errors.invalid(path.child("operator"), one.operator_(), "not a valid selector operator");
  } else if (one.values_size() != 1) {
    errors.required(path.child("values"),
                    "must be only one value when `operator` is 'In' or 'NotIn' for node field "
                    "selector");
  }
  if (one.key() != "metadata.name") {
    errors.invalid(path.child("key"), one.key(), "not a valid field selector key");
    return;
  }
  const Path values = path.child("values");
  for (int i = 0; i < one.values_size(); ++i) {
    errors.invalid(values.index(i), one.values(i), check_dns1123_subdomain(one.values(i)));
  }
}

void validate_node_term(Errors& errors, const Path& path, const NodeSelectorTerm& term) {
  const Path expressions = path.child("matchExpressions");
  for (int i = 0; i < term.match_expressions_size(); ++i) {
    validate_label_requirement(errors, expressions.index(i), term.match_expressions(i));
  }
  const Path fields = path.child("matchFields");
  for (int i = 0; i < term.match_fields_size(); ++i) {
    validate_field_requirement(errors, fields.index(i), term.match_fields(i));
  }
}

void check_weight(Errors& errors, const Path& path, int32_t weight) {
  if (weight <= 0 || weight > 100) errors.invalid(path, weight, "must be in the range 1-100");
}

constexpr std::string_view required_terms = "requiredDuringSchedulingIgnoredDuringExecution";
constexpr std::string_view preferred_terms = "preferredDuringSchedulingIgnoredDuringExecution";

void validate_node_affinity(Errors& errors, const Path& path, const NodeAffinity& affinity) {
  if (affinity.has_required_during_scheduling_ignored_during_execution()) {
    const NodeSelector& selector = affinity.required_during_scheduling_ignored_during_execution();
    const Path required = path.child(required_terms);
    const Path terms = required.child("nodeSelectorTerms");
    if (selector.node_selector_terms().empty()) {
      errors.required(terms, "must have at least one node selector term");
    }
    for (int i = 0; i < selector.node_selector_terms_size(); ++i) {
      validate_node_term(errors, terms.index(i), selector.node_selector_terms(i));
    }
  }
  const Path preferred = path.child(preferred_terms);
  for (int i = 0; i < affinity.preferred_during_scheduling_ignored_during_execution_size(); ++i) {
    const auto& one = affinity.preferred_during_scheduling_ignored_during_execution(i);
    const Path place = preferred.index(i);
    check_weight(errors, place.child("weight"), one.weight());
    validate_node_term(errors, place.child("preference"), one.preference());
  }
}

void validate_topology_key(Errors& errors, const Path& path, std::string_view key) {
  if (key.empty()) {
    errors.required(path, "can not be empty");
  } else {
    validate_label_key(errors, path, key);
  }
}

void validate_pod_term(Errors& errors, const Path& path, const PodAffinityTerm& term) {
  validate_label_selector(errors, path.child("labelSelector"), term.label_selector());
  validate_label_selector(errors, path.child("namespaceSelector"), term.namespace_selector());
  for (const std::string& ns : term.namespaces()) {
    errors.invalid(path.child("namespace"), ns, check_dns1123_label(ns));
  }
  validate_topology_key(errors, path.child("topologyKey"), term.topology_key());
}

// PodAffinity and PodAntiAffinity have the same fields.
template <class PodTerms>
void validate_pod_terms(Errors& errors, const Path& path, const PodTerms& affinity) {
  const Path required = path.child(required_terms);
  for (int i = 0; i < affinity.required_during_scheduling_ignored_during_execution_size(); ++i) {
    validate_pod_term(errors, required.index(i),
                      affinity.required_during_scheduling_ignored_during_execution(i));
  }
  const Path preferred = path.child(preferred_terms);
  for (int i = 0; i < affinity.preferred_during_scheduling_ignored_during_execution_size(); ++i) {
    const auto& one = affinity.preferred_during_scheduling_ignored_during_execution(i);
    const Path place = preferred.index(i);
    check_weight(errors, place.child("weight"), one.weight());
    validate_pod_term(errors, place.child("podAffinityTerm"), one.pod_affinity_term());
  }
}

std::string shown(const Toleration& t) {
  return fmt::format(
      "core.Toleration{{Key:{}, Operator:{}, Value:{}, Effect:{}, TolerationSeconds:{}}}",
      go_quoted(t.key()), go_quoted(t.operator_()), go_quoted(t.value()), go_quoted(t.effect()),
      t.has_toleration_seconds() ? fmt::format("{}", t.toleration_seconds()) : "(*int64)(nil)");
}

void validate_toleration(Errors& errors, const Path& path, const Toleration& toleration) {
  const std::string& op = toleration.operator_();
  const Path op_path = path.child("operator");
  if (!toleration.key().empty()) {
    validate_label_key(errors, path.child("key"), toleration.key());
  } else if (op != "Exists") {
    errors.invalid(op_path, op,
                   "operator must be Exists when `key` is empty, which means \"match all values "
                   "and all keys\"");
  }
  if (toleration.has_toleration_seconds() && toleration.effect() != "NoExecute") {
    errors.invalid(path.child("effect"), toleration.effect(),
                   "effect must be 'NoExecute' when `tolerationSeconds` is set");
  }
  if (op.empty() || op == "Equal") {
    std::string joined;
    for (const std::string& reason : check_label_value(toleration.value())) {
      joined += (joined.empty() ? "" : ";") + reason;
    }
    if (!joined.empty()) errors.invalid(op_path, toleration.value(), joined);
  } else if (op == "Exists") {
    if (!toleration.value().empty()) {
      errors.invalid_shown(op_path, shown(toleration),
                           "value must be empty when `operator` is 'Exists'");
    }
  } else {
    check_one_of<Toleration>(errors, op_path, Toleration::kOperatorFieldNumber, op);
  }
  check_one_of<Toleration>(errors, path.child("effect"), Toleration::kEffectFieldNumber,
                           toleration.effect(), Empty::allowed);
}

}  // namespace

void validate_affinity(Errors& errors, const Path& path, const Affinity& affinity) {
  if (affinity.has_node_affinity()) {
    validate_node_affinity(errors, path.child("nodeAffinity"), affinity.node_affinity());
  }
  if (affinity.has_pod_affinity()) {
    validate_pod_terms(errors, path.child("podAffinity"), affinity.pod_affinity());
  }
  if (affinity.has_pod_anti_affinity()) {
    validate_pod_terms(errors, path.child("podAntiAffinity"), affinity.pod_anti_affinity());
  }
}

void validate_tolerations(Errors& errors, const Path& path,
                          const Repeated<Toleration>& tolerations) {
  for (int i = 0; i < tolerations.size(); ++i) {
    validate_toleration(errors, path.index(i), tolerations.Get(i));
  }
}

void validate_spread(Errors& errors, const Path& path,
                     const Repeated<TopologySpreadConstraint>& constraints) {
  using Constraint = TopologySpreadConstraint;
  std::set<std::string> pairs;
  for (int i = 0; i < constraints.size(); ++i) {
    const Constraint& one = constraints.Get(i);
    const Path place = path.index(i);
    if (one.max_skew() <= 0) {
      errors.invalid(place.child("maxSkew"), one.max_skew(), "must be greater than zero");
    }
    validate_topology_key(errors, place.child("topologyKey"), one.topology_key());
    check_one_of<Constraint>(errors, place.child("whenUnsatisfiable"),
                             Constraint::kWhenUnsatisfiableFieldNumber, one.when_unsatisfiable());
    const auto [pair, added] =
        pairs.insert(fmt::format("{{{}, {}}}", one.topology_key(), one.when_unsatisfiable()));
    if (!added) errors.duplicate(place.child("{topologyKey, whenUnsatisfiable}"), *pair);
    if (one.has_min_domains()) {
      if (one.min_domains() <= 0) {
        errors.invalid(place.child("minDomains"), one.min_domains(), "must be greater than zero");
      }
      if (one.when_unsatisfiable() != "DoNotSchedule") {
        errors.invalid(place.child("minDomains"), one.min_domains(),
                       fmt::format("can only use minDomains if whenUnsatisfiable=DoNotSchedule, "
                                   "not {}",
                                   one.when_unsatisfiable()));
      }
    }
    check_one_of<Constraint>(errors, place.child("nodeAffinityPolicy"),
                             Constraint::kNodeAffinityPolicyFieldNumber, one.node_affinity_policy(),
                             Empty::allowed);
    check_one_of<Constraint>(errors, place.child("nodeTaintsPolicy"),
                             Constraint::kNodeTaintsPolicyFieldNumber, one.node_taints_policy(),
                             Empty::allowed);
    validate_label_selector(errors, place.child("labelSelector"), one.label_selector());
  }
}

}  // namespace keelson::api
