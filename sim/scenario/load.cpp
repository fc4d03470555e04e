#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <yaml-cpp/eventhandler.h>

#include "core/api/json.hpp"
#include "core/api/kinds.hpp"
#include "core/api/quantity.hpp"
#include "core/api/validation.hpp"
#include "core/base/seeded_bug.hpp"
#include "sim/run/user.hpp"
#include "sim/scenario/reader.hpp"
#include "sim/scenario/scenario.hpp"

namespace keelson::sim {

namespace {

constexpr int64_t kReplicasMax = 1'000'000;
constexpr int64_t kAmountMax = 1'000'000'000;
// A node's number stands in its addresses as two bytes.
constexpr uint64_t kNodesMax = 65'000;
constexpr Duration kDelayMax = 1h;  // of a message, or of what a process sees

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

void complain(MapReader& map, const api::ApiError& error) {
  for (const api::Cause& cause : error.causes) map.fail_here(cause.field + ": " + cause.message);
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

void read_cluster(MapReader map, WorldOptions& world) {
  map.each("pools", [&](MapReader pool) { world.pools.push_back(read_pool(std::move(pool))); });
  check_node_names(map, world.pools);
  world.api_servers = static_cast<uint32_t>(map.integer("apiServers", 1, 1, 9));
  world.controller_managers = static_cast<uint32_t>(map.integer("controllerManagers", 2, 1, 9));
  world.schedulers = static_cast<uint32_t>(map.integer("schedulers", 2, 0, 9));
  read_service_network(map, world);
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

FaultSpec read_fault(MapReader& map, const ReadErrors& errors) {
  FaultSpec fault;
  fault.kind = map.text("fault");
  fault.node = map.text("node", "random");
  fault.zone = map.text("zone");
  fault.counted = map.has("count");
  fault.count = map.integer("count", 1, 1, 1'000'000);
  fault.role = map.text("role");
  fault.process = map.text("process");
  if (const std::string resource = map.text("resource"); !resource.empty()) {
    if (const api::KindInfo* kind = api::find_resource(resource)) {
      fault.resource = kind->kind;
    } else {
      map.fail("resource", "\"" + resource + "\" is no kind of objects");
    }
  }
  fault.timed = map.has("for");
  if (map.text("for") == "forever") {
    fault.forever = true;
  } else {
    fault.lasts = map.duration("for", fault.lasts);
  }
  fault.ppm = map.ppm("share", fault.ppm);
  std::string by = map.text("by", "0s");
  const bool back = by.starts_with("-");
  if (back) by.erase(0, 1);
  if (auto parsed = parse_duration(by)) {
    fault.by = back ? -*parsed : *parsed;
  } else {
    map.fail("by", parsed.error().message);
  }
  fault.rate_ppm = map.integer("rate", 100, 10, 1'000) * 10'000;
  fault.at_most = map.integer("at-most", INT64_MAX, 1, INT64_MAX);
  fault.place = errors.file() + ":" + std::to_string(map.node().Mark().line + 1);
  if (const FaultKind* kind = find_fault(fault.kind)) {
    for (const char* parameter : {"node", "zone", "count", "role", "process", "resource", "for", "share",
                                  "by", "rate", "at-most"}) {
      if (!map.has(parameter) || kind->takes(parameter)) continue;
      map.fail(parameter, fault.kind + " does not take it; it takes: " + std::string(kind->parameters));
    }
  }
  return fault;
}

std::vector<api::ObjectPtr> read_manifest(MapReader& map, const std::string& field,
                                          const std::string& file) {
  std::vector<api::ObjectPtr> objects;
  const auto text = map.maybe_text(field);
  if (!text) return objects;
  auto decoded = api::decode_yaml(*text, file);
  if (!decoded) {
    map.fail(field, decoded.error().message);
    return objects;
  }
  for (auto& item : *decoded) objects.push_back(item.object);
  if (objects.empty()) map.fail(field, "contains no object");
  return objects;
}

const std::map<std::string, UserAction::Verb> kVerbs = {
    {"apply", UserAction::Verb::apply},       {"run", UserAction::Verb::run},
    {"expose", UserAction::Verb::expose},     {"scale", UserAction::Verb::scale},
    {"set-image", UserAction::Verb::set_image}, {"undo", UserAction::Verb::undo},
    {"pause", UserAction::Verb::pause},       {"resume", UserAction::Verb::resume},
    {"restart", UserAction::Verb::restart},   {"delete", UserAction::Verb::remove},
    {"cordon", UserAction::Verb::cordon},     {"uncordon", UserAction::Verb::uncordon},
    {"drain", UserAction::Verb::drain},
};

UserAction read_action(MapReader& map, const ReadErrors& errors) {
  using Verb = UserAction::Verb;
  UserAction action;
  const std::string verb = map.text("do");
  const auto it = kVerbs.find(verb);
  if (it == kVerbs.end()) {
    std::string known;
    for (const auto& [name, value] : kVerbs) known += (known.empty() ? "" : ", ") + name;
    map.fail("do", "\"" + verb + "\" is nothing a user can do here; known: " + known);
    return action;
  }
  action.verb = it->second;
  action.ns = map.text("namespace", "default");
  action.name = map.text("name");
  action.image = map.text("image");
  action.replicas = map.integer("replicas", 1, 0, kReplicasMax);
  action.port = map.integer("port", 0, 0, 65535);
  action.type = map.text("type", "ClusterIP");
  action.revision = map.integer("revision", 0, 0, 1'000'000);
  const std::string cascade = map.text("cascade", "background");
  if (cascade == "foreground") {
    action.cascade = api::Propagation::foreground;
  } else if (cascade == "orphan") {
    action.cascade = api::Propagation::orphan;
  } else if (cascade != "background") {
    map.fail("cascade", "\"" + cascade + "\" is none of background, foreground, orphan");
  }
  if (map.has("cascade") && action.verb != Verb::remove) {
    map.fail("cascade", "only delete takes it");
  }
  action.objects = read_manifest(map, "manifest", errors.file());
  const std::string& n = action.name;
  if (n.empty() && action.verb != Verb::apply) map.fail("do", verb + " needs a name");
  if (action.type != "ClusterIP" && action.type != "NodePort" && action.type != "LoadBalancer") {
    map.fail("type", "\"" + action.type + "\" is none of ClusterIP, NodePort, LoadBalancer");
  }
  if (const auto slash = n.find('/'); slash != std::string::npos) {
    if (action.verb != Verb::remove) {
      map.fail("name", "only delete takes a kind before the name");
    } else if (api::find_resource(n.substr(0, slash)) == nullptr) {
      map.fail("name", "\"" + n.substr(0, slash) + "\" is no kind of objects");
    }
  }
  switch (action.verb) {
    case Verb::apply:
      if (action.objects.empty()) map.fail("do", "apply needs a manifest");
      action.text = "apply";
      for (const auto& o : action.objects) action.text += " " + api::to_string(o->key());
      break;
    case Verb::run:
      if (action.image.empty()) map.fail("do", "run needs an image");
      action.text = "run " + n + " --image=" + action.image;
      if (action.port != 0) action.text += " --port=" + std::to_string(action.port);
      if (action.replicas != 1) action.text += " --replicas=" + std::to_string(action.replicas);
      break;
    case Verb::expose:
      if (action.port == 0) map.fail("do", "expose needs a port");
      action.text = "expose deployment " + n + " --port=" + std::to_string(action.port) +
                    " --type=" + action.type;
      break;
    case Verb::scale:
      if (!map.has("replicas")) map.fail("do", "scale needs replicas");
      action.text = "scale deployments/" + n + " --replicas=" + std::to_string(action.replicas);
      break;
    case Verb::set_image:
      if (action.image.empty()) map.fail("do", "set-image needs an image");
      action.text = "set image deployments/" + n + " *=" + action.image;
      break;
    case Verb::undo:
      action.text = "rollout undo deployments/" + n;
      if (action.revision != 0) action.text += " --to-revision=" + std::to_string(action.revision);
      break;
    case Verb::pause: action.text = "rollout pause deployments/" + n; break;
    case Verb::resume: action.text = "rollout resume deployments/" + n; break;
    case Verb::restart: action.text = "rollout restart deployments/" + n; break;
    case Verb::remove:
      action.text = "delete " + n;
      if (cascade != "background") action.text += " --cascade=" + cascade;
      break;
    case Verb::cordon: action.text = "cordon " + n; break;
    case Verb::uncordon: action.text = "uncordon " + n; break;
    case Verb::drain: action.text = "drain " + n; break;
  }
  return action;
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

// Replaces ${name} by the parameter's value.
Result<std::string> substitute(const std::string& text, const std::string& file,
                               const std::map<std::string, std::string>& values) {
  std::string out;
  int line = 1;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') ++line;
    if (text.compare(i, 2, "${") != 0) {
      out += text[i];
      continue;
    }
    const std::size_t end = text.find('}', i);
    const std::string name = end == std::string::npos ? "" : text.substr(i + 2, end - i - 2);
    const auto it = values.find(name);
    if (it == values.end()) {
      return Error{Code::invalid, file + ":" + std::to_string(line) + ": there is no parameter \"" +
                                      name + "\"; declare it under `parameters`"};
    }
    out += it->second;
    i = end;
  }
  return out;
}

// Refuses all but one document. Also what keeps yaml-cpp 0.7 from the rest of a file with a brace too
// many: it would find empty documents there for ever.
class OneDocument : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (seen_) throw YAML::ParserException(mark, "a scenario is one document; what follows is another");
    seen_ = true;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}

 private:
  bool seen_ = false;
};

Result<YAML::Node> parse_yaml(const std::string& yaml, const std::string& file) {
  try {
    std::istringstream stream(yaml);
    YAML::Parser parser(stream);
    OneDocument documents;
    while (parser.HandleNextDocument(documents)) {
    }
    return YAML::Load(yaml);
  } catch (const YAML::Exception& e) {
    return Error{Code::invalid, file + ":" + std::to_string(e.mark.line + 1) + ": " + e.msg};
  }
}

}  // namespace

Result<Scenario> parse_scenario(const std::string& text, const std::string& file,
                                const std::map<std::string, std::string>& settings) {
  // The parameters first: they stand in the file as the defaults of what --set may change.
  std::map<std::string, std::string> values;
  auto first = parse_yaml(text, file);
  if (!first) return first.error();
  ReadErrors errors(file);
  {
    MapReader map(*first, "", errors);
    for (auto& [name, value] : map.pairs("parameters")) values[name] = value;
    if (!errors.empty()) return errors.error();
  }
  for (const auto& [name, value] : settings) {
    if (!values.count(name)) {
      std::string known;
      for (const auto& [other, unused] : values) known += (known.empty() ? "" : ", ") + other;
      return Error{Code::invalid, "--set " + name + ": " + file + " has no such parameter" +
                                      (known.empty() ? "" : "; it has: " + known)};
    }
    values[name] = value;
  }
  auto expanded = substitute(text, file, values);
  if (!expanded) return expanded.error();
  auto root = parse_yaml(*expanded, file);
  if (!root) return root.error();

  Scenario scenario;
  scenario.file = file;
  try {
    MapReader map(*root, "", errors);
    scenario.variants = read_variants(map, values);
    read_all(map, scenario, errors);
  } catch (const YAML::Exception& e) {
    return Error{Code::invalid, file + ":" + std::to_string(e.mark.line + 1) + ": " + e.msg};
  }
  if (!errors.empty()) return errors.error();
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
