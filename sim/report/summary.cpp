#include <boost/json.hpp>
#include <fmt/format.h>

#include "core/api/json.hpp"
#include "core/api/kinds.hpp"
#include "sim/report/report.hpp"
#include "sim/scenario/reader.hpp"

namespace keelson::sim {

namespace json = boost::json;

namespace {

const char* word(Verdict verdict) {
  switch (verdict) {
    case Verdict::held: return "held";
    case Verdict::violated: return "violated";
    case Verdict::undecided: return "undecided";
  }
  return "?";
}

double seconds(Duration d) { return static_cast<double>(d.count()) / 1e9; }
std::string hex(uint64_t hash) { return fmt::format("{:016x}", hash); }

json::object invocation_json(const Invocation& invocation) {
  json::object out;
  out["scenario"] = invocation.scenario_file;
  if (!invocation.variant.empty()) out["variant"] = invocation.variant;
  json::object settings;
  for (const auto& [key, value] : invocation.settings) settings[key] = value;
  out["settings"] = std::move(settings);
  out["command"] = invocation.command();
  return out;
}

json::object summary_json(const Summary& s) {
  return json::object{
      {"seed", s.seed},
      {"verdict", word(s.verdict)},
      {"hash", hex(s.hash)},
      {"events", s.events},
      {"virtualSeconds", seconds(s.virtual_time)},
      {"wallSeconds", s.wall_seconds},
      {"heals", s.heals},
      {"healSeconds",
       {{"p50", seconds(s.heal_p50)}, {"p99", seconds(s.heal_p99)}, {"max", seconds(s.heal_max)}}},
      {"requests", s.requests},
      {"requestsLost", s.requests_lost},
      {"podsCreated", s.pods_created},
      {"podsBound", s.pods_bound},
      {"waitSeconds",
       {{"p50", seconds(s.wait_p50)}, {"p99", seconds(s.wait_p99)}, {"max", seconds(s.wait_max)}}},
      {"evictions", s.evictions},
      {"falseEvictions", s.false_evictions},
      {"falseEvictionsCutOff", s.cut_off_evictions},
      {"podsLostInCrashes", s.crash_lost},
      {"crashHeals", s.crash_heals},
      {"crashHealSeconds",
       {{"p50", seconds(s.crash_p50)},
        {"p99", seconds(s.crash_p99)},
        {"max", seconds(s.crash_max)}}},
      {"failure", s.failure},
  };
}

// The slices of the phase of faults, each by its worst moment.
json::array availability(const WorkloadMetrics& w) {
  constexpr const char* kWords[] = {"absent", "starting", "complete", "degraded", "down"};
  json::array out;
  for (const Completeness slice : w.slices) out.push_back(kWords[static_cast<std::size_t>(slice)]);
  return out;
}

std::string xml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      // XML has no way to say a control character.
      default: out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

}  // namespace

Summary summarise(const Run& run, double wall_seconds) {
  Summary s;
  s.seed = run.seed();
  s.verdict = run.verdict();
  s.hash = run.hash();
  s.events = run.world().engine().events_run();
  s.virtual_time = run.elapsed();
  s.wall_seconds = wall_seconds;
  const auto& heals = run.metrics().heal_times();
  s.heals = heals.size();
  s.heal_p50 = percentile(heals, 50);
  s.heal_p99 = percentile(heals, 99);
  s.heal_max = percentile(heals, 100);
  s.requests = run.traffic().total().sent;
  s.requests_lost = run.traffic().total().lost;
  s.pods_created = run.metrics().pods_created();
  s.pods_bound = run.metrics().pods_bound();
  s.wait_p50 = percentile(run.metrics().waits(), 50);
  s.wait_p99 = percentile(run.metrics().waits(), 99);
  s.wait_max = percentile(run.metrics().waits(), 100);
  s.evictions = run.metrics().evictions();
  s.false_evictions = run.metrics().false_evictions();
  s.cut_off_evictions = run.metrics().cut_off_evictions();
  const auto& crashes = run.metrics().crash_heals().times();
  s.crash_lost = run.metrics().crash_heals().lost();
  s.crash_heals = crashes.size();
  s.crash_p50 = percentile(crashes, 50);
  s.crash_p99 = percentile(crashes, 99);
  s.crash_max = percentile(crashes, 100);
  if (!run.checks().violations().empty()) {
    const Violation& v = run.checks().violations().front();
    s.failure = v.invariant + " at " + clock_text(v.at.time_since_epoch()) + ": " + v.what;
  } else if (run.verdict() == Verdict::undecided) {
    s.failure = run.undecided_because();
  } else if (run.verdict() == Verdict::violated) {
    s.failure = run.world().error_logs() > 0 ? "an error was logged" : "has not settled";
    for (const Note& note : run.world().notes()) {
      if (note.level == Level::error) {
        s.failure += ": " + note.source + ": " + note.text;
        break;
      }
    }
    if (run.world().error_logs() == 0 && !run.still_pending().empty()) {
      const Pending& p = run.still_pending().front();
      s.failure += ": " + p.invariant + " " + p.object + ": " + p.why;
    }
  }
  return s;
}

std::string json_report(const Run& run, const Invocation& invocation, double wall_seconds) {
  json::object out = invocation_json(invocation);
  for (auto& [key, value] : summary_json(summarise(run, wall_seconds))) out[key] = value;
  out["nodes"] = run.world().nodes().size();
  out["profile"] = run.scenario().world.kubernetes_profile ? "kubernetes" : "keelson";
  out["revision"] = run.checks().state().revision().value;
  if (run.converged_after() > Duration::zero())
    out["settledSeconds"] = seconds(run.converged_after());
  out["podsWaitingMax"] = run.metrics().waiting_max();
  const auto& rollouts = run.metrics().rollout_times();
  out["rollouts"] = json::object{{"begun", run.metrics().rollouts()},
                                 {"completed", rollouts.size()},
                                 {"seconds",
                                  {{"p50", seconds(percentile(rollouts, 50))},
                                   {"p99", seconds(percentile(rollouts, 99))},
                                   {"max", seconds(percentile(rollouts, 100))}}}};
  json::array timeline;
  for (const Note& note : run.world().notes()) {
    timeline.push_back(json::object{{"at", seconds(note.at.time_since_epoch())},
                                    {"source", note.source},
                                    {"text", note.text}});
  }
  out["timeline"] = std::move(timeline);
  json::array workloads;
  for (const auto& [uid, w] : run.metrics().workloads()) {
    workloads.push_back(json::object{{"name", w.name},
                                     {"desired", w.desired},
                                     {"available", w.available},
                                     {"observedSeconds", seconds(w.observed)},
                                     {"degradedSeconds", seconds(w.degraded)},
                                     {"downSeconds", seconds(w.down)},
                                     {"availability", availability(w)},
                                     {"rollouts", w.rollouts},
                                     {"rolloutsDone", w.rollouts_done},
                                     {"slowestRolloutSeconds", seconds(w.slowest_rollout)}});
  }
  out["workloads"] = std::move(workloads);
  json::object checks;
  for (const InvariantCount& c : run.checks().counts()) checks[c.id] = c.evaluations;
  out["checks"] = std::move(checks);
  json::object faults;
  for (const auto& [name, c] : run.injector().counts()) {
    faults[name] = json::object{{"fired", c.fired}, {"skipped", c.skipped}};
  }
  out["faults"] = std::move(faults);
  const auto& fired = run.world().fabric().fired;
  out["effects"] = json::object{{"calls", fired.calls},
                                {"requestsLost", fired.requests_lost},
                                {"repliesLost", fired.replies_lost},
                                {"duplicated", fired.duplicated},
                                {"timeouts", fired.timeouts},
                                {"watchesBroken", fired.watch_breaks},
                                {"messagesCutOff", run.world().network().blocked()},
                                {"messagesLost", run.world().network().lost()},
                                {"pullsFailed", run.world().options().runtime.fired.pull_failures},
                                {"startsSlowed", run.world().options().runtime.fired.slow_starts}};
  json::object services;
  for (const auto& [name, c] : run.traffic().services()) {
    services[name] = json::object{{"sent", c.sent}, {"lost", c.lost}};
  }
  json::object losses;
  for (const auto& [why, number] : run.traffic().losses()) losses[why] = number;
  out["traffic"] = json::object{{"services", std::move(services)}, {"losses", std::move(losses)}};
  json::array violations;
  for (const Violation& v : run.checks().violations()) {
    violations.push_back(json::object{{"invariant", v.invariant},
                                      {"at", seconds(v.at.time_since_epoch())},
                                      {"revision", api::to_string(v.revision)},
                                      {"what", v.what},
                                      {"decision", v.decision}});
  }
  out["violations"] = std::move(violations);
  json::array pending;
  for (const Pending& p : run.still_pending()) {
    pending.push_back(
        json::object{{"invariant", p.invariant}, {"object", p.object}, {"why", p.why}});
  }
  out["pending"] = std::move(pending);
  if (const TraceReplay* replay = run.workload().trace()) {
    json::array samples;
    for (const TraceSample& s : replay->samples()) {
      samples.push_back(json::object{{"traceSeconds", seconds(s.trace_time)},
                                     {"bound", s.bound},
                                     {"pending", s.pending},
                                     {"cpu", s.cpu_ppm / 1e6},
                                     {"memory", s.memory_ppm / 1e6},
                                     {"gpu", s.gpu_ppm / 1e6}});
    }
    out["trace"] = std::move(samples);
  }
  return json::serialize(out) + "\n";
}

std::string yaml_dump(const Run& run) {
  std::string out;
  for (const api::KindInfo& kind : api::all_kinds()) {
    for (const auto& [key, object] : run.checks().state().all(kind.kind)) {
      out += "---\n" + api::encode_yaml(*object);
    }
  }
  return out;
}

std::string json_summary(const std::vector<Summary>& runs, const Invocation& invocation) {
  json::object out = invocation_json(invocation);
  json::array list;
  for (const Summary& s : runs) list.push_back(summary_json(s));
  out["runs"] = std::move(list);
  return json::serialize(out) + "\n";
}

std::string junit_document(const std::vector<std::string>& suites) {
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n";
  for (const std::string& suite : suites) out += suite;
  return out + "</testsuites>\n";
}

std::string junit_suite(const std::vector<Summary>& runs, const Invocation& invocation,
                        const std::string& scenario) {
  const std::string suite =
      xml(invocation.variant.empty() ? scenario : scenario + " (" + invocation.variant + ")");
  std::size_t failures = 0, errors = 0;
  double total = 0;
  for (const Summary& s : runs) {
    failures += s.verdict == Verdict::violated;
    errors += s.verdict == Verdict::undecided;
    total += s.wall_seconds;
  }
  std::string out = fmt::format(
      "<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{:.3f}\">\n", suite,
      runs.size(), failures, errors, total);
  for (const Summary& s : runs) {
    out += fmt::format("  <testcase classname=\"{}\" name=\"seed {}\" time=\"{:.3f}\"", suite,
                       s.seed, s.wall_seconds);
    if (s.verdict == Verdict::held) {
      out += "/>\n";
      continue;
    }
    Invocation again = invocation;
    again.seed = s.seed;
    const char* tag = s.verdict == Verdict::violated ? "failure" : "error";
    out += fmt::format("><{} message=\"{}\">{}</{}></testcase>\n", tag, xml(s.failure),
                       xml(again.command()), tag);
  }
  return out + "</testsuite>\n";
}

std::string to_line(const Summary& s) {
  // Seconds lose nothing here: they are only shown.
  json::object out = summary_json(s);
  out["virtualNs"] = s.virtual_time.count();
  out["healNs"] = {s.heal_p50.count(), s.heal_p99.count(), s.heal_max.count()};
  out["crashNs"] = {s.crash_p50.count(), s.crash_p99.count(), s.crash_max.count()};
  out["waitNs"] = {s.wait_p50.count(), s.wait_p99.count(), s.wait_max.count()};
  out["verdictCode"] = static_cast<int>(s.verdict);
  out["hashValue"] = s.hash;
  return json::serialize(out);
}

bool from_line(const std::string& line, Summary* s) {
  json::error_code error;
  const json::value value = json::parse(line, error);
  if (error || !value.is_object()) return false;
  const json::object& o = value.as_object();
  s->seed = o.at("seed").to_number<uint64_t>();
  s->verdict = static_cast<Verdict>(o.at("verdictCode").to_number<int>());
  s->hash = o.at("hashValue").to_number<uint64_t>();
  s->events = o.at("events").to_number<uint64_t>();
  s->virtual_time = Duration{o.at("virtualNs").to_number<int64_t>()};
  s->wall_seconds = o.at("wallSeconds").to_number<double>();
  s->heals = o.at("heals").to_number<uint64_t>();
  const auto& heal = o.at("healNs").as_array();
  s->heal_p50 = Duration{heal[0].to_number<int64_t>()};
  s->heal_p99 = Duration{heal[1].to_number<int64_t>()};
  s->heal_max = Duration{heal[2].to_number<int64_t>()};
  const auto& wait = o.at("waitNs").as_array();
  s->wait_p50 = Duration{wait[0].to_number<int64_t>()};
  s->wait_p99 = Duration{wait[1].to_number<int64_t>()};
  s->wait_max = Duration{wait[2].to_number<int64_t>()};
  s->requests = o.at("requests").to_number<uint64_t>();
  s->requests_lost = o.at("requestsLost").to_number<uint64_t>();
  s->pods_created = o.at("podsCreated").to_number<uint64_t>();
  s->pods_bound = o.at("podsBound").to_number<uint64_t>();
  s->evictions = o.at("evictions").to_number<uint64_t>();
  s->false_evictions = o.at("falseEvictions").to_number<uint64_t>();
  s->cut_off_evictions = o.at("falseEvictionsCutOff").to_number<uint64_t>();
  s->crash_lost = o.at("podsLostInCrashes").to_number<uint64_t>();
  s->crash_heals = o.at("crashHeals").to_number<uint64_t>();
  const auto& crash = o.at("crashNs").as_array();
  s->crash_p50 = Duration{crash[0].to_number<int64_t>()};
  s->crash_p99 = Duration{crash[1].to_number<int64_t>()};
  s->crash_max = Duration{crash[2].to_number<int64_t>()};
  s->failure = std::string(o.at("failure").as_string());
  return true;
}

}  // namespace keelson::sim
