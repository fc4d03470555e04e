#include <fmt/format.h>

#include <algorithm>

#include "sim/report/report.hpp"
#include "sim/scenario/reader.hpp"

namespace keelson::sim {

namespace {

// Rounds for people: three digits are enough.
std::string brief(Duration d) {
  const double seconds = static_cast<double>(d.count()) / 1e9;
  if (d == Duration::zero()) return "0s";
  if (seconds < 1) return fmt::format("{:.0f}ms", seconds * 1e3);
  if (seconds < 100) return fmt::format("{:.1f}s", seconds);
  return format_duration(std::chrono::duration_cast<std::chrono::seconds>(d));
}

std::string count(uint64_t n) {
  std::string digits = std::to_string(n);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

void timeline(std::string& out, const Run& run) {
  out += "\nTimeline\n";
  const auto& notes = run.world().notes();
  constexpr std::size_t kHead = 150, kTail = 50;
  for (std::size_t i = 0; i < notes.size(); ++i) {
    if (notes.size() > kHead + kTail && i == kHead) {
      out += fmt::format("  {:>11}  ... {} more lines (all of them in --json) ...\n", "",
                         notes.size() - kHead - kTail);
      i = notes.size() - kTail;
    }
    const Note& note = notes[i];
    out += fmt::format("  {:>11}  {:<22} {}\n", clock_text(note.at.time_since_epoch()), note.source,
                       note.text);
  }
}

void workloads(std::string& out, const Run& run) {
  std::vector<const WorkloadMetrics*> shown;
  const auto& follow = run.scenario().follow;
  for (const auto& [uid, w] : run.metrics().workloads()) {
    const bool wanted =
        follow.empty() || std::any_of(follow.begin(), follow.end(), [&each = w](const std::string& name) {
          return each.name == name || each.name == "default/" + name;
        });
    if (wanted) shown.push_back(&w);
  }
  if (shown.empty()) return;
  // The worst first: those are what one looks for.
  std::stable_sort(shown.begin(), shown.end(),
                   [](const auto* a, const auto* b) { return a->degraded > b->degraded; });
  out += fmt::format("\nWorkloads (time since each was first complete)\n  {:<28} {:>7} {:>9} {:>6} "
                     "{:>10} {:>8} {:>8} {:>9} {:>8}\n",
                     "NAME", "DESIRED", "AVAILABLE", "WORST", "COMPLETE", "DEGRADED", "DOWN",
                     "ROLLOUTS", "SLOWEST");
  constexpr std::size_t kShown = 12;
  for (std::size_t i = 0; i < shown.size() && i < kShown; ++i) {
    const WorkloadMetrics& w = *shown[i];
    const double complete =
        w.observed == Duration::zero()
            ? 100.0
            : 100.0 * static_cast<double>((w.observed - w.degraded).count()) /
                  static_cast<double>(w.observed.count());
    out += fmt::format("  {:<28} {:>7} {:>9} {:>6} {:>9.2f}% {:>8} {:>8} {:>9} {:>8}\n", w.name,
                       w.removed ? "deleted" : std::to_string(w.desired),
                       w.removed ? "-" : std::to_string(w.available),
                       w.worst == INT32_MAX ? "-" : std::to_string(w.worst), complete,
                       brief(w.degraded), brief(w.down),
                       fmt::format("{}/{}", w.rollouts_done, w.rollouts), brief(w.slowest_rollout));
  }
  if (shown.size() > kShown) {
    out += fmt::format("  ... and {} more, which were complete for longer\n", shown.size() - kShown);
  }
}

void healing(std::string& out, const Run& run) {
  const auto& heals = run.metrics().heal_times();
  const auto& waits = run.metrics().waits();
  out += fmt::format("\nPods        {} created, {} bound; waited for a node p50 {}, p99 {}, max {}\n",
                     count(run.metrics().pods_created()), count(run.metrics().pods_bound()),
                     brief(percentile(waits, 50)), brief(percentile(waits, 99)),
                     brief(percentile(waits, 100)));
  if (heals.empty()) {
    out += "Healing     no pod was lost involuntarily\n";
  } else {
    out += fmt::format("Healing     {} pods lost involuntarily and replaced or back: p50 {}, p99 {}, "
                       "max {}\n",
                       count(heals.size()), brief(percentile(heals, 50)),
                       brief(percentile(heals, 99)), brief(percentile(heals, 100)));
  }
  if (run.metrics().evictions() > 0) {
    out += fmt::format("Evictions   {}, of them {} from nodes that were alive\n",
                       count(run.metrics().evictions()), count(run.metrics().false_evictions()));
  }
  const auto total = run.traffic().total();
  if (total.sent > 0) {
    out += fmt::format("Traffic     {} requests, {} lost ({:.4f} %)\n", count(total.sent),
                       count(total.lost),
                       100.0 * static_cast<double>(total.lost) / static_cast<double>(total.sent));
    for (const auto& [why, number] : run.traffic().losses()) {
      out += fmt::format("            {:>10}  {}\n", count(number), why);
    }
  }
}

void trace(std::string& out, const Run& run) {
  const TraceReplay* replay = run.workload().trace();
  if (replay == nullptr) return;
  out += fmt::format("\nTrace       {} pods created, {} deleted\n  {:>12} {:>8} {:>8} {:>8} {:>8} {:>8}\n",
                     count(replay->created()), count(replay->deleted()), "TRACE TIME", "BOUND",
                     "PENDING", "CPU", "MEMORY", "GPU");
  for (const TraceSample& s : replay->samples()) {
    out += fmt::format("  {:>10.1f} d {:>8} {:>8} {:>7.2f}% {:>7.2f}% {:>7.2f}%\n",
                       static_cast<double>(s.trace_time.count()) / 86.4e12, s.bound, s.pending,
                       s.cpu_ppm / 1e4, s.memory_ppm / 1e4, s.gpu_ppm / 1e4);
  }
}

void faults(std::string& out, const Run& run) {
  const auto& counts = run.injector().counts();
  const auto& fired = run.world().fabric().fired;
  out += "\nFaults     ";
  if (counts.empty()) out += " none";
  for (const auto& [name, c] : counts) {
    out += fmt::format(" {} {}x", name, c.fired);
    if (c.skipped > 0) out += fmt::format(" ({} found nothing to break)", c.skipped);
    out += ';';
  }
  if (out.back() == ';') out.pop_back();
  out += fmt::format("\n            calls: {} in all, {} requests lost, {} replies lost, {} duplicated, "
                     "{} timed out; watches broken: {}\n",
                     count(fired.calls), count(fired.requests_lost), count(fired.replies_lost),
                     count(fired.duplicated), count(fired.timeouts), count(fired.watch_breaks));
}

void checks(std::string& out, const Run& run) {
  out += "\nChecks (how often each was evaluated)\n";
  int column = 0;
  for (const InvariantCount& c : run.checks().counts()) {
    out += fmt::format("  {:<6} {:>13}", c.id, count(c.evaluations));
    if (++column % 5 == 0) out += '\n';
  }
  if (column % 5 != 0) out += '\n';
}

void verdict(std::string& out, const Run& run, const Invocation& invocation) {
  for (const Violation& v : run.checks().violations()) {
    out += fmt::format("\nVIOLATED    {} at {} (revision {}): {}\n", v.invariant,
                       clock_text(v.at.time_since_epoch()), api::to_string(v.revision), v.what);
    if (!v.decision.empty()) out += "  decision  " + v.decision + "\n";
  }
  for (const Note& note : run.world().notes()) {
    if (note.level != Level::error) continue;
    out += fmt::format("\nVIOLATED    an error was logged at {} by {}: {}\n",
                       clock_text(note.at.time_since_epoch()), note.source, note.text);
  }
  if (run.verdict() == Verdict::violated && run.checks().violations().empty() &&
      run.world().error_logs() == 0) {
    out += fmt::format("\nVIOLATED    the cluster has not settled within {} after the faults:\n",
                       format_duration(run.scenario().converge));
    constexpr std::size_t kShown = 20;
    const auto& pending = run.still_pending();
    for (std::size_t i = 0; i < pending.size() && i < kShown; ++i) {
      out += fmt::format("  {:<6} {}: {}\n", pending[i].invariant, pending[i].object, pending[i].why);
    }
    if (pending.size() > kShown) out += fmt::format("  ... and {} more\n", pending.size() - kShown);
  }
  switch (run.verdict()) {
    case Verdict::held:
      out += fmt::format("\nHELD        every guarantee held; settled {} after the last fault\n",
                         brief(run.converged_after()));
      break;
    case Verdict::violated: out += "  replay    " + invocation.command() + "\n"; break;
    case Verdict::undecided:
      out += "\nUNDECIDED   " + run.undecided_because() + "\n";
      break;
  }
}

}  // namespace

std::string clock_text(Duration since_start) {
  const int64_t ms = since_start.count() / 1'000'000;
  const int64_t minutes = ms / 60'000;
  if (minutes < 60) return fmt::format("{}:{:02}.{:03}", minutes, ms / 1000 % 60, ms % 1000);
  return fmt::format("{}:{:02}:{:02}.{:03}", minutes / 60, minutes % 60, ms / 1000 % 60, ms % 1000);
}

std::string Invocation::command() const {
  std::string text = "keelson sim run " + scenario_file + " --seed " + std::to_string(seed);
  for (const auto& [key, value] : settings) text += " --set " + key + "=" + value;
  if (kubernetes_profile_flag) text += " --profile kubernetes";
  if (!seed_bug.empty()) text += " --seed-bug " + seed_bug;
  return text;
}

std::string text_report(const Run& run, const Invocation& invocation, double wall_seconds) {
  const Scenario& s = run.scenario();
  std::string out = fmt::format("{}, seed {}: {}\n", s.name, run.seed(), s.description);
  out += fmt::format("{} nodes, {} profile\n", count(run.world().nodes().size()),
                     s.world.kubernetes_profile ? "kubernetes" : "keelson");
  timeline(out, run);
  workloads(out, run);
  healing(out, run);
  trace(out, run);
  faults(out, run);
  checks(out, run);
  const double virtual_seconds = static_cast<double>(run.elapsed().count()) / 1e9;
  out += fmt::format("\nRun         {} of virtual time in {:.2f} s ({:.0f} times real time), {} events, "
                     "revision {}\nHash        {:016x}\n",
                     format_duration(run.elapsed()), wall_seconds,
                     wall_seconds > 0 ? virtual_seconds / wall_seconds : 0.0,
                     count(run.world().engine().events_run()),
                     api::to_string(run.checks().state().revision()), run.hash());
  verdict(out, run, invocation);
  return out;
}

std::string text_summary(const std::vector<Summary>& runs, const Invocation& invocation) {
  std::string out;
  std::vector<Duration> heals;
  uint64_t held = 0, events = 0, requests = 0, lost = 0;
  double wall = 0;
  for (const Summary& r : runs) {
    held += r.verdict == Verdict::held;
    events += r.events;
    requests += r.requests;
    lost += r.requests_lost;
    wall += r.wall_seconds;
    if (r.heals > 0) heals.push_back(r.heal_max);
  }
  for (const Summary& r : runs) {
    if (r.verdict == Verdict::held) continue;
    Invocation again = invocation;
    again.seed = r.seed;
    out += fmt::format("{}  seed {}: {}\n  replay    {}\n",
                       r.verdict == Verdict::violated ? "VIOLATED " : "UNDECIDED", r.seed, r.failure,
                       again.command());
  }
  Digest all;
  for (const Summary& r : runs) all.add(r.hash);
  out += fmt::format("{} seeds: {} held, {} not. {} events; {:.1f} s of processor time ({:.1f} seeds per "
                     "second per core)\n",
                     count(runs.size()), held, runs.size() - held, count(events), wall,
                     wall > 0 ? static_cast<double>(runs.size()) / wall : 0.0);
  if (!heals.empty()) {
    out += fmt::format("Slowest heal per seed: p50 {}, p99 {}, max {}\n", brief(percentile(heals, 50)),
                       brief(percentile(heals, 99)), brief(percentile(heals, 100)));
  }
  if (requests > 0) out += fmt::format("Traffic: {} requests, {} lost\n", count(requests), count(lost));
  out += fmt::format("Hash of all {:016x}\n", all.value());
  return out;
}

}  // namespace keelson::sim
