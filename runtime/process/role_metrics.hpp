// The figures of controllers and scheduler as Prometheus reads them, under Kubernetes' names where it has
// some. Source: k8s.io/component-base/metrics/prometheus/workqueue, pkg/scheduler/metrics.
#pragma once

#include <string>
#include <vector>

#include "core/controllers/manager.hpp"
#include "core/scheduler/scheduler.hpp"

namespace keelson::runtime {

std::string controller_metrics(const std::vector<controllers::ControllerMetrics>& all);
std::string scheduler_metrics(const scheduler::SchedulerStats& stats);

}  // namespace keelson::runtime
