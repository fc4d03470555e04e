// The driver of all controllers: one informer per kind, one cache, one work queue per controller.
// It turns changes into keys, keys into plans, sends the plans, and does once for all controllers
// what each would get wrong alone: fencing, back-off, conflicts, lost answers, reading its own
// writes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/log.hpp"
#include "core/base/loop.hpp"
#include "core/base/rng.hpp"
#include "core/client/api_client.hpp"
#include "core/controllers/controller.hpp"
#include "core/controllers/plan_runner.hpp"

namespace keelson::controllers {

struct ManagerOptions {
  std::string user = "system:kube-controller-manager";
  std::string actor = "controller-manager-0";
  // Keys of one controller with writes under way at a time.
  std::size_t keys_in_flight = 64;
  bool warnings_only = false;  // records no events about normal progress
};

struct ControllerMetrics {
  std::string name;
  uint64_t reconciles = 0;
  uint64_t retries = 0;          // keys that went into back-off
  uint64_t own_write_waits = 0;  // keys held until the cache showed what they had written
  WriteMetrics writes;
  uint64_t adds = 0;          // keys that became due since the last start()
  std::size_t waiting = 0;    // keys due now
  std::size_t in_flight = 0;  // keys with writes under way or waiting to see them
};

class Manager {
 public:
  Manager(Loop& loop, client::ApiClient& client, Rng rng, Log& log, ManagerOptions options);
  ~Manager();
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  // REQUIRES: not running.
  void add(std::unique_ptr<Controller> controller);

  // Lists, watches and reconciles in the role proven by `fence`. `leading` is asked before each
  // request (null: always). No decision is made before the caches have reached the revision at
  // which the role was won (LE-5). When the role turns out to be lost, everything stops by itself;
  // stop() then frees what is held.
  void start(api::Fence fence, std::function<bool()> leading);
  // At once, with calls outstanding: their answers are ignored. Not from inside a Controller.
  void stop();

  bool running() const;  // started, not stopped, role not lost
  bool synced() const;   // every controller reconciles
  // Nothing queued and nothing under way; delayed keys do not count.
  bool idle() const;
  std::vector<ControllerMetrics> metrics() const;
  // REQUIRES: started and not stopped.
  const client::Cache& cache() const;

 private:
  class Session;
  struct Registered;  // a controller with its counters, which outlive sessions

  Loop& loop_;
  client::ApiClient& client_;
  Rng rng_;
  Log& log_;
  ManagerOptions options_;
  uint64_t sessions_ = 0;
  std::vector<std::unique_ptr<Registered>> controllers_;
  std::unique_ptr<Session> session_;
};

}  // namespace keelson::controllers
