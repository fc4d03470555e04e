// The few calls of the API that make a cluster out of hosts.
#pragma once

#include <boost/json.hpp>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/base/time.hpp"
#include "runtime/http/client.hpp"
#include "tools/cli/host/layout.hpp"

namespace keelson::cli {

class AdminApi {
 public:
  explicit AdminApi(http::ClientOptions options) : client_(std::move(options)) {}
  // As the administrator whom init has made on this host. Code::not_found: there was no init.
  static Result<AdminApi> of_host(const Layout& layout);

  // The answer's body. Code::not_found, exists, denied: what the server says; unavailable: no answer.
  Result<boost::json::value> get(const std::string& path) { return call("GET", path, nullptr); }
  Result<boost::json::value> post(const std::string& path, const boost::json::value& body) {
    return call("POST", path, &body);
  }
  Result<boost::json::value> put(const std::string& path, const boost::json::value& body) {
    return call("PUT", path, &body);
  }
  Result<boost::json::value> remove(const std::string& path) {
    return call("DELETE", path, nullptr);
  }
  // Creates the object at its collection unless it is there already.
  Status ensure(const std::string& collection, const boost::json::value& object);
  // Until the server says that it is ready.
  Status wait_ready(Duration patience);

 private:
  Result<boost::json::value> call(std::string_view method, const std::string& path,
                                  const boost::json::value* body);
  http::Client client_;
};

// The member at a path of names; empty: it is no text, or there is none.
std::string text_at(const boost::json::value& tree, std::initializer_list<std::string_view> path);

}  // namespace keelson::cli
