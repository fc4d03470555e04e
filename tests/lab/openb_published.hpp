// The published experiments on the trace openb, for tests and for bench/openb.cpp: where the data
// lies and what the results were. Its README says how the files came about.
#pragma once

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "sim/lab/arrivals.hpp"
#include "sim/lab/readers/openb.hpp"
#include "sim/lab/readers/rows.hpp"

namespace keelson::lab::openb {

// $KEELSON_TRACES/openb, or shared/traces/openb beside the source tree. Empty: the data is not here.
inline std::string data_folder(const std::string& source_dir) {
  const char* traces = std::getenv("KEELSON_TRACES");
  const std::filesystem::path folder =
      (traces != nullptr ? std::filesystem::path(traces)
                         : std::filesystem::path(source_dir) / ".." / "shared" / "traces") /
      "openb";
  std::error_code ignored;
  return std::filesystem::exists(folder / "README.md", ignored) ? folder.string() : std::string();
}

// What the published tables call our policies.
inline const std::map<std::string, std::string>& published_names() {
  static const std::map<std::string, std::string> kNames{
      {"Random", "01-Random"},         {"DotProd", "02-DotProd"}, {"GpuClustering", "03-GpuClustering"},
      {"GpuPacking", "04-GpuPacking"}, {"BestFit", "05-BestFit"}, {"FGD", "06-FGD"}};
  return kNames;
}

// One row: values, as printed, by whole percent of load.
using Curve = std::map<int, std::string>;

// The rows of `file` ("allocation" or "fragmentation") of a trace and a policy of ours, by seed.
inline std::map<uint64_t, Curve> published(const std::string& folder, const std::string& file,
                                           const std::string& trace, const std::string& policy) {
  std::map<uint64_t, Curve> rows;
  std::ifstream in(folder + "/published_" + file + ".csv");
  std::vector<std::string> header;
  const auto split = [](const std::string& line) {
    std::vector<std::string> fields;
    for (std::size_t at = 0; at <= line.size();) {
      const std::size_t comma = std::min(line.find(',', at), line.size());
      fields.push_back(line.substr(at, comma - at));
      at = comma + 1;
    }
    return fields;
  };
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const std::vector<std::string> fields = split(line);
    if (header.empty()) {
      header = fields;
      continue;
    }
    if (fields.size() != header.size() || fields[0] != "openb_pod_list_" + trace ||
        fields[1] != published_names().at(policy)) {
      continue;
    }
    Curve curve;
    for (std::size_t i = 0; i < header.size(); ++i) {
      const bool load = !header[i].empty() && header[i].find_first_not_of("0123456789") ==
                                                  std::string::npos;
      if (load) curve[std::stoi(header[i])] = fields[i];
    }
    rows[std::stoull(fields[3])] = std::move(curve);
  }
  return rows;
}

// The order of arrivals and of nodes that the published experiments drew for seed 42 on "default".
inline Status read_order_of_42(const std::string& folder, const Workload& workload,
                               ArrivalsOptions& options) {
  std::map<std::string, std::size_t> pods, nodes;
  for (std::size_t i = 0; i < workload.arrivals.size(); ++i) {
    pods[workload.arrivals[i].pod->name()] = i;
  }
  for (std::size_t i = 0; i < workload.nodes.size(); ++i) nodes[workload.nodes[i]->name()] = i;
  options.rounded_moments = true;
  static constexpr const char* kArrival[] = {"name"};
  Rows arrivals({folder + "/arrivals_default_42.csv"}, {.columns = kArrival, .header = true});
  while (arrivals.next()) {
    const auto it = pods.find(std::string(arrivals.text(0)));
    if (it == pods.end()) {
      arrivals.fail(0, "there is no such pod");
    } else {
      options.order.push_back(it->second);
    }
  }
  if (!arrivals.status().ok()) return arrivals.status();
  static constexpr const char* kRank[] = {"sn", "rank"};
  Rows ranks({folder + "/noderank_default_42.csv"}, {.columns = kRank, .header = true});
  options.tie_order.assign(workload.nodes.size(), UINT32_MAX);
  while (ranks.next()) {
    const auto it = nodes.find(std::string(ranks.text(0)));
    const int64_t rank = ranks.integer(1, 0, 1'000'000);
    if (it == nodes.end()) {
      ranks.fail(0, "there is no such node");
    } else {
      options.tie_order[it->second] = static_cast<uint32_t>(rank);
    }
  }
  return ranks.status();
}

inline const Series* find_series(const Outcome& outcome, const std::string& name) {
  for (const Series& series : outcome.series) {
    if (series.name == name) return &series;
  }
  return nullptr;
}

// The curve as the published tables print it: two digits, no zeros at the end but one.
inline Curve printed(const Series& series) {
  Curve curve;
  for (std::size_t i = 0; i < series.x.size(); ++i) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f", series.y[i]);
    std::string digits = text;
    if (digits.back() == '0') digits.pop_back();
    curve[static_cast<int>(series.x[i])] = digits;
  }
  return curve;
}

// Empty: none.
inline std::string first_difference(const Curve& published, const Curve& ours) {
  std::string text;
  std::size_t differences = 0;
  for (const auto& [load, value] : published) {
    const auto it = ours.find(load);
    if (it != ours.end() && it->second == value) continue;
    if (++differences == 1) {
      text = "first at load " + std::to_string(load) + ": published " + value + ", here " +
             (it == ours.end() ? std::string("nothing") : it->second);
    }
  }
  return differences == 0 ? text : std::to_string(differences) + " differences, the " + text;
}

}  // namespace keelson::lab::openb
