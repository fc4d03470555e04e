#include "core/scheduler/policies/fragmentation.hpp"

#include <algorithm>
#include <array>

namespace keelson::scheduler {

namespace {

constexpr std::size_t kModelsMax = 63;

// Why a typical pod cannot use what is idle; in the order in which the sums are added up.
enum Misfit : std::size_t {
  lacks_gpu,
  lacks_both,
  lacks_cpu,
  cpu_only_fits,
  cpu_only_lacks,
  model_not_allowed,
  kMisfits
};

}  // namespace

Fragmentation::Fragmentation(std::vector<TypicalPod> typical) {
  for (const TypicalPod& t : typical) {
    if (t.pod.gpus > 0) thresholds_.push_back(t.pod.gpu_milli);
    for (const std::string& model : t.pod.models) {
      const bool known = std::find(models_.begin(), models_.end(), model) != models_.end();
      if (!known && models_.size() < kModelsMax) models_.push_back(model);
    }
  }
  std::sort(thresholds_.begin(), thresholds_.end());
  thresholds_.erase(std::unique(thresholds_.begin(), thresholds_.end()), thresholds_.end());
  scratch_.resize(thresholds_.size());
  for (const TypicalPod& t : typical) {
    Typical& out = typical_.emplace_back();
    out.cpu = t.pod.cpu_milli;
    out.gpus = t.pod.gpus;
    out.share = t.share;
    if (out.gpus > 0) {
      out.threshold = static_cast<uint32_t>(
          std::lower_bound(thresholds_.begin(), thresholds_.end(), t.pod.gpu_milli) -
          thresholds_.begin());
    }
    if (t.pod.models.empty()) out.models = ~uint64_t{0};
    for (const std::string& name : t.pod.models) {
      if (const int32_t number = model(name); number > 0) out.models |= uint64_t{1} << number;
    }
  }
}

int32_t Fragmentation::model(const std::string& name) const {
  const auto it = std::find(models_.begin(), models_.end(), name);
  return it == models_.end() ? 0 : static_cast<int32_t>(it - models_.begin()) + 1;
}

double Fragmentation::of(const Node& node) const {
  int32_t idle = 0;
  std::fill(scratch_.begin(), scratch_.end(), Fit{});
  for (const int32_t left : node.left) {
    if (left <= 0) continue;  // nothing idle, and nothing fits
    idle += left;
    for (std::size_t t = 0; t < thresholds_.size(); ++t) {
      const bool enough = left >= thresholds_[t];
      scratch_[t].enough += enough;
      scratch_[t].rest += enough ? 0 : left;
    }
  }
  return sum(node.cpu, node.model, idle, scratch_);
}

double Fragmentation::sum(int64_t cpu, int32_t model, int32_t idle,
                          std::span<const Fit> fits) const {
  std::array<double, kMisfits> sums{};
  for (const Typical& t : typical_) {
    const bool cpu_fits = cpu >= t.cpu;
    if (t.gpus == 0) {
      sums[cpu_fits ? cpu_only_fits : cpu_only_lacks] += t.share * idle;
    } else if ((t.models >> model & 1) == 0) {
      sums[model_not_allowed] += t.share * idle;
    } else if (fits[t.threshold].enough < t.gpus) {
      sums[cpu_fits ? lacks_gpu : lacks_both] += t.share * idle;
    } else if (!cpu_fits) {
      sums[lacks_cpu] += t.share * idle;
    } else {
      sums[lacks_gpu] += t.share * fits[t.threshold].rest;
    }
  }
  double total = 0;
  for (const double s : sums) total += s;
  return total;
}

}  // namespace keelson::scheduler
