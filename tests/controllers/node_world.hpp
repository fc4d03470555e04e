// A cluster as the node lifecycle controller sees it: nodes that beat and answer as witnesses, an
// API server, and no time but that of the test.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>

#include "core/client/witness.hpp"
#include "core/controllers/node_health.hpp"
#include "core/controllers/node_lifecycle.hpp"
#include "tests/controllers/net_builders.hpp"
#include "tests/support/fake_api.hpp"
#include "tests/support/manual_loop.hpp"

namespace keelson::test::net {

class NodeWorld {
 public:
  struct Host {
    bool kernel_up = true;   // witnesses reach it
    bool agent_up = true;    // it beats and posts
    bool api_reachable = true;
    uint64_t seq = 0;
    Duration phase{};
    Instant next_beat{};
    std::set<std::string> answered;  // "<suspect> <round>"
    bool talks() const { return kernel_up && agent_up && api_reachable; }
  };

  explicit NodeWorld(controllers::NodeTiming timing = controllers::keelson_timing())
      : timing_(timing) {}

  void add_node(const std::string& name, const std::string& zone = {}) {
    api.put(api::make_object(node(name, zone)));
    Host& host = hosts[name];
    host.phase = (hosts.size() * 370ms) % timing_.heartbeat_period;
    host.next_beat = loop.now() + host.phase;
  }
  void add_nodes(int count, const std::string& prefix = "n", const std::string& zone = {}) {
    for (int i = 0; i < count; ++i) add_node(prefix + std::to_string(i), zone);
  }
  api::ObjectPtr add_pod(const std::string& name, const std::string& on) {
    return api.put(api::make_object(pod(name, on, "10.0.0.1")));
  }
  void crash(const std::string& name) { hosts.at(name).kernel_up = false; }

  void start_controller(api::Fence fence = {}, std::function<bool()> leading = nullptr) {
    controllers::NodeLifecycleOptions options;
    options.timing = timing_;
    controller = std::make_unique<controllers::NodeLifecycle>(loop, api, Rng(7), log, options);
    controller->start(std::move(fence), std::move(leading));
  }

  void run(Duration time) {
    const Instant end = loop.now() + time;
    while (loop.now() < end) {
      for (auto& [name, host] : hosts) act(name, host);
      loop.run_for(std::min<Duration>(250ms, end - loop.now()));
    }
  }
  // How long until it holds; Duration::max() if not within the limit.
  template <class Condition>
  Duration until(Condition condition, Duration limit) {
    const Instant start = loop.now();
    while (!condition()) {
      if (loop.now() - start >= limit) return Duration::max();
      run(250ms);
    }
    return loop.now() - start;
  }

  api::ObjectPtr find_node(const std::string& name) {
    return api.history().find({api::Kind::nodes, {}, name});
  }
  const api::Node& node_state(const std::string& name) { return find_node(name)->as<api::Node>(); }
  api::ObjectPtr find_pod(const std::string& name) {
    return api.history().find({api::Kind::pods, "default", name});
  }
  bool tainted(const std::string& node, std::string_view key, std::string_view effect) {
    return controllers::has_taint(node_state(node), key, effect);
  }
  int no_execute_taints() {
    int count = 0;
    for (const auto& [name, host] : hosts) {
      for (const auto& taint : node_state(name).spec().taints()) {
        count += taint.effect() == "NoExecute";
      }
    }
    return count;
  }
  int pods_deleted() {
    return static_cast<int>(
        std::count_if(api.requests().begin(), api.requests().end(), [](const api::Request& r) {
          return r.verb == api::Verb::remove && r.kind == api::Kind::pods;
        }));
  }
  bool recorded(const std::string& reason, const std::string& message) {
    return std::any_of(api.requests().begin(), api.requests().end(),
                       [&](const api::Request& request) {
                         if (request.verb != api::Verb::create || request.kind != api::Kind::events)
                           return false;
                         const auto& event = static_cast<const api::Event&>(*request.body);
                         return event.reason() == reason && event.message() == message;
                       });
  }
  // Writes of the controller about nodes and pods.
  int writes() {
    return static_cast<int>(
        std::count_if(api.requests().begin(), api.requests().end(), [](const api::Request& r) {
          const bool write = r.verb == api::Verb::update || r.verb == api::Verb::create ||
                             r.verb == api::Verb::remove;
          return write && r.kind != api::Kind::events;
        }));
  }

  ManualLoop loop;
  FakeApi api{loop};
  NullLog log;
  std::map<std::string, Host> hosts;
  std::unique_ptr<controllers::NodeLifecycle> controller;

 private:
  void act(const std::string& name, Host& host) {
    if (!host.talks() || api.down) return;
    api::Beat beat;
    beat.node = name;
    answer_questions(name, host, beat);
    if (loop.now() < host.next_beat && beat.reports.empty()) return;
    host.next_beat = loop.now() + timing_.heartbeat_period;
    beat.seq = ++host.seq;
    beat.renew_time = WallTime{loop.wall_now().unix_ns + node_clock_offset.count()};
    api::Request request;
    request.verb = api::Verb::renew;
    request.kind = api::Kind::leases;
    request.beat = std::move(beat);
    api.call(std::move(request), [](api::Response) {});
    // An agent that finds itself called Unknown posts its status again.
    api::Node state = node_state(name);
    if (controllers::readiness_of(state) == controllers::Readiness::unknown) {
      for (const char* type : {"MemoryPressure", "DiskPressure", "PIDPressure"}) {
        set_condition(state, type, "False", ++posted_);
      }
      set_condition(state, "Ready", "True", ++posted_);
      api.put(api::make_object(std::move(state)));
    }
  }
  void answer_questions(const std::string& name, Host& host, api::Beat& beat) {
    const auto board = api.history().find({api::Kind::config_maps,
                                           std::string(client::kWitnessNamespace),
                                           std::string(client::kWitnessConfigMap)});
    if (!board) return;
    std::map<std::string, std::string> questions(board->as<api::ConfigMap>().data().begin(),
                                                 board->as<api::ConfigMap>().data().end());
    for (const auto& [suspect, question] : questions) {
      std::istringstream words(question);
      uint64_t round = 0;
      words >> round;
      for (std::string witness; words >> witness;) {
        if (witness != name) continue;
        if (!host.answered.insert(suspect + " " + std::to_string(round)).second) continue;
        beat.reports.push_back({suspect, round, hosts.at(suspect).kernel_up});
      }
    }
  }

 public:
  Duration node_clock_offset{};

 private:
  controllers::NodeTiming timing_;
  int64_t posted_ = 100;
};

}  // namespace keelson::test::net
