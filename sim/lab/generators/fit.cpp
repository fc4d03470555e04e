#include "sim/lab/generators/fit.hpp"

#include <algorithm>
#include <map>
#include <string>

#include "core/api/devices.hpp"
#include "core/base/assert.hpp"
#include "sim/lab/generators/generate.hpp"
#include "sim/lab/objects.hpp"

namespace keelson::lab {

namespace {

// Rarer classes are left out: they are less than one job in as many.
constexpr std::size_t kClassesMax = 4096;
// Enough that the longest of a heavy tail do not weigh more than they did.
constexpr std::size_t kQuantiles = 1025;
// A class with fewer durations than this runs as long as all pods together do.
constexpr std::size_t kEnough = 20;
// An hour of the day of which less was seen says nothing about its rate.
constexpr Duration kSeenEnough = 10min;

std::string job_of(const Arrival& arrival) {
  const auto& labels = arrival.pod->meta().labels();
  const auto it = labels.find(kJobLabel);
  return it == labels.end() ? arrival.pod->uid() : it->second;
}

// Equal for pods that ask for the same.
std::string demands(const api::Pod& pod) {
  std::map<std::string, std::string> all;
  int number = 0;
  for (const auto& container : pod.spec().containers()) {
    const std::string prefix = std::to_string(number++) + "/";
    for (const auto& [name, amount] : container.resources().requests()) {
      all[prefix + name] = amount.string();
    }
  }
  const auto share = pod.metadata().annotations().find(api::kGpuMilliAnnotation);
  if (share != pod.metadata().annotations().end()) all["gpu"] = share->second;
  all["priority"] = std::to_string(pod.spec().priority());
  std::string text;
  for (const auto& [name, amount] : all) text += name + "=" + amount + ",";
  return text;
}

Amount quantiles_of(std::vector<int64_t> values) {
  if (values.empty()) return Amount::of(0);
  std::sort(values.begin(), values.end());
  Amount amount;
  amount.kind = Amount::Kind::quantiles;
  const std::size_t n = std::min(values.size(), kQuantiles);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t at = n == 1 ? 0 : (values.size() - 1) * i / (n - 1);
    amount.values.push_back(static_cast<double>(values[at]));
  }
  return amount;
}

Amount choice_of(const std::map<int64_t, int64_t>& counts) {
  Amount amount;
  amount.kind = Amount::Kind::choice;
  for (const auto& [value, weight] : counts) {
    amount.values.push_back(static_cast<double>(value));
    amount.weights.push_back(weight);
  }
  return amount;
}

// How much of each hour of the day lies before `end`.
std::array<int64_t, 24> seen_of_hours(Duration end) {
  std::array<int64_t, 24> seen{};
  const int64_t hour_ns = Duration(1h).count();
  const int64_t days = end / 24h;
  for (int hour = 0; hour < 24; ++hour) {
    const int64_t rest = (end - days * Duration(24h)).count() - hour * hour_ns;
    seen[static_cast<std::size_t>(hour)] = days * hour_ns + std::clamp<int64_t>(rest, 0, hour_ns);
  }
  return seen;
}

ArrivalProcess fit_arrivals(const std::vector<Duration>& times) {
  ArrivalProcess process;
  const Duration end = times.back();
  if (end == Duration::zero()) {
    process.kind = ArrivalProcess::Kind::all_at_once;
    return process;
  }
  const auto jobs = static_cast<int64_t>(times.size());
  const Duration mean = std::max(end / jobs, Duration(1));
  const std::array<int64_t, 24> seen = seen_of_hours(end);
  std::array<int64_t, 24> counts{};
  for (const Duration at : times) ++counts[static_cast<std::size_t>(at / 1h % 24)];
  // In jobs per 1000 hours.
  std::array<int64_t, 24> rates{};
  const auto rate = [](int64_t count, int64_t ns) {
    return static_cast<int64_t>(static_cast<__int128>(count) * 1000 * Duration(1h).count() / ns);
  };
  int64_t busiest = 0;
  for (std::size_t hour = 0; hour < 24; ++hour) {
    const bool known = seen[hour] >= kSeenEnough.count();
    rates[hour] = known ? rate(counts[hour], seen[hour]) : rate(jobs, end.count());
    busiest = std::max(busiest, rates[hour]);
  }
  if (end < kSeenEnough || busiest == 0) {
    process.every = mean;
    return process;
  }
  process.kind = ArrivalProcess::Kind::diurnal;
  process.every = Duration(static_cast<int64_t>(static_cast<__int128>(Duration(1h).count()) * 1000 /
                                                busiest));
  process.every = std::max(process.every, Duration(1));
  for (std::size_t hour = 0; hour < 24; ++hour) {
    process.hours[hour] = static_cast<uint32_t>(rates[hour] * 1000 / busiest);
  }
  return process;
}

struct Collected {
  FittedClass made;
  std::map<int64_t, int64_t> sizes;  // pods per job -> jobs
  std::vector<int64_t> runs_ms;
};

}  // namespace

Result<Fit> fit(const Workload& workload) {
  if (workload.arrivals.empty()) {
    return Error{Code::invalid, "workload " + workload.name + " has no arrivals to fit to"};
  }
  std::map<std::string, Collected> classes;
  std::vector<Duration> times;
  std::vector<int64_t> all_runs_ms;
  for (std::size_t i = 0; i < workload.arrivals.size();) {
    const Arrival& first = workload.arrivals[i];
    const std::string job = job_of(first);
    Collected& collected = classes[demands(first.pod->as<api::Pod>())];
    if (!collected.made.pod) collected.made.pod = first.pod;
    times.push_back(first.at);
    int64_t pods = 0;
    for (; i < workload.arrivals.size(); ++i, ++pods) {
      const Arrival& next = workload.arrivals[i];
      if (next.at != first.at || job_of(next) != job) break;
      if (pods > 0 && demands(next.pod->as<api::Pod>()) != demands(first.pod->as<api::Pod>())) break;
      ++collected.made.pods;
      if (!next.runs_for) {
        ++collected.made.for_ever;
        continue;
      }
      collected.runs_ms.push_back(*next.runs_for / 1ms);
      all_runs_ms.push_back(*next.runs_for / 1ms);
    }
    ++collected.made.jobs;
    ++collected.sizes[pods];
  }
  const Amount all_runs = quantiles_of(std::move(all_runs_ms));
  Fit fit;
  fit.arrivals = fit_arrivals(times);
  for (auto& [key, collected] : classes) {
    collected.made.pods_per_job = choice_of(collected.sizes);
    const bool enough = collected.runs_ms.size() >= kEnough;
    collected.made.runs_for_ms = enough ? quantiles_of(std::move(collected.runs_ms)) : all_runs;
    fit.classes.push_back(std::move(collected.made));
  }
  std::stable_sort(fit.classes.begin(), fit.classes.end(),
                   [](const FittedClass& a, const FittedClass& b) { return a.jobs > b.jobs; });
  if (fit.classes.size() > kClassesMax) fit.classes.resize(kClassesMax);
  return fit;
}

std::vector<Arrival> generate(const Fit& fit, const FitMore& more, const Rng& rng) {
  KEELSON_ASSERT(!fit.classes.empty() && (more.pods > 0 || more.length) && more.rate_milli > 0);
  ArrivalProcess process = fit.arrivals;
  process.every = at_rate(process.every, more.rate_milli);
  ArrivalTimes times(process, rng.fork("times"));
  Rng classes = rng.fork("classes"), sizes = rng.fork("sizes"), durations = rng.fork("durations");
  std::vector<uint64_t> below;  // jobs of this class and those before it
  uint64_t sum = 0;
  for (const FittedClass& one : fit.classes) below.push_back(sum += one.jobs);
  const int64_t most = more.pods > 0 ? std::min(more.pods, kGeneratedPodsMax) : kGeneratedPodsMax;
  std::vector<Arrival> arrivals;
  for (int64_t job = 1; static_cast<int64_t>(arrivals.size()) < most; ++job) {
    const Duration at = times.next();
    if (more.length && at >= *more.length) break;
    const uint64_t ticket = classes.below(sum);
    const auto chosen = std::upper_bound(below.begin(), below.end(), ticket) - below.begin();
    const FittedClass& one = fit.classes[static_cast<std::size_t>(chosen)];
    const std::string name = "job-" + std::to_string(job);
    api::Pod pod = one.pod->as<api::Pod>();
    (*pod.mutable_metadata()->mutable_labels())[kJobLabel] = name;
    // It named the job of the pod that this one is made after.
    if (pod.spec().has_affinity()) pod.mutable_spec()->mutable_affinity()->clear_pod_anti_affinity();
    const int64_t count = std::max<int64_t>(one.pods_per_job.draw(sizes), 1);
    for (int64_t i = 0; i < count && static_cast<int64_t>(arrivals.size()) < most; ++i) {
      pod.mutable_metadata()->set_name(name + "-" + std::to_string(i));
      pod.mutable_metadata()->set_uid(pod.metadata().name());
      std::optional<Duration> runs_for;
      if (!durations.chance(one.for_ever, std::max<uint64_t>(one.pods, 1))) {
        runs_for = std::chrono::milliseconds(one.runs_for_ms.draw(durations));
      }
      arrivals.push_back({api::make_object(pod), at, runs_for});
    }
  }
  return arrivals;
}

}  // namespace keelson::lab
