// A committed history written by hand, shown to checks as the suite would show it:
//   History h(add_workload_checks);
//   h.put(pod("web-1").owner(rs), "controller-manager-0/replicaset", h.knowing());
//   EXPECT_EQ(h.broken(), "RS-2");
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/checks/suite.hpp"
#include "sim/checks/world_ground.hpp"
#include "tests/support/builders.hpp"

namespace keelson::sim::test {

inline constexpr const char* kReplicaSets = "controller-manager-0/replicaset";
inline constexpr const char* kDeployments = "controller-manager-0/deployment";
inline constexpr const char* kBudgets = "controller-manager-0/disruption";
inline constexpr const char* kScheduler = "scheduler-0";
inline constexpr const char* kNodeHealth = "controller-manager-0/node-lifecycle";
inline constexpr const char* kCollector = "controller-manager-0/garbage-collector";
inline constexpr const char* kUser = "user";

class History {
 public:
  // The ledger's keeper comes first, as in the suite.
  explicit History(const std::function<void(const CheckContext&, Checks&)>& add,
                   WorldOptions options = {})
      : world_(std::move(options), Observers{}) {
    add_ledger_keeper(context_, ledger_, checks_);
    add(context_, checks_);
  }
  // The truth behind the history. Its own processes do nothing as long as it is not run.
  World& world() { return world_; }

  // What somebody knows who has seen everything so far. Each call is a decision of its own.
  api::BasisPtr knowing() const {
    auto basis = std::make_shared<api::Basis>();
    basis->seen.fill(revision_);
    return basis;
  }

  // Writes of one transaction: collected by put() and remove() until commit().
  History& put(const api::ObjectPtr& object, const char* actor = kUser,
               api::BasisPtr basis = nullptr) {
    stage(object->key(), object, actor, std::move(basis));
    return *this;
  }
  History& remove(const api::ObjectPtr& object, const char* actor = kUser,
                  api::BasisPtr basis = nullptr) {
    stage(object->key(), nullptr, actor, std::move(basis));
    return *this;
  }
  // The writes that follow are made in this role, by the call of this number.
  History& fenced(const std::string& role, uint64_t token) {
    fence_ = {role, token};
    return *this;
  }
  History& call_number(uint64_t id) {
    request_id_ = id;
    return *this;
  }
  // Shows an event that no store would make.
  void show(const store::StoreEvent& event) {
    state_.apply(event);
    revision_ = std::max(revision_, event.revision);
    for (auto& check : checks_) check->on_commit(event);
  }
  // What a transaction came to, after its events.
  void ended(const store::Transaction& asked, const Result<store::Committed>& result) {
    for (auto& check : checks_) check->on_transaction(asked, result);
  }
  // Several writes in one transaction.
  void together(const std::function<void()>& writes) {
    hold_ = true;
    writes();
    hold_ = false;
    commit();
  }

  void pass(Duration time) {
    for (const Instant end = context_.now + time; context_.now < end;) {
      const Duration step = std::min<Duration>(1s, end - context_.now);
      context_.now += step;
      for (auto& [name, process] : processes_) process.engine.run_until(process.engine.now() + step);
      for (auto& check : checks_) check->on_second();
    }
  }
  // What no clock does.
  void go_back(Duration time) { context_.now -= time; }
  void phase(Phase phase) {
    context_.phase = phase;
    for (auto& check : checks_) check->on_phase(phase);
  }
  void power_off(const std::string& node) {
    for (auto& check : checks_) check->on_node_powered(node, false);
  }
  void container(const std::string& pod_uid, bool started) {
    agent::ContainerInfo info;
    info.pod_uid = pod_uid;
    info.name = "main";
    for (auto& check : checks_) {
      started ? check->on_container_started("n1", info) : check->on_container_stopped("n1", info);
    }
  }

  void container_starts(const agent::ContainerInfo& info, const std::string& node = "n1") {
    for (auto& check : checks_) check->on_container_started(node, info);
  }
  void container_stops(const agent::ContainerInfo& info, const std::string& node = "n1") {
    for (auto& check : checks_) check->on_container_stopped(node, info);
  }
  void beat(const std::string& node, uint64_t seq) {
    api::Beat beat;
    beat.node = node;
    beat.seq = seq;
    for (auto& check : checks_) check->on_beat(beat);
  }

  // Clients. Each has a clock of its own, which keeps true time.
  const Process& client(const std::string& name) {
    const auto it = processes_.try_emplace(name, name).first;
    return it->second.process;
  }
  void calls(const std::string& name, const api::Request& request) {
    for (auto& check : checks_) check->on_called(client(name), request);
  }
  void answered(const std::string& name, const api::Request& request,
                const api::Response& response) {
    for (auto& check : checks_) check->on_answered(client(name), request, response);
  }
  uint64_t watches(const std::string& name, const api::WatchRequest& request) {
    ++streams_;
    for (auto& check : checks_) check->on_watch_opened(streams_, request, name);
    return streams_;
  }
  void delivered(uint64_t stream, const std::vector<api::WatchEvent>& events) {
    for (auto& check : checks_) check->on_watch_delivered(stream, events);
  }
  void closed(uint64_t stream) {
    for (auto& check : checks_) check->on_watch_closed(stream);
  }
  void killed(const std::string& process) {
    for (auto& check : checks_) check->on_process_killed(process);
  }
  void elected(const std::string& role, const std::string& process, uint64_t token) {
    for (auto& check : checks_) check->on_leader_changed(role, process, token, true);
  }
  void end() {
    for (auto& check : checks_) check->at_end();
  }

  // Ids of the invariants broken since the last call, in order, each once: "RS-2 DP-1". Also lets
  // every check compute its counts anew.
  std::string broken() {
    for (auto& check : checks_) check->recheck();
    std::string ids;
    for (const Violation& violation : violations_) {
      if (ids.find(violation.invariant) != std::string::npos) continue;
      if (!ids.empty()) ids += ' ';
      ids += violation.invariant;
    }
    violations_.clear();
    return ids;
  }
  // What is still pending: "RS-1 web-1".
  std::string pending() {
    std::vector<Pending> all;
    for (auto& check : checks_) check->pending(all);
    std::string text;
    for (const Pending& one : all) {
      text += (text.empty() ? "" : ", ") + one.invariant + ": " + one.why;
    }
    return text;
  }
  uint64_t evaluations(std::string_view id) const {
    uint64_t sum = 0;
    for (const auto& check : checks_) {
      for (std::size_t i = 0; i < check->invariants().size(); ++i) {
        if (check->invariants()[i].id == id) sum += check->evaluations(i);
      }
    }
    return sum;
  }
  const InvoluntaryLedger& ledger() const { return ledger_; }
  const StateModel& state() const { return state_; }
  api::Revision revision() const { return revision_; }
  // What was reported since the last call of broken(), for failing tests.
  const std::vector<Violation>& violations() const { return violations_; }

 private:
  // A process and the time in which it lives.
  struct Client {
    explicit Client(const std::string& name) : process(engine, 1, name) { process.start(); }
    Engine engine;
    Process process;
  };

  void stage(const api::ObjectKey& key, const api::ObjectPtr& object, const char* actor,
             api::BasisPtr basis) {
    ++revision_.value;
    auto provenance = std::make_shared<store::Provenance>();
    provenance->actor = actor;
    provenance->fence = fence_;
    provenance->request_id = request_id_;
    provenance->basis = std::move(basis);
    store::StoreEvent event;
    event.op = object ? store::Write::Op::put : store::Write::Op::remove;
    event.revision = revision_;
    event.object = object ? object->at(revision_) : nullptr;
    event.previous = state_.get(key);
    event.provenance = std::move(provenance);
    staged_.push_back(std::move(event));
    if (!hold_) commit();
  }
  void commit() {
    const std::vector<store::StoreEvent> events = std::move(staged_);
    staged_.clear();
    for (const auto& event : events) state_.apply(event);
    for (const auto& event : events) {
      for (auto& check : checks_) check->on_commit(event);
    }
  }

  World world_;
  StateModel state_;
  InvoluntaryLedger ledger_;
  std::vector<Violation> violations_;
  WorldGround ground_{world_};
  CheckContext context_{ground_,   state_,           ledger_,
                        Phase::faults, false, Instant{} + 1000s,
                        [this](Violation v) { violations_.push_back(std::move(v)); }, fact::all};
  Checks checks_;
  api::Revision revision_{1, 0};
  std::vector<store::StoreEvent> staged_;
  bool hold_ = false;
  api::Fence fence_;
  uint64_t request_id_ = 0;
  uint64_t streams_ = 0;
  std::map<std::string, Client> processes_;
};

}  // namespace keelson::sim::test
