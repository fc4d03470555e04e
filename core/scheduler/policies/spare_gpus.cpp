// SpareGpus: pods that want no GPU go where there are few or none, so that they do not take the CPUs
// and the memory beside GPUs that others will need. It has no opinion on pods with GPUs: enable it
// beside a policy that has. README.md walks through it as the example of a policy of one's own.
#include "core/scheduler/policies/node_scorer.hpp"
#include "core/scheduler/policies/policies.hpp"

namespace keelson::scheduler {
namespace {

class SpareGpus final : public NodeScorer {
 public:
  std::string_view name() const override { return "SpareGpus"; }

 private:
  int32_t score_node(const PodInfo& pod, const Snapshot& snapshot, NodeIndex node) const override {
    if (pod.gpus.any()) return 0;
    const auto devices = static_cast<int32_t>(snapshot.devices().left(node).size());
    return within_100(kMaxNodeScore - devices * kMaxNodeScore / 8);
  }
};

}  // namespace

std::unique_ptr<Plugin> make_spare_gpus(const PluginArgs&) {
  return std::make_unique<SpareGpus>();
}

}  // namespace keelson::scheduler
