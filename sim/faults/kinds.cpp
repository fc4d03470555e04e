// Every fault, one function each. A fault that lasts registers how it heals.
#include <algorithm>

#include "core/api/kinds.hpp"
#include "sim/faults/fault.hpp"
#include "sim/scenario/reader.hpp"
#include "sim/world/control_plane.hpp"

namespace keelson::sim {

namespace {

void note(FaultContext& c, std::string text) { c.world.note(Level::warning, "fault", std::move(text)); }

std::string lasting(const FaultSpec& spec) {
  return spec.forever ? " for good" : " for " + format_duration(spec.lasts);
}

std::string returning(const FaultSpec& spec) {
  return spec.forever ? " crashes for good" : " crashes and is back in " + format_duration(spec.lasts);
}

// The path is whole again: what TCP held back goes out.
void flush_streams(World& world) {
  for (ApiEndpoint* endpoint : world.fabric().endpoints) {
    if (endpoint->up()) endpoint->flush_held();
  }
  world.store().kick();
}

// --- Nodes ------------------------------------------------------------------------------------------

bool node_crash(FaultContext& c) {
  bool fired = false;
  for (Node* node : c.injector.pick_nodes(c)) {
    if (static_cast<int64_t>(c.injector.nodes_down()) >= c.spec.at_most) break;
    fired = true;
    note(c, node->name() + " loses power" + lasting(c.spec));
    node->power_off();
    c.injector.heal_later(c.spec, node->name() + " has power again", [node] {
      if (!node->powered()) node->power_on();
    });
  }
  return fired;
}

// As a crash, but it returns: what ran there starts anew, and nobody needs to have been missed.
bool reboot(FaultContext& c) {
  const auto nodes = c.injector.pick_nodes(c);
  for (Node* node : nodes) {
    note(c, node->name() + " reboots, which takes " + format_duration(c.spec.lasts));
    node->power_off();
    c.injector.heal_later(c.spec, node->name() + " has booted", [node] {
      if (!node->powered()) node->power_on();
    });
  }
  return !nodes.empty();
}

bool zone_loss(FaultContext& c) {
  std::vector<Node*> lost;
  for (auto& node : c.world.nodes()) {
    if (node->zone() == c.spec.zone && node->powered()) lost.push_back(node.get());
  }
  if (lost.empty()) return false;
  note(c, "zone " + c.spec.zone + " loses power: " + std::to_string(lost.size()) + " nodes" +
              lasting(c.spec));
  for (Node* node : lost) node->power_off();
  c.injector.heal_later(c.spec, "zone " + c.spec.zone + " has power again", [lost] {
    for (Node* node : lost) {
      if (!node->powered()) node->power_on();
    }
  });
  return true;
}

bool agent_crash(FaultContext& c) {
  bool fired = false;
  for (Node* node : c.injector.pick_nodes(c)) {
    if (!node->agent_running()) continue;
    fired = true;
    note(c, "the agent of " + node->name() + returning(c.spec));
    node->kill_agent();
    c.injector.heal_later(c.spec, "", [node] { node->start_agent(); });
  }
  return fired;
}

bool agent_pause(FaultContext& c) {
  bool fired = false;
  for (Node* node : c.injector.pick_nodes(c)) {
    if (!node->agent_running() || node->agent_process().paused()) continue;
    fired = true;
    note(c, "the agent of " + node->name() + " hangs" + lasting(c.spec));
    node->agent_process().pause();
    c.injector.heal_later(c.spec, "the agent of " + node->name() + " goes on",
                          [node, life = node->agent_process().incarnation()] {
                            if (node->agent_process().incarnation() == life) {
                              node->agent_process().resume();
                            }
                          });
  }
  return fired;
}

bool container_crash(FaultContext& c) {
  bool fired = false;
  if (c.world.nodes().empty()) return false;
  for (int64_t i = 0; i < c.spec.count; ++i) {
    // A random node that runs something; a few tries are enough in a cluster that is not empty.
    for (int tries = 0; tries < 20; ++tries) {
      auto& nodes = c.world.nodes();
      Node* node = c.spec.node == "random" ? nodes[c.rng.below(nodes.size())].get()
                                           : c.world.node(c.spec.node);
      if (node == nullptr || !node->powered()) continue;
      if (!node->runtime().crash_one(c.rng, c.rng.chance(1, 4) ? 137 : 1)) continue;
      fired = true;
      note(c, "a container on " + node->name() + " crashes");
      break;
    }
  }
  return fired;
}

// The process of the control plane that a fault means: the one named, or the one that leads in the
// role; nullptr: neither is given, or nobody leads.
Process* control_process_of(FaultContext& c) {
  if (!c.spec.process.empty()) return c.world.process(c.spec.process);
  if (!c.spec.role.empty()) return c.world.leader(c.spec.role);
  return nullptr;
}
bool on_control_plane(const FaultSpec& spec) { return !spec.process.empty() || !spec.role.empty(); }

struct Clock {
  std::string owner;
  Process* process;
};

std::vector<Clock> clocks_of(FaultContext& c) {
  std::vector<Clock> clocks;
  if (on_control_plane(c.spec)) {
    if (Process* process = control_process_of(c)) clocks.push_back({process->name(), process});
    return clocks;
  }
  for (Node* node : c.injector.pick_nodes(c)) {
    clocks.push_back({node->name(), &node->agent_process()});
  }
  return clocks;
}

bool clock_step(FaultContext& c) {
  const std::vector<Clock> clocks = clocks_of(c);
  for (const Clock& clock : clocks) {
    note(c, "the clock of " + clock.owner + " jumps by " + format_duration(c.spec.by));
    clock.process->step_wall_clock(c.spec.by);
    c.injector.heal_later(c.spec, "the clock of " + clock.owner + " is right again",
                          [process = clock.process, by = c.spec.by] {
                            process->step_wall_clock(-by);
                          });
  }
  return !clocks.empty();
}

bool clock_rate(FaultContext& c) {
  const std::vector<Clock> clocks = clocks_of(c);
  for (const Clock& clock : clocks) {
    note(c, "the clock of " + clock.owner + " runs at " + std::to_string(c.spec.rate_ppm / 10'000) +
                " % of its rate" + lasting(c.spec));
    c.injector.hold(c.spec, "clock-rate of " + clock.process->name(),
                    "the clock of " + clock.owner + " runs at its rate again", c.spec.rate_ppm,
                    [process = clock.process](std::optional<int64_t> ppm) {
                      process->set_clock_rate(ppm.value_or(1'000'000));
                    });
  }
  return !clocks.empty();
}

// --- Network ----------------------------------------------------------------------------------------

HostSet hosts_of(const std::vector<Node*>& nodes) {
  HostSet set;
  for (Node* node : nodes) set.add(node->host());
  return set;
}

HostSet everybody_but(World& world, const HostSet& excluded) {
  HostSet set;
  const auto add = [&](HostId host) {
    if (!excluded.has(host)) set.add(host);
  };
  for (auto& node : world.nodes()) add(node->host());
  for (const HostId host : world.control_hosts()) add(host);
  add(world.store_host());
  add(world.admin_host());
  return set;
}

std::string names_of(const std::vector<Node*>& nodes) {
  if (nodes.size() > 4) return std::to_string(nodes.size()) + " nodes";
  std::string text;
  for (Node* node : nodes) text += (text.empty() ? "" : ", ") + node->name();
  return text;
}

std::vector<Node*> nodes_of_cut(FaultContext& c) {
  if (c.spec.zone.empty() || c.spec.node != "random" || c.spec.counted) {
    return c.injector.pick_nodes(c);
  }
  std::vector<Node*> nodes;
  for (auto& node : c.world.nodes()) {
    if (node->zone() == c.spec.zone) nodes.push_back(node.get());
  }
  return nodes;
}

void cut(FaultContext& c, std::vector<std::pair<HostSet, HostSet>> ways, const std::string& healed) {
  std::vector<Network::CutId> cuts;
  for (auto& [from, to] : ways) {
    cuts.push_back(c.world.network().add_cut(std::move(from), std::move(to)));
  }
  c.injector.heal_later(c.spec, healed, [&world = c.world, cuts] {
    for (const Network::CutId id : cuts) world.network().heal(id);
    flush_streams(world);
  });
}

bool partition(FaultContext& c) {
  const auto nodes = nodes_of_cut(c);
  if (nodes.empty()) return false;
  const HostSet inside = hosts_of(nodes);
  const HostSet outside = everybody_but(c.world, inside);
  note(c, names_of(nodes) + " cut off from everybody else" + lasting(c.spec));
  cut(c, {{inside, outside}, {outside, inside}}, names_of(nodes) + " connected again");
  return true;
}

bool partition_one_way(FaultContext& c) {
  const auto nodes = nodes_of_cut(c);
  if (nodes.empty()) return false;
  const HostSet inside = hosts_of(nodes);
  note(c, "nothing from outside reaches " + names_of(nodes) + lasting(c.spec) +
              ", but what they send arrives");
  cut(c, {{everybody_but(c.world, inside), inside}}, names_of(nodes) + " hears again");
  return true;
}

// A process of the control plane named "kind-2" runs on the third control host.
HostId host_of(World& world, const Process& process) {
  const std::string& name = process.name();
  return world.control_hosts()[static_cast<std::size_t>(name.back() - '0')];
}

bool partition_api(FaultContext& c) {
  HostSet inside;
  std::string who;
  if (on_control_plane(c.spec)) {
    const Process* process = control_process_of(c);
    if (process == nullptr) return false;
    inside.add(host_of(c.world, *process));
    who = "the host of " + process->name();
  } else {
    const auto nodes = nodes_of_cut(c);
    if (nodes.empty()) return false;
    inside = hosts_of(nodes);
    who = names_of(nodes);
  }
  HostSet servers;
  for (const HostId host : c.world.api_hosts()) servers.add(host);
  note(c, who + " cut off from the API servers only" + lasting(c.spec));
  cut(c, {{inside, servers}, {servers, inside}}, who + " reaches the API again");
  return true;
}

bool network_delay(FaultContext& c) {
  const auto nodes = c.injector.pick_nodes(c);
  for (Node* node : nodes) {
    note(c, node->name() + "'s network is slow by " + format_duration(c.spec.by) + lasting(c.spec));
    c.injector.hold(c.spec, "network-delay of " + node->name(), "", c.spec.by.count(),
                    [&world = c.world, node](std::optional<int64_t> by) {
                      world.network().set_extra_delay(node->host(), Duration(by.value_or(0)));
                    });
  }
  return !nodes.empty();
}

// Raises one of the shared rates for a while.
bool rate(FaultContext& c, uint32_t* value, const std::string& what) {
  note(c, what + lasting(c.spec));
  c.injector.hold(c.spec, c.spec.kind, "", c.spec.ppm, [value](std::optional<int64_t> ppm) {
    *value = static_cast<uint32_t>(ppm.value_or(0));
  });
  return true;
}
std::string share(FaultContext& c) {
  return std::to_string(c.spec.ppm / 10'000) + "." + std::to_string(c.spec.ppm / 1'000 % 10) + " % ";
}

bool lost_request(FaultContext& c) {
  return rate(c, &c.world.fabric().lose_request_ppm, share(c) + "of requests get lost");
}
bool lost_reply(FaultContext& c) {
  return rate(c, &c.world.fabric().lose_reply_ppm, share(c) + "of replies get lost");
}
bool network_loss(FaultContext& c) {
  note(c, share(c) + "of messages get lost" + lasting(c.spec));
  c.injector.hold(c.spec, c.spec.kind, "", c.spec.ppm,
                  [&world = c.world](std::optional<int64_t> ppm) {
                    world.network().set_loss_ppm(static_cast<uint32_t>(ppm.value_or(0)));
                  });
  return true;
}
bool duplicate_request(FaultContext& c) {
  return rate(c, &c.world.fabric().duplicate_ppm, share(c) + "of requests arrive twice");
}

// --- Control plane ----------------------------------------------------------------------------------

std::string api_server_of(FaultContext& c) {
  if (!c.spec.process.empty()) return c.spec.process;
  return "api-" + std::to_string(c.rng.below(c.world.api_server_count()));
}

// A supervisor brings it back.
void crash(FaultContext& c, const std::string& process) {
  c.world.kill(process);
  c.injector.heal_later(c.spec, "", [&world = c.world, process] { world.restart(process); });
}

bool api_server_restart(FaultContext& c) {
  const std::string name = api_server_of(c);
  Process* process = c.world.process(name);
  if (!process->alive()) return false;
  note(c, name + returning(c.spec));
  crash(c, name);
  return true;
}

Process* leader_of(FaultContext& c, std::string* role) {
  *role = !c.spec.role.empty() ? c.spec.role
                               : std::string(c.rng.chance(1, 2) ? "controller-manager" : "scheduler");
  return c.world.leader(*role);
}

bool leader_kill(FaultContext& c) {
  std::string role;
  Process* leader = leader_of(c, &role);
  if (leader == nullptr || !leader->alive()) return false;
  note(c, leader->name() + ", which leads as " + role + "," + returning(c.spec));
  crash(c, leader->name());
  return true;
}

bool leader_pause(FaultContext& c) {
  std::string role;
  Process* leader = leader_of(c, &role);
  if (leader == nullptr || !leader->alive() || leader->paused()) return false;
  note(c, leader->name() + ", which leads as " + role + ", hangs" + lasting(c.spec));
  c.world.pause(leader->name());
  c.injector.heal_later(
      c.spec, leader->name() + " goes on",
      [&world = c.world, name = leader->name(), life = leader->incarnation()] {
        if (world.process(name)->incarnation() == life) world.resume(name);
      });
  return true;
}

bool store_down(FaultContext& c) {
  if (!c.world.store().available()) return false;
  note(c, "the store is down" + lasting(c.spec));
  c.world.store().set_available(false);
  c.injector.heal_later(c.spec, "the store is up again",
                        [&world = c.world] { world.store().set_available(true); });
  return true;
}

bool watch_break(FaultContext& c) {
  std::size_t open = 0;
  for (ApiEndpoint* endpoint : c.world.fabric().endpoints) {
    if (!endpoint->up()) continue;
    open += endpoint->open_streams();
    endpoint->break_streams(static_cast<uint32_t>(std::max<int64_t>(1, c.spec.count)));
  }
  if (open == 0) return false;
  note(c, c.spec.count <= 1 ? "all watches break"
                            : "one in " + std::to_string(c.spec.count) + " watches breaks");
  return true;
}

ApiEndpoint* endpoint_of(FaultContext& c, std::string* name) {
  *name = api_server_of(c);
  ApiEndpoint* endpoint = c.world.fabric().endpoints[static_cast<std::size_t>(name->back() - '0')];
  return endpoint->up() ? endpoint : nullptr;
}

bool watch_stall(FaultContext& c) {
  std::string name;
  ApiEndpoint* endpoint = endpoint_of(c, &name);
  if (endpoint == nullptr) return false;
  note(c, "the watches of " + name + " fall silent" + lasting(c.spec));
  c.injector.hold(c.spec, "watch-stall of " + name, "the watches of " + name + " go on", 1,
                  [endpoint](std::optional<int64_t> stalled) {
                    endpoint->set_stalled(stalled.has_value());
                  });
  return true;
}

bool slow_watch(FaultContext& c) {
  std::vector<std::string> clients;
  if (on_control_plane(c.spec)) {
    if (const Process* process = control_process_of(c)) clients.push_back(process->name());
  } else {
    for (Node* node : c.injector.pick_nodes(c)) clients.push_back(node->agent_process().name());
  }
  const std::string which =
      c.spec.resource ? "the watches of " + api::info(*c.spec.resource).plural + " of " : "the watches of ";
  for (const std::string& client : clients) {
    note(c, which + client + " bring everything " + format_duration(c.spec.by) + " late" +
                lasting(c.spec));
    c.world.fabric().slow_watches.push_back({client, c.spec.resource, c.spec.by});
    c.injector.heal_later(c.spec, which + client + " are in time again",
                          [&world = c.world, client, kind = c.spec.resource] {
                            auto& slow = world.fabric().slow_watches;
                            const auto mine = std::find_if(slow.begin(), slow.end(), [&](const auto& w) {
                              return w.client == client && w.kind == kind;
                            });
                            if (mine != slow.end()) slow.erase(mine);
                          });
  }
  return !clients.empty();
}

bool stale_api_server(FaultContext& c) {
  const std::string name = api_server_of(c);
  if (!c.world.process(name)->alive()) return false;
  note(c, name + " sees the store " + format_duration(c.spec.by) + " late" + lasting(c.spec));
  c.injector.hold(c.spec, "store-lag of " + name, name + " is up to date again",
                  c.spec.by.count(), [&world = c.world, name](std::optional<int64_t> by) {
                    world.set_store_lag(name, Duration(by.value_or(0)));
                  });
  return true;
}

// --- Containers -------------------------------------------------------------------------------------

constexpr Duration kSlowStart = 30s;  // unless the fault says how late

bool slow_start(FaultContext& c) {
  RuntimeModel& model = c.world.runtime_model();
  const Duration by = c.spec.by > Duration::zero() ? c.spec.by : kSlowStart;
  c.injector.hold(c.spec, "slow-start by", "", by.count(), [&model](std::optional<int64_t> late) {
    if (late) model.slow_start_by = Duration(*late);
  });
  return rate(c, &model.slow_start_ppm,
              share(c) + "of containers start " + format_duration(model.slow_start_by) + " late");
}
bool image_pull_failure(FaultContext& c) {
  return rate(c, &c.world.runtime_model().pull_failure_ppm, share(c) + "of image pulls fail");
}

constexpr FaultKind kFaults[] = {
    {"node-crash", "A node loses power: its processes end and nobody is told. It returns after `for`.",
     "node, zone, count, for, at-most", node_crash},
    {"reboot", "A node restarts: everything on it ends, and it is back after `for`.",
     "node, zone, count, for", reboot},
    {"zone-loss", "All nodes of a zone lose power.", "zone, for", zone_loss},
    {"agent-crash", "A node's agent crashes and is restarted; containers run on.",
     "node, zone, count, for", agent_crash},
    {"agent-pause", "A node's agent hangs and then goes on without having noticed.",
     "node, zone, count, for", agent_pause},
    {"container-crash", "A running container ends with an error.", "node, count", container_crash},
    {"slow-start", "A share of containers takes longer to start.", "share, by, for", slow_start},
    {"image-pull-failure", "A share of image pulls fails.", "share, for", image_pull_failure},
    {"clock-step", "A wall clock jumps (negative: back) and is set right after `for`.",
     "node, zone, count, process, role, by, for", clock_step},
    {"clock-rate", "The clocks of a node's agent, or of a process, run too fast or too slow.",
     "node, zone, count, process, role, rate, for", clock_rate},
    {"partition", "Nodes (or a zone) are cut off from everybody else, in both directions.",
     "node, zone, count, for", partition},
    {"partition-one-way", "Nothing reaches the nodes, but what they send arrives.",
     "node, zone, count, for", partition_one_way},
    {"partition-api", "Nodes, or a process's host, cannot reach the API servers, but each other.",
     "node, zone, count, process, role, for", partition_api},
    {"network-delay", "A node's messages take longer.", "node, zone, count, by, for", network_delay},
    {"network-loss", "A share of all messages is lost, of calls and of replies, to the store too.",
     "share, for", network_loss},
    {"lost-request", "A share of requests to the API is lost on the way.", "share, for", lost_request},
    {"lost-reply", "A share of the API's replies is lost: the write happened, the caller cannot know.",
     "share, for", lost_reply},
    {"duplicate-request", "A share of requests arrives twice.", "share, for", duplicate_request},
    {"api-server-restart", "An API server crashes and is restarted.", "process, for",
     api_server_restart},
    {"leader-kill", "The process that leads in a role crashes and is restarted.", "role, for",
     leader_kill},
    {"leader-pause", "The process that leads in a role hangs and then goes on without having noticed.",
     "role, for", leader_pause},
    {"store-down", "The store refuses all calls.", "for", store_down},
    {"watch-break", "Watches end: all of them, or one in `count`.", "count", watch_break},
    {"watch-stall", "An API server's watches stay open but say nothing.", "process, for", watch_stall},
    {"slow-watch", "The watches of one client bring everything late; its calls are as fast as ever.",
     "node, zone, count, process, role, resource, by, for", slow_watch},
    {"stale-api-server", "An API server sees the store's history late, as a lagging replica does.",
     "process, by, for", stale_api_server},
};

}  // namespace

std::span<const FaultKind> all_faults() { return kFaults; }

}  // namespace keelson::sim
