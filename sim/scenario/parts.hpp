// The parts of a scenario file, each read by a function of its own; load.cpp puts them together. What is
// wrong is noted with the reader.
#pragma once

#include <string>
#include <vector>

#include "core/api/error.hpp"
#include "sim/scenario/reader.hpp"
#include "sim/scenario/scenario.hpp"

namespace keelson::sim {

inline constexpr int64_t kReplicasMax = 1'000'000;

// What the API would refuse of an object that the part stands for.
void complain(MapReader& map, const api::ApiError& error);

// load_cluster.cpp
void read_cluster(MapReader map, WorldOptions& world);
ImageBehaviour read_image(MapReader map);

// load_scheduler.cpp: cluster.scheduler, a KubeSchedulerConfiguration, or cluster.schedulerConfig, a
// file with one, relative to the scenario's folder.
Status read_scheduler(const std::string& text, const std::string& file, const YAML::Node& root,
                      WorldOptions& world);

// load_timeline.cpp
FaultSpec read_fault(MapReader& map, const ReadErrors& errors);
UserAction read_action(MapReader& map, const ReadErrors& errors);
// Objects as YAML in a text field; `file` is for messages.
std::vector<api::ObjectPtr> read_manifest(MapReader& map, const std::string& field,
                                          const std::string& file);

// load_workload.cpp
DeploymentGenerator read_generator(MapReader map);
Churn read_churn(MapReader map, const std::vector<DeploymentGenerator>& generators);
TrafficSpec read_traffic(MapReader map);
// How often something happens to all `units` together, from how often it happens to one.
Duration read_rate(MapReader& map, Duration otherwise, const std::string& unit, int64_t units);

}  // namespace keelson::sim
