// Lists the runtime and hands out what it says, pod by pod. A list is made at the runtime's hint,
// when somebody asks because an outcome is unknown, and every relist_period while there is anything
// there: hints may be lost. Source of the pattern: kubelet's pod lifecycle event generator.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "core/agent/context.hpp"
#include "core/agent/pod_state.hpp"

namespace keelson::agent {

// Sightings by pod uid; valid during the call.
using Sightings = std::map<std::string_view, Sighting>;

class RuntimeCache {
 public:
  // `on_listed(sightings, asked)`: after each successful list; `asked` is Context::sequence at the
  // moment at which it was asked for.
  RuntimeCache(Context& context, std::function<void(const Sightings&, uint64_t asked)> on_listed,
               std::function<void(bool healthy)> on_health);

  void start();
  // A list asked for from now on is wanted.
  void request();
  // Whether periodic lists are worth their while.
  void set_busy(bool busy);
  bool healthy() const { return healthy_; }

 private:
  void list();
  void on_answer(Result<RuntimeState> answer, uint64_t asked);
  void on_failure(const Error& error);
  void distribute(const RuntimeState& state, uint64_t asked);

  Context& context_;
  std::function<void(const Sightings&, uint64_t)> on_listed_;
  std::function<void(bool)> on_health_;
  Lifetime lifetime_;  // before the timers, which use it
  Timer timer_;
  Instant failing_since_;
  uint32_t failures_ = 0;
  bool listing_ = false;
  bool again_ = false;
  bool busy_ = false;
  bool present_ = false;  // the last list was not empty
  bool healthy_ = false;
  bool reported_ = false;
};

}  // namespace keelson::agent
