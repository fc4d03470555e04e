#include "tools/cli/lab/options.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cxxopts.hpp>

#include "sim/scenario/seeds.hpp"
#include "tools/cli/output_file.hpp"

namespace keelson::cli {

namespace {

Error bad(std::string message) {
  return {Code::invalid, std::move(message)};
}

void add_outputs(cxxopts::Options& parser) {
  parser.add_options()(
      "json", "write the plan, the statistics and all values of every run (-: to standard output)",
      cxxopts::value<std::string>(),
      "FILE")("csv", "write a line per run and metric (-: to standard output)",
              cxxopts::value<std::string>(), "FILE")("report", "write a report as one HTML page",
                                                     cxxopts::value<std::string>(), "FILE");
}

cxxopts::Options compare_parser() {
  cxxopts::Options parser(
      "keelson sim compare",
      "Plays a workload under several scheduling policies and says by how much they differ, and "
      "how sure\n"
      "that is. Exit codes: 0 all was run, 2 bad usage or input, 3 not all was run.\n");
  parser.positional_help("EXPERIMENT.yaml");
  parser.add_options()("policies",
                       "the policies to be compared, the first is the baseline: names (or all), or "
                       "files with a KubeSchedulerConfiguration",
                       cxxopts::value<std::string>(), "A,B,...")(
      "seeds", "every policy sees the same workload with the same seed (default: the experiment's)",
      cxxopts::value<std::string>(),
      "A..B")("jobs", "processes, 1 to 256", cxxopts::value<unsigned>()->default_value("1"), "N")(
      "set", "set a parameter of the experiment (repeatable)",
      cxxopts::value<std::vector<std::string>>(),
      "key=value")("sweep",
                   "repeat it with each of the values: of a parameter, nodes, "
                   "percentageOfNodesToScore, weight.PLUGIN (repeatable: all combinations)",
                   cxxopts::value<std::vector<std::string>>(), "NAME=a,b,...");
  parser.add_options()("lenient",
                       "rows of the trace that cannot be used are counted and left out");
  add_outputs(parser);
  parser.add_options()("shard",
                       "run only part I (from 0) of N; keelson sim merge puts the parts together",
                       cxxopts::value<std::string>(), "I/N")("quiet", "no progress, only errors")(
      "manifest", "print a Job that runs N shards on a cluster, instead of running anything",
      cxxopts::value<unsigned>(),
      "N")("image", "of the Job's containers: has keelson, and the trace",
           cxxopts::value<std::string>()->default_value("keelson"),
           "IMAGE")("experiment", "", cxxopts::value<std::string>())("h,help", "show this");
  parser.parse_positional({"experiment"});
  return parser;
}

cxxopts::Options merge_parser() {
  cxxopts::Options parser("keelson sim merge",
                          "Puts the parts of one study together (keelson sim compare --shard I/N "
                          "--json PART.json). Exit codes: 0\n"
                          "complete, 2 bad usage or input, 3 runs are missing.\n");
  parser.positional_help("PART.json...");
  add_outputs(parser);
  parser.add_options()("parts", "", cxxopts::value<std::vector<std::string>>())("h,help",
                                                                                "show this");
  parser.parse_positional({"parts"});
  return parser;
}

std::string text_of(const cxxopts::ParseResult& args, const char* name) {
  return args.count(name) ? args[name].as<std::string>() : std::string();
}

Result<Outputs> read_outputs(const cxxopts::ParseResult& args) {
  Outputs outputs{text_of(args, "json"), text_of(args, "csv"), text_of(args, "report")};
  const auto files = outputs.files();
  if (std::count_if(files.begin(), files.end(), [](const auto* f) { return *f == "-"; }) > 1) {
    return bad("standard output takes only one of --json, --csv and --report");
  }
  return outputs;
}

Result<Shard> parse_shard(const std::string& text) {
  const auto slash = text.find('/');
  Shard shard;
  const auto number = [](std::string_view s, std::size_t* out) {
    const auto end = std::from_chars(s.data(), s.data() + s.size(), *out);
    return !s.empty() && end.ec == std::errc{} && end.ptr == s.data() + s.size();
  };
  const std::string_view whole = text;
  if (slash == std::string::npos || !number(whole.substr(0, slash), &shard.index) ||
      !number(whole.substr(slash + 1), &shard.count) || shard.count > 1'000'000 ||
      shard.index >= shard.count) {
    return bad("--shard " + text + ": expected I/N, with I from 0 to N-1");
  }
  return shard;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    out.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return out;
}

Status read_request(const cxxopts::ParseResult& args, CompareOptions& options) {
  options.request.file = text_of(args, "experiment");
  options.request.lenient = args.count("lenient") > 0;
  if (args.count("policies")) options.policies = split(text_of(args, "policies"));
  for (const std::string& name : options.policies) {
    if (name.empty()) return bad("--policies " + text_of(args, "policies") + ": a name is empty");
  }
  if (args.count("set")) {
    for (const std::string& item : args["set"].as<std::vector<std::string>>()) {
      const auto equals = item.find('=');
      if (equals == std::string::npos || equals == 0)
        return bad("--set " + item + ": expected key=value");
      options.request.settings[item.substr(0, equals)] = item.substr(equals + 1);
    }
  }
  return {};
}

Result<CompareOptions> read(const cxxopts::ParseResult& args,
                            const std::vector<std::string>& sweeps) {
  CompareOptions options;
  if (!args.unmatched().empty()) return bad("unexpected argument \"" + args.unmatched()[0] + "\"");
  if (!args.count("experiment"))
    return bad("which experiment? (keelson sim compare EXPERIMENT.yaml)");
  if (const auto ok = read_request(args, options); !ok) return ok.error();
  for (const std::string& text : sweeps) {
    auto sweep = lab::parse_sweep(text);
    if (!sweep) return sweep.error();
    options.request.sweeps.push_back(std::move(*sweep));
  }
  if (args.count("seeds")) {
    options.seeds = sim::parse_seeds(text_of(args, "seeds"));
    if (!options.seeds) {
      return bad("--seeds " + text_of(args, "seeds") +
                 ": expected A..B with A <= B, at most ten million of them");
    }
  }
  options.quiet = args.count("quiet") > 0;
  options.jobs = args["jobs"].as<unsigned>();
  if (options.jobs < 1 || options.jobs > 256) return bad("--jobs: expected a number from 1 to 256");
  if (args.count("shard")) {
    const auto shard = parse_shard(text_of(args, "shard"));
    if (!shard) return shard.error();
    options.shard = *shard;
    if (!args.count("json")) return bad("--shard needs --json: a part is merged from its file");
  }
  if (args.count("manifest")) {
    options.manifest = args["manifest"].as<unsigned>();
    if (options.manifest < 1 || options.manifest > 10'000)
      return bad("--manifest: expected a number from 1 to 10000");
    options.image = args["image"].as<std::string>();
  }
  auto outputs = read_outputs(args);
  if (!outputs) return outputs.error();
  options.outputs = std::move(*outputs);
  return options;
}

// Values of --sweep hold commas, at which cxxopts would split them: they are taken out before.
std::vector<std::string> take_sweeps(std::vector<char*>& args) {
  std::vector<std::string> sweeps;
  for (std::size_t i = 1; i < args.size();) {
    const std::string_view word = args[i];
    if (word == "--sweep" && i + 1 < args.size()) {
      sweeps.emplace_back(args[i + 1]);
      args.erase(args.begin() + static_cast<std::ptrdiff_t>(i),
                 args.begin() + static_cast<std::ptrdiff_t>(i) + 2);
    } else if (word.starts_with("--sweep=")) {
      sweeps.emplace_back(word.substr(8));
      args.erase(args.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
  return sweeps;
}

}  // namespace

Result<std::optional<CompareOptions>> read_compare_options(int argc, char** argv) {
  cxxopts::Options parser = compare_parser();
  std::vector<char*> words(argv, argv + argc);
  const std::vector<std::string> sweeps = take_sweeps(words);
  try {
    const auto args = parser.parse(static_cast<int>(words.size()), words.data());
    if (args.count("help")) {
      std::fputs(parser.help().c_str(), stdout);
      return std::optional<CompareOptions>();
    }
    auto options = read(args, sweeps);
    if (!options) return options.error();
    return std::optional(std::move(*options));
  } catch (const cxxopts::exceptions::exception& e) {
    return bad(e.what());
  }
}

Result<std::optional<MergeOptions>> read_merge_options(int argc, char** argv) {
  cxxopts::Options parser = merge_parser();
  try {
    const auto args = parser.parse(argc, argv);
    if (args.count("help")) {
      std::fputs(parser.help().c_str(), stdout);
      return std::optional<MergeOptions>();
    }
    MergeOptions options;
    if (!args.count("parts")) return bad("which parts? (keelson sim merge PART.json...)");
    options.parts = args["parts"].as<std::vector<std::string>>();
    auto outputs = read_outputs(args);
    if (!outputs) return outputs.error();
    options.outputs = std::move(*outputs);
    return std::optional(std::move(options));
  } catch (const cxxopts::exceptions::exception& e) {
    return bad(e.what());
  }
}

}  // namespace keelson::cli
