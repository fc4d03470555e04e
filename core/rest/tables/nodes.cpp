#include <algorithm>
#include <array>
#include <vector>

#include "core/rest/tables/printer.hpp"

namespace keelson::rest {
namespace {

using api::Node;

constexpr std::array node_columns = {
    name_column,
    Column{"Status", "string", "", "Whether the node is ready, and whether it takes new pods.", 0},
    Column{"Roles", "string", "", "What the node is for, as its labels say.", 0},
    age_column,
    Column{"Version", "string", "", "Version of the node agent.", 0},
    Column{"Internal-IP", "string", "", "The node's address within the cluster.", 1},
    Column{"External-IP", "string", "", "The address at which others reach the node.", 1},
    Column{"OS-Image", "string", "", "Name of the operating system's release.", 1},
    Column{"Kernel-Version", "string", "", "Version of the kernel, as uname -r tells it.", 1},
    Column{"Container-Runtime", "string", "", "Name and version of the container runtime.", 1},
};

std::string status_of(const Node& node) {
  std::string status = "Unknown";
  for (const api::NodeCondition& condition : node.status().conditions()) {
    if (condition.type() == "Ready") status = condition.status() == "True" ? "Ready" : "NotReady";
  }
  if (node.spec().unschedulable()) status += ",SchedulingDisabled";
  return status;
}

// Roles are labels: node-role.kubernetes.io/ROLE, or kubernetes.io/role=ROLE.
std::string roles_of(const Node& node) {
  constexpr std::string_view prefix = "node-role.kubernetes.io/";
  std::vector<std::string_view> roles;
  for (const auto& [key, value] : node.metadata().labels()) {
    const std::string_view label = key;
    if (label.starts_with(prefix)) {
      if (label.size() > prefix.size()) roles.push_back(label.substr(prefix.size()));
    } else if (label == "kubernetes.io/role" && !value.empty()) {
      roles.push_back(value);
    }
  }
  std::sort(roles.begin(), roles.end());
  roles.erase(std::unique(roles.begin(), roles.end()), roles.end());
  std::string text;
  for (const std::string_view role : roles) append_item(text, role);
  return text;
}

std::string_view address_of(const Node& node, std::string_view type) {
  for (const api::NodeAddress& address : node.status().addresses()) {
    if (address.type() == type) return address.address();
  }
  return none;
}

void print_node(const Node& node, Cells& cells) {
  const api::NodeSystemInfo& system = node.status().node_info();
  cells.text(node.metadata().name());
  cells.text(status_of(node));
  cells.text_or(roles_of(node), none);
  cells.age(node.metadata());
  cells.text(system.kubelet_version());
  cells.text(address_of(node, "InternalIP"));
  cells.text(address_of(node, "ExternalIP"));
  cells.text_or(system.os_image(), unknown);
  cells.text_or(system.kernel_version(), unknown);
  cells.text_or(system.container_runtime_version(), unknown);
}

}  // namespace

Printer node_printer() { return {node_columns, print_as<Node, print_node>}; }

}  // namespace keelson::rest
