// A committed history written by hand, shown to checks as the suite would show it:
//   History h(add_workload_checks);
//   h.put(pod("web-1").owner(rs), "controller-manager-0/replicaset", h.knowing());
//   EXPECT_EQ(h.broken(), "RS-2");
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "sim/checks/suite.hpp"
#include "tests/support/builders.hpp"

namespace keelson::sim::test {

inline constexpr const char* kReplicaSets = "controller-manager-0/replicaset";
inline constexpr const char* kDeployments = "controller-manager-0/deployment";
inline constexpr const char* kBudgets = "controller-manager-0/disruption";
inline constexpr const char* kUser = "user";

class History {
 public:
  // The ledger's keeper comes first, as in the suite.
  explicit History(const std::function<void(const CheckContext&, Checks&)>& add) {
    add_ledger_keeper(context_, ledger_, checks_);
    add(context_, checks_);
  }

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
  // Several writes in one transaction.
  void together(const std::function<void()>& writes) {
    hold_ = true;
    writes();
    hold_ = false;
    commit();
  }

  void pass(Duration time) {
    for (const Instant end = context_.now + time; context_.now < end;) {
      context_.now += std::min<Duration>(1s, end - context_.now);
      for (auto& check : checks_) check->on_second();
    }
  }
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

 private:
  void stage(const api::ObjectKey& key, const api::ObjectPtr& object, const char* actor,
             api::BasisPtr basis) {
    ++revision_.value;
    auto provenance = std::make_shared<store::Provenance>();
    provenance->actor = actor;
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

  World world_{WorldOptions{}, Observers{}};
  StateModel state_;
  InvoluntaryLedger ledger_;
  std::vector<Violation> violations_;
  CheckContext context_{world_,    state_,           ledger_,
                        Phase::faults, false, Instant{} + 1000s,
                        [this](Violation v) { violations_.push_back(std::move(v)); }};
  Checks checks_;
  api::Revision revision_{1, 0};
  std::vector<store::StoreEvent> staged_;
  bool hold_ = false;
};

}  // namespace keelson::sim::test
