// Whether another node's host is there, for the node lifecycle controller's witnesses: its kernel
// answers a connection to the agent's port, be it by accepting or by refusing it.
#pragma once

#include <memory>
#include <string>

#include "core/client/api_client.hpp"
#include "core/client/witness.hpp"
#include "runtime/loop/asio_loop.hpp"

namespace keelson::runtime {

class TcpPeerProber final : public client::PeerProber {
 public:
  // `user`: in whose name the Node is looked up. Loop and client must outlive it.
  TcpPeerProber(AsioLoop& loop, client::ApiClient& client, std::string user);
  ~TcpPeerProber() override;
  void probe(const std::string& node, Callback<void(bool reachable)> done) override;

 private:
  AsioLoop& loop_;
  client::ApiClient& client_;
  const std::string user_;
  std::shared_ptr<char> life_ = std::make_shared<char>();
};

}  // namespace keelson::runtime
