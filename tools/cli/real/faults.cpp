#include "tools/cli/real/faults.hpp"

#include <signal.h>

#include <algorithm>
#include <fstream>

#include "sim/scenario/reader.hpp"

namespace keelson::real {

namespace {

using sim::FaultSpec;

constexpr int kControlPlaneHost = 1;
constexpr const char *kAgent = "keelson-node", *kControlPlane = "keelson-control-plane",
                     *kStore = "keelson-redis";

std::string lasting(const FaultSpec& spec) {
  return spec.forever ? " for good" : " for " + sim::format_duration(spec.lasts);
}
std::string returning(const FaultSpec& spec) {
  return spec.forever ? " crashes for good" : " crashes and is back in " + sim::format_duration(spec.lasts);
}

// Those with power that the spec means: the one named, or random ones (of a zone).
std::vector<Place*> pick(Stage& stage, const FaultSpec& spec) {
  std::vector<Place*> all, out;
  for (Place& place : stage.places) {
    if (!place.powered) continue;
    if (spec.node != "random" ? place.node == spec.node : spec.zone.empty() || place.zone == spec.zone) {
      all.push_back(&place);
    }
  }
  while (!all.empty() && static_cast<int64_t>(out.size()) < spec.count) {
    const std::size_t at = stage.rng.below(all.size());
    out.push_back(all[at]);
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(at));
  }
  std::sort(out.begin(), out.end());  // as they stand in the scenario
  return out;
}

std::vector<Place*> of_zone(Stage& stage, const FaultSpec& spec) {
  std::vector<Place*> out;
  for (Place& place : stage.places) {
    if (place.zone == spec.zone && place.powered) out.push_back(&place);
  }
  return out;
}

void power_off(Stage& stage, Place& place) {
  place.powered = false;
  const auto at = std::chrono::steady_clock::now();
  stage.hosts.lose_power(place.host);
  stage.powered(place.node, false, at);
}

void power_on(Stage& stage, Place& place) {
  stage.hosts.power_on(place.host);
  place.powered = true;
  stage.powered(place.node, true, std::chrono::steady_clock::now());
}

bool node_crash(Stage& stage, const FaultSpec& spec) {
  bool fired = false;
  for (Place* place : pick(stage, spec)) {
    const auto down = std::count_if(stage.places.begin(), stage.places.end(),
                                    [](const Place& one) { return !one.powered; });
    if (down >= spec.at_most) break;
    fired = true;
    stage.note(place->node + " loses power" + lasting(spec));
    power_off(stage, *place);
    stage.later(spec, place->node + " has power again", [&stage, place] { power_on(stage, *place); });
  }
  return fired;
}

bool reboot(Stage& stage, const FaultSpec& spec) {
  const auto nodes = pick(stage, spec);
  for (Place* place : nodes) {
    stage.note(place->node + " reboots, which takes " + sim::format_duration(spec.lasts));
    power_off(stage, *place);
    stage.later(spec, place->node + " has booted", [&stage, place] { power_on(stage, *place); });
  }
  return !nodes.empty();
}

bool zone_loss(Stage& stage, const FaultSpec& spec) {
  const auto nodes = of_zone(stage, spec);
  if (nodes.empty()) return false;
  stage.note("zone " + spec.zone + " loses power: " + std::to_string(nodes.size()) + " nodes" +
             lasting(spec));
  for (Place* place : nodes) power_off(stage, *place);
  stage.later(spec, "zone " + spec.zone + " has power again", [&stage, nodes] {
    for (Place* place : nodes) power_on(stage, *place);
  });
  return true;
}

// Kills a service and keeps whoever stands over it from starting it again before its time.
bool kill_service(Stage& stage, const FaultSpec& spec, int host, const char* service) {
  std::ifstream in(stage.hosts.root(host) + "/run/keelson/" + service + ".pid");
  pid_t keeper = 0;
  in >> keeper;
  const pid_t victim = stage.hosts.main_process(host, service);
  if (keeper <= 0 || victim <= 0) return false;
  ::kill(keeper, SIGSTOP);
  ::kill(victim, SIGKILL);
  stage.later(spec, "", [keeper] { ::kill(keeper, SIGCONT); });
  return true;
}

bool pause_service(Stage& stage, const FaultSpec& spec, int host, const char* service,
                   const std::string& who) {
  const pid_t victim = stage.hosts.main_process(host, service);
  if (victim <= 0 || ::kill(victim, SIGSTOP) != 0) return false;
  stage.note(who + " hangs" + lasting(spec));
  stage.later(spec, who + " goes on", [victim] { ::kill(victim, SIGCONT); });
  return true;
}

bool agent_crash(Stage& stage, const FaultSpec& spec) {
  bool fired = false;
  for (Place* place : pick(stage, spec)) {
    stage.note("the agent of " + place->node + returning(spec));
    fired = kill_service(stage, spec, place->host, kAgent) || fired;
  }
  return fired;
}

bool agent_pause(Stage& stage, const FaultSpec& spec) {
  bool fired = false;
  for (Place* place : pick(stage, spec)) {
    fired = pause_service(stage, spec, place->host, kAgent, "the agent of " + place->node) || fired;
  }
  return fired;
}

bool container_crash(Stage& stage, const FaultSpec& spec) {
  bool fired = false;
  for (int64_t i = 0; i < spec.count; ++i) {
    FaultSpec one = spec;
    one.count = static_cast<int64_t>(stage.places.size());
    // The first of them, beginning anywhere, that runs something.
    auto nodes = pick(stage, one);
    if (nodes.empty()) return fired;
    std::rotate(nodes.begin(),
                nodes.begin() + static_cast<std::ptrdiff_t>(stage.rng.below(nodes.size())), nodes.end());
    for (Place* place : nodes) {
      const std::string ctr =
          "ctr -a " + stage.hosts.root(place->host) + "/run/keelson/containerd.sock -n k8s.io ";
      const hosts::Outcome killed = stage.hosts.run(
          place->host, "for c in $(" + ctr +
                           "containers ls -q 'labels.\"io.cri-containerd.kind\"==container'); do " + ctr +
                           "tasks kill -s SIGKILL $c && exit 0; done; exit 1");
      if (killed.exit_code != 0) continue;
      stage.note("a container on " + place->node + " crashes");
      fired = true;
      break;
    }
  }
  return fired;
}

std::string names_of(const std::vector<Place*>& nodes) {
  std::string text;
  for (const Place* place : nodes) text += (text.empty() ? "" : ", ") + place->node;
  return text;
}

bool cut_nodes(Stage& stage, const FaultSpec& spec, void (hosts::Hosts::*cut)(int), const std::string& how) {
  const bool whole_zone = !spec.zone.empty() && spec.node == "random" && !spec.counted;
  const auto nodes = whole_zone ? of_zone(stage, spec) : pick(stage, spec);
  if (nodes.empty()) return false;
  stage.note(names_of(nodes) + how + lasting(spec));
  for (Place* place : nodes) {
    stage.reached(place->node, false);
    (stage.hosts.*cut)(place->host);
  }
  stage.later(spec, names_of(nodes) + " can be reached again", [&stage, nodes] {
    // What has lost its power meanwhile gets its cable with it.
    for (Place* place : nodes) {
      if (!place->powered) continue;
      stage.hosts.heal(place->host);
      stage.reached(place->node, true);
    }
  });
  return true;
}

bool partition(Stage& stage, const FaultSpec& spec) {
  return cut_nodes(stage, spec, &hosts::Hosts::cut, ": cut off");
}
bool partition_one_way(Stage& stage, const FaultSpec& spec) {
  return cut_nodes(stage, spec, &hosts::Hosts::cut_inward, ": nothing reaches it");
}
bool partition_api(Stage& stage, const FaultSpec& spec) {
  return cut_nodes(stage, spec, &hosts::Hosts::cut_api, ": cut off from the API");
}

bool api_server_restart(Stage& stage, const FaultSpec& spec) {
  stage.note("the API server" + returning(spec));
  return kill_service(stage, spec, kControlPlaneHost, kControlPlane);
}
bool leader_kill(Stage& stage, const FaultSpec& spec) {
  stage.note("the control plane, which leads," + returning(spec));
  return kill_service(stage, spec, kControlPlaneHost, kControlPlane);
}
bool leader_pause(Stage& stage, const FaultSpec& spec) {
  return pause_service(stage, spec, kControlPlaneHost, kControlPlane, "the control plane, which leads,");
}
bool store_down(Stage& stage, const FaultSpec& spec) {
  stage.note("the store is down" + lasting(spec));
  return kill_service(stage, spec, kControlPlaneHost, kStore);
}

constexpr RealFault kFaults[] = {
    {"node-crash", "cable and all processes at once; files stay", node_crash},
    {"reboot", "the same, for its time", reboot},
    {"zone-loss", "the same, for all nodes of the zone", zone_loss},
    {"agent-crash", "SIGKILL; containers go on", agent_crash},
    {"agent-pause", "SIGSTOP", agent_pause},
    {"container-crash", "SIGKILL to its first process", container_crash},
    {"partition", "the cable is out", partition},
    {"partition-one-way", "what comes in is dropped", partition_one_way},
    {"partition-api", "what goes to the control plane's host or comes from it is dropped", partition_api},
    {"api-server-restart", "SIGKILL to the control plane", api_server_restart},
    {"leader-kill", "SIGKILL to the control plane", leader_kill},
    {"leader-pause", "SIGSTOP to the control plane", leader_pause},
    {"store-down", "SIGKILL to Redis", store_down},
};

}  // namespace

std::span<const RealFault> real_faults() { return kFaults; }

const RealFault* find_real_fault(std::string_view name) {
  for (const RealFault& fault : kFaults) {
    if (fault.name == name) return &fault;
  }
  return nullptr;
}

}  // namespace keelson::real
