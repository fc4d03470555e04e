#include "core/scheduler/policies/typical_pods.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

namespace keelson::scheduler {

namespace {

std::string joined(const std::vector<std::string>& models) {
  std::string text;
  for (const std::string& model : models) text += (text.empty() ? "" : "|") + model;
  return text;
}

using Key = std::tuple<int64_t, int32_t, int32_t, std::string>;

}  // namespace

PodClass class_of(const PodInfo& pod) {
  PodClass out;
  out.cpu_milli = pod.requests[kCpu];
  out.gpus = pod.gpus.count;
  out.gpu_milli = pod.gpus.any() ? pod.gpus.milli : 0;
  const auto& affinity = pod.pod().spec().affinity().node_affinity();
  const auto& terms =
      affinity.required_during_scheduling_ignored_during_execution().node_selector_terms();
  // Models can be told if one list says which: alternatives of terms are not looked into.
  if (terms.size() == 1) {
    for (const auto& e : terms[0].match_expressions()) {
      if (e.key() != api::kGpuModelLabel || e.operator_() != "In") continue;
      out.models.assign(e.values().begin(), e.values().end());
    }
  }
  return out;
}

std::vector<TypicalPod> typical_pods(std::span<const PodClass> pods, int percent) {
  std::map<Key, std::pair<std::size_t, const PodClass*>> classes;
  for (const PodClass& pod : pods) {
    auto& [count, sample] = classes[{pod.cpu_milli, pod.gpu_milli, pod.gpus, joined(pod.models)}];
    ++count;
    sample = &pod;
  }
  using Entry = std::tuple<std::size_t, Key, const PodClass*>;
  std::vector<Entry> sorted;
  for (const auto& [key, entry] : classes) sorted.emplace_back(entry.first, key, entry.second);
  std::sort(sorted.begin(), sorted.end(), [](const Entry& a, const Entry& b) {
    return std::tie(std::get<0>(a), std::get<1>(a)) > std::tie(std::get<0>(b), std::get<1>(b));
  });
  std::size_t chosen = 0, counted = 0;
  while (chosen < sorted.size() && counted * 100 < pods.size() * static_cast<std::size_t>(percent)) {
    counted += std::get<0>(sorted[chosen++]);
  }
  std::vector<TypicalPod> typical;
  for (std::size_t i = 0; i < chosen; ++i) {
    typical.push_back({*std::get<2>(sorted[i]), static_cast<double>(std::get<0>(sorted[i])) /
                                                    static_cast<double>(counted)});
  }
  return typical;
}

}  // namespace keelson::scheduler
