// The ApiClient port over HTTP: how what runs on a node reaches the API server, as any client of
// Kubernetes would.
//
// What a revision's epoch is does not travel: clients compare by value, which never falls, and a store
// that has lost history ends every watch with 410. Fence, basis and actor do not travel either: roles act
// within the server's process.
//
// Threading: everything on the loop's thread.
#pragma once

#include <map>
#include <memory>

#include "core/base/log.hpp"
#include "core/client/api_client.hpp"
#include "runtime/http/async_client.hpp"

namespace keelson::runtime {

class HttpApiClient final : public client::ApiClient {
 public:
  struct Options {
    Duration timeout = 10s;  // a call without an answer for this long is unknown
    // A watch without a word for this long is closed; servers send bookmarks.
    Duration watch_silence = 90s;
  };

  // `http` must outlive it.
  HttpApiClient(AsioLoop& loop, http::AsyncClient& http, Options options);
  HttpApiClient(AsioLoop& loop, http::AsyncClient& http);
  ~HttpApiClient() override;

  void call(api::Request request, Callback<void(api::Response)> done) override;
  api::WatchId watch(api::WatchRequest request, api::WatchSink& sink) override;
  void unwatch(api::WatchId watch) override;

 private:
  class Watch;
  void ended(uint64_t id);

  AsioLoop& loop_;
  http::AsyncClient& http_;
  const Options options_;
  uint64_t last_watch_ = 0;
  std::map<uint64_t, std::unique_ptr<Watch>> watches_;
  std::shared_ptr<char> life_ = std::make_shared<char>();
};

}  // namespace keelson::runtime
