// How a pod worker ends containers, and what it does with strays and verdicts of probes. The rule
// for lost answers is that of pod_actions.cpp.
#include <fmt/format.h>

#include "core/agent/pod_worker.hpp"

namespace keelson::agent {

namespace {

// Nothing is killed sooner than this after it was asked to stop, also when preStop has used up the
// grace. Source: kubelet's minimumGracePeriodInSeconds; NA-4.
constexpr Duration kMinimumGrace = 2s;

bool gone(const Result<Unit>& answer) {
  return answer.ok() || answer.code() == Code::not_found;
}

}  // namespace

void PodWorker::stop(std::size_t i) {
  R& record = state_.containers[i];
  const api::Container& spec = spec_of(state_, i);
  const Instant now = context_.loop.now();
  const Duration own = record.kill_grace > Duration::zero() ? record.kill_grace : grace_of(state_);
  record.stop_by = state_.ending != Ending::none ? state_.deadline : now + own;
  // What is only to be replaced serves until it has ended, as the pod of a deletion does: clients that
  // patch an image and look find the pod ready, as with kubelet.
  if (state_.ending != Ending::deleted && !record.outdated) record.ready = false;
  if (context_.wants_events()) {
    event(i, "Killing",
          record.kill_reason.empty() ? fmt::format("Stopping container {}", spec.name())
                                     : record.kill_reason);
  }
  if (!spec.lifecycle().has_pre_stop() || record.stop_by <= now) {
    stop_now(i);
    return;
  }
  const api::LifecycleHandler& hook = spec.lifecycle().pre_stop();
  record.op = Op::pre_stop;
  record.op_until = record.stop_by;
  const uint32_t token = ++record.token;
  if (hook.has_sleep()) {
    const auto nap = std::chrono::seconds(std::clamp<int64_t>(hook.sleep().seconds(), 0, 86'400));
    record.op_until = std::min(record.op_until, now + nap);
    again_ = true;
    return;
  }
  context_.runtime.run_hook(record.id, hook, then([i, token](PodWorker& w, Result<Unit> answer) {
                              R& r = w.state_.containers[i];
                              if (r.token != token || r.op != Op::pre_stop) return;
                              if (!answer.ok() && w.state_.pod) {
                                w.warn(i, "FailedPreStopHook", "PreStopHook failed");
                              }
                              w.stop_now(i);
                              w.step();
                            }));
  again_ = true;
}

void PodWorker::stop_now(std::size_t i) {
  R& record = state_.containers[i];
  const Instant now = context_.loop.now();
  const bool hurry = record.op == Op::stopping;
  const Instant by = hurry ? state_.deadline : record.stop_by;
  const Duration grace = std::max<Duration>(kMinimumGrace, by - now);
  record.op = Op::stopping;
  record.stop_by = now + grace;
  const uint32_t token = ++record.token;  // of a shortened stop only the newest answer counts
  context_.runtime.stop_container(record.id, grace,
                                  then([i, token](PodWorker& w, Result<Unit> answer) {
                                    if (w.state_.containers[i].token != token) return;
                                    w.on_stopped(i, std::move(answer));
                                  }));
}

void PodWorker::on_stopped(std::size_t i, Result<Unit> answer) {
  R& record = state_.containers[i];
  const Instant now = context_.loop.now();
  record.op = Op::none;
  record.changed = ++context_.sequence;
  record.op_retry_at = now + 1s;
  // Nobody will ask how a container of a deleted service pod ended; for others the exit code is
  // worth a look at the runtime, and so is any answer but "stopped".
  const bool how_matters = state_.ending < Ending::deleted ||
                           (state_.ending == Ending::deleted && restart_policy(state_) != "Always");
  if (gone(answer) && !how_matters) {
    record.exists = answer.ok();
    record.exit_code = 137;
    record.reason = "Error";
    record.finished_at = context_.loop.wall_now();
    record.op_retry_at = now;
    note_exit(state_, i, now - record.running_since, now, now);
  } else {
    record.uncertain = true;
    if (gone(answer)) record.op_retry_at = now + 100ms;
  }
  touch();
}

void PodWorker::remove(std::size_t i) {
  R& record = state_.containers[i];
  record.op = Op::removing;
  const bool newest = record.exists;
  auto done = then([i, newest](PodWorker& w, Result<Unit> answer) {
    R& r = w.state_.containers[i];
    r.op = Op::none;
    r.changed = ++w.context_.sequence;
    if (!gone(answer)) {
      r.uncertain = answer.code() == Code::unknown;
      r.op_retry_at = w.context_.loop.now() + 1s;
    } else if (newest) {
      r.exists = false;
      if (r.phase == Phase::created) r.phase = Phase::absent;
    } else {
      r.previous.clear();
    }
    w.step();
  });
  context_.runtime.remove_container(newest ? record.id : record.previous, std::move(done));
}

void PodWorker::stray_action(std::size_t i, bool remove) {
  Stray& stray = state_.strays[i];
  stray.op = remove ? Op::removing : Op::stopping;
  auto done = then([id = stray.id, remove](PodWorker& w, Result<Unit> answer) {
    w.on_stray(id, remove, std::move(answer));
  });
  if (stray.is_sandbox) {
    if (remove) {
      context_.runtime.remove_sandbox(stray.id, std::move(done));
    } else {
      context_.runtime.stop_sandbox(stray.id, std::move(done));
    }
  } else if (remove) {
    context_.runtime.remove_container(stray.id, std::move(done));
  } else {
    context_.runtime.stop_container(stray.id, kMinimumGrace, std::move(done));
  }
}

void PodWorker::on_stray(const std::string& id, bool removed, Result<Unit> answer) {
  const auto at = std::find_if(state_.strays.begin(), state_.strays.end(),
                               [&](const Stray& stray) { return stray.id == id; });
  if (at == state_.strays.end()) return;
  at->op = Op::none;
  at->changed = ++context_.sequence;
  if (!gone(answer)) {
    at->uncertain = answer.code() == Code::unknown;
    at->retry_at = context_.loop.now() + 1s;
  } else if (removed) {
    state_.strays.erase(at);
  } else {
    at->running = false;
    at->dead = true;
  }
  step();
}

// --- Probes
// ---------------------------------------------------------------------------------------

void PodWorker::on_probe(std::size_t i, ProbeKind kind, bool healthy) {
  R& record = state_.containers[i];
  if (record.phase != Phase::running) return;
  const bool leaving = state_.ending == Ending::deleted && kind == ProbeKind::readiness;
  if (state_.ending != Ending::none && !leaving) return;
  const api::Container& spec = spec_of(state_, i);
  if (kind == ProbeKind::readiness) {
    record.ready = record.started && healthy;
  } else if (kind == ProbeKind::startup && healthy) {
    record.started = true;
    record.ready = !spec.has_readiness_probe();
  } else if (!healthy) {
    const bool startup = kind == ProbeKind::startup;
    const api::Probe& probe = startup ? spec.startup_probe() : spec.liveness_probe();
    if (probe.has_termination_grace_period_seconds()) {
      record.kill_grace = std::chrono::seconds(
          std::clamp<int64_t>(probe.termination_grace_period_seconds(), 1, 1'000'000'000));
    }
    record.kill_reason = fmt::format("Container {} failed {} probe, will be restarted", spec.name(),
                                     startup ? "startup" : "liveness");
    record.ready = false;
  }
  // Not from inside the probe's own callback: the step may end the probe.
  context_.loop.post(then([](PodWorker& w) { w.touch(); }));
}

}  // namespace keelson::agent
