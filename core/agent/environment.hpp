// What a container's environment and command line become: references resolved, $(NAME) replaced. The
// runtime adds what every process has (PATH, HOSTNAME, HOME).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/agent/container_runtime.hpp"
#include "core/api/object.hpp"

namespace keelson::agent {

// What the pod itself cannot say about where it runs.
struct Surroundings {
  std::string node, host_ip, pod_ip;
  const std::map<std::string, std::string>* allocatable = nullptr;  // of the node
};

// `referenced`: the objects behind environment_references(container), in that order; null: there is
// none. What is optional and missing, or no name of a variable, is left out.
Environment environment_of(const api::Pod& pod, const api::Container& container,
                           const Surroundings& here, const std::vector<api::ObjectPtr>& referenced);

// "$(NAME)" by the variable's value, "$$" by "$"; names that are unknown stay as they are.
std::string expand(const std::string& text, const Environment& environment);

}  // namespace keelson::agent
