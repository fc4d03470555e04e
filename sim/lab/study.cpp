#include "sim/lab/study.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "core/base/hash.hpp"

namespace keelson::lab {

namespace {

bool one_policy(const Plan& plan) {
  return std::all_of(plan.variants.begin(), plan.variants.end(),
                     [&](const Variant& v) { return v.policy == plan.variants.front().policy; });
}

// The first difference between two plans, for people.
std::string difference(const Plan& a, const Plan& b) {
  if (a.name != b.name) return "one is of " + a.name + ", the other of " + b.name;
  if (a.first_seed != b.first_seed || a.last_seed != b.last_seed) return "the seeds differ";
  if (a.variants != b.variants) return "the policies or sweeps differ";
  if (a.inputs != b.inputs) return "the experiment file, the trace or a policy's file differs";
  return "the commands differ: \"" + a.command + "\" and \"" + b.command + "\"";
}

}  // namespace

std::vector<std::size_t> Plan::shard(std::size_t index, std::size_t n) const {
  std::vector<std::size_t> mine;
  for (std::size_t run = 0; run < runs(); ++run) {
    if (shard_of(run, n) == index) mine.push_back(run);
  }
  return mine;
}

uint64_t Study::hash() const {
  Digest digest;
  for (const StudyRun& run : runs) {
    digest.add(run.number);
    digest.add(run.outcome.hash);
  }
  return digest.value();
}

std::string label_of(const Plan& plan, std::size_t variant) {
  const Variant& v = plan.variants[variant];
  std::string label = one_policy(plan) && !v.settings.empty() ? "" : v.policy;
  for (const Setting& s : v.settings) label += (label.empty() ? "" : ", ") + s.name + "=" + s.value;
  return label;
}

std::size_t baseline_of(const Plan& plan, std::size_t variant) {
  if (one_policy(plan)) return 0;
  const std::vector<Setting>& settings = plan.variants[variant].settings;
  const auto first = std::find_if(plan.variants.begin(), plan.variants.end(),
                                  [&](const Variant& v) { return v.settings == settings; });
  return static_cast<std::size_t>(first - plan.variants.begin());
}

Result<Study> merge(std::vector<Study> parts, const std::vector<std::string>& names) {
  if (parts.empty()) return Error{Code::invalid, "there is nothing to merge"};
  Study whole;
  whole.plan = parts.front().plan;
  std::map<std::size_t, std::pair<std::size_t, Outcome>>
      found;  // by number: the part and what came out
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].plan != whole.plan) {
      return Error{Code::invalid, names[i] + " and " + names[0] + " are no parts of one study: " +
                                      difference(whole.plan, parts[i].plan)};
    }
    for (StudyRun& run : parts[i].runs) {
      const uint64_t hash = run.outcome.hash;
      const auto [at, fresh] = found.try_emplace(run.number, i, std::move(run.outcome));
      if (fresh || at->second.second.hash == hash) continue;
      return Error{Code::invalid,
                   names[i] + " and " + names[at->second.first] + " disagree about " +
                       label_of(whole.plan, whole.plan.variant_of(run.number)) + " with seed " +
                       std::to_string(whole.plan.seed_of(run.number)) +
                       ": were they made by the same version of keelson?"};
    }
  }
  for (auto& [number, result] : found) whole.runs.push_back({number, std::move(result.second)});
  return whole;
}

}  // namespace keelson::lab
