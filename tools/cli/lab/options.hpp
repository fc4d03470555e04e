// What `keelson sim compare` is asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/result.hpp"
#include "sim/lab/lineup.hpp"

namespace keelson::cli {

// One of `count` equal parts of the runs: those whose number leaves `index` over. From 0, as the
// pods of an Indexed Job are numbered.
struct Shard {
  std::size_t index = 0, count = 1;
};

// Where the results go; "-" is standard output, empty: nowhere.
struct Outputs {
  std::string json, csv, report;
  std::vector<const std::string*> files() const { return {&json, &csv, &report}; }
  // Standard output belongs to a file's content.
  bool quiet() const { return json == "-" || csv == "-" || report == "-"; }
};

struct CompareOptions {
  lab::LineupRequest request;
  std::vector<std::string> policies;                   // as given: names and files
  std::optional<std::pair<uint64_t, uint64_t>> seeds;  // none: the experiment file's
  unsigned jobs = 1;
  std::optional<Shard> shard;
  bool quiet = false;  // nothing on standard error but errors
  unsigned manifest = 0;  // how many shards it is to have; 0: none is asked for
  std::string image;      // of its containers
  Outputs outputs;
};

struct MergeOptions {
  std::vector<std::string> parts;
  Outputs outputs;
};

// No value: the help was asked for and has been printed. Error: Code::invalid, about the usage.
Result<std::optional<CompareOptions>> read_compare_options(int argc, char** argv);
Result<std::optional<MergeOptions>> read_merge_options(int argc, char** argv);

}  // namespace keelson::cli
