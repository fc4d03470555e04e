// Kinds whose rows say little: Namespace, Secret, ConfigMap, ServiceAccount, Lease, PriorityClass.
#include <array>

#include "core/rest/tables/printer.hpp"

namespace keelson::rest {
namespace {

using api::ConfigMap;
using api::Lease;
using api::Namespace;
using api::PriorityClass;
using api::Secret;
using api::ServiceAccount;

constexpr std::array namespace_columns = {
    name_column,
    Column{"Status", "string", "", "Active, or Terminating once deletion has been asked for.", 0},
    age_column,
};

void print_namespace(const Namespace& ns, Cells& cells) {
  cells.text(ns.metadata().name());
  cells.text(ns.status().phase());
  cells.age(ns.metadata());
}

constexpr std::array secret_columns = {
    name_column,
    Column{"Type", "string", "", "What the data is used for.", 0},
    Column{"Data", "string", "", "How many values there are.", 0},
    age_column,
};

void print_secret(const Secret& secret, Cells& cells) {
  cells.text(secret.metadata().name());
  cells.text(secret.type());
  cells.number(static_cast<int64_t>(secret.data().size()));
  cells.age(secret.metadata());
}

constexpr std::array config_map_columns = {
    name_column,
    Column{"Data", "string", "", "How many values there are, of text and of bytes.", 0},
    age_column,
};

void print_config_map(const ConfigMap& map, Cells& cells) {
  cells.text(map.metadata().name());
  cells.number(static_cast<int64_t>(map.data().size() + map.binary_data().size()));
  cells.age(map.metadata());
}

constexpr std::array service_account_columns = {
    name_column,
    Column{"Secrets", "string", "", "How many Secrets pods of this account may use.", 0},
    age_column,
};

void print_service_account(const ServiceAccount& account, Cells& cells) {
  cells.text(account.metadata().name());
  cells.number(account.secrets_size());
  cells.age(account.metadata());
}

constexpr std::array lease_columns = {
    name_column,
    Column{"Holder", "string", "", "Who holds the lease.", 0},
    age_column,
};

void print_lease(const Lease& lease, Cells& cells) {
  cells.text(lease.metadata().name());
  cells.text(lease.spec().holder_identity());
  cells.age(lease.metadata());
}

constexpr std::array priority_class_columns = {
    name_column,
    Column{"Value", "integer", "", "The priority of its pods: more displaces less.", 0},
    Column{"Global-Default", "boolean", "", "Whether pods without a class belong to this one.", 0},
    age_column,
};

void print_priority_class(const PriorityClass& priority, Cells& cells) {
  cells.text(priority.metadata().name());
  cells.number(priority.value());
  cells.boolean(priority.global_default());
  cells.age(priority.metadata());
}

}  // namespace

Printer namespace_printer() { return {namespace_columns, print_as<Namespace, print_namespace>}; }
Printer secret_printer() { return {secret_columns, print_as<Secret, print_secret>}; }
Printer config_map_printer() { return {config_map_columns, print_as<ConfigMap, print_config_map>}; }
Printer service_account_printer() {
  return {service_account_columns, print_as<ServiceAccount, print_service_account>};
}
Printer lease_printer() { return {lease_columns, print_as<Lease, print_lease>}; }
Printer priority_class_printer() {
  return {priority_class_columns, print_as<PriorityClass, print_priority_class>};
}

}  // namespace keelson::rest
