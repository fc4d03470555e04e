// Whether a node has the labels (or the name) that a pod asks for.
// Source: k8s.io/component-helpers/scheduling/corev1/nodeaffinity.
#pragma once

#include "core/scheduler/cache/snapshot.hpp"

namespace keelson::scheduler {

bool matches(const NodeRequirement& requirement, const Snapshot& snapshot, NodeIndex node);
bool matches(const NodeTerm& term, const Snapshot& snapshot, NodeIndex node);
// spec.nodeSelector and the required terms of the node affinity.
bool matches_node_affinity(const PodInfo& pod, const Snapshot& snapshot, NodeIndex node);

inline bool asks_for_nodes(const PodInfo& pod) {
  return !pod.node_selector.empty() || pod.has_required_terms;
}

}  // namespace keelson::scheduler
