// profiles[].pluginConfig[].args: one reader per plugin, in a table.
// Source of the rules: kube-scheduler apis/config/validation (validation_pluginargs).
#include <algorithm>
#include <set>

#include "core/api/validate/validators.hpp"
#include "core/api/validation.hpp"
#include "core/base/duration_text.hpp"
#include "core/scheduler/config/readers.hpp"

namespace keelson::scheduler {
namespace {

using Type = ScoringStrategy::Type;

std::string joined(const std::vector<std::string>& reasons) {
  std::string text;
  for (const std::string& reason : reasons) text += (text.empty() ? "" : "; ") + reason;
  return text;
}

// Where nothing is said, `fallback` stays.
std::vector<ResourceWeight> read_resources(TreeReader& from, int64_t weight_max,
                                           std::vector<ResourceWeight> fallback) {
  std::vector<ResourceWeight> resources;
  std::set<std::string> seen;
  for (TreeReader& entry : from.objects("resources")) {
    ResourceWeight one;
    one.name = entry.text("name").value_or("");
    if (entry.has("weight")) {
      one.weight = static_cast<int32_t>(entry.integer("weight", 1, weight_max).value_or(1));
    }
    entry.done();
    if (one.name.empty()) entry.fail("name", "must be set");
    if (!seen.insert(one.name).second) {
      entry.fail("name", "duplicate value: \"" + one.name + "\"");
    }
    resources.push_back(std::move(one));
  }
  return resources.empty() ? fallback : resources;
}

std::vector<UtilizationShapePoint> read_shape(TreeReader& from) {
  std::vector<UtilizationShapePoint> shape;
  for (TreeReader& entry : from.objects("shape")) {
    UtilizationShapePoint point;
    point.utilization = static_cast<int32_t>(entry.integer("utilization", 0, 100).value_or(0));
    point.score = static_cast<int32_t>(entry.integer("score", 0, kMaxShapeScore).value_or(0));
    if (!shape.empty() && point.utilization <= shape.back().utilization) {
      entry.fail("utilization", "values must rise strictly from point to point");
    }
    entry.done();
    shape.push_back(point);
  }
  if (shape.empty()) from.fail("shape", "at least one point must be specified");
  return shape;
}

void read_strategy(TreeReader& from, ScoringStrategy& into) {
  const std::string type =
      from.one_of("type", {}, {"LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"});
  if (!from.has("type")) from.fail("type", "must be set");
  into.type = type == "MostAllocated"              ? Type::most_allocated
              : type == "RequestedToCapacityRatio" ? Type::requested_to_capacity_ratio
                                                   : Type::least_allocated;
  into.resources = read_resources(from, 100, std::move(into.resources));
  auto ratio = from.object("requestedToCapacityRatio");
  if (ratio) {
    into.shape = read_shape(*ratio);
    ratio->done();
  }
  if (!type.empty() && ratio.has_value() != (into.type == Type::requested_to_capacity_ratio)) {
    from.fail("requestedToCapacityRatio",
              ratio ? "belongs to the type RequestedToCapacityRatio, but the type is " + type
                    : "must be set for the type RequestedToCapacityRatio");
  }
  from.done();
}

void read_node_resources_fit(TreeReader& from, PluginArgs& args) {
  NodeResourcesFitArgs& into = args.node_resources_fit;
  into.ignored_resources = from.texts("ignoredResources");
  for (std::size_t i = 0; i < into.ignored_resources.size(); ++i) {
    const auto reasons = api::check_qualified_name(into.ignored_resources[i]);
    if (reasons.empty()) continue;
    from.fail_below("ignoredResources", "[" + std::to_string(i) + "]", joined(reasons));
  }
  into.ignored_resource_groups = from.texts("ignoredResourceGroups");
  for (std::size_t i = 0; i < into.ignored_resource_groups.size(); ++i) {
    const std::string& group = into.ignored_resource_groups[i];
    const std::string place = "[" + std::to_string(i) + "]";
    if (group.find('/') != std::string::npos) {
      from.fail_below("ignoredResourceGroups", place, "resource group name can't contain '/'");
    } else if (const auto reasons = api::check_qualified_name(group); !reasons.empty()) {
      from.fail_below("ignoredResourceGroups", place, joined(reasons));
    }
  }
  if (auto strategy = from.object("scoringStrategy")) read_strategy(*strategy, into.scoring);
}

void read_balanced_allocation(TreeReader& from, PluginArgs& args) {
  std::vector<std::string>& into = args.node_resources_balanced_allocation.resources;
  const auto resources = read_resources(from, 1, {});
  if (resources.empty()) return;
  into.clear();
  for (const ResourceWeight& one : resources) into.push_back(one.name);
}

// The validators of pods judge what stands in the file, too.
void report(TreeReader& from, std::string_view field, std::string_view prefix,
            api::Errors errors) {
  const api::ApiError error = std::move(errors).finish("", "", "");
  for (const api::Cause& cause : error.causes) {
    std::string_view below = cause.field;
    if (below.starts_with(prefix)) below.remove_prefix(prefix.size());
    from.fail_below(field, below, cause.message);
  }
}

void read_node_affinity(TreeReader& from, PluginArgs& args) {
  if (!from.has("addedAffinity")) return;
  api::Affinity affinity;
  api::NodeAffinity& added = *affinity.mutable_node_affinity();
  if (!from.message("addedAffinity", added)) return;
  api::Errors errors;
  api::validate_affinity(errors, api::Path("affinity"), affinity);
  report(from, "addedAffinity", "affinity.nodeAffinity", std::move(errors));
  args.node_affinity.added_affinity = std::move(added);
}

void read_inter_pod_affinity(TreeReader& from, PluginArgs& args) {
  InterPodAffinityArgs& into = args.inter_pod_affinity;
  into.hard_pod_affinity_weight = static_cast<int32_t>(
      from.integer("hardPodAffinityWeight", 0, 100).value_or(into.hard_pod_affinity_weight));
  into.ignore_preferred_terms_of_existing_pods =
      from.boolean("ignorePreferredTermsOfExistingPods", false);
}

void read_pod_topology_spread(TreeReader& from, PluginArgs& args) {
  using Defaulting = PodTopologySpreadArgs::Defaulting;
  PodTopologySpreadArgs& into = args.pod_topology_spread;
  const std::string type = from.one_of("defaultingType", "System", {"System", "List"});
  into.defaulting = type == "List" ? Defaulting::list : Defaulting::system;
  google::protobuf::RepeatedPtrField<api::TopologySpreadConstraint> constraints;
  for (TreeReader& entry : from.objects("defaultConstraints")) {
    api::TopologySpreadConstraint& constraint = *constraints.Add();
    if (!entry.message(constraint)) continue;
    if (constraint.has_label_selector()) {
      entry.fail("labelSelector",
                 "constraint must not define a selector, as they deduced for each pod");
    }
  }
  if (into.defaulting == Defaulting::system && !constraints.empty()) {
    from.fail("defaultingType", "must be \"List\" where there are default constraints");
  }
  api::Errors errors;
  api::validate_spread(errors, api::Path("constraints"), constraints);
  report(from, "defaultConstraints", "constraints", std::move(errors));
  into.default_constraints.assign(constraints.begin(), constraints.end());
}

void read_default_preemption(TreeReader& from, PluginArgs& args) {
  DefaultPreemptionArgs& into = args.default_preemption;
  const auto share = from.integer("minCandidateNodesPercentage", 0, 100);
  const auto count = from.integer("minCandidateNodesAbsolute", 0, INT32_MAX);
  if (share) into.min_candidate_nodes_percentage = static_cast<int32_t>(*share);
  if (count) into.min_candidate_nodes_absolute = static_cast<int32_t>(*count);
  if (into.min_candidate_nodes_percentage == 0 && into.min_candidate_nodes_absolute == 0) {
    from.fail("minCandidateNodesPercentage",
              "cannot be zero at the same time as minCandidateNodesAbsolute");
  }
}

void read_coscheduling(TreeReader& from, PluginArgs& args) {
  const auto seconds = from.integer("permitWaitingTimeSeconds", 1, 86'400);
  if (seconds) args.coscheduling.permit_waiting_time = std::chrono::seconds(*seconds);
}

// Checked only: the plugins have no effect.
void read_volume_binding(TreeReader& from, PluginArgs&) {
  from.integer("bindTimeoutSeconds", 0, INT64_MAX);
  if (from.has("shape")) read_shape(from);
}
void read_dynamic_resources(TreeReader& from, PluginArgs&) {
  const auto timeout = from.text("filterTimeout");
  if (!timeout) return;
  if (const auto parsed = parse_duration(*timeout); !parsed) {
    from.fail("filterTimeout", parsed.error().message);
  }
}

struct ArgsReader {
  std::string_view plugin;
  void (*read)(TreeReader& from, PluginArgs& into);
};
// A plugin of one's own that has arguments gets a line here and a struct in PluginArgs.
constexpr ArgsReader kReaders[] = {
    {"NodeResourcesFit", read_node_resources_fit},
    {"NodeResourcesBalancedAllocation", read_balanced_allocation},
    {"NodeAffinity", read_node_affinity},
    {"InterPodAffinity", read_inter_pod_affinity},
    {"PodTopologySpread", read_pod_topology_spread},
    {"DefaultPreemption", read_default_preemption},
    {"FGD", read_fgd},
    {"Random", read_random},
    {"Coscheduling", read_coscheduling},
    {"VolumeBinding", read_volume_binding},
    {"DynamicResources", read_dynamic_resources},
};

}  // namespace

bool read_plugin_args(const std::string& plugin, TreeReader& from, PluginArgs& into) {
  for (const ArgsReader& reader : kReaders) {
    if (reader.plugin != plugin) continue;
    reader.read(from, into);
    return true;
  }
  return false;
}

}  // namespace keelson::scheduler
