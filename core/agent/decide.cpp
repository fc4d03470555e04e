#include "core/agent/decide.hpp"

#include <algorithm>

namespace keelson::agent {

namespace {

using Kind = Action::Kind;

class Decider {
 public:
  Decider(const PodState& state, Instant now) : s_(state), now_(now) {}

  Decision run() {
    if (!s_.runtime_known || s_.rejected) {
      if (s_.rejected && s_.ending >= Ending::deleted) delete_object();
      return std::move(out_);
    }
    out_.relist = uncertain(s_);
    for (std::size_t i = 0; i < s_.containers.size(); ++i) hook_time(i);
    const bool strays_left = strays();
    if (s_.ending != Ending::none) {
      end(strays_left);
    } else if (!out_.relist && !s_.held && !strays_live()) {
      run_pod();
    }
    return std::move(out_);
  }

 private:
  void act(Kind kind, std::size_t index = 0) {
    out_.actions.push_back({kind, static_cast<uint16_t>(index)});
  }
  void wake_at(Instant when) {
    if (out_.wake == Instant{} || when < out_.wake) out_.wake = when;
  }
  bool due(Instant when) {
    if (now_ >= when) return true;
    wake_at(when);
    return false;
  }

  void hook_time(std::size_t i) {
    const ContainerRecord& record = s_.containers[i];
    if (record.op_until == Instant{}) return;
    if (record.op == Op::pre_stop && due(record.op_until)) act(Kind::stop_now, i);
    if (record.op == Op::post_start && due(record.op_until)) act(Kind::end_hook, i);
  }

  // A duplicate that runs, or could be started by a call of an earlier incarnation that is still on
  // its way, forbids another instance beside it: NA-1.
  bool strays_live() const {
    for (const Stray& stray : s_.strays) {
      if (!stray.is_sandbox && !stray.dead) return true;
    }
    return false;
  }

  // Containers first, sandboxes when nothing lives in them.
  bool strays() {
    bool containers_left = false;
    for (std::size_t i = 0; i < s_.strays.size(); ++i) {
      const Stray& stray = s_.strays[i];
      if (stray.is_sandbox) continue;
      containers_left = true;
      stray_step(stray, i);
    }
    if (containers_left) return true;
    for (std::size_t i = 0; i < s_.strays.size(); ++i) stray_step(s_.strays[i], i);
    return !s_.strays.empty();
  }
  void stray_step(const Stray& stray, std::size_t i) {
    if (stray.op != Op::none || stray.uncertain || !due(stray.retry_at)) return;
    act(stray.running ? Kind::stop_stray : Kind::remove_stray, i);
  }

  // True while the container may run.
  bool stop(std::size_t i) {
    const ContainerRecord& record = s_.containers[i];
    switch (record.op) {
      case Op::creating:
      case Op::starting: return true;  // its answer tells whether there is something to stop
      case Op::pre_stop: return true;
      case Op::stopping:
        // Only a deletion can shorten the grace that a stop was begun with.
        if (s_.ending >= Ending::deleted && std::max(s_.deadline, now_) + 2s < record.stop_by) {
          act(Kind::hurry, i);
        }
        return true;
      default: break;
    }
    if (record.phase != Phase::running) return record.uncertain;
    if (!record.uncertain && due(record.op_retry_at)) act(Kind::stop, i);
    return true;
  }

  // Stops the main containers together, then the sidecars, last started first.
  // Source: kubelet's order since sidecar containers (KEP-753). True while something may run.
  bool stop_all() {
    bool live = false;
    for (std::size_t i = 0; i < s_.containers.size(); ++i) {
      if (!is_sidecar(s_, i) && stop(i)) live = true;
    }
    for (std::size_t i = s_.init_count; i-- > 0 && !live;) {
      if (is_sidecar(s_, i)) live = stop(i);
    }
    return live;
  }

  // Removes containers and then the sandbox. REQUIRES: nothing runs. True when all are gone.
  bool tear_down() {
    bool left = false;
    for (std::size_t i = 0; i < s_.containers.size(); ++i) {
      const ContainerRecord& record = s_.containers[i];
      if (!record.exists && record.previous.empty() && !owns_runtime_object(record.op)) continue;
      left = true;
      if (record.op == Op::none && !record.uncertain && due(record.op_retry_at)) {
        act(Kind::remove, i);
      }
    }
    if (left) return false;
    const SandboxRecord& sandbox = s_.sandbox;
    if (sandbox.op != Op::none || sandbox.uncertain) return false;
    if (sandbox.id.empty()) return true;
    if (due(sandbox.retry_at)) act(sandbox.stopped ? Kind::remove_sandbox : Kind::stop_sandbox);
    return false;
  }

  // What containers saw goes when no container is left, and before the API forgets the pod. True
  // when nothing is there.
  bool volumes_gone() {
    const VolumeRecord& volumes = s_.volumes;
    if (volumes.op != Op::none) return false;
    if (!volumes.on_disk) return true;
    if (due(volumes.retry_at)) act(Kind::remove_volumes);
    return false;
  }

  void end(bool strays_left) {
    if (s_.ending == Ending::deleted && !due(s_.leave_at)) return;
    const bool live = stop_all();
    if (live || strays_left || out_.relist) return;
    if (s_.ending == Ending::finished) {
      // The network goes at once, the containers stay for their logs.
      const SandboxRecord& sandbox = s_.sandbox;
      if (sandbox.id.empty() || sandbox.stopped) {
        volumes_gone();
      } else if (sandbox.op == Op::none && due(sandbox.retry_at)) {
        act(Kind::stop_sandbox);
      }
      return;
    }
    if (tear_down() && volumes_gone()) delete_object();
  }

  void delete_object() {
    if (s_.ending != Ending::deleted || s_.deleting_object || s_.object_deleted) return;
    if (due(s_.delete_retry_at)) act(Kind::delete_object);
  }

  void run_pod() {
    for (std::size_t i = 0; i < s_.containers.size(); ++i) {
      const ContainerRecord& record = s_.containers[i];
      if (record.phase == Phase::running && !record.kill_reason.empty()) stop(i);
      chain_ = chain_ || record.op == Op::preparing || record.op == Op::creating ||
               record.op == Op::starting || record.op == Op::post_start ||
               record.op == Op::removing ||
               (record.phase == Phase::created && !record.start_failed && record.in_sandbox);
    }
    if (!sandbox_ready()) return;
    // Adopted with its sandbox: from now on it is this agent that keeps them up to date.
    if (s_.volumes.on_disk) volumes_ready();
    for (std::size_t i = 0; i < s_.containers.size(); ++i) {
      const ContainerRecord& record = s_.containers[i];
      if (record.phase == Phase::created && record.in_sandbox && record.op == Op::none &&
          !record.uncertain) {
        act(Kind::start, i);
      }
    }
    // Also while init containers are failing: these are what one looks for the reason with.
    for (std::size_t i = main_end(s_); i < s_.containers.size(); ++i) ensure_running(i);
    if (!init_done()) return;
    for (std::size_t i = s_.init_count; i < main_end(s_); ++i) ensure_running(i);
  }

  bool sandbox_ready() {
    const SandboxRecord& sandbox = s_.sandbox;
    if (sandbox.ready) return true;
    if (sandbox.op != Op::none) return false;
    if (!sandbox.id.empty()) {
      // Its network is gone (a reboot, a runtime restart): everything in it goes with it.
      if (!stop_all()) tear_down();
      return false;
    }
    for (const ContainerRecord& record : s_.containers) {
      if (record.phase == Phase::running || record.exists) {
        if (!stop_all()) tear_down();
        return false;
      }
    }
    if (volumes_ready() && due(sandbox.retry_at)) act(Kind::run_sandbox);
    return false;
  }

  bool volumes_ready() {
    const VolumeRecord& volumes = s_.volumes;
    if (volumes.ready) return true;
    if (volumes.op == Op::none && due(volumes.retry_at)) act(Kind::set_up_volumes);
    return false;
  }

  // Strictly in order. Once a main container was created in this sandbox, init containers are done
  // for good; sidecars go on being kept alive.
  bool init_done() {
    for (std::size_t i = 0; i < s_.init_count; ++i) {
      const ContainerRecord& record = s_.containers[i];
      if (is_sidecar(s_, i)) {
        if (record.phase != Phase::running) {
          ensure_running(i);
          if (!s_.mains_begun) return false;
        } else if (!record.started && !s_.mains_begun) {
          return false;
        } else if (record.op == Op::post_start && !s_.mains_begun) {
          return false;
        }
        continue;
      }
      if (s_.mains_begun) continue;
      if (record.phase == Phase::exited && record.in_sandbox && record.exit_code == 0) continue;
      if (record.phase == Phase::exited && record.in_sandbox && !restarts(s_, i)) return false;
      if (record.phase != Phase::running) begin(i);
      return false;
    }
    return true;
  }

  void ensure_running(std::size_t i) {
    const ContainerRecord& record = s_.containers[i];
    if (record.phase == Phase::absent || (record.phase == Phase::exited && restarts(s_, i))) {
      begin(i);
    }
  }

  // One container at a time is on its way up, as kubelet does it: the order of the spec holds also
  // when the first one's image takes long.
  void begin(std::size_t i) {
    const ContainerRecord& record = s_.containers[i];
    if (chain_ || record.op != Op::none || record.uncertain || !due(record.retry_at)) return;
    if (!s_.volumes.ready && s_.volumes.on_disk) return;
    chain_ = true;
    act(record.prepared ? Kind::create : Kind::prepare, i);
  }

  const PodState& s_;
  Instant now_;
  Decision out_;
  bool chain_ = false;
};

}  // namespace

Decision decide(const PodState& state, Instant now) {
  return Decider(state, now).run();
}

}  // namespace keelson::agent
