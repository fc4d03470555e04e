// What a request for a log says, and whether it makes sense.
// Source: Kubernetes' PodLogOptions and their validation; kubelet's look at the container's status.
#pragma once

#include <string>

#include "core/agent/container_streams.hpp"
#include "core/api/error.hpp"
#include "core/rest/streams/query.hpp"

namespace keelson::rest {

struct LogQuery {
  agent::LogOptions options;
  api::ApiError error;  // the options are not used then
};
LogQuery read_log_options(const Query& query, const std::string& pod);

// The container that is meant by `wanted`, which may be empty.
struct ChosenContainer {
  std::string name;
  api::ApiError error;
};
ChosenContainer choose_container(const api::Pod& pod, const std::string& wanted);

// Whether the container has a log to show, by its status.
api::ApiError check_log_exists(const api::Pod& pod, const std::string& container, bool previous);

}  // namespace keelson::rest
