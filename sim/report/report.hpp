// What a run prints, and the same for machines.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/run/run.hpp"

namespace keelson::sim {

// A word of a command line, quoted where a shell needs it.
std::string shell_word(const std::string& word);

// How the run was asked for: enough to run it again.
struct Invocation {
  std::string scenario_file;
  uint64_t seed = 1;
  std::map<std::string, std::string> settings;
  std::string profile;  // as given; empty: the scenario's
  std::string policy;   // of the schedulers, by its name in the laboratory; empty: the scenario's
  std::string variant;  // of the scenario's variants; empty: it has none
  std::string seed_bug;
  // "keelson sim run scenarios/tutorial.yaml --seed 7 --set nodes=5", as a shell takes it
  std::string command() const;
};

// What is kept of a run that is over: small, so that thousands can be compared.
struct Summary {
  uint64_t seed = 0;
  Verdict verdict{};
  uint64_t hash = 0;
  uint64_t events = 0;
  Duration virtual_time{};
  double wall_seconds = 0;  // measured by the caller
  uint64_t heals = 0;
  Duration heal_p50{}, heal_p99{}, heal_max{};
  uint64_t requests = 0, requests_lost = 0;
  uint64_t pods_created = 0, pods_bound = 0;
  Duration wait_p50{}, wait_p99{}, wait_max{};
  uint64_t evictions = 0, false_evictions = 0, cut_off_evictions = 0;
  // Pods lost with their nodes, and how long it took until they were replaced or back.
  uint64_t crash_lost = 0, crash_heals = 0;
  Duration crash_p50{}, crash_p99{}, crash_max{};
  std::string failure;  // first violation or reason; empty: held
};

Summary summarise(const Run& run, double wall_seconds);
// The whole story of one run.
std::string text_report(const Run& run, const Invocation& invocation, double wall_seconds);
std::string json_report(const Run& run, const Invocation& invocation, double wall_seconds);

// Every object as it is at the end, as a YAML stream.
std::string yaml_dump(const Run& run);

// Many seeds: a line each, then what they have in common.
std::string text_summary(const std::vector<Summary>& runs, const Invocation& invocation);
std::string json_summary(const std::vector<Summary>& runs, const Invocation& invocation);
// JUnit XML: a suite with one test case per seed, and the document around suites.
std::string junit_suite(const std::vector<Summary>& runs, const Invocation& invocation,
                        const std::string& scenario);
std::string junit_document(const std::vector<std::string>& suites);

// Runs of a scenario's variants side by side: those of each variant, in order.
struct VariantRuns {
  std::string name;
  std::vector<Summary> runs;
};
std::string text_comparison(const std::vector<VariantRuns>& variants);

// A line that a process can send to another.
std::string to_line(const Summary& summary);
bool from_line(const std::string& line, Summary* summary);

std::string clock_text(Duration since_start);  // "12:03.250"

}  // namespace keelson::sim
