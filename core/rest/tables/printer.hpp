// How each kind is printed, and the one list of those that have a printer of their own.
//
// A new kind: an array of columns and a function for the cells in a file of the kind's area, its
// `Printer` declared below, and a line in printer.cpp.
#pragma once

#include <span>
#include <string>

#include "core/rest/tables/cells.hpp"
#include "core/rest/tables/tables.hpp"

namespace keelson::rest {

struct Printer {
  std::span<const Column> columns;
  // Writes as many cells as there are columns.
  void (*cells)(const api::Object& object, Cells& cells) = nullptr;
  // As append_row_conditions(); null: rows of this kind are never marked.
  void (*conditions)(const api::Object& object, std::string& out) = nullptr;
};

const Printer& printer_of(api::Kind kind);

// Lets a Printer's function see the message of its kind.
template <class M, void (*print)(const M&, Cells&)>
void print_as(const api::Object& object, Cells& cells) {
  print(object.as<M>(), cells);
}

// For the kinds that have no printer of their own.
Printer any_kind_printer();

Printer pod_printer();         // pods.cpp
Printer node_printer();        // nodes.cpp
Printer deployment_printer();  // workloads.cpp
Printer replica_set_printer();
Printer controller_revision_printer();
Printer budget_printer();
Printer service_printer();  // services.cpp
Printer endpoints_printer();
Printer endpoint_slice_printer();
Printer network_policy_printer();
Printer event_printer();      // events.cpp
Printer namespace_printer();  // small_kinds.cpp
Printer secret_printer();
Printer config_map_printer();
Printer service_account_printer();
Printer lease_printer();
Printer priority_class_printer();
Printer role_binding_printer();  // access.cpp
Printer cluster_role_binding_printer();
Printer signing_request_printer();

}  // namespace keelson::rest
