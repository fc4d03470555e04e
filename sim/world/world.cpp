#include "sim/world/world.hpp"

#include <algorithm>

#include "core/proxy/service_table.hpp"
#include "sim/world/control_plane.hpp"

namespace keelson::sim {

void ProcessLog::write(Level level, std::string_view event, std::span<const LogField> fields) {
  std::string text(event);
  for (const LogField& field : fields) {
    text += ' ';
    text += field.name;
    text += '=';
    if (const auto* number = std::get_if<int64_t>(&field.value)) {
      text += std::to_string(*number);
    } else {
      text += std::get<std::string_view>(field.value);
    }
  }
  world_.note(level, process_, std::move(text));
}

World::World(WorldOptions options, Observers observers)
    : options_(std::move(options)),
      observers_(std::move(observers)),
      network_(rng("network"), options_.network),
      fabric_{engine_, network_, rng("calls"), {}, observers_.clients} {
  engine_.set_epoch(options_.epoch);
  KEELSON_ASSERT(options_.api_servers > 0);
  store_ = std::make_unique<StoreHost>(engine_, network_, rng("store"), next_host_++,
                                       options_.store);
  store_->history().observe([this](std::span<const store::StoreEvent> events) {
    // What was written is part of the digest, not only that something happened.
    for (const store::StoreEvent& event : events) {
      const api::Object& object = event.object ? *event.object : *event.previous;
      engine_.digest().add(event.revision.value);
      engine_.digest().add(object.name());
      engine_.digest().add(object.uid());
      engine_.digest().add(event.object ? event.object->message().ByteSizeLong() : 0);
    }
    if (observers_.commits) observers_.commits(events);
  });
  store_->on_beat = observers_.beats;
  store_->on_transaction = observers_.transactions;
  control_ = std::make_unique<ControlPlane>(*this);
  service_tables_ = std::make_shared<proxy::TableCache>();
  admin_process_ = std::make_unique<Process>(engine_, next_process_++, "user");
  admin_host_ = next_host_++;
  admin_process_->start();
  admin_link_ = std::make_unique<ApiLink>(fabric_, *admin_process_, admin_host_, 0);

  uint32_t number = 1;
  for (const NodePool& pool : options_.pools) {
    for (uint32_t i = 0; i < pool.count; ++i, ++number) {
      const std::string zone = pool.zones.empty() ? "" : pool.zones[i % pool.zones.size()];
      nodes_.push_back(std::make_unique<Node>(
          *this, pool.exact_name ? pool.prefix : pool.prefix + std::to_string(i + 1), number,
                                              next_host_++, pool, zone,
                                              number <= options_.proxies));
      nodes_by_name_[nodes_.back()->name()] = nodes_.back().get();
    }
  }
}

World::~World() {
  // Nodes and roles hold links to the API servers, which hold streams to them: take the clients first.
  for (auto& node : nodes_) {
    if (node->powered()) node->power_off();
  }
  for (auto& process : control_->role_processes) {
    if (process->process().alive()) process->kill();
  }
  admin_link_->reset();
  admin_process_->kill();
  for (auto& server : control_->api_servers) {
    if (server->process().alive()) server->kill();
  }
}

void World::start() {
  control_->start();
  for (auto& node : nodes_) node->power_on();
}

Node* World::node(std::string_view name) const {
  const auto it = nodes_by_name_.find(name);
  return it == nodes_by_name_.end() ? nullptr : it->second;
}

const Node* World::node_of_ip(const std::string& ip) const {
  // 10.<high>.<low>.<pod>: the node's number stands in the address.
  unsigned first = 0, high = 0, low = 0, last = 0;
  if (std::sscanf(ip.c_str(), "%u.%u.%u.%u", &first, &high, &low, &last) != 4 || first != 10) {
    return nullptr;
  }
  const std::size_t number = high * 256 + low;
  return number >= 1 && number <= nodes_.size() ? nodes_[number - 1].get() : nullptr;
}

Process* World::leader(std::string_view role) {
  for (auto& process : control_->role_processes) {
    if (process->role() == role && process->process().alive() && process->leading()) {
      return &process->process();
    }
  }
  return nullptr;
}

Process* World::process(std::string_view name) {
  for (auto& server : control_->api_servers) {
    if (server->process().name() == name) return &server->process();
  }
  for (auto& process : control_->role_processes) {
    if (process->process().name() == name) return &process->process();
  }
  return nullptr;
}

ApiServerProcess& World::api_server(std::size_t number) { return *control_->api_servers.at(number); }

std::vector<std::string> World::process_names() const {
  std::vector<std::string> names;
  for (auto& server : control_->api_servers) names.push_back(server->process().name());
  for (auto& process : control_->role_processes) names.push_back(process->process().name());
  return names;
}

void World::each_controller_cache(
    const std::function<void(const std::string&, const client::Cache&)>& visit) const {
  for (const auto& process : control_->role_processes) {
    if (!process->process().alive() || process->work() == nullptr) continue;
    if (const client::Cache* cache = process->work()->cache()) visit(process->process().name(), *cache);
  }
}

void World::each_scheduler(
    const std::function<void(const std::string&, const scheduler::Scheduler&)>& visit) const {
  for (const auto& process : control_->role_processes) {
    if (!process->process().alive() || process->work() == nullptr) continue;
    if (process->process().paused()) continue;
    if (const auto* scheduler = process->work()->scheduler()) {
      visit(process->process().name(), *scheduler);
    }
  }
}

template <class Act>
void World::on_process(std::string_view name, Act&& act) {
  for (auto& server : control_->api_servers) {
    if (server->process().name() == name) return act(*server);
  }
  for (auto& process : control_->role_processes) {
    if (process->process().name() == name) return act(*process);
  }
  KEELSON_ASSERT_WHY(false, "no such process");
}

void World::kill(std::string_view name, Duration restart_after) {
  on_process(name, [&](auto& target) {
    if (!target.process().alive()) return;
    target.kill();
    if (observers_.world != nullptr) observers_.world->process_killed(std::string(name));
    if (restart_after < Duration::zero()) return;
    engine_.schedule(restart_after, engine_.world(),
                     [this, name = std::string(name)] { restart(name); });
  });
}

void World::restart(std::string_view name) {
  on_process(name, [](auto& target) {
    if (!target.process().alive()) target.start();
  });
}

void World::pause(std::string_view name) {
  on_process(name, [&](auto& target) {
    if (!target.process().alive() || target.process().paused()) return;
    target.process().pause();
    if (observers_.world != nullptr) observers_.world->process_paused(std::string(name), true);
  });
}

void World::resume(std::string_view name) {
  on_process(name, [&](auto& target) {
    if (!target.process().paused()) return;
    target.process().resume();
    if (observers_.world != nullptr) observers_.world->process_paused(std::string(name), false);
  });
}

void World::set_store_lag(std::string_view api_server, Duration lag) {
  for (auto& server : control_->api_servers) {
    if (server->process().name() == api_server) server->store_link().set_lag(lag);
  }
}

controllers::NodeTiming World::node_timing() const {
  controllers::NodeTiming timing = options_.kubernetes_profile ? controllers::kubernetes_timing()
                                                               : controllers::keelson_timing();
  const NodeHealthOptions& health = options_.node_health;
  const auto adjusted = [&] {
    timing.witnesses = health.witnesses.value_or(timing.witnesses);
    timing.grace = health.grace.value_or(timing.grace);
    timing.default_toleration_seconds =
        health.toleration_seconds.value_or(timing.default_toleration_seconds);
    // Who asks nobody suspects nobody, and nobody is a suspect for longer than the grace.
    if (!timing.witnesses) timing.suspect_after = timing.grace;
    timing.suspect_after = std::min(timing.suspect_after, timing.grace);
    return timing;
  };
  if (options_.heartbeat == Duration::zero()) return adjusted();
  const int64_t from = timing.heartbeat_period.count(), to = options_.heartbeat.count();
  const auto scale = [&](Duration& d) {
    d = Duration{static_cast<int64_t>(static_cast<__int128>(d.count()) * to / from)};
  };
  scale(timing.heartbeat_period);
  scale(timing.poll_period);
  scale(timing.grace);
  scale(timing.startup_grace);
  scale(timing.observation_gap);
  scale(timing.blackout);
  scale(timing.suspect_after);
  scale(timing.recheck_after);
  return adjusted();
}

HostId World::store_host() const { return store_->host(); }

std::vector<HostId> World::api_hosts() const {
  return {control_->hosts.begin(), control_->hosts.begin() + options_.api_servers};
}

std::vector<HostId> World::control_hosts() const { return control_->hosts; }

void World::note(Level level, std::string source, std::string text) {
  if (level == Level::error) ++error_logs_;
  Note note{engine_.now(), level, std::move(source), std::move(text)};
  if (observers_.notes) return observers_.notes(note);
  notes_.push_back(std::move(note));
}

}  // namespace keelson::sim
