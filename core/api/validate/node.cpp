// Nodes.
#include "core/api/validate/validators.hpp"
#include "core/api/validation.hpp"

namespace keelson::api {
namespace {

std::string shown(const Taint& taint) {
  return "core.Taint{Key:" + go_quoted(taint.key()) + ", Value:" + go_quoted(taint.value()) +
         ", Effect:" + go_quoted(taint.effect()) + ", TimeAdded:<nil>}";
}

void validate_taints(Errors& errors, const Repeated<Taint>& taints) {
  const Path path("metadata.taints");
  std::set<std::pair<std::string_view, std::string_view>> pairs;
  for (int i = 0; i < taints.size(); ++i) {
    const Taint& taint = taints.Get(i);
    const Path place = path.index(i);
    validate_label_key(errors, place.child("key"), taint.key());
    errors.invalid(place.child("value"), taint.value(), check_label_value(taint.value()));
    check_one_of<Taint>(errors, place.child("effect"), Taint::kEffectFieldNumber, taint.effect());
    if (!pairs.emplace(taint.key(), taint.effect()).second) {
      errors.duplicate_shown(place, shown(taint), "taints must be unique by key and effect pair");
    }
  }
}

void validate_ranges(Errors& errors, const NodeSpec& spec) {
  const Path path("spec.podCIDRs");
  for (int i = 0; i < spec.pod_cidrs_size(); ++i) {
    check_cidr(errors, path.index(i), spec.pod_cidrs(i));
  }
  if (spec.pod_cidrs_size() < 2) return;
  if (spec.pod_cidrs_size() > 2 ||
      cidr_family(spec.pod_cidrs(0)) == cidr_family(spec.pod_cidrs(1))) {
    std::vector<std::string> all(spec.pod_cidrs().begin(), spec.pod_cidrs().end());
    errors.invalid_shown(path, go_value(all),
                         "may specify no more than one CIDR for each IP family");
  }
}

void validate_resources(Errors& errors, const NodeStatus& status) {
  validate_node_quantities(errors, Path("status.capacity"), status.capacity());
  validate_node_quantities(errors, Path("status.allocatable"), status.allocatable());
}

void validate_addresses(Errors& errors, const NodeStatus& status) {
  const Path path("status.addresses");
  std::set<std::pair<std::string_view, std::string_view>> pairs;
  for (int i = 0; i < status.addresses_size(); ++i) {
    const NodeAddress& one = status.addresses(i);
    if (!pairs.emplace(one.type(), one.address()).second) {
      errors.duplicate_shown(path.index(i), go_value(one));
    }
  }
}

// The pod ranges and the provider's name are given once; pods and disks depend on them.
void validate_given_once(Errors& errors, const NodeSpec& now, const NodeSpec& before) {
  if (!before.pod_cidrs().empty()) {
    bool same_list = now.pod_cidrs_size() == before.pod_cidrs_size();
    for (int i = 0; same_list && i < now.pod_cidrs_size(); ++i) {
      same_list = now.pod_cidrs(i) == before.pod_cidrs(i);
    }
    if (!same_list) {
      errors.forbidden(Path("spec.podCIDRs"),
                       "node updates may not change podCIDR except from \"\" to valid");
    }
  } else if (!before.pod_cidr().empty() && now.pod_cidr() != before.pod_cidr()) {
    errors.forbidden(Path("spec.podCIDR"),
                     "node updates may not change podCIDR except from \"\" to valid");
  }
  if (!before.provider_id().empty() && now.provider_id() != before.provider_id()) {
    errors.forbidden(Path("spec.providerID"),
                     "node updates may not change providerID except from \"\" to valid");
  }
}

}  // namespace

void validate(Errors& errors, const Node& node) {
  validate_taints(errors, node.spec().taints());
  validate_resources(errors, node.status());
  validate_ranges(errors, node.spec());
}

void validate_change(Errors& errors, const Node& now, const Node& before) {
  validate_addresses(errors, now.status());
  validate_resources(errors, now.status());
  validate_ranges(errors, now.spec());
  validate_given_once(errors, now.spec(), before.spec());
  validate_taints(errors, now.spec().taints());
}

void validate_status_change(Errors& errors, const Node& now, const Node&) {
  validate_addresses(errors, now.status());
  validate_resources(errors, now.status());
}

}  // namespace keelson::api
