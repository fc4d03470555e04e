#include "core/agent/pod_state.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/api/ephemeral_container.hpp"

namespace keelson::agent {

PodState make_pod_state(api::Ref<api::Pod> pod, std::string uid) {
  PodState state;
  state.uid = std::move(uid);
  if (pod) {
    state.init_count = static_cast<uint16_t>(pod->spec().init_containers_size());
    state.containers.resize(state.init_count +
                            static_cast<std::size_t>(pod->spec().containers_size()));
  } else {
    state.ending = Ending::gone;
    state.held = false;
  }
  state.pod = std::move(pod);
  if (state.pod) add_ephemeral(state);
  return state;
}

void add_ephemeral(PodState& state) {
  for (const api::EphemeralContainer& one : state.pod->spec().ephemeral_containers()) {
    const std::string& name = one.ephemeral_container_common().name();
    const bool known = std::any_of(state.ephemeral.begin(), state.ephemeral.end(),
                                   [&](const auto& each) { return each->name() == name; });
    if (known) continue;
    state.ephemeral.push_back(std::make_shared<const api::Container>(api::as_container(one)));
    state.containers.emplace_back();
  }
}

std::size_t main_end(const PodState& state) {
  return state.containers.size() - state.ephemeral.size();
}

const api::Container& spec_of(const PodState& state, std::size_t index) {
  KEELSON_ASSERT(state.pod && index < state.containers.size());
  if (is_ephemeral(state, index)) return *state.ephemeral[index - main_end(state)];
  const api::PodSpec& spec = state.pod->spec();
  return index < state.init_count ? spec.init_containers(static_cast<int>(index))
                                  : spec.containers(static_cast<int>(index - state.init_count));
}

bool is_init(const PodState& state, std::size_t index) {
  return index < state.init_count;
}

bool is_main(const PodState& state, std::size_t index) {
  return index >= state.init_count && index < main_end(state);
}

bool is_ephemeral(const PodState& state, std::size_t index) {
  return index >= main_end(state);
}

std::string field_path_of(const PodState& state, std::size_t index) {
  const char* list = is_init(state, index)        ? "spec.initContainers{"
                     : is_ephemeral(state, index) ? "spec.ephemeralContainers{"
                                                  : "spec.containers{";
  return list + spec_of(state, index).name() + "}";
}

bool is_sidecar(const PodState& state, std::size_t index) {
  return is_init(state, index) && spec_of(state, index).restart_policy() == "Always";
}

std::string_view restart_policy(const PodState& state) {
  if (!state.pod || state.pod->spec().restart_policy().empty()) return "Always";
  return state.pod->spec().restart_policy();
}

Duration grace_of(const PodState& state) {
  if (!state.pod || !state.pod->spec().has_termination_grace_period_seconds()) return 30s;
  const int64_t seconds = state.pod->spec().termination_grace_period_seconds();
  return std::chrono::seconds(std::clamp<int64_t>(seconds, 0, 1'000'000'000));
}

std::string describe(const PodState& state) {
  if (!state.pod) return state.uid;
  return fmt::format("{}_{}({})", state.pod.name(), state.pod.ns(), state.uid);
}

bool restarts(const PodState& state, std::size_t index) {
  const ContainerRecord& record = state.containers[index];
  if (is_ephemeral(state, index)) return false;
  if (record.force_restart || is_sidecar(state, index)) return true;
  const std::string_view policy = restart_policy(state);
  if (policy == "Always") return !is_init(state, index) || record.exit_code != 0;
  return policy == "OnFailure" && record.exit_code != 0;
}

bool finished(const PodState& state, Verdict* verdict) {
  const std::string_view policy = restart_policy(state);
  if (!state.pod || policy == "Always") return false;
  if (policy == "Never" && !state.mains_begun) {
    for (std::size_t i = 0; i < state.init_count; ++i) {
      const ContainerRecord& record = state.containers[i];
      if (is_sidecar(state, i) || record.phase != Phase::exited || record.exit_code == 0) continue;
      if (record.op != Op::none || record.uncertain) continue;
      verdict->phase = "Failed";
      return true;
    }
  }
  bool failed = false;
  for (std::size_t i = state.init_count; i < main_end(state); ++i) {
    const ContainerRecord& record = state.containers[i];
    if (record.phase != Phase::exited || record.op != Op::none || record.uncertain) return false;
    if (restarts(state, i)) return false;
    failed = failed || record.exit_code != 0;
  }
  verdict->phase = failed ? "Failed" : "Succeeded";
  return main_end(state) > state.init_count;
}

bool uncertain(const PodState& state) {
  if (state.sandbox.uncertain) return true;
  for (const ContainerRecord& record : state.containers) {
    if (record.uncertain) return true;
  }
  for (const Stray& stray : state.strays) {
    if (stray.uncertain) return true;
  }
  return false;
}

bool processes_alive(const PodState& state) {
  for (const ContainerRecord& record : state.containers) {
    if (record.phase == Phase::running || record.uncertain) return true;
    if (record.op == Op::creating || record.op == Op::starting) return true;
  }
  for (const Stray& stray : state.strays) {
    if (!stray.is_sandbox && stray.running) return true;
  }
  return state.sandbox.op == Op::creating || state.sandbox.uncertain;
}

bool runtime_clean(const PodState& state) {
  const SandboxRecord& sandbox = state.sandbox;
  if (!sandbox.id.empty() || sandbox.op != Op::none || sandbox.uncertain) return false;
  if (state.volumes.op != Op::none) return false;
  for (const ContainerRecord& record : state.containers) {
    if (record.exists || !record.previous.empty() || record.uncertain) return false;
    if (owns_runtime_object(record.op)) return false;
  }
  return state.strays.empty();
}

void note_exit(PodState& state, std::size_t index, Duration ran, Instant finished, Instant now) {
  ContainerRecord& record = state.containers[index];
  record.phase = Phase::exited;
  record.started = record.ready = record.prepared = false;
  record.ready_at = {};
  record.kill_reason.clear();
  record.kill_grace = {};  // was for this kill
  record.backoff_told = false;
  if (record.op == Op::post_start || record.op == Op::pre_stop) {
    record.op = Op::none;  // the hook's answer no longer matters
    ++record.token;
  }
  record.waiting.clear();
  record.waiting_message.clear();
  if (state.ending != Ending::none || !restarts(state, index)) return;
  if (record.force_restart) {
    record.crashes = {};
    record.retry_at = now;
    return;
  }
  const Duration wait = record.crashes.on_exit(ran);
  record.retry_at = std::max(now, finished + wait);
  if (wait == Duration::zero()) return;
  record.waiting = "CrashLoopBackOff";
  record.waiting_message =
      fmt::format("back-off {} restarting failed container={} pod={}",
                  wait >= 60s ? fmt::format("{}m{}s", wait / std::chrono::minutes(1),
                                            wait % std::chrono::minutes(1) / 1s)
                              : fmt::format("{}s", wait / 1s),
                  spec_of(state, index).name(), describe(state));
}

}  // namespace keelson::agent
