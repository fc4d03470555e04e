#include "core/controllers/manager.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "core/api/kinds.hpp"
#include "core/base/seeded_bug.hpp"
#include "core/client/event_recorder.hpp"
#include "core/client/informer.hpp"
#include "core/client/work_queue.hpp"

namespace keelson::controllers {

struct Manager::Registered {
  std::unique_ptr<Controller> controller;
  ControllerMetrics metrics;
};

// One term in the role. Destroyed as a whole, so nothing of an earlier term can reach a later one.
class Manager::Session {
 public:
  Session(Manager& manager, Rng rng, api::Fence fence, std::function<bool()> leading);
  Session(const Session&) = delete;

  void start();
  bool lost() const { return lost_; }
  bool synced() const {
    return std::all_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->ready; });
  }
  bool idle() const {
    return held_.empty() && std::all_of(lanes_.begin(), lanes_.end(), [](const auto& lane) {
             return lane->ready && lane->sending == 0 && lane->queue->waiting() == 0 &&
                    lane->queue->resting() == 0;
           });
  }
  const client::Cache& cache() const { return cache_; }
  void fill(std::size_t lane, ControllerMetrics* metrics) const;

 private:
  struct Lane {
    Registered* registered = nullptr;
    std::unique_ptr<client::WorkQueue> queue;
    std::unique_ptr<client::EventRecorder> recorder;
    std::size_t sending = 0;  // keys whose plans are under way
    std::size_t holding = 0;  // keys that wait to see their own writes
    bool ready = false;       // all kinds read are synced and the controller has seen their objects
    bool pump_posted = false;
  };
  // When a key is looked at again, as its plan says.
  struct Pace {
    Duration requeue_after{}, rest{};
  };
  // A key whose plan is through but whose effects the cache does not show yet.
  struct Held {
    Lane* lane = nullptr;
    api::ObjectKey key;
    PlanResult result;
    Pace pace;
  };

  static bool urgent(const api::ObjectKey& key, const api::ObjectPtr& before,
                     const api::ObjectPtr& after);
  void on_change(const api::ObjectPtr& before, const api::ObjectPtr& after);
  void on_progress(api::Kind kind);
  void prepare_lanes();
  void release(api::Kind kind);
  // False: the caches show everything; true: waits, registered under the kind it waits for.
  bool hold(uint64_t id, const Held& held);
  void post_pump(Lane& lane);
  void pump(Lane& lane);
  void reconcile(Lane& lane, const api::ObjectKey& key);
  void planned(Lane& lane, const api::ObjectKey& key, PlanResult result, Pace pace);
  void conclude(Lane& lane, const api::ObjectKey& key, const PlanResult& result, Pace pace);
  void record(Controller& controller, const Occurrence& occurrence);
  void on_lost();
  View view() const { return View(cache_, manager_.loop_.now(), manager_.loop_.wall_now()); }
  client::Informer* informer(api::Kind kind) const {
    return informers_[static_cast<std::size_t>(kind)].get();
  }

  Manager& manager_;
  Rng rng_;
  api::Fence fence_;
  std::function<bool()> leading_;
  bool lost_ = false;
  client::Cache cache_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::array<std::vector<Lane*>, api::kind_count> readers_;
  std::array<std::unique_ptr<client::Informer>, api::kind_count> informers_;
  std::unique_ptr<PlanRunner> runner_;
  uint64_t last_held_ = 0;
  std::map<uint64_t, Held> held_;
  std::array<std::multimap<api::Revision, uint64_t>, api::kind_count> until_revision_;
  std::array<std::set<uint64_t>, api::kind_count> until_gone_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

Manager::Session::Session(Manager& manager, Rng rng, api::Fence fence,
                          std::function<bool()> leading)
    : manager_(manager), rng_(rng), fence_(std::move(fence)), leading_(std::move(leading)) {
  PlanRunner::Options runner;
  runner.user = manager.options_.user;
  runner.actor = manager.options_.actor;
  runner.fence = fence_;
  runner.leading = leading_;
  runner.on_lost = [this] { on_lost(); };
  runner.refused = [this](const Controller& controller, const api::Request& request,
                          const api::ApiError& error) {
    // Policy may forbid a write for a while (a namespace that is going); anything else is a mistake.
    const std::string object =
        api::to_string(api::ObjectKey{request.kind, request.ns, request.name});
    const LogField fields[] = {
        {"controller", controller.name()}, {"object", object}, {"why", error.message}};
    const Level level =
        error.reason == api::Reason::forbidden ? Level::info : Level::warning;
    if (manager_.log_.enabled(level)) manager_.log_.write(level, "write_refused", fields);
  };
  runner.occurred = [this](Controller& controller, const Occurrence& occurrence) {
    record(controller, occurrence);
  };
  runner_ = std::make_unique<PlanRunner>(manager.loop_, manager.client_, cache_, rng_.fork("plans"),
                                         std::move(runner));
  for (const auto& registered : manager.controllers_) {
    Lane* lane = lanes_.emplace_back(std::make_unique<Lane>()).get();
    lane->registered = registered.get();
    lane->queue = std::make_unique<client::WorkQueue>(manager.loop_, client::WorkQueueOptions{},
                                                      [this, lane] { post_pump(*lane); });
    client::EventRecorder::Options options;
    options.component = registered->metrics.name + "-controller";
    options.user = manager.options_.user;
    options.warnings_only = manager.options_.warnings_only;
    options.actor = manager.options_.actor;
    lane->recorder = std::make_unique<client::EventRecorder>(
        manager.loop_, manager.client_, rng_.fork("events").fork(registered->metrics.name),
        std::move(options));
    for (const api::Kind kind : registered->controller->reads()) {
      readers_[static_cast<std::size_t>(kind)].push_back(lane);
    }
  }
}

void Manager::Session::start() {
  for (const auto& lane : lanes_) lane->registered->controller->reset();
  for (int k = 0; k < api::kind_count; ++k) {
    if (readers_[static_cast<std::size_t>(k)].empty()) continue;
    const auto kind = static_cast<api::Kind>(k);
    client::InformerOptions options;
    options.kind = kind;
    options.user = manager_.options_.user;
    options.actor = manager_.options_.actor;
    auto informer = std::make_unique<client::Informer>(
        manager_.loop_, manager_.client_, rng_.fork("informer").fork(api::info(kind).plural),
        std::move(options));
    informer->on_change([this](const api::ObjectPtr& before, const api::ObjectPtr& after) {
      on_change(before, after);
    });
    informer->on_progress([this, kind] { on_progress(kind); });
    informers_[static_cast<std::size_t>(k)] = std::move(informer);
  }
  for (const auto& informer : informers_) {
    if (informer) informer->start();
  }
  prepare_lanes();  // a controller that reads nothing is ready at once
}

// Whether a change must not wait for the key's rest: one of what is asked for, which is the object
// itself. What only its status says, most often by the controller's own hand, can wait. Kinds without
// a generation do not tell the two apart.
bool Manager::Session::urgent(const api::ObjectKey& key, const api::ObjectPtr& before,
                              const api::ObjectPtr& after) {
  const api::Object& object = after ? *after : *before;
  if (object.kind() != key.kind || object.name() != key.name || object.ns() != key.ns) return false;
  if (!before || !after || before->uid() != after->uid()) return true;
  const int64_t generation = after->meta().generation();
  return generation == 0 || generation != before->meta().generation() ||
         before->deleting() != after->deleting();
}

void Manager::Session::on_change(const api::ObjectPtr& before, const api::ObjectPtr& after) {
  cache_.apply(before, after);
  if (lost_) return;
  const api::Kind kind = after ? after->kind() : before->kind();
  const View view = this->view();
  for (Lane* lane : readers_[static_cast<std::size_t>(kind)]) {
    if (!lane->ready) continue;  // it will be shown everything when it is
    lane->registered->controller->keys_for(
        view, before, after, [&, lane](const api::ObjectKey& key) {
          if (urgent(key, before, after)) {
            lane->queue->add(key);
          } else {
            lane->queue->add_rested(key);
          }
        });
  }
}

void Manager::Session::on_progress(api::Kind kind) {
  cache_.advance(kind, informer(kind)->revision());
  if (lost_) return;
  prepare_lanes();
  release(kind);
}

void Manager::Session::prepare_lanes() {
  for (const auto& lane : lanes_) {
    if (lane->ready) continue;
    Controller& controller = *lane->registered->controller;
    const bool synced =
        std::all_of(controller.reads().begin(), controller.reads().end(), [&](api::Kind kind) {
          const client::Informer* source = informer(kind);
          return source->synced() && source->revision().value >= fence_.token;
        });
    if (!synced) continue;
    lane->ready = true;
    const View view = this->view();
    for (const api::Kind kind : controller.reads()) {
      for (const auto& [key, object] : informer(kind)->objects()) {
        controller.keys_for(view, nullptr, object,
                            [&lane](const api::ObjectKey& wanted) { lane->queue->add(wanted); });
      }
    }
    post_pump(*lane);
  }
}

// Pumps run in turns of their own, so that a controller with much to do takes turns with the others
// and no plan is made from inside an informer's or a client's callback.
void Manager::Session::post_pump(Lane& lane) {
  if (lane.pump_posted || lost_) return;
  lane.pump_posted = true;
  manager_.loop_.post([this, at = &lane, alive = std::weak_ptr<char>(alive_)] {
    if (alive.expired()) return;
    at->pump_posted = false;
    pump(*at);
  });
}

void Manager::Session::pump(Lane& lane) {
  if (!lane.ready) return;
  const std::size_t limit = manager_.options_.keys_in_flight;
  std::size_t budget = limit;
  api::ObjectKey key;
  while (!lost_ && lane.sending < limit && budget > 0 && lane.queue->take(&key)) {
    --budget;
    reconcile(lane, key);
  }
  if (budget == 0 && lane.sending < limit && lane.queue->waiting() > 0) post_pump(lane);
}

void Manager::Session::reconcile(Lane& lane, const api::ObjectKey& key) {
  if (leading_ && !leading_()) {
    on_lost();
    return;
  }
  Registered& registered = *lane.registered;
  ++registered.metrics.reconciles;
  const View view = this->view();
  Plan plan = registered.controller->reconcile(view, key);
  if (plan.writes.empty()) {
    for (const Occurrence& occurrence : plan.events) record(*registered.controller, occurrence);
    conclude(lane, key, {}, {plan.requeue_after, plan.rest});
    return;
  }
  ++lane.sending;
  const Pace pace{plan.requeue_after, plan.rest};
  runner_->run(*registered.controller, registered.metrics.writes, key, std::move(plan),
               std::make_shared<const api::Basis>(view.basis()),
               [this, at = &lane, key, pace](PlanResult result) {
                 --at->sending;
                 planned(*at, key, std::move(result), pace);
               });
}

void Manager::Session::planned(Lane& lane, const api::ObjectKey& key, PlanResult result,
                               Pace pace) {
  Held held{&lane, key, std::move(result), pace};
  const uint64_t id = ++last_held_;
  // The key stays taken while it is held, so changes that arrive meanwhile only mark it.
  if (!seeded(SeededBug::no_read_own_writes) && hold(id, held)) {
    ++lane.registered->metrics.own_write_waits;
    ++lane.holding;
    held_.emplace(id, std::move(held));
    post_pump(lane);  // its sending slot is free
    return;
  }
  conclude(lane, key, held.result, pace);
}

bool Manager::Session::hold(uint64_t id, const Held& held) {
  for (const auto& [kind, revision] : held.result.reached) {
    if (!informer(kind) || cache_.revision(kind) >= revision) continue;
    until_revision_[static_cast<std::size_t>(kind)].emplace(revision, id);
    return true;
  }
  for (const PlanResult::Gone& gone : held.result.gone) {
    if (!informer(gone.key.kind)) continue;
    if (cache_.get(gone.key.kind, gone.key.ns, gone.key.name) != gone.cached) continue;
    until_gone_[static_cast<std::size_t>(gone.key.kind)].insert(id);
    return true;
  }
  return false;
}

void Manager::Session::release(api::Kind kind) {
  const auto k = static_cast<std::size_t>(kind);
  std::vector<uint64_t> ids(until_gone_[k].begin(), until_gone_[k].end());
  until_gone_[k].clear();
  auto& waiting = until_revision_[k];
  const api::Revision now = cache_.revision(kind);
  while (!waiting.empty() && waiting.begin()->first <= now) {
    ids.push_back(waiting.begin()->second);
    waiting.erase(waiting.begin());
  }
  for (const uint64_t id : ids) {
    const auto at = held_.find(id);
    if (hold(id, at->second)) continue;
    const Held held = std::move(at->second);
    held_.erase(at);
    --held.lane->holding;
    conclude(*held.lane, held.key, held.result, held.pace);
  }
}

void Manager::Session::conclude(Lane& lane, const api::ObjectKey& key, const PlanResult& result,
                                Pace pace) {
  lane.queue->rest(key, result.ok ? pace.rest : Duration::zero());
  if (result.ok) {
    lane.queue->forget(key);
    if (pace.requeue_after > Duration::zero()) {
      // What falls due object by object (minReadySeconds) is as many as what changes so.
      lane.queue->add_after(key, std::max(pace.requeue_after, pace.rest));
    }
  } else {
    ++lane.registered->metrics.retries;
    if (result.retry_after > Duration::zero()) {
      lane.queue->add_after(key, result.retry_after);
    } else {
      lane.queue->retry(key);
    }
  }
  lane.queue->done(key);
  if (lane.queue->waiting() > 0) post_pump(lane);
}

// From here on nothing is sent in the role: no plans, and no Events about them either (LE-2).
void Manager::Session::on_lost() {
  if (std::exchange(lost_, true)) return;
  for (const auto& lane : lanes_) lane->recorder.reset();
  manager_.log_.warning("controllers_role_lost", {{"actor", manager_.options_.actor}});
}

void Manager::Session::record(Controller& controller, const Occurrence& occurrence) {
  if (!occurrence.about || lost_) return;
  for (const auto& lane : lanes_) {
    if (lane->registered->controller.get() != &controller) continue;
    lane->recorder->record(*occurrence.about, occurrence.warning, occurrence.reason,
                           occurrence.message);
    return;
  }
}

void Manager::Session::fill(std::size_t lane, ControllerMetrics* metrics) const {
  metrics->adds = lanes_[lane]->queue->added();
  metrics->waiting = lanes_[lane]->queue->waiting();
  metrics->in_flight = lanes_[lane]->sending + lanes_[lane]->holding;
}

// --- Manager
// ----------------------------------------------------------------------------------------

Manager::Manager(Loop& loop, client::ApiClient& client, Rng rng, Log& log, ManagerOptions options)
    : loop_(loop), client_(client), rng_(rng), log_(log), options_(std::move(options)) {}

Manager::~Manager() = default;

void Manager::add(std::unique_ptr<Controller> controller) {
  KEELSON_ASSERT(!session_);
  auto registered = std::make_unique<Registered>();
  registered->metrics.name = controller->name();
  registered->controller = std::move(controller);
  controllers_.push_back(std::move(registered));
}

void Manager::start(api::Fence fence, std::function<bool()> leading) {
  stop();
  session_ = std::make_unique<Session>(*this, rng_.fork(++sessions_), std::move(fence),
                                       std::move(leading));
  session_->start();
}

void Manager::stop() {
  session_.reset();
}

bool Manager::running() const {
  return session_ && !session_->lost();
}
bool Manager::synced() const {
  return session_ && session_->synced();
}
bool Manager::idle() const {
  return session_ && session_->idle();
}

std::vector<ControllerMetrics> Manager::metrics() const {
  std::vector<ControllerMetrics> all;
  for (std::size_t i = 0; i < controllers_.size(); ++i) {
    all.push_back(controllers_[i]->metrics);
    if (session_) session_->fill(i, &all.back());
  }
  return all;
}

const client::Cache& Manager::cache() const {
  KEELSON_ASSERT(session_ != nullptr);
  return session_->cache();
}

}  // namespace keelson::controllers
