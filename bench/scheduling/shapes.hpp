// The workloads of kube-scheduler's own benchmark: nodes, pods that are there before, pods whose
// placing is measured, and what happens in between.
// Source: kubernetes test/integration/scheduler_perf, the performance-config.yaml files and their
// templates (affinity, misc, topology_spreading).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/api/object.hpp"

namespace keelson::bench {

// What a pod asks for besides its resources.
enum class PodForm : uint8_t {
  plain,
  labelled,  // selected by a service, requests nothing
  affinity,
  anti_affinity,
  preferred_affinity,
  preferred_anti_affinity,
  spread,
  preferred_spread,
  node_affinity,
  daemon,  // names its node
  low_priority,
  high_priority,
  unschedulable,  // of high priority, and larger than every node
};

struct Pods {
  PodForm form{};
  std::string_view ns;
  int count = 0;
};

// Something that happens after every so many measured pods.
enum class Churn : uint8_t {
  none,
  unschedulable_pod,
  preempting_pod,
  mixed,  // a node without room, an unschedulable pod and a service are replaced by new ones
};

struct Shape {
  std::string_view name;
  int nodes = 0;
  std::vector<std::string_view> zones;  // the nodes' zone labels, in turn
  std::vector<Pods> before;
  Pods measured;
  Churn churn{};
  int churn_every = 0;  // measured pods
  bool service = false;
  // What Kubernetes' CI demands, pods per second; 0 if it demands nothing of this size.
  int threshold = 0;
};

// All of them, for 500, 5,000 or 15,000 nodes. Of 15,000 Kubernetes has one only: counts are three
// times those of 5,000.
std::vector<Shape> shapes(int nodes);

api::ObjectPtr make_node(int number, std::string_view zone);
// A node that takes no pods.
api::ObjectPtr make_full_node(int number);
api::Pod make_pod(PodForm form, std::string_view ns, int number);
api::ObjectPtr make_service(std::string_view ns, int number);
// The node that daemons name.
inline constexpr std::string_view kDaemonNode = "node-0";

}  // namespace keelson::bench
