// The JSON that kube-scheduler and its extenders exchange (k8s.io/kube-scheduler/extender/v1). Its
// Go structs have no tags: names are written as they are there ("NodeNames") and read in any case.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/object.hpp"
#include "core/base/result.hpp"

namespace keelson::scheduler::extender {

// ExtenderArgs, of filter and prioritize. `names_only`: the extender knows the nodes.
std::string filter_args(const api::Object& pod, const std::vector<api::ObjectPtr>& nodes,
                        bool names_only);

struct FilterResult {
  // nullopt: the answer names none, neither as names nor as objects.
  std::optional<std::vector<std::string>> nodes;
  std::map<std::string, std::string> failed, unresolvable;  // node, why
};
// Error: the answer cannot be understood (invalid), or says that something went wrong (unavailable).
Result<FilterResult> read_filter_result(std::string_view json);

// HostPriorityList: nodes and their scores; negative ones count as zero.
Result<std::vector<std::pair<std::string, int64_t>>> read_priorities(std::string_view json);

std::string binding_args(const api::Object& pod, const std::string& node);
// Not ok: the extender says why it has not bound the pod.
Status read_binding_result(std::string_view json);

// The deletion of these pods would make room on a node.
struct Victims {
  std::vector<api::ObjectPtr> pods;
  int64_t violations = 0;  // of disruption budgets
};
// ExtenderPreemptionArgs, with one node. `names_only`: the extender knows the pods by their uids.
std::string preemption_args(const api::Object& pod, const std::string& node,
                            const Victims& victims, bool names_only);
// The nodes that are left, with the uids of their victims: perhaps others than proposed.
Result<std::map<std::string, std::vector<std::string>>> read_preemption_result(
    std::string_view json);

}  // namespace keelson::scheduler::extender
