// A container's share of the node in the terms of cgroups. Pure.
// Source: kubelet's MilliCPUToShares, MilliCPUToQuota and GetContainerOOMScoreAdjust.
#pragma once

#include "core/api/types.hpp"
#include "runtime/cri/wire.hpp"

namespace keelson::cri {

// `memory_capacity`: of the node, in bytes.
wire::LinuxContainerResources resources_of(const api::Pod& pod, const api::Container& container,
                                           int64_t memory_capacity);

}  // namespace keelson::cri
