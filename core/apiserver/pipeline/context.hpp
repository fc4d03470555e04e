// What the parts of the pipeline share.
#pragma once

#include "core/apiserver/common.hpp"
#include "core/apiserver/guard.hpp"
#include "core/apiserver/options.hpp"
#include "core/apiserver/pipeline/ids.hpp"
#include "core/apiserver/watch_cache.hpp"
#include "core/base/log.hpp"
#include "core/base/loop.hpp"

namespace keelson::apiserver {

struct Context {
  Loop& loop;
  const WatchCache& cache;
  const ApiServerOptions& options;
  Ids& ids;
  Log& log;
  const WriteGuard* guard = nullptr;  // may be null
};

}  // namespace keelson::apiserver
