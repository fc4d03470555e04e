#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <cxxopts.hpp>
#include <fstream>
#include <optional>
#include <sstream>

#include "core/base/seeded_bug.hpp"
#include "sim/report/report.hpp"
#include "tools/cli/commands.hpp"

namespace keelson::cli {

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kBadUsage = 2;

struct Options {
  sim::Invocation invocation;
  uint64_t first_seed = 0, last_seed = 0;
  bool many = false;
  unsigned jobs = 1;
  std::string json, junit, record, dump;
  double time_limit = 0;
  bool verbose_progress = false;
};

double since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

bool write_file(const std::string& file, const std::string& text) {
  if (file == "-") {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return true;
  }
  std::ofstream out(file);
  out << text;
  out.flush();
  if (!out) std::fprintf(stderr, "keelson: cannot write %s\n", file.c_str());
  return static_cast<bool>(out);
}

std::optional<std::pair<uint64_t, uint64_t>> parse_seeds(const std::string& text) {
  const auto dots = text.find("..");
  const std::string low = text.substr(0, dots);
  const std::string high = dots == std::string::npos ? low : text.substr(dots + 2);
  uint64_t a = 0, b = 0;
  const auto number = [](const std::string& s, uint64_t* out) {
    const auto end = std::from_chars(s.data(), s.data() + s.size(), *out);
    return !s.empty() && end.ec == std::errc{} && end.ptr == s.data() + s.size();
  };
  if (!number(low, &a) || !number(high, &b) || a > b || b - a >= 10'000'000) return std::nullopt;
  return std::pair{a, b};
}

std::optional<SeededBug> seeded_bug(const std::string& name) {
  for (const auto& [known, bug] : kSeededBugs) {
    if (known == name) return bug;
  }
  return std::nullopt;
}

// One run in this process. `progress` prints where it is, to stderr, if that is a terminal.
class OneRun {
 public:
  OneRun(const sim::Scenario& scenario, uint64_t seed, const Options& options)
      : scenario_(scenario), options_(options), begin_(Clock::now()), last_(begin_) {
    sim::RunOptions run;
    run.seed = seed;
    run.progress = [this](const sim::Run& r) { return progress(r); };
    run_ = std::make_unique<sim::Run>(scenario, std::move(run));
  }
  sim::Verdict execute() {
    const sim::Verdict verdict = run_->execute();
    wall_ = since(begin_);
    if (printed_) std::fprintf(stderr, "\r%70s\r", "");
    return verdict;
  }
  const sim::Run& run() const { return *run_; }
  double wall() const { return wall_; }

 private:
  bool progress(const sim::Run& r) {
    const auto now = Clock::now();
    if (options_.time_limit > 0 && since(begin_) > options_.time_limit) return false;
    if (now - last_ < std::chrono::milliseconds(500) || !options_.verbose_progress) return true;
    last_ = now;
    printed_ = true;
    const double done = std::min(1.0, static_cast<double>(r.elapsed().count()) /
                                          static_cast<double>(r.planned().count()));
    std::fprintf(stderr, "\r  %s of %s virtual, %3.0f %%, %.0f s left at this speed      ",
                 sim::clock_text(r.elapsed()).c_str(), sim::clock_text(r.planned()).c_str(),
                 done * 100, done > 0 ? since(begin_) * (1 - done) / done : 0.0);
    return true;
  }
  const sim::Scenario& scenario_;
  const Options& options_;
  Clock::time_point begin_, last_;
  bool printed_ = false;
  double wall_ = 0;
  std::unique_ptr<sim::Run> run_;
};

bool record(const Options& options, uint64_t hash, sim::Verdict verdict) {
  if (options.record.empty()) return true;
  std::ifstream in(options.invocation.scenario_file);
  std::stringstream text;
  text << in.rdbuf();
  boost::json::object out;
  out["keelson"] = KEELSON_VERSION;
  out["scenario"] = options.invocation.scenario_file;
  out["text"] = text.str();
  out["seed"] = options.invocation.seed;
  boost::json::object settings;
  for (const auto& [key, value] : options.invocation.settings) settings[key] = value;
  out["settings"] = settings;
  out["kubernetesProfile"] = options.invocation.kubernetes_profile_flag;
  out["seedBug"] = options.invocation.seed_bug;
  out["hash"] = hash;
  out["verdict"] = static_cast<int>(verdict);
  return write_file(options.record, boost::json::serialize(out) + "\n");
}

int run_one(const sim::Scenario& scenario, Options& options) {
  options.invocation.seed = options.first_seed;
  OneRun one(scenario, options.first_seed, options);
  if (!one.run().workload().status().ok()) {
    std::fprintf(stderr, "keelson: %s\n", one.run().workload().status().message().c_str());
    return kBadUsage;
  }
  const sim::Verdict verdict = one.execute();
  if (options.json != "-") {
    const std::string text = sim::text_report(one.run(), options.invocation, one.wall());
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
  bool written = true;
  if (!options.json.empty()) {
    written = write_file(options.json, sim::json_report(one.run(), options.invocation, one.wall()));
  }
  if (!options.junit.empty()) {
    written = write_file(options.junit,
                         sim::junit_summary({sim::summarise(one.run(), one.wall())},
                                            options.invocation, scenario.name)) &&
              written;
  }
  if (!options.dump.empty()) written = write_file(options.dump, sim::yaml_dump(one.run())) && written;
  written = record(options, one.run().hash(), verdict) && written;
  return written ? static_cast<int>(verdict) : kBadUsage;
}

// A worker process runs every jobs-th seed and writes a line for each.
[[noreturn]] void work(const sim::Scenario& scenario, const Options& options, unsigned worker,
                       int out) {
  for (uint64_t seed = options.first_seed + worker; seed <= options.last_seed; seed += options.jobs) {
    OneRun one(scenario, seed, options);
    one.execute();
    const std::string line = sim::to_line(sim::summarise(one.run(), one.wall())) + "\n";
    for (std::size_t at = 0; at < line.size();) {
      const ssize_t n = write(out, line.data() + at, line.size() - at);
      if (n <= 0) _exit(1);
      at += static_cast<std::size_t>(n);
    }
  }
  _exit(0);
}

int run_many(const sim::Scenario& scenario, const Options& options) {
  struct Worker {
    pid_t pid;
    int in;
    std::string buffer;
  };
  std::fflush(nullptr);
  std::vector<Worker> workers;
  for (unsigned i = 0; i < options.jobs; ++i) {
    int ends[2];
    if (pipe(ends) != 0) {
      std::perror("keelson: pipe");
      return kBadUsage;
    }
    const pid_t pid = fork();
    if (pid < 0) {
      std::perror("keelson: fork");
      return kBadUsage;
    }
    if (pid == 0) {
      close(ends[0]);
      work(scenario, options, i, ends[1]);
    }
    close(ends[1]);
    workers.push_back({pid, ends[0], {}});
  }
  std::vector<sim::Summary> done;
  const uint64_t total = options.last_seed - options.first_seed + 1;
  const bool terminal = isatty(STDERR_FILENO) != 0;
  std::size_t open = workers.size();
  while (open > 0) {
    std::vector<pollfd> fds;
    for (const Worker& w : workers) fds.push_back({w.in, POLLIN, 0});
    poll(fds.data(), fds.size(), -1);
    for (std::size_t i = 0; i < workers.size(); ++i) {
      if (workers[i].in < 0 || fds[i].revents == 0) continue;
      char bytes[65536];
      const ssize_t n = read(workers[i].in, bytes, sizeof bytes);
      if (n <= 0) {
        close(workers[i].in);
        workers[i].in = -1;
        --open;
        continue;
      }
      workers[i].buffer.append(bytes, static_cast<std::size_t>(n));
      for (std::size_t end; (end = workers[i].buffer.find('\n')) != std::string::npos;) {
        sim::Summary summary;
        if (sim::from_line(workers[i].buffer.substr(0, end), &summary)) done.push_back(summary);
        workers[i].buffer.erase(0, end + 1);
      }
      if (terminal) {
        std::fprintf(stderr, "\r  %zu of %llu seeds ", done.size(),
                     static_cast<unsigned long long>(total));
      }
    }
  }
  if (terminal) std::fprintf(stderr, "\r%40s\r", "");
  for (unsigned i = 0; i < workers.size(); ++i) {
    int status = 0;
    waitpid(workers[i].pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
    // The first of the worker's seeds without a result is the one that ended it.
    for (uint64_t seed = options.first_seed + i; seed <= options.last_seed; seed += options.jobs) {
      const bool known = std::any_of(done.begin(), done.end(),
                                     [&](const sim::Summary& s) { return s.seed == seed; });
      if (known) continue;
      sim::Summary crashed;
      crashed.seed = seed;
      crashed.verdict = sim::Verdict::violated;
      crashed.failure = WIFSIGNALED(status)
                            ? "the process was ended by signal " + std::to_string(WTERMSIG(status)) +
                                  " (see the message above)"
                            : "the process failed";
      done.push_back(crashed);
      break;
    }
  }
  std::sort(done.begin(), done.end(),
            [](const sim::Summary& a, const sim::Summary& b) { return a.seed < b.seed; });
  if (options.json != "-") {
    std::printf("%s, seeds %llu..%llu: %s\n", scenario.name.c_str(),
                static_cast<unsigned long long>(options.first_seed),
                static_cast<unsigned long long>(options.last_seed), scenario.description.c_str());
    std::fputs(sim::text_summary(done, options.invocation).c_str(), stdout);
  }
  bool written = true;
  if (!options.json.empty()) {
    written = write_file(options.json, sim::json_summary(done, options.invocation));
  }
  if (!options.junit.empty()) {
    written = write_file(options.junit,
                         sim::junit_summary(done, options.invocation, scenario.name)) &&
              written;
  }
  if (!written) return kBadUsage;
  int worst = 0;
  for (const sim::Summary& s : done) {
    if (s.verdict == sim::Verdict::violated) return 1;
    worst = std::max(worst, static_cast<int>(s.verdict));
  }
  return done.size() == total ? worst : 1;
}

int bad(const std::string& message) {
  std::fprintf(stderr, "keelson sim run: %s\n", message.c_str());
  return kBadUsage;
}

}  // namespace

int sim_run(int argc, char** argv) {
  cxxopts::Options parser("keelson sim run",
                          "Runs a scenario in a simulated cluster and checks every guarantee.\n");
  parser.positional_help("SCENARIO.yaml");
  parser.add_options()
      ("seed", "run this seed (default: the scenario's)", cxxopts::value<uint64_t>(), "N")
      ("seeds", "run these seeds and summarise", cxxopts::value<std::string>(), "A..B")
      ("jobs", "processes for --seeds", cxxopts::value<unsigned>()->default_value("1"), "N")
      ("set", "set a parameter of the scenario (repeatable)",
       cxxopts::value<std::vector<std::string>>(), "key=value")
      ("profile", "kubernetes: its default timers; keelson: ours", cxxopts::value<std::string>(), "NAME")
      ("json", "write the results as JSON (-: to standard output, nothing else)",
       cxxopts::value<std::string>(), "FILE")
      ("junit", "write the results as JUnit XML", cxxopts::value<std::string>(), "FILE")
      ("record", "write what `sim replay` needs", cxxopts::value<std::string>(), "FILE")
      ("dump", "write all objects as they are at the end, as YAML (-: to standard output)",
       cxxopts::value<std::string>(), "FILE")
      ("log", "what processes log from this level on stands in the timeline: debug, info, warning",
       cxxopts::value<std::string>()->default_value("warning"), "LEVEL")
      ("time-limit", "stop, undecided, after so many seconds of real time",
       cxxopts::value<double>(), "SECONDS")
      ("seed-bug", "switch a seeded bug on (test builds only)", cxxopts::value<std::string>(), "NAME")
      ("scenario", "", cxxopts::value<std::string>())
      ("h,help", "show this");
  parser.parse_positional({"scenario"});

  Options options;
  std::map<std::string, std::string> settings;
  try {
    const auto args = parser.parse(argc, argv);
    if (args.count("help")) {
      std::fputs(parser.help().c_str(), stdout);
      return 0;
    }
    if (!args.unmatched().empty()) return bad("unexpected argument \"" + args.unmatched()[0] + "\"");
    if (!args.count("scenario")) return bad("which scenario? (keelson sim run SCENARIO.yaml)");
    options.invocation.scenario_file = args["scenario"].as<std::string>();
    if (args.count("set")) {
      for (const std::string& text : args["set"].as<std::vector<std::string>>()) {
        const auto equals = text.find('=');
        if (equals == std::string::npos) return bad("--set " + text + ": expected key=value");
        settings[text.substr(0, equals)] = text.substr(equals + 1);
      }
    }
    if (args.count("profile")) {
      const std::string profile = args["profile"].as<std::string>();
      if (profile != "kubernetes" && profile != "keelson") {
        return bad("--profile " + profile + ": expected kubernetes or keelson");
      }
      options.invocation.kubernetes_profile_flag = profile == "kubernetes";
    }
    options.jobs = std::clamp(args["jobs"].as<unsigned>(), 1u, 256u);
    if (args.count("json")) options.json = args["json"].as<std::string>();
    if (args.count("junit")) options.junit = args["junit"].as<std::string>();
    if (args.count("dump")) options.dump = args["dump"].as<std::string>();
    if (args.count("record")) options.record = args["record"].as<std::string>();
    if (args.count("time-limit")) options.time_limit = args["time-limit"].as<double>();
    if (args.count("seed-bug")) options.invocation.seed_bug = args["seed-bug"].as<std::string>();
    if (args.count("seeds")) {
      const auto seeds = parse_seeds(args["seeds"].as<std::string>());
      if (!seeds) return bad("--seeds " + args["seeds"].as<std::string>() + ": expected A..B");
      if (args.count("seed")) return bad("--seed and --seeds exclude each other");
      if (!options.record.empty()) return bad("--record goes with one seed");
      options.many = true;
      std::tie(options.first_seed, options.last_seed) = *seeds;
    }
    options.invocation.settings = settings;
    auto scenario = sim::load_scenario(options.invocation.scenario_file, settings);
    if (!scenario) {
      std::fprintf(stderr, "%s\n", scenario.error().message.c_str());
      return kBadUsage;
    }
    if (options.invocation.kubernetes_profile_flag) scenario->world.kubernetes_profile = true;
    const std::string level = args["log"].as<std::string>();
    if (level != "debug" && level != "info" && level != "warning") {
      return bad("--log " + level + ": expected debug, info or warning");
    }
    scenario->world.log_level = level == "debug"  ? Level::debug
                                : level == "info" ? Level::info
                                                  : Level::warning;
    if (args.count("profile") && !options.invocation.kubernetes_profile_flag) {
      scenario->world.kubernetes_profile = false;
    }
    if (!options.invocation.seed_bug.empty()) {
#ifdef KEELSON_SEEDED_BUGS
      const auto bug = seeded_bug(options.invocation.seed_bug);
      if (!bug) return bad("--seed-bug " + options.invocation.seed_bug + ": there is no such bug");
      active_seeded_bug = *bug;
#else
      return bad("this build has no seeded bugs (they are in the dev and test presets)");
#endif
    }
    if (!options.many) {
      options.first_seed = options.last_seed =
          args.count("seed") ? args["seed"].as<uint64_t>() : scenario->seed;
      options.verbose_progress = isatty(STDERR_FILENO) != 0;
      return run_one(*scenario, options);
    }
    if (sim::Workload probe(*scenario); !probe.status().ok()) return bad(probe.status().message());
    return run_many(*scenario, options);
  } catch (const cxxopts::exceptions::exception& e) {
    return bad(e.what());
  }
}

int sim_replay(int argc, char** argv) {
  if (argc != 2 || std::strcmp(argv[1], "--help") == 0) {
    std::fputs("keelson sim replay FILE.run: runs again what `keelson sim run --record FILE.run` "
               "recorded\nand says whether the same happened.\n",
               argc == 2 ? stdout : stderr);
    return argc == 2 ? 0 : kBadUsage;
  }
  const auto complain = [&](const std::string& what) {
    std::fprintf(stderr, "%s: %s\n", argv[1], what.c_str());
    return kBadUsage;
  };
  std::ifstream in(argv[1]);
  if (!in) return complain("cannot be read");
  std::stringstream text;
  text << in.rdbuf();
  boost::json::error_code error;
  const auto value = boost::json::parse(text.str(), error);
  if (error || !value.is_object()) return complain("is no recorded run");
  Options options;
  std::string scenario_text;
  uint64_t hash = 0;
  try {
    const auto& object = value.as_object();
    options.invocation.scenario_file = std::string(object.at("scenario").as_string());
    scenario_text = std::string(object.at("text").as_string());
    options.first_seed = options.last_seed = object.at("seed").to_number<uint64_t>();
    for (const auto& item : object.at("settings").as_object()) {
      options.invocation.settings[std::string(item.key())] = std::string(item.value().as_string());
    }
    options.invocation.kubernetes_profile_flag = object.at("kubernetesProfile").as_bool();
    options.invocation.seed_bug = std::string(object.at("seedBug").as_string());
    hash = object.at("hash").to_number<uint64_t>();
  } catch (const std::exception& e) {
    return complain(std::string("is no recorded run: ") + e.what());
  }
  auto scenario = sim::parse_scenario(scenario_text, options.invocation.scenario_file,
                                      options.invocation.settings);
  if (!scenario) return complain(scenario.error().message);
  scenario->world.kubernetes_profile |= options.invocation.kubernetes_profile_flag;
  if (!options.invocation.seed_bug.empty()) {
#ifdef KEELSON_SEEDED_BUGS
    const auto bug = seeded_bug(options.invocation.seed_bug);
    if (!bug) return complain("there is no seeded bug " + options.invocation.seed_bug);
    active_seeded_bug = *bug;
#else
    return complain("the run had a seeded bug; this build has none");
#endif
  }
  options.invocation.seed = options.first_seed;
  OneRun one(*scenario, options.first_seed, options);
  const sim::Verdict verdict = one.execute();
  std::fputs(sim::text_report(one.run(), options.invocation, one.wall()).c_str(), stdout);
  if (one.run().hash() != hash) {
    std::printf("\nNOT THE SAME  recorded hash %016llx: another version of Keelson or of the trace?\n",
                static_cast<unsigned long long>(hash));
    return 3;
  }
  std::puts("\nThe same as recorded.");
  return static_cast<int>(verdict);
}

}  // namespace keelson::cli
