// What a checker is. A Check watches the cluster from outside: the committed history (with who wrote
// what on which basis), the streams that clients receive, the heartbeats, and the ground truth of
// running containers. It never influences the run. Checks are incremental, O(1) or O(log n) per event;
// now and then recheck() computes the same from scratch and must agree.
//
// One Check may serve several closely related invariants of GUARANTEES; each has an entry in
// invariants() and its own counter of evaluations: a check that never ran has proven nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/agent/container_runtime.hpp"
#include "core/api/request.hpp"
#include "core/store/store.hpp"
#include "sim/checks/ground.hpp"
#include "sim/checks/ledger.hpp"
#include "sim/checks/state_model.hpp"

namespace keelson::sim {

class Process;

struct InvariantInfo {
  std::string_view id;         // "SC-1"
  std::string_view statement;  // one sentence for `keelson sim list`
  // What it cannot be judged without. Where one of these is not known, nothing of it is evaluated.
  Facts needs = 0;
};

struct Violation {
  std::string invariant;
  Instant at;
  api::Revision revision;
  std::string what;      // the broken statement with the actual values
  std::string decision;  // who decided, with which token, on which basis; empty: a broken state
};

// Something that must still happen before the cluster has converged.
struct Pending {
  std::string invariant;  // "RS-1"
  std::string object;     // "replicasets default/web-5d4f8"
  std::string why;        // "2 of 3 pods are active"
};

enum class Phase : uint8_t {
  faults,      // anything may happen
  converging,  // faults have stopped and users are quiet; the cluster must settle within its bound
  quiet,       // it has settled: nothing but heartbeats may be written any more (GL-1)
};

// What all checks share. Owned by the CheckSuite.
struct CheckContext {
  const Ground& ground;
  const StateModel& state;       // after the event that is being shown
  const InvoluntaryLedger& ledger;
  Phase phase = Phase::faults;
  bool kubernetes_profile = false;
  Instant now{};                 // true time
  std::function<void(Violation)> report;
  Facts facts = fact::all;       // what the ground says it has
  // Objects are shown that were there before the record begins, as creations: nothing is judged by them.
  bool beginning = false;
};

// A request that a simulated client sent to a service, and what became of it.
struct ServiceRequest {
  std::string service;    // "default/web"
  std::string from;       // the node that the client is on
  std::string lost;       // why it was lost; empty: it was answered
  bool promised = false;  // the scenario says that none may be lost
};

class Check {
 public:
  explicit Check(const CheckContext& context) : context_(context) {}
  virtual ~Check() = default;
  Check(const Check&) = delete;
  Check& operator=(const Check&) = delete;

  virtual std::span<const InvariantInfo> invariants() const = 0;

  // A committed event, in revision order; `state()` already contains it (and all of its transaction).
  virtual void on_commit(const store::StoreEvent& event) { (void)event; }
  // What a transaction asked for and what became of it, after its events.
  virtual void on_transaction(const store::Transaction& asked,
                              const Result<store::Committed>& result) {
    (void)asked, (void)result;
  }
  // Calls as clients make them, and the answers to lists and to calls about Leases as they get them.
  virtual void on_called(const Process& client, const api::Request& request) {
    (void)client, (void)request;
  }
  virtual void on_answered(const Process& client, const api::Request& request,
                           const api::Response& response) {
    (void)client, (void)request, (void)response;
  }
  // Streams as they reach clients.
  virtual void on_watch_opened(uint64_t stream, const api::WatchRequest& request,
                               const std::string& client) {
    (void)stream, (void)request, (void)client;
  }
  virtual void on_watch_delivered(uint64_t stream, std::span<const api::WatchEvent> events) {
    (void)stream, (void)events;
  }
  virtual void on_watch_closed(uint64_t stream) { (void)stream; }
  // Ground truth.
  virtual void on_container_started(const std::string& node, const agent::ContainerInfo& info) {
    (void)node, (void)info;
  }
  virtual void on_container_stopped(const std::string& node, const agent::ContainerInfo& info) {
    (void)node, (void)info;
  }
  virtual void on_node_powered(const std::string& node, bool on) { (void)node, (void)on; }
  virtual void on_process_killed(const std::string& process) { (void)process; }
  virtual void on_process_paused(const std::string& process, bool paused) {
    (void)process, (void)paused;
  }
  virtual void on_leader_changed(const std::string& role, const std::string& process,
                                 uint64_t token, bool elected) {
    (void)role, (void)process, (void)token, (void)elected;
  }
  // A client was told that this write had happened.
  virtual void on_promised(const api::ObjectKey& key, api::Revision at) { (void)key, (void)at; }
  virtual void on_beat(const api::Beat& beat) { (void)beat; }
  virtual void on_request(const ServiceRequest& request) { (void)request; }
  virtual void on_phase(Phase phase) { (void)phase; }
  // Each virtual second.
  virtual void on_second() {}
  // What this check still waits for; called while converging. Cheap enough for once a second.
  virtual void pending(std::vector<Pending>& out) { (void)out; }
  // Computes from scratch what is kept incrementally; a difference is a violation of "CHECK".
  virtual void recheck() {}
  virtual void at_end() {}

  uint64_t evaluations(std::size_t index) const {
    return index < evaluated_.size() ? evaluated_[index] : 0;
  }
  // The facts that invariants()[index] lacks; none: it is judged.
  Facts lacks(std::size_t index) const {
    return context_.facts == fact::all ? 0 : invariants()[index].needs & ~context_.facts;
  }

 protected:
  const StateModel& state() const { return context_.state; }
  const CheckContext& context() const { return context_; }
  const Ground& ground() const { return context_.ground; }
  // Counts one evaluation of invariants()[index].
  void evaluated(std::size_t index) {
    if (context_.beginning || lacks(index) != 0) return;
    if (evaluated_.size() <= index) evaluated_.resize(index + 1);
    ++evaluated_[index];
  }
  // Evaluates invariants()[index]: reports a violation if `held` is false. `what` is only called then.
  // Where it cannot be judged it holds.
  template <class What>
  bool check(std::size_t index, bool held, What&& what, const store::StoreEvent* decision = nullptr) {
    if (context_.beginning || lacks(index) != 0) return true;
    evaluated(index);
    if (!held) violated(index, what(), decision);
    return held;
  }
  void violated(std::size_t index, std::string what, const store::StoreEvent* decision = nullptr);

 private:
  const CheckContext& context_;
  std::vector<uint64_t> evaluated_;
};

// "controller-manager-0 as kube-system/controller-manager (token 17) wrote pods default/web-1 at
// revision 204 knowing pods@203 replicasets@201"
std::string describe(const store::StoreEvent& event);

// Whether the write was made by this controller of a controller manager ("replicaset").
bool written_by(const store::StoreEvent& event, std::string_view controller);

}  // namespace keelson::sim
