// The API server without HTTP: requests in, responses out, watches fed. Its full state is in
// memory, fed by the store's watch; the store is the durable log and the arbiter of every write.
// Start reading in README.md ("The life of a write").
#pragma once

#include <memory>

#include "core/api/request.hpp"
#include "core/apiserver/options.hpp"
#include "core/apiserver/paced_sink.hpp"
#include "core/base/callback.hpp"
#include "core/base/log.hpp"
#include "core/base/loop.hpp"
#include "core/base/rng.hpp"
#include "core/store/store.hpp"

namespace keelson::apiserver {

class WatchCache;
class WriteGuard;

class ApiServer final {
 public:
  // The loop, store and log must outlive the server. Destroying it drops all requests and watches
  // without an answer, as the death of its process would.
  ApiServer(Loop& loop, store::Store& store, Rng rng, Log& log, ApiServerOptions options);
  ~ApiServer();
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  // Loads all kinds from the store, watches it, then creates what every cluster has (namespaces,
  // priority classes, the default/kubernetes service). Until ready() requests are answered with
  // ServiceUnavailable and watches are closed.
  void start();
  bool ready() const;

  // Has each write of a caller that says who it is looked at by `guard`, which must outlive the
  // server; null: by nobody.
  void guard_with(const WriteGuard* guard);

  // `done` is called exactly once, never from inside handle().
  void handle(api::Request request, Callback<void(api::Response)> done);

  // The sink is called from the loop, in batches, never from inside watch(); it must live until
  // unwatch(), on_closed() or an error event.
  api::WatchId watch(api::WatchRequest request, api::WatchSink& sink);
  // The same for a sink that can say that it is blocked. Call resumed() when it is not any more.
  api::WatchId watch(api::WatchRequest request, PacedSink& sink);
  void resumed(api::WatchId watch);
  void unwatch(api::WatchId watch);

  // Up to here everything is in memory.
  api::Revision revision() const;
  std::size_t watches() const;
  // Reads what is in memory now, however old. For those who answer many small questions (access
  // control, the HTTP front); anything that a client is told about objects comes from handle().
  const WatchCache& cache() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keelson::apiserver
