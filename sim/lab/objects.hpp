// Nodes and pods as API objects, from what traces and generators know about them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/api/object.hpp"

namespace keelson::lab {

struct NodeShape {
  std::string name;
  int64_t cpu_milli = 0;
  int64_t memory_bytes = 0;
  int64_t pods_max = 110;  // what a kubelet allows unless told otherwise
  std::string zone;        // empty: none
  std::map<std::string, std::string> labels;
  std::map<std::string, int64_t> resources;  // further ones, in whole units
};
// Capacity and allocatable are equal, the node is Ready, its name is its hostname label and its uid.
api::ObjectPtr node_object(const NodeShape& shape);

struct PodShape {
  std::string name;  // unique in the workload: it is the uid, too
  int64_t cpu_milli = 0;
  int64_t memory_bytes = 0;
  std::optional<int32_t> priority;
  std::map<std::string, std::string> labels;
  std::map<std::string, int64_t> resources;  // further ones, in whole units
  // GPUs (core/api/devices.hpp): how many, thousandths of each, and the models that will do (empty: any).
  int64_t gpus = 0, gpu_milli = 1000;
  std::vector<std::string> gpu_models;
  // Pods with this value of label "job" may not share a node. Empty: they may.
  std::string apart_from_job;
};
// In namespace "default", with one container; amounts of 0 are not requested.
api::ObjectPtr pod_object(const PodShape& shape);

// A name, and a label's value, that the API allows, from an identifier of a trace ("j_1528" ->
// "j-1528"). At most 60 characters.
std::string object_name(std::string_view text);

inline constexpr const char* kJobLabel = "job";
inline constexpr const char* kHostnameLabel = "kubernetes.io/hostname";
inline constexpr const char* kZoneLabel = "topology.kubernetes.io/zone";

}  // namespace keelson::lab
