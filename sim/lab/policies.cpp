#include "sim/lab/policies.hpp"

#include <algorithm>
#include <vector>

namespace keelson::lab {

namespace {

// The default profile, in which nothing scores but the policy: its hard rules (filters, preemption)
// are those of every other policy.
Policy scored_by(std::string plugin, std::string source) {
  Policy policy{plugin, std::move(source), {}};
  policy.profile = scheduler::ProfileOptions::defaults();
  // These only score.
  policy.profile.disable("NodeResourcesBalancedAllocation").disable("ImageLocality");
  policy.profile.enable(plugin, 1).enable("GpuShare", 1);
  policy.profile.points[scheduler::Point::pre_score].disabled = {"*"};
  auto& score = policy.profile.points[scheduler::Point::score];
  score.disabled = {"*"};
  score.enabled = {{std::move(plugin)}};
  return policy;
}

std::vector<Policy> make_policies() {
  const char* fgd = "Weng et al. 2023, USENIX ATC: Beware of Fragmentation";
  std::vector<Policy> all;
  all.push_back({"default", "kube-scheduler's default profile",
                 scheduler::ProfileOptions::defaults()});
  all.push_back(scored_by("Random", fgd));
  all.push_back(scored_by("FirstFit", "Garey, Graham, Ullman 1972, STOC: first fit"));
  all.push_back(scored_by("BestFit", fgd));
  all.push_back(scored_by("WorstFit", "the opposite of BestFit"));
  all.push_back(scored_by("DotProd", fgd));
  all.push_back(scored_by("Tetris", "Grandl et al. 2014, SIGCOMM: multi-resource packing"));
  all.push_back(scored_by("DominantShare", "after Ghodsi et al. 2011, NSDI: dominant shares"));
  all.push_back(scored_by("GpuClustering", "Xiao et al. 2018, OSDI: Gandiva; as in Weng et al."));
  all.push_back(scored_by("GpuPacking", fgd));
  all.push_back(scored_by("FGD", fgd));
  return all;
}

bool same(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::span<const Policy> policies() {
  static const std::vector<Policy> kAll = make_policies();
  return kAll;
}

const Policy* find_policy(std::string_view name) {
  // The literature's name of what it is after.
  if (same(name, "DRF")) name = "DominantShare";
  for (const Policy& policy : policies()) {
    if (same(policy.name, name)) return &policy;
  }
  return nullptr;
}

}  // namespace keelson::lab
