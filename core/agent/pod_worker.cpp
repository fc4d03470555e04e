#include "core/agent/pod_worker.hpp"

#include <fmt/format.h>

#include "core/agent/runtime_cache.hpp"
#include "core/agent/status.hpp"
#include "core/agent/volume_manager.hpp"
#include "core/api/json.hpp"

namespace keelson::agent {

namespace {
bool terminal(const std::string& phase) {
  return phase == "Succeeded" || phase == "Failed";
}
}  // namespace

PodWorker::PodWorker(Context& context, api::Ref<api::Pod> pod, std::string uid)
    : context_(context), state_(make_pod_state(std::move(pod), std::move(uid))) {
  // An earlier incarnation of the agent may have made them.
  state_.volumes.on_disk = context_.volumes != nullptr;
  if (!state_.pod) return;
  for (const ContainerRecord& record : state_.containers) {
    const auto i = static_cast<std::size_t>(&record - state_.containers.data());
    if (has_probes(spec_of(state_, i))) probes_.resize(state_.containers.size());
  }
  // What has ended stays ended, whatever became of its containers: NA-2, k8s#126341.
  if (terminal(state_.pod->status().phase())) end(Ending::finished, Duration::zero());
}

std::shared_ptr<const api::Pod> PodWorker::pod_message() const {
  const auto& body = state_.pod.object().body();
  return {body, static_cast<const api::Pod*>(body.get())};
}

std::shared_ptr<const api::Container> PodWorker::container_message(std::size_t i) const {
  if (is_ephemeral(state_, i)) return state_.ephemeral[i - main_end(state_)];
  return {pod_message(), &spec_of(state_, i)};
}

const PodDemand& PodWorker::demand() {
  if (!demand_) {
    demand_ = std::make_unique<PodDemand>(
        state_.pod ? demand_of(state_.pod->spec(), state_.pod->metadata()) : PodDemand{});
  }
  return *demand_;
}

bool PodWorker::occupies() const {
  if (!state_.pod || state_.held || state_.rejected) return false;
  return state_.ending == Ending::none || !state_.runtime_known || processes_alive(state_);
}

bool PodWorker::done() const {
  return state_.ending == Ending::gone && (state_.rejected || state_.runtime_known) &&
         runtime_clean(state_) && (state_.rejected || !state_.volumes.on_disk);
}

void PodWorker::on_object(const api::ObjectPtr& newest) {
  if (!state_.pod || newest->uid() != state_.uid) return;
  if (newest->revision() <= state_.pod.revision()) return;
  const api::Ref<api::Pod> before = std::exchange(state_.pod, api::Ref<api::Pod>(newest));
  const api::Pod& now = *state_.pod;
  // The API server keeps the containers of a pod; another list would be another pod.
  if (now.spec().init_containers_size() + now.spec().containers_size() !=
          static_cast<int>(main_end(state_)) ||
      now.spec().init_containers_size() != state_.init_count) {
    context_.log.warning("containers of a pod changed", {{"pod", describe(state_)}});
    state_.pod = before;
    return;
  }
  add_ephemeral(state_);
  for (std::size_t i = 0; i < main_end(state_); ++i) {
    R& record = state_.containers[i];
    const std::string& was =
        is_init(state_, i)
            ? before->spec().init_containers(static_cast<int>(i)).image()
            : before->spec().containers(static_cast<int>(i - state_.init_count)).image();
    if (was == spec_of(state_, i).image()) continue;
    record.prepared = false;
    record.pull_failures = 0;
    record.retry_at = {};
    record.crashes = {};  // of what is replaced
    // Init containers that have done their work are not run again for it.
    if (is_init(state_, i) && !is_sidecar(state_, i)) continue;
    record.outdated = record.outdated || record.op == Op::creating || record.op == Op::starting ||
                      record.phase == Phase::created || record.phase == Phase::running;
  }
  if (context_.volumes) context_.volumes->update(state_.pod);
  if (before->spec().active_deadline_seconds() != now.spec().active_deadline_seconds()) {
    set_active_deadline();
  }
  touch();
}

// What was made from an older definition is replaced as soon as it runs: a creation that was under
// way when the definition changed brings up the old one.
void PodWorker::replace_outdated() {
  for (std::size_t i = 0; i < state_.containers.size(); ++i) {
    R& record = state_.containers[i];
    if (!record.outdated || record.phase != Phase::running || record.force_restart) continue;
    record.force_restart = true;
    record.kill_reason = fmt::format("Container {} definition changed, will be restarted",
                                     spec_of(state_, i).name());
  }
}

void PodWorker::on_gone() {
  if (state_.ending == Ending::gone) return;
  end(Ending::gone, grace_of(state_));
  state_.object_deleted = true;
  touch();
}

void PodWorker::on_hope() {
  if (state_.volumes.ready) return;
  state_.volumes.retry_at = {};
  step();
}

void PodWorker::on_sighting(const Sighting& seen, uint64_t asked) {
  const bool was_uncertain = uncertain(state_);
  const bool changed = observe(state_, seen, asked, context_.loop.now(), context_.loop.wall_now());
  if (changed) {
    touch();
  } else if (was_uncertain) {
    step();
  }
}

void PodWorker::assume_absent() {
  on_sighting({}, context_.sequence);
}

void PodWorker::admit() {
  if (!state_.held) return;
  state_.held = false;
  set_active_deadline();
  touch();
}

// It may be set or shortened while the pod runs.
void PodWorker::set_active_deadline() {
  state_.active_until = {};
  if (state_.held || !state_.pod->spec().has_active_deadline_seconds()) return;
  const api::PodStatus& status = state_.pod->status();
  Duration used{};
  if (status.has_start_time()) {
    const int64_t wall = context_.loop.wall_now().unix_ns;
    used = Duration{std::max<int64_t>(0, wall - api::to_wall(status.start_time()).unix_ns)};
  }
  const auto limit = std::chrono::seconds(
      std::clamp<int64_t>(state_.pod->spec().active_deadline_seconds(), 0, 1'000'000'000));
  state_.active_until = context_.loop.now() + std::max<Duration>(Duration::zero(), limit - used);
}

void PodWorker::reject(Verdict verdict) {
  KEELSON_ASSERT(state_.held && state_.pod);
  context_.log.info("pod rejected", {{"pod", describe(state_)}, {"reason", verdict.reason}});
  context_.warn(state_.pod.object(), verdict.reason, verdict.message);
  state_.verdict = std::move(verdict);
  state_.rejected = true;
  end(Ending::finished, Duration::zero());
  touch();
}

void PodWorker::evict(Verdict verdict) {
  if (!state_.pod || state_.held || state_.ending != Ending::none) return;
  context_.log.info("pod evicted", {{"pod", describe(state_)}, {"why", verdict.message}});
  context_.warn(state_.pod.object(), verdict.reason, verdict.message);
  state_.verdict = std::move(verdict);
  end(Ending::finished, Duration::zero());
  touch();
}

void PodWorker::drop_dead_containers() {
  for (R& record : state_.containers) {
    if (record.previous.empty() || record.op == Op::removing) continue;
    state_.strays.push_back({.dead = true, .id = std::exchange(record.previous, {})});
  }
  step();
}

void PodWorker::end(Ending ending, Duration grace) {
  if (ending <= state_.ending) return;
  const Instant deadline = context_.loop.now() + grace;
  const bool first = state_.ending == Ending::none;
  state_.ending = ending;
  state_.held = false;
  if (first) state_.deadline = deadline;
}

// A deletion may shorten the grace that is running, never lengthen it.
void PodWorker::shorten(Instant deadline) {
  if (deadline >= state_.deadline) return;
  state_.deadline = deadline;
  for (R& record : state_.containers) {
    if (record.op != Op::pre_stop) continue;
    record.op_until = std::min(record.op_until, deadline);
    record.stop_by = std::min(record.stop_by, deadline);
  }
}

void PodWorker::refresh_ending() {
  const Instant now = context_.loop.now();
  if (!state_.pod) return;
  if (state_.pod.object().deleting() && state_.ending <= Ending::deleted) {
    const api::ObjectMeta& meta = state_.pod.object().meta();
    // The grace counts from when this agent learns of the deletion: the timestamp is another
    // machine's clock.
    const Duration grace = meta.has_deletion_grace_period_seconds()
                               ? std::chrono::seconds(std::clamp<int64_t>(
                                     meta.deletion_grace_period_seconds(), 0, 1'000'000'000))
                               : grace_of(state_);
    const bool serving = state_.ending == Ending::none && summarize(state_.pod->status()).ready;
    if (serving) state_.leave_at = now + context_.options.leave_delay;
    state_.leave_at = std::min(state_.leave_at, now + grace / 2);
    end(Ending::deleted, grace);
    shorten(now + grace);
  }
  // Somebody else has declared it ended: so it ends. NA-1.
  if (terminal(state_.pod->status().phase())) end(Ending::finished, grace_of(state_));
  if (state_.ending != Ending::none || state_.held || !state_.runtime_known) return;
  Verdict verdict;
  if (state_.active_until != Instant{} && now >= state_.active_until) {
    state_.verdict = {"Failed", "DeadlineExceeded",
                      "Pod was active on the node longer than the specified deadline"};
    context_.warn(state_.pod.object(), "DeadlineExceeded", state_.verdict.message);
    end(Ending::finished, grace_of(state_));
  } else if (finished(state_, &verdict)) {
    end(Ending::finished, grace_of(state_));
  }
}

void PodWorker::touch() {
  if (!dirty_) {
    dirty_ = true;
    dirty_since_ = context_.loop.now();
  }
  step();
}

void PodWorker::step() {
  if (stepping_) {
    again_ = true;
    return;
  }
  stepping_ = true;
  Decision decision;
  do {
    again_ = false;
    refresh_ending();
    replace_outdated();
    decision = decide(state_, context_.loop.now());
    for (const Action& action : decision.actions) perform(action);
  } while (again_);
  stepping_ = false;
  tell_of_backoff();
  if (decision.relist) context_.cache->request();
  sync_probes();
  Instant wake = decision.wake;
  const auto also = [&wake](Instant at) {
    if (at != Instant{} && (wake == Instant{} || at < wake)) wake = at;
  };
  if (state_.ending == Ending::none && !state_.held) also(state_.active_until);
  also(settle(context_.loop.now()));
  also(sync_status(context_.loop.now()));
  arm(wake);
  if (state_.ending != Ending::none && (done() || (!occupies() && !freed_reported_))) {
    freed_reported_ = true;
    context_.on_freed();
  }
}

// Containers without a readiness probe that have run for long enough. When the next one has.
Instant PodWorker::settle(Instant now) {
  Instant next{};
  for (R& record : state_.containers) {
    if (record.ready_at == Instant{}) continue;
    if (record.phase != Phase::running || now >= record.ready_at) {
      record.ready = record.phase == Phase::running;
      record.ready_at = {};
    } else if (next == Instant{} || record.ready_at < next) {
      next = record.ready_at;
    }
  }
  return next;
}

void PodWorker::event(std::size_t i, std::string_view reason, std::string message) {
  if (!context_.wants_events()) return;
  context_.event(state_.pod.object(), reason, std::move(message), field_path_of(state_, i));
}

void PodWorker::warn(std::size_t i, std::string_view reason, std::string message) {
  if (!context_.wants_warnings()) return;
  context_.warn(state_.pod.object(), reason, std::move(message), field_path_of(state_, i));
}

// What it is made from is looked up afresh for the next attempt: somebody may have put it right.
void PodWorker::hold_back(std::size_t i, std::string_view reason, const std::string& why,
                          Duration wait) {
  R& record = state_.containers[i];
  record.prepared = false;
  record.waiting = reason;
  record.waiting_message = why;
  record.retry_at = context_.loop.now() + wait;
  warn(i, "Failed", "Error: " + why);
  touch();
}

// What users look for when a pod does not come up: `kubectl describe` shows it.
void PodWorker::tell_of_backoff() {
  for (std::size_t i = 0; i < state_.containers.size(); ++i) {
    R& record = state_.containers[i];
    if (record.phase != Phase::exited || record.backoff_told || record.waiting.empty()) continue;
    record.backoff_told = true;
    if (record.waiting != "CrashLoopBackOff" || state_.ending != Ending::none) continue;
    warn(i, "BackOff",
         fmt::format("Back-off restarting failed container {} in pod {}", spec_of(state_, i).name(),
                     describe(state_)));
  }
}

void PodWorker::arm(Instant wake) {
  if (wake == armed_for_ && wake != Instant{}) return;
  armed_for_ = wake;
  if (wake == Instant{}) {
    timer_.disarm();
    return;
  }
  if (!timer_) {
    timer_ = Timer(context_.loop, then([](PodWorker& w) {
                     w.armed_for_ = {};
                     w.step();
                   }));
  }
  timer_.arm(std::max(Duration::zero(), wake - context_.loop.now()));
}

void PodWorker::perform(const Action& action) {
  using Kind = Action::Kind;
  switch (action.kind) {
    case Kind::set_up_volumes: set_up_volumes(); break;
    case Kind::remove_volumes: remove_volumes(); break;
    case Kind::run_sandbox: run_sandbox(); break;
    case Kind::stop_sandbox: end_sandbox(false); break;
    case Kind::remove_sandbox: end_sandbox(true); break;
    case Kind::prepare: prepare(action.index); break;
    case Kind::create: create(action.index); break;
    case Kind::start: start(action.index); break;
    case Kind::stop: stop(action.index); break;
    case Kind::end_hook:
      state_.containers[action.index].op = Op::none;
      again_ = true;
      break;
    case Kind::stop_now:
    case Kind::hurry: stop_now(action.index); break;
    case Kind::remove: remove(action.index); break;
    case Kind::stop_stray: stray_action(action.index, false); break;
    case Kind::remove_stray: stray_action(action.index, true); break;
    case Kind::delete_object: delete_object(); break;
  }
}

void PodWorker::sync_probes() {
  for (std::size_t i = 0; i < probes_.size(); ++i) {
    const R& record = state_.containers[i];
    const bool wanted = state_.ending == Ending::none && record.phase == Phase::running &&
                        record.kill_reason.empty() && record.op != Op::stopping &&
                        has_probes(spec_of(state_, i)) &&
                        (!is_init(state_, i) || is_sidecar(state_, i));
    if (state_.ending == Ending::deleted && probes_[i] && record.phase == Phase::running &&
        probes_[i]->id() == record.id) {
      probes_[i]->readiness_only();
      continue;
    }
    if (!wanted) {
      probes_[i].reset();
      continue;
    }
    if (probes_[i] && probes_[i]->id() == record.id) continue;
    Duration spread{};
    if (record.running_since < context_.loop.now()) {
      // Adopted: its probes are spread, so that a restarted agent does not probe all at once.
      spread = context_.rng.between(Duration::zero(), Duration(5s));
    }
    ContainerProbes::Events events{
        .on_verdict =
            then([i](PodWorker& w, ProbeKind kind, bool healthy) { w.on_probe(i, kind, healthy); }),
        .on_failure = then([i](PodWorker& w, ProbeKind kind, const std::string& why) {
          w.warn(i, "Unhealthy", fmt::format("{} probe failed: {}", to_string(kind), why));
        })};
    probes_[i] = std::make_unique<ContainerProbes>(context_, pod_message(), spec_of(state_, i),
                                                   record.id, record.started, record.ready,
                                                   record.running_since, spread, std::move(events));
  }
}

}  // namespace keelson::agent
