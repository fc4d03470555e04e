// The arguments of the policies (core/scheduler/policies):
//
//   - name: FGD
//     args: {typicalPods: [{cpuMilli: 4000, gpus: 1, gpuMilli: 500, models: [A100], weight: 12}, ...]}
//   - name: Random
//     args: {seed: 42}
#include "core/api/devices.hpp"
#include "core/scheduler/config/readers.hpp"

namespace keelson::scheduler {

namespace {

constexpr int64_t kWeightMax = 1'000'000'000;

TypicalPod read_typical_pod(TreeReader& from) {
  TypicalPod typical;
  typical.pod.cpu_milli = from.integer("cpuMilli", 0, kMostAmount).value_or(0);
  typical.pod.gpus =
      static_cast<int32_t>(from.integer("gpus", 0, api::kDevicesMax).value_or(0));
  const auto milli = from.integer("gpuMilli", 1, api::kDeviceMilli);
  if (milli && typical.pod.gpus == 0) from.fail("gpuMilli", "there is no GPU that it could be of");
  if (typical.pod.gpus > 0) {
    typical.pod.gpu_milli = static_cast<int32_t>(milli.value_or(api::kDeviceMilli));
  }
  typical.pod.models = from.texts("models");
  typical.share = static_cast<double>(from.integer("weight", 1, kWeightMax).value_or(1));
  from.done();
  return typical;
}

}  // namespace

void read_fgd(TreeReader& from, PluginArgs& args) {
  std::vector<TypicalPod>& typical = args.policies.typical_pods;
  typical.clear();
  double sum = 0;
  for (TreeReader& entry : from.objects("typicalPods")) {
    typical.push_back(read_typical_pod(entry));
    sum += typical.back().share;
  }
  for (TypicalPod& one : typical) one.share /= sum;
}

void read_random(TreeReader& from, PluginArgs& args) {
  args.policies.seed =
      static_cast<uint64_t>(from.integer("seed", 0, INT64_MAX).value_or(int64_t{1}));
}

}  // namespace keelson::scheduler
