// What a container's environment and command line become: references resolved, $(NAME) replaced. The
// runtime adds what every process has (PATH, HOSTNAME, HOME).
#pragma once

#include <string>
#include <vector>

#include "core/agent/container_runtime.hpp"
#include "core/agent/field_values.hpp"
#include "core/api/object.hpp"

namespace keelson::agent {

// What a runtime is told to run.
struct Launch {
  Environment environment;
  std::vector<std::string> command, args;
  std::vector<std::string> skipped;  // a sentence for each object with keys that name no variable
};

// Of all names, values and words together: what Linux lets a process be started with.
inline constexpr std::size_t launch_size_max = 2 << 20;

// `referenced`: the objects behind environment_references(container), in that order; null: there is
// none. What is optional and missing is left out. In values and words "$(NAME)" becomes the
// variable's value and "$$" becomes "$"; names that are unknown stay as they are.
// Code::invalid: the pod refers to what it does not have; Code::denied: it is too large.
Result<Launch> launch_of(const api::Pod& pod, const api::Container& container,
                         const Surroundings& here, const std::vector<api::ObjectPtr>& referenced);

}  // namespace keelson::agent
