// The streams of nodes on other machines, for the API server: each stream is one connection to the
// node's endpoint over mutual TLS. Threading: the thread of the loop.
//
//   auto dialer = node::NodeDialer::make(api_server.cache(), {ca, certificate, key});
//   node::RemoteStreams streams(loop, *dialer);
//   rest::Front front(..., &streams, ...);
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "core/rest/node_streams.hpp"
#include "runtime/node/node_dialer.hpp"

namespace keelson::node {

class RemoteStreams final : public rest::NodeStreams {
 public:
  RemoteStreams(runtime::AsioLoop& loop, NodeDialer dialer);
  ~RemoteStreams();

  // Code::not_found: there is no such node. Its address is looked up anew for each stream.
  Result<agent::ContainerStreams*> of(std::string_view node) override;

 private:
  runtime::AsioLoop& loop_;
  NodeDialer dialer_;
  // Kept for as long as this: whoever was given one may still open streams through it.
  std::map<std::string, std::unique_ptr<agent::ContainerStreams>, std::less<>> nodes_;
};

}  // namespace keelson::node
