// A study: the same workload under several policies (or settings) and several seeds. Run number i
// has seed first + i / variants and variant i % variants, so that what is interrupted has whole
// seeds. Machines share the runs by shard_of().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "sim/lab/outcome.hpp"

namespace keelson::lab {

// What a sweep sets: "nodes" = "800", "weight.NodeResourcesFit" = "5".
struct Setting {
  std::string name, value;
  bool operator==(const Setting&) const = default;
};

// What is compared: a policy, under settings if there is a sweep.
struct Variant {
  std::string policy;
  std::string source;  // who defined the policy
  std::vector<Setting> settings;
  std::vector<std::string> notes = {};  // what the policy's file asks for without an effect
  bool operator==(const Variant&) const = default;
};

// What is run. Results of equal plans belong together.
struct Plan {
  std::string name, description;  // the experiment's
  std::string command;            // runs all of it again, but for where the results go
  std::string workload;           // for people: "openb: 1213 nodes, 8152 pods"
  // Over the experiment file as it was understood and all that it names: equal only for equal
  // inputs.
  uint64_t inputs = 0;
  std::vector<Variant> variants;  // at least one
  uint64_t first_seed = 0, last_seed = 0;

  uint64_t seeds() const { return last_seed - first_seed + 1; }
  std::size_t runs() const { return static_cast<std::size_t>(seeds()) * variants.size(); }
  std::size_t variant_of(std::size_t run) const { return run % variants.size(); }
  uint64_t seed_of(std::size_t run) const { return first_seed + run / variants.size(); }
  // Which of n machines makes the run. Neighbours on the diagonal share one, so that a shard that is
  // lost takes something of every variant and seed instead of all of one.
  std::size_t shard_of(std::size_t run, std::size_t n) const {
    return (variant_of(run) + run / variants.size()) % n;
  }
  std::vector<std::size_t> shard(std::size_t index, std::size_t n) const;  // its runs, rising
  bool operator==(const Plan&) const = default;
};

struct StudyRun {
  std::size_t number = 0;
  Outcome outcome;
};

struct Study {
  Plan plan;
  std::vector<StudyRun> runs;  // by number; those that are missing were not run (yet)

  bool complete() const { return runs.size() == plan.runs(); }
  // Over all runs' hashes in order.
  uint64_t hash() const;
};

// "BestFit", "BestFit, nodes=800", or "nodes=800" where all variants have the same policy.
std::string label_of(const Plan& plan, std::size_t variant);

// What the variant is compared with: the first policy under the same settings; of a single policy,
// itself under the first settings. Itself: it is a baseline.
std::size_t baseline_of(const Plan& plan, std::size_t variant);

// Puts the parts of one study together. Error: Code::invalid if they are not of one study or if two
// have the same run (with another result); `names` says which file a part is from.
Result<Study> merge(std::vector<Study> parts, const std::vector<std::string>& names);

}  // namespace keelson::lab
