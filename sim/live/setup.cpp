#include "sim/live/setup.hpp"

#include <boost/json.hpp>

#include "sim/scenario/scenario.hpp"

namespace keelson::sim {

namespace json = boost::json;

namespace {

// A recording of another format is refused instead of misread.
constexpr int64_t kFormat = 1;
constexpr std::string_view kFirst = "{\"keelsonLive\":";

}  // namespace

Result<WorldOptions> world_options(const Setup& setup, const std::string& source) {
  auto scenario = parse_scenario(setup.cluster, source, {});
  if (!scenario) return scenario.error();
  WorldOptions world = std::move(scenario->world);
  world.seed = setup.seed;
  world.epoch = setup.epoch;
  world.runtime.runs_commands = true;
  return world;
}

std::string to_line(const Setup& setup) {
  json::object out;
  out["keelsonLive"] = kFormat;
  out["keelson"] = setup.version;
  out["seed"] = setup.seed;
  out["epoch"] = setup.epoch.unix_ns;
  out["cluster"] = setup.cluster;
  out["ca"] = setup.ca_pem;
  out["address"] = setup.address;
  return json::serialize(out) + "\n";
}

bool is_live_recording(std::string_view text) {
  return text.starts_with(kFirst);
}

Result<Setup> parse_setup(const std::string& line) {
  json::error_code error;
  const json::value value = json::parse(line, error);
  if (error || !value.is_object()) return Error{Code::invalid, "is no recorded session"};
  Setup setup;
  try {
    const json::object& object = value.as_object();
    if (object.at("keelsonLive").to_number<int64_t>() != kFormat) {
      return Error{Code::invalid, "was recorded by another version of Keelson, in another format"};
    }
    setup.version = object.at("keelson").as_string();
    setup.seed = object.at("seed").to_number<uint64_t>();
    setup.epoch.unix_ns = object.at("epoch").to_number<int64_t>();
    setup.cluster = object.at("cluster").as_string();
    setup.ca_pem = object.at("ca").as_string();
    setup.address = object.at("address").as_string();
  } catch (const std::exception& e) {
    return Error{Code::invalid, std::string("is no recorded session: ") + e.what()};
  }
  return setup;
}

}  // namespace keelson::sim
