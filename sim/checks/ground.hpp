// What checks ask about a cluster beside its history: the truth, as far as somebody knows it. The
// simulated world knows everything (world_ground.hpp); of a recorded real cluster only what its store's
// log, its agents and whoever played it have noted (recorded.hpp). So a Ground says which facts it has, and
// each invariant which ones it cannot be judged without: one suite serves both worlds.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.hpp"
#include "core/controllers/timing.hpp"

namespace keelson::client {
class Cache;
}
namespace keelson::scheduler {
class Scheduler;
}
namespace keelson::store {
class History;
}

namespace keelson::sim {

struct RuntimeModel;

// Combined by |. The committed history itself is always there.
using Facts = uint32_t;
namespace fact {
inline constexpr Facts whole = 1 << 0;       // the history from its very first revision on
inline constexpr Facts provenance = 1 << 1;  // who wrote, in which role, on which basis
inline constexpr Facts asked = 1 << 2;       // transactions as they were asked for, the refused ones too
inline constexpr Facts calls = 1 << 3;       // calls by their numbers, lists and watches as clients get them
inline constexpr Facts memory = 1 << 4;      // the caches of schedulers and controllers
inline constexpr Facts beats = 1 << 5;       // heartbeats
inline constexpr Facts containers = 1 << 6;  // their starts and ends
inline constexpr Facts machines = 1 << 7;    // which of them have power, and who reaches whom
inline constexpr Facts images = 1 << 8;      // how programs behave that nobody disturbs
inline constexpr Facts rest = 1 << 9;        // when faults had stopped and everything had settled
inline constexpr Facts traffic = 1 << 10;    // requests to services, and what became of them
inline constexpr Facts clock = 1 << 11;      // the true time, by which commits could be out of order
inline constexpr Facts all = (1 << 12) - 1;
}  // namespace fact
// Why nothing can be judged without these: of the first one that is set, for people.
std::string_view lack_of(Facts missing);

enum class NodeTruth : uint8_t {
  absent,    // there is no such machine
  silent,    // it cannot send anything to the API: no power, no agent, a hung one, or cut off
  impaired,  // it can send, but does not hear the answers
  healthy,
};

class Ground {
 public:
  virtual ~Ground() = default;

  virtual Facts facts() const = 0;
  virtual Instant now() const = 0;  // true time
  // The timers of node health.
  virtual controllers::NodeTiming node_timing() const = 0;
  // How images behave; without fact::images as if all of them ran until they are told to stop.
  virtual const RuntimeModel& images() const = 0;

  // --- fact::machines; without it all that is known of have power, agents, and reach each other ------
  virtual std::vector<std::string> nodes() const = 0;
  virtual NodeTruth truth_of(const std::string& node) const = 0;
  // Whether others cannot reach the machine: no power, or cut off from at least two of them. A node
  // whose agent is dead is still reachable.
  virtual bool unreachable(const std::string& node) const = 0;
  virtual bool powered(const std::string& node) const = 0;
  virtual bool agent_runs(const std::string& node) const = 0;
  virtual bool agent_hangs(const std::string& node) const = 0;
  // The agent's own clock: it may run fast or slow. Nothing: there is no such machine.
  virtual std::optional<Instant> agent_clock(const std::string& node) const = 0;

  // --- fact::containers ----------------------------------------------------------------------------
  // The uids of the pods of the containers that run; one call for each container.
  virtual void each_running(const std::function<void(const std::string& pod_uid)>& visit) const = 0;
  virtual bool runs_something(const std::string& node) const = 0;
  // Whether anything of the pod is left on the node, be it an empty sandbox.
  virtual bool keeps(const std::string& node, const std::string& pod_uid) const = 0;

  // --- fact::memory --------------------------------------------------------------------------------
  virtual void each_scheduler(
      const std::function<void(const std::string& owner, const scheduler::Scheduler&)>& visit) const {
    (void)visit;
  }
  virtual void each_controller_cache(
      const std::function<void(const std::string& owner, const client::Cache&)>& visit) const {
    (void)visit;
  }
  // What the store holds; null: it cannot be asked.
  virtual const store::History* store() const { return nullptr; }
};

}  // namespace keelson::sim
