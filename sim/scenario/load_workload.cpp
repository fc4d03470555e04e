// What the cluster is given to do: deployments, changes to them, requests.
#include <algorithm>
#include <charconv>

#include "core/api/json.hpp"
#include "core/api/validation.hpp"
#include "sim/run/user.hpp"
#include "sim/scenario/parts.hpp"

namespace keelson::sim {

namespace {

constexpr int64_t kAmountMax = 1'000'000'000;

// "5" or "5..20".
Range range(MapReader& map, const std::string& field, Range fallback, int64_t high_max) {
  const auto text = map.maybe_text(field);
  if (!text) return fallback;
  const auto dots = text->find("..");
  const std::string low = text->substr(0, dots);
  const std::string high = dots == std::string::npos ? low : text->substr(dots + 2);
  Range value;
  const auto number = [](const std::string& s, int64_t* out) {
    const auto end = std::from_chars(s.data(), s.data() + s.size(), *out);
    return !s.empty() && end.ec == std::errc{} && end.ptr == s.data() + s.size();
  };
  if (!number(low, &value.low) || !number(high, &value.high) || value.low < 0 ||
      value.low > value.high) {
    map.fail(field, "\"" + *text + "\" is no range; write 5 or 5..20");
    return fallback;
  }
  if (value.high > high_max) {
    map.fail(field, "\"" + *text + "\" goes beyond " + std::to_string(high_max));
    return fallback;
  }
  return value;
}

// One of the family, as the API would judge it.
void check_generator(MapReader& map, const DeploymentGenerator& g) {
  if (g.images.empty()) return;
  Rng rng(1);
  const api::ObjectPtr object = generate_deployment(g, 1, rng);
  std::unique_ptr<api::Message> message(object->message().New());
  message->CopyFrom(object->message());
  api::apply_defaults(api::Kind::deployments, *message);
  complain(map, api::validate_create(api::Kind::deployments, *message));
}

}  // namespace

DeploymentGenerator read_generator(MapReader map) {
  DeploymentGenerator g;
  g.prefix = map.text("prefix", g.prefix);
  g.ns = map.text("namespace", g.ns);
  g.count = map.integer("deployments", 1, 0, 1'000'000);
  g.replicas = range(map, "replicas", g.replicas, kReplicasMax);
  if (map.has("images")) g.images = map.texts("images");
  if (g.images.empty()) map.fail("images", "must not be empty");
  g.cpu_milli = range(map, "cpuMilli", g.cpu_milli, kAmountMax);
  g.memory_mib = range(map, "memoryMi", g.memory_mib, kAmountMax);
  g.max_surge = map.text("maxSurge", g.max_surge);
  g.max_unavailable = map.text("maxUnavailable", g.max_unavailable);
  g.min_ready_seconds = map.integer("minReadySeconds", 0, 0, 3600);
  g.services = map.boolean("services", false);
  g.readiness_probe = map.boolean("readinessProbe", false);
  g.probe_period = map.integer("probePeriod", 5, 1, 3600);
  g.pre_stop_sleep = map.integer("preStopSleep", 0, 0, 3600);
  g.grace = map.integer("gracePeriod", 30, 0, 3600);
  g.over = map.duration("over", Duration::zero());
  check_generator(map, g);
  map.done();
  return g;
}

// The mean distance between two events, `every`. What is given `per` node or deployment shrinks with
// their number, so that a cluster of another size sees as much of it.
Duration read_rate(MapReader& map, Duration otherwise, const std::string& unit, int64_t units) {
  Duration every = map.duration("every", otherwise);
  const std::string per = map.text("per", "cluster");
  if (per == unit) {
    if (units == 0) map.fail("per", "there is no " + unit + " to count");
    every /= std::max<int64_t>(units, 1);
  } else if (per != "cluster") {
    map.fail("per", "\"" + per + "\" is neither cluster nor " + unit);
  }
  if (every < 1ms) map.fail("every", "must be at least 1ms");
  return every;
}

Churn read_churn(MapReader map, const std::vector<DeploymentGenerator>& generators) {
  Churn churn;
  int64_t deployments = 0;
  for (const DeploymentGenerator& generator : generators) deployments += generator.count;
  churn.every = read_rate(map, 1s, "deployment", deployments);
  churn.from = map.duration("from", Duration::zero());
  const auto weight = [&](const char* field) {
    return static_cast<uint32_t>(map.integer(field, 0, 0, 1'000));
  };
  churn.create = weight("create");
  churn.scale = weight("scale");
  churn.roll = weight("roll");
  churn.remove = weight("delete");
  churn.undo = weight("undo");
  churn.replicas = range(map, "replicas", {1, 10}, kReplicasMax);
  if (churn.create + churn.scale + churn.roll + churn.remove + churn.undo == 0) {
    map.fail("every", "churn needs a weight for at least one of create, scale, roll, delete, undo");
  }
  map.done();
  return churn;
}

TrafficSpec read_traffic(MapReader map) {
  TrafficSpec traffic;
  traffic.ns = map.text("namespace", "default");
  traffic.service = map.text("service");
  if (traffic.service.empty()) map.fail("service", "which service? (\"*\": all of the namespace)");
  traffic.every = map.duration("every", traffic.every);
  if (traffic.every < 1ms) map.fail("every", "must be at least 1ms");
  traffic.port = map.integer("port", 80, 1, 65535);
  traffic.from = map.duration("from", Duration::zero());
  traffic.must_not_fail = map.boolean("mustNotFail", false);
  map.done();
  return traffic;
}

}  // namespace keelson::sim
