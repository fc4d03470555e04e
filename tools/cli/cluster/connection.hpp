// The Api over HTTP.
#pragma once

#include <memory>

#include "core/base/time.hpp"
#include "tools/cli/cluster/api.hpp"
#include "tools/cli/cluster/kubeconfig.hpp"

namespace keelson::http {
class Client;
struct ClientOptions;
struct Request;
}  // namespace keelson::http

namespace keelson::cli {

class HttpApi final : public Api {
 public:
  struct Options {
    Duration timeout{0};  // of the server's silence, except within streams; 0: none
    bool trace = false;   // tell every request on the error output
  };
  HttpApi(const Connection& connection, const Options& options);
  ~HttpApi();

  Result<ApiReply> call(const ApiRequest& request) override;
  Result<ApiReply> stream(const ApiRequest& request,
                          const std::function<bool(std::string_view)>& take) override;
  // Has a connection of its own: may be called beside the others, on any thread.
  Result<std::unique_ptr<Socket>> connect(const std::string& path,
                                          const std::string& protocol) override;
  std::string server() const override;

 private:
  http::Request request_of(const ApiRequest& request) const;
  Error told(const Error& error) const;

  Connection connection_;
  Options options_;
  std::unique_ptr<http::ClientOptions> client_options_;
  std::unique_ptr<http::Client> client_;
};

}  // namespace keelson::cli
