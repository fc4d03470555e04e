#include "core/scheduler/scheduler.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <span>
#include <utility>

#include "core/base/seeded_bug.hpp"
#include "core/client/event_recorder.hpp"
#include "core/client/informer.hpp"
#include "core/scheduler/bind_pipeline.hpp"
#include "core/scheduler/consultation.hpp"
#include "core/scheduler/plugins/plugins.hpp"
#include "core/scheduler/pod_status.hpp"
#include "core/scheduler/report_wait.hpp"
#include "core/scheduler/status_writer.hpp"

namespace keelson::scheduler {
namespace {

using api::Kind;
using api::ObjectPtr;

// What the caches hold. The order is that in which they are listed at the start.
constexpr std::array kKinds{Kind::namespaces, Kind::nodes, Kind::services, Kind::replica_sets,
                            Kind::pod_disruption_budgets, Kind::pods};

// While the lease is in doubt the scheduler looks again after this long.
constexpr Duration kNotLeadingPause = 1s;
// While agents have not reported after lost history, so often it looks whether they have.
constexpr Duration kReportPause = 500ms;

ProfilePtr default_profile() {
  return Profile::make(ProfileOptions::defaults(), default_plugins()).value();
}

client::EventRecorderOptions recorder_options(const SchedulerOptions& options,
                                              const std::string& scheduler_name) {
  client::EventRecorderOptions recorder;
  recorder.component = scheduler_name;
  recorder.user = options.user;
  recorder.actor = options.actor;
  recorder.warnings_only = options.warnings_only;
  return recorder;
}

}  // namespace

struct Scheduler::Impl final : Consultation::Machine {
  // What a profile has of its own beside its plugins.
  struct Lane {
    Lane(Loop& loop, client::ApiClient& client, Rng rng, client::EventRecorderOptions options)
        : recorder(loop, client, rng, std::move(options)) {}
    Cycle cycle;
    client::EventRecorder recorder;
  };

  Impl(Loop& loop, client::ApiClient& client, Rng rng, Log& log, SchedulerOptions opts);
  ~Impl() { *alive = false; }

  // --- What the informers bring
  // ---------------------------------------------------------------------
  void on_namespace(const ObjectPtr& before, const ObjectPtr& after);
  void on_node(const ObjectPtr& before, const ObjectPtr& after);
  void on_pod(const ObjectPtr& before, const ObjectPtr& after);
  void pod_gone(const api::Object& pod);
  void pod_on_node(const ObjectPtr& pod);
  void pod_pending(const ObjectPtr& before, const ObjectPtr& pod);
  void on_workload(const ObjectPtr& before, const ObjectPtr& after);
  void on_pods_progress();

  // --- Scheduling
  // -----------------------------------------------------------------------------------
  void kick();  // sees to it that waiting pods get their turn and timers are armed
  void turn();
  void schedule(QueuedPod& pod);
  bool may_decide() override {
    return running && leading() &&
           !report_wait.holds(loop.now(), informer(Kind::pods), informer(Kind::nodes));
  }
  Decision decide(const QueuedPod& pod, const Advice* advice) override;
  std::span<const NodeIndex> feasible(const QueuedPod& pod) override {
    return lane(*pod.info).cycle.feasible;
  }
  void act(QueuedPod& pod, const Decision& decision) override;
  void failed(QueuedPod& pod, const std::string& why) override;
  void go_on() override { kick(); }
  void place(QueuedPod& pod, const Decision& decision);
  void give_up(QueuedPod& pod, const Decision& decision);
  void preempt(QueuedPod& pod, const Decision& decision);
  void on_bind_ended(const BindPipeline::Outcome& outcome);

  // --- Writes
  // ---------------------------------------------------------------------------------------
  api::BasisPtr basis();
  void stamp(api::Request& request);
  void delete_victim(const PodInfo& victim, const PodInfo& preemptor, const std::string& node);
  void nominate(const PodInfoPtr& pod, NameId node);
  void unnominate(const std::string& uid);

  bool responsible(const api::Pod& pod) const {
    return profiles.find(pod.spec().scheduler_name()) != nullptr;
  }
  // REQUIRES: responsible for the pod.
  Lane& lane(const PodInfo& pod) {
    return *lanes[static_cast<std::size_t>(profiles.of(pod) - profiles.entries().data())];
  }
  void record(const PodInfo& pod, bool warning, const std::string& reason,
              const std::string& message) {
    lane(pod).recorder.record(*pod.object, warning, reason, message);
  }
  client::Informer& informer(Kind kind) {
    const auto at = std::find(kKinds.begin(), kKinds.end(), kind) - kKinds.begin();
    return *informers[static_cast<std::size_t>(at)];
  }
  bool synced() const {
    return std::all_of(informers.begin(), informers.end(),
                       [](const auto& i) { return i->synced(); });
  }
  void wake(EventMask event, NameId node) {
    const Snapshot& snapshot = cache.snapshot();
    const NodeIndex at = node == 0 ? kNoNode : snapshot.find(node);
    // What happens to pods of an unknown node helps nobody.
    if (node != 0 && !snapshot.valid().test(at)) return;
    queue.wake(event, snapshot, at, loop.now());
  }

  Loop& loop;
  client::ApiClient& client;
  Log& log;
  SchedulerOptions options;
  Rng rng;
  Profiles profiles;
  std::vector<std::unique_ptr<Lane>> lanes;  // as profiles.entries()
  Cache cache;
  SchedulingQueue queue;
  Extenders extenders;
  Consultation consultation;
  BindPipeline binds;
  std::vector<std::unique_ptr<client::Informer>> informers;  // as kKinds
  StatusWriter statuses;
  Timer due_timer, pace_timer;

  bool warm = false, running = false;
  bool turn_pending = false;
  uint64_t pods_epoch = 0;
  ReportWait report_wait{options.report_patience, log};
  uint64_t turn_number = 0;  // of the turn that is pending; others that were posted are void
  api::Fence fence;
  std::function<bool()> leading;
  api::BasisPtr last_basis;
  SchedulerStats stats;
  std::shared_ptr<bool> alive = std::make_shared<bool>(true);
};

Scheduler::Impl::Impl(Loop& l, client::ApiClient& c, Rng r, Log& lg, SchedulerOptions opts)
    : loop(l),
      client(c),
      log(lg),
      options(std::move(opts)),
      rng(r.fork("decisions")),
      profiles(options.profiles ? *options.profiles : Profiles(default_profile())),
      queue(profiles, options.queue),
      extenders(options.extenders, l, cache.words(), lg),
      consultation(*this, l, queue, cache, extenders, profiles.sorter()),
      binds(l, c, cache, profiles, lg,
            {options.user, options.actor, options.read_back_retry,
             [this](const std::string& uid) { queue.wake_pod(uid, loop.now()); }, &extenders},
            [this](const BindPipeline::Outcome& outcome) { on_bind_ended(outcome); }),
      statuses(l, c,
               {[this](const std::string& ns, const std::string& name) {
                  return informer(Kind::pods).get(ns, name);
                },
                [this] { return running && leading(); },
                [this](api::Request& request) { stamp(request); }}),
      due_timer(l,
                [this] {
                  queue.advance(loop.now());
                  kick();
                }),
      pace_timer(l, [this] { turn(); }) {
  for (const Profiles::Entry& entry : profiles.entries()) {
    Rng events = r.fork("events");
    if (!lanes.empty()) events = events.fork(entry.scheduler_name);
    lanes.push_back(std::make_unique<Lane>(loop, client, events,
                                           recorder_options(options, entry.scheduler_name)));
    lanes.back()->cycle.percentage_of_nodes_to_score = entry.percentage_of_nodes_to_score;
  }
  for (const Kind kind : kKinds) {
    client::InformerOptions informer_options;
    informer_options.kind = kind;
    informer_options.user = options.user;
    informer_options.actor = options.actor;
    informers.push_back(std::make_unique<client::Informer>(
        loop, client, r.fork("informer").fork(static_cast<uint64_t>(kind)), informer_options));
    client::Informer& fresh = *informers.back();
    if (kind == Kind::namespaces) {
      fresh.on_change(
          [this](const auto& before, const auto& after) { on_namespace(before, after); });
    } else if (kind == Kind::nodes) {
      fresh.on_change([this](const auto& before, const auto& after) { on_node(before, after); });
    } else if (kind == Kind::pods) {
      fresh.on_change([this](const auto& before, const auto& after) { on_pod(before, after); });
    } else {
      fresh.on_change(
          [this](const auto& before, const auto& after) { on_workload(before, after); });
    }
    fresh.on_progress([this, kind] {
      if (kind == Kind::pods) on_pods_progress();
      report_wait.see(loop.now(), informer(Kind::pods), informer(Kind::nodes));
      kick();
    });
  }
}

// --- What the informers bring
// -----------------------------------------------------------------------

void Scheduler::Impl::on_namespace(const ObjectPtr& before, const ObjectPtr& after) {
  const api::Labels* labels = after ? &after->meta().labels() : nullptr;
  if (cache.set_namespace((after ? after : before)->name(), labels)) {
    wake(events::namespace_labels, 0);
  }
}

void Scheduler::Impl::on_node(const ObjectPtr& before, const ObjectPtr& after) {
  if (!after) {
    cache.remove_node(before->name());
    wake(events::node_removed, 0);
    return;
  }
  wake(cache.set_node(after), cache.words().id(after->name()));
}

void Scheduler::Impl::on_workload(const ObjectPtr& before, const ObjectPtr& after) {
  if (!cache.snapshot().workloads.apply(before, after)) return;
  const bool budget = (after ? after : before)->kind() == Kind::pod_disruption_budgets;
  wake(budget ? events::budget_changed : events::workload_changed, 0);
}

void Scheduler::Impl::on_pod(const ObjectPtr& before, const ObjectPtr& after) {
  if (cache.snapshot().groups.apply(before, after)) wake(events::group_member, 0);
  // Deletion and re-creation under the same name may arrive as one change (k8s#106545).
  const bool replaced = before && after && before->uid() != after->uid();
  if (before && (!after || replaced)) pod_gone(*before);
  if (!after) return;
  if (!after->as<api::Pod>().spec().node_name().empty()) {
    pod_on_node(after);
  } else {
    pod_pending(replaced ? nullptr : before, after);
  }
}

void Scheduler::Impl::pod_gone(const api::Object& pod) {
  // A pod on a node is deleted in steps, and its last state known shows the deletion under way; if
  // it does not, steps were missed and only a relist revealed that the pod is gone. The seeded bug
  // is Kubernetes' own k8s#69926: such deletions were ignored.
  const bool revealed_by_relist = !pod.deleting() && !pod.as<api::Pod>().spec().node_name().empty();
  if (seeded(SeededBug::tombstone_drop) && revealed_by_relist) return;
  const NameId node = cache.remove(pod.uid());
  unnominate(pod.uid());
  queue.remove(pod.uid());
  if (node != 0) wake(events::pod_removed, node);
  binds.pod_gone(pod.uid());
}

void Scheduler::Impl::pod_on_node(const ObjectPtr& pod) {
  const Cache::Seen seen = cache.see(pod);
  unnominate(pod->uid());
  queue.remove(pod->uid());
  if (seen.left != 0) wake(events::pod_removed, seen.left);
  if (seen.events.intersects(events::pod_added | events::pod_labels)) {
    wake(seen.events, cache.node_of(pod->uid()));
  }
}

void Scheduler::Impl::pod_pending(const ObjectPtr& before, const ObjectPtr& pod) {
  const auto& message = pod->as<api::Pod>();
  if (pod->deleting() || terminal_phase(message) || !responsible(message)) {
    // It will not be bound any more. If a bind is under way its answer will say what became of it.
    unnominate(pod->uid());
    if (pod->deleting()) binds.pod_gone(pod->uid());
    if (!cache.assumed(pod->uid())) queue.remove(pod->uid());
    return;
  }
  if (cache.knows(pod->uid()) && !cache.assumed(pod->uid())) {
    // It was seen on a node and is pending again: the store has lost history (the epoch has risen).
    if (const NameId node = cache.remove(pod->uid()); node != 0) wake(events::pod_removed, node);
  }
  // Assumed: this is an older state, or the bind is not there yet.
  const bool bound_already = cache.knows(pod->uid());
  const bool tried_before = before && queue.find(pod->uid()) != nullptr;
  PodInfoPtr info = cache.info(pod);
  if (info->nominated_node != 0 && !tried_before && !bound_already) {
    // Nominated by an earlier incarnation of this scheduler.
    cache.snapshot().nominate(info, info->nominated_node);
  }
  if (bound_already && queue.find(pod->uid()) == nullptr) return;
  queue.put(info, !tried_before || !same_demands(*before, *pod), loop.now());
}

// A bind that was acknowledged and then lost with the store's history will never be seen: once the
// cache shows the new epoch, what it still shows as pending is pending.
void Scheduler::Impl::on_pods_progress() {
  const uint64_t epoch = informer(Kind::pods).revision().epoch;
  if (epoch == std::exchange(pods_epoch, epoch)) return;
  for (const Cache::Assumption& assumption : cache.assumptions()) {
    if (!assumption.answered) continue;
    const QueuedPod* queued = queue.find(assumption.uid);
    const NameId node = cache.forget(assumption.uid);
    const ObjectPtr pod = queued == nullptr
                              ? nullptr
                              : informer(Kind::pods).get(queued->info->ns(), queued->info->name());
    queue.remove(assumption.uid);
    wake(events::pod_removed, node);
    if (pod && pod->uid() == assumption.uid) on_pod(nullptr, pod);
  }
}

// --- Scheduling
// -------------------------------------------------------------------------------------

void Scheduler::Impl::kick() {
  if (!running || !synced()) return;
  const Instant due = queue.next_due();
  if (due != Instant::max()) due_timer.arm(std::max(due - loop.now(), Duration::zero()));
  if (turn_pending || !queue.has_active() || binds.in_flight() >= options.binds_in_flight_max) {
    return;
  }
  turn_pending = true;
  if (options.pacing > Duration::zero()) {
    pace_timer.arm(options.pacing);
  } else {
    loop.post([this, token = alive, number = ++turn_number] {
      if (*token && number == turn_number) turn();
    });
  }
}

void Scheduler::Impl::turn() {
  turn_pending = false;
  if (!running || !synced()) return;
  if (!leading()) {
    turn_pending = true;
    pace_timer.arm(kNotLeadingPause);
    return;
  }
  if (report_wait.holds(loop.now(), informer(Kind::pods), informer(Kind::nodes))) {
    turn_pending = true;
    pace_timer.arm(kReportPause);
    return;
  }
  cache.snapshot().reorder_if_needed();
  for (uint32_t i = 0; i < options.cycles_per_turn; ++i) {
    if (binds.in_flight() >= options.binds_in_flight_max) break;
    QueuedPod* pod = queue.pop(&cache.snapshot());
    if (pod == nullptr) break;
    schedule(*pod);
  }
  kick();
}

void Scheduler::Impl::schedule(QueuedPod& pod) {
  if (cache.knows(pod.info->uid())) {  // bound, or being bound, already
    queue.remove(pod.info->uid());
    return;
  }
  if (consultation.concerns(*pod.info)) return consultation.schedule(pod);
  act(pod, decide(pod, nullptr));
}

Decision Scheduler::Impl::decide(const QueuedPod& pod, const Advice* advice) {
  ++stats.attempts;
  return scheduler::decide(*pod.profile, cache.snapshot(), *pod.info, rng, lane(*pod.info).cycle, advice);
}

void Scheduler::Impl::act(QueuedPod& pod, const Decision& decision) {
  switch (decision.kind) {
    case Decision::Kind::node: place(pod, decision); break;
    case Decision::Kind::unschedulable: give_up(pod, decision); break;
    case Decision::Kind::preempt: preempt(pod, decision); break;
    case Decision::Kind::error: failed(pod, decision.error); break;
  }
}

void Scheduler::Impl::failed(QueuedPod& pod, const std::string& why) {
  ++stats.errors;
  log.warning("scheduling failed", {{"pod", pod.info->name()}, {"why", why}});
  record(*pod.info, true, "FailedScheduling", why);
  statuses.write(*pod.info, {"SchedulerError", why, std::nullopt});
  queue.retry(pod, loop.now());
}

void Scheduler::Impl::place(QueuedPod& pod, const Decision& decision) {
  const PodInfoPtr info = pod.info;
  const NameId name = cache.snapshot().name(decision.node);
  // The place is taken from here on, so the nomination has served its purpose.
  const NameId nominated = cache.snapshot().unnominate(info->uid());
  binds.start(info, name, decision.devices, fence, basis(), [this] { return running && leading(); });
  if (nominated != 0 && nominated != name) wake(events::pod_removed, nominated);
}

void Scheduler::Impl::give_up(QueuedPod& pod, const Decision& decision) {
  ++stats.unschedulable;
  const PodInfoPtr info = pod.info;
  const std::string message = decision.diagnosis.message();
  record(*info, true, "FailedScheduling", message);
  PodStatusChange change{"Unschedulable", message, std::nullopt};
  if (decision.clear_nomination) change.nominated_node = "";
  queue.unschedulable(pod, decision.diagnosis.rejectors(), loop.now(),
                      consultation.refused(*info));
  if (decision.clear_nomination) unnominate(info->uid());
  statuses.write(*info, std::move(change));
  for (Plugin* plugin : pod.profile->at(Point::permit)) plugin->gave_up(*info);
}

void Scheduler::Impl::preempt(QueuedPod& pod, const Decision& decision) {
  ++stats.unschedulable;
  ++stats.preemptions;
  const PodInfoPtr info = pod.info;
  const NameId node = cache.snapshot().name(decision.node);
  const std::string node_name = cache.words().text(node);
  const std::string message = decision.diagnosis.message();
  record(*info, true, "FailedScheduling", message);
  queue.unschedulable(pod, decision.diagnosis.rejectors(), loop.now());
  nominate(info, node);
  statuses.write(*info, {"Unschedulable", message, node_name});
  for (const PodInfoPtr& victim : decision.victims) delete_victim(*victim, *info, node_name);
}

void Scheduler::Impl::on_bind_ended(const BindPipeline::Outcome& outcome) {
  const PodInfo& pod = *outcome.pod;
  if (outcome.bound) {
    ++stats.scheduled;
    record(pod, false, "Scheduled",
                    "Successfully assigned " + pod.ns() + "/" + pod.name() + " to " +
                        cache.words().text(outcome.node));
    kick();
    return;
  }
  // The place that it had been given is free again, for others: itself, still in flight, is not
  // woken by that, or a pod that a plugin rejects would be tried again and again.
  wake(events::pod_removed, outcome.node);
  if (QueuedPod* queued = queue.find(pod.uid())) {
    // The object's newest state is in the informer, the queue has what it made of it.
    const ObjectPtr now = informer(Kind::pods).get(pod.ns(), pod.name());
    if (!now || now->uid() != pod.uid() || now->deleting()) {
      queue.remove(pod.uid());
    } else if (outcome.rejectors != 0) {
      ++stats.unschedulable;
      record(pod, true, "FailedScheduling", outcome.why);
      statuses.write(pod, {"Unschedulable", outcome.why, std::nullopt});
      queue.unschedulable(*queued, outcome.rejectors, loop.now());
    } else {
      log.info("bind failed, trying again", {{"pod", pod.name()}, {"why", outcome.why}});
      if (outcome.failure) {
        record(pod, true, "FailedScheduling", outcome.why);
        statuses.write(pod, {"SchedulerError", outcome.why, std::nullopt});
      }
      queue.retry(*queued, loop.now());
    }
  }
  kick();
}

// --- Writes
// -----------------------------------------------------------------------------------------

api::BasisPtr Scheduler::Impl::basis() {
  api::Basis now;
  for (const auto& i : informers) now.read(i->kind(), i->revision());
  if (!last_basis || last_basis->seen != now.seen) {
    last_basis = std::make_shared<const api::Basis>(now);
  }
  return last_basis;
}

void Scheduler::Impl::stamp(api::Request& request) {
  request.user = options.user;
  request.actor = options.actor;
  request.fence = fence;
  request.basis = basis();
}

void Scheduler::Impl::delete_victim(const PodInfo& victim, const PodInfo& preemptor,
                                    const std::string& node) {
  if (victim.deleting()) return;  // on its way out already
  ++stats.victims;
  // The victim may be another scheduler's.
  lane(preemptor).recorder.record(*victim.object, false, "Preempted",
                  "Preempted by pod " + preemptor.uid() + " on node " + node);
  api::Request request = api::remove(*victim.object);
  stamp(request);
  client.call(std::move(request), [this, token = alive, name = victim.name(),
                                   preemptor = preemptor.uid()](api::Response response) {
    if (!*token || response.ok() || response.error.reason == api::Reason::not_found) {
      return;
    }
    log.info("victim not deleted", {{"pod", name}, {"why", response.error.message}});
    // No event will come: the preemptor has to look for victims again.
    queue.wake_pod(preemptor, loop.now());
    kick();
  });
}

void Scheduler::Impl::nominate(const PodInfoPtr& pod, NameId node) {
  // Pods of lower priority that counted on this node have lost it.
  std::vector<PodInfoPtr> outranked;
  if (const auto it = cache.snapshot().nominated().find(node);
      it != cache.snapshot().nominated().end()) {
    for (const PodInfoPtr& other : it->second) {
      if (other->priority < pod->priority) outranked.push_back(other);
    }
  }
  const NameId before = cache.snapshot().unnominate(pod->uid());
  cache.snapshot().nominate(pod, node);
  for (const PodInfoPtr& other : outranked) {
    unnominate(other->uid());
    statuses.write(*other, {{}, {}, std::string()});
  }
  // The place that it held elsewhere is free for others.
  if (before != 0 && before != node) wake(events::pod_removed, before);
}

void Scheduler::Impl::unnominate(const std::string& uid) {
  if (const NameId node = cache.snapshot().unnominate(uid); node != 0) {
    wake(events::pod_removed, node);
  }
}

// --- The public face
// --------------------------------------------------------------------------------

Scheduler::Scheduler(Loop& loop, client::ApiClient& client, Rng rng, Log& log,
                     SchedulerOptions options)
    : impl_(std::make_unique<Impl>(loop, client, rng, log, std::move(options))) {}

Scheduler::~Scheduler() = default;

void Scheduler::warm_up() {
  if (std::exchange(impl_->warm, true)) return;
  for (const auto& informer : impl_->informers) informer->start();
}

void Scheduler::start(api::Fence fence, std::function<bool()> leading) {
  impl_->fence = std::move(fence);
  impl_->leading = std::move(leading);
  impl_->running = true;
  warm_up();
  impl_->queue.advance(impl_->loop.now());
  impl_->kick();
}

void Scheduler::stop() {
  impl_->running = false;
  impl_->turn_pending = false;
  ++impl_->turn_number;
  impl_->pace_timer.disarm();
  impl_->due_timer.disarm();
}

bool Scheduler::synced() const {
  return impl_->synced();
}

SchedulerStats Scheduler::stats() const {
  SchedulerStats stats = impl_->stats;
  stats.binds_refused = impl_->binds.counters().refused;
  stats.binds_unknown = impl_->binds.counters().unknown;
  stats.queue = impl_->queue.depths();
  stats.binds_in_flight = impl_->binds.in_flight();
  return stats;
}

const Cache& Scheduler::cache() const {
  return impl_->cache;
}

const Profiles& Scheduler::profiles() const {
  return impl_->profiles;
}

}  // namespace keelson::scheduler
