// The ApiClient port: how controllers, the scheduler and agents reach an API server. In one process it
// is a direct call, on real nodes HTTP, in simulation a lossy network.
#pragma once

#include "core/api/request.hpp"
#include "core/base/callback.hpp"

namespace keelson::client {

class ApiClient {
 public:
  virtual ~ApiClient() = default;

  // Calls back exactly once, never from inside call(). A lost request or reply, or no answer within
  // the transport's deadline, is Reason::unknown_outcome; Reason::service_unavailable means that
  // nothing happened.
  virtual void call(api::Request request, Callback<void(api::Response)> done) = 0;
  // The sink is called until unwatch() or until it has seen an error event or on_closed().
  virtual api::WatchId watch(api::WatchRequest request, api::WatchSink& sink) = 0;
  virtual void unwatch(api::WatchId watch) = 0;
};

}  // namespace keelson::client
