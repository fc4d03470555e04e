// All checks of a run, simulated or recorded: feeds them, counts, and collects what they report. A World
// feeds it through its observers; recorded.hpp does it by hand.
#pragma once

#include <memory>
#include <vector>

#include "sim/checks/check.hpp"
#include "sim/world/world.hpp"

namespace keelson::sim {

struct InvariantCount {
  std::string_view id;
  std::string_view statement;
  uint64_t evaluations = 0;
  Facts lacks = 0;  // without these it was not judged
};

class CheckSuite final : private ClientObserver, private GroundTruthObserver, private WorldObserver {
 public:
  explicit CheckSuite(bool kubernetes_profile);
  ~CheckSuite();

  // To be given to the World's constructor; attach() once it exists.
  Observers observers();
  void attach(const World& world);
  // The cluster whose truth this is; it must outlive the suite.
  void attach(const Ground& ground);

  void set_phase(Phase phase);
  // The traffic's clients tell what became of their requests.
  void requested(const ServiceRequest& request);
  Phase phase() const { return context_->phase; }
  // Each virtual second, after the events of that second.
  void second();
  // From-scratch recomputation by every check.
  void recheck();
  void at_end();
  std::vector<Pending> pending();

  // Every invariant that is checked, for people to read.
  static std::vector<InvariantInfo> all_invariants();
  const std::vector<Violation>& violations() const { return violations_; }
  std::vector<InvariantCount> counts() const;
  const StateModel& state() const { return state_; }
  const InvoluntaryLedger& ledger() const { return ledger_; }

  // --- What is shown to the checks ------------------------------------------------------------------
  // True: what is committed next was there before the record begins (CheckContext::beginning).
  void beginning(bool so) { context_->beginning = so; }
  void commits(std::span<const store::StoreEvent> events);
  void beat(const api::Beat& beat);
  void promised(const api::ObjectKey& key, api::Revision at);
  void transaction(const store::Transaction& asked, const Result<store::Committed>& result);
  void called(const Process& client, const api::Request& request) override;
  void answered(const Process& client, const api::Request& request,
                const api::Response& response) override;
  void watch_opened(uint64_t stream, const api::WatchRequest& request,
                    const std::string& client) override;
  void watch_delivered(uint64_t stream, std::span<const api::WatchEvent> events) override;
  void watch_closed(uint64_t stream) override;
  void container_started(const std::string& node, const agent::ContainerInfo& info) override;
  void container_stopped(const std::string& node, const agent::ContainerInfo& info) override;
  void node_powered(const std::string& node, bool on) override;
  void process_killed(const std::string& process) override;
  void process_paused(const std::string& process, bool paused) override;
  void leader_changed(const std::string& role, const std::string& process, uint64_t token,
                      bool elected) override;

 private:
  void touch();
  static void add_all(const CheckContext& context, InvoluntaryLedger& ledger,
                      std::vector<std::unique_ptr<Check>>& checks);

  bool kubernetes_profile_;
  std::unique_ptr<Ground> own_ground_;  // of a World
  const Ground* ground_ = nullptr;
  StateModel state_;
  InvoluntaryLedger ledger_;
  std::unique_ptr<CheckContext> context_;
  std::vector<std::unique_ptr<Check>> checks_;
  std::vector<Violation> violations_;
};

// The checks, by area. `ledger` is the one behind the context's: the node checks keep it.
using Checks = std::vector<std::unique_ptr<Check>>;
void add_store_checks(const CheckContext& context, Checks& checks);      // ST-*
void add_leader_checks(const CheckContext& context, Checks& checks);     // LE-*
void add_scheduler_checks(const CheckContext& context, Checks& checks);  // SC-*
void add_ledger_keeper(const CheckContext& context, InvoluntaryLedger& ledger, Checks& checks);
void add_workload_checks(const CheckContext& context, Checks& checks);   // RS-*, DP-*
void add_disruption_checks(const CheckContext& context, Checks& checks); // PD-*
void add_node_checks(const CheckContext& context, Checks& checks);       // NL-*
void add_endpoint_checks(const CheckContext& context, Checks& checks);   // EP-*
void add_deletion_checks(const CheckContext& context, Checks& checks);   // GC-*
void add_agent_checks(const CheckContext& context, Checks& checks);      // NA-*
void add_traffic_checks(const CheckContext& context, Checks& checks);    // ZD-*
void add_global_checks(const CheckContext& context, Checks& checks);     // GL-*

}  // namespace keelson::sim
