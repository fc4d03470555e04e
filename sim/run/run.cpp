#include "sim/run/run.hpp"

namespace keelson::sim {

Run::Run(const Scenario& scenario, RunOptions options)
    : scenario_(scenario), options_(std::move(options)) {
  checks_ = std::make_unique<CheckSuite>(scenario.world.kubernetes_profile);
  WorldOptions world = scenario.world;
  world.seed = options_.seed;
  workload_ = std::make_unique<Workload>(scenario_);
  workload_->add_nodes(world);
  Observers observers = checks_->observers();
  metrics_ = std::make_unique<Metrics>(*checks_, scenario.duration);
  observers.commits = [this, check = std::move(observers.commits)](
                          std::span<const store::StoreEvent> events) {
    check(events);
    metrics_->on_commits(events, world_->now());
    narrator_->on_commits(events);
    if (options_.commits) options_.commits(events, elapsed());
  };
  if (options_.containers) observers.truth = this;
  // The world takes all power away when it is torn down; that is no crash.
  observers.power_losses = [this](const std::string& node) {
    if (!over_) metrics_->on_power_lost(node, world_->now());
  };
  world_ = std::make_unique<World>(std::move(world), std::move(observers));
  narrator_ = std::make_unique<Narrator>(
      [this](Level level, std::string source, std::string text) {
        world_->note(level, std::move(source), std::move(text));
      },
      scenario_.quiet_timeline);
  checks_->attach(*world_);
  metrics_->watch_evictions(*world_);
  injector_ = std::make_unique<Injector>(*world_);
  user_ = std::make_unique<User>(*world_);
  traffic_ = std::make_unique<Traffic>(*world_, *checks_, scenario_.traffic);
}

Run::~Run() = default;

void Run::container_started(const std::string& node, const agent::ContainerInfo& container) {
  checks_->container_started(node, container);
  options_.containers(node, container, true, elapsed());
}

void Run::container_stopped(const std::string& node, const agent::ContainerInfo& container) {
  checks_->container_stopped(node, container);
  options_.containers(node, container, false, elapsed());
}

void Run::schedule_timeline() {
  Engine& engine = world_->engine();
  for (const TimedAction& timed : scenario_.timeline) {
    engine.schedule(timed.at, engine.world(), [this, &timed] {
      if (timed.action) user_->act(*timed.action);
      if (timed.fault) injector_->inject(*timed.fault);
    });
  }
  for (const FaultRate& rate : scenario_.fault_rates) {
    injector_->at_rate(rate.fault, rate.mean, Instant{} + rate.from,
                       Instant{} + rate.until.value_or(scenario_.duration));
  }
  workload_->start(*world_, *user_, *checks_);
  traffic_->start();
}

bool Run::second() {
  checks_->second();
  if (elapsed() >= next_recheck_) {
    checks_->recheck();
    next_recheck_ = elapsed() + scenario_.recheck_every;
  }
  if (!checks_->violations().empty() || world_->error_logs() > 0) {
    verdict_ = Verdict::violated;
    return false;
  }
  if (options_.max_events != 0 && world_->engine().events_run() > options_.max_events) {
    undecided_ = "the limit of " + std::to_string(options_.max_events) + " events was reached";
  } else if (options_.progress) {
    undecided_ = options_.progress(*this);
  }
  if (undecided_.empty()) return true;
  verdict_ = Verdict::undecided;
  return false;
}

bool Run::advance(Duration end) {
  while (elapsed() < end) {
    const Duration next = std::min(end, elapsed() + 1s);
    world_->engine().run_until(Instant{} + next);
    if (!second()) return false;
  }
  return true;
}

bool Run::converge() {
  checks_->set_phase(Phase::converging);
  const Duration begin = elapsed();
  const Duration bound = begin + scenario_.converge;
  // Settled means settled for a while: a queue that is empty between two steps is not the end.
  constexpr Duration kSettled = 5s;
  Duration settled_since = Duration::max();
  while (elapsed() < bound) {
    if (!advance(elapsed() + 1s)) return false;
    still_pending_ = checks_->pending();
    if (user_->busy() > 0 || !workload_->done()) {
      still_pending_.push_back({"user", "users", std::to_string(user_->busy()) +
                                                     " of their actions have not ended"});
    }
    if (!still_pending_.empty()) {
      settled_since = Duration::max();
    } else if (settled_since == Duration::max()) {
      settled_since = elapsed();
    } else if (elapsed() - settled_since >= kSettled) {
      converged_after_ = settled_since - begin;
      return true;
    }
  }
  verdict_ = Verdict::violated;
  return false;
}

Verdict Run::execute() {
  const Verdict verdict = phases();
  over_ = true;
  metrics_->finish(world_->now());
  return verdict;
}

Verdict Run::phases() {
  world_->start();
  schedule_timeline();
  if (!advance(scenario_.duration)) return verdict_;

  injector_->stop();
  workload_->stop();
  world_->note(Level::info, "run", "faults have stopped; everything must settle");
  if (!converge()) {
    traffic_->stop();
    return verdict_;
  }
  world_->note(Level::info, "run", "settled; nothing may be written any more");
  traffic_->stop();
  checks_->set_phase(Phase::quiet);
  if (!advance(elapsed() + scenario_.quiet)) return verdict_;
  checks_->recheck();
  checks_->at_end();
  if (!checks_->violations().empty()) verdict_ = Verdict::violated;
  return verdict_;
}

}  // namespace keelson::sim
