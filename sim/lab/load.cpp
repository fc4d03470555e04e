#include "sim/lab/load.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "core/api/devices.hpp"
#include "core/api/quantity.hpp"
#include "core/api/validation.hpp"
#include "sim/lab/load_parts.hpp"
#include "sim/lab/readers/rows.hpp"

namespace keelson::lab {

namespace {

constexpr int64_t kNodesMax = 100'000;
constexpr int64_t kScaleMax = 1'000;

struct Format {
  const char* name;
  bool random;
  Loader (*read)(sim::MapReader&, const Common&);
};
constexpr Format kFormats[] = {
    {"openb", false, read_openb_files},
    {"alibaba-2017", false, read_alibaba_2017}, {"alibaba-2018", false, read_alibaba_2018},
    {"google-2011", false, read_google_2011},   {"azure-2020", false, read_azure_2020},
    {"swf", false, read_swf},                   {"dump", false, read_dump_file},
    {"generated", true, read_generated},        {"fitted", true, read_fitted},
};

int64_t read_amount(sim::MapReader& map, const std::string& field, int64_t fallback, bool milli) {
  const auto text = map.maybe_text(field);
  if (!text) return fallback;
  const auto amount = api::QuantityValue::parse(*text);
  if (!amount || amount->negative()) {
    map.fail(field, "\"" + *text + "\" is no amount; write one like 64, 500m or 256Gi");
    return fallback;
  }
  return milli ? amount->milli_value() : amount->value();
}

}  // namespace

std::string read_path(sim::MapReader& map, const std::string& field, const Common& common,
                      bool needed) {
  const std::string path = map.text(field);
  if (path.empty()) {
    if (needed) map.fail(field, "where is it?");
    return path;
  }
  if (common.folder.empty()) return path;
  return (std::filesystem::path(common.folder) / path).string();
}

int64_t read_decimal(sim::MapReader& map, const std::string& field, int digits, int64_t fallback,
                     int64_t low, int64_t high) {
  const auto text = map.maybe_text(field);
  if (!text) return fallback;
  int64_t unit = 1;
  for (int i = 0; i < digits; ++i) unit *= 10;
  const auto value = parse_decimal(*text, digits);
  if (value && *value >= low * unit && *value <= high * unit) return *value;
  map.fail(field, "\"" + *text + "\" is not a number from " + std::to_string(low) + " to " +
                      std::to_string(high));
  return fallback;
}

int64_t read_milli(sim::MapReader& map, const std::string& field, int64_t fallback) {
  return read_amount(map, field, fallback, true);
}

int64_t read_whole(sim::MapReader& map, const std::string& field, int64_t fallback) {
  return read_amount(map, field, fallback, false);
}

std::vector<NodeGroup> read_nodes(sim::MapReader& map) {
  std::vector<NodeGroup> groups;
  int64_t total = 0;
  map.each("nodes", [&](sim::MapReader node) {
    NodeGroup group;
    group.prefix = groups.empty() ? "node" : "group" + std::to_string(groups.size() + 1);
    group.prefix = node.text("prefix", group.prefix);
    group.count = node.integer("count", 1, 1, kNodesMax);
    group.zones = node.integer("zones", 0, 0, 1000);
    group.shape.cpu_milli = read_milli(node, "cpu", 0);
    group.shape.memory_bytes = read_whole(node, "memory", 0);
    if (const int64_t gpus = node.integer("gpus", 0, 0, api::kDevicesMax); gpus > 0) {
      group.shape.resources[api::kGpuResource] = gpus;
      group.shape.labels[api::kGpuModelLabel] = node.text("gpuModel", "generic");
    }
    node.raw("gpuModel");
    group.shape.pods_max = node.integer("pods", group.shape.pods_max, 1, 100'000);
    if (group.shape.cpu_milli == 0) node.fail("cpu", "how many has each node?");
    if (group.shape.memory_bytes == 0) node.fail("memory", "how much has each node?");
    for (const auto& pair : node.pairs("labels")) group.shape.labels[pair.first] = pair.second;
    if (auto further = node.map("resources")) {
      for (const auto& pair : node.pairs("resources")) {
        group.shape.resources[pair.first] = read_whole(*further, pair.first, 0);
      }
    }
    for (const std::string& why : api::check_dns1123_label(group.prefix)) node.fail("prefix", why);
    for (const NodeGroup& other : groups) {
      if (other.prefix == group.prefix) node.fail("prefix", "an earlier group is called so, too");
    }
    total += group.count;
    if (total > kNodesMax) node.fail("count", "more than " + std::to_string(kNodesMax) + " nodes");
    node.done();
    groups.push_back(std::move(group));
  });
  return groups;
}

Result<Loaded> adapted(Result<Loaded> loaded, const Common& common) {
  if (!loaded) return loaded;
  if (!common.nodes.empty()) loaded->workload.nodes = make_nodes(common.nodes);
  for (Arrival& arrival : loaded->workload.arrivals) {
    const __int128 at = static_cast<__int128>(arrival.at.count()) * 1000 / common.rate_milli;
    arrival.at = Duration(static_cast<int64_t>(std::min<__int128>(at, INT64_MAX / 4)));
  }
  return loaded;
}

WorkloadSpec read_workload(sim::MapReader map, const std::string& folder, bool lenient) {
  WorkloadSpec spec;
  Common common;
  common.folder = folder;
  common.nodes = read_nodes(map);
  common.lenient = map.boolean("lenient", false) || lenient;
  common.window.limit =
      static_cast<std::size_t>(map.integer("limit", 0, 0, kGeneratedPodsMax));
  if (auto window = map.map("window")) {
    common.window.from = window->duration("from", Duration::zero());
    if (window->has("for")) common.window.length = window->duration("for", Duration::zero());
    window->done();
  }
  common.rate_milli = read_decimal(map, "scale", 3, common.rate_milli, 0, kScaleMax);
  if (common.rate_milli == 0) map.fail("scale", "must be above 0");

  spec.format = map.text("format");
  const auto format = std::find_if(std::begin(kFormats), std::end(kFormats),
                                   [&](const Format& f) { return f.name == spec.format; });
  if (format == std::end(kFormats)) {
    std::string known;
    for (const Format& f : kFormats) known += (known.empty() ? "" : ", ") + std::string(f.name);
    map.fail("format", spec.format.empty() ? "what is it? One of " + known
                                           : "\"" + spec.format + "\" is none of " + known);
    return spec;
  }
  spec.random = format->random;
  spec.load = format->read(map, common);
  map.done();
  return spec;
}

}  // namespace keelson::lab
