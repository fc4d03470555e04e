#include "core/agent/probes.hpp"

namespace keelson::agent {

namespace {

constexpr std::array kKinds = {ProbeKind::startup, ProbeKind::liveness, ProbeKind::readiness};

Duration seconds_or(int32_t seconds, int32_t otherwise) {
  return std::chrono::seconds(seconds > 0 ? seconds : otherwise);
}
Duration period(const api::Probe& probe) {
  return seconds_or(probe.period_seconds(), 10);
}
Duration timeout(const api::Probe& probe) {
  return seconds_or(probe.timeout_seconds(), 1);
}

}  // namespace

std::string_view to_string(ProbeKind kind) {
  switch (kind) {
    case ProbeKind::startup: return "Startup";
    case ProbeKind::liveness: return "Liveness";
    case ProbeKind::readiness: return "Readiness";
  }
  return "";
}

bool has_probes(const api::Container& container) {
  return container.has_startup_probe() || container.has_liveness_probe() ||
         container.has_readiness_probe();
}

ContainerProbes::ContainerProbes(Context& context, std::shared_ptr<const api::Pod> pod,
                                 const api::Container& container, ContainerId id, bool started,
                                 bool ready, Instant since, Duration first_after, Events events)
    : context_(context),
      pod_(std::move(pod)),
      id_(std::move(id)),
      events_(std::move(events)),
      started_(started) {
  timer_ = Timer(context.loop, lifetime_.guard([this] { on_timer(); }));
  if (container.has_startup_probe()) one(ProbeKind::startup).probe = &container.startup_probe();
  if (container.has_liveness_probe()) one(ProbeKind::liveness).probe = &container.liveness_probe();
  if (container.has_readiness_probe()) {
    one(ProbeKind::readiness).probe = &container.readiness_probe();
  }
  one(ProbeKind::readiness).known = one(ProbeKind::readiness).healthy = ready;
  // A container is taken to be alive until a probe says otherwise.
  one(ProbeKind::liveness).known = one(ProbeKind::liveness).healthy = true;
  const Instant now = context.loop.now();
  for (const ProbeKind kind : kKinds) {
    One& p = one(kind);
    if (!p.probe) continue;
    const auto delay = std::chrono::seconds(std::max(0, p.probe->initial_delay_seconds()));
    p.due = std::max(since + delay, now + first_after);
  }
  arm();
}

bool ContainerProbes::active(ProbeKind kind) const {
  if (!one(kind).probe || (readiness_only_ && kind != ProbeKind::readiness)) return false;
  return kind == ProbeKind::startup ? !started_ : started_;
}

void ContainerProbes::readiness_only() {
  if (std::exchange(readiness_only_, true)) return;
  arm();
}

void ContainerProbes::arm() {
  Instant next{};
  for (const ProbeKind kind : kKinds) {
    if (!active(kind)) continue;
    const Instant at = one(kind).in_flight ? one(kind).answer_by : one(kind).due;
    if (next == Instant{} || at < next) next = at;
  }
  if (next == Instant{}) {
    timer_.disarm();
  } else {
    timer_.arm(std::max(Duration::zero(), next - context_.loop.now()));
  }
}

void ContainerProbes::on_timer() {
  const Instant now = context_.loop.now();
  const std::weak_ptr<const char> alive = lifetime_.watch();
  for (const ProbeKind kind : kKinds) {
    if (!active(kind)) continue;
    One& p = one(kind);
    if (p.in_flight) {
      if (now < p.answer_by) continue;
      p.in_flight = false;
      ++p.token;  // an answer after this is too late
      result(kind, false, "context deadline exceeded");
      if (alive.expired()) return;
    } else if (now >= p.due) {
      begin(kind);
    }
  }
  arm();
}

void ContainerProbes::begin(ProbeKind kind) {
  One& p = one(kind);
  const Instant now = context_.loop.now();
  p.in_flight = true;
  p.answer_by = now + timeout(*p.probe);
  p.due = now + period(*p.probe);
  const uint32_t token = ++p.token;
  context_.runtime.probe(id_, *p.probe,
                         lifetime_.guard([this, kind, token](Result<ProbeAnswer> answer) {
                           on_answer(kind, token, std::move(answer));
                         }));
}

void ContainerProbes::on_answer(ProbeKind kind, uint32_t token, Result<ProbeAnswer> answer) {
  One& p = one(kind);
  if (token != p.token || !p.in_flight) return;
  p.in_flight = false;
  const std::weak_ptr<const char> alive = lifetime_.watch();
  if (answer.ok()) {
    // A runtime is the world outside: it may have forgotten to cut.
    if (answer->output.size() > probe_output_max) answer->output.resize(probe_output_max);
    result(kind, answer->result == ProbeResult::success, answer->output);
  } else if (answer.code() == Code::unknown) {
    result(kind, false, answer.error().message);
  }
  // Other errors say nothing about the container; kubelet too throws such results away.
  if (!alive.expired()) arm();
}

void ContainerProbes::result(ProbeKind kind, bool success, const std::string& why) {
  if (!active(kind)) return;
  One& p = one(kind);
  const std::weak_ptr<const char> alive = lifetime_.watch();
  if (success) {
    p.failures = 0;
    ++p.successes;
  } else {
    p.successes = 0;
    ++p.failures;
    events_.on_failure(kind, why);
    if (alive.expired()) return;
  }
  const int32_t threshold =
      success ? std::max(1, p.probe->success_threshold())
              : (p.probe->failure_threshold() > 0 ? p.probe->failure_threshold() : 3);
  if ((success ? p.successes : p.failures) < threshold) return;
  if (p.known && p.healthy == success) return;
  p.known = true;
  p.healthy = success;
  if (kind == ProbeKind::startup && success) {
    started_ = true;
    // The others begin now: their initial delays count from the container's start and are over or
    // not by their own due times.
    const Instant now = context_.loop.now();
    for (const ProbeKind other : {ProbeKind::liveness, ProbeKind::readiness}) {
      one(other).due = std::max(one(other).due, now);
    }
  }
  events_.on_verdict(kind, success);
}

}  // namespace keelson::agent
