// Kinds about who may do what: RoleBinding, ClusterRoleBinding, CertificateSigningRequest. Roles
// themselves have no columns of their own.
#include <array>

#include "core/rest/tables/printer.hpp"

namespace keelson::rest {
namespace {

using api::CertificateSigningRequest;
using api::ClusterRoleBinding;
using api::RoleBinding;

constexpr std::array binding_columns = {
    name_column,
    Column{"Role", "string", "", "Kind and name of the role that the binding gives.", 0},
    age_column,
    Column{"Users", "string", "", "Users who get the role.", 1},
    Column{"Groups", "string", "", "Groups whose members get the role.", 1},
    Column{"ServiceAccounts", "string", "", "Service accounts that get the role.", 1},
};

template <class Binding>
std::string subjects_of(const Binding& binding, std::string_view kind) {
  std::string text;
  for (const auto& subject : binding.subjects()) {
    if (subject.kind() != kind) continue;
    if (!text.empty()) text += ", ";
    if (kind == "ServiceAccount") text += subject.namespace_() + "/";
    text += subject.name();
  }
  return text;
}

template <class Binding>
void print_binding(const Binding& binding, Cells& cells) {
  cells.text(binding.metadata().name());
  cells.text(binding.role_ref().kind() + "/" + binding.role_ref().name());
  cells.age(binding.metadata());
  cells.text(subjects_of(binding, "User"));
  cells.text(subjects_of(binding, "Group"));
  cells.text(subjects_of(binding, "ServiceAccount"));
}

constexpr std::array signing_request_columns = {
    name_column,
    age_column,
    Column{"SignerName", "string", "", "Who is to sign.", 0},
    Column{"Requestor", "string", "", "The user who asks for the certificate.", 0},
    Column{"Condition", "string", "", "How far the request has come.", 0},
};

std::string condition_of(const CertificateSigningRequest& request) {
  bool approved = false, denied = false, failed = false;
  for (const auto& condition : request.status().conditions()) {
    approved = approved || condition.type() == "Approved";
    denied = denied || condition.type() == "Denied";
    failed = failed || condition.type() == "Failed";
  }
  std::string text = denied ? "Denied" : approved ? "Approved" : "Pending";
  if (failed) text += ",Failed";
  if (!request.status().certificate().empty()) text += ",Issued";
  return text;
}

void print_signing_request(const CertificateSigningRequest& request, Cells& cells) {
  cells.text(request.metadata().name());
  cells.age(request.metadata());
  cells.text_or(request.spec().signer_name(), none);
  cells.text(request.spec().username());
  cells.text(condition_of(request));
}

}  // namespace

Printer role_binding_printer() {
  return {binding_columns, print_as<RoleBinding, print_binding<RoleBinding>>};
}
Printer cluster_role_binding_printer() {
  return {binding_columns, print_as<ClusterRoleBinding, print_binding<ClusterRoleBinding>>};
}
Printer signing_request_printer() {
  return {signing_request_columns, print_as<CertificateSigningRequest, print_signing_request>};
}

}  // namespace keelson::rest
