#include <unistd.h>
#include <cstdio>
#include <string_view>

#include "tools/cli/commands.hpp"
#include "tools/cli/one_run.hpp"
#include "tools/cli/prepare.hpp"
#include "tools/cli/recording.hpp"

namespace keelson::cli {

int sim_replay(int argc, char** argv) {
  const std::string_view file = argc == 2 ? argv[1] : "";
  if (argc != 2 || file == "--help" || file == "-h") {
    const bool asked = argc == 2;
    std::fputs(
        "Usage: keelson sim replay FILE.run\n\n"
        "Runs again what `keelson sim run --record FILE.run` recorded, and says whether the same\n"
        "happened. Exit code: that of the run; 3 if something else happened.\n",
        asked ? stdout : stderr);
    return asked ? 0 : kBadUsage;
  }
  const auto complain = [&](const std::string& what) {
    std::fprintf(stderr, "%s: %s\n", argv[1], what.c_str());
    return kBadUsage;
  };
  const auto text = sim::read_text(argv[1]);
  if (!text) {
    std::fprintf(stderr, "%s\n", text.error().message.c_str());
    return kBadUsage;
  }
  const auto recording = parse_recording(*text);
  if (!recording) return complain(recording.error().message);
  const sim::Invocation& invocation = recording->invocation;
  auto scenario =
      sim::parse_scenario(recording->scenario_text, invocation.scenario_file, recording->settings);
  if (!scenario) return complain(scenario.error().message);
  if (const auto ok = prepare(invocation, *scenario); !ok) return complain(ok.message());

  stop_on_interrupt();
  OneRun one(*scenario, invocation.seed, {}, isatty(STDERR_FILENO) != 0);
  if (const Status& status = one.run().workload().status(); !status)
    return complain(status.message());
  if (recording->verdict == sim::Verdict::undecided) one.stop_at(recording->virtual_time);
  const sim::Verdict verdict = one.execute();
  std::fputs(sim::text_report(one.run(), invocation, one.wall()).c_str(), stdout);
  if (interrupted()) return static_cast<int>(sim::Verdict::undecided);
  if (one.run().hash() != recording->hash || verdict != recording->verdict) {
    std::printf(
        "\nNOT THE SAME  recorded hash %016llx: another version of Keelson or of the trace?\n",
        static_cast<unsigned long long>(recording->hash));
    return static_cast<int>(sim::Verdict::undecided);
  }
  std::puts("\nThe same as recorded.");
  return static_cast<int>(verdict);
}

}  // namespace keelson::cli
