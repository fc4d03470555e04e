// One request of the proxy subresource: sent to a pod (or a node agent) over a byte stream, and the
// answer handed on as it comes.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/agent/container_streams.hpp"
#include "core/rest/http.hpp"
#include "core/rest/streams/http_response.hpp"
#include "core/rest/streams/keeper.hpp"

namespace keelson::rest {

class ProxySession final : public std::enable_shared_from_this<ProxySession>,
                           private agent::ByteStreamUser {
 public:
  using Connect = std::function<std::unique_ptr<agent::ByteStream>(agent::ByteStreamUser&)>;

  // `host`: for the Host header. `target`: path and query there.
  ProxySession(Keeper& keeper, HttpRequest request, std::string host, std::string target);

  void begin(const Connect& connect, ExchangePtr exchange);

 private:
  void on_open() override;
  void on_bytes(std::string_view data) override;
  void on_writable() override {}
  void on_end(Status why) override;
  void fail(const std::string& why);
  void finish();

  Keeper& keeper_;
  HttpRequest request_;
  std::string host_, target_;
  ResponseReader reader_;
  ExchangePtr exchange_;
  std::unique_ptr<agent::ByteStream> stream_;
  bool begun_ = false;
};

}  // namespace keelson::rest
