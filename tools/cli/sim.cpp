#include <cstdio>
#include <string_view>

#include "sim/checks/suite.hpp"
#include "sim/faults/fault.hpp"
#include "tools/cli/commands.hpp"

namespace keelson::cli {

namespace {

constexpr const char* kUsage =
    "Usage:\n"
    "  keelson sim run SCENARIO.yaml [options]   run a simulated cluster and check every "
    "guarantee\n"
    "  keelson sim replay FILE.run               the same run again, from what a run has recorded\n"
    "  keelson sim list [faults|checks]          what can go wrong, and what must hold\n"
    "  keelson sim compare EXPERIMENT.yaml       scheduling policies on a workload, with statistics\n"
    "  keelson sim merge PART.json...            the parts of one that was run in parts\n"
    "\n"
    "keelson sim run --help shows the options of a run; compare and merge have a --help, too.\n";

bool asks_for_help(std::string_view word) {
  return word == "--help" || word == "-h" || word == "help";
}

}  // namespace

int sim(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "run") return sim_run(argc - 1, argv + 1);
  if (verb == "replay") return sim_replay(argc - 1, argv + 1);
  if (verb == "list") return sim_list(argc - 1, argv + 1);
  if (verb == "compare") return sim_compare(argc - 1, argv + 1);
  if (verb == "merge") return sim_merge(argc - 1, argv + 1);
  const bool asked = asks_for_help(verb);
  if (!asked && !verb.empty())
    std::fprintf(stderr, "keelson sim: unknown command \"%s\"\n\n", argv[1]);
  std::fputs(kUsage, asked ? stdout : stderr);
  return asked ? 0 : 2;
}

int sim_list(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (asks_for_help(what)) {
    std::puts("Usage: keelson sim list [faults|checks]");
    return 0;
  }
  if (argc > 2 || (!what.empty() && what != "faults" && what != "checks")) {
    std::fprintf(stderr, "keelson sim list: expected faults or checks, not %s\n",
                 argv[argc > 2 ? 2 : 1]);
    return 2;
  }
  if (what != "checks") {
    std::puts(
        "Faults (in `timeline`: `- {at: 30s, fault: NAME, ...}`; in `faults`: `- {fault: NAME,\n"
        "every: 1m, ...}`, with `per: node` each node's; scenarios/README.md says what the\n"
        "parameters mean)\n");
    for (const sim::FaultKind& fault : sim::all_faults()) {
      std::printf("  %-20.*s %.*s\n  %-20s parameters: %.*s\n", static_cast<int>(fault.name.size()),
                  fault.name.data(), static_cast<int>(fault.what.size()), fault.what.data(), "",
                  static_cast<int>(fault.parameters.size()), fault.parameters.data());
    }
  }
  if (what != "faults") {
    std::puts("\nChecks (all are always on)\n");
    for (const sim::InvariantInfo& check : sim::CheckSuite::all_invariants()) {
      std::printf("  %-7.*s %.*s\n", static_cast<int>(check.id.size()), check.id.data(),
                  static_cast<int>(check.statement.size()), check.statement.data());
    }
  }
  return 0;
}

}  // namespace keelson::cli
