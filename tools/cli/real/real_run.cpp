// `keelson real run`: a scenario played against real hosts on this machine.
#include <cstdio>
#include <cstdlib>
#include <cxxopts.hpp>
#include <filesystem>
#include <fstream>

#include "core/base/rng.hpp"
#include "sim/report/report.hpp"
#include "sim/scenario/reader.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/one_run.hpp"
#include "tools/cli/prepare.hpp"
#include "tools/cli/real/beside.hpp"
#include "tools/cli/real/check.hpp"
#include "tools/cli/real/play.hpp"
#include "tools/cli/real/possible.hpp"

namespace keelson::cli {

namespace {

namespace fs = std::filesystem;

struct Options {
  sim::Invocation invocation;
  bool seed_given = false;
  bool beside = false;
  int repeat = 1;
  std::string json, images, record;
  std::string vary;  // the parameter; empty: none
  Duration vary_from{}, vary_to{};
};

cxxopts::Options make_parser() {
  cxxopts::Options parser(
      "keelson real run",
      "Plays a scenario in real time against real hosts: network namespaces on this machine, each with its\n"
      "own containerd, and a control plane with its own Redis. Needs root. What the scenario asks for and\n"
      "hosts on one machine cannot do is refused.\n");
  auto add = parser.add_options();
  add("beside", "run the simulator on the same file, too, and show both timelines' milestones side by side");
  add("repeat", "play it so many times on the same hosts, with as many seeds", cxxopts::value<int>()->default_value("1"), "N");
  add("vary", "a parameter that is a time gets another value for each seed (repeat 20, vary crash=5s..8s)",
      cxxopts::value<std::string>()->default_value(""), "KEY=FROM..TO");
  add("seed", "for what the scenario leaves open (default: the scenario's)", cxxopts::value<uint64_t>(), "N");
  add("set", "a value for one of the scenario's parameters (repeatable)",
      cxxopts::value<std::vector<std::string>>(), "KEY=VALUE");
  add("profile", "kubernetes or keelson: how fast nodes are given up (default: the scenario's)",
      cxxopts::value<std::string>()->default_value(""), "NAME");
  add("images", "the directory with the archives that tests/images/build makes (default: images beside this program)",
      cxxopts::value<std::string>()->default_value(""), "DIR");
  add("record", "keep the cluster's history in this directory, for keelson real check",
      cxxopts::value<std::string>()->default_value(""), "DIR");
  add("json", "write timelines and milestones as JSON; - for standard output, and nothing else there",
      cxxopts::value<std::string>()->default_value(""), "FILE");
  add("scenario", "", cxxopts::value<std::string>());
  add("h,help", "show this");
  parser.parse_positional({"scenario"});
  parser.positional_help("SCENARIO.yaml");
  return parser;
}

Error bad(std::string why) { return {Code::invalid, std::move(why)}; }

std::string this_program() {
  std::error_code ignored;
  return fs::read_symlink("/proc/self/exe", ignored).string();
}

Status read_vary(const std::string& text, Options& options) {
  if (text.empty()) return {};
  const auto equals = text.find('='), dots = text.find("..");
  const Error refused = bad("--vary " + text + ": expected KEY=FROM..TO with two times, as crash=5s..8s");
  if (equals == text.npos || equals == 0 || dots == text.npos || dots < equals) return refused;
  const auto from = sim::parse_duration(text.substr(equals + 1, dots - equals - 1));
  const auto to = sim::parse_duration(text.substr(dots + 2));
  if (!from || !to || *to < *from) return refused;
  options.vary = text.substr(0, equals);
  options.vary_from = *from;
  options.vary_to = *to;
  return {};
}

// The scenario of one of the runs.
Result<sim::Scenario> scenario_of(const Options& options, uint64_t seed) {
  auto settings = options.invocation.settings;
  if (!options.vary.empty()) {
    const int64_t ms = Rng(seed).fork("vary").between(options.vary_from.count() / 1'000'000,
                                                      options.vary_to.count() / 1'000'000);
    settings[options.vary] = std::to_string(ms) + "ms";
  }
  auto scenario = sim::load_scenario(options.invocation.scenario_file, settings);
  if (!scenario) return scenario;
  if (const auto ok = prepare(options.invocation, *scenario); !ok) return ok.error();
  return scenario;
}

Result<Options> read(const cxxopts::ParseResult& args) {
  Options options;
  sim::Invocation& invocation = options.invocation;
  if (!args.unmatched().empty()) return bad("unexpected argument \"" + args.unmatched()[0] + "\"");
  if (!args.count("scenario")) return bad("which scenario? (keelson real run SCENARIO.yaml)");
  invocation.scenario_file = args["scenario"].as<std::string>();
  if (args.count("set")) {
    for (const std::string& item : args["set"].as<std::vector<std::string>>()) {
      const auto equals = item.find('=');
      if (equals == std::string::npos || equals == 0) return bad("--set " + item + ": expected key=value");
      invocation.settings[item.substr(0, equals)] = item.substr(equals + 1);
    }
  }
  invocation.profile = args["profile"].as<std::string>();
  options.seed_given = args.count("seed") > 0;
  if (options.seed_given) invocation.seed = args["seed"].as<uint64_t>();
  options.beside = args.count("beside") > 0;
  options.repeat = args["repeat"].as<int>();
  if (options.repeat < 1 || options.repeat > 1000) return bad("--repeat: expected 1 to 1000");
  if (const auto ok = read_vary(args["vary"].as<std::string>(), options); !ok) return ok.error();
  options.json = args["json"].as<std::string>();
  options.record = args["record"].as<std::string>();
  options.images = args["images"].as<std::string>();
  if (options.images.empty()) options.images = fs::path(this_program()).parent_path() / "images";
  return options;
}

bool has_images(const std::string& directory) {
  std::error_code ignored;
  for (const auto& file : fs::directory_iterator(directory, ignored)) {
    if (file.path().extension() == ".tar") return true;
  }
  return false;
}

int complain(const std::string& why) {
  std::fprintf(stderr, "keelson real run: %s\n", why.c_str());
  return kBadUsage;
}

// What the cluster has left of its history, by the simulator's checks. 0: they held; 1: they did not; 3: it
// could not be read.
int judged(const Options& options, real::Play& play, bool quiet) {
  std::string dir = options.record;
  const bool kept = !dir.empty();
  if (!kept) {
    dir = fs::temp_directory_path() / "keelson-record-XXXXXX";
    if (::mkdtemp(dir.data()) == nullptr) dir.clear();
  }
  const Status recorded = play.record(dir);
  const auto judgement = recorded ? real::judge_directory(dir) : Result<sim::Judgement>(recorded.error());
  std::error_code ignored;
  if (!kept) fs::remove_all(dir, ignored);
  if (!judgement) {
    std::fprintf(stderr, "keelson real run: the history cannot be judged: %s\n", judgement.error().message.c_str());
    return 3;
  }
  if (!quiet) std::printf("\nThe recorded history\n%s", real::text_of(*judgement).c_str());
  else if (!judgement->held()) std::fputs(real::text_of(*judgement).c_str(), stderr);
  return judgement->held() ? 0 : 1;
}

// REQUIRES: a scenario for each of the seeds, of the same cluster.
int play(const Options& options, const std::vector<sim::Scenario>& scenarios) {
  const sim::Scenario& scenario = scenarios.front();
  const bool quiet = options.json == "-";
  const std::vector<std::string> differences = real::differences(scenario);
  real::Play play(scenario, {this_program(), options.images, ""});
  if (!quiet) {
    std::printf("%s, seed %llu, on real hosts: %s\n%zu nodes, %s profile\n", scenario.name.c_str(),
                static_cast<unsigned long long>(options.invocation.seed), scenario.description.c_str(),
                real::places(scenario).size(), scenario.world.kubernetes_profile ? "kubernetes" : "keelson");
    std::puts("\nNot as in the scenario");
    for (const std::string& one : differences) std::printf("  %s\n", one.c_str());
    std::fflush(stdout);
  }
  if (const std::string why = play.make(); !why.empty()) {
    std::fprintf(stderr, "keelson real run: the hosts could not be made: %s\n%s", why.c_str(),
                 play.logs().c_str());
    return 3;
  }
  std::vector<real::Played> real, simulated;
  for (int i = 0; i < options.repeat && !interrupted(); ++i) {
    const uint64_t seed = options.invocation.seed + static_cast<uint64_t>(i);
    if (!quiet) {
      std::printf("\n%s\n", options.repeat == 1 ? "Timeline" : ("Timeline, seed " + std::to_string(seed)).c_str());
      play.tell([](const sim::Note& note) {
        std::fputs(real::line_of(note).c_str(), stdout);
        std::fflush(stdout);
      });
    }
    real::Played& played = real.emplace_back();
    played.seed = seed;
    play.tell_instead(scenarios[static_cast<std::size_t>(i)]);
    played.history = play.run(seed, interrupted);
    played.chapters = real::chapters(scenarios[static_cast<std::size_t>(i)], played.history);
    played.history.changes.clear();
    if (!played.history.trouble.empty()) break;
    if (i + 1 == options.repeat) break;
    if (const std::string why = play.clean(); !why.empty()) {
      std::fprintf(stderr, "keelson real run: %s\n", why.c_str());
      break;
    }
  }
  if (options.beside) {
    for (std::size_t i = 0; i < real.size(); ++i) {
      simulated.push_back(real::simulate(real::twin_of(scenarios[i]), real[i].seed));
    }
  }
  if (!quiet) std::fputs(real::text_table(real, simulated).c_str(), stdout);
  bool well = static_cast<int>(real.size()) == options.repeat;
  for (const auto* runs : {&real, &simulated}) {
    for (const real::Played& run : *runs) {
      if (run.history.trouble.empty()) continue;
      well = false;
      std::fprintf(stderr, "%s, seed %llu: %s\n", runs == &real ? "real" : "simulated",
                   static_cast<unsigned long long>(run.seed), run.history.trouble.c_str());
    }
  }
  if (!options.json.empty()) {
    const std::string text = real::json_table(options.invocation, differences, real, simulated);
    if (quiet) {
      std::fwrite(text.data(), 1, text.size(), stdout);
    } else if (std::ofstream out(options.json); !(out << text).flush()) {
      return complain("cannot write " + options.json);
    }
  }
  const int verdict = judged(options, play, quiet);
  // A violation is the worse news.
  return verdict == 0 && !well ? 3 : verdict;
}

}  // namespace

int real(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "run") return real_run(argc - 1, argv + 1);
  if (what == "check") return real_check(argc - 1, argv + 1);
  std::fprintf(what == "--help" || what == "-h" ? stdout : stderr,
               "Usage: keelson real run SCENARIO.yaml [options]\n"
               "       keelson real check DIR | --store ADDRESS [options]\n");
  return what == "--help" || what == "-h" ? 0 : kBadUsage;
}

int real_run(int argc, char** argv) {
  Options options;
  cxxopts::Options parser = make_parser();
  try {
    const auto args = parser.parse(argc, argv);
    if (args.count("help")) {
      std::fputs(parser.help().c_str(), stdout);
      return 0;
    }
    auto given = read(args);
    if (!given) return complain(given.error().message);
    options = std::move(*given);
  } catch (const cxxopts::exceptions::exception& e) {
    return complain(e.what());
  }
  std::vector<sim::Scenario> scenarios;
  if (!options.seed_given) {
    const auto scenario = scenario_of(options, 1);
    if (!scenario) return complain(scenario.error().message);
    options.invocation.seed = scenario->seed;
  }
  for (int i = 0; i < options.repeat; ++i) {
    auto scenario = scenario_of(options, options.invocation.seed + static_cast<uint64_t>(i));
    if (!scenario) return complain(scenario.error().message);
    scenarios.push_back(std::move(*scenario));
  }
  if (const auto refused = real::impossible(scenarios.front()); !refused.empty()) {
    std::string all = "this cannot be played on real hosts:";
    for (const std::string& one : refused) all += "\n  " + one;
    all += "\nThe faults that can be played:";
    for (const real::RealFault& fault : real::real_faults()) all += " " + std::string(fault.name);
    return complain(all);
  }
  if (const std::string why = hosts::why_no_hosts(); !why.empty()) return complain(why);
  if (!has_images(options.images)) {
    return complain("there are no images in " + options.images + "; tests/images/build " + options.images +
                    " makes them");
  }
  if (!options.json.empty() && options.json != "-" && !std::ofstream(options.json, std::ios::app)) {
    return complain("cannot write " + options.json);
  }
  stop_on_interrupt();
  return play(options, scenarios);
}

}  // namespace keelson::cli
