#include "sim/lab/experiment_file.hpp"

#include <filesystem>

#include "sim/scenario/document.hpp"
#include "sim/scenario/seeds.hpp"

namespace keelson::lab {

namespace {

constexpr int64_t kFileLoadMax = 100'000;  // %: far beyond what anybody asks of a cluster

void read_arrivals(sim::MapReader& map, ExperimentOptions& options) {
  options.load_percent = map.integer("load", options.load_percent, 0, kFileLoadMax);
  options.shuffle = map.boolean("shuffle", options.shuffle);
}

void read_timed(sim::MapReader& map, ExperimentOptions& options) {
  if (map.has("for")) options.length = map.duration("for", Duration::zero());
  map.raw("for");
  if (auto power = map.map("power")) {
    options.power = PowerModel{power->integer("idleWatts", 0, 0, 1'000'000),
                               power->integer("peakWatts", 0, 0, 1'000'000)};
    if (options.power->peak_w < options.power->idle_w) power->fail("peakWatts", "is below idleWatts");
    power->done();
  }
}

void read_section(sim::MapReader map, ExperimentFile& into) {
  ExperimentOptions& options = into.options;
  const std::string kind = map.text("kind");
  if (kind == "arrivals") {
    options.kind = ExperimentOptions::Kind::arrivals;
    read_arrivals(map, options);
  } else if (kind == "timed") {
    options.kind = ExperimentOptions::Kind::timed;
    read_timed(map, options);
  } else if (kind == "compaction") {
    options.kind = ExperimentOptions::Kind::compaction;
    options.trials = static_cast<int>(map.integer("trials", options.trials, 1, 1000));
    options.pending_milli = map.ppm("pending", static_cast<uint32_t>(options.pending_milli * 1000)) / 1000;
  } else {
    map.fail("kind", kind.empty() ? "what is it? arrivals, timed or compaction"
                                  : "\"" + kind + "\" is none of arrivals, timed, compaction");
  }
  options.percentage_of_nodes_to_score = static_cast<int32_t>(
      map.integer("percentageOfNodesToScore", options.percentage_of_nodes_to_score, 0, 100));
  into.policies = map.texts("policies");
  if (const auto seeds = map.maybe_text("seeds")) {
    const auto range = sim::parse_seeds(*seeds);
    if (range)
      into.seeds = *range;
    else
      map.fail("seeds", "\"" + *seeds + "\" is no A..B with A <= B, at most ten million of them");
  }
  map.done();
}

}  // namespace

Result<ExperimentFile> parse_experiment(const std::string& text, const std::string& file,
                                        const std::map<std::string, std::string>& settings,
                                        bool lenient) {
  auto document = sim::read_document(text, file, settings);
  if (!document) return document.error();
  ExperimentFile read;
  sim::ReadErrors errors(file);
  try {
    sim::MapReader map(document->root, "", errors);
    map.raw("parameters");  // done before
    read.name = map.text("name");
    if (read.name.empty()) map.fail("name", "an experiment needs a name");
    read.description = map.text("description");
    if (auto section = map.map("experiment")) {
      read_section(std::move(*section), read);
    } else {
      map.fail("experiment", map.has("cluster") || map.has("trace")
                                 ? "is missing: this is a scenario for keelson sim run"
                                 : "is missing: which kind is it?");
    }
    if (auto workload = map.map("workload")) {
      read.workload =
          read_workload(std::move(*workload), std::filesystem::path(file).parent_path().string(),
                        lenient);
    } else {
      map.fail("workload", "is missing: what is played?");
    }
    map.done();
  } catch (const YAML::Exception& e) {
    return Error{Code::invalid, file + ":" + std::to_string(e.mark.line + 1) + ": " + e.msg};
  }
  if (!errors.empty()) return errors.error();
  read.text = std::move(document->text);
  read.parameters = std::move(document->parameters);
  return read;
}

}  // namespace keelson::lab
