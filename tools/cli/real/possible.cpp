#include "tools/cli/real/possible.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <set>
#include <thread>

#include "core/api/json.hpp"
#include "tools/cli/real/faults.hpp"

namespace keelson::real {

namespace {

namespace json = boost::json;

constexpr const char* kMade[] = {"docker.io/library/nginx:1.7.9", "docker.io/library/nginx:1.8",
                                 "docker.io/library/busybox:1.35"};

void collect_images(const json::value& value, std::set<std::string>& into) {
  if (const auto* object = value.if_object()) {
    for (const auto& [key, inner] : *object) {
      if (key == "image" && inner.is_string()) into.insert(std::string(inner.as_string()));
      collect_images(inner, into);
    }
  } else if (const auto* array = value.if_array()) {
    for (const json::value& inner : *array) collect_images(inner, into);
  }
}

std::set<std::string> named_images(const sim::Scenario& scenario) {
  std::set<std::string> images;
  for (const api::ObjectPtr& object : scenario.manifests) collect_images(api::to_json(*object), images);
  for (const sim::TimedAction& entry : scenario.timeline) {
    if (!entry.action) continue;
    if (!entry.action->image.empty()) images.insert(entry.action->image);
    for (const api::ObjectPtr& object : entry.action->objects) {
      collect_images(api::to_json(*object), images);
    }
  }
  return images;
}

void check_fault(const sim::FaultSpec& fault, std::vector<std::string>& out) {
  const std::string where = fault.place + ": " + fault.kind;
  const RealFault* kind = find_real_fault(fault.kind);
  if (kind == nullptr) {
    out.push_back(where + ": hosts on one machine cannot suffer it");
    return;
  }
  if (fault.kind == "partition-api" && (!fault.process.empty() || !fault.role.empty())) {
    out.push_back(where + ": of nodes only: the control plane is one process, which cannot be cut off from itself");
  }
}

}  // namespace

std::vector<Place> places(const sim::Scenario& scenario) {
  std::vector<Place> out;
  int host = 2;
  for (const sim::NodePool& pool : scenario.world.pools) {
    for (uint32_t i = 0; i < pool.count && i <= static_cast<uint32_t>(kNodesMax); ++i, ++host) {
      Place place;
      place.node = pool.exact_name ? pool.prefix : pool.prefix + std::to_string(i + 1);
      if (!pool.zones.empty()) place.zone = pool.zones[i % pool.zones.size()];
      place.host = host;
      place.pool = &pool;
      out.push_back(std::move(place));
    }
  }
  return out;
}

std::vector<std::string> impossible(const sim::Scenario& scenario) {
  std::vector<std::string> out;
  const auto cannot = [&](bool asked, const std::string& field, const std::string& why) {
    if (asked) out.push_back(scenario.file + ": " + field + ": " + why);
  };
  uint64_t nodes = 0;
  for (const sim::NodePool& pool : scenario.world.pools) {
    nodes += pool.count;
    for (const auto& [resource, amount] : pool.capacity) {
      cannot(resource != "cpu" && resource != "memory", "cluster.pools.capacity." + resource,
             "this machine has none to give");
    }
  }
  cannot(nodes == 0, "cluster.pools", "no nodes");
  cannot(nodes > static_cast<uint64_t>(kNodesMax), "cluster.pools",
         std::to_string(nodes) + " nodes: one machine plays at most " + std::to_string(kNodesMax));
  const sim::WorldOptions& world = scenario.world;
  cannot(world.api_servers > 1, "cluster.apiServers",
         std::to_string(world.api_servers) + " of them: one is played");
  cannot(world.schedulers == 0, "cluster.schedulers", "real control planes have one");
  cannot(world.heartbeat > Duration::zero(), "cluster.heartbeat", "the profile's own is played");
  cannot(world.node_health.witnesses || world.node_health.grace || world.node_health.toleration_seconds,
         "cluster.nodeHealth", "the profile's own is played");
  cannot(world.proxies < nodes, "cluster.proxies", "every real node has one");
  cannot(!scenario.generators.empty(), "generate", "not played on real hosts; write `manifests`");
  cannot(scenario.churn.every > Duration::zero(), "churn", "not played on real hosts");
  cannot(!scenario.trace.format.empty(), "trace", "not played on real hosts");
  for (const sim::FaultRate& rate : scenario.fault_rates) {
    out.push_back(rate.fault.place + ": faults: at random times only in the simulator; put " +
                  rate.fault.kind + " into the timeline");
  }
  for (const auto& [image, behaviour] : world.runtime.images) {
    const std::string field = "images." + image;
    cannot(behaviour.runs_for > Duration::zero(), field + ".runsFor", "real images run on");
    cannot(behaviour.crash_mean > Duration::zero(), field + ".crashesEvery", "real images run on");
    cannot(behaviour.serves_after > Duration::zero(), field + ".servesAfter", "real images serve at once");
  }
  for (const sim::TrafficSpec& traffic : scenario.traffic) {
    cannot(traffic.service == "*", "traffic.service", "name one service");
    cannot(traffic.from > Duration::zero(), "traffic.from", "real clients come as soon as it serves");
  }
  for (const sim::TimedAction& entry : scenario.timeline) {
    if (entry.fault) check_fault(*entry.fault, out);
  }
  return out;
}

std::vector<std::string> differences(const sim::Scenario& scenario) {
  std::vector<std::string> out;
  const sim::WorldOptions& world = scenario.world;
  if (world.controller_managers > 1 || world.schedulers > 1) {
    out.push_back("controller manager and scheduler share one process with the API server, and have no stand-in");
  }
  out.push_back("each node believes to have this machine's " +
                std::to_string(std::thread::hardware_concurrency()) + " processors, and shares them");
  out.push_back("images lie on the nodes from the beginning (the simulator is told so)");
  std::string played;
  for (const std::string& image : images_of(scenario)) {
    if (!made_here(image)) played += (played.empty() ? "" : ", ") + image;
  }
  if (!played.empty()) out.push_back("nginx plays " + played);
  return out;
}

std::vector<std::string> images_of(const sim::Scenario& scenario) {
  std::vector<std::string> out;
  for (const std::string& image : named_images(scenario)) {
    if (!scenario.world.runtime.behaviour(image).missing) out.push_back(image);
  }
  return out;
}

std::string full_reference(const std::string& image) {
  std::string out = image;
  const std::size_t slash = out.find('/');
  const std::string first = out.substr(0, slash);
  if (slash == out.npos) {
    out = "docker.io/library/" + out;
  } else if (first.find_first_of(".:") == first.npos && first != "localhost") {
    out = "docker.io/" + out;
  }
  if (out.find(':', out.rfind('/')) == out.npos) out += ":latest";
  return out;
}

bool made_here(const std::string& image) {
  return std::find(std::begin(kMade), std::end(kMade), full_reference(image)) != std::end(kMade);
}

sim::Scenario twin_of(sim::Scenario scenario) {
  scenario.world.runtime.fallback.pull = Duration::zero();
  for (auto& [image, behaviour] : scenario.world.runtime.images) behaviour.pull = Duration::zero();
  return scenario;
}

}  // namespace keelson::real
