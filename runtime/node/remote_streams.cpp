#include "runtime/node/remote_streams.hpp"

#include "runtime/node/remote_node.hpp"

namespace keelson::node {

RemoteStreams::RemoteStreams(runtime::AsioLoop& loop, NodeDialer dialer)
    : loop_(loop), dialer_(std::move(dialer)) {}
RemoteStreams::~RemoteStreams() = default;

Result<agent::ContainerStreams*> RemoteStreams::of(std::string_view name) {
  const auto known = nodes_.find(name);
  if (const Result<Dial> dial = dialer_.dial(name); !dial && dial.code() == Code::not_found) {
    return dial.error();
  }
  if (known != nodes_.end()) return known->second.get();
  auto& made = nodes_[std::string(name)] =
      std::make_unique<RemoteNode>(loop_, dialer_, std::string(name));
  return made.get();
}

}  // namespace keelson::node
