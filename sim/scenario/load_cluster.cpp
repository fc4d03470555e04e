// Nodes, network, timings, store: what the simulated cluster is made of.
#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "core/api/quantity.hpp"
#include "core/api/validation.hpp"
#include "sim/scenario/parts.hpp"

namespace keelson::sim {

namespace {

// A node's number stands in its addresses as two bytes.
constexpr uint64_t kNodesMax = 65'000;
constexpr Duration kDelayMax = 1h;  // of a message, or of what a process sees

void read_quantities(MapReader& map, const std::string& field,
                     std::map<std::string, std::string>* into) {
  for (auto& [name, value] : map.pairs(field)) {
    const auto parsed = api::QuantityValue::parse(value);
    if (!parsed || parsed->negative()) {
      map.fail(field, name + ": " + (parsed ? "must not be negative" : parsed.error().message));
      continue;
    }
    for (const std::string& why : api::check_qualified_name(name)) map.fail(field, name + ": " + why);
    (*into)[name] = value;
  }
}

// Asks the API's own validation whether such a node could register, so that a mistake is named here and
// not seen as nodes that never come.
void check_pool(MapReader& map, const NodePool& pool) {
  api::Node node;
  node.mutable_metadata()->set_name(pool.prefix + "1");
  for (const auto& [key, value] : pool.labels) (*node.mutable_metadata()->mutable_labels())[key] = value;
  for (const api::Taint& taint : pool.taints) *node.mutable_spec()->add_taints() = taint;
  complain(map, api::validate_create(api::Kind::nodes, node));
  for (const std::string& zone : pool.zones) {
    for (const std::string& why : api::check_label_value(zone)) map.fail("zones", zone + ": " + why);
  }
}

NodePool read_pool(MapReader map) {
  NodePool pool;
  pool.prefix = map.text("prefix", "node-");
  pool.count = static_cast<uint32_t>(map.integer("count", 1, 0, 60'000));
  pool.zones = map.texts("zones");
  read_quantities(map, "capacity", &pool.capacity);
  if (pool.capacity.empty()) pool.capacity = {{"cpu", "4"}, {"memory", "16Gi"}};
  for (auto& [key, value] : map.pairs("labels")) pool.labels[key] = value;
  map.each("taints", [&](MapReader taint) {
    api::Taint& t = pool.taints.emplace_back();
    t.set_key(taint.text("key"));
    t.set_value(taint.text("value"));
    t.set_effect(taint.text("effect", "NoSchedule"));
    taint.done();
  });
  pool.max_pods = static_cast<int>(map.integer("maxPods", 110, 1, 10'000));
  check_pool(map, pool);
  map.done();
  return pool;
}

// Names must be unique over all pools: the prefix alone may differ and still clash ("n-" and "n-1").
void check_node_names(MapReader& map, const std::vector<NodePool>& pools) {
  uint64_t total = 0;
  for (const NodePool& pool : pools) total += pool.count;
  if (total > kNodesMax) {
    map.fail("pools", std::to_string(total) + " nodes are too many; at most " +
                          std::to_string(kNodesMax));
    return;
  }
  std::set<std::string> names;
  for (const NodePool& pool : pools) {
    for (uint32_t i = 1; i <= pool.count; ++i) {
      const std::string name = pool.prefix + std::to_string(i);
      if (names.insert(name).second) continue;
      map.fail("pools", "two nodes would be called " + name + "; give the pools other prefixes");
      return;
    }
  }
}

// "10.96.0.0/16"
void read_service_network(MapReader& map, WorldOptions& world) {
  const auto text = map.maybe_text("serviceNetwork");
  if (!text) return;
  const auto slash = std::min(text->find('/'), text->size());
  const std::string network = text->substr(0, slash);
  const char* end = text->data() + text->size();
  int prefix = 0;
  const auto read = std::from_chars(text->data() + std::min(slash + 1, text->size()), end, prefix);
  in_addr address{};
  if (inet_pton(AF_INET, network.c_str(), &address) != 1 || read.ec != std::errc{} ||
      read.ptr != end || prefix < 8 || prefix > 30) {
    return map.fail("serviceNetwork",
                    "\"" + *text + "\" is no network like 10.96.0.0/16 (/8 to /30)");
  }
  if ((ntohl(address.s_addr) & (UINT32_MAX >> prefix)) != 0) {
    return map.fail("serviceNetwork", "\"" + *text + "\" has bits beyond its prefix");
  }
  world.service_network = network;
  world.service_prefix = prefix;
}

}  // namespace

void complain(MapReader& map, const api::ApiError& error) {
  for (const api::Cause& cause : error.causes) map.fail_here(cause.field + ": " + cause.message);
}

void read_cluster(MapReader map, WorldOptions& world) {
  map.each("pools", [&](MapReader pool) { world.pools.push_back(read_pool(std::move(pool))); });
  check_node_names(map, world.pools);
  world.api_servers = static_cast<uint32_t>(map.integer("apiServers", 1, 1, 9));
  world.controller_managers = static_cast<uint32_t>(map.integer("controllerManagers", 2, 1, 9));
  world.schedulers = static_cast<uint32_t>(map.integer("schedulers", 2, 0, 9));
  read_service_network(map, world);
  for (const char* field : {"scheduler", "schedulerConfig"}) map.raw(field);  // load_scheduler.cpp
  const std::string proxies = map.text("proxies", "all");
  if (proxies != "all") {
    world.proxies = static_cast<uint32_t>(map.integer("proxies", 0, 0, UINT32_MAX));
  }
  world.record_normal_events = map.boolean("normalEvents", true);
  world.heartbeat = map.duration("heartbeat", world.heartbeat);
  if (map.has("heartbeat") && world.heartbeat < 100ms) map.fail("heartbeat", "must be at least 100ms");
  if (auto health = map.map("nodeHealth")) {
    if (health->has("witnesses")) world.node_health.witnesses = health->boolean("witnesses", false);
    if (health->has("grace")) {
      world.node_health.grace = health->duration("grace", 40s);
      if (*world.node_health.grace < 1s) health->fail("grace", "must be at least 1s");
    }
    if (health->has("tolerationSeconds")) {
      world.node_health.toleration_seconds =
          health->integer("tolerationSeconds", 300, 0, 1'000'000'000);
    }
    health->done();
  }
  if (auto network = map.map("network")) {
    world.network.delay_min = network->duration("delayMin", world.network.delay_min);
    world.network.delay_max = network->duration("delayMax", world.network.delay_max);
    if (world.network.delay_min > world.network.delay_max) {
      network->fail("delayMin", "must not be more than delayMax");
      world.network.delay_max = world.network.delay_min;
    }
    if (world.network.delay_max > kDelayMax) network->fail("delayMax", "must be at most 1h");
    network->done();
  }
  if (auto runtime = map.map("runtime")) {
    RuntimeModel& model = world.runtime;
    const auto range = [&](const std::string& low, const std::string& high, Duration* min, Duration* max) {
      *min = runtime->duration(low, *min);
      *max = runtime->duration(high, *max);
      if (*min > *max) runtime->fail(low, "must not be more than " + high);
      *max = std::max(*min, std::min(*max, kDelayMax));
    };
    range("sandboxMin", "sandboxMax", &model.sandbox_min, &model.sandbox_max);
    range("callMin", "callMax", &model.call_min, &model.call_max);
    runtime->done();
  }
  if (auto store = map.map("store")) {
    world.store.commit_min = store->duration("commitMin", world.store.commit_min);
    world.store.commit_max = store->duration("commitMax", world.store.commit_max);
    if (world.store.commit_min > world.store.commit_max) {
      store->fail("commitMin", "must not be more than commitMax");
      world.store.commit_max = world.store.commit_min;
    }
    if (world.store.commit_max > kDelayMax) store->fail("commitMax", "must be at most 1h");
    world.store.history.events_max = static_cast<std::size_t>(
        store->integer("events", static_cast<int64_t>(world.store.history.events_max), 10, 10'000'000));
    store->done();
  }
  map.done();
}

ImageBehaviour read_image(MapReader map) {
  ImageBehaviour image;
  image.pull = map.duration("pull", image.pull);
  image.start = map.duration("start", image.start);
  image.serves_after = map.duration("servesAfter", image.serves_after);
  image.runs_for = map.duration("runsFor", image.runs_for);
  image.exit_code = static_cast<int32_t>(map.integer("exitCode", 0, 0, 255));
  image.drains_for = map.duration("drainsFor", image.drains_for);
  image.missing = map.boolean("missing", false);
  image.crash_mean = map.duration("crashesEvery", image.crash_mean);
  map.done();
  return image;
}

}  // namespace keelson::sim
