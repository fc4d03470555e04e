// Prefers nodes that already have the pod's images, by size, damped by how rare an image still is:
// else every pod of a new image would follow the first one. Source: kube-scheduler's ImageLocality.
#include "core/scheduler/plugins/plugins.hpp"

namespace keelson::scheduler {
namespace {

constexpr int64_t kMegabyte = 1024 * 1024;
// Smaller images are pulled quickly, larger ones are not worth more.
constexpr int64_t kMinThreshold = 23 * kMegabyte;
constexpr int64_t kMaxPerContainer = 1000 * kMegabyte;

struct ImageSums final : CycleState::Data {
  std::vector<int64_t> by_node;
};

class ImageLocality final : public Plugin {
 public:
  std::string_view name() const override { return "ImageLocality"; }
  Points points() const override { return Point::pre_score | Point::score; }
  // How rare an image is depends on all nodes.
  std::optional<uint64_t> memo_basis(const Snapshot& snapshot) const override {
    return snapshot.images_version();
  }
  EventMask wakes_on() const override { return EventMask::none(); }
  Verdict pre_score(CycleState&, const PodInfo& pod, const Snapshot& snapshot,
                    std::span<const NodeIndex>) const override {
    const bool known = std::any_of(pod.images.begin(), pod.images.end(),
                                   [&](NameId image) { return snapshot.image(image) != nullptr; });
    return known ? Verdict::success() : Verdict::skip();
  }
  void score(CycleState& state, const PodInfo& pod, const Snapshot& snapshot,
             std::span<const NodeIndex> nodes, std::span<int32_t> scores) const override {
    auto& sums = state.of<ImageSums>(slot()).by_node;
    sums.assign(snapshot.slots(), 0);
    for (const NameId name : pod.images) {
      const ImageState* image = snapshot.image(name);
      if (image == nullptr) continue;
      // Doubles in this order, as there: IEEE 754 leaves no choice of results.
      const double spread = static_cast<double>(image->nodes.size()) /
                            static_cast<double>(snapshot.node_count());
      const int64_t size = std::clamp<int64_t>(image->size, 0, int64_t{1} << 40);
      const auto scaled = static_cast<int64_t>(static_cast<double>(size) * spread);
      for (const NodeIndex node : image->nodes) sums[node] += scaled;
    }
    const int64_t most =
        kMaxPerContainer * static_cast<int64_t>(std::max<std::size_t>(pod.images.size(), 1));
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const int64_t sum = std::clamp(sums[nodes[i]], kMinThreshold, most);
      scores[i] =
          static_cast<int32_t>((sum - kMinThreshold) * kMaxNodeScore / (most - kMinThreshold));
    }
  }
};

}  // namespace

std::unique_ptr<Plugin> make_image_locality(const PluginArgs&) {
  return std::make_unique<ImageLocality>();
}

}  // namespace keelson::scheduler
