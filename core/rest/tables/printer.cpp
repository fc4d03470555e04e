#include "core/rest/tables/printer.hpp"

#include <array>

#include "core/api/time_text.hpp"

namespace keelson::rest {
namespace {

using api::Kind;
using Printers = std::array<Printer, api::kind_count>;

constexpr std::array any_columns = {
    name_column,
    Column{"Created At", "date", "", "When the server accepted the object, in RFC 3339.", 0},
};

void print_any(const api::Object& object, Cells& cells) {
  const api::ObjectMeta& meta = object.meta();
  cells.text(meta.name());
  // An object that was never stored has Go's zero time.
  cells.text(meta.has_creation_timestamp()
                 ? api::format_seconds(meta.creation_timestamp().seconds(), 0, false)
                 : "0001-01-01T00:00:00Z");
}

Printers make_printers() {
  Printers printers;
  printers.fill(any_kind_printer());
  const auto set = [&](Kind kind, const Printer& printer) {
    printers[static_cast<std::size_t>(kind)] = printer;
  };
  set(Kind::namespaces, namespace_printer());
  set(Kind::nodes, node_printer());
  set(Kind::leases, lease_printer());
  set(Kind::priority_classes, priority_class_printer());
  set(Kind::service_accounts, service_account_printer());
  set(Kind::config_maps, config_map_printer());
  set(Kind::secrets, secret_printer());
  set(Kind::services, service_printer());
  set(Kind::endpoints, endpoints_printer());
  set(Kind::endpoint_slices, endpoint_slice_printer());
  set(Kind::network_policies, network_policy_printer());
  set(Kind::pod_disruption_budgets, budget_printer());
  set(Kind::deployments, deployment_printer());
  set(Kind::replica_sets, replica_set_printer());
  set(Kind::pods, pod_printer());
  set(Kind::events, event_printer());
  set(Kind::role_bindings, role_binding_printer());
  set(Kind::cluster_role_bindings, cluster_role_binding_printer());
  set(Kind::certificate_signing_requests, signing_request_printer());
  set(Kind::controller_revisions, controller_revision_printer());
  return printers;
}

}  // namespace

Printer any_kind_printer() { return {any_columns, print_any}; }

const Printer& printer_of(Kind kind) {
  static const Printers printers = make_printers();
  return printers[static_cast<std::size_t>(kind)];
}

}  // namespace keelson::rest
