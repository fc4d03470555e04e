// The node's figures as others read them: kubelet's stats summary and Prometheus' text.
// Source: kubelet's pkg/apis/stats/v1alpha1 and the names of its /metrics and /metrics/resource.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "runtime/http/options.hpp"
#include "runtime/node/stats.hpp"

namespace keelson::node {

std::string summary_json(const std::string& node, const StatsSampler& stats);

std::string resource_metrics(const StatsSampler& stats);  // /metrics/resource
// Requests to the endpoint by the path label of kubelet_http_requests_total.
using RequestCounts = std::map<std::string, uint64_t>;

// Parts of /metrics.
std::string endpoint_metrics(const std::string& node, const http::ServerStats& server,
                             const RequestCounts& requests);
std::string runtime_metrics(const StatsSampler& stats);

}  // namespace keelson::node
