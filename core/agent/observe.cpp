// Taking over what a runtime list says: adoption, exits, losses, strays.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <span>

#include "core/agent/pod_state.hpp"
#include "core/agent/status_index.hpp"
#include "core/api/json.hpp"

namespace keelson::agent {

namespace {

// An exit that nobody saw. Source: kubelet's ContainerStatusUnknown; never 0, which would make a
// reboot look like success.
constexpr int32_t kUnknownExit = 137;

class Observer {
 public:
  Observer(PodState& state, const Sighting& seen, uint64_t asked, Instant now, WallTime wall)
      : state_(state),
        seen_(seen),
        by_name_(seen.containers),
        asked_(asked),
        now_(now),
        wall_(wall),
        first_(!state.runtime_known) {
    std::stable_sort(by_name_.begin(), by_name_.end(), ByName());
    for (std::size_t i = 0; i < state.containers.size(); ++i) {
      names_.push_back(spec_of(state, i).name());
    }
    std::sort(names_.begin(), names_.end());
    for (std::size_t i = 0; i < state.strays.size(); ++i) {
      stray_at_.emplace(std::make_pair(state.strays[i].is_sandbox, state.strays[i].id), i);
    }
  }

  bool run() {
    if (first_ && state_.pod) {
      statuses_.emplace(state_.pod->status());
      recall();
    }
    sandboxes();
    for (std::size_t i = 0; i < state_.containers.size(); ++i) container(i);
    for (const ContainerInfo* info : seen_.containers) {
      if (!known_name(*info)) stray(*info);
    }
    forget_strays();
    state_.runtime_known = true;
    return changed_ || first_;
  }

 private:
  bool newer_than_list(uint64_t changed) const { return changed > asked_; }

  struct ByName {
    bool operator()(const ContainerInfo* a, const ContainerInfo* b) const {
      return a->name < b->name;
    }
    bool operator()(const ContainerInfo* a, std::string_view b) const { return a->name < b; }
    bool operator()(std::string_view a, const ContainerInfo* b) const { return a < b->name; }
  };
  // In the order of the list.
  std::span<const ContainerInfo* const> named(std::string_view name) const {
    const auto [first, last] = std::equal_range(by_name_.begin(), by_name_.end(), name, ByName());
    return {first, last};
  }

  // REQUIRES: the first sighting.
  const api::ContainerStatus* api_status(std::size_t index) const {
    return statuses_->find(spec_of(state_, index).name());
  }

  static Exit exit_of(const api::ContainerStateTerminated& t) {
    return {.id = {},
            .code = t.exit_code(),
            .reason = t.reason(),
            .message = t.message(),
            .started_at = api::to_wall(t.started_at()),
            .finished_at = api::to_wall(t.finished_at())};
  }

  // What an earlier incarnation of this agent has reported counts until the runtime says better:
  // restart counts never fall, and what has run and is nowhere now has ended.
  void recall() {
    for (std::size_t i = 0; i < state_.containers.size(); ++i) {
      ContainerRecord& record = state_.containers[i];
      const api::ContainerStatus* status = api_status(i);
      if (!status) continue;
      const auto count = static_cast<uint32_t>(std::max(0, status->restart_count()));
      record.attempt = record.next_attempt = count;
      const api::ContainerState& was = status->state();
      if (status->last_state().has_terminated()) {
        record.last = std::make_unique<Exit>(exit_of(status->last_state().terminated()));
      }
      if (!was.has_running() && !was.has_terminated()) {
        // Waiting for a restart: the instance that ended is the newest.
        if (record.last) adopt_exit(record, *record.last, count);
        record.last.reset();
        continue;
      }
      Exit exit;
      if (was.has_terminated()) {
        exit = exit_of(was.terminated());
      } else {
        exit.code = kUnknownExit;
        exit.reason = "ContainerStatusUnknown";
        exit.message = "The container could not be located when the pod was terminated";
        exit.started_at = api::to_wall(was.running().started_at());
        exit.finished_at = wall_;
      }
      record.image_id = status->image_id();
      adopt_exit(record, exit, count);
    }
  }
  static void adopt_exit(ContainerRecord& record, const Exit& exit, uint32_t attempt) {
    record.phase = Phase::exited;
    record.exit_code = exit.code;
    record.reason = exit.reason;
    record.message = exit.message;
    record.started_at = exit.started_at;
    record.finished_at = exit.finished_at;
    record.attempt = attempt;
    record.next_attempt = attempt + 1;
    record.crashes.crashes = attempt + 1;
  }

  void sandboxes() {
    SandboxRecord& own = state_.sandbox;
    if (!state_.pod) {
      for (const SandboxInfo* info : seen_.sandboxes) stray(true, info->id, true, false);
      return;
    }
    if (own.op != Op::none || newer_than_list(own.changed)) return;
    own.uncertain = false;
    const SandboxInfo* current = nullptr;
    for (const SandboxInfo* info : seen_.sandboxes) {
      own.next_attempt = std::max(own.next_attempt, info->attempt + 1);
      if (own.id.empty() ? better(info, current) : info->id == own.id) current = info;
    }
    if (!current && !own.id.empty()) {
      own.id.clear();
      own.ready = own.stopped = false;
      leave_sandbox();
    }
    if (current) {
      const bool is_new = own.id != current->id;
      if (is_new || own.ready != current->ready) changed_ = true;
      if (is_new) {
        own.stopped = false;
        leave_sandbox();
      }
      own.id = current->id;
      own.ready = current->ready && !own.stopped;
      if (!current->ip.empty()) own.ip = current->ip;
    }
    for (const SandboxInfo* info : seen_.sandboxes) {
      if (info != current) stray(true, info->id, true, false);
    }
  }
  void leave_sandbox() {
    for (ContainerRecord& record : state_.containers) record.in_sandbox = false;
    state_.mains_begun = false;
    changed_ = true;
  }
  static bool better(const SandboxInfo* a, const SandboxInfo* b) {
    if (!b) return true;
    return a->ready != b->ready ? a->ready : a->attempt > b->attempt;
  }

  bool known_name(const ContainerInfo& info) const {
    return std::binary_search(names_.begin(), names_.end(), std::string_view(info.name));
  }

  void container(std::size_t index) {
    ContainerRecord& record = state_.containers[index];
    if (owns_runtime_object(record.op) || newer_than_list(record.changed)) return;
    record.uncertain = false;
    const std::string& name = spec_of(state_, index).name();
    const ContainerInfo* current = choose(record, name);
    if (current) {
      take(index, *current);
    } else if (record.exists) {
      lost(index);
    }
    const ContainerInfo* previous = nullptr;
    for (const ContainerInfo* info : named(name)) {
      if (info == current) continue;
      const bool dead = info->state == ContainerState::exited;
      if (dead && (!previous || info->attempt > previous->attempt)) previous = info;
    }
    keep_previous(record, previous);
    for (const ContainerInfo* info : named(name)) {
      if (info == current || info == previous) continue;
      stray(*info);
    }
  }
  // Which of the instances that the runtime has under this name is the container's newest.
  const ContainerInfo* choose(const ContainerRecord& record, const std::string& name) const {
    const ContainerInfo* own = nullptr;
    const ContainerInfo* best = nullptr;
    for (const ContainerInfo* info : named(name)) {
      if (!eligible(*info)) continue;
      if (record.exists && info->id == record.id) {
        own = info;
      } else if (!record.exists ||
                 (record.phase == Phase::exited && live(*info) && info->attempt > record.attempt)) {
        // Nothing known, or a creation whose answer was lost.
        if (better(info, best)) best = info;
      }
    }
    return best ? best : own;
  }
  static bool live(const ContainerInfo& info) { return info.state != ContainerState::exited; }
  // What lives outside the current sandbox is never adopted.
  bool eligible(const ContainerInfo& info) const {
    return !live(info) || info.sandbox == state_.sandbox.id;
  }
  static int rank(const ContainerInfo& info) {
    switch (info.state) {
      case ContainerState::running: return 2;
      case ContainerState::created: return 1;
      case ContainerState::exited: return 0;
    }
    return 0;
  }
  static bool better(const ContainerInfo* a, const ContainerInfo* b) {
    if (!b) return true;
    // A dead instance of a later attempt is newer than anything before it that does not run.
    if (rank(*a) == 2 || rank(*b) == 2)
      return rank(*a) != rank(*b) ? rank(*a) == 2 : a->attempt > b->attempt;
    return a->attempt != b->attempt ? a->attempt > b->attempt : rank(*a) > rank(*b);
  }

  void keep_previous(ContainerRecord& record, const ContainerInfo* previous) {
    record.previous = previous ? previous->id : ContainerId();
    if (!previous) return;
    if (record.last && !(first_ && record.last->id.empty())) return;
    record.last = std::make_unique<Exit>(Exit{.id = previous->id,
                                              .code = previous->exit_code,
                                              .reason = previous->reason,
                                              .message = previous->message,
                                              .started_at = previous->started_at,
                                              .finished_at = previous->finished_at});
    changed_ = true;
  }

  void take(std::size_t index, const ContainerInfo& info) {
    ContainerRecord& record = state_.containers[index];
    const bool adopted = !record.exists || record.id != info.id;
    if (adopted) {
      changed_ = true;
      if (!first_ && record.phase == Phase::exited && record.exists) {
        record.last = std::make_unique<Exit>(Exit{.id = record.id,
                                                  .code = record.exit_code,
                                                  .reason = record.reason,
                                                  .message = record.message,
                                                  .started_at = record.started_at,
                                                  .finished_at = record.finished_at});
      }
      record.id = info.id;
      record.attempt = info.attempt;
      record.next_attempt = std::max(record.next_attempt, info.attempt + 1);
      record.crashes.crashes =
          first_ ? info.attempt : std::max(record.crashes.crashes, info.attempt);
      record.exists = true;
      record.start_failed = false;
      record.in_sandbox = info.sandbox == state_.sandbox.id;
      record.phase = Phase::absent;
      if (is_main(state_, index) && record.in_sandbox) state_.mains_begun = true;
    }
    if (!info.image_id.empty()) record.image_id = info.image_id;
    switch (info.state) {
      case ContainerState::created:
        if (!record.start_failed && record.phase != Phase::created) {
          record.phase = Phase::created;
          changed_ = true;
        }
        break;
      case ContainerState::running:
        if (info.started_at != WallTime{}) record.started_at = info.started_at;
        if (record.phase != Phase::running) running(index, info);
        break;
      case ContainerState::exited:
        if (record.phase != Phase::exited || record.start_failed) exited(index, info, adopted);
        break;
    }
  }

  void running(std::size_t index, const ContainerInfo& info) {
    ContainerRecord& record = state_.containers[index];
    changed_ = true;
    record.phase = Phase::running;
    record.start_failed = false;
    record.waiting.clear();
    record.waiting_message.clear();
    // For what ran before this agent did, the wall clock is the only witness.
    const Duration ran{std::max<int64_t>(0, wall_.unix_ns - info.started_at.unix_ns)};
    record.running_since = first_ ? now_ - std::min<Duration>(ran, kBackOffReset) : now_;
    const api::Container& spec = spec_of(state_, index);
    record.started = !spec.has_startup_probe();
    record.ready = record.started && !spec.has_readiness_probe();
    if (!first_) return;
    // No flap of readiness because the agent restarted: what was reported holds until the first
    // probe says otherwise. GUARANTEES NA-6, k8s#100277.
    const api::ContainerStatus* status = api_status(index);
    if (!status || !status->state().has_running() ||
        status->restart_count() != static_cast<int32_t>(record.attempt)) {
      return;
    }
    record.started = record.started || status->started();
    if (record.started) record.ready = record.ready || status->ready();
  }

  void exited(std::size_t index, const ContainerInfo& info, bool adopted) {
    ContainerRecord& record = state_.containers[index];
    changed_ = true;
    const bool was_running = record.phase == Phase::running;
    const bool was_exited = record.phase == Phase::exited;  // we know that it does not start
    record.start_failed = false;
    record.exit_code = info.exit_code;
    record.reason =
        info.reason.empty() ? (info.exit_code == 0 ? "Completed" : "Error") : info.reason;
    record.message = info.message;
    if (info.started_at != WallTime{}) record.started_at = info.started_at;
    record.finished_at = info.finished_at == WallTime{} ? wall_ : info.finished_at;
    if (was_exited) return;
    Duration ran = now_ - record.running_since;
    Instant ended = now_;
    if (!was_running) {
      ran = Duration{std::max<int64_t>(0, info.finished_at.unix_ns - info.started_at.unix_ns)};
    }
    if (first_ && adopted) {
      const Duration ago{std::clamp<int64_t>(wall_.unix_ns - record.finished_at.unix_ns, 0,
                                             Duration(kBackOffMax).count())};
      ended = now_ - ago;
    }
    note_exit(state_, index, ran, ended, now_);
  }

  void lost(std::size_t index) {
    ContainerRecord& record = state_.containers[index];
    record.exists = false;
    changed_ = true;
    if (record.phase == Phase::running) {
      record.exit_code = kUnknownExit;
      record.reason = "ContainerStatusUnknown";
      record.message = "The container could not be located when the pod was terminated";
      record.finished_at = wall_;
      note_exit(state_, index, now_ - record.running_since, now_, now_);
    } else if (record.phase == Phase::created) {
      record.phase = Phase::absent;  // it never ran
      record.prepared = false;
    }
  }

  void stray(const ContainerInfo& info) {
    stray(false, info.id, info.state == ContainerState::running, !live(info));
  }
  void stray(bool is_sandbox, const std::string& id, bool running, bool dead) {
    const auto [at, is_new] =
        stray_at_.emplace(std::make_pair(is_sandbox, id), state_.strays.size());
    if (!is_new) {
      Stray& known = state_.strays[at->second];
      if (known.op == Op::none && !newer_than_list(known.changed)) {
        if (!is_sandbox) known.running = running;
        known.dead = dead;
        known.uncertain = false;
      }
      return;
    }
    changed_ = true;
    state_.strays.push_back({.is_sandbox = is_sandbox, .running = running, .dead = dead, .id = id});
  }

  void forget_strays() {
    if (state_.strays.empty()) return;
    std::set<std::pair<bool, std::string_view>> ids;
    for (const SandboxInfo* info : seen_.sandboxes) ids.emplace(true, info->id);
    for (const ContainerInfo* info : seen_.containers) ids.emplace(false, info->id);
    const auto seen = [&ids](const Stray& stray) {
      return ids.contains({stray.is_sandbox, stray.id});
    };
    const auto removed = std::erase_if(state_.strays, [&](const Stray& stray) {
      return stray.op == Op::none && !newer_than_list(stray.changed) && !seen(stray);
    });
    if (removed > 0) changed_ = true;
  }

  PodState& state_;
  const Sighting& seen_;
  // A pod may have ten thousand containers, so nothing here goes through all of them for each.
  std::vector<const ContainerInfo*> by_name_;
  std::vector<std::string_view> names_;  // of the spec's containers, sorted
  std::map<std::pair<bool, std::string>, std::size_t> stray_at_;  // by kind and id
  std::optional<StatusIndex> statuses_;
  uint64_t asked_;
  Instant now_;
  WallTime wall_;
  bool first_;
  bool changed_ = false;
};

}  // namespace

bool observe(PodState& state, const Sighting& seen, uint64_t asked, Instant now, WallTime wall) {
  return Observer(state, seen, asked, now, wall).run();
}

}  // namespace keelson::agent
