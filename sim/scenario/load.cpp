#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/base/seeded_bug.hpp"
#include "sim/scenario/document.hpp"
#include "sim/scenario/parts.hpp"

namespace keelson::sim {

namespace {

Expectation read_expectation(MapReader map) {
  Expectation expect;
  expect.bug = map.text("bug");
  expect.violates = map.texts("violates");
  std::string known;
  bool found = false;
  for (const SeededBugName& bug : kSeededBugs) {
    known += (known.empty() ? "" : ", ") + std::string(bug.name);
    found = found || bug.name == expect.bug;
  }
  if (!found) map.fail("bug", "\"" + expect.bug + "\" is no seeded bug; known: " + known);
  if (expect.violates.empty()) map.fail("violates", "which guarantee must fire?");
  map.done();
  return expect;
}

void read_all(MapReader& map, Scenario& s, ReadErrors& errors) {
  map.raw("parameters");  // done before
  s.name = map.text("name");
  if (s.name.empty()) map.fail("name", "a scenario needs a name");
  s.description = map.text("description");
  s.seed = static_cast<uint64_t>(map.integer("seed", 1, 0, INT64_MAX));
  s.duration = map.duration("duration", s.duration);
  s.converge = map.duration("converge", s.converge);
  s.quiet = map.duration("quiet", s.quiet);
  s.recheck_every = map.duration("recheckEvery", s.recheck_every);
  s.quiet_timeline = map.boolean("quietTimeline", false);
  s.follow = map.texts("follow");
  const std::string profile = map.text("profile", "keelson");
  s.world.kubernetes_profile = profile == "kubernetes";
  if (profile != "kubernetes" && profile != "keelson") {
    map.fail("profile", "\"" + profile + "\" is neither keelson nor kubernetes");
  }
  if (auto expect = map.map("expect")) s.expect = read_expectation(*expect);
  if (auto cluster = map.map("cluster")) read_cluster(*cluster, s.world);
  map.each_named("images", [&](const std::string& name, MapReader image) {
    if (name == "default") {
      s.world.runtime.fallback = read_image(std::move(image));
    } else {
      s.world.runtime.images[name] = read_image(std::move(image));
    }
  });
  s.manifests = read_manifest(map, "manifests", errors.file());
  map.each("generate", [&](MapReader g) {
    s.generators.push_back(read_generator(g));
    if (s.generators.back().over > s.duration) g.fail("over", "is longer than `duration`");
  });
  // The nodes of a trace are not known yet: its files are read when the run begins.
  const bool trace = map.has("trace");
  map.each("timeline", [&](MapReader entry) {
    TimedAction timed;
    timed.at = entry.duration("at", Duration::zero());
    if (!entry.has("at")) entry.fail("at", "when?");
    if (timed.at > s.duration) {
      entry.fail("at", "comes after the end of `duration`, when faults stop and users rest");
    }
    if (entry.has("fault")) {
      timed.fault = read_fault(entry, errors);
      if (auto ok = check_fault(*timed.fault, s.world, trace); !ok) entry.fail("fault", ok.message());
    } else if (entry.has("do")) {
      timed.action = read_action(entry, errors);
    } else {
      entry.fail("at", "neither `do` nor `fault`");
    }
    entry.done();
    s.timeline.push_back(std::move(timed));
  });
  map.each("faults", [&](MapReader entry) {
    FaultRate rate;
    rate.fault = read_fault(entry, errors);
    int64_t nodes = 0;
    for (const NodePool& pool : s.world.pools) nodes += pool.count;
    rate.mean = read_rate(entry, 1min, "node", nodes);
    rate.from = entry.duration("from", Duration::zero());
    if (entry.has("until")) rate.until = entry.duration("until", Duration::zero());
    if (rate.from > rate.until.value_or(s.duration)) entry.fail("from", "would never begin");
    if (auto ok = check_fault(rate.fault, s.world, trace); !ok) entry.fail("fault", ok.message());
    entry.done();
    s.fault_rates.push_back(std::move(rate));
  });
  if (auto churn = map.map("churn")) s.churn = read_churn(*churn, s.generators);
  map.each("traffic", [&](MapReader t) { s.traffic.push_back(read_traffic(std::move(t))); });
  if (auto trace = map.map("trace")) {
    s.trace.format = trace->text("format");
    s.trace.directory = trace->text("directory");
    s.trace.pods = trace->text("pods", s.trace.pods);
    s.trace.nodes = trace->text("nodes", s.trace.nodes);
    s.trace.speed = trace->integer("speed", 1, 1, 1'000'000);
    s.trace.limit = trace->integer("limit", 0, 0, INT64_MAX);
    if (s.trace.format != "openb") trace->fail("format", "known: openb");
    if (s.trace.directory.empty()) {
      trace->fail("directory", "where is the trace? For this file: --set trace=DIR");
    }
    trace->done();
  }
  map.done();
  std::stable_sort(s.timeline.begin(), s.timeline.end(),
                   [](const TimedAction& a, const TimedAction& b) { return a.at < b.at; });
}

std::vector<Variant> read_variants(MapReader& map,
                                   const std::map<std::string, std::string>& parameters) {
  std::vector<Variant> variants;
  std::set<std::string> names;
  map.each("variants", [&](MapReader entry) {
    Variant variant;
    variant.name = entry.text("name");
    if (variant.name.empty()) entry.fail("name", "a variant needs a name");
    if (!names.insert(variant.name).second) entry.fail("name", "another variant is called so");
    for (auto& [name, value] : entry.pairs("set")) {
      if (!parameters.contains(name)) entry.fail("set", "there is no parameter \"" + name + "\"");
      variant.settings[name] = value;
    }
    entry.done();
    variants.push_back(std::move(variant));
  });
  return variants;
}

}  // namespace

Result<Scenario> parse_scenario(const std::string& text, const std::string& file,
                                const std::map<std::string, std::string>& settings) {
  const auto document = read_document(text, file, settings);
  if (!document) return document.error();

  ReadErrors errors(file);
  Scenario scenario;
  scenario.file = file;
  try {
    MapReader map(document->root, "", errors);
    scenario.variants = read_variants(map, document->parameters);
    read_all(map, scenario, errors);
  } catch (const YAML::Exception& e) {
    return Error{Code::invalid, file + ":" + std::to_string(e.mark.line + 1) + ": " + e.msg};
  }
  if (!errors.empty()) return errors.error();
  if (Status read = read_scheduler(document->text, file, document->root, scenario.world); !read) {
    return read.error();
  }
  return scenario;
}

Result<FaultSpec> parse_fault(const std::string& text, const std::string& source) {
  auto root = parse_yaml(text, source);
  if (!root) return root.error();
  ReadErrors errors(source);
  FaultSpec fault;
  try {
    MapReader map(*root, "", errors);
    fault = read_fault(map, errors);
    map.done();
  } catch (const YAML::Exception& e) {
    return Error{Code::invalid, source + ":" + std::to_string(e.mark.line + 1) + ": " + e.msg};
  }
  if (!errors.empty()) return errors.error();
  return fault;
}

Result<std::string> read_text(const std::string& file) {
  std::error_code ignored;
  std::ifstream in(file, std::ios::binary);
  // A folder can be opened, but not read.
  if (!in || std::filesystem::is_directory(file, ignored)) {
    return Error{Code::invalid, file + ": cannot be read"};
  }
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

Result<Scenario> load_scenario(const std::string& file,
                               const std::map<std::string, std::string>& settings) {
  const auto text = read_text(file);
  if (!text) return text.error();
  return parse_scenario(*text, file, settings);
}

}  // namespace keelson::sim
