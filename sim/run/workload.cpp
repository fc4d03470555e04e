#include "sim/run/workload.hpp"

namespace keelson::sim {

Workload::Workload(const Scenario& scenario) : scenario_(scenario) {
  if (scenario.trace.format.empty()) return;
  auto trace = read_openb(scenario.trace);
  if (!trace) {
    status_ = trace.error();
    return;
  }
  trace_ = std::move(*trace);
  for (const TraceNode& node : trace_.nodes) {
    for (const NodePool& pool : scenario.world.pools) {
      if (!node.name.starts_with(pool.prefix)) continue;
      const std::string number = node.name.substr(pool.prefix.size());
      for (uint32_t i = 1; i <= pool.count; ++i) {
        if (number != std::to_string(i)) continue;
        status_ = {Code::invalid,
                   scenario.file + ": cluster.pools: the trace has a node " + node.name + " too"};
        return;
      }
    }
  }
}

void Workload::add_nodes(WorldOptions& options) const {
  for (const TraceNode& node : trace_.nodes) options.pools.push_back(node.pool());
}

void Workload::start(World& world, User& user, const CheckSuite& checks) {
  world_ = &world;
  user_ = &user;
  rng_ = world.rng("workload");
  Engine& engine = world.engine();
  // The API server creates its own namespaces first; users come when it answers.
  constexpr Duration kFirst = 2s;
  if (!scenario_.manifests.empty()) {
    engine.schedule(kFirst, engine.world(), [this] { user_->create_all(scenario_.manifests); });
  }
  for (std::size_t g = 0; g < scenario_.generators.size(); ++g) {
    const DeploymentGenerator& generator = scenario_.generators[g];
    const auto objects = generate(generator, rng_.fork("generator").fork(g));
    const auto count = static_cast<int64_t>(std::max<std::size_t>(objects.size(), 1));
    for (std::size_t i = 0; i < objects.size(); ++i) {
      const Duration at =
          kFirst + Duration{static_cast<int64_t>(static_cast<__int128>(generator.over.count()) *
                                                 static_cast<int64_t>(i) / count)};
      engine.schedule(at, engine.world(), [this, object = objects[i]] { user_->create(object); });
      if (objects[i]->kind() == api::Kind::deployments) live_.push_back({g, objects[i]->name()});
    }
    next_number_.push_back(generator.count + 1);
  }
  if (scenario_.churn.every > Duration::zero()) {
    engine.schedule(std::max(kFirst, scenario_.churn.from), engine.world(), [this] { churn(); });
  }
  if (!trace_.pods.empty()) {
    replay_ = std::make_unique<TraceReplay>(trace_, scenario_.trace, world, user, checks);
    replay_->start(scenario_.duration);
  }
}

void Workload::stop() {
  stopped_ = true;
  if (replay_) replay_->stop();
}

bool Workload::done() const { return stopped_; }

void Workload::churn() {
  if (stopped_ || world_->now() > Instant{} + scenario_.duration) return;
  churn_once();
  world_->engine().schedule(rng_.exponential(scenario_.churn.every), world_->engine().world(),
                            [this] { churn(); });
}

void Workload::churn_once() {
  const Churn& c = scenario_.churn;
  const uint32_t total = c.create + c.scale + c.roll + c.remove + c.undo;
  auto pick = static_cast<uint32_t>(rng_.below(total));
  const auto chosen = [&](uint32_t weight) {
    if (pick < weight) return true;
    pick -= weight;
    return false;
  };
  ++operations_;
  if (chosen(c.create) || live_.empty()) {
    if (scenario_.generators.empty()) return;
    const std::size_t g = rng_.below(scenario_.generators.size());
    const auto object = generate_deployment(scenario_.generators[g], next_number_[g]++, rng_);
    live_.push_back({g, object->name()});
    user_->create(object);
    return;
  }
  const std::size_t at = rng_.below(live_.size());
  const Live target = live_[at];
  const DeploymentGenerator& generator = scenario_.generators[target.generator];
  if (chosen(c.scale)) {
    user_->scale(generator.ns, target.name, rng_.between(c.replicas.low, c.replicas.high));
  } else if (chosen(c.roll)) {
    user_->set_image(generator.ns, target.name,
                     generator.images[rng_.below(generator.images.size())]);
  } else if (chosen(c.undo)) {
    user_->undo(generator.ns, target.name, 0);
  } else {
    live_[at] = live_.back();
    live_.pop_back();
    user_->remove(api::Kind::deployments, generator.ns, target.name);
  }
}

}  // namespace keelson::sim
