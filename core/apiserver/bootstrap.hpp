// The objects that every cluster has from its first moment.
#pragma once

#include <vector>

#include "core/apiserver/options.hpp"
#include "core/apiserver/watch_cache.hpp"

namespace keelson::apiserver {

// Requests that create what is still missing, in order. `start` false: only what a cluster cannot be
// without, whoever deletes it; the rest is made once.
std::vector<Request> bootstrap_requests(const WatchCache& cache, const ApiServerOptions& options,
                                        bool start);

}  // namespace keelson::apiserver
