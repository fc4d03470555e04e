// Kinds that speak of a set of pods: Deployment, ReplicaSet, PodDisruptionBudget, and
// ControllerRevision, what is kept of their earlier states.
#include <array>

#include "core/rest/tables/printer.hpp"

namespace keelson::rest {
namespace {

using api::ControllerRevision;
using api::Deployment;
using api::PodDisruptionBudget;
using api::ReplicaSet;

constexpr Column selector_column = {"Selector", "string", "",
                                    "Labels of the pods that belong to it.", 1};

constexpr std::array deployment_columns = {
    name_column,
    Column{"Ready", "string", "", "How many pods are ready, of how many that are wanted.", 0},
    Column{"Up-to-date", "string", "", "How many pods are of the newest template.", 0},
    Column{"Available", "string", "", "How many pods have been ready for minReadySeconds.", 0},
    age_column,
    containers_column,
    images_column,
    selector_column,
};

void print_deployment(const Deployment& deployment, Cells& cells) {
  const api::DeploymentStatus& status = deployment.status();
  cells.text(deployment.metadata().name());
  cells.text(std::to_string(status.ready_replicas()) + "/" +
             std::to_string(deployment.spec().replicas()));
  cells.number(status.updated_replicas());
  cells.number(status.available_replicas());
  cells.age(deployment.metadata());
  container_cells(deployment.spec().template_().spec(), cells);
  cells.text(selector_text(deployment.spec().selector()).value_or("<invalid>"));
}

constexpr std::array replica_set_columns = {
    name_column,
    Column{"Desired", "integer", "", "How many pods there should be.", 0},
    Column{"Current", "integer", "", "How many pods there are.", 0},
    Column{"Ready", "integer", "", "How many of them are ready.", 0},
    age_column,
    containers_column,
    images_column,
    selector_column,
};

void print_replica_set(const ReplicaSet& set, Cells& cells) {
  cells.text(set.metadata().name());
  cells.number(set.spec().replicas());
  cells.number(set.status().replicas());
  cells.number(set.status().ready_replicas());
  cells.age(set.metadata());
  container_cells(set.spec().template_().spec(), cells);
  cells.text_or(selector_text(set.spec().selector()).value_or("<error>"), none);
}

constexpr std::array revision_columns = {
    name_column,
    Column{"Controller", "string", "", "The object whose earlier state this is.", 0},
    Column{"Revision", "string", "", "The number of the state; the newest has the highest.", 0},
    age_column,
};

// "daemonset.apps/web".
std::string controller_of(const api::ObjectMeta& meta) {
  for (const api::OwnerReference& owner : meta.owner_references()) {
    if (!owner.controller()) continue;
    const std::string_view version = owner.api_version();
    const std::size_t slash = version.find('/');
    std::string kind = lower_case(owner.kind());
    if (slash != std::string_view::npos) kind += "." + lower_case(version.substr(0, slash));
    return kind + "/" + owner.name();
  }
  return std::string(none);
}

void print_revision(const ControllerRevision& revision, Cells& cells) {
  cells.text(revision.metadata().name());
  cells.text(controller_of(revision.metadata()));
  cells.number(revision.revision());
  cells.age(revision.metadata());
}

constexpr std::array budget_columns = {
    name_column,
    Column{"Min Available", "string", "", "How many pods must stay available.", 0},
    Column{"Max Unavailable", "string", "", "How many pods may be unavailable.", 0},
    Column{"Allowed Disruptions", "integer", "", "How many pods may be evicted now.", 0},
    age_column,
};

void print_budget(const PodDisruptionBudget& budget, Cells& cells) {
  const auto& spec = budget.spec();
  cells.text(budget.metadata().name());
  cells.text(spec.has_min_available() ? text_of(spec.min_available()) : "N/A");
  cells.text(spec.has_max_unavailable() ? text_of(spec.max_unavailable()) : "N/A");
  cells.number(budget.status().disruptions_allowed());
  cells.age(budget.metadata());
}

}  // namespace

Printer deployment_printer() {
  return {deployment_columns, print_as<Deployment, print_deployment>};
}
Printer replica_set_printer() {
  return {replica_set_columns, print_as<ReplicaSet, print_replica_set>};
}
Printer controller_revision_printer() {
  return {revision_columns, print_as<ControllerRevision, print_revision>};
}
Printer budget_printer() { return {budget_columns, print_as<PodDisruptionBudget, print_budget>}; }

}  // namespace keelson::rest
