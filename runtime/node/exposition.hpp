// The node's figures as others read them: kubelet's stats summary and Prometheus' text.
// Source: kubelet's pkg/apis/stats/v1alpha1 and the names of its /metrics and /metrics/resource.
#pragma once

#include <string>

#include "runtime/http/options.hpp"
#include "runtime/node/stats.hpp"

namespace keelson::node {

std::string summary_json(const std::string& node, const StatsSampler& stats);

std::string resource_metrics(const StatsSampler& stats);  // /metrics/resource
// Parts of /metrics.
std::string endpoint_metrics(const std::string& node, const http::ServerStats& server);
std::string runtime_metrics(const StatsSampler& stats);

}  // namespace keelson::node
