// How the API server finds the node that a pod runs on, for logs, exec and the like. In one process
// that is a look-up; across machines, a connection.
#pragma once

#include <string_view>

#include "core/agent/container_streams.hpp"
#include "core/base/result.hpp"

namespace keelson::rest {

class NodeStreams {
 public:
  // The streams of the node of this name; they must outlive what is opened through them. A node that
  // is known but does not answer is no error here: its streams say so.
  virtual Result<agent::ContainerStreams*> of(std::string_view node) = 0;

 protected:
  ~NodeStreams() = default;
};

}  // namespace keelson::rest
