#include <unistd.h>
#include <cstdio>
#include <string_view>

#include "sim/live/setup.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/live_replay.hpp"
#include "tools/cli/one_run.hpp"
#include "tools/cli/prepare.hpp"
#include "tools/cli/recording.hpp"

namespace keelson::cli {

int sim_replay(int argc, char** argv) {
  const bool check = argc == 3 && argv[2] == std::string_view("--check");
  const std::string_view file = argc == 2 || check ? argv[1] : "";
  if (file.empty() || file == "--help" || file == "-h") {
    const bool asked = !file.empty();
    std::fputs(
        "Usage: keelson sim replay FILE.run [--check]\n\n"
        "Runs again what `keelson sim run --record FILE.run` or `keelson up --record FILE.run`\n"
        "recorded, and says whether the same happened. Exit code: that of the run; 3 if something\n"
        "else happened. --check: of a session of `keelson up`, check every guarantee this time.\n",
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
  if (sim::is_live_recording(*text)) return replay_live(argv[1], *text, check);
  if (check) return complain("--check is for recordings of `keelson up`; this run is always checked");
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
