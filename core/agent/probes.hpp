// The probes of one running container: startup, then liveness and readiness. One timer per
// container. Source of the semantics: kubelet's prober worker and the API documentation of Probe.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "core/agent/context.hpp"

namespace keelson::agent {

enum class ProbeKind : uint8_t { startup, liveness, readiness };
std::string_view to_string(ProbeKind kind);  // "Startup", ...

bool has_probes(const api::Container& container);

class ContainerProbes {
 public:
  struct Events {
    // A probe's verdict has changed (also the first time), or one attempt has failed.
    std::function<void(ProbeKind, bool healthy)> on_verdict;
    std::function<void(ProbeKind, const std::string& why)> on_failure;
  };
  // `started`, `ready`, `since`: what is known already (of an adopted container), and since when it
  // runs: initial delays count from there. `first_after`: no probe sooner than this from now, which
  // spreads those of many adopted containers.
  // REQUIRES: `pod` keeps `container` alive.
  ContainerProbes(Context& context, std::shared_ptr<const api::Pod> pod,
                  const api::Container& container, ContainerId id, bool started, bool ready,
                  Instant since, Duration first_after, Events events);

  const ContainerId& id() const { return id_; }
  // The pod is being deleted: nobody asks any more whether the container started and lives, but
  // whether it still serves.
  void readiness_only();

 private:
  struct One {
    const api::Probe* probe = nullptr;
    Instant due;
    Instant answer_by;  // while in flight
    uint32_t token = 0;
    int32_t successes = 0, failures = 0;
    bool in_flight = false;
    bool known = false;
    bool healthy = false;
  };
  bool active(ProbeKind kind) const;
  void begin(ProbeKind kind);
  void on_answer(ProbeKind kind, uint32_t token, Result<ProbeAnswer> answer);
  void on_timer();
  void result(ProbeKind kind, bool success, const std::string& why);
  void arm();
  One& one(ProbeKind kind) { return probes_[static_cast<std::size_t>(kind)]; }
  const One& one(ProbeKind kind) const { return probes_[static_cast<std::size_t>(kind)]; }

  Context& context_;
  std::shared_ptr<const api::Pod> pod_;
  ContainerId id_;
  Events events_;
  std::array<One, 3> probes_;
  Lifetime lifetime_;  // before the timers, which use it
  Timer timer_;
  bool started_;
  bool readiness_only_ = false;
};

}  // namespace keelson::agent
