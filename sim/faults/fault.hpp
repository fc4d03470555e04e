// Faults: what can go wrong, by name, and the injector that makes it go wrong at a time or at a rate.
// `keelson sim list` prints the names and parameters that stand here.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/world/world.hpp"

namespace keelson::sim {

// One fault as a scenario asks for it. Which fields a kind uses stands in its `parameters`.
struct FaultSpec {
  std::string kind;
  std::string node = "random";  // a node's name, or "random"
  std::string zone;             // restricts random nodes; names the zone of zone-loss
  int64_t count = 1;            // how many nodes (or containers) at once
  bool counted = false;         // it says so: a cut by zone then takes that many of it, not all
  std::string role;             // "controller-manager" or "scheduler": the process that leads in it
  std::string process;          // "api-0", ...; empty: random, or as role or node say
  std::optional<api::Kind> resource;  // slow-watch: only watches of this kind
  Duration lasts = 30s;         // `for`
  bool forever = false;         // `for: forever`
  bool timed = false;           // it says `for`
  uint32_t ppm = 10'000;        // `share`
  Duration by{};                // clock step, extra delay, lag
  int64_t rate_ppm = 1'000'000; // clock rate
  int64_t at_most = INT64_MAX;  // nodes that may be down at once because of this
  std::string place;            // "file:line", for messages
};

class Injector;

// What a fault gets to work with.
struct FaultContext {
  World& world;
  Rng& rng;
  const FaultSpec& spec;
  Injector& injector;
};

struct FaultKind {
  std::string_view name;
  std::string_view what;        // one sentence
  std::string_view parameters;  // their names, as "node, for"
  // True if it really happened (there may be nothing to break).
  bool (*inject)(FaultContext&);
  bool takes(std::string_view parameter) const;
};

std::span<const FaultKind> all_faults();
const FaultKind* find_fault(std::string_view name);
// What is wrong with the spec in this world (unknown node, zone, role ...): Code::invalid. `more_nodes`:
// the world will have nodes that do not stand in the options yet.
Status check_fault(const FaultSpec& spec, const WorldOptions& options, bool more_nodes);

// Injects, remembers what must heal, and counts.
class Injector {
 public:
  explicit Injector(World& world) : world_(world), rng_(world.rng("faults")) {}

  // Now. False: there was nothing to break.
  bool inject(const FaultSpec& spec);
  // Faults that last forever can be healed, too: by heal() alone. Else nothing is kept of them.
  void keep_forever() { keep_forever_ = true; }
  // The number of the last inject(), from 1.
  uint64_t injections() const { return injections_; }
  // Something of it has still to heal.
  bool lasts(uint64_t injection) const;
  // It ends now, all of it. False: it had ended.
  bool heal(uint64_t injection);
  // From `from` until `until`, at exponential distances with this mean.
  void at_rate(FaultSpec spec, Duration mean, Instant from, Instant until);

  // For the faults themselves: runs `heal` after the time that the spec gives, or at stop().
  void heal_later(const FaultSpec& spec, std::string what, std::function<void()> heal);
  // For faults that set a value until they heal: tells `set` this fault's value now, and when it
  // ends that of the newest one that still lasts, or nothing. So of several at once the newest
  // counts, and each ends by itself. `target` says what is set: one name per thing.
  using SetValue = std::function<void(std::optional<int64_t>)>;
  void hold(const FaultSpec& spec, const std::string& target, std::string what, int64_t value,
            SetValue set);
  // Every fault ends now and none begins any more. Nodes that were to stay down stay down.
  void stop();
  bool stopped() const { return stopped_; }
  std::size_t active() const { return active_.size(); }
  // Nodes without power now.
  std::size_t nodes_down() const;
  // Node names picked by the spec: powered ones only. The rng is the context's.
  std::vector<Node*> pick_nodes(FaultContext& context);

  struct Count {
    uint64_t fired = 0;
    uint64_t skipped = 0;  // nothing to break, or the limit was reached
  };
  const std::map<std::string, Count>& counts() const { return counts_; }
  Rng& rng(const std::string& kind);

 private:
  void schedule_next(FaultSpec spec, Duration mean, Instant until);
  struct Active {
    uint64_t injection = 0;
    std::string what;
    std::function<void()> heal;
  };
  World& world_;
  Rng rng_;
  std::map<std::string, Rng> rngs_;  // one stream per kind
  uint64_t next_ = 1;
  uint64_t injections_ = 0;
  bool keep_forever_ = false;
  std::map<uint64_t, Active> active_;
  std::map<std::string, std::map<uint64_t, int64_t>> held_;  // values by target, oldest first
  std::map<std::string, Count> counts_;
  bool stopped_ = false;
};

}  // namespace keelson::sim
