// Gives each node the network that its pods get their addresses from: the first free block of the
// cluster's. A block is free again when its Node is gone.
// Source of the behaviour: kube-controller-manager's --allocate-node-cidrs.
#pragma once

#include <cstdint>
#include <string>

#include "core/controllers/controller.hpp"

namespace keelson::controllers {

struct PodNetwork {
  uint32_t address = 0;  // of the cluster's pods, in host order
  int prefix = 16;
  int node_prefix = 24;  // of each node's block
};
// "10.244.0.0/16" and 24. Code::invalid says what is wrong with them.
Result<PodNetwork> parse_pod_network(const std::string& cidr, int node_prefix);

class NodeIpamController final : public Controller {
 public:
  explicit NodeIpamController(PodNetwork network) : network_(network) {}

  std::string_view name() const override { return "node-ipam"; }
  std::span<const api::Kind> reads() const override;
  void keys_for(const View& view, const api::ObjectPtr& before, const api::ObjectPtr& after,
                const KeySink& sink) const override;
  Plan reconcile(const View& view, const api::ObjectKey& key) override;

 private:
  const PodNetwork network_;
};

}  // namespace keelson::controllers
