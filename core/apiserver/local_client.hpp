// The ApiClient port over an API server in the same process: a direct call.
#pragma once

#include "core/apiserver/api_server.hpp"
#include "core/client/api_client.hpp"

namespace keelson::apiserver {

class LocalClient final : public client::ApiClient {
 public:
  explicit LocalClient(ApiServer& server) : server_(server) {}

  void call(api::Request request, Callback<void(api::Response)> done) override {
    server_.handle(std::move(request), std::move(done));
  }
  api::WatchId watch(api::WatchRequest request, api::WatchSink& sink) override {
    return server_.watch(std::move(request), sink);
  }
  void unwatch(api::WatchId watch) override { server_.unwatch(watch); }

 private:
  ApiServer& server_;
};

}  // namespace keelson::apiserver
