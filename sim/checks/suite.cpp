#include "sim/checks/suite.hpp"

#include <set>

#include "sim/checks/world_ground.hpp"

namespace keelson::sim {

CheckSuite::CheckSuite(bool kubernetes_profile) : kubernetes_profile_(kubernetes_profile) {}
CheckSuite::~CheckSuite() = default;

Observers CheckSuite::observers() {
  Observers observers;
  observers.world = this;
  observers.clients = this;
  observers.truth = this;
  observers.commits = [this](std::span<const store::StoreEvent> events) { commits(events); };
  observers.transactions = [this](const store::Transaction& asked,
                                  const Result<store::Committed>& result) {
    transaction(asked, result);
  };
  observers.beats = [this](const api::Beat& beat) { this->beat(beat); };
  return observers;
}

void CheckSuite::attach(const World& world) {
  own_ground_ = std::make_unique<WorldGround>(world);
  attach(*own_ground_);
}

void CheckSuite::attach(const Ground& ground) {
  KEELSON_ASSERT(ground_ == nullptr);
  ground_ = &ground;
  context_.reset(new CheckContext{ground, state_, ledger_, Phase::faults, kubernetes_profile_,
                                  Instant{}, [this](Violation v) {
                                    // One broken invariant tends to break again at every event.
                                    if (violations_.size() < 100) violations_.push_back(std::move(v));
                                  }, ground.facts()});
  add_all(*context_, ledger_, checks_);
}

void CheckSuite::add_all(const CheckContext& context, InvoluntaryLedger& ledger, Checks& checks) {
  // The ledger comes before those who read it.
  add_ledger_keeper(context, ledger, checks);
  add_store_checks(context, checks);
  add_leader_checks(context, checks);
  add_scheduler_checks(context, checks);
  add_workload_checks(context, checks);
  add_disruption_checks(context, checks);
  add_node_checks(context, checks);
  add_endpoint_checks(context, checks);
  add_deletion_checks(context, checks);
  add_agent_checks(context, checks);
  add_traffic_checks(context, checks);
  add_global_checks(context, checks);
}

std::vector<InvariantInfo> CheckSuite::all_invariants() {
  // The checks say it themselves; they need a world to exist, however small.
  CheckSuite suite(false);
  World world(WorldOptions{}, suite.observers());
  suite.attach(world);
  std::vector<InvariantInfo> all;
  for (const auto& check : suite.checks_) {
    for (const InvariantInfo& info : check->invariants()) all.push_back(info);
  }
  return all;
}

void CheckSuite::touch() {
  KEELSON_ASSERT(ground_ != nullptr);
  context_->now = ground_->now();
}

void CheckSuite::commits(std::span<const store::StoreEvent> events) {
  touch();
  for (const store::StoreEvent& event : events) state_.apply(event);
  for (const store::StoreEvent& event : events) {
    for (auto& check : checks_) check->on_commit(event);
  }
}

void CheckSuite::beat(const api::Beat& beat) {
  touch();
  for (auto& check : checks_) check->on_beat(beat);
}

void CheckSuite::promised(const api::ObjectKey& key, api::Revision at) {
  touch();
  for (auto& check : checks_) check->on_promised(key, at);
}

void CheckSuite::transaction(const store::Transaction& asked,
                             const Result<store::Committed>& result) {
  touch();
  for (auto& check : checks_) check->on_transaction(asked, result);
}

void CheckSuite::called(const Process& client, const api::Request& request) {
  touch();
  for (auto& check : checks_) check->on_called(client, request);
}

void CheckSuite::answered(const Process& client, const api::Request& request,
                          const api::Response& response) {
  touch();
  for (auto& check : checks_) check->on_answered(client, request, response);
}

void CheckSuite::set_phase(Phase phase) {
  touch();
  context_->phase = phase;
  for (auto& check : checks_) check->on_phase(phase);
}

void CheckSuite::requested(const ServiceRequest& request) {
  touch();
  for (auto& check : checks_) check->on_request(request);
}

void CheckSuite::second() {
  touch();
  for (auto& check : checks_) check->on_second();
}

void CheckSuite::recheck() {
  touch();
  for (auto& check : checks_) check->recheck();
}

void CheckSuite::at_end() {
  touch();
  for (auto& check : checks_) check->at_end();
}

std::vector<Pending> CheckSuite::pending() {
  touch();
  std::vector<Pending> out;
  for (auto& check : checks_) check->pending(out);
  if (context_->facts == fact::all) return out;
  // What cannot be judged cannot be waited for.
  std::set<std::string_view> judged;
  for (const InvariantCount& count : counts()) {
    if (count.lacks == 0) judged.insert(count.id);
  }
  std::erase_if(out, [&](const Pending& one) { return !judged.contains(one.invariant); });
  return out;
}

std::vector<InvariantCount> CheckSuite::counts() const {
  std::vector<InvariantCount> out;
  for (const auto& check : checks_) {
    const auto invariants = check->invariants();
    for (std::size_t i = 0; i < invariants.size(); ++i) {
      out.push_back({invariants[i].id, invariants[i].statement, check->evaluations(i), check->lacks(i)});
    }
  }
  return out;
}

void CheckSuite::watch_opened(uint64_t stream, const api::WatchRequest& request,
                              const std::string& client) {
  touch();
  for (auto& check : checks_) check->on_watch_opened(stream, request, client);
}

void CheckSuite::watch_delivered(uint64_t stream, std::span<const api::WatchEvent> events) {
  touch();
  for (auto& check : checks_) check->on_watch_delivered(stream, events);
}

void CheckSuite::watch_closed(uint64_t stream) {
  touch();
  for (auto& check : checks_) check->on_watch_closed(stream);
}

void CheckSuite::container_started(const std::string& node, const agent::ContainerInfo& info) {
  touch();
  for (auto& check : checks_) check->on_container_started(node, info);
}

void CheckSuite::container_stopped(const std::string& node, const agent::ContainerInfo& info) {
  touch();
  for (auto& check : checks_) check->on_container_stopped(node, info);
}

void CheckSuite::node_powered(const std::string& node, bool on) {
  touch();
  for (auto& check : checks_) check->on_node_powered(node, on);
}

void CheckSuite::process_killed(const std::string& process) {
  touch();
  for (auto& check : checks_) check->on_process_killed(process);
}

void CheckSuite::process_paused(const std::string& process, bool paused) {
  touch();
  for (auto& check : checks_) check->on_process_paused(process, paused);
}

void CheckSuite::leader_changed(const std::string& role, const std::string& process,
                                uint64_t token, bool elected) {
  touch();
  for (auto& check : checks_) check->on_leader_changed(role, process, token, elected);
}

}  // namespace keelson::sim
