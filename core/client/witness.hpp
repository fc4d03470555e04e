// How a dead node is told from a silent one. When the node lifecycle controller has missed a node's
// heartbeats it asks a few other nodes, the witnesses, whether they can reach it, by writing the
// ConfigMap kube-system/keelson-witnesses; their agents probe the node and answer in their next
// heartbeat (api::PeerReport). The idea is SWIM's indirect probe (Das, Gupta, Motivala, DSN 2002).
#pragma once

#include <string>
#include <string_view>

#include "core/base/callback.hpp"

namespace keelson::client {

inline constexpr std::string_view kWitnessNamespace = "kube-system";
inline constexpr std::string_view kWitnessConfigMap = "keelson-witnesses";
// Data of the ConfigMap: key = the suspected node, value = "<round> <witness> <witness> ...".

// Port: can this host reach that node's host? (Its kernel, not its agent: a paused agent's node still
// answers.) False after a timeout of about a second.
class PeerProber {
 public:
  virtual ~PeerProber() = default;
  virtual void probe(const std::string& node, Callback<void(bool reachable)> done) = 0;
};

}  // namespace keelson::client
