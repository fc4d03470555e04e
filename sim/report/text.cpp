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

constexpr std::size_t kShown = 12;

// Those that the scenario follows, the worst first: those are what one looks for.
std::vector<const WorkloadMetrics*> shown_workloads(const Run& run) {
  std::vector<const WorkloadMetrics*> shown;
  const auto& follow = run.scenario().follow;
  for (const auto& [uid, w] : run.metrics().workloads()) {
    const bool wanted =
        follow.empty() || std::any_of(follow.begin(), follow.end(), [&each = w](const std::string& name) {
          return each.name == name || each.name == "default/" + name;
        });
    if (wanted) shown.push_back(&w);
  }
  std::stable_sort(shown.begin(), shown.end(),
                   [](const auto* a, const auto* b) { return a->degraded > b->degraded; });
  return shown;
}

void workloads(std::string& out, const Run& run) {
  const auto shown = shown_workloads(run);
  if (shown.empty()) return;
  out += fmt::format(
      "\nWorkloads (time since each was first complete)\n  {:<28} {:>7} {:>9} {:>6} "
      "{:>10} {:>8} {:>8} {:>9} {:>8}\n",
      "NAME", "DESIRED", "AVAILABLE", "WORST", "COMPLETE", "DEGRADED", "DOWN", "ROLLOUTS",
      "SLOWEST");
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

// Availability over time, a line each: the first look at a run with many of them.
void availability(std::string& out, const Run& run) {
  const auto shown = shown_workloads(run);
  if (shown.empty()) return;
  out +=
      fmt::format("\nAvailability over {} (= complete, - degraded, ! none, . not complete yet)\n",
                  format_duration(run.planned()));
  constexpr char kSigns[] = {' ', '.', '=', '-', '!'};
  for (std::size_t i = 0; i < shown.size() && i < kShown; ++i) {
    std::string line;
    for (const Completeness slice : shown[i]->slices)
      line += kSigns[static_cast<std::size_t>(slice)];
    out += fmt::format("  {:<28} |{}|\n", shown[i]->name, line);
  }
}

void healing(std::string& out, const Run& run) {
  const auto& heals = run.metrics().heal_times();
  const auto& waits = run.metrics().waits();
  out += fmt::format(
      "\nPods        {} created, {} bound; waited for a node p50 {}, p99 {}, max {}; at most "
      "{} at a time\n",
      count(run.metrics().pods_created()), count(run.metrics().pods_bound()),
      brief(percentile(waits, 50)), brief(percentile(waits, 99)), brief(percentile(waits, 100)),
      count(run.metrics().waiting_max()));
  if (const auto& rollouts = run.metrics().rollout_times(); run.metrics().rollouts() > 0) {
    out += fmt::format("Rollouts    {} begun, {} completed: p50 {}, p99 {}, max {}\n",
                       count(run.metrics().rollouts()), count(rollouts.size()),
                       brief(percentile(rollouts, 50)), brief(percentile(rollouts, 99)),
                       brief(percentile(rollouts, 100)));
  }
  if (heals.empty()) {
    out += "Healing     no pod was lost involuntarily\n";
  } else {
    out += fmt::format(
        "Healing     {} lost involuntarily and replaced or back: p50 {}, p99 {}, "
        "max {}\n",
        heals.size() == 1 ? "1 pod" : count(heals.size()) + " pods", brief(percentile(heals, 50)),
        brief(percentile(heals, 99)), brief(percentile(heals, 100)));
  }
  if (const CrashHeals& crashes = run.metrics().crash_heals(); crashes.lost() > 0) {
    const auto& times = crashes.times();
    out += fmt::format(
        "Crashes     {} {} lost with their nodes; {} replaced or back: p50 {}, p99 {}, max {}\n",
        count(crashes.lost()), crashes.lost() == 1 ? "pod" : "pods", count(times.size()), brief(percentile(times, 50)),
        brief(percentile(times, 99)), brief(percentile(times, 100)));
  }
  if (run.metrics().evictions() > 0) {
    out += fmt::format("Evictions   {}, of them {} from nodes that were alive",
                       count(run.metrics().evictions()), count(run.metrics().false_evictions()));
    if (run.metrics().cut_off_evictions() > 0) {
      out += fmt::format(" ({} while nobody could reach the node)",
                         count(run.metrics().cut_off_evictions()));
    }
    out += '\n';
  }
  const auto total = run.traffic().total();
  if (total.sent > 0) {
    out += fmt::format("Traffic     {} requests, {} lost ({:.4f} %)\n", count(total.sent),
                       count(total.lost),
                       100.0 * static_cast<double>(total.lost) / static_cast<double>(total.sent));
    for (const auto& [why, number] : run.traffic().losses()) {
      out += fmt::format("            {:>10}  {}\n", count(number), why);
    }
    std::string services;
    for (const auto& [name, c] : run.traffic().services()) {
      if (c.lost == 0 || c.lost * 10 < total.lost)
        continue;  // those with a tenth of the losses or more
      services += fmt::format("{}{} {}", services.empty() ? "" : ", ", name, count(c.lost));
    }
    if (!services.empty()) out += "            most by: " + services + "\n";
  }
}

void trace(std::string& out, const Run& run) {
  const TraceReplay* replay = run.workload().trace();
  if (replay == nullptr) return;
  out += fmt::format("\nTrace       {} pods created, {} deleted\n  {:>12} {:>8} {:>8} {:>8} {:>8} {:>8}\n",
                     count(replay->created()), count(replay->deleted()), "TRACE TIME", "BOUND",
                     "PENDING", "CPU", "MEMORY", "GPU");
  uint64_t bound = 0, pending = 0, cpu = 0, memory = 0, gpu = 0;
  for (const TraceSample& s : replay->samples()) {
    bound += s.bound, pending += s.pending, cpu += s.cpu_ppm, memory += s.memory_ppm,
        gpu += s.gpu_ppm;
    out += fmt::format("  {:>10.1f} d {:>8} {:>8} {:>7.2f}% {:>7.2f}% {:>7.2f}%\n",
                       static_cast<double>(s.trace_time.count()) / 86.4e12, s.bound, s.pending,
                       s.cpu_ppm / 1e4, s.memory_ppm / 1e4, s.gpu_ppm / 1e4);
  }
  if (!replay->samples().empty()) {
    const auto n = static_cast<double>(replay->samples().size());
    out += fmt::format("  {:>12} {:>8.1f} {:>8.1f} {:>7.2f}% {:>7.2f}% {:>7.2f}%\n", "on average",
                       static_cast<double>(bound) / n, static_cast<double>(pending) / n,
                       static_cast<double>(cpu) / n / 1e4, static_cast<double>(memory) / n / 1e4,
                       static_cast<double>(gpu) / n / 1e4);
  }
  const Duration second = 1s * run.scenario().trace.speed;
  out += fmt::format("  time is compressed: 1 s of this run is {} of the trace\n",
                     format_duration(second));
  if (replay->left() > 0) {
    out += fmt::format(
        "  CUT OFF: {} creations and deletions come after the end; the trace takes {}\n",
        count(replay->left()), format_duration(replay->length()));
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
  const auto& runtime = run.world().options().runtime.fired;
  const auto& network = run.world().network();
  out += fmt::format(
      "            messages: {} cut off, {} lost; containers: {} pulls failed, {} starts slowed\n",
      count(network.blocked()), count(network.lost()), count(runtime.pull_failures),
      count(runtime.slow_starts));
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
      out += fmt::format(
          "\nHELD        every guarantee held; settled {} after the faults had stopped\n",
          brief(run.converged_after()));
      break;
    case Verdict::violated: out += "  replay    " + invocation.command() + "\n"; break;
    case Verdict::undecided:
      out += "\nUNDECIDED   " + run.undecided_because() + "; until then every guarantee held\n";
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

std::string shell_word(const std::string& word) {
  constexpr const char* kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string Invocation::command() const {
  std::string text = "keelson sim run " + shell_word(scenario_file) + " --seed " + std::to_string(seed);
  for (const auto& [key, value] : settings) text += " --set " + shell_word(key + "=" + value);
  if (!variant.empty()) text += " --variant " + shell_word(variant);
  if (!profile.empty()) text += " --profile " + profile;
  if (!policy.empty()) text += " --policy " + shell_word(policy);
  if (!seed_bug.empty()) text += " --seed-bug " + seed_bug;
  return text;
}

std::string text_report(const Run& run, const Invocation& invocation, double wall_seconds) {
  const Scenario& s = run.scenario();
  std::string out = fmt::format("{}, seed {}: {}\n", s.name, run.seed(), s.description);
  if (!invocation.variant.empty()) out += "variant " + invocation.variant + "\n";
  out += fmt::format("{} nodes, {} profile\n", count(run.world().nodes().size()),
                     s.world.kubernetes_profile ? "kubernetes" : "keelson");
  timeline(out, run);
  workloads(out, run);
  availability(out, run);
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

std::string text_comparison(const std::vector<VariantRuns>& variants) {
  using Row = std::vector<std::string>;
  const Row head{"HELD",      "PODS BOUND", "NEVER BOUND", "WAIT P99", "WAIT MAX", "CRASH P50",
                 "CRASH MAX", "EVICTIONS",  "OF LIVING",   "CUT OFF",  "HEAL MAX", "REQS LOST"};
  std::vector<Row> rows;
  for (const VariantRuns& variant : variants) {
    Summary sum;
    uint64_t held = 0;
    std::vector<Duration> crash_medians;
    for (const Summary& r : variant.runs) {
      held += r.verdict == Verdict::held;
      sum.pods_created += r.pods_created;
      sum.pods_bound += r.pods_bound;
      sum.evictions += r.evictions;
      sum.false_evictions += r.false_evictions;
      sum.cut_off_evictions += r.cut_off_evictions;
      sum.requests_lost += r.requests_lost;
      sum.wait_p99 = std::max(sum.wait_p99, r.wait_p99);
      sum.wait_max = std::max(sum.wait_max, r.wait_max);
      sum.heal_max = std::max(sum.heal_max, r.heal_max);
      sum.crash_max = std::max(sum.crash_max, r.crash_max);
      if (r.crash_heals > 0) crash_medians.push_back(r.crash_p50);
    }
    rows.push_back({fmt::format("{}/{}", held, variant.runs.size()), count(sum.pods_bound),
                    count(sum.pods_created - sum.pods_bound), brief(sum.wait_p99),
                    brief(sum.wait_max), brief(percentile(crash_medians, 50)), brief(sum.crash_max),
                    count(sum.evictions), count(sum.false_evictions), count(sum.cut_off_evictions),
                    brief(sum.heal_max), count(sum.requests_lost)});
  }
  // What happened in none of them is not worth a column.
  std::vector<std::size_t> shown;
  for (std::size_t i = 0; i < head.size(); ++i) {
    const bool some = std::any_of(rows.begin(), rows.end(),
                                  [i](const Row& row) { return row[i] != "0" && row[i] != "0s"; });
    if (some) shown.push_back(i);
  }
  const auto line = [&](const std::string& name, const Row& row) {
    std::string text = fmt::format("{:<16}", name);
    for (const std::size_t i : shown) {
      text += fmt::format(" {:>{}}", row[i], std::max<std::size_t>(head[i].size(), 8));
    }
    return text + "\n";
  };
  std::string out = line("Compared", head);
  for (std::size_t i = 0; i < rows.size(); ++i) out += line(variants[i].name, rows[i]);
  return out;
}

std::string text_summary(const std::vector<Summary>& runs, const Invocation& invocation) {
  std::string out;
  std::vector<Duration> heals;
  uint64_t held = 0, events = 0, requests = 0, lost = 0;
  double wall = 0;
  uint64_t undecided = 0;
  for (const Summary& r : runs) {
    held += r.verdict == Verdict::held;
    undecided += r.verdict == Verdict::undecided;
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
  out += fmt::format(
      "{} seeds: {} held, {} violated, {} undecided. {} events; {:.1f} s of running "
      "({:.1f} seeds per second per core)\n",
      count(runs.size()), held, runs.size() - held - undecided, undecided, count(events), wall,
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
