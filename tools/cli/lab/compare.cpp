#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "core/base/hash.hpp"
#include "sim/lab/manifest.hpp"
#include "sim/lab/results.hpp"
#include "sim/report/report.hpp"
#include "sim/scenario/scenario.hpp"
#include "tools/cli/commands.hpp"
#include "tools/cli/lab/bench.hpp"
#include "tools/cli/lab/results.hpp"
#include "tools/cli/one_run.hpp"
#include "tools/cli/workers.hpp"

namespace keelson::cli {

namespace {

namespace fs = std::filesystem;

int complain(const std::string& message) {
  std::fprintf(stderr, "%s%s\n", message.starts_with("--") ? "keelson sim compare: " : "",
               message.c_str());
  return 2;
}

// A policy is a file if it looks like one.
bool names_file(const std::string& policy) {
  const std::string ending = fs::path(policy).extension().string();
  return policy.find('/') != std::string::npos || ending == ".yaml" || ending == ".yml" ||
         ending == ".json";
}

Status read_files(CompareOptions& options) {
  auto text = sim::read_text(options.request.file);
  if (!text) return text.error();
  options.request.text = std::move(*text);
  for (const std::string& policy : options.policies) {
    lab::PolicyChoice choice{policy, {}, {}};
    if (names_file(policy)) {
      auto configuration = sim::read_text(policy);
      if (!configuration) return configuration.error();
      choice = {fs::path(policy).stem().string(), policy, std::move(*configuration)};
    }
    options.request.policies.push_back(std::move(choice));
  }
  return {};
}

// What the policies' files ask for without an effect, once for each.
void say_notes(const lab::Plan& plan) {
  for (const lab::Variant& variant : plan.variants) {
    if (variant.settings != plan.variants.front().settings) break;
    for (const std::string& note : variant.notes) {
      std::fprintf(stderr, "keelson: %s: %s\n", variant.source.c_str(), note.c_str());
    }
  }
}

// All arguments but those that say where, how fast and which part.
std::vector<std::string> arguments(const CompareOptions& options, const lab::Plan& plan,
                                   const std::string& folder) {
  const auto placed = [&](const std::string& file) {
    return folder.empty() ? file : folder + "/" + fs::path(file).filename().string();
  };
  std::vector<std::string> out{"sim", "compare", placed(options.request.file), "--policies"};
  std::string policies;
  for (const lab::Variant& variant : plan.variants) {
    if (variant.settings != plan.variants.front().settings) break;
    std::string name = variant.policy;
    for (const lab::PolicyChoice& choice : options.request.policies) {
      if (choice.name == variant.policy && !choice.file.empty()) name = placed(choice.file);
    }
    policies += (policies.empty() ? "" : ",") + name;
  }
  out.insert(out.end(), {policies, "--seeds",
                         std::to_string(plan.first_seed) + ".." + std::to_string(plan.last_seed)});
  if (options.request.lenient) out.emplace_back("--lenient");
  for (const auto& [key, value] : options.request.settings)
    out.insert(out.end(), {"--set", key + "=" + value});
  for (const lab::Sweep& sweep : options.request.sweeps) {
    std::string values;
    for (const std::string& value : sweep.values) values += (values.empty() ? "" : ",") + value;
    out.insert(out.end(), {"--sweep", sweep.name + "=" + values});
  }
  return out;
}

lab::Plan plan_of(const CompareOptions& options, const std::vector<lab::Contender>& contenders) {
  lab::Plan plan;
  const lab::ExperimentFile& experiment = contenders.front().experiment;
  plan.name = experiment.name;
  plan.description = experiment.description;
  for (const lab::Contender& contender : contenders) plan.variants.push_back(contender.variant);
  std::tie(plan.first_seed, plan.last_seed) = options.seeds.value_or(experiment.seeds);
  plan.command = "keelson";
  for (const std::string& word : arguments(options, plan, ""))
    plan.command += " " + sim::shell_word(word);
  return plan;
}

int print_manifest(const CompareOptions& options, const lab::Plan& plan) {
  lab::ManifestOptions manifest;
  manifest.name = plan.name;
  manifest.image = options.image;
  manifest.shards = static_cast<int>(options.manifest);
  manifest.runs = plan.runs();
  if (options.manifest > plan.runs()) {
    return complain("--manifest: " + std::to_string(options.manifest) + " shards for " +
                    std::to_string(plan.runs()) + " runs; take at most as many");
  }
  manifest.arguments = arguments(options, plan, lab::kMountedAt);
  manifest.files.emplace_back(fs::path(options.request.file).filename().string(),
                              options.request.text);
  for (const lab::PolicyChoice& choice : options.request.policies) {
    if (choice.file.empty()) continue;
    const std::string name = fs::path(choice.file).filename().string();
    const bool taken = std::any_of(manifest.files.begin(), manifest.files.end(),
                                   [&](const auto& f) { return f.first == name; });
    if (taken) return complain("--manifest: two files are called " + name);
    manifest.files.emplace_back(name, choice.configuration);
  }
  const auto text = lab::shard_manifest(manifest);
  if (!text) return complain(text.error().message);
  std::fputs(text->c_str(), stdout);
  return 0;
}

// Runs what the shard has to run. Error: of an experiment; it is the same for all, so the first
// ends it.
Result<lab::Study> run(const lab::Plan& plan, Bench& bench, const CompareOptions& options) {
  const Shard shard = options.shard.value_or(Shard{});
  const std::vector<std::size_t> mine = plan.shard(shard.index, shard.count);
  const auto number = [&](uint64_t task) { return mine[static_cast<std::size_t>(task)]; };
  lab::Study study{plan, {}};
  std::optional<Error> failed;
  const auto work = [&](uint64_t task) {
    lab::StudyRun run{number(task), {}};
    auto outcome = bench.run(plan.variant_of(run.number), plan.seed_of(run.number));
    if (!outcome) {
      std::string line = "!" + outcome.error().message;
      std::replace(line.begin(), line.end(), '\n', ' ');
      return line;
    }
    run.outcome = std::move(*outcome);
    return lab::to_json(run);
  };
  const auto done = [&](const TaskEnd& end) {
    const std::size_t n = number(end.task);
    const std::string who =
        lab::label_of(plan, plan.variant_of(n)) + ", seed " + std::to_string(plan.seed_of(n));
    if (!end.failure.empty()) {
      std::fprintf(stderr, "keelson: %s: %s\n", who.c_str(), end.failure.c_str());
      return;
    }
    if (end.line.starts_with("!")) {
      if (!failed) failed = Error{Code::invalid, who + ": " + end.line.substr(1)};
      interrupt();
      return;
    }
    auto run = lab::read_run(end.line);
    if (run)
      study.runs.push_back(std::move(*run));
    else
      std::fprintf(stderr, "keelson: %s: what its process sent %s\n", who.c_str(),
                   run.error().message.c_str());
  };
  run_tasks({mine.size(), options.jobs, "runs", /*patient=*/false, options.quiet}, work, done);
  if (failed) return *failed;
  std::sort(study.runs.begin(), study.runs.end(),
            [](const lab::StudyRun& a, const lab::StudyRun& b) { return a.number < b.number; });
  return study;
}

// A part is for merging: no table is made of it.
int publish_part(const lab::Study& study, const CompareOptions& options) {
  const std::size_t total = study.plan.runs();
  const Shard& shard = *options.shard;
  const std::size_t mine = study.plan.shard(shard.index, shard.count).size();
  if (!options.quiet) {
    std::fprintf(stderr, "shard %zu/%zu: %zu of its %zu runs (%zu in all)\n", shard.index,
                 shard.count, study.runs.size(), mine, total);
  }
  const int code = publish(study, options.outputs, false);
  return code == 3 && study.runs.size() == mine ? 0 : code;
}

}  // namespace

int sim_compare(int argc, char** argv) {
  auto read = read_compare_options(argc, argv);
  if (!read) {
    std::fprintf(stderr, "keelson sim compare: %s\n", read.error().message.c_str());
    return 2;
  }
  if (!*read) return 0;  // the help
  CompareOptions& options = **read;
  if (const auto ok = read_files(options); !ok) return complain(ok.message());
  auto contenders = lab::line_up(options.request);
  if (!contenders) return complain(contenders.error().message);
  lab::Plan plan = plan_of(options, *contenders);
  say_notes(plan);
  if (options.manifest > 0) return print_manifest(options, plan);
  if (plan.variants.size() > 10'000'000 / plan.seeds())
    return complain("--seeds: more than ten million runs");

  auto bench = Bench::make(std::move(*contenders), plan.first_seed, options.quiet);
  if (!bench) return complain(bench.error().message);
  plan.workload = bench->description();
  Digest inputs;
  inputs.add(bench->inputs());
  for (const lab::PolicyChoice& choice : options.request.policies) {
    if (!choice.file.empty()) inputs.add(choice.configuration);
  }
  plan.inputs = inputs.value();
  if (const auto ok = check_outputs(options.outputs); !ok)
    return complain("keelson sim compare: " + ok.message());

  stop_on_interrupt();
  const auto study = run(plan, *bench, options);
  if (!study) return complain(study.error().message);
  return options.shard ? publish_part(*study, options) : publish(*study, options.outputs, true);
}

}  // namespace keelson::cli
