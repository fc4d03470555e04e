// Which pod and container `logs`, `exec` and `port-forward` mean: a pod's name, or an object that
// has pods (deployment/kel: one of them, a ready one first).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/cli/cluster/targets.hpp"

namespace keelson::cli {

// All pods of an object, best first: ready ones before others, older before newer. A pod's own:
// itself.
Result<std::vector<Found>> pods_of(Session& session, const std::string& word);

// The container: the given one, the annotated default, or the first, told on the error output if
// there are several. Error: there is none of that name.
Result<std::string> container_of(Session& session, const Json& pod, const std::string& given);

}  // namespace keelson::cli
