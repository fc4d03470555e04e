// Values of a pod that its containers may see: for environment variables and downwardAPI files. Pure.
#pragma once

#include <map>
#include <string>

#include "core/api/object.hpp"
#include "core/base/result.hpp"

namespace keelson::agent {

// What the pod itself cannot say about where it runs.
struct Surroundings {
  std::string node, host_ip, pod_ip;
  const std::map<std::string, std::string>* allocatable = nullptr;  // of the node
};

// What a fieldRef of that path shows as a variable; empty: nothing is known by it.
std::string field_value(const std::string& path, const api::Pod& pod, const Surroundings& here);
// As a file, which can also be all labels or annotations: a line KEY="VALUE" for each, sorted.
// Source: Kubernetes' pkg/fieldpath.
std::string field_file(const std::string& path, const api::Pod& pod, const Surroundings& here);
// In units of the divisor, rounded up. A limit that is not set is all that the node has. Without a
// container name it is about `own`. Code::invalid: there is no such container.
Result<std::string> resource_value(const api::ResourceFieldSelector& wanted, const api::Pod& pod,
                                   const api::Container& own, const Surroundings& here);

}  // namespace keelson::agent
