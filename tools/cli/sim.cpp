#include <cstdio>
#include <string_view>

#include "sim/checks/suite.hpp"
#include "sim/faults/fault.hpp"
#include "tools/cli/commands.hpp"

namespace keelson::cli {

int sim(int argc, char** argv) {
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "run") return sim_run(argc - 1, argv + 1);
  if (verb == "replay") return sim_replay(argc - 1, argv + 1);
  if (verb == "list") return sim_list(argc - 1, argv + 1);
  std::fprintf(stderr, "keelson sim: expected run, replay or list%s%.*s\n",
               verb.empty() ? "" : ", not ", static_cast<int>(verb.size()), verb.data());
  return 2;
}

int sim_list(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (!what.empty() && what != "faults" && what != "checks") {
    std::fprintf(stderr, "keelson sim list: expected faults or checks, not %s\n", argv[1]);
    return 2;
  }
  if (what != "checks") {
    std::puts("Faults (in a scenario: `- {at: 30s, fault: NAME, ...}` or `- {fault: NAME, every: 1m}`)\n");
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
