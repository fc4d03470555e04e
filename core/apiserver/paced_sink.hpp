// A watch sink with back-pressure: while it is blocked the hub keeps its events, up to a bound; a
// sink that stays blocked beyond that is closed instead of waited for.
#pragma once

#include "core/api/request.hpp"

namespace keelson::apiserver {

class PacedSink : public api::WatchSink {
 public:
  virtual bool blocked() const = 0;

 protected:
  ~PacedSink() = default;
};

}  // namespace keelson::apiserver
