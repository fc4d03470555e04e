#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cxxopts.hpp>
#include <optional>

#include "core/base/duration_text.hpp"
#include "sim/report/report.hpp"
#include "sim/scenario/seeds.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/one_run.hpp"
#include "tools/cli/output_file.hpp"
#include "tools/cli/prepare.hpp"
#include "tools/cli/recording.hpp"
#include "tools/cli/sim_seeds.hpp"

namespace keelson::cli {

namespace {

struct Options {
  sim::Invocation invocation;
  std::optional<uint64_t> seed;
  std::optional<Seeds> seeds;
  unsigned jobs = 1;
  std::string json, junit, record, dump;  // files; "-" is standard output
  Limits limits;
  std::optional<Duration> until;  // of virtual time
  Level log_level = Level::warning;

  std::vector<const std::string*> files() const { return {&json, &junit, &record, &dump}; }
  // Standard output belongs to a file's content.
  bool quiet() const {
    const auto all = files();
    return std::any_of(all.begin(), all.end(), [](const auto* file) { return *file == "-"; });
  }
};

// A scenario as it is to be run: one of its variants, or all there is.
struct Subject {
  sim::Invocation invocation;
  std::map<std::string, std::string> settings;
  sim::Scenario scenario;
};

// What running them has brought together.
struct Results {
  std::vector<sim::VariantRuns> variants;
  std::vector<std::string> json;
  std::vector<std::string> suites;
  bool incomplete = false;  // not all seeds were run
  bool written = true;      // all that was to be written could be
};

Error bad(std::string message) {
  return {Code::invalid, std::move(message)};
}

cxxopts::Options make_parser() {
  cxxopts::Options parser(
      "keelson sim run",
      "Runs a scenario in a simulated cluster and checks every guarantee. Exit codes: 0 all held, "
      "1 a\n"
      "guarantee was violated, 2 bad usage or input, 3 undecided (a limit, or interrupted).\n");
  parser.positional_help("SCENARIO.yaml");
  parser.add_options()("seed", "run this seed (default: the scenario's)",
                       cxxopts::value<uint64_t>(), "N")("seeds", "run these seeds and summarise",
                                                        cxxopts::value<std::string>(), "A..B")(
      "jobs", "processes for --seeds, 1 to 256", cxxopts::value<unsigned>()->default_value("1"),
      "N")("set", "set a parameter of the scenario (repeatable)",
           cxxopts::value<std::vector<std::string>>(),
           "key=value")("variant", "of a scenario with variants, run only this one",
                        cxxopts::value<std::string>(), "NAME")(
      "policy", "the schedulers decide by this policy of the laboratory (keelson sim compare --help)",
      cxxopts::value<std::string>(), "NAME")("profile", "kubernetes: its default timers; keelson: ours", cxxopts::value<std::string>(),
      "NAME")("json", "write the results as JSON (-: to standard output, nothing else)",
              cxxopts::value<std::string>(), "FILE")("junit", "write the results as JUnit XML",
                                                     cxxopts::value<std::string>(), "FILE")(
      "record", "write what `sim replay` needs", cxxopts::value<std::string>(), "FILE")(
      "until", "stop, undecided, after so much virtual time (95s): a past instant for --dump",
      cxxopts::value<std::string>(), "TIME")(
      "dump", "write all objects as they are at the end, as YAML", cxxopts::value<std::string>(),
      "FILE")("log",
              "what processes log from this level on stands in the timeline: debug, info, warning",
              cxxopts::value<std::string>()->default_value("warning"), "LEVEL")(
      "time-limit", "stop each seed, undecided, after so many seconds of real time",
      cxxopts::value<double>(),
      "SECONDS")("memory-limit", "stop each seed, undecided, when its process holds so much memory",
                 cxxopts::value<uint64_t>(),
                 "MIB")("seed-bug", "switch a seeded bug on (dev and test builds only)",
                        cxxopts::value<std::string>(), "NAME")(
      "scenario", "", cxxopts::value<std::string>())("h,help", "show this");
  parser.parse_positional({"scenario"});
  return parser;
}

Result<Options> read_options(const cxxopts::ParseResult& args) {
  Options options;
  sim::Invocation& invocation = options.invocation;
  if (!args.unmatched().empty()) return bad("unexpected argument \"" + args.unmatched()[0] + "\"");
  if (!args.count("scenario")) return bad("which scenario? (keelson sim run SCENARIO.yaml)");
  const auto text = [&](const char* name) {
    return args.count(name) ? args[name].as<std::string>() : std::string();
  };
  invocation.scenario_file = text("scenario");
  if (args.count("set")) {
    for (const std::string& item : args["set"].as<std::vector<std::string>>()) {
      const auto equals = item.find('=');
      if (equals == std::string::npos || equals == 0)
        return bad("--set " + item + ": expected key=value");
      invocation.settings[item.substr(0, equals)] = item.substr(equals + 1);
    }
  }
  if (args.count("profile") && text("profile").empty())
    return bad("--profile: expected kubernetes or keelson");
  invocation.profile = text("profile");
  invocation.policy = text("policy");
  invocation.variant = text("variant");
  invocation.seed_bug = text("seed-bug");
  options.json = text("json");
  options.junit = text("junit");
  options.dump = text("dump");
  options.record = text("record");
  const auto files = options.files();
  if (std::count_if(files.begin(), files.end(), [](const auto* file) { return *file == "-"; }) >
      1) {
    return bad("standard output takes only one of --json, --junit, --record and --dump");
  }
  options.jobs = args["jobs"].as<unsigned>();
  if (options.jobs < 1 || options.jobs > 256) return bad("--jobs: expected a number from 1 to 256");
  if (args.count("seed")) options.seed = args["seed"].as<uint64_t>();
  if (args.count("seeds")) {
    const auto range = sim::parse_seeds(text("seeds"));
    if (!range) {
      return bad("--seeds " + text("seeds") +
                 ": expected A..B with A <= B, at most ten million of them");
    }
    if (options.seed) return bad("--seed and --seeds exclude each other");
    if (!options.record.empty()) return bad("--record goes with one seed");
    if (!options.dump.empty()) return bad("--dump goes with one seed");
    options.seeds = Seeds{range->first, range->second, options.jobs};
  }
  if (args.count("time-limit")) {
    options.limits.seconds = args["time-limit"].as<double>();
    if (!(options.limits.seconds > 0))
      return bad("--time-limit: expected a number of seconds above 0");
  }
  if (args.count("memory-limit")) {
    options.limits.memory_mib = args["memory-limit"].as<uint64_t>();
    if (options.limits.memory_mib == 0)
      return bad("--memory-limit: expected a number of MiB above 0");
  }
  if (args.count("until")) {
    const auto time = parse_duration(text("until"));
    if (!time || *time <= Duration::zero()) {
      return bad("--until " + text("until") + ": expected a time after the start, such as 95s");
    }
    if (options.seeds) return bad("--until goes with one seed");
    options.until = *time;
  }
  const auto level = args["log"].as<std::string>();
  if (level == "debug") {
    options.log_level = Level::debug;
  } else if (level == "info") {
    options.log_level = Level::info;
  } else if (level != "warning") {
    return bad("--log " + level + ": expected debug, info or warning");
  }
  return options;
}

// The variants to be run, or the scenario alone; ready to run.
Result<std::vector<Subject>> read_subjects(const Options& options, const std::string& text) {
  const sim::Invocation& given = options.invocation;
  const auto base = sim::parse_scenario(text, given.scenario_file, given.settings);
  if (!base) return base.error();
  std::vector<sim::Variant> variants = base->variants;
  if (!given.variant.empty()) {
    std::string known;
    for (const sim::Variant& variant : variants)
      known += (known.empty() ? "" : ", ") + variant.name;
    std::erase_if(variants, [&](const sim::Variant& v) { return v.name != given.variant; });
    if (variants.empty()) {
      return bad("--variant " + given.variant + ": " + given.scenario_file + " has " +
                 (known.empty() ? "no variants" : "these: " + known));
    }
  }
  if (variants.empty()) variants.emplace_back();
  if (variants.size() > 1 && (!options.record.empty() || !options.dump.empty())) {
    return bad("--record and --dump go with one variant: choose it by --variant");
  }
  std::vector<Subject> subjects;
  for (const sim::Variant& variant : variants) {
    Subject& subject = subjects.emplace_back();
    subject.invocation = given;
    subject.invocation.variant = variant.name;
    subject.settings = given.settings;
    for (const auto& [key, value] : variant.settings) subject.settings[key] = value;
    auto scenario = sim::parse_scenario(text, given.scenario_file, subject.settings);
    if (!scenario) return scenario.error();
    subject.scenario = std::move(*scenario);
    subject.scenario.world.log_level = options.log_level;
    if (const auto ok = prepare(given, subject.scenario); !ok) return ok.error();
    // A trace is read when a run is made; better now than by each of many workers.
    const sim::Workload probe(subject.scenario);
    if (!probe.status().ok()) return probe.status().error();
  }
  return subjects;
}

void run_one(const Subject& subject, const Options& options, const std::string& text, bool last,
             Results& results) {
  sim::Invocation invocation = subject.invocation;
  invocation.seed = options.seed.value_or(subject.scenario.seed);
  OneRun one(subject.scenario, invocation.seed, options.limits, isatty(STDERR_FILENO) != 0);
  if (options.until) one.stop_at(*options.until);
  const sim::Verdict verdict = one.execute();
  if (!options.quiet()) {
    const std::string report = sim::text_report(one.run(), invocation, one.wall());
    std::fwrite(report.data(), 1, report.size(), stdout);
    std::fflush(stdout);
  }
  const sim::Summary summary = sim::summarise(one.run(), one.wall());
  results.variants.push_back({invocation.variant, {summary}});
  if (!options.json.empty())
    results.json.push_back(sim::json_report(one.run(), invocation, one.wall()));
  results.suites.push_back(sim::junit_suite({summary}, invocation, subject.scenario.name));
  if (!options.dump.empty()) {
    results.written = write_file(options.dump, sim::yaml_dump(one.run())) && results.written;
  }
  if (!options.record.empty()) {
    const Recording recording{invocation,       text,    subject.settings,
                              one.run().hash(), verdict, one.run().elapsed()};
    results.written = write_file(options.record, to_text(recording)) && results.written;
  }
  if (last) one.leave_to_exit();
}

void run_many(const Subject& subject, const Options& options, Results& results) {
  const Seeds& seeds = *options.seeds;
  std::vector<sim::Summary> done = run_seeds(subject.scenario, seeds, options.limits);
  results.incomplete = results.incomplete || done.size() < seeds.count();
  if (!options.quiet()) {
    std::printf("%s, seeds %llu..%llu%s%s: %s\n", subject.scenario.name.c_str(),
                static_cast<unsigned long long>(seeds.first),
                static_cast<unsigned long long>(seeds.last),
                subject.invocation.variant.empty() ? "" : ", variant ",
                subject.invocation.variant.c_str(), subject.scenario.description.c_str());
    std::fputs(sim::text_summary(done, subject.invocation).c_str(), stdout);
    if (done.size() < seeds.count()) {
      std::printf("INTERRUPTED: %llu seeds were not run\n",
                  static_cast<unsigned long long>(seeds.count() - done.size()));
    }
    std::fflush(stdout);
  }
  results.json.push_back(sim::json_summary(done, subject.invocation));
  results.suites.push_back(sim::junit_suite(done, subject.invocation, subject.scenario.name));
  results.variants.push_back({subject.invocation.variant, std::move(done)});
}

// One document, or one with those of all variants.
std::string json_of(const std::vector<std::string>& documents) {
  if (documents.size() == 1) return documents.front();
  std::string out = "{\"variants\":[";
  for (std::size_t i = 0; i < documents.size(); ++i) out += (i > 0 ? "," : "") + documents[i];
  return out + "]}\n";
}

int exit_code(const Results& results) {
  bool undecided = results.incomplete;
  for (const sim::VariantRuns& variant : results.variants) {
    for (const sim::Summary& s : variant.runs) {
      if (s.verdict == sim::Verdict::violated) return 1;
      undecided = undecided || s.verdict == sim::Verdict::undecided;
    }
  }
  if (!results.written) return kBadUsage;
  return undecided ? 3 : 0;
}

int complain(const Error& error, bool about_usage) {
  std::fprintf(stderr, "%s%s\n", about_usage ? "keelson sim run: " : "", error.message.c_str());
  return kBadUsage;
}

}  // namespace

int sim_run(int argc, char** argv) {
  Options options;
  cxxopts::Options parser = make_parser();
  try {
    const auto args = parser.parse(argc, argv);
    if (args.count("help")) {
      std::fputs(parser.help().c_str(), stdout);
      return 0;
    }
    auto read = read_options(args);
    if (!read) return complain(read.error(), true);
    options = std::move(*read);
  } catch (const cxxopts::exceptions::exception& e) {
    return complain(bad(e.what()), true);
  }
  const auto text = sim::read_text(options.invocation.scenario_file);
  if (!text) return complain(text.error(), false);
  const auto subjects = read_subjects(options, *text);
  if (!subjects) return complain(subjects.error(), subjects.error().message.starts_with("--"));
  // Hours of running are not to end at a file that cannot be written.
  for (const std::string* file : options.files()) {
    if (!can_write(*file)) return complain(bad("cannot write " + *file), true);
  }

  stop_on_interrupt();
  Results results;
  for (const Subject& subject : *subjects) {
    if (interrupted()) {
      results.incomplete = true;
      break;
    }
    if (!results.variants.empty() && !options.quiet()) std::puts("");
    if (options.seeds) {
      run_many(subject, options, results);
    } else {
      run_one(subject, options, *text, &subject == &subjects->back(), results);
    }
  }
  if (results.variants.size() > 1 && !options.quiet()) {
    std::fputs(("\n" + sim::text_comparison(results.variants)).c_str(), stdout);
  }
  if (!options.json.empty()) {
    results.written = write_file(options.json, json_of(results.json)) && results.written;
  }
  if (!options.junit.empty()) {
    results.written =
        write_file(options.junit, sim::junit_document(results.suites)) && results.written;
  }
  return exit_code(results);
}

}  // namespace keelson::cli
