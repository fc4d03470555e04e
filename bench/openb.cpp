// The published experiments on the trace openb again, with Keelson's own shuffles: the mean over the
// seeds beside the published mean, and what a run costs.
//
//   bench_openb [--traces default,cpu050,...] [--policies FGD,...] [--seeds 42..51] [--data FOLDER]
//   bench_openb --exact     seed 42 on "default" with the published order: differences digit by digit
#include <chrono>
#include <cxxopts.hpp>
#include <fmt/format.h>

#include "sim/lab/experiment.hpp"
#include "sim/lab/policies.hpp"
#include "tests/lab/openb_published.hpp"

namespace keelson::lab {
namespace {

// At one load, over the seeds.
struct Mean {
  double sum = 0;
  int count = 0;
  void add(double value) {
    sum += value;
    ++count;
  }
  double value() const { return count == 0 ? NAN : sum / count; }
};

double at_load(const Series& series, int load) {
  for (std::size_t i = 0; i < series.x.size(); ++i) {
    if (static_cast<int>(series.x[i]) == load) return series.y[i];
  }
  return NAN;
}

struct Line {
  Mean ours[2][2], theirs[2][2];  // allocation, fragmentation; at load 100, 130
  double seconds = 0;
};

constexpr int kLoads[2] = {100, 130};
constexpr const char* kSeries[2] = {"gpu-allocation", "fragmentation"};
constexpr const char* kTables[2] = {"allocation", "fragmentation"};

Result<Line> measure(const Workload& workload, const std::string& trace, const Policy& policy,
                     uint64_t first, uint64_t last, const std::string& folder) {
  Line line;
  for (int table = 0; table < 2; ++table) {
    if (!openb::published_names().contains(policy.name)) break;
    for (const auto& [seed, curve] :
         openb::published(folder, kTables[table], trace, policy.name)) {
      for (int l = 0; l < 2; ++l) line.theirs[table][l].add(std::stod(curve.at(kLoads[l])));
    }
  }
  for (uint64_t seed = first; seed <= last; ++seed) {
    ExperimentOptions options;
    options.seed = seed;
    const auto begin = std::chrono::steady_clock::now();
    const auto outcome = run_experiment(workload, policy, options);
    line.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (!outcome) return outcome.error();
    for (int table = 0; table < 2; ++table) {
      const Series* series = openb::find_series(*outcome, kSeries[table]);
      for (int l = 0; l < 2; ++l) line.ours[table][l].add(at_load(*series, kLoads[l]));
    }
  }
  line.seconds /= static_cast<double>(last - first + 1);
  return line;
}

int compare_exactly(const std::string& folder, const std::vector<std::string>& policies) {
  OpenbOptions reader;
  reader.directory = folder;
  const auto loaded = read_openb(reader);
  if (!loaded) {
    fmt::print(stderr, "{}\n", loaded.error().message);
    return 2;
  }
  ArrivalsOptions options;
  options.seed = 42;
  const Status order = openb::read_order_of_42(folder, loaded->workload, options);
  if (!order.ok()) {
    fmt::print(stderr, "{}\n", order.message());
    return 2;
  }
  for (const std::string& name : policies) {
    const Policy* policy = find_policy(name);
    if (policy == nullptr || !openb::published_names().contains(policy->name)) continue;
    const auto outcome = run_arrivals(loaded->workload, *policy, options);
    for (int table = 0; outcome.ok() && table < 2; ++table) {
      const auto published = openb::published(folder, kTables[table], "default", policy->name);
      const std::string difference = openb::first_difference(
          published.at(42), openb::printed(*openb::find_series(*outcome, kSeries[table])));
      fmt::print("{:<14} {:<14} {}\n", policy->name, kTables[table],
                 difference.empty() ? "equal to the last digit" : difference);
    }
  }
  return 0;
}

int run(int argc, char** argv) {
  cxxopts::Options options("bench_openb", "The published experiments on openb again");
  options.add_options()                                                                    //
      ("data", "Folder of the trace", cxxopts::value<std::string>()->default_value(""))    //
      ("traces", "Which lists of pods",
       cxxopts::value<std::vector<std::string>>()->default_value(
           "default,cpu050,gpushare40,gpuspec10,multigpu20"))  //
      ("policies", "Which policies",
       cxxopts::value<std::vector<std::string>>()->default_value(
           "Random,DotProd,GpuClustering,GpuPacking,BestFit,FGD"))  //
      ("exact", "Seed 42 with the published order, digit by digit")                        //
      ("seeds", "FIRST..LAST", cxxopts::value<std::string>()->default_value("42..51"));
  const auto parsed = options.parse(argc, argv);
  std::string folder = parsed["data"].as<std::string>();
  if (folder.empty()) folder = openb::data_folder(".");
  if (parsed.count("exact") != 0) {
    return compare_exactly(folder, parsed["policies"].as<std::vector<std::string>>());
  }
  const std::string seeds = parsed["seeds"].as<std::string>();
  const std::size_t dots = seeds.find("..");
  const uint64_t first = std::stoull(seeds);
  const uint64_t last = dots == std::string::npos ? first : std::stoull(seeds.substr(dots + 2));

  fmt::print("{:<11} {:<14} | {:>8} {:>8} {:>6} | {:>8} {:>8} {:>6} | {:>8} {:>8} {:>6} | {:>8} "
             "{:>8} {:>6} | {:>7}\n",
             "trace", "policy", "alloc100", "publ.", "diff", "alloc130", "publ.", "diff", "frag100",
             "publ.", "diff", "frag130", "publ.", "diff", "s/run");
  for (const std::string& trace : parsed["traces"].as<std::vector<std::string>>()) {
    OpenbOptions reader;
    reader.directory = folder;
    reader.pods = trace;
    const auto loaded = read_openb(reader);
    if (!loaded) {
      fmt::print(stderr, "{}\n", loaded.error().message);
      return 2;
    }
    for (const std::string& name : parsed["policies"].as<std::vector<std::string>>()) {
      const Policy* policy = find_policy(name);
      if (policy == nullptr) {
        fmt::print(stderr, "there is no policy {}\n", name);
        return 2;
      }
      const auto line = measure(loaded->workload, trace, *policy, first, last, folder);
      if (!line) {
        fmt::print(stderr, "{}\n", line.error().message);
        return 2;
      }
      fmt::print("{:<11} {:<14}", trace, policy->name);
      for (int table = 0; table < 2; ++table) {
        for (int l = 0; l < 2; ++l) {
          const double ours = line->ours[table][l].value(), theirs = line->theirs[table][l].value();
          fmt::print(" | {:>8.2f} {:>8.2f} {:>+6.2f}", ours, theirs, ours - theirs);
        }
      }
      fmt::print(" | {:>7.3f}\n", line->seconds);
      std::fflush(stdout);
    }
  }
  return 0;
}

}  // namespace
}  // namespace keelson::lab

int main(int argc, char** argv) {
  try {
    return keelson::lab::run(argc, argv);
  } catch (const std::exception& error) {  // of cxxopts and of numbers that are none
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  }
}
